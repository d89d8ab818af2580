"""Dumps of a real PostgreSQL that was written to between two runs, or that is not what its plan took it for."""

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from sqlalchemy.engine import URL, make_url

from dbdump.dump.options import Content, Manner
from dbdump.dump.run import Told, dump
from dbdump.image import Manifest, open_image
from dbdump.sources.opening import Access, connect
from dbdump.verify.levels import Extent, verify
from legacy.errors import UsageError

pytestmark = pytest.mark.postgresql
ROWS = 1000
CHUNK = 1 << 14


def nothing(*_: object) -> None:
    return None


def connected(url: URL) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database, autocommit=True
    )


@dataclass
class Place:
    """A database of the test's own, and a dump of it that may be stopped."""

    url: URL
    image: Path
    said: list[str] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    read: list[int] = field(default_factory=list)

    def run(self, *statements: str) -> None:
        with connected(self.url) as writer:
            for statement in statements:
                writer.execute(statement.encode())

    def settle(self) -> None:
        """Wait until the rows are older than every transaction that still runs, in other databases too."""
        query = b"SELECT max(xmin::text::int8) < pg_snapshot_xmin(pg_current_snapshot())::text::int8 FROM t"
        deadline = time.monotonic() + 60
        with connected(self.url) as writer:
            while (row := writer.execute(query).fetchone()) is None or not row[0]:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    @property
    def access(self) -> Access:
        url = self.url
        return Access(f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}", url.password)

    def dump(self, stop_after: int = 0, **manner: Any) -> Manifest:
        """Dump, or go on; `kept` and `read` are then the numbers of chunks."""
        self.said.clear()
        self.kept.clear()
        self.read.clear()

        def chunk(_: object, chunk: Any, earlier: bool) -> None:
            (self.kept if earlier else self.read).append(chunk.number)
            if stop_after and len(self.read) == stop_after:
                raise KeyboardInterrupt

        told = Told(self.said.append, nothing, nothing, chunk)
        return dump(self.access, self.image, Content(chunk_size=CHUNK), Manner(**{"jobs": 1, **manner}), told)

    def stop(self, after: int, **manner: Any) -> set[int]:
        """Begin a dump, end it after some chunks as an interrupt does, and return their numbers."""
        with pytest.raises(KeyboardInterrupt):
            self.dump(after, **manner)
        return set(self.read)

    def rows(self, manifest: Manifest) -> list[dict[str, Any]]:
        (table,) = manifest.tables
        return [row for part in table.parts for row in pq.read_table(self.image / part.file.path).to_pylist()]

    def differs(self) -> bool:
        """Whether level 2 of verify finds a difference."""
        source = connect(self.access)
        try:
            return any(table.differences for table in verify(open_image(self.image), source, Extent(2, jobs=1)).tables)
        finally:
            source.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A new database with table t of 1,000 rows in several chunks."""
    text = os.environ.get("ANTARES_LEGACY_TEST_DB", "")
    if not text.startswith("postgresql"):
        pytest.skip("no PostgreSQL: run tests/real/postgresql.sh pytest -m postgresql")
    url = make_url(text)
    name = f"t{uuid.uuid4().hex}"
    with connected(url) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template0".encode())
        found = Place(url.set(database=name), tmp_path / "image")
        found.run(
            "CREATE TABLE t (n int PRIMARY KEY, v int, x text) WITH (fillfactor = 50)",
            f"INSERT INTO t SELECT i, 0, repeat('.', 100) FROM generate_series(0, {ROWS - 1}) i",
        )
        found.settle()
        yield found
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


CHANGE = "UPDATE t SET v = 7 WHERE n = {}"


def a_row_of(place: Place) -> int:
    """Return a row of a chunk that is done; there is room for its next version in its page."""
    part = min((place.image / "parquet").rglob("*.parquet"))
    return int(pq.read_table(part)["n"][0].as_py())


def test_a_value_that_changed_in_place_is_read_again(place: Place) -> None:
    """The numbers of rows are the same: only the transaction that wrote the row tells."""
    place.stop(5)
    number = a_row_of(place)
    place.run(CHANGE.format(number))
    manifest = place.dump()
    assert manifest.complete
    assert len(place.kept) == 4
    assert [text for text in place.said if "public.t was written to: 1 of its" in text]
    assert "none of them was written since" in manifest.tables[0].proof
    assert {row["n"] for row in place.rows(manifest) if row["v"] == 7} == {number}
    assert not place.differs()


def test_where_nothing_was_written_everything_is_kept(place: Place) -> None:
    done = place.stop(5)
    before = {path: path.stat().st_mtime_ns for path in place.image.rglob("*.parquet")}
    manifest = place.dump()
    assert set(place.kept) == done
    assert not place.said
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert manifest.tables[0].rows == ROWS


@pytest.mark.parametrize(
    "nothing_new",
    [
        ("BEGIN", "UPDATE t SET v = 8", "ROLLBACK"),
        ("VACUUM (FREEZE) t",),
        ("BEGIN", "SELECT * FROM t FOR UPDATE", "COMMIT"),
    ],
)
def test_what_leaves_the_rows_as_they_are_is_no_change(place: Place, nothing_new: tuple[str, ...]) -> None:
    done = place.stop(5)
    place.run(*nothing_new)
    manifest = place.dump()
    assert set(place.kept) == done
    assert manifest.complete
    assert not place.differs()


def test_a_change_shows_also_when_the_row_is_frozen_after_it(place: Place) -> None:
    place.stop(5)
    number = a_row_of(place)
    place.run(CHANGE.format(number), "VACUUM (FREEZE) t")
    manifest = place.dump()
    assert len(place.kept) == 4
    assert {row["n"] for row in place.rows(manifest) if row["v"] == 7} == {number}


def test_a_change_of_a_subtransaction_that_was_running_at_the_first_snapshot(place: Place) -> None:
    """PostgreSQL's snapshots do not name subtransactions, and its own test of visibility is wrong for them."""
    with connected(place.url) as other:
        other.execute("BEGIN")
        other.execute("SELECT pg_current_xact_id()")
        other.execute("SAVEPOINT s")
        other.execute("UPDATE t SET v = 7 WHERE n % 10 = 0")
        other.execute("RELEASE s")
        place.run("CREATE TABLE later (n int)", "DROP TABLE later")  # the snapshot reaches beyond these numbers
        place.stop(5)
        other.execute("COMMIT")
    manifest = place.dump()
    assert not place.kept
    assert {row["n"] for row in place.rows(manifest) if row["v"] == 7} == set(range(0, ROWS, 10))
    assert not place.differs()


