"""Every value comes out as it is, or the dump says why it does not."""

import hashlib
import math
import random
import sqlite3
import struct
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from dbdump.errors import ValueLossError
from dbdump.lobs import LobStore
from dbdump.plan import TablePlan
from dbdump.schema import TableSchema
from dbdump.sources.contract import Reading
from dbdump.sources.sqlite import SqliteSource
from dbdump.sources.sqlite.decimals import MisfitError, decimal_array
from dbdump.stored import Form, StoredColumn

Make = Callable[..., Path]
Dump = Callable[..., object]
LOW, HIGH = -(2**63), 2**63 - 1
LONG_NUMBER = "1234567890123456789012345678901234567890"


def one_column(make: Make, declared: str, *values: object) -> Path:
    return make(f"CREATE TABLE t (x {declared})", ("INSERT INTO t VALUES (?)", [(value,) for value in values]))


@pytest.mark.parametrize(
    ("declared", "values", "arrow", "expected"),
    [
        ("INTEGER", [LOW, 0, None, HIGH], "int64", [LOW, 0, None, HIGH]),
        ("", [LOW, HIGH], "int64", [LOW, HIGH]),
        ("REAL", [0.1, -1e308, 5e-324, None], "double", [0.1, -1e308, 5e-324, None]),
        ("REAL", [math.inf, -math.inf, 1.5], "double", [math.inf, -math.inf, 1.5]),
        ("DOUBLE PRECISION", [3, 2.5], "double", [3.0, 2.5]),
        ("REAL", [math.nan, 1.0], "double", [None, 1.0]),  # SQLite stores NULL for NaN
        ("NUMERIC(9,2)", [1.25, 7, None, -0.05], "decimal128(9, 2)", ["1.25", "7", None, "-0.05"]),
        ("NUMERIC(9,2)", [9999999.99, -9999999.99], "decimal128(9, 2)", ["9999999.99", "-9999999.99"]),
        ("NUMBER(10,2)", [19.99, 0.1 + 0.7], "string", ["19.99", "0.7999999999999999"]),
        ("NUMERIC(4,2)", [123.45], "string", ["123.45"]),
        ("NUMERIC(20,3)", [9007199254740993, 0.125], "decimal128(20, 3)", ["9007199254740993", "0.125"]),
        ("NUMERIC(10,0)", [5, 1e9], "int64", [5, 1000000000]),
        ("NUMERIC(30,2)", [1e20, 1125899906842624.5], "decimal128(30, 2)", ["1e20", "1125899906842624.5"]),
        ("DECIMAL(38,25)", [0.1, -2.5], "decimal128(38, 25)", ["0.1", "-2.5"]),
        ("NUMBER(7,-2)", [1200, 1250], "int64", [1200, 1250]),
        # SQLite itself makes a double of it.
        ("NUMBER(3)", [LONG_NUMBER, None], "string", ["12345678901234568" + 23 * "0", None]),
        ("NUMBER", [2, 0.5], "double", [2.0, 0.5]),
        ("BOOLEAN", [1, 0, None], "bool", [True, False, None]),
        ("BOOLEAN", [1, 2], "int64", [1, 2]),
        ("TEXT", ["", None, "a\0b", "é\U0001f41f"], "string", ["", None, "a\0b", "é\U0001f41f"]),
        ("VARCHAR2(40)", [LONG_NUMBER, "-" + LONG_NUMBER], "string", [LONG_NUMBER, "-" + LONG_NUMBER]),
        ("TIMESTAMP", ["2008-05-30 12:00:00", None], "string", ["2008-05-30 12:00:00", None]),
        ("VARCHAR(3)", ["longer than that"], "string", ["longer than that"]),
        ("DATE", [1212105600], "int64", [1212105600]),
        ("BLOB", [b"", b"\0\xff", None], "binary", [b"", b"\0\xff", None]),
        ("CLOB", ["", "text", None], "string", ["", "text", None]),
        ("NUMERIC(10,2)", [], "decimal128(10, 2)", []),
        ("TIME", [None], "time64[us]", [None]),
    ],
)  # fmt: skip
def test_a_column_of_one_kind(
    make: Make, dump: Dump, declared: str, values: list[object], arrow: str, expected: list[object]
) -> None:
    dumped = dump(one_column(make, declared, *values))
    assert dumped.type_of("x") == arrow
    if arrow.startswith("decimal"):
        expected = [None if value is None else Decimal(value) for value in expected]
    assert dumped.values("x") == expected


