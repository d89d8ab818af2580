"""Aggregates and digest of a real PostgreSQL against a computation of our own, from `dbdump.verify.canon`."""

import hashlib
import math
import struct
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from dbdump.sources.contract import Aggregate
from dbdump.stored import Form

pytestmark = pytest.mark.postgresql

COLUMNS = (
    "i int, big bigint, dec numeric(12,4), free numeric, wide numeric, d float8, f float4, b bool, t text, c char(4), "
    "day date, old date, at timestamp, at0 timestamp(0), tz timestamptz, tod time, js jsonb, l bytea"
)
ROWS: list[tuple[Any, ...]] = [
    (
        -5,
        2**63 - 1,
        Decimal("1.5"),
        Decimal("0.10"),
        Decimal("1e30"),
        0.1,
        0.1,
        True,
        "é😀",
        "x",
        date(2008, 5, 30),
        "0044-03-15 BC",
        datetime.fromisoformat("1969-12-31T23:59:59.999999"),
        datetime.fromisoformat("2008-05-30T12:00:00"),
        datetime(2008, 5, 30, 12, tzinfo=UTC),
        time(23, 59, 59, 1),
        '{"a": 1}',
        b"\x00\xff",
    ),
    (
        7,
        2**63 - 1,
        Decimal("-20.0000"),
        Decimal(3),
        Decimal("-1e-20"),
        -0.0,
        -2.5,
        False,
        "z" * 150,
        "",
        date(1, 1, 1),
        "9999-01-01",
        datetime.fromisoformat("9999-12-31T23:59:59.000001"),
        datetime.fromisoformat("0001-01-01T00:00:00"),
        datetime(1, 1, 1, tzinfo=UTC),
        time(0),
        "[]",
        b"y" * 5_000,
    ),
    (0, -1, None, None, None, math.nan, math.inf, None, "", None, None, None, None, None, None, None, None, b""),
    (None,) * 18,
]


@pytest.fixture
def plan(database: Any, source: Any) -> Any:
    database.run(f"CREATE TABLE p ({COLUMNS})")
    with database.writer.cursor() as cursor:
        cursor.executemany(f"INSERT INTO p VALUES ({', '.join(['%s'] * 18)})", ROWS)
    return database.plan(source, "p")


