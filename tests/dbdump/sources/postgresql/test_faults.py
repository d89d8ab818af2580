"""A real PostgreSQL that refuses, changes, or goes away."""

import time
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from dbdump.errors import (
    ConnectionLostError,
    SnapshotExpiredError,
    SourceError,
    TableDeniedError,
    TableError,
    TableGoneError,
)
from dbdump.plan import Snapshot
from dbdump.sources.contract import Reading
from dbdump.sources.postgresql.source import connect
from legacy.errors import AntaresLegacyError, UsageError

pytestmark = pytest.mark.postgresql


@pytest.fixture
def filled(database: Any) -> Any:
    database.run("CREATE TABLE t (n int, x text)", "INSERT INTO t SELECT i, 'x' FROM generate_series(1, 50000) i")
    return database


@pytest.fixture
def reader(filled: Any) -> Iterator[Any]:
    """An account of its own that may read `t` only."""
    name, password = f"r{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    filled.run(
        f"CREATE ROLE {name} LOGIN PASSWORD '{password}'",
        f"GRANT USAGE ON SCHEMA {filled.schema} TO {name}",
        f"GRANT SELECT ON t TO {name}",
    )
    opened = connect(filled.url.set(username=name), password)
    yield opened
    opened.close()
    filled.run(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def rows(source: Any, plan: Any, lobs: Any) -> int:
    return sum(b.num_rows for chunk in plan.chunks for b in source.read(plan, chunk, Reading(), lobs))


@pytest.mark.parametrize(
    ("changes", "password", "advice"),
    [
        ({}, "wrong-secret", "check the user and the password"),
        ({"username": "nobody_here"}, "wrong-secret", "check the user and the password"),
        ({"host": "no-such-host.invalid"}, "wrong-secret", "no such host"),
        ({"port": 1}, "wrong-secret", "nothing listens there"),
        ({"database": "no_such_database"}, None, "check the name of the database"),
    ],
)
def test_no_connection(database: Any, changes: Any, password: str | None, advice: str) -> None:
    url = database.url.set(**changes)
    with pytest.raises(SourceError, match=advice) as caught:
        connect(url, password or url.password)
    told = "".join(str(e) for e in (caught.value, caught.value.__cause__))
    assert "wrong-secret" not in told
    assert database.url.password not in told


def test_options_of_the_url(database: Any) -> None:
    url = database.url
    connect(url.update_query_dict({"connect_timeout": "5", "application_name": "mine"}), url.password).close()
    bare = url.set(host="", port=None).update_query_dict({"host": url.host, "port": str(url.port)})
    connect(bare, url.password).close()
    with pytest.raises(UsageError, match="nonsense"):
        connect(url.update_query_dict({"nonsense": "1"}), url.password)
    with pytest.raises(UsageError, match="password"):
        connect(url.update_query_dict({"password": "x"}), url.password)
    with pytest.raises(SourceError, match="SSL"):
        connect(url.update_query_dict({"sslmode": "require"}), url.password)


def test_nothing_can_be_written(filled: Any, source: Any) -> None:
    for mode in ("none", "readonly"):
        source.begin(mode)
        with pytest.raises(AntaresLegacyError, match="read-only transaction"):
            source._session.rows(f"DELETE FROM {filled.schema}.t RETURNING n")
    assert source.count(filled.table(source, "t")) == 50_000


def test_every_setting_is_made(source: Any) -> None:
    from dbdump.sources.postgresql.session import _SETTINGS

    for name, value in _SETTINGS.items():
        shown = source._session.rows(f"SHOW {name}")[0][0]
        assert shown.split(",")[0] == value, name


def test_names_of_the_server_cannot_speak_to_the_terminal(filled: Any, source: Any, lobs: Any) -> None:
    filled.run('CREATE TABLE "a\x1b[2Jb" (n int)')
    plan = filled.plan(source, "a\x1b[2Jb")
    filled.run('DROP TABLE "a\x1b[2Jb"')
    with pytest.raises(TableGoneError) as caught:
        rows(source, plan, lobs)
    assert str(caught.value).isprintable()


def test_the_session_says_who_it_is(filled: Any, source: Any) -> None:
    query = b"SELECT count(*) FROM pg_stat_activity WHERE application_name = 'antares-legacy' AND datname = %s"
    assert filled.writer.execute(query, (filled.url.database,)).fetchone()[0] >= 1


def test_a_joined_source_sees_the_moment_of_the_snapshot(filled: Any, source: Any, lobs: Any) -> None:
    snapshot = source.begin("readonly")
    assert snapshot.mode == "readonly"
    assert snapshot.taken.endswith("Z")
    plan = filled.plan(source, "t")
    filled.run("INSERT INTO t SELECT i, 'late' FROM generate_series(1, 5000) i", "DELETE FROM t WHERE n < 100")
    with_snapshot, without = filled.open(), filled.open()
    try:
        with_snapshot.join(snapshot)
        without.join(Snapshot("none"))
        assert with_snapshot.count(plan.schema) == rows(with_snapshot, plan, lobs) == 50_000
        assert source.digest(plan, plan.columns) == with_snapshot.digest(plan, plan.columns)
        # The last chunk has no end: rows on pages that came later are in it.
        assert without.count(plan.schema) == rows(without, plan, lobs) == 55_000 - 198
    finally:
        with_snapshot.close()
        without.close()


def test_without_snapshot_a_chunk_is_of_one_moment(filled: Any, source: Any, lobs: Any) -> None:
    assert source.begin("none").mode == "none"
    plan = filled.plan(source, "t")
    batches = source.read(plan, plan.chunks[0], Reading(rows=1000), lobs)
    count = next(batches).num_rows
    filled.run("DELETE FROM t WHERE n % 2 = 0")
    assert count + sum(batch.num_rows for batch in batches) == 50_000
    assert source.count(plan.schema) == 25_000


def test_snapshots_that_are_not_there(filled: Any, source: Any) -> None:
    other = filled.open()
    snapshot = other.begin("readonly")
    process = other._session._connection.info.backend_pid
    other.close()
    # The server's process ends after the connection, not with it.
    alive, deadline = f"SELECT FROM pg_stat_activity WHERE pid = {process}", time.monotonic() + 60
    while filled.writer.execute(alive).fetchall() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(SnapshotExpiredError, match="not held any more"):
        source.join(snapshot)
    with pytest.raises(SnapshotExpiredError, match="no snapshot of PostgreSQL"):
        source.join(Snapshot("readonly", "'; DROP TABLE t"))
    with pytest.raises(SourceError, match="Oracle"):
        source.begin("scn")
    assert source.count(filled.table(source, "t")) == 50_000


def test_tables_without_rights_leave_the_snapshot_alone(filled: Any, source: Any, reader: Any, lobs: Any) -> None:
    filled.run("CREATE TABLE secret (n int)", "INSERT INTO secret VALUES (1)")
    plan, secret = filled.plan(source, "t"), filled.plan(source, "secret")
    reader.begin("readonly")
    found = reader.reflect([filled.schema])
    assert [table.name.name for table in found.tables] == ["secret", "t"]
    assert any("secret: no right" in warning for warning in found.warnings)
    assert any("1 tables cannot be read" in right for right in reader.facts().rights)
    for use in (
        lambda: rows(reader, secret, lobs),
        lambda: reader.count(secret.schema),
        lambda: reader.probe(secret.schema, secret.schema.columns),
        lambda: reader.aggregates(secret),
        lambda: reader.digest(secret, secret.columns),
    ):
        with pytest.raises(TableDeniedError, match=r"secret.*GRANT SELECT"):
            use()
    filled.run("INSERT INTO t VALUES (0, 'late')")
    assert rows(reader, plan, lobs) == 50_000


def test_rows_that_are_protected_are_an_error_not_missing(filled: Any, source: Any, reader: Any, lobs: Any) -> None:
    plan = filled.plan(source, "t")
    filled.run("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "CREATE POLICY few ON t USING (n < 10)")
    with pytest.raises(TableDeniedError, match="row-level security"):
        rows(reader, plan, lobs)
    assert rows(source, plan, lobs) == 50_000  # a superuser sees all


def test_partitions_without_rights(filled: Any, source: Any, reader: Any, lobs: Any) -> None:
    filled.run("CREATE TABLE p (n int) PARTITION BY RANGE (n)", "CREATE TABLE p1 PARTITION OF p DEFAULT")
    filled.run(f"GRANT SELECT ON p TO {reader.facts().user}", "INSERT INTO p VALUES (1)")
    plan = filled.plan(source, "p")
    with pytest.raises(TableDeniedError, match="partition"):
        rows(reader, plan, lobs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DROP TABLE t", "not there any more"),
        ("ALTER TABLE t DROP x", "columns are others"),
        ("ALTER TABLE t RENAME x TO y", "columns are others"),
        ("ALTER TABLE t ALTER n TYPE bigint", "columns are others"),
        ("ALTER TABLE t ADD z int", "columns are others"),
        ("VACUUM FULL t", "rewritten"),
        ("TRUNCATE t", "rewritten"),
        ("ALTER TABLE t RENAME TO u", "not there any more"),
    ],
)
def test_a_table_that_changed_since_the_plan(filled: Any, source: Any, lobs: Any, change: str, said: str) -> None:
    plan = filled.plan(source, "t")
    filled.run(change)
    with pytest.raises(TableGoneError, match=said):
        rows(source, plan, lobs)
    assert source.facts().rights


def test_a_table_dropped_under_a_snapshot(filled: Any, source: Any, lobs: Any) -> None:
    source.begin("readonly")
    plan = filled.plan(source, "t")
    filled.run("CREATE TABLE other (n int)", "DROP TABLE t")
    with pytest.raises(TableGoneError):
        rows(source, plan, lobs)
    assert source.facts().kind == "postgresql"


@pytest.mark.parametrize(
    "changes", [["VACUUM FULL t"], ["TRUNCATE t"], ["DROP TABLE t", "CREATE TABLE t (n int, x text)"]]
)
def test_a_snapshot_does_not_hide_that_rows_lie_elsewhere(
    filled: Any, source: Any, lobs: Any, changes: list[str]
) -> None:
    plan = filled.plan(source, "t")
    source.begin("readonly")
    filled.run(*changes)
    with pytest.raises(TableGoneError, match="rewritten"):
        rows(source, plan, lobs)


def test_a_table_cannot_be_rewritten_while_it_is_read(filled: Any, source: Any, lobs: Any) -> None:
    plan = filled.plan(source, "t")
    batches = source.read(plan, plan.chunks[0], Reading(rows=1000), lobs)
    next(batches)
    filled.run("SET lock_timeout = '200ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        filled.run("VACUUM FULL t")
    assert sum(batch.num_rows for batch in batches) == 49_000
    filled.run("VACUUM FULL t")


def test_bounds_that_nobody_wrote(filled: Any, source: Any, lobs: Any) -> None:
    plan = filled.plan(source, "t")
    from dataclasses import replace

    for changes in ({"low": "0"}, {"low": "0); DROP TABLE t --@1"}, {"high": "x"}, {"partition": "pg_class"}):
        chunk = replace(plan.chunks[0], **changes)
        with pytest.raises(TableGoneError, match="run the same dump command again"):
            list(source.read(plan, chunk, Reading(), lobs))


def test_a_table_with_a_partition_on_another_server(filled: Any, source: Any) -> None:
    filled.run(
        "CREATE FOREIGN DATA WRAPPER elsewhere",
        "CREATE SERVER other FOREIGN DATA WRAPPER elsewhere",
        "CREATE TABLE p (n int) PARTITION BY RANGE (n)",
        "CREATE FOREIGN TABLE far PARTITION OF p DEFAULT SERVER other",
    )
    try:
        with pytest.raises(TableError, match="another server"):
            source.chunks(filled.table(source, "p"), 1 << 20)
    finally:
        filled.run("DROP FOREIGN DATA WRAPPER elsewhere CASCADE")


def test_a_materialized_view_that_was_never_filled(filled: Any, source: Any, lobs: Any) -> None:
    filled.run("CREATE MATERIALIZED VIEW mv AS SELECT n FROM t WITH NO DATA")
    assert any("never filled" in warning for warning in source.reflect([filled.schema]).warnings)
    with pytest.raises(TableError, match="cannot be read as it is"):
        rows(source, filled.plan(source, "mv"), lobs)


@pytest.mark.parametrize("mode", ["none", "readonly"])
def test_a_connection_that_ends_in_mid_read(filled: Any, source: Any, lobs: Any, mode: str) -> None:
    source.begin(mode)
    plan = filled.plan(source, "t")
    batches = source.read(plan, plan.chunks[0], Reading(rows=1000), lobs)
    next(batches)
    pid = source._session.connection.info.backend_pid
    filled.run(f"SELECT pg_terminate_backend({pid}, 5000)")
    with pytest.raises(ConnectionLostError, match="again later"):
        for _ in batches:
            pass
    with pytest.raises(ConnectionLostError):
        source.facts() and source.schemas()
    source.close()