def test_minus_zero_keeps_its_sign(make: Make, dump: Dump) -> None:
    dumped = dump(one_column(make, "", -0.0, 1.5))
    assert [math.copysign(1, value) for value in dumped.values("x")] == [-1.0, 1.0]


@pytest.mark.parametrize(
    ("declared", "values", "arrow", "expected", "classes"),
    [
        (
            "NUMERIC(6,2)", [1.239, 4, None, 1e-7, 1e300, -0.5], "string",
            ["1.239", "4", None, "0.0000001", "1" + "0" * 300, "-0.5"],
            ["real", "integer", "null", "real", "real", "real"],
        ),
        (
            "", [1, 2.5, "text", None, math.inf, -math.inf], "string",
            ["1", "2.5", "text", None, "Infinity", "-Infinity"], ["integer", "real", "text", "null", "real", "real"],
        ),
        (
            "", [LOW, 2.0, "é", b"\xff\0", None, ""], "binary",
            [str(LOW).encode(), b"2", "é".encode(), b"\xff\0", None, b""],
            ["integer", "real", "text", "blob", "null", "text"],
        ),
        ("NUMBER", [9007199254740993, 0.5], "string", ["9007199254740993", "0.5"], ["integer", "real"]),
        ("INTEGER", ["many", 3], "string", ["many", "3"], ["text", "integer"]),
        ("NUMERIC(10,2)", [math.inf, 1], "string", ["Infinity", "1"], ["real", "integer"]),
    ],
)  # fmt: skip
def test_a_column_of_several_kinds_says_the_kind_of_each_value(
    make: Make, dump: Dump, declared: str, values: list[object], arrow: str, expected: object, classes: list[str]
) -> None:
    dumped = dump(one_column(make, declared, *values))
    assert dumped.type_of("x") == arrow
    assert dumped.values("x") == expected
    assert dumped.values("x__class") == classes
    back = [_back(text, kind) for text, kind in zip(expected, classes, strict=True)]
    assert list(map(repr, back)) == list(map(repr, values))


def _back(stored: str | bytes | None, kind: str) -> object:
    """What the docs say: text and class give the value again."""
    if kind == "blob" or stored is None:
        return stored
    text = stored.decode() if isinstance(stored, bytes) else stored
    return {"integer": int, "real": float, "text": str}[kind](text)


def test_doubles_become_decimals_only_when_nothing_is_lost() -> None:
    generator = random.Random(1)
    for scale in (0, 1, 2, 5, 15, 22, 25):
        kind = pa.decimal128(38, scale)
        units = [generator.randrange(-(10**15), 10**15) for _ in range(300)]
        expected = [Decimal(unit).scaleb(-scale) for unit in units]
        assert decimal_array([float(number) for number in expected], kind).to_pylist() == expected
    for value, scale in ((0.125, 2), (1e-30, 22), (math.nextafter(19.99, 20), 2), (0.1 + 0.2, 15), (math.inf, 2)):
        with pytest.raises((MisfitError, pa.ArrowException)):
            decimal_array([1.0, value], pa.decimal128(38, scale))


def test_decimals_do_not_exceed_their_precision() -> None:
    kind = pa.decimal128(4, 2)
    assert decimal_array([99.99, -99.99, None], kind).to_pylist() == [Decimal("99.99"), Decimal("-99.99"), None]
    for value in (100.0, 100, -1e6):
        with pytest.raises(pa.ArrowException):
            decimal_array([value], kind)
    with pytest.raises(MisfitError, match="no numbers"):
        decimal_array(["1"], kind)
    assert decimal_array([], kind).to_pylist() == []


