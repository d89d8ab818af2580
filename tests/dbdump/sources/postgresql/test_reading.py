"""Values of a real PostgreSQL arrive exactly."""

import hashlib
import math
import random
import struct
import tracemalloc
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from dbdump.errors import TableError, TableGoneError, ValueLossError
from dbdump.plan import TablePlan
from dbdump.sources.contract import Reading
from dbdump.stored import Form, Probe, StoredColumn, TypeOptions, choose_all

pytestmark = pytest.mark.postgresql

CHARACTERS = "\r\n\t,\"'\\ \x01\x7f\u0080é漢字\u2028😀 NULL \\N ''"


def values(batches: list[pa.RecordBatch], name: str) -> list[Any]:
    return [value for batch in batches for value in batch.column(name).to_pylist()]


def the_types(plan: Any) -> dict[str, str]:
    return {column.name: column.arrow for column in plan.columns}


def check(
    database: Any, source: Any, lobs: Any, readings: Any, kind: str, given: list[str], expected: list[Any]
) -> str:
    """Make a table with a column of a type, read it, compare; return the Arrow type."""
    database.run(f"CREATE TABLE v (n int, c {kind})")
    for number, text in enumerate(given):
        database.run(f"INSERT INTO v VALUES ({number}, {text})")
    plan = database.plan(source, "v")
    batches = readings(source, plan, lobs)
    assert values(batches, "n") == list(range(len(given)))
    assert values(batches, "c") == expected
    return the_types(plan)["c"]


