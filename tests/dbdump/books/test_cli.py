"""The commands query, to-sqlite and seal as they are typed; how errors become exit codes is for tests of `legacy`."""

import json
import runpy
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from dbdump.books import write_books
from dbdump.books.cli import query, seal, to_sqlite
from dbdump.image import Image
from dbdump.seal import is_sealed
from legacy.errors import UsageError

made = runpy.run_path(str(Path(__file__).parent / "small_image.py"))
app = typer.Typer()
app.command()(query)
app.command()(seal)
app.command()(to_sqlite)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    opened: Image = made["make_image"](tmp_path / "image")
    return Image(opened.folder, write_books(opened.folder, opened.manifest, lambda text: None))


def run(*arguments: object) -> Any:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done


def test_query_as_table_json_and_csv(image: Image) -> None:
    sql = "SELECT RUN_ID, LIVETIME FROM ENV.RUN ORDER BY 1 DESC LIMIT 2"
    lines = run("query", image.folder, sql).stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["RUN_ID", "LIVETIME"],
        ["------", "--------------"],
        ["3", "-99999999.9999"],
        ["2", "NULL"],
    ]
    rows = json.loads(run("query", image.folder, sql, "--json").stdout)
    assert rows == [{"RUN_ID": 3, "LIVETIME": "-99999999.9999"}, {"RUN_ID": 2, "LIVETIME": None}]
    assert run("query", image.folder, sql, "--csv").stdout == "RUN_ID,LIVETIME\n3,-99999999.9999\n2,\n"
    assert json.loads(run("query", image.folder, f"{sql} OFFSET 5", "--json").stdout) == []


def test_query_takes_one_form(image: Image) -> None:
    with pytest.raises(UsageError, match="choose one"):
        run("query", image.folder, "SELECT 1", "--json", "--csv")


def test_to_sqlite(image: Image, tmp_path: Path) -> None:
    target = tmp_path / "some.sqlite"
    done = run("to-sqlite", image.folder, "-o", target, "--table", "ENV.RUN", "--where", "ENV.RUN: RUN_ID > 1")
    assert f"{target}: 1 tables, 2 rows" in done.output
    with closing(sqlite3.connect(target)) as database:
        assert database.execute("SELECT RUN_ID FROM RUN").fetchall() == [(2,), (3,)]
    with pytest.raises(UsageError, match="--overwrite"):
        run("to-sqlite", image.folder, "-o", target)
    run("to-sqlite", image.folder, "-o", target, "--overwrite", "--limit", 1)
    with closing(sqlite3.connect(target)) as database:
        assert database.execute("SELECT count(*) FROM FILES").fetchall() == [(1,)]
    with pytest.raises(UsageError, match="its folder does not exist"):
        run("to-sqlite", image.folder, "-o", tmp_path / "none" / "x")
    with pytest.raises(UsageError, match="is there already"):
        run("to-sqlite", image.folder, "-o", tmp_path, "--overwrite")


def test_seal(image: Image) -> None:
    (image.folder / "notes.txt").write_text("mine")
    done = run("seal", image.folder)
    try:
        assert "not part of the image: notes.txt" in done.output
        assert "are as they were written" in done.output
        assert is_sealed(image.folder)
    finally:
        for place in [image.folder, *(path for path in image.folder.rglob("*") if path.is_dir())]:
            place.chmod(0o755)


def test_help_loads_nothing_heavy() -> None:
    heavy = ("pyarrow", "duckdb", "numpy", "adbc_driver_sqlite", "adbc_driver_manager", "sqlite3")
    code = f"import sys, dbdump.books.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
