"""What the image side computes, against plain Python that knows the definition in `dbdump.verify.canon` only."""

import hashlib
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import pytest

from dbdump.errors import ImageError
from dbdump.image import Image, ImageTable
from dbdump.sources.contract import Aggregate
from dbdump.stored import Form
from dbdump.verify.aggregates import start_aggregates
from dbdump.verify.canon import digested
from dbdump.verify.compare import ImageAggregate, compare
from dbdump.verify.digest import hashing, start_digest
from dbdump.verify.lobfiles import LobFiles

Images = Any
Given = Any
NINES, MINUS_NINES = Decimal("9" * 38), Decimal("-" + "9" * 38)
LONG = Decimal("9" * 28 + "." + "9" * 10)
INT64 = (-(2**63), 2**63 - 1, 0, -1, None, 1, 2**62, 2**62)
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  the arithmetic of this file has no zones


def units(text: str, per_second: int) -> int:
    """Return an ISO time as a whole number of units since 1970."""
    seconds, _, fraction = text.partition(".")
    passed = datetime.fromisoformat(seconds) - EPOCH
    digits = len(str(per_second)) - 1
    return (passed.days * 86400 + passed.seconds) * per_second + int((fraction + "0" * 9)[:digits] or 0)


US = ["0001-01-01T00:00:00.000000", "9999-12-31T23:59:59.999999", "1969-12-31T23:59:59.999999", "2008-05-30T01:02:03.5"]
NS = ["1677-09-21T00:12:44.000000001", "2262-04-11T23:47:16.854775807", "1970-01-01T00:00:00", "2008-05-30T01:02:03.5"]
TEXTS = ["", "a\0b", "Ωmega \U0001f30a", "z" * 300, None, "trailing  ", "\ufffd\u0080", "line\nbreak\ttab"]
BYTES = [b"", b"\0", b"\xff\xfe", None, bytes(range(256)), b"a", b"b", b"c"]


def columns_of_every_type(given: type[Given]) -> list[Given]:
    floats = [-0.0, 0.0, math.nan, math.inf, -math.inf, 5e-324, -1.5, None]
    cents = ["0.00", "-0.01", "12.50", "99999999.99", "-99999999.99", None, "100.00", "0.10"]
    tiny = [Decimal(text) for text in ("0." + "9" * 38, "-0." + "9" * 38, "0", "1E-38", "-1E-38", "0.5", "0.10")]
    return [
        given("i4", "int32", [-(2**31), 2**31 - 1, 0, None, 1, 2, 3, 4]),
        given("i8", "int64", INT64),
        given("flag", "bool", [True, False, None, True, True, False, None, True]),
        given("f4", "float", [-0.0, 1.5, math.nan, math.inf, 3.25, 1e-45, -7.0, None]),
        given("f8", "double", floats),
        given("cents", "decimal128(10, 2)", [None if text is None else Decimal(text) for text in cents]),
        given("wide", "decimal128(38, 0)", [NINES, MINUS_NINES, NINES, NINES, None, Decimal(0), Decimal(1), NINES]),
        given("tiny", "decimal128(38, 38)", [*tiny, None]),
        given("half", "decimal128(4, 4)", [Decimal("0.5"), Decimal("-0.0001"), None, *[Decimal("0.9999")] * 5]),
        given("text", "string", TEXTS),
        given("bytes", "binary", BYTES),
        given("day", "date32[day]", [-719162, 2932896, 0, -1, None, 14029, 14029, 14029]),
        given("clock", "time64[us]", [0, 86_399_999_999, None, 1, 3_600_000_000, 86_400_000_000, 5, 6]),
        given("s", "timestamp[s]", [*[units(text, 1) for text in US], None, 0, 1, 2]),
        given("us", "timestamp[us]", [*[units(text, 10**6) for text in US], None, 0, 1, 2]),
        given("utc", "timestamp[us, tz=UTC]", [None, *[units(text, 10**6) for text in US], 0, 1, 2]),
        given("ns", "timestamp[ns]", [*[units(text, 10**9) for text in NS], None, 0, 1, 2]),
        given("nsutc", "timestamp[ns, tz=UTC]", [*[units(text, 10**9) for text in NS], None, 0, 1, 2]),
        given("raw", "binary", BYTES, Form.RAW),
    ]


