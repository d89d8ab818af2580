import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from dbdump.errors import ConnectionLostError, SourceError, TableError
from dbdump.schema import TableSchema
from dbdump.sources.sqlite import SqliteSource, connect
from dbdump.sources.sqlite import database as opening
from legacy.errors import AntaresLegacyError

Make = Callable[..., Path]
Open = Callable[[Path], SqliteSource]


@pytest.mark.parametrize(
    ("url", "message", "code"),
    [
        ("sqlite://", "is no file", 2),
        ("sqlite:///:memory:", "is no file", 2),
        ("sqlite:///file:x.db?uri=true", "is no file", 2),
        ("sqlite:////no/such/file.sqlite", "No such file", 3),
        ("sqlite:////tmp", "is no file; give", 3),
        ("sqlite:////tmp/x.db?mode=rw&vfs=unix", "takes no options here .found mode, vfs", 2),
    ],
)
def test_urls_that_are_no_file(url: str, message: str, code: int) -> None:
    with pytest.raises(AntaresLegacyError, match=message) as caught:
        connect(make_url(url))
    assert caught.value.exit_code == code


def test_what_is_no_database(tmp_path: Path, opened: Open) -> None:
    path = tmp_path / "list.txt"
    path.write_text("run,rate\n" * 100)
    with pytest.raises(SourceError, match=r"list.txt: is no SQLite database, or an encrypted one"):
        opened(path)
    path.write_bytes(b"")
    with pytest.raises(SourceError, match="the file is empty"):
        opened(path)


def test_a_file_that_is_cut_off(make: Make, opened: Open) -> None:
    path = make("CREATE TABLE t (x)", ("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 100))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2 // 4096 * 4096])
    with pytest.raises(SourceError, match=r"damaged or cut off .*\.recover"):
        opened(path)


def test_damage_in_one_table_leaves_the_others(make: Make, opened: Open, table_of: Callable[..., TableSchema]) -> None:
    path = make(
        "CREATE TABLE bad (x)",
        ("INSERT INTO bad VALUES (?)", [("x" * 1000,)] * 100),
        "CREATE TABLE good (x)",
        "INSERT INTO good VALUES (1)",
    )
    connection = sqlite3.connect(path)
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'bad'").fetchone()
    connection.close()
    content = bytearray(path.read_bytes())
    content[4096 * (root - 1) : 4096 * root] = b"\xff" * 4096
    path.write_bytes(content)
    source = opened(path)
    assert source.count(table_of(source, "good")) == 1
    with pytest.raises(TableError, match=r"main\.bad: the file is damaged"):
        source.count(table_of(source, "bad"))


@pytest.mark.parametrize("name", ["50% #1?.db", "año è.db", "a b;'\"&.db"])
def test_names_of_files_that_mean_something_in_a_uri(make: Make, opened: Open, name: str) -> None:
    source = opened(make("CREATE TABLE t (x)", name=name))
    assert source.facts().database == name
    assert [table.name.name for table in source.reflect(source.schemas()).tables] == ["t"]


def test_a_relative_path(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make("CREATE TABLE t (x)")
    monkeypatch.chdir(path.parent)
    source = connect(make_url("sqlite:///source.sqlite"))
    monkeypatch.chdir("/")
    assert [table.name.name for table in source.reflect(["main"]).tables] == ["t"]
    source.close()


def test_nothing_can_be_written(make: Make, opened: Open) -> None:
    path = make("CREATE TABLE t (x)")
    before = path.read_bytes()
    source = opened(path)
    for query_only in ("ON", "OFF"):  # the file itself is open only for reading
        source._database.rows(f"PRAGMA query_only = {query_only}")
        for statement in ("INSERT INTO t VALUES (1)", "DROP TABLE t"):
            with pytest.raises(SourceError, match="readonly"):
                source._database.rows(statement)
    assert path.read_bytes() == before


def test_facts(make: Make, opened: Open) -> None:
    facts = opened(make("PRAGMA encoding = 'UTF-16le'", "CREATE TABLE t (x)")).facts()
    assert (facts.kind, facts.charset, facts.snapshots) == ("sqlite", "UTF-16le", ("readonly",))
    assert facts.version == sqlite3.sqlite_version
    assert facts.driver.startswith("sqlite3 of Python 3.")


def test_a_writer_that_keeps_the_file_locked(
    make: Make, opened: Open, monkeypatch: pytest.MonkeyPatch, table_of: Callable[..., TableSchema]
) -> None:
    monkeypatch.setattr(opening, "_PATIENCE_SECONDS", 0.05)
    path = make("CREATE TABLE t (x)")
    source = opened(path)
    table = table_of(source)
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(ConnectionLostError, match="another program is writing"):
            source.count(table)
    finally:
        writer.close()
    assert source.count(table) == 0


def test_a_writer_that_was_interrupted(make: Make, opened: Open, tmp_path: Path) -> None:
    """Its journal must be rolled back, which needs the right to write."""
    path = make("CREATE TABLE t (x)", ("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 2000))
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 10")
    writer.execute("BEGIN")
    writer.execute("UPDATE t SET x = 'y'")
    killed = tmp_path / "killed.sqlite"
    killed.write_bytes(path.read_bytes())
    journal = path.with_name("source.sqlite-journal").read_bytes()
    writer.close()
    assert journal[:8] == b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    killed.with_name("killed.sqlite-journal").write_bytes(journal)
    with pytest.raises(SourceError, match=r"only for reading .* open the copy once with the program sqlite3"):
        opened(killed)


def test_functions_of_the_file_are_not_trusted(make: Make, opened: Open) -> None:
    path = make("CREATE TABLE t (x)", "CREATE VIEW v AS SELECT load_extension('evil') AS x FROM t")
    source = opened(path)
    schema = source.reflect(["main"])
    assert schema.views[0].text.startswith("CREATE VIEW v AS SELECT load_extension")
    with pytest.raises(SourceError, match="unsafe use of load_extension"):
        source._database.rows("SELECT * FROM v")
