"""`dbdump status`: what it says is true of the files that are there."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dbdump.image import CATALOG, LOBS, MANIFEST, PARQUET, README, SQLITE


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "source.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table a (id integer primary key, content blob)")
        connection.executemany("insert into a values (?, ?)", [(n, bytes([n]) * 400) for n in range(10)])
        connection.execute("create table b (x text)")
        connection.execute("insert into b values ('x')")
    return path


@pytest.fixture
def dumped(database: Path, tmp_path: Path, cli: Callable[..., Any]) -> Callable[[str], Path]:
    def dump(form: str) -> Path:
        image = tmp_path / "image"
        options = ("--lob-threshold", 100, "--format", form, "--jobs", 1)
        assert cli("dbdump", "dump", f"sqlite:///{database}", "-o", image, *options).code == 0
        return image

    return dump


@pytest.mark.parametrize("form", ["parquet", "both", "sqlite"])
def test_a_whole_image_is_complete(form: str, dumped: Callable[[str], Path], cli: Callable[..., Any]) -> None:
    image = dumped(form)
    ran = cli("dbdump", "status", image)
    assert ran.code == 0
    assert ran.out.rstrip().endswith("; complete")
    found = json.loads(cli("dbdump", "status", image, "--json").out)
    assert (found["finished"], found["complete"], found["missing"]) == (True, True, [])
    assert all(table["size"] > 0 for table in found["tables"])


DATA = [("parquet", PARQUET), ("parquet", LOBS), ("both", SQLITE), ("sqlite", SQLITE)]
# Their sizes stand nowhere: what is cut short there, verify --offline finds.
BOOKS = [("parquet", CATALOG), ("sqlite", README)]


@pytest.mark.parametrize(
    ("damage", "form", "lost"),
    [*(("gone", *file) for file in DATA + BOOKS), *(("cut short", *file) for file in DATA)],
)
def test_files_that_are_missing_are_told(
    damage: str, form: str, lost: str, dumped: Callable[[str], Path], cli: Callable[..., Any]
) -> None:
    image = dumped(form)
    path = image / lost
    if path.is_dir():
        path = next(file for file in sorted(path.rglob("*")) if file.is_file())
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    ran = cli("dbdump", "status", image)
    assert ran.code == 1
    assert f"missing: {lost}" in ran.out
    assert "1 file is missing or cut short: restore a copy, or run the same dump command" in ran.out
    found = json.loads(cli("dbdump", "status", image, "--json").out)
    assert (found["finished"], found["complete"], len(found["missing"])) == (True, False, 1)


def test_many_missing_files_are_counted(dumped: Callable[[str], Path], cli: Callable[..., Any]) -> None:
    image = dumped("parquet")
    for path in [path for path in image.rglob("*") if path.is_file() and path.suffix in (".parquet", ".md", ".sqlite")]:
        path.unlink()
    for name in ("datapackage.json", "manifest.jsonl", "checksums.sha256"):
        (image / name).unlink()
    ran = cli("dbdump", "status", image)
    assert ran.code == 1
    assert "missing: and 2 more files" in ran.out
    assert "7 files are missing or cut short" in ran.out


def test_parts_of_a_dump_that_goes_on_are_looked_for_too(
    dumped: Callable[[str], Path], cli: Callable[..., Any]
) -> None:
    image = dumped("sqlite")
    (image / MANIFEST).unlink()  # the journal names parts that were moved into SQLite
    ran = cli("dbdump", "status", image)
    assert ran.code == 1
    assert "2 files are missing" in ran.out
    image = dumped("sqlite")
    assert cli("dbdump", "status", image).code == 0