def facts(image: Image, table: ImageTable, jobs: int = 2) -> Mapping[str, ImageAggregate]:
    with ThreadPoolExecutor(jobs) as pool:
        return start_aggregates(pool, image, table, LobFiles(image))()


def digest(image: Image, table: ImageTable) -> str:
    with ThreadPoolExecutor(2) as pool, hashing() as database:
        return start_digest(pool, database, image, table, digested(table.columns), LobFiles(image))()


def plain(value: Decimal | Fraction) -> str:
    """Write a number with all its digits, without help of the code under test."""
    number = Fraction(value)
    sign, number = ("-" if number < 0 else ""), abs(number)
    whole, rest = divmod(number.numerator, number.denominator)
    digits = ""
    while rest:
        digit, rest = divmod(rest * 10, number.denominator)
        digits += str(digit)
    return f"{sign}{whole}" + (f".{digits}" if digits else "")


def iso(value: int, per_second: int) -> str:
    """Write a time as ISO text; Python's times have microseconds only."""
    seconds, rest = divmod(value, per_second)
    digits = len(str(per_second)) - 1
    text = (EPOCH + timedelta(seconds=seconds)).strftime("%m-%dT%H:%M:%S")
    year = (EPOCH + timedelta(seconds=seconds)).year
    return f"{year:04}-{text}" + (f".{rest:0{digits}}" if digits else "")


def per_second(arrow: str) -> int:
    return {"s": 1, "us": 10**6, "ns": 10**9}[arrow[10:].split(",")[0].rstrip("]")]


def expected(one: Given) -> Aggregate:
    """Compute the aggregates of a column from its Python values."""
    there = [value for value in one.values if value is not None]
    nulls = len(one.values) - len(there)
    if one.arrow in ("float", "double"):
        stored = [struct.unpack(">f", struct.pack(">f", v))[0] if one.arrow == "float" else v for v in there]
        finite = [value for value in stored if math.isfinite(value)]
        low, high, total = repr(min(finite)), repr(max(finite)), repr(math.fsum(finite))
        return Aggregate(nulls, low, high, total, len(there) - len(finite))
    if one.arrow in ("string", "binary"):
        total = str(sum(map(len, there)))
        if one.arrow == "binary":
            return Aggregate(nulls, None, None, total)
        return Aggregate(nulls, min(there)[:100], max(there)[:100], total)
    if one.arrow == "bool":
        return Aggregate(nulls, None, None, str(sum(there)))
    first, last = min(there), max(there)
    if one.arrow == "date32[day]":
        low, high = (date.fromordinal(value + date(1970, 1, 1).toordinal()).isoformat() for value in (first, last))
        return Aggregate(nulls, low, high, str(sum(there)))
    if one.arrow == "time64[us]":
        return Aggregate(nulls, "00:00:00.000000", "24:00:00.000000", str(sum(there)))
    if one.arrow.startswith("timestamp"):
        unit = per_second(one.arrow)
        return Aggregate(nulls, iso(first, unit), iso(last, unit), plain(Fraction(sum(there), unit)))
    return Aggregate(nulls, plain(first), plain(last), plain(sum(map(Fraction, there), Fraction())))


def digest_text(value: Any, arrow: str) -> str | bytes:
    if arrow in ("float", "double"):
        return struct.pack(">f" if arrow == "float" else ">d", value).hex()
    if arrow == "bool":
        return "1" if value else "0"
    if arrow == "string":
        return str(value)
    if arrow == "binary":
        return bytes(value).hex()
    return plain(value)


def expected_digest(given: Sequence[Given]) -> str:
    """Compute the digest of a table from its Python values."""
    total = 0
    for row in zip(*[one.values for one in given], strict=True):
        texts = [
            "-" if value is None else hashlib.md5(str(digest_text(value, one.arrow)).encode()).hexdigest()
            for one, value in zip(given, row, strict=True)
        ]
        total += int(hashlib.md5("".join(texts).encode()).hexdigest()[:15], 16)
    return str(total)