@pytest.mark.parametrize("mode", ["readonly", "none"])
def test_rows_that_went_and_came_in_the_same_number(place: Place, mode: str) -> None:
    place.stop(5, snapshot=mode)
    place.run("DELETE FROM t WHERE n IN (3, 500)", "INSERT INTO t VALUES (1003, 1, ''), (1500, 1, '')")
    manifest = place.dump(snapshot=mode)
    assert manifest.complete, manifest.tables[0].problem
    assert {row["n"] for row in place.rows(manifest)} == {*range(ROWS), 1003, 1500} - {3, 500}
    assert not place.differs()


def test_without_a_snapshot_the_writers_are_known_too(place: Place) -> None:
    place.stop(5, snapshot="none")
    number = a_row_of(place)
    place.run(CHANGE.format(number))
    manifest = place.dump(snapshot="none")
    assert manifest.complete, manifest.tables[0].problem
    assert {row["n"] for row in place.rows(manifest) if row["v"] == 7} == {number}


def test_another_database_behind_the_same_url_is_refused(place: Place) -> None:
    place.stop(5)
    name = place.url.database
    with connected(place.url.set(database="postgres")) as admin:
        admin.execute(f"ALTER DATABASE {name} RENAME TO {name}old".encode())
        try:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {name}old".encode())
            with pytest.raises(UsageError, match="of another database than the one that is now behind this URL"):
                place.dump()
        finally:
            admin.execute(f"DROP DATABASE {name}".encode())
            admin.execute(f"ALTER DATABASE {name}old RENAME TO {name}".encode())
    assert place.dump().complete


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("kind", "plain", "odd", "text"),
    [
        ("timestamp", "2008-01-01", "infinity", "infinity"),
        ("date", "2008-01-01", "0044-03-15 BC", "-0043-03-15"),
        ("time", "12:00", "24:00", "24:00:00"),
        ("numeric(10,2)", "1.5", "NaN", "NaN"),
        ("numeric(30,2)", "1.5", "NaN", "NaN"),
    ],
)
def test_a_value_that_the_plain_type_does_not_hold_changes_the_plan_in_the_same_run(
    place: Place, kind: str, plain: str, odd: str, text: str, jobs: int
) -> None:
    """Values are not looked at before they are read; one in the last chunk makes all chunks be read again."""
    place.run(f"ALTER TABLE t ADD c {kind} DEFAULT '{plain}'", f"INSERT INTO t VALUES ({ROWS}, 0, '', '{odd}')")
    manifest = place.dump(jobs=jobs)
    assert manifest.complete, manifest.tables[0].problem
    assert [said for said in place.said if "read again with others" in said]
    assert manifest.tables[0].columns[-1].arrow == "string"
    (last,) = (row["c"] for row in place.rows(manifest) if row["n"] == ROWS)
    assert last == text
    assert manifest.tables[0].rows == ROWS + 1
    assert not place.differs()


def test_ordinary_values_need_no_reading_of_their_own(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from dbdump.sources.postgresql.source import PostgresqlSource

    place.run("ALTER TABLE t ADD c timestamp DEFAULT '2008-01-01', ADD d numeric(8,2) DEFAULT 1.25")
    asked: list[object] = []
    monkeypatch.setattr(PostgresqlSource, "probe", lambda *what: asked.append(what))
    manifest = place.dump()
    assert not asked
    assert [column.arrow for column in manifest.tables[0].columns[-2:]] == ["timestamp[us]", "decimal128(8, 2)"]
    monkeypatch.undo()
    assert not place.differs()
