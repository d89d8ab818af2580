"""Images of a real PostgreSQL, compared with it: its aggregates and digest are SQL that shares no code with ours."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg
import pytest
from sqlalchemy.engine import URL, make_url

from dbdump.dump.planfile import read_plan
from dbdump.image import Image
from dbdump.sources.opening import Access, connect
from dbdump.verify.levels import Extent, verify
from dbdump.verify.report import Report

pytestmark = pytest.mark.postgresql

TABLE = """
CREATE TABLE sea.every (
    id int8 PRIMARY KEY, i2 int2, i4 int4, cents numeric(10,2), wide numeric(38,0), tiny numeric(38,38), free numeric,
    longer numeric, f4 float4, f8 float8, flag bool, text text, fixed char(5), bytes bytea, day date, at timestamp(3),
    fine timestamp, utc timestamptz, clock time, span interval, js jsonb, id2 uuid, far timestamp)
"""
ROWS = (
    (
        f"(1, -32768, 2147483647, 99999999.99, {'9' * 38}, 0.{'9' * 38}, 1.5, {'9' * 40}, 'NaN', 'Infinity', true, '',"
        " 'ab', '\\x00ff', '0001-01-01', '0001-01-01 00:00:00.5', '9999-12-31 23:59:59.999999',"
        " '2008-05-30 01:02:03+02', '23:59:59.999999', '1 year 2 days 00:00:01.5', '{\"a\": [1, null]}',"
        " 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '4713-01-01 BC')"
    ),
    (
        f"(2, 32767, -2147483648, -0.01, -{'9' * 38}, -0.{'0' * 37}1, -0.001, 0.5, '-0.0', '-0.0', false,"
        " 'Ω\U0001f30a  ', 'abcde', '', '9999-12-31', '1969-12-31 23:59:59.999', '0001-01-01',"
        " '1900-01-01 00:00:00+00', '00:00:00', '-1 month', 'null', NULL, '2008-01-01')"
    ),
    (
        "(-9223372036854775808, 0, 0, 12.50, 0, 0, 100, 1e20, 1e-45, 5e-324, NULL, E'\\t\\n\\r,\"', '', '\\x61', NULL,"
        " NULL, NULL, NULL, NULL, NULL, '\"x\"', NULL, 'infinity')"
    ),
    (
        f"(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, decode('{'ab' * 500}', 'hex'),"
        " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    ),
)


@dataclass(frozen=True)
class Sea:
    """A database with its own writer."""

    access: Access
    writer: psycopg.Connection[tuple[object, ...]]

    def check(self, image: Image, level: int) -> Report:
        plans = read_plan(image.folder).tables if level == 3 else ()
        with closing(connect(self.access)) as source:
            return verify(image, source, Extent(level), plans=plans)


@pytest.fixture(scope="module")
def sea() -> Iterator[Sea]:
    text = os.environ.get("ANTARES_LEGACY_TEST_DB", "")
    if not text.startswith("postgresql"):
        pytest.skip("no PostgreSQL: run tests/real/postgresql.sh pytest -m postgresql")
    url, name = make_url(text), f"v{uuid.uuid4().hex}"
    with opened(url) as admin:
        admin.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0".encode())
        with opened(url.set(database=name)) as writer:
            writer.execute(b"CREATE SCHEMA sea")
            writer.execute(TABLE.encode())
            for row in ROWS:
                writer.execute(f"INSERT INTO sea.every VALUES {row}".encode())
            writer.execute(
                b"CREATE TABLE sea.many AS SELECT n, n / 3.0::float8 AS x, 'row ' || n AS t"
                b" FROM generate_series(1, 20000) AS n"
            )
            writer.execute(b"CREATE TABLE sea.empty (a int, b numeric, c text, d bytea, e timestamptz)")
            plain = URL.create(url.drivername, url.username, None, url.host, url.port, name).render_as_string()
            yield Sea(Access(plain, url.password), writer)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def opened(url: URL) -> psycopg.Connection[tuple[object, ...]]:
    text = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(text, autocommit=True)


@pytest.fixture(scope="module")
def image(sea: Sea, dumped: Callable[..., Image], tmp_path_factory: pytest.TempPathFactory) -> Image:
    return dumped(sea.access, tmp_path_factory.mktemp("sea") / "image", "sea", chunk_size=1 << 18)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_every_type_is_the_same_at_every_level(sea: Sea, image: Image, level: int) -> None:
    report = sea.check(image, level)
    assert not report.failed, report.to_text()
    assert [(table.table, table.source_rows) for table in report.tables] == [
        ("sea.empty", 0),
        ("sea.every", 4),
        ("sea.many", 20_000),
    ]
    assert not [note for table in report.tables for note in table.notes]
    assert len(image.table("many").parts) > 1


def test_the_same_rows_in_sqlite_alone(
    sea: Sea, dumped: Callable[..., Image], tmp_path_factory: pytest.TempPathFactory
) -> None:
    moved = dumped(sea.access, tmp_path_factory.mktemp("moved") / "image", "sea", chunk_size=1 << 18, form="sqlite")
    assert moved.manifest.in_sqlite_alone
    for level in range(4):
        report = sea.check(moved, level)
        assert not report.failed, report.to_text()
        assert not [note for table in report.tables for note in table.notes]


@pytest.mark.parametrize(
    ("statement", "level"),
    [
        ("UPDATE sea.every SET tiny = tiny + 1e-38 WHERE id = 2", 1),
        ("UPDATE sea.every SET wide = wide - 1 WHERE id = 1", 1),
        # As text it is as long, and neither the smallest nor the largest one.
        ("UPDATE sea.every SET longer = 2e20 WHERE longer = 1e20", 1),
        ("UPDATE sea.every SET utc = utc + interval '1 hour' WHERE id = 2", 1),
        ("UPDATE sea.every SET text = rtrim(text) WHERE id = 2", 1),
        ("UPDATE sea.every SET fixed = NULL WHERE id = 2", 1),
        ("UPDATE sea.every SET bytes = overlay(bytes placing '\\x00'::bytea from 400) WHERE id = 3", 2),
        ("UPDATE sea.many SET x = x + 1e-9 WHERE n = 10000", 2),
        ("UPDATE sea.every SET f8 = 0.0 WHERE id = 2", 2),
        ("UPDATE sea.many SET t = 'row ' || (30002 - n) WHERE n IN (15000, 15002)", 2),
    ],
)
def test_each_change_is_found(sea: Sea, image: Image, statement: str, level: int) -> None:
    table = statement.split()[1]
    with sea.writer.transaction(force_rollback=False):
        sea.writer.execute(f"CREATE TABLE sea.kept AS SELECT * FROM {table}".encode())
        sea.writer.execute(statement.encode())
    try:
        assert not sea.check(image, level - 1).failed
        for higher in range(level, 3):
            assert sea.check(image, higher).failed
    finally:
        with sea.writer.transaction():
            sea.writer.execute(f"TRUNCATE {table}".encode())
            sea.writer.execute(f"INSERT INTO {table} SELECT * FROM sea.kept".encode())
            sea.writer.execute(b"DROP TABLE sea.kept")


def test_rows_added_and_a_table_that_is_gone_or_denied(sea: Sea, image: Image) -> None:
    """One bad table does not keep the others from being compared, though the server ends a transaction at an error."""
    try:
        sea.writer.execute(b"ALTER TABLE sea.empty RENAME TO other")
        sea.writer.execute(b"INSERT INTO sea.every (id) VALUES (77)")
        report = sea.check(image, 1)
    finally:
        sea.writer.execute(b"ALTER TABLE sea.other RENAME TO empty")
        sea.writer.execute(b"DELETE FROM sea.every WHERE id = 77")
    assert [(table.table, table.failed) for table in report.tables] == [
        ("sea.empty", True),
        ("sea.every", True),
        ("sea.many", False),
    ]
    text = "\n".join(report.to_text())
    assert "sea.empty: table: source cannot be read" in text
    assert "the source has 1 more: added since the dump" in text
