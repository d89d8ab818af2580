import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dbdump.errors import SnapshotExpiredError, SourceError
from dbdump.plan import Snapshot
from dbdump.schema import TableName, TableSchema
from dbdump.sources.sqlite import SqliteSource, state
from dbdump.sources.sqlite import source as source_module

Make = Callable[..., Path]
Open = Callable[[Path], SqliteSource]
Find = Callable[..., TableSchema]


@pytest.fixture
def logged(make: Make) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """A database with a write-ahead log, and a writer that keeps it alive."""
    path = make("CREATE TABLE t (x)", "INSERT INTO t VALUES (1)")
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("INSERT INTO t VALUES (2)")
    yield path, writer
    writer.close()


def test_readers_hold_off_a_writer(make: Make, opened: Open, table_of: Find) -> None:
    path = make("CREATE TABLE t (x)")
    first, second = opened(path), opened(path)
    snapshot = first.begin("readonly")
    assert snapshot.mode == "readonly"
    assert snapshot.taken.endswith("Z")
    second.join(snapshot)
    writer = sqlite3.connect(path, timeout=0.01, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        writer.execute("INSERT INTO t VALUES (1)")
    second.close()
    first.close()
    writer.execute("INSERT INTO t VALUES (1)")
    writer.close()
    late = opened(path)
    with pytest.raises(SnapshotExpiredError, match="was written to since the dump began at"):
        late.join(snapshot)
    assert late.count(table_of(late)) == 1  # it is not left in a transaction


def test_opening_and_closing_another_source_keeps_the_lock(make: Make, opened: Open) -> None:
    """POSIX drops all locks of a process on a file when any descriptor of the file is closed."""
    path = make("CREATE TABLE t (x)")
    first = opened(path)
    snapshot = first.begin("readonly")
    second = opened(path)
    second.join(snapshot)
    second.change_mark(TableName("main", "t"))
    second.close()
    writer = sqlite3.connect(path, timeout=0.01, isolation_level=None)
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        writer.execute("INSERT INTO t VALUES (1)")
    writer.close()


def test_a_log_lets_writers_go_on(logged: tuple[Path, sqlite3.Connection], opened: Open, table_of: Find) -> None:
    path, writer = logged
    first = opened(path)
    snapshot = first.begin("readonly")
    assert snapshot.token.startswith("wal:")
    joined = opened(path)
    joined.join(snapshot)
    writer.execute("INSERT INTO t VALUES (3)")
    assert [source.count(table_of(source)) for source in (first, joined)] == [2, 2]
    with pytest.raises(SnapshotExpiredError):
        opened(path).join(snapshot)


def test_a_checkpoint_is_no_change(logged: tuple[Path, sqlite3.Connection], opened: Open) -> None:
    path, writer = logged
    snapshot = opened(path).begin("readonly")
    writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
    opened(path).join(snapshot)


def test_pages_that_are_not_committed_are_no_change(logged: tuple[Path, sqlite3.Connection]) -> None:
    path, writer = logged
    before = state.file_state(path)
    size = path.with_name(path.name + "-wal").stat().st_size
    writer.execute("PRAGMA cache_size = 5")
    writer.execute("BEGIN")
    writer.executemany("INSERT INTO t VALUES (?)", [("x" * 1000,)] * 500)
    assert path.with_name(path.name + "-wal").stat().st_size > size
    assert state.file_state(path) == before
    writer.execute("COMMIT")
    assert state.file_state(path) != before


def test_a_log_that_is_started_again_is_a_change(logged: tuple[Path, sqlite3.Connection]) -> None:
    path, writer = logged
    seen = {state.file_state(path)}
    for number in range(3):
        writer.execute("PRAGMA wal_checkpoint(RESTART)")
        writer.execute("INSERT INTO t VALUES (?)", (number,))
        seen.add(state.file_state(path))
    assert len(seen) == 4


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 4096, b"\x37\x7f\x06\x82" + b"\xff" * 60])
def test_a_log_that_is_none(make: Make, content: bytes) -> None:
    path = make("CREATE TABLE t (x)")
    path.with_name(path.name + "-wal").write_bytes(content)
    assert state.file_state(path).startswith("file:")


def test_begin_waits_until_the_log_is_quiet(logged: tuple[Path, sqlite3.Connection], opened: Open) -> None:
    path, writer = logged
    source = opened(path)
    writer.execute("INSERT INTO t VALUES (5)")
    began = time.monotonic()
    source.begin("readonly")
    assert time.monotonic() - began > state._QUIET_SECONDS / 2


def test_a_file_that_is_written_to_all_the_time(
    make: Make, opened: Open, monkeypatch: pytest.MonkeyPatch, table_of: Find
) -> None:
    # A mock, because a writer that always hits the moment between two statements cannot be had.
    source = opened(make("CREATE TABLE t (x)"))
    states = iter(range(100))
    monkeypatch.setattr(source_module, "file_state", lambda path: str(next(states)))
    with pytest.raises(SourceError, match=r"all the time.*--snapshot none"):
        source.begin("readonly")
    assert source.count(table_of(source)) == 0


def test_modes(make: Make, opened: Open) -> None:
    source = opened(make("CREATE TABLE t (x)"))
    with pytest.raises(SourceError, match="'scn'; use --snapshot readonly"):
        source.begin("scn")
    none = source.begin("none")
    assert (none.mode, none.token) == ("none", "")
    source.join(Snapshot("none"))


def test_the_mark_of_a_change(make: Make, opened: Open) -> None:
    path = make("CREATE TABLE t (x)")
    source = opened(path)
    before = source.change_mark(TableName("main", "t"))
    assert before == source.change_mark(TableName("main", "t"))
    writer = sqlite3.connect(path)
    writer.execute("INSERT INTO t VALUES (1)")
    writer.commit()
    writer.close()
    assert source.change_mark(TableName("main", "t")) != before
