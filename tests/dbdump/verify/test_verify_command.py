"""`dbdump verify` as a user runs it."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dbdump.image import Image
from dbdump.sources.opening import Access

Cli = Callable[..., Any]


@pytest.fixture
def sea(tmp_path: Path, dumped: Callable[[Access, Path], Image]) -> tuple[str, Path]:
    """A small database and its image."""
    path = tmp_path / "sea.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE ctd (id INTEGER PRIMARY KEY, temp REAL)")
        database.executemany("INSERT INTO ctd VALUES (?, ?)", [(n, n / 4) for n in range(40)])
    dumped(Access(f"sqlite:///{path}"), tmp_path / "image")
    return f"sqlite:///{path}", tmp_path / "image"


def test_same(cli: Cli, sea: tuple[str, Path]) -> None:
    url, image = sea
    ran = cli("dbdump", "verify", image, "--url", url)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines()[0] == "main.ctd: same (40 rows, 2 columns)"
    assert "nothing wrong (1 table, level 1 against sqlite" in ran.err


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_json_and_url_from_the_environment(
    cli: Cli, sea: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, level: int
) -> None:
    url, image = sea
    monkeypatch.setenv("ANTARES_LEGACY_DB_URL", url)
    ran = cli("dbdump", "verify", image, "--level", level, "--json", "--jobs", 1)
    assert ran.code == 0
    report = json.loads(ran.out)
    assert (report["level"], report["failed"], report["tables"][0]["source_rows"]) == (str(level), False, 40)
    assert report["tables"][0]["values"] == (80 if level == 3 else 0)
    assert ran.err == ""


def test_difference(cli: Cli, sea: tuple[str, Path]) -> None:
    url, image = sea
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE ctd SET temp = 99 WHERE id = 3")
    ran = cli("-q", "dbdump", "verify", image, "--url", url, "--json")
    assert ran.code == 1
    differences = json.loads(ran.out)["tables"][0]["differences"]
    assert [(one["column"], one["fact"], one["source"], one["image"]) for one in differences] == [
        ("temp", "high", "99.0", "9.75"),
        ("temp", "total", "293.25", "195.0"),
    ]
    assert "main.ctd, column temp: high: source 99.0, image 9.75" in ran.err


def test_offline(cli: Cli, sea: tuple[str, Path]) -> None:
    _, image = sea
    assert cli("dbdump", "verify", image, "--offline", "--table", "ctd").code == 0
    part = image / "parquet/main/ctd/part-00000.parquet"
    os.truncate(part, part.stat().st_size // 2)
    ran = cli("dbdump", "verify", image, "--offline", "--json")
    assert ran.code == 1
    report = json.loads(ran.out)
    assert report["failed"]
    assert report["tables"][0]["faults"][0]["path"] == "parquet/main/ctd/part-00000.parquet"
    assert "parquet/main/ctd/part-00000.parquet: cut short" in ran.err


def test_wrong_use(cli: Cli, sea: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    url, image = sea
    monkeypatch.delenv("ANTARES_LEGACY_DB_URL", raising=False)
    ran = cli("dbdump", "verify", image)
    assert ran.code == 2
    assert "give --url URL, or set ANTARES_LEGACY_DB_URL; --offline checks" in ran.err
    assert cli("dbdump", "verify", image, "--offline", "--url", url).code == 2
    assert cli("dbdump", "verify", image, "--offline", "--level", 1).code == 2
    assert cli("dbdump", "verify", image, "--url", url, "--level", 4).code == 2
    ran = cli("dbdump", "verify", tmp_path / "nothing", "--offline")
    assert ran.code == 1
    assert "no manifest.json" in ran.err
    ran = cli("dbdump", "verify", image, "--offline", "--table", "ctx")
    assert ran.code == 1
    assert "known are: main.ctd" in ran.err


def test_source_is_away(cli: Cli, sea: tuple[str, Path], tmp_path: Path) -> None:
    ran = cli("dbdump", "verify", sea[1], "--url", f"sqlite:///{tmp_path}/gone.sqlite")
    assert ran.code == 3
    assert "gone.sqlite" in ran.err


def test_edited_manifest(cli: Cli, sea: tuple[str, Path]) -> None:
    path = sea[1] / "manifest.json"
    path.write_text(path.read_text().replace('"complete": true', '"complete": false'))
    ran = cli("dbdump", "verify", sea[1], "--offline")
    assert ran.code == 1
    assert "manifest.json: it was changed after it was written" in ran.err