@pytest.mark.parametrize("declared", ["TEXT", "CLOB", ""])
def test_text_that_is_no_utf8_is_told_with_its_place(make: Make, dump: Dump, declared: str) -> None:
    path = make(
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, ok TEXT, x {declared})",
        ("INSERT INTO t VALUES (?, 'ok', ?)", [(number, "fine") for number in range(20)]),
        "UPDATE t SET x = CAST(x'41ff' AS TEXT) WHERE id IN (7, 11)",
    )
    with pytest.raises(ValueLossError, match=r"main.t: 2 values of column x .*rowid 7, 11.*--raw-text t.x"):
        dump(path)


def test_long_text_that_is_no_utf8(make: Make, dump: Dump) -> None:
    path = make("CREATE TABLE t (x CLOB)", "INSERT INTO t VALUES (CAST(zeroblob(3000000) || x'ff' AS TEXT))")
    with pytest.raises(ValueLossError, match="column x, rowid 1: the text is no UTF-8"):
        dump(path)


def test_raw_text(make: Make, opened: Callable[..., SqliteSource], table_of: Callable[..., TableSchema]) -> None:
    path = make("CREATE TABLE t (x TEXT)", "INSERT INTO t VALUES (CAST(x'41ff00' AS TEXT)), (NULL)")
    source = opened(path)
    table = table_of(source)
    plan = TablePlan(table, (StoredColumn("x", "x", Form.RAW, "binary"),), source.chunks(table, 1 << 20))
    (batch,) = source.read(plan, plan.chunks[0], Reading(), LobStore(path.parent))
    assert batch.to_pydict() == {"x": [b"A\xff\0", None]}
    assert source.aggregates(plan)["x"].total == "3"


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_encodings(make: Make, dump: Dump, encoding: str) -> None:
    texts = ["é", "\ue000", "\U0001f41f", "a\0b", "z" * 5000, None, ""]
    path = make(
        f"PRAGMA encoding = '{encoding}'",
        "CREATE TABLE t (x TEXT, c CLOB)",
        ("INSERT INTO t VALUES (?, ?)", [(text, text) for text in texts]),
    )
    dumped = dump(path)
    assert dumped.values("x") == texts
    assert dumped.values("c") == [*texts[:4], None, None, ""]
    assert dumped.values("c__size") == [2, 3, 4, 3, 5000, None, 0]
    name = hashlib.sha256(b"z" * 5000).hexdigest()
    assert dumped.values("c__lob") == [None] * 4 + [name, None, None]
    assert dumped.lobs.path(name).read_bytes() == b"z" * 5000
    facts = dumped.source.aggregates(dumped.plan)
    assert (facts["x"].low, facts["x"].high) == ("", "\U0001f41f")
    assert facts["x"].total == facts["c"].total == str(3 + 3 + 5000)
    assert facts["c__size"].total == str(2 + 3 + 4 + 3 + 5000)
    plain = dump(
        make("CREATE TABLE t (x TEXT, c CLOB)", ("INSERT INTO t VALUES (?, ?)", [(x, x) for x in texts]), name="8")
    )
    digests = {one.source.digest(one.plan, one.plan.columns) for one in (dumped, plain)}
    assert len(digests) == 1


@pytest.mark.parametrize("ending", ["", "WITHOUT ROWID"])
def test_long_values_become_files(make: Make, dump: Dump, ending: str) -> None:
    values = [b"a" * 1000, b"b" * 1001, b"", None, b"\0" * 3_000_000, b"b" * 1001]
    path = make(
        f"CREATE TABLE t (id INT PRIMARY KEY, x BLOB) {ending}",
        ("INSERT INTO t VALUES (?, ?)", list(enumerate(values))),
    )
    dumped = dump(path)
    assert dumped.values("x") == [values[0], None, b"", None, None, None]
    assert dumped.values("x__size") == [1000, 1001, 0, None, 3_000_000, 1001]
    names = dumped.values("x__lob")
    assert [name for name in names if name is None] == [None] * 3
    for place in (1, 4, 5):
        assert dumped.lobs.path(names[place]).read_bytes() == values[place]
    assert len(list(dumped.lobs.folder.rglob("??/*"))) == 2


