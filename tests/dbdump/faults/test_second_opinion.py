"""The Oracle source against another implementation of the protocol than our double: the mirror of `seerdb`.

The mirror serves PostgreSQL to clients of Oracle. Its dictionary is too thin for reflection (no NUM_ROWS, no
ALL_LOBS), and it has no ROWID, so the table is described here and read by its key.
"""

import importlib.util
import os
import secrets
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest
from sqlalchemy.engine import URL, make_url

from dbdump.errors import SourceError
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, ChunkKind, TablePlan
from dbdump.schema import Column, Family, Key, KeyKind, TableName, TableSchema
from dbdump.sources.contract import Reading
from dbdump.sources.opening import Access, connect
from dbdump.stored import Probe, TypeOptions, choose_all

pytestmark = pytest.mark.postgresql
ROWS = 500
_TABLE = b"""
    CREATE TABLE "READER"."ENV" (
        "ID" numeric(9) PRIMARY KEY, "N" numeric(20, 5), "X" double precision, "S" varchar(40), "T" timestamp
    )
"""
_ROWS = b"""
    INSERT INTO "READER"."ENV"
    SELECT i, i * -1.00001, i / 7.0::float8, CASE WHEN i %% 3 > 0 THEN 'row ' || i || U&' \\00E9' END,
           timestamp '2010-01-01 00:00:00.000001' + i * interval '1 hour'
    FROM generate_series(1, %s) i
"""


@dataclass(frozen=True)
class Mirror:
    """A running mirror, and the PostgreSQL behind it."""

    url: str
    password: str
    behind: psycopg.Connection[tuple[Any, ...]]


def _connected(url: URL) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database, autocommit=True
    )


@pytest.fixture(scope="module")
def behind() -> Iterator[tuple[URL, psycopg.Connection[tuple[Any, ...]]]]:
    """A database with a table of the types that both know."""
    text = os.environ.get("ANTARES_LEGACY_TEST_DB", "")
    if not text.startswith("postgresql"):
        pytest.skip("no PostgreSQL: run tests/real/postgresql.sh pytest -m postgresql")
    if importlib.util.find_spec("seerdb") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("seerdb is not installed, and CI must not leave this out")
        pytest.skip("seerdb is not installed: pip install 'antares-legacy[test]'")
    url = make_url(text)
    name = f"t{uuid.uuid4().hex}"
    with _connected(url) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
        with _connected(url.set(database=name)) as writer:
            writer.execute(b"CREATE TABLE dual (dummy varchar(1))")
            writer.execute(b"INSERT INTO dual VALUES ('X')")
            # The mirror hands quoted names on as they are.
            writer.execute(b'CREATE SCHEMA "READER"')
            writer.execute(_TABLE)
            writer.execute(_ROWS, (ROWS,))
            yield url.set(database=name), writer
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(scope="module")
def mirror(behind: tuple[URL, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    """The mirror, as a process of its own."""
    url, writer = behind
    folder, password = tmp_path_factory.mktemp("mirror"), secrets.token_hex(8)
    (folder / "mirror.ini").write_text(f"[clients]\nREADER = {password}\n")
    (folder / "pgpass").write_text(f"*:*:*:*:{url.password}\n")
    (folder / "pgpass").chmod(0o600)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("seerdb-mirror")), "-c", str(folder / "mirror.ini")]
    command += ["--host", "127.0.0.1", "--port", str(port), "postgres"]
    command.append(f"host={url.host} port={url.port} user={url.username} dbname={url.database}")
    log, environment = folder / "log", {**os.environ, "PGPASSFILE": str(folder / "pgpass")}
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output, env=environment) as process:
        try:
            _wait_for(port, process, log)
            yield Mirror(f"oracle+oracledb://reader@127.0.0.1:{port}/?service_name=X", password, writer)
        finally:
            process.kill()  # it would wait for its sessions


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the mirror did not start: {log.read_text()[-2000:]}")


@pytest.fixture
def source(mirror: Mirror) -> Iterator[Any]:
    opened = connect(Access(mirror.url, mirror.password))
    yield opened
    opened.close()


def plan() -> TablePlan:
    """The plan of ENV, as it would be with a dictionary."""
    columns = (
        Column("ID", "NUMBER(9)", Family.NUMBER, precision=9, scale=0, nullable=False),
        Column("N", "NUMBER(20,5)", Family.NUMBER, precision=20, scale=5),
        Column("X", "BINARY_DOUBLE", Family.FLOAT64),
        Column("S", "VARCHAR2(40)", Family.TEXT, length=40),
        Column("T", "TIMESTAMP(6)", Family.TIMESTAMP, scale=6),
    )
    table = TableSchema(TableName("READER", "ENV"), columns, keys=(Key(KeyKind.PRIMARY, "PK", ("ID",)),))
    probes = {
        "ID": Probe("1", "500", 0),
        "N": Probe("-500.005", "-1.00001", 5),
        "T": Probe("2010-01-01T01:00:00.000001", "2010-01-21T20:00:00.000001"),
    }
    chunks = (
        Chunk(table.name, 0, ChunkKind.KEY, None, "200"),
        Chunk(table.name, 1, ChunkKind.KEY, "200", None),
    )
    return TablePlan(table, choose_all(table, probes, TypeOptions()), chunks)


def test_it_connects_and_says_what_it_is(source: Any) -> None:
    facts = source.facts()
    assert facts.kind == "oracle"
    assert facts.user == "READER"
    assert "thin" in facts.driver
    assert source.default_schema() == "READER"


def test_a_wrong_password(mirror: Mirror) -> None:
    with pytest.raises(SourceError, match="password is wrong") as refused:
        connect(Access(mirror.url, "wrong-and-secret"))
    assert "wrong-and-secret" not in str(refused.value)


def test_a_dictionary_that_is_too_thin_is_a_warning(source: Any) -> None:
    found = source.reflect(["READER"])
    assert any("ALL_LOBS" in text for text in found.warnings)


def test_rows_are_those_that_postgresql_has(source: Any, mirror: Mirror, tmp_path: Path) -> None:
    table, lobs = plan(), LobStore(tmp_path / "lobs", 1000)
    batches = [batch for chunk in table.chunks for batch in source.read(table, chunk, Reading(rows=90), lobs)]
    found = pa.Table.from_batches(batches).to_pydict()
    wanted = mirror.behind.execute(b'SELECT "ID", "N", "X", "S", "T" FROM "READER"."ENV" ORDER BY 1').fetchall()
    assert len(found["ID"]) == ROWS
    assert found["ID"] == [int(row[0]) for row in wanted]
    for place, name in enumerate(("N", "X", "S", "T"), 1):
        assert found[name] == [row[place] for row in wanted], name


def test_rows_are_counted(source: Any) -> None:
    table = plan()
    assert source.count(table.schema) == ROWS
    assert [source.count(table.schema, chunk) for chunk in table.chunks] == [199, 301]
