"""Doubles at their limits, and a partition that comes between two runs, on a real PostgreSQL."""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from dbdump.dump.options import Content, Manner
from dbdump.dump.run import Told, dump
from dbdump.image import Manifest, open_image
from dbdump.sources.opening import Access, connect
from dbdump.verify.levels import Extent, verify

pytestmark = pytest.mark.postgresql


def nothing(*_: object) -> None:
    return None


TOLD = Told(nothing, nothing, nothing, nothing)


@dataclass(frozen=True)
class Place:
    """A schema of its own on the server, and how a dump reaches it."""

    access: Access
    schema: str
    writer: psycopg.Connection[tuple[object, ...]]

    def run(self, statement: str) -> None:
        self.writer.execute(statement.encode())

    def dump(self, image: Path, told: Told = TOLD) -> Manifest:
        content = Content(schemas=(self.schema,), chunk_size=1 << 13)
        return dump(self.access, image, content, Manner(jobs=1), told)


@pytest.fixture
def place() -> Iterator[Place]:
    text = os.environ.get("ANTARES_LEGACY_TEST_DB", "")
    if not text.startswith("postgresql"):
        pytest.skip("no PostgreSQL: run tests/real/postgresql.sh pytest -m postgresql")
    url = make_url(text)
    schema = f"r{uuid.uuid4().hex[:8]}"
    with psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database, autocommit=True
    ) as writer:
        writer.execute(f"CREATE SCHEMA {schema}".encode())
        writer.execute(f"SET search_path = {schema}".encode())
        plain = f"postgresql://{url.username}@{url.host}:{url.port}/{url.database}"
        yield Place(Access(plain, url.password), schema, writer)
        writer.execute(f"DROP SCHEMA {schema} CASCADE".encode())


def test_a_sum_that_is_too_large_beside_the_smallest_doubles(place: Place, tmp_path: Path) -> None:
    """To divide the smallest ones with the others is an error in PostgreSQL."""
    place.run("CREATE TABLE t (a float8, b float8, c float8)")
    place.run("INSERT INTO t VALUES (1.7976931348623157e308, 5e-324, NULL), (1.7976931348623157e308, 2e-308, 'NaN')")
    place.run("INSERT INTO t VALUES (5e-324, -3e-310, NULL), (-1.7976931348623157e308, 1e-300, 'Infinity')")
    place.dump(tmp_path / "image")
    for changed in (False, True):
        source = connect(place.access)
        try:
            (table,) = verify(open_image(tmp_path / "image"), source, Extent(1, jobs=1)).tables
        finally:
            source.close()
        assert {difference.column for difference in table.differences} == ({"b"} if changed else set())
        place.run("UPDATE t SET b = 4e-308 WHERE b = 2e-308")


def test_a_partition_that_comes_between_two_runs_is_not_left_out(place: Place, tmp_path: Path) -> None:
    place.run("CREATE TABLE t (id int, v text) PARTITION BY RANGE (id)")
    place.run("CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (1000)")
    place.run("INSERT INTO t SELECT g, repeat('x', 100) FROM generate_series(0, 999) g")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.dump(tmp_path / "image", Told(nothing, nothing, nothing, stop))
    place.run("CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (1000) TO (2000)")
    place.run("INSERT INTO t VALUES (1500, 'new')")
    manifest = place.dump(tmp_path / "image")
    assert not manifest.complete
    assert "partitions that it had not when the plan was made" in manifest.tables[0].problem
    manifest = place.dump(tmp_path / "image")  # the third run plans it anew
    assert manifest.complete
    assert [table.rows for table in manifest.tables] == [1001]