@pytest.mark.parametrize("batch", [2, 65_536])
@pytest.mark.parametrize("parts", [(), (3,), (1, 0, 4), (8,)])
def test_every_type_as_plain_python(
    images: Callable[[], Images],
    given: type[Given],
    parts: tuple[int, ...],
    batch: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dbdump.verify.rows.BATCH_ROWS", batch)  # slices of row groups, which are three rows here
    columns = columns_of_every_type(given)
    made = images()
    table = made.table("ALL", *columns, parts=parts)
    image = made.finish()
    found = facts(image, table)
    for one in columns:
        want, got = expected(one), found[one.name].aggregate
        if one.arrow in ("float", "double"):
            assert float(got.low or 0) == float(want.low or 0), one.name
            assert float(got.total or 0) == pytest.approx(float(want.total or 0), rel=1e-15)
            assert (got.nulls, got.high, got.special) == (want.nulls, want.high, want.special), one.name
        else:
            assert got == want, one.name
    assert digest(image, table) == expected_digest(columns)


def test_known_digest(images: Callable[[], Images], given: type[Given]) -> None:
    """The numbers of the definition, worked out by hand with md5sum."""
    made = images()
    table = made.table("T", given("a", "int64", [1]), given("b", "string", [None]))
    inner = "c4ca4238a0b923820dcc509a6f75849b"  # printf 1 | md5sum
    want = int(hashlib.md5(f"{inner}-".encode()).hexdigest()[:15], 16)
    assert digest(made.finish(), table) == str(want)


def test_empty_table_and_nulls_only(images: Callable[[], Images], given: type[Given]) -> None:
    made = images()
    kinds = [one.arrow for one in columns_of_every_type(given)]
    empty = made.table("EMPTY", *[given(f"c{n}", kind, []) for n, kind in enumerate(kinds)])
    nulls = made.table("NULLS", *[given(f"c{n}", kind, [None] * 5) for n, kind in enumerate(kinds)], parts=(2,))
    image = made.finish()
    assert {one.aggregate for one in facts(image, empty).values()} == {Aggregate(0, None, None, None)}
    assert {one.aggregate for one in facts(image, nulls).values()} == {Aggregate(5, None, None, None)}
    assert digest(image, empty) == "0"
    row = int(hashlib.md5(b"-" * len(kinds)).hexdigest()[:15], 16)
    assert digest(image, nulls) == str(5 * row)


def test_floats_that_are_all_special(images: Callable[[], Images], given: type[Given]) -> None:
    made = images()
    table = made.table("T", given("x", "double", [math.nan, math.inf]))
    assert facts(made.finish(), table)["x"].aggregate == Aggregate(0, None, None, None, 2)


def test_numbers_that_are_text_are_added_as_numbers(images: Callable[[], Images], given: type[Given]) -> None:
    texts = ["-12.5", "0." + "0" * 129 + "1", "9" * 6000, None, "NaN", "Infinity", "-Infinity", "0.001", "9" * 40]
    made = images()
    table = made.table("T", given("n", "string", texts, Form.NUMBER_TEXT), parts=(2, 3))
    only = made.table("ONLY", given("n", "string", ["NaN", None], Form.NUMBER_TEXT))
    image = made.finish()
    numbers = [Decimal(text) for text in texts if text is not None and text[-1].isdigit()]
    with localcontext(prec=10_000):
        total = format(sum(numbers, Decimal(0)), "f")
    there = [text for text in texts if text is not None]
    want = Aggregate(1, min(there)[:100], max(there)[:100], total, 3)
    assert facts(image, table)["n"].aggregate == want
    assert facts(image, only)["n"].aggregate == Aggregate(1, "NaN", "NaN", None, 1)


def test_a_text_that_is_no_number_is_damage(images: Callable[[], Images], given: type[Given]) -> None:
    made = images()
    table = made.table("T", given("n", "string", ["1.5", "1;5"], Form.NUMBER_TEXT))
    with pytest.raises(ImageError, match=r"SEA\.T, column n: '1;5' is no decimal number; restore"):
        facts(made.finish(), table)


def lob_columns(made: Images, given: type[Given], values: Sequence[Any], arrow: str) -> list[Given]:
    """Values of more than eight bytes go to files."""
    raw = [None if v is None else v.encode() if isinstance(v, str) else v for v in values]
    large = [v is not None and len(v) > 8 for v in raw]
    return [
        given("id", "int64", range(len(values))),
        given("v", arrow, [None if big else v for v, big in zip(values, large, strict=True)], Form.LOB),
        given(
            "v__lob",
            "string",
            [made.lob(v) if big else None for v, big in zip(raw, large, strict=True)],
            Form.LOB_FILE,
            "v",
        ),
        given("v__size", "int64", [None if v is None else len(v) for v in raw], Form.LOB_SIZE, "v"),
    ]


@pytest.mark.parametrize(
    ("values", "arrow"),
    [
        (["short", None, "Ω" * 700_000, "", "a\0b", "\U0001f30a" * 9, "\U0001f30a" * 9], "string"),
        ([b"short", None, bytes(range(256)) * 9000, b"", b"\xff", b"123456789"], "binary"),
    ],
)
def test_large_values_count_wherever_they_lie(
    images: Callable[[], Images], given: type[Given], values: list[Any], arrow: str
) -> None:
    made = images()
    table = made.table("T", *lob_columns(made, given, values, arrow), parts=(2,))
    image = made.finish()
    found = facts(image, table)
    there = [v for v in values if v is not None]
    assert found["v"].aggregate == Aggregate(1, None, None, str(sum(map(len, there))))
    sizes = [len(v.encode() if isinstance(v, str) else v) for v in there]
    assert found["v__size"].aggregate == Aggregate(1, str(min(sizes)), str(max(sizes)), str(sum(sizes)))
    assert "v__lob" not in found
    assert digest(image, table) == expected_digest(
        [given("id", "int64", range(len(values))), given("v", arrow, values)]
    )


def test_large_value_that_was_changed_or_lost(images: Callable[[], Images], given: type[Given]) -> None:
    made = images()
    table = made.table("T", *lob_columns(made, given, ["x" * 100], "string"))
    image = made.finish()
    (path,) = (image.folder / "lobs").rglob("??" + "?" * 62)
    path.write_bytes(b"y" * 100)
    with pytest.raises(ImageError, match=r"lobs/.*content is not what its name says.*restore"):
        digest(image, table)
    path.unlink()
    with pytest.raises(ImageError, match=r"lobs/.*missing.*restore"):
        facts(image, table)


ROW_CHANGES: dict[str, tuple[str, list[Any], list[Any]]] = {
    "one cell": ("int64", [1, 2, 3], [1, 2, 4]),
    "null for a value": ("int64", [1, 0, 3], [1, None, 3]),
    "value for a null": ("string", ["a", None], ["a", ""]),
    "a row lost": ("int64", [1, 2, 3], [1, 2]),
    "a row doubled": ("int64", [1, 2, 3], [1, 2, 2, 3]),
    "an hour later": (
        "timestamp[s]",
        [units(text, 1) for text in US],
        [units(US[0], 1) + 3600, *[units(text, 1) for text in US[1:]]],
    ),
    "a nanosecond": ("timestamp[ns]", [5, 6], [5, 7]),
    "last digit": (
        "decimal128(38, 10)",
        [Decimal("1.0000000001"), LONG],
        [Decimal("1.0000000002"), LONG],
    ),
    "trailing blank": ("string", ["a ", "b"], ["a", "b"]),
    "sign": ("double", [1.5, -2.5], [-1.5, -2.5]),
    "true": ("bool", [True, False], [False, False]),
    "a byte more": ("binary", [b"ab"], [b"abc"]),
    "a day": ("date32[day]", [1, 2], [1, 3]),
    "a microsecond": ("time64[us]", [1, 2], [1, 3]),
}


@pytest.mark.parametrize("name", ROW_CHANGES)
def test_each_single_change_shows_in_aggregates_and_digest(
    images: Callable[[], Images], given: type[Given], name: str
) -> None:
    arrow, before, after = ROW_CHANGES[name]
    made, changed = images(), images()
    old, new = (one.table("T", given("v", arrow, values)) for one, values in ((made, before), (changed, after)))
    first, second = made.finish(), changed.finish()
    source = {key: value.aggregate for key, value in facts(first, old).items()}
    assert digest(first, old) != digest(second, new)
    differences, notes = compare("SEA.T", new.columns, source, facts(second, new))
    counted = len(before) != len(after)
    assert differences or counted, "neither the number of rows nor an aggregate shows it"
    assert {one.column for one in differences} <= {"v"}
    assert not notes


@pytest.mark.parametrize(
    ("columns", "swapped"),
    [
        ([("int64", [1, 2]), ("string", ["a", "b"])], [("int64", [2, 1]), ("string", ["a", "b"])]),
        ([("string", ["ab", "c"]), ("string", ["d", "ef"])], [("string", ["a", "bc"]), ("string", ["d", "ef"])]),
        ([("double", [-0.0, 1.0])], [("double", [0.0, 1.0])]),
        ([("binary", [b"ab", b"c"])], [("binary", [b"ax", b"c"])]),
        ([("double", [1e16, 1.0])], [("double", [1e16, 2.0])]),
    ],
    ids=["two cells swapped", "text moved between rows", "negative zero", "a byte changed", "float below the slack"],
)
def test_what_only_the_digest_sees(
    images: Callable[[], Images],
    given: type[Given],
    columns: list[tuple[str, list[Any]]],
    swapped: list[tuple[str, list[Any]]],
) -> None:
    made, changed = images(), images()
    old = made.table("T", *[given(f"c{n}", *one) for n, one in enumerate(columns)])
    new = changed.table("T", *[given(f"c{n}", *one) for n, one in enumerate(swapped)])
    assert digest(made.finish(), old) != digest(changed.finish(), new)


def test_digest_does_not_depend_on_the_order_of_rows(images: Callable[[], Images], given: type[Given]) -> None:
    made, other = images(), images()
    old = made.table("T", given("a", "int64", range(100)), given("b", "string", [str(n) for n in range(100)]))
    turned = list(range(99, -1, -1))
    new = other.table("T", given("a", "int64", turned), given("b", "string", map_text(turned)), parts=(10, 20))
    assert digest(made.finish(), old) == digest(other.finish(), new)


def map_text(numbers: Sequence[int]) -> list[str]:
    return [str(number) for number in numbers]


def test_sum_of_floats_in_another_order_is_the_same(images: Callable[[], Images], given: type[Given]) -> None:
    values = [(-1) ** n * 10.0 ** (n % 17) / 3 for n in range(20_000)]
    made = images()
    table = made.table("T", given("x", "double", values))
    image = made.finish()
    found = facts(image, table)
    forward = 0.0
    for value in sorted(values):
        forward += value
    assert repr(forward) != found["x"].aggregate.total
    ours = found["x"].aggregate
    source = {"x": Aggregate(0, ours.low, ours.high, repr(forward), 0)}
    assert compare("SEA.T", table.columns, source, found) == ([], [])
    wrong = {"x": Aggregate(0, ours.low, ours.high, repr(forward + 3e7), 0)}
    ((difference,), _) = compare("SEA.T", table.columns, wrong, found)
    assert difference.fact == "total"


def test_sum_too_large_for_a_double_is_told(images: Callable[[], Images], given: type[Given]) -> None:
    made = images()
    table = made.table("T", given("x", "double", [1.7e308, 1.7e308]))
    found = facts(made.finish(), table)
    source = {"x": Aggregate(0, "1.7e+308", "1.7e+308", "1.0", 0)}
    differences, (note,) = compare("SEA.T", table.columns, source, found)
    assert differences == []
    assert "too large for a double" in note


def test_column_that_the_source_does_not_give_is_told(images: Callable[[], Images], given: type[Given]) -> None:
    made = images()
    table = made.table("T", given("x", "int64", [1]))
    _, notes = compare("SEA.T", table.columns, {}, facts(made.finish(), table))
    assert notes == ["SEA.T, column x: the source gives no aggregates of it; not compared"]


def test_fact_that_the_source_does_not_compute_is_told(images: Callable[[], Images], given: type[Given]) -> None:
    made = images()
    table = made.table("T", given("x", "string", ["ab", None]))
    found = facts(made.finish(), table)
    differences, notes = compare("SEA.T", table.columns, {"x": Aggregate(1, "ab", "ab", None)}, found)
    assert differences == []
    assert notes == ["SEA.T, column x: the source gives no total; not compared"]
    differences, notes = compare("SEA.T", table.columns, {"x": Aggregate(2, None, None, None)}, found)
    assert [one.fact for one in differences] == ["nulls", "low", "high", "total"]
    assert notes == []