def test_long_values_of_a_generated_column(make: Make, dump: Dump) -> None:
    """SQLite cannot open those piece by piece."""
    path = make("CREATE TABLE t (n, x BLOB AS (zeroblob(n)))", ("INSERT INTO t (n) VALUES (?)", [(10,), (2000,)]))
    dumped = dump(path)
    assert dumped.values("x") == [bytes(10), None]
    assert dumped.lobs.path(dumped.values("x__lob")[1]).read_bytes() == bytes(2000)


@pytest.mark.parametrize(
    ("declared", "before", "after"),
    [("INTEGER", 1, 2.5), ("TEXT", "a", b"a"), ("REAL", 1.5, "text"), ("BOOLEAN", 1, 2), ("NUMERIC(4,2)", 1.5, 1.555),
     ("NUMERIC(4,2)", 1.5, "x"), ("BLOB", b"x", "x"), ("NUMERIC(4,0)", 5, 5.5)],
)  # fmt: skip
def test_a_value_of_another_kind_that_came_after_the_plan(
    make: Make, dump: Dump, declared: str, before: object, after: object
) -> None:
    path = one_column(make, declared, before)
    dumped = dump(path)
    writer = sqlite3.connect(path)
    writer.execute("INSERT INTO t VALUES (?)", (after,))
    writer.commit()
    writer.close()
    with pytest.raises(ValueLossError, match=r"main\.t, column x: .*plan it again"):
        list(dumped.source.read(dumped.plan, dumped.plan.chunks[0], Reading(), dumped.lobs))


# --- what the source computes, against the same from Arrow ---


