"""A table with columns that are called like companions of others is dumped with all of them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq

from dbdump.dump.options import Content, Manner
from dbdump.dump.run import Told, dump
from dbdump.image import open_image
from dbdump.sources.opening import Access, connect
from dbdump.verify.levels import Extent, verify
from dbdump.verify.offline import verify_offline


def nothing(*_: object) -> None:
    return None


def test_all_columns_are_there_and_the_image_is_the_same(tmp_path: Path) -> None:
    path, image = tmp_path / "source.sqlite", tmp_path / "image"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute('create table t (a, "A__CLASS" text, b blob, b__lob text, "b__lob_2" text, b__size integer)')
        rows = [(1, "mine", b"x" * 50, "mine too", None, 7), ("one", None, b"y", None, "and mine", None)]
        connection.executemany("insert into t values (?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
    access = Access(f"sqlite:///{path}")
    content = Content(lob_threshold=10, format="both")
    manifest = dump(access, image, content, Manner(jobs=1), Told(nothing, nothing, nothing, nothing))
    assert manifest.complete
    stored = pq.read_table(image / manifest.tables[0].parts[0].file.path).to_pylist()
    assert [row["A__CLASS"] for row in stored] == ["mine", None]
    assert [row["a__class_2"] for row in stored] == ["integer", "text"]
    assert [row["b__lob"] for row in stored] == ["mine too", None]
    assert [row["b__size"] for row in stored] == [7, None]
    assert [row["b__size_2"] for row in stored] == [50, 1]
    assert open_image(image).lob_path(stored[0]["b__lob_3"]).read_bytes() == b"x" * 50
    source = connect(access)
    try:
        assert not verify(open_image(image), source, Extent(2, jobs=1)).failed
    finally:
        source.close()
    assert not verify_offline(open_image(image)).failed


def test_offline_says_that_a_table_is_not_in_the_image(tmp_path: Path) -> None:
    path, image = tmp_path / "source.sqlite", tmp_path / "image"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("create table good (a integer)")
        connection.execute("create table bad (t text)")
        connection.execute("insert into bad values (cast(x'ff41' as text))")
        connection.commit()
    dump(Access(f"sqlite:///{path}"), image, Content(), Manner(jobs=1), Told(nothing, nothing, nothing, nothing))
    assert "nothing wrong, but 1 table not in the image" in verify_offline(open_image(image)).to_text()[-1]
