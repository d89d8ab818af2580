"""Whole dumps of a real PostgreSQL while things go wrong."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from dbdump.dump.journal import read_progress
from dbdump.dump.run import DumpStoppedError
from dbdump.image import open_image
from legacy.errors import AntaresLegacyError

pytestmark = pytest.mark.postgresql
KILLS = 30 if os.environ.get("ANTARES_LEGACY_SOAK") else 5
COUNT = 4000


def without_password(url: URL) -> str:
    return f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}"


@dataclass(frozen=True)
class Postgresql:
    """A database of the test's own, and a session that writes there."""

    url: URL
    writer: psycopg.Connection[tuple[Any, ...]]
    password: str

    @property
    def plain(self) -> str:
        """URL without the password."""
        return without_password(self.url)

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.writer.execute(statement.encode())

    def sessions(self) -> list[int]:
        """Return the processes of the server that a dump has, the oldest first."""
        ours = "application_name = 'antares-legacy' AND datname = %s"
        query = f"SELECT pid FROM pg_stat_activity WHERE {ours} ORDER BY backend_start".encode()
        return [int(row[0]) for row in self.writer.execute(query, (self.url.database,)).fetchall()]


def connected(url: URL) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database, autocommit=True
    )


@pytest.fixture
def postgresql() -> Iterator[Postgresql]:
    """A new database with table t of 4,000 rows and table u of 10."""
    text = os.environ.get("ANTARES_LEGACY_TEST_DB", "")
    if not text.startswith("postgresql"):
        pytest.skip("no PostgreSQL: run tests/real/postgresql.sh pytest -m postgresql")
    url = make_url(text)
    name = f"t{uuid.uuid4().hex}"
    with connected(url) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
        with connected(url.set(database=name)) as writer:
            found = Postgresql(url.set(database=name), writer, str(url.password))
            for table, count in (("t", COUNT), ("u", 10)):
                found.run(
                    f"CREATE TABLE {table} (n int, x text)",
                    f"INSERT INTO {table} SELECT i, 'row ' || i || repeat('.', 100) FROM generate_series(1, {count}) i",
                )
            yield found
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def image_of(tmp_path: Path, make_dump: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that gives a dump of a database which has not begun."""

    def make(postgresql: Postgresql, name: str = "image", **changes: Any) -> Any:
        password = changes.pop("password", postgresql.password)
        return make_dump(without_password(postgresql.url.set(**changes)), password, tmp_path / name)

    return make


def numbers(dump: Any, manifest: Any, table: str = "t") -> list[int]:
    return [row["n"] for row in dump.rows(manifest, table)]


ALL = list(range(1, COUNT + 1))


def start(program: Path, postgresql: Postgresql, image: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [str(program), "-q", "dbdump", "dump", postgresql.plain, "-o", str(image), "--jobs", "2", *options]
    environment = {**os.environ, "ANTARES_LEGACY_DB_PASSWORD": postgresql.password}
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, env=environment
    )


def test_killed_at_any_moment_the_same_command_makes_the_same_image(
    postgresql: Postgresql,
    image_of: Callable[..., Any],
    tmp_path: Path,
    program: Path,
    files: Callable[[Path], dict[str, bytes]],
    no_secret: Callable[..., bool],
) -> None:
    for number in range(6):  # each is a chunk
        postgresql.run(
            f"CREATE TABLE v{number} AS SELECT i AS n, i / 7.0::float8 AS x FROM generate_series(1, 20000) i"
        )
    image_of(postgresql, "whole").run(size=256 << 20, jobs=2)
    image, draw, killed = tmp_path / "killed", random.Random(4), 0
    for _ in range(KILLS):
        process = start(program, postgresql, image)
        try:
            process.wait(draw.uniform(0.6, 1.8))
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.communicate()
    process = start(program, postgresql, image)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    assert killed
    manifest = open_image(image).manifest
    assert manifest.complete
    assert {snapshot.mode for snapshot in manifest.snapshots} == {"readonly"}
    assert files(image) == files(tmp_path / "whole")
    assert not list(image.rglob("*.part"))
    assert no_secret(image, postgresql.password, errors.decode())


def test_what_an_earlier_snapshot_gave_is_counted(postgresql: Postgresql, image_of: Callable[..., Any]) -> None:
    # Until the rows are older than every transaction that runs, in databases of other tests too.
    older = b"SELECT max(xmin::text::int8) < pg_snapshot_xmin(pg_current_snapshot())::text::int8 FROM t"
    while postgresql.writer.execute(older).fetchone() != (True,):
        time.sleep(0.05)
    dump = image_of(postgresql)
    dump.stop_after(3)
    manifest = dump.run()
    assert manifest.complete
    assert len(manifest.snapshots) == 2
    assert "still have as many rows" in dump.table(manifest, "t").proof
    assert numbers(dump, manifest) == ALL


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("DELETE FROM t WHERE n % 7 = 0", [n for n in ALL if n % 7]),
        ("INSERT INTO t VALUES (4001, 'late')", [*ALL, COUNT + 1]),
    ],
)
def test_a_table_that_changed_between_two_runs_is_read_again(
    postgresql: Postgresql, image_of: Callable[..., Any], change: str, expected: list[int]
) -> None:
    dump = image_of(postgresql)
    dump.stop_after(3)
    postgresql.run(change)
    manifest = dump.run()
    assert manifest.complete, [table.problem for table in manifest.tables]
    assert numbers(dump, manifest) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("VACUUM FULL t", [{"n": n} for n in ALL]),
        ("ALTER TABLE t ADD y int DEFAULT 5", [{"n": n, "y": 5} for n in ALL]),
        ("TRUNCATE t", []),
    ],
)
def test_a_table_that_was_rewritten_between_two_runs_is_planned_anew(
    postgresql: Postgresql, image_of: Callable[..., Any], change: str, expected: list[dict[str, int]]
) -> None:
    dump = image_of(postgresql)
    dump.stop_after(3)
    postgresql.run(change)
    told = dump.run()
    assert not told.complete
    assert "run the same dump command again" in dump.table(told, "t").problem
    assert dump.rows(told, "u")
    manifest = dump.run()
    assert manifest.complete
    assert [{k: v for k, v in row.items() if k != "x"} for row in dump.rows(manifest, "t")] == expected


def test_a_table_that_was_dropped_between_two_runs(postgresql: Postgresql, image_of: Callable[..., Any]) -> None:
    dump = image_of(postgresql)
    dump.stop_after(1)
    postgresql.run("DROP TABLE u")
    manifest = dump.run()
    assert not manifest.complete
    assert "it is not there any more" in dump.table(manifest, "u").problem
    assert numbers(dump, manifest) == ALL


def test_a_worker_that_is_killed_is_replaced(
    postgresql: Postgresql,
    tmp_path: Path,
    program: Path,
    image_of: Callable[..., Any],
    workers_of: Callable[[int], list[int]],
) -> None:
    postgresql.run("CREATE TABLE w AS SELECT i AS n, random() AS x FROM generate_series(1, 800000) i")
    process = start(program, postgresql, tmp_path / "image")
    killed = _when_it_reads(
        process, tmp_path / "image", lambda: [os.kill(p, signal.SIGKILL) for p in workers_of(process.pid)][:1]
    )
    _, errors = process.communicate(timeout=60)
    assert killed
    assert process.returncode == 0, errors.decode()
    manifest = open_image(tmp_path / "image").manifest
    assert image_of(postgresql).table(manifest, "w").rows == 800_000


def _when_it_reads(process: subprocess.Popen[bytes], image: Path, act: Callable[[], object]) -> bool:
    """Do something while a worker writes a part; return whether it was done."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        if any(path.stat().st_size > 1000 for path in (image / "parquet").rglob("*.part")):
            return bool(act())
        time.sleep(0.005)
    return False


def test_a_session_of_a_worker_that_the_server_ends(postgresql: Postgresql, image_of: Callable[..., Any]) -> None:
    dump, ended = image_of(postgresql), []

    def end(*_: object) -> None:
        if not ended and len(postgresql.sessions()) == 3:
            ended.append(postgresql.sessions()[-1])
            postgresql.run(f"SELECT pg_terminate_backend({ended[0]})")

    manifest = dump.run(end, jobs=2)
    assert ended
    assert manifest.complete
    assert len(manifest.snapshots) == 1
    assert numbers(dump, manifest) == ALL


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_session_of_the_master_that_the_server_ends(
    postgresql: Postgresql, image_of: Callable[..., Any], jobs: int
) -> None:
    dump, ended = image_of(postgresql), []

    def end(*_: object) -> None:
        if not ended:
            ended.append(postgresql.sessions()[0])
            postgresql.run(*(f"SELECT pg_terminate_backend({pid})" for pid in postgresql.sessions()))

    with pytest.raises(AntaresLegacyError, match="run the command again") as stopped:
        dump.run(end, jobs=jobs, patience=5)
    assert stopped.value.exit_code in (1, 3)
    assert read_progress(dump.image).done
    manifest = dump.run()
    assert manifest.complete
    assert numbers(dump, manifest) == ALL


def test_without_a_snapshot_a_lost_master_is_replaced_for_the_proof(
    postgresql: Postgresql, image_of: Callable[..., Any]
) -> None:
    dump, ended = image_of(postgresql), []

    def end(*_: object) -> None:
        if not ended:
            ended.append(postgresql.sessions()[0])
            postgresql.run(f"SELECT pg_terminate_backend({ended[0]})")

    manifest = dump.run(end, jobs=2, snapshot="none")
    assert manifest.complete
    assert dump.table(manifest, "t").proof == "it had 4000 rows before and after"


@pytest.fixture
def reader(postgresql: Postgresql) -> Iterator[tuple[str, str]]:
    """An account that may read t and not u."""
    name, password = f"r{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    postgresql.run(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'", f"GRANT SELECT ON t TO {name}")
    yield name, password
    postgresql.run(f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_a_table_without_the_right_is_named_and_tried_again(
    postgresql: Postgresql, image_of: Callable[..., Any], reader: tuple[str, str]
) -> None:
    name, password = reader
    dump = image_of(postgresql, username=name, password=password)
    manifest = dump.run(jobs=2)
    assert not manifest.complete
    assert "GRANT SELECT" in dump.table(manifest, "u").problem
    assert numbers(dump, manifest) == ALL
    postgresql.run(f"GRANT SELECT ON u TO {name}")
    again = dump.run(jobs=2)
    assert again.complete
    assert numbers(dump, again, "u") == ALL[:10]


def test_a_wrong_password(
    postgresql: Postgresql, cli: Callable[..., Any], tmp_path: Path, no_secret: Any, monkeypatch: Any
) -> None:
    monkeypatch.setenv("ANTARES_LEGACY_DB_PASSWORD", "wrong-and-secret")
    ran = cli("dbdump", "dump", postgresql.plain, "-o", tmp_path / "image")
    assert ran.code == 3
    assert "check the user and the password" in ran.err
    assert no_secret(tmp_path, "wrong-and-secret", ran.out, ran.err)


def test_a_thousand_tables(postgresql: Postgresql, image_of: Callable[..., Any]) -> None:
    table = "EXECUTE format('CREATE TABLE k%s (n int PRIMARY KEY, x text)', i)"
    postgresql.run(f"DO $$ BEGIN FOR i IN 1..1000 LOOP {table}; END LOOP; END $$")
    manifest = image_of(postgresql).run()
    assert manifest.complete
    assert len(manifest.tables) == 1002


def test_values_that_parquet_does_not_know(
    postgresql: Postgresql, image_of: Callable[..., Any], cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    postgresql.run(
        "CREATE TABLE odd (i int, n numeric, m numeric(6, 2), d date, s timestamp, z timestamptz, t time)",
        "INSERT INTO odd VALUES (1, 'NaN', 'NaN', 'infinity', '-infinity', 'infinity', '24:00:00')",
        "INSERT INTO odd VALUES (2, 'Infinity', 1.5, '4713-01-01 BC', '2010-01-01 00:00:00.000001', now(), '12:00')",
        "INSERT INTO odd VALUES (3, 1e-300, NULL, '2010-01-01', NULL, NULL, NULL)",
        "CREATE TABLE bare ()",
        "INSERT INTO bare DEFAULT VALUES",
    )
    dump = image_of(postgresql)
    manifest = dump.run()
    assert manifest.complete, [table.problem for table in manifest.tables]
    assert "bare" not in {table.name.name for table in manifest.tables}
    assert any("public.bare: no columns" in text for text in manifest.warnings)
    first, second, third = dump.rows(manifest, "odd")
    assert first["n"] == first["m"] == "NaN"
    assert (first["d"], first["s"], first["t"]) == ("infinity", "-infinity", "24:00:00")
    assert second["n"] == "Infinity"
    assert Decimal(third["n"]) == Decimal("1e-300")
    monkeypatch.setenv("ANTARES_LEGACY_DB_PASSWORD", postgresql.password)
    for level in range(4):
        ran = cli("dbdump", "verify", dump.image, "--url", postgresql.plain, "--level", level)
        assert ran.code == 0, ran


class Gate:
    """A way to the server that can be shut, as a server that is started again is away for a while."""

    def __init__(self, url: URL) -> None:
        self._server = (str(url.host), int(url.port or 5432))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []
        self._accept()

    def _accept(self) -> None:
        self._thread = threading.Thread(target=self._serve, args=(self._listener,), daemon=True)
        self._thread.start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # shut
            server = socket.create_connection(self._server)
            self._open += [client, server]
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(a, b), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def shut(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(timeout=5)
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept()

    def close(self) -> None:
        self.shut()
        for end in self._open:
            end.close()


@pytest.fixture
def gate(postgresql: Postgresql) -> Iterator[Gate]:
    found = Gate(postgresql.url)
    yield found
    found.close()


def test_a_server_that_is_away_for_a_while_is_waited_for(
    postgresql: Postgresql, image_of: Callable[..., Any], gate: Gate
) -> None:
    dump, timers = image_of(postgresql, host="127.0.0.1", port=gate.port), []

    def away(*_: object) -> None:
        if not timers:
            gate.shut()
            timers.append(threading.Timer(1.0, gate.open))
            timers[0].start()

    manifest = dump.run(away, snapshot="none", patience=20)
    assert timers
    assert manifest.complete
    assert dump.table(manifest, "t").proof == "it had 4000 rows before and after"
    assert numbers(dump, manifest) == ALL


def test_after_the_patience_the_run_ends_and_the_same_command_goes_on(
    postgresql: Postgresql, image_of: Callable[..., Any], gate: Gate
) -> None:
    dump, shut = image_of(postgresql, host="127.0.0.1", port=gate.port), []

    def away(*_: object) -> None:
        if not shut:
            gate.shut()
            shut.append(True)

    with pytest.raises(DumpStoppedError, match="run the same command later") as stopped:
        dump.run(away, patience=1)
    assert stopped.value.exit_code == 3
    assert read_progress(dump.image).done
    gate.open()
    manifest = dump.run()
    assert manifest.complete
    assert numbers(dump, manifest) == ALL