def expected_texts(row: tuple[Any, ...]) -> list[str | None]:
    """Return the text of each value for the digest, as the definition has it."""
    i, big, dec, free, wide, d, f, b, t, c, day, old, at, at0, tz, tod, js, blob = row
    epoch = datetime.fromisoformat("1970-01-01")

    def micro(moment: datetime | None) -> str | None:
        return None if moment is None else str((moment.replace(tzinfo=None) - epoch) // timedelta(microseconds=1))

    def number(value: Decimal | None) -> str | None:
        if value is None:
            return None
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    clock = None if tod is None else str(((tod.hour * 60 + tod.minute) * 60 + tod.second) * 10**6 + tod.microsecond)
    return [
        None if i is None else str(i),
        None if big is None else str(big),
        number(dec),
        number(free),
        number(wide),
        None if d is None else struct.pack(">d", d).hex(),
        None if f is None else struct.pack(">f", f).hex(),
        None if b is None else str(int(b)),
        t,
        None if c is None else c.ljust(4),
        None if day is None else str((day - date(1970, 1, 1)).days),
        {"0044-03-15 BC": "-0043-03-15"}.get(old, old),
        micro(at),
        micro(at0),
        micro(tz),
        clock,
        js,
        None if blob is None else blob.hex(),
    ]


def test_the_digest_is_that_of_the_definition(source: Any, plan: Any) -> None:
    total = 0
    for row in ROWS:
        texts = expected_texts(row)
        joined = "".join("-" if text is None else hashlib.md5(text.encode()).hexdigest() for text in texts)
        total += int(hashlib.md5(joined.encode()).hexdigest()[:15], 16)
    assert source.digest(plan, plan.columns) == str(total)
    assert source.not_digested(plan) == frozenset()


def test_the_digest_sees_a_value_in_the_wrong_row(database: Any, source: Any, plan: Any) -> None:
    before, sums = source.digest(plan, plan.columns), source.aggregates(plan)
    database.run("UPDATE p SET big = CASE big WHEN -1 THEN 9223372036854775807 ELSE -1 END WHERE i IN (7, 0)")
    assert source.aggregates(plan)["big"].total == sums["big"].total
    assert source.digest(plan, plan.columns) != before


def test_the_aggregates_are_those_of_the_definition(source: Any, plan: Any) -> None:
    assert [c.form for c in plan.columns][-3:] == [Form.LOB, Form.LOB_FILE, Form.LOB_SIZE]
    single = struct.unpack("f", struct.pack("f", 0.1))[0]
    found = source.aggregates(plan)
    epoch = datetime.fromisoformat("1970-01-01")

    def seconds(*moments: str) -> str:
        total = sum(
            (Fraction((datetime.fromisoformat(m) - epoch) // timedelta(microseconds=1), 10**6) for m in moments),
            Fraction(0),
        )
        value = Decimal(total.numerator) / Decimal(total.denominator)
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text

    assert found == {
        "i": Aggregate(1, "-5", "7", "2"),
        "big": Aggregate(1, "-1", "9223372036854775807", str(2**64 - 3)),
        "dec": Aggregate(2, "-20", "1.5", "-18.5"),
        "free": Aggregate(2, "0.1", "3", "3.1"),
        "wide": Aggregate(2, "-0.00000000000000000001", "1" + "0" * 30, "9" * 30 + "." + "9" * 20),
        "d": Aggregate(1, "0.0", "0.1", "0.1", 1),
        "f": Aggregate(1, "-2.5", repr(single), repr(single - 2.5), 1),
        "b": Aggregate(2, None, None, "1"),
        "t": Aggregate(1, "", "é😀", "152"),
        "c": Aggregate(2, "    ", "x   ", "8"),
        "day": Aggregate(2, "0001-01-01", "2008-05-30", str((date(2008, 5, 30) - date(1970, 1, 1)).days - 719162)),
        "old": Aggregate(2, "-0043-03-15", "9999-01-01", "21"),
        "at": Aggregate(
            2,
            "1969-12-31T23:59:59.999999",
            "9999-12-31T23:59:59.000001",
            seconds("1969-12-31T23:59:59.999999", "9999-12-31T23:59:59.000001"),
        ),
        "at0": Aggregate(
            2,
            "0001-01-01T00:00:00.000000",
            "2008-05-30T12:00:00.000000",
            seconds("0001-01-01", "2008-05-30T12:00:00"),
        ),
        "tz": Aggregate(
            2,
            "0001-01-01T00:00:00.000000",
            "2008-05-30T12:00:00.000000",
            seconds("0001-01-01", "2008-05-30T12:00:00"),
        ),
        "tod": Aggregate(2, "00:00:00.000000", "23:59:59.000001", str(86_399_000_001)),
        "js": Aggregate(2, "[]", '{"a": 1}', "10"),
        "l": Aggregate(1, None, None, "5002"),
        "l__size": Aggregate(1, "0", "5000", "5002"),
    }


def test_long_text_by_code_point(database: Any, source: Any) -> None:
    texts = ["Z" * 99 + "é" * 9, "a", "B", "\uffff", "😀" * 120]
    database.run("CREATE TABLE s (t text)")
    with database.writer.cursor() as cursor:
        cursor.executemany("INSERT INTO s VALUES (%s)", [(text,) for text in texts])
    facts = source.aggregates(database.plan(source, "s"))["t"]
    assert facts == Aggregate(0, min(texts)[:100], max(texts)[:100], str(sum(map(len, texts))))


def test_a_table_without_rows(database: Any, source: Any) -> None:
    database.run("CREATE TABLE e (i int, d float8, t text, b bool, l bytea)")
    plan = database.plan(source, "e")
    assert set(source.aggregates(plan).values()) == {Aggregate(0, None, None, None)}
    assert source.digest(plan, plan.columns) == "0"


@pytest.mark.parametrize(("last", "total"), [("-1e308", math.inf), ("-1.6e308", 1.4e308)])
def test_a_sum_that_no_double_holds_on_its_way(database: Any, source: Any, last: str, total: float) -> None:
    database.run("CREATE TABLE h (d float8, i int)", f"INSERT INTO h VALUES (1.5e308, 1), (1.5e308, 2), ({last}, 3)")
    facts = source.aggregates(database.plan(source, "h"))
    assert facts["d"].total is not None
    assert float(facts["d"].total) == pytest.approx(total, rel=1e-12)
    assert (float(facts["d"].low), facts["d"].high, facts["i"].total) == (float(last), "1.5e+308", "6")


def test_marks_of_change_are_not_claimed(source: Any, plan: Any) -> None:
    assert source.change_mark(plan.name) == ""