def canonical(value: object, stored: StoredColumn) -> str | None:
    """Text of a value by the table of `dbdump.verify.canon`."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, Decimal):
        return str(int(value)) if value == value.to_integral() else format(value.normalize(), "f")
    return value.hex() if isinstance(value, bytes) else str(value)


def digest_of(dumped: object) -> str:
    total = 0
    columns = [stored for stored in dumped.plan.columns if stored.form not in (Form.LOB_FILE, Form.LOB_SIZE)]
    for row in dumped.rows.to_pylist():
        texts = ""
        for stored in columns:
            value = row[stored.name]
            if stored.form == Form.LOB and row[f"{stored.column}__lob"]:
                value = dumped.lobs.path(row[f"{stored.column}__lob"]).read_bytes()
                value = value.decode() if stored.arrow == "string" else value
            text = canonical(value, stored)
            texts += "-" if text is None else hashlib.md5(text.encode()).hexdigest()
        total += int(hashlib.md5(texts.encode()).hexdigest()[:15], 16)
    return str(total)


@pytest.fixture
def everything(make: Make) -> Path:
    """A table with all kinds of columns."""
    generator = random.Random(7)
    rows = [
        (
            number - 40,
            generator.choice([LOW, HIGH, number]),
            generator.randrange(-(10**9), 10**9) / 100 if number % 7 else None,
            generator.choice([generator.random() * 10 ** generator.randrange(-300, 300), math.inf, -0.0]),
            number % 2,
            generator.choice(["", "a\0b", "é\U0001f41f" * 60, "\ue000", f"row {number}"]),
            bytes([number % 256]) * generator.choice([0, 10, 2000]),
            chr(0xE9) * generator.choice([1, 20, 900]),
            generator.choice([1, 2.5, "text", b"\xff", None, 1e300]),
            generator.choice([1, 2.5, "text", 1e16, -0.0]),
            generator.choice([0.005, 7, 123456789.125]),
            generator.choice([0.005, 10**15, 123456789.125, 1e13 / 8]),
        )
        for number in range(300)
    ]
    return make(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, i BIGINT, d NUMERIC(12,2), f DOUBLE PRECISION, b BOOLEAN, s TEXT, "
        "bl BLOB, cl CLOB, m, ms, nt NUMERIC(5,2), w NUMERIC(24,4))",
        ("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows),
    )  # fmt: skip


def test_digest(everything: Path, dump: Dump) -> None:
    dumped = dump(everything)
    digest = dumped.source.digest(dumped.plan, dumped.plan.columns)
    assert digest == digest_of(dumped)
    assert dumped.source.not_digested(dumped.plan) == frozenset()
    writer = sqlite3.connect(everything)
    writer.execute("UPDATE t SET s = s || ' ' WHERE id = 3")
    writer.commit()
    writer.close()
    assert dumped.source.digest(dumped.plan, dumped.plan.columns) != digest


def test_digest_of_long_values_in_pieces(make: Make, dump: Dump) -> None:
    dumped = dump(
        make(
            "CREATE TABLE t (b BLOB, c CLOB)",
            ("INSERT INTO t VALUES (?, ?)", [(b"\1\xff" * 2_000_000, "é" * 1_500_001), (b"x", "y")]),
        )
    )
    assert dumped.source.digest(dumped.plan, dumped.plan.columns) == digest_of(dumped)


def test_aggregates(everything: Path, dump: Dump) -> None:
    dumped = dump(everything)
    facts = dumped.source.aggregates(dumped.plan)
    expected = [stored.name for stored in dumped.plan.columns if stored.form != Form.LOB_FILE]
    assert list(facts) == expected
    for stored in dumped.plan.columns:
        if stored.form in (Form.LOB, Form.LOB_FILE):
            continue
        values = dumped.values(stored.name)
        filled = [value for value in values if value is not None]
        fact = facts[stored.name]
        assert fact.nulls == len(values) - len(filled), stored.name
        low, high, total = _facts_of(filled, stored)
        assert (fact.low, fact.high) == (low, high), stored.name
        if stored.arrow == "double":
            assert float(fact.total) == pytest.approx(math.fsum(total), rel=1e-12)
            assert fact.special == sum(map(math.isinf, filled))
        else:
            assert (fact.total, fact.special) == (total, 0), stored.name
    assert facts["bl"].total == facts["bl__size"].total
    assert facts["cl"].total == str(int(facts["cl__size"].total) // 2)
    assert (facts["cl"].low, facts["bl"].high) == (None, None)


def _facts_of(filled: list[object], stored: StoredColumn) -> tuple[str | None, str | None, object]:
    if stored.arrow == "bool":
        return None, None, str(sum(filled))
    if stored.arrow == "binary":
        return None, None, str(sum(map(len, filled)))
    if stored.arrow == "string":
        total = sum(map(len, filled)) if stored.form != Form.NUMBER_TEXT else sum(map(Decimal, filled)).normalize()
        return min(filled)[:100], max(filled)[:100], str(total)
    if stored.arrow == "double":
        finite = [value for value in filled if math.isfinite(value)]
        return repr(min(finite)), repr(max(finite)), finite
    return tuple(canonical(value, stored) for value in (min(filled), max(filled), sum(filled)))


@pytest.mark.parametrize("declared", ["INTEGER", "REAL", "NUMERIC(10,2)", "TEXT", "BLOB", "BOOLEAN", "CLOB", ""])
def test_aggregates_of_nothing(make: Make, dump: Dump, declared: str) -> None:
    for values in ((), (None, None)):
        dumped = dump(one_column(make, declared, *values))
        (fact,) = dumped.source.aggregates(dumped.plan).values()
        assert (fact.nulls, fact.low, fact.high, fact.total, fact.special) == (len(values), None, None, None, 0)
        dumped.source.close()
        Path(dumped.source._database.path).unlink()


def test_sums_that_pass_64_bits(make: Make, dump: Dump) -> None:
    dumped = dump(make("CREATE TABLE t (x INTEGER, y REAL)", ("INSERT INTO t VALUES (?, ?)", [(HIGH, math.inf)] * 3)))
    facts = dumped.source.aggregates(dumped.plan)
    assert facts["x"].total == str(3 * HIGH)
    assert (facts["y"].nulls, facts["y"].total, facts["y"].special) == (0, None, 3)