CASES = [
    ("smallint", ["-32768", "NULL", "32767"], [-32768, None, 32767], "int64"),
    ("integer", ["-2147483648", "2147483647", "NULL"], [-(2**31), 2**31 - 1, None], "int64"),
    ("bigint", ["-9223372036854775808", "NULL", "9223372036854775807"], [-(2**63), None, 2**63 - 1], "int64"),
    ("oid", ["4294967295", "0"], [2**32 - 1, 0], "int64"),
    ("boolean", ["true", "NULL", "false", "true"], [True, None, False, True], "bool"),
    ("numeric(5,0)", ["99999", "-1"], [99999, -1], "int64"),
    ("numeric(18,0)", ["-999999999999999999", "NULL"], [-(10**18) + 1, None], "int64"),
    (
        "numeric(10,3)",
        ["-9999999.999", "NULL", "0.001", "5"],
        [Decimal("-9999999.999"), None, Decimal("0.001"), Decimal(5)],
        "decimal128(10, 3)",
    ),
    (
        "numeric(18,18)",
        ["-0.999999999999999999", "0"],
        [Decimal("-0.999999999999999999"), Decimal(0)],
        "decimal128(18, 18)",
    ),
    ("numeric(2,-3)", ["99000", "-1000"], [99000, -1000], "int64"),
    ("numeric(3,5)", ["0.00999", "-0.00001"], [Decimal("0.00999"), Decimal("-0.00001")], "decimal128(5, 5)"),
    (
        "numeric(38,10)",
        ["-9999999999999999999999999999.9999999999", "NULL", "0.1"],
        [Decimal("-9999999999999999999999999999.9999999999"), None, Decimal("0.1")],
        "decimal128(38, 10)",
    ),
    ("numeric", ["1", "NULL", "-12.00"], [1, None, -12], "int64"),
    ("numeric", ["1.50", "1e20"], [Decimal("1.5"), Decimal(10) ** 20], "decimal128(38, 1)"),
    (
        "numeric",
        ["1e40", "-1e-40", "NULL", "1.2300"],
        ["1" + "0" * 40, "-0." + "0" * 39 + "1", None, "1.23"],
        "string",
    ),
    ("numeric", ["'NaN'", "'-Infinity'", "2.50"], ["NaN", "-Infinity", "2.5"], "string"),
    (
        "numeric(60,2)",
        ["123456789012345678901234567890123456789012345678.25"],
        ["123456789012345678901234567890123456789012345678.25"],
        "string",
    ),
    ("text", ["''", "NULL", "'NULL'"], ["", None, "NULL"], "string"),
    ("varchar(5)", ["'a  '", "NULL"], ["a  ", None], "string"),
    ("char(4)", ["'é'", "NULL", "''"], ["é   ", None, "    "], "string"),
    ('"char"', ["'x'"], ["x"], "string"),
    ("name", ["'abc'"], ["abc"], "string"),
    ("date", ["'0001-01-01'", "NULL", "'9999-12-31'"], [date.min, None, date.max], "date32[day]"),
    (
        "date",
        ["'4713-01-01 BC'", "'0001-12-31 BC'", "'5874897-12-31'", "'infinity'", "'2008-05-30'"],
        ["-4712-01-01", "0000-12-31", "5874897-12-31", "infinity", "2008-05-30"],
        "string",
    ),
    ("time", ["'00:00'", "NULL", "'23:59:59.999999'"], [time.min, None, time.max], "time64[us]"),
    (
        "timestamp",
        ["'0001-01-01'", "NULL", "'9999-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.999999'"],
        [
            datetime.fromisoformat("0001-01-01"),
            None,
            datetime.fromisoformat("9999-12-31T23:59:59.999999"),
            datetime.fromisoformat("1969-12-31T23:59:59.999999"),
        ],
        "timestamp[us]",
    ),
    ("timestamp(0)", ["'2000-01-01 00:00:00'"], [datetime.fromisoformat("2000-01-01")], "timestamp[us]"),
    (
        "timestamp(0)",
        ["'-infinity'", "'0045-03-15 12:00:00 BC'", "'12345-01-01'"],
        ["-infinity", "-0044-03-15T12:00:00", "12345-01-01T00:00:00"],
        "string",
    ),
    (
        "timestamptz",
        ["'2008-10-26 02:30:00+02'", "NULL", "'1970-01-01 00:00:00+00'"],
        [datetime(2008, 10, 26, 0, 30, tzinfo=UTC), None, datetime(1970, 1, 1, tzinfo=UTC)],
        "timestamp[us, tz=UTC]",
    ),
    (
        "timestamptz",
        ["'10000-01-01 00:00:00.000001+01'", "'infinity'"],
        ["9999-12-31T23:00:00.000001Z", "infinity"],
        None,
    ),
    ("timetz", ["'24:00:00+02'"], ["24:00:00+02"], "string"),
    ("interval", ["'1 year 2 mons -3 days 04:05:06.000007'", "NULL"], ["P1Y2M-3DT4H5M6.000007S", None], "string"),
    ("uuid", ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"], ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"], "string"),
    ("json", ['\'{"b": 1,  "a":1}\''], ['{"b": 1,  "a":1}'], "string"),
    ("jsonb", ["'[1e3, \"é\"]'", "'null'", "NULL"], ['[1000, "é"]', "null", None], "string"),
    ("xml", ["'<a>é</a>'"], ["<a>é</a>"], "string"),
    ("inet", ["'10.1.2.3/8'"], ["10.1.2.3/8"], "string"),
    ("float8[]", ["'{0.1,NaN,NULL}'"], ["{0.1,NaN,NULL}"], "string"),
    ("int4range", ["'[1,5)'"], ["[1,5)"], "string"),
    ("money", ["'-1234.56'"], ["-$1,234.56"], "string"),
    ("bit varying", ["B'101'"], ["101"], "string"),
    ("bytea", ["'\\x00ff'", "NULL", "''"], [b"\x00\xff", None, b""], "binary"),
]


@pytest.mark.parametrize(
    ("kind", "given", "expected", "arrow"), CASES, ids=[f"{c[0]}-{n}" for n, c in enumerate(CASES)]
)
def test_values_of_every_type_arrive_exactly(
    database: Any, source: Any, lobs: Any, readings: Any, kind: str, given: list[str], expected: list[Any], arrow: str
) -> None:
    found = check(database, source, lobs, readings, kind, given, expected)
    assert arrow is None or found == arrow


