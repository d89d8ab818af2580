"""A selection is never written into the image that it is made of, sealed or not: root may write anywhere."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from dbdump.books.cli import to_sqlite
from dbdump.dump.options import Content, Manner
from dbdump.dump.run import Told, dump
from dbdump.image import CATALOG
from dbdump.sources.opening import Access
from legacy.errors import UsageError


def nothing(*_: object) -> None:
    return None


@pytest.mark.parametrize("name", [CATALOG, "parquet/new.sqlite"])
def test_it_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, image = tmp_path / "source.sqlite", tmp_path / "image"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table t (a text)")
        connection.commit()
    dump(Access(f"sqlite:///{path}"), image, Content(), Manner(jobs=1), Told(nothing, nothing, nothing, nothing))
    before = (image / CATALOG).read_bytes()
    monkeypatch.chdir(image)
    with pytest.raises(UsageError, match="would lie in the image"):
        to_sqlite(tmp_path / "image", Path(name), overwrite=True)
    assert (image / CATALOG).read_bytes() == before
    assert not (image / "parquet" / "new.sqlite").exists()
