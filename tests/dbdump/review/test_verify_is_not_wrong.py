"""A verification that finds a difference where there is none is believed once only."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dbdump.dump.options import Content, Manner
from dbdump.dump.run import Told, dump
from dbdump.image import open_image
from dbdump.sources.opening import Access, connect
from dbdump.verify.levels import Extent, verify


def nothing(*_: object) -> None:
    return None


@pytest.mark.parametrize("level", [1, 2])
def test_an_empty_table_of_a_file_in_utf16(level: int, tmp_path: Path) -> None:
    """SQLite never calls a function that adds up no rows."""
    path, image = tmp_path / "source.sqlite", tmp_path / "image"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'")
        connection.execute("create table t (a text, b numeric(5, 2))")
        connection.commit()
    access = Access(f"sqlite:///{path}")
    dump(access, image, Content(), Manner(jobs=1), Told(nothing, nothing, nothing, nothing))
    source = connect(access)
    try:
        assert not verify(open_image(image), source, Extent(level, jobs=1)).failed
    finally:
        source.close()