def test_types_of_the_user_arrive_as_text_and_domains_as_what_they_are(
    database: Any, source: Any, lobs: Any, readings: Any
) -> None:
    database.run(
        "CREATE TYPE mood AS ENUM ('calm', 'a \"storm\"')",
        "CREATE TYPE pair AS (x int, y text)",
        "CREATE DOMAIN depth AS numeric(6,1) CHECK (VALUE >= 0)",
        "CREATE DOMAIN deep AS depth",
        "CREATE TABLE t (m mood, p pair, d deep)",
        "INSERT INTO t VALUES ('a \"storm\"', (1, 'b,c'), 2475.5), (NULL, (NULL, NULL), NULL)",
    )
    plan = database.plan(source, "t")
    batches = readings(source, plan, lobs)
    assert values(batches, "m") == ['a "storm"', None]
    assert values(batches, "p") == ['(1,"b,c")', "(,)"]
    assert values(batches, "d") == [Decimal("2475.5"), None]
    assert the_types(plan)["d"] == "decimal128(6, 1)"
    assert plan.schema.columns[2].source_type == f"{database.schema}.deep"


def bits_of(number: float) -> int:
    return int(struct.unpack(">q", struct.pack(">d", number))[0])


def test_every_bit_of_a_double_arrives(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    special = [0.0, -0.0, math.nan, math.inf, -math.inf, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]
    draw = random.Random(7)
    numbers = special + [struct.unpack(">d", draw.randbytes(8))[0] for _ in range(500)]
    numbers = [n for n in numbers if not (n != n and n is not math.nan)]
    database.run("CREATE TABLE f (n int, d float8, s float4)")
    with database.writer.cursor() as cursor:
        cursor.executemany("INSERT INTO f VALUES (%s, %b, %b)", [(n, v, 0.1) for n, v in enumerate(numbers)])
    batches = readings(source, database.plan(source, "f"), lobs)
    assert [bits_of(v) for v in values(batches, "d")] == [bits_of(v) for v in numbers]
    assert set(values(batches, "s")) == {struct.unpack("f", struct.pack("f", 0.1))[0]}


def test_text_with_every_kind_of_character(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    texts = [CHARACTERS, "", None, "x" * 7_000, CHARACTERS * 20_000, None]
    database.run("CREATE TABLE t (a text, b varchar, c char(60))")
    with database.writer.cursor() as cursor:
        cursor.executemany("INSERT INTO t VALUES (%s, %s, left(%s, 60))", [(t, t, t) for t in texts])
    batches = readings(source, database.plan(source, "t"), lobs)
    assert values(batches, "a") == values(batches, "b") == texts
    assert values(batches, "c") == [None if t is None else t[:60].ljust(60) for t in texts]


def test_nulls_in_every_place(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    draw = random.Random(1)
    rows = [tuple(draw.choice((None, draw.randrange(1 << 30))) for _ in range(3)) for _ in range(30_000)]
    database.run("CREATE TABLE n (a int, b float8, c timestamp, d bool, e text, f int NOT NULL)")
    with database.writer.cursor().copy("COPY n FROM STDIN") as copy:
        for number, (a, b, c) in enumerate(rows):
            instant = None if c is None else datetime.fromtimestamp(c, tz=UTC).replace(tzinfo=None)
            copy.write_row((a, b, instant, None if a is None else a % 2 == 0, None if b is None else str(b), number))
    batches = readings(source, database.plan(source, "n"), lobs, Reading(rows=999))
    found = {row["f"]: row for batch in batches for row in batch.to_pylist()}
    assert len(found) == sum(batch.num_rows for batch in batches) == len(rows)
    for number, (a, b, c) in enumerate(rows):
        instant = None if c is None else datetime.fromtimestamp(c, tz=UTC).replace(tzinfo=None)
        even, text = None if a is None else a % 2 == 0, None if b is None else str(b)
        assert found[number] == {"a": a, "b": b, "c": instant, "d": even, "e": text, "f": number}


@pytest.mark.parametrize(
    "name", ['a "quoted" name', "with space", "a/b", "ünïcode 漢", "select", "", "x'y", "50%", "%s"]
)
def test_names_of_all_kinds(database: Any, source: Any, lobs: Any, readings: Any, name: str) -> None:
    if not name:
        name = "."
    quoted = '"' + name.replace('"', '""') + '"'
    database.run(f"CREATE TABLE {quoted} ({quoted} int PRIMARY KEY, x text)", f"INSERT INTO {quoted} VALUES (7, 'y')")
    plan = database.plan(source, name)
    assert values(readings(source, plan, lobs), name) == [7]
    assert source.count(plan.schema) == source.count(plan.schema, plan.chunks[0]) == 1
    assert source.aggregates(plan)[name].total == "7"
    assert source.digest(plan, plan.columns).isdigit()


def test_tables_without_columns_and_without_rows(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    database.run("CREATE TABLE none ()", "INSERT INTO none DEFAULT VALUES", "INSERT INTO none DEFAULT VALUES")
    database.run("CREATE TABLE empty (a int, b text, c bytea)")
    plan = database.plan(source, "none")
    assert [batch.num_rows for batch in readings(source, plan, lobs)] == [2]
    assert source.count(plan.schema) == 2
    assert source.digest(plan, plan.columns) == str(2 * int(hashlib.md5(b"").hexdigest()[:15], 16))
    plan = database.plan(source, "empty")
    assert len(plan.chunks) == 1
    assert readings(source, plan, lobs) == []
    assert source.count(plan.schema, plan.chunks[0]) == 0


def test_generated_and_identity_columns(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    database.run(
        "CREATE TABLE g (i int GENERATED ALWAYS AS IDENTITY, a int, b int GENERATED ALWAYS AS (a * 2) STORED)",
        "INSERT INTO g (a) VALUES (4), (NULL)",
        "ALTER TABLE g ADD gone int",
        "ALTER TABLE g DROP gone",
        "ALTER TABLE g ADD late int DEFAULT 3",
    )
    batches = readings(source, database.plan(source, "g"), lobs)
    assert [b.to_pylist() for b in batches] == [
        [{"i": 1, "a": 4, "b": 8, "late": 3}, {"i": 2, "a": None, "b": None, "late": 3}]
    ]


def test_a_table_of_as_many_columns_as_possible(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    columns = ", ".join(f"c{n} {'text' if n % 2 else 'int'}" for n in range(1_600))
    database.run(f"CREATE TABLE wide ({columns})", "INSERT INTO wide (c0, c1, c1599) VALUES (1, 'a', 'z')")
    plan = database.plan(source, "wide")
    ((row,),) = [batch.to_pylist() for batch in readings(source, plan, lobs)]
    assert {name: value for name, value in row.items() if value is not None} == {"c0": 1, "c1": "a", "c1599": "z"}
    assert source.aggregates(plan)["c1599"].high == "z"
    assert source.digest(plan, plan.columns).isdigit()


def test_order_and_boundaries_are_those_of_the_pages_each_time(
    database: Any, source: Any, lobs: Any, readings: Any
) -> None:
    database.run(
        "CREATE TABLE o (n int, x text) WITH (fillfactor = 60)",
        "INSERT INTO o SELECT i, repeat(chr(65 + i % 26), i % 97) FROM generate_series(1, 60000) i",
        "DELETE FROM o WHERE n % 7 = 0",
        "UPDATE o SET x = x || '!' WHERE n % 11 = 0",
        "VACUUM o",
        "INSERT INTO o SELECT i, 'late' FROM generate_series(100000, 100500) i",
    )
    plan = database.plan(source, "o", size=1 << 20)
    assert len(plan.chunks) > 3
    assert plan.chunks[-1].high is None
    first = readings(source, plan, lobs, Reading(rows=700, size=20_000))
    again = readings(source, plan, lobs, Reading(rows=700, size=20_000))
    assert [batch.num_rows for batch in first] == [batch.num_rows for batch in again]
    assert max(batch.num_rows for batch in first) <= 700
    assert values(first, "n") == values(again, "n")
    expected = [row[0] for row in database.writer.execute("SELECT n FROM o ORDER BY ctid").fetchall()]
    assert values(first, "n") == expected
    assert [source.count(plan.schema, chunk) for chunk in plan.chunks] == [
        sum(b.num_rows for b in source.read(plan, chunk, Reading(), lobs)) for chunk in plan.chunks
    ]
    assert sum(source.count(plan.schema, chunk) for chunk in plan.chunks) == len(expected)


def test_boundaries_do_not_depend_on_where_the_server_keeps_the_values(
    database: Any, source: Any, lobs: Any, readings: Any
) -> None:
    # The second table has values out of line, and is read in pieces of known bytes.
    for name in ("near", "far"):
        database.run(
            f"CREATE TABLE {name} (n int, x text)",
            f"INSERT INTO {name} SELECT i, repeat('y', i % 300) FROM generate_series(1, 20000) i",
        )
    database.run("ALTER TABLE far ALTER x SET STORAGE EXTERNAL", "INSERT INTO far VALUES (0, repeat('z', 9000))")
    near, far = (
        readings(source, database.plan(source, name), lobs, Reading(rows=500, size=30_000)) for name in ("near", "far")
    )
    assert values(far, "n") == [*values(near, "n"), 0]
    assert [b.num_rows for b in far[: len(near) - 1]] == [b.num_rows for b in near[:-1]]


def test_a_materialized_view_is_read_like_a_table(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    database.run("CREATE MATERIALIZED VIEW mv AS SELECT i AS n FROM generate_series(1, 10) i")
    assert values(readings(source, database.plan(source, "mv"), lobs), "n") == list(range(1, 11))


def test_a_partitioned_table_is_read_by_its_leaves(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    database.run(
        "CREATE TABLE p (t date, n int, x text) PARTITION BY RANGE (t)",
        "CREATE TABLE p_2007 PARTITION OF p FOR VALUES FROM ('2007-01-01') TO ('2008-01-01') PARTITION BY LIST (n)",
        "CREATE TABLE p_2007_even PARTITION OF p_2007 FOR VALUES IN (0, 2)",
        'CREATE TABLE "p 2007.odd" PARTITION OF p_2007 FOR VALUES IN (1, 3)',
        # Its columns are in another order, and one was dropped.
        "CREATE TABLE rest (x text, gone int, n int, t date)",
        "ALTER TABLE rest DROP gone",
        "ALTER TABLE p ATTACH PARTITION rest DEFAULT",
        "INSERT INTO p SELECT date '2007-06-01' + 300 * (i % 2), i % 4, i::text FROM generate_series(1, 100) i",
    )
    plan = database.plan(source, "p")
    assert [chunk.number for chunk in plan.chunks] == [0, 1, 2]
    assert len({chunk.partition for chunk in plan.chunks}) == 3
    assert sorted(map(int, values(readings(source, plan, lobs), "x"))) == list(range(1, 101))
    assert source.count(plan.schema) == 100
    assert [partition.name for partition in plan.schema.partitions] == sorted(c.partition for c in plan.chunks)
    assert [table.name.name for table in source.reflect([database.schema]).tables] == ["p"]
    database.run("DROP TABLE p_2007_even")
    with pytest.raises(TableGoneError, match="no partition"):
        readings(source, plan, lobs)


def test_a_partitioned_table_without_partitions(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    database.run("CREATE TABLE p (n int) PARTITION BY LIST (n)")
    plan = database.plan(source, "p")
    assert readings(source, plan, lobs) == []
    assert source.count(plan.schema) == source.count(plan.schema, plan.chunks[0]) == 0
    database.run("CREATE TABLE p1 PARTITION OF p DEFAULT", "INSERT INTO p VALUES (1)")
    with pytest.raises(TableError, match="run the same dump command again"):
        readings(source, plan, lobs)


def test_rows_of_tables_that_inherit_are_their_own(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    database.run("CREATE TABLE a (n int)", "CREATE TABLE b () INHERITS (a)")
    database.run("INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (2)")
    for name, rows in (("a", [1]), ("b", [2])):
        plan = database.plan(source, name)
        assert values(readings(source, plan, lobs), "n") == rows
        assert source.count(plan.schema) == 1
    assert any("inherits" in warning for warning in source.reflect([database.schema]).warnings)


def test_long_bytes_become_files(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    draw = random.Random(3)
    blobs = [b"", None, draw.randbytes(1_000), draw.randbytes(1_001), b"a" * 3_000_000, draw.randbytes(40_000_000)]
    blobs += [draw.randbytes(1_001 + n) for n in range(40)] + [None]
    database.run("CREATE TABLE l (n int, b bytea)")
    with database.writer.cursor() as cursor:
        cursor.executemany("INSERT INTO l VALUES (%s, %s)", list(enumerate(blobs)))
    batches = readings(source, database.plan(source, "l"), lobs, Reading(rows=7))
    assert values(batches, "b") == [blob if blob is None or len(blob) <= 1_000 else None for blob in blobs]
    assert values(batches, "b__size") == [None if blob is None else len(blob) for blob in blobs]
    names = values(batches, "b__lob")
    for blob, name in zip(blobs, names, strict=True):
        assert (name is None) == (blob is None or len(blob) <= 1_000)
        assert name is None or lobs.path(name).read_bytes() == blob


def test_values_of_100_megabytes_come_one_at_a_time(database: Any, source: Any, lobs: Any) -> None:
    database.run(
        "CREATE TABLE t (n int, x text)", "INSERT INTO t SELECT i, repeat('ab', 50000000) FROM generate_series(1, 3) i"
    )
    plan = database.plan(source, "t")
    tracemalloc.start()
    found = [
        (batch.num_rows, batch.nbytes > 100_000_000)
        for chunk in plan.chunks
        for batch in source.read(plan, chunk, Reading(), lobs)
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(1, True)] * 3
    # The value itself and the answer that it comes in; libpq's own copy is not counted here.
    assert peak < 350_000_000


def test_bytes_of_text_on_request(database: Any, source: Any, lobs: Any, readings: Any) -> None:
    database.run("CREATE TABLE r (a text, b char(3))", "INSERT INTO r VALUES ('é\u0080', 'x'), (NULL, NULL)")
    plan = database.plan(source, "r", options=TypeOptions(raw_text=frozenset({"r.a", "r.b"})))
    batches = readings(source, plan, lobs)
    assert values(batches, "a") == ["é\u0080".encode(), None]
    assert values(batches, "b") == [b"x  ", None]
    assert source.aggregates(plan)["a"].total == "4"


def test_a_server_in_another_encoding(database: Any, lobs: Any, readings: Any) -> None:
    name = f"{database.url.database}l1"
    database.run(f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        other = type(database)(database.url.set(database=name), database.writer, "public")
        source = other.open()
        try:
            import psycopg

            url = other.url
            with psycopg.connect(
                host=url.host, port=url.port, user=url.username, password=url.password, dbname=name, autocommit=True
            ) as writer:
                writer.execute("CREATE TABLE t (a text, b char(3))")
                writer.execute("INSERT INTO t VALUES ('é', 'ü'), (NULL, NULL), ('z', 'a')")
            assert source.facts().charset == "LATIN1"
            plan = other.plan(source, "t")
            batches = readings(source, plan, lobs)
            assert values(batches, "a") == ["é", None, "z"]
            assert values(batches, "b") == ["ü  ", None, "a  "]
            facts = source.aggregates(plan)["a"]
            assert (facts.low, facts.high, facts.total) == ("z", "é", "2")
            rows = [("é", "ü  "), (None, None), ("z", "a  ")]
            texts = ["".join("-" if v is None else hashlib.md5(v.encode()).hexdigest() for v in row) for row in rows]
            total = sum(int(hashlib.md5(text.encode()).hexdigest()[:15], 16) for text in texts)
            assert source.digest(plan, plan.columns) == str(total)
            raw = other.plan(source, "t", options=TypeOptions(raw_text=frozenset({"t.a"})))
            assert values(readings(source, raw, lobs), "a") == [b"\xe9", None, b"z"]
        finally:
            source.close()
    finally:
        database.run(f"DROP DATABASE {name} WITH (FORCE)")


def test_text_that_is_no_utf8_is_an_error_with_a_way_out(database: Any, lobs: Any, readings: Any) -> None:
    name = f"{database.url.database}ascii"
    database.run(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    try:
        other = type(database)(database.url.set(database=name), database.writer, "public")
        source = other.open()
        try:
            import psycopg

            url = other.url
            with psycopg.connect(
                host=url.host, port=url.port, user=url.username, password=url.password, dbname=name, autocommit=True
            ) as writer:
                writer.execute(b"CREATE TABLE t (a text, b char(2))")
                writer.execute(b"INSERT INTO t VALUES (E'\\xe9', 'x')")
            with pytest.raises(ValueLossError, match="--raw-text"):
                readings(source, other.plan(source, "t"), lobs)
            raw = other.plan(source, "t", options=TypeOptions(raw_text=frozenset({"t.a"})))
            assert values(readings(source, raw, lobs), "a") == [b"\xe9"]
            assert values(readings(source, raw, lobs), "b") == ["x "]
        finally:
            source.close()
    finally:
        database.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    ("kind", "first", "second"),
    [
        ("timestamp", "'2008-01-01'", "'infinity'"),
        ("date", "'2008-01-01'", "'0044-03-15 BC'"),
        ("time", "'12:00'", "'24:00'"),
        ("numeric", "1", "1.5"),
        ("numeric", "1.5", "1.55"),
        ("numeric", "1", "'NaN'"),
        ("numeric(10,2)", "1", "'NaN'"),
    ],
)
def test_a_value_that_came_after_the_probe_is_never_bent(
    database: Any, source: Any, lobs: Any, readings: Any, kind: str, first: str, second: str
) -> None:
    database.run(f"CREATE TABLE b (c {kind})", f"INSERT INTO b VALUES ({first})")
    plan = database.plan(source, "b")
    database.run(f"INSERT INTO b VALUES ({second})")
    with pytest.raises(ValueLossError, match=r"\.b"):
        readings(source, plan, lobs)


def test_values_that_are_no_number_are_found_when_asked_for(
    database: Any, source: Any, lobs: Any, readings: Any
) -> None:
    database.run(
        "CREATE TABLE b (c numeric(10,2), t time, ok numeric(10,2))",
        "INSERT INTO b VALUES ('NaN', '24:00', 1), (2.5, '12:00', 2), (NULL, NULL, NULL)",
    )
    table = database.table(source, "b")
    probes = source.probe(table, table.columns)
    assert probes["c"] == Probe("2.5", "2.5", 1, 1)
    assert probes["t"] == Probe("12:00:00", "12:00:00", None, 1)
    assert probes["ok"] == Probe("1", "2", 0, 0)
    text = StoredColumn("t", "t", Form.ISO_TEXT, "string")
    columns = tuple(text if c.name == "t" else c for c in choose_all(table, probes, TypeOptions()))
    batches = readings(source, TablePlan(table, columns, source.chunks(table, 1 << 20)), lobs)
    assert values(batches, "c") == ["NaN", "2.5", None]
    assert values(batches, "t") == ["24:00:00", "12:00:00", None]


def test_probes_of_a_table_without_values(database: Any, source: Any) -> None:
    database.run("CREATE TABLE b (n numeric, t timestamp, d date)", "INSERT INTO b VALUES (NULL, NULL, NULL)")
    table = database.table(source, "b")
    assert list(source.probe(table, table.columns).values()) == [Probe()] * 3
