"""The type map: what a column of the source becomes, and that nothing is ever rounded."""

import pytest

from dbdump.errors import ValueLossError
from dbdump.schema import Column, Family, TableName, TableSchema
from dbdump.stored import Form, Probe, StoredColumn, TypeOptions, choose, choose_all, needs_probe

TABLE = TableName("ENV", "CTD")
PLAIN = TypeOptions()


def column(family: Family, **facts: object) -> Column:
    return Column("C", "TYPE", family, **facts)  # type: ignore[arg-type]


def stored(family: Family, probe: Probe | None = None, **facts: object) -> tuple[StoredColumn, ...]:
    return choose(TABLE, column(family, **facts), probe, PLAIN)


def arrow(family: Family, probe: Probe | None = None, **facts: object) -> str:
    return stored(family, probe, **facts)[0].arrow


@pytest.mark.parametrize(
    ("precision", "scale", "expected"),
    [
        (10, 0, "int64"),
        (18, 0, "int64"),
        (19, 0, "decimal128(19, 0)"),
        (18, None, "int64"),
        (38, 0, "decimal128(38, 0)"),
        (10, 2, "decimal128(10, 2)"),
        (2, 5, "decimal128(5, 5)"),  # 0.00012
        (5, -2, "int64"),  # 12300
        (36, -2, "decimal128(38, 0)"),
    ],
)
def test_declared_decimals(precision: int, scale: int | None, expected: str) -> None:
    assert arrow(Family.DECIMAL, precision=precision, scale=scale) == expected


def test_a_decimal_that_arrow_cannot_hold_is_chosen_by_its_values() -> None:
    assert needs_probe(column(Family.DECIMAL, precision=40, scale=2))
    assert needs_probe(column(Family.DECIMAL, precision=38, scale=-5))
    assert not needs_probe(column(Family.DECIMAL, precision=38, scale=5))
    assert arrow(Family.DECIMAL, Probe("0", "9", 2), precision=40, scale=2) == "decimal128(38, 2)"


def test_what_a_type_has_and_arrow_has_not_is_looked_for() -> None:
    assert needs_probe(column(Family.DECIMAL, precision=5, scale=2, has_specials=True))
    assert arrow(Family.DECIMAL, Probe(special=1), precision=5, scale=2) == "string"
    assert arrow(Family.DECIMAL, Probe("1", "2", 2), precision=5, scale=2) == "decimal128(5, 2)"
    assert needs_probe(column(Family.TIME, has_specials=True))
    assert arrow(Family.TIME, Probe(special=1)) == "string"
    assert arrow(Family.TIME, Probe()) == "time64[us]"


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (Probe("-5", "7", 0), "int64"),
        (Probe("0", "9" * 18, 0), "int64"),
        (Probe("0", "9" * 19, 0), "decimal128(38, 0)"),
        (Probe("-1.5", "2.25", 2), "decimal128(38, 2)"),
        (Probe("0", "9" * 38, 0), "decimal128(38, 0)"),
        (Probe("0", "9" * 38, 1), "string"),
        (Probe("0", "9" * 40, 0), "string"),
        (Probe("0.1", "0.2", 130), "string"),
        (Probe("-1E+40", "0", 0), "string"),
        (Probe("1", "2", 0, special=1), "string"),
        (Probe(None, None, None), "int64"),
        (None, "string"),
    ],
)
def test_numbers_without_bounds_are_chosen_by_their_values(probe: Probe | None, expected: str) -> None:
    chosen = stored(Family.NUMBER, probe)[0]
    assert chosen.arrow == expected
    assert chosen.form == (Form.NUMBER_TEXT if expected == "string" else Form.VALUE)
    assert chosen.note
    assert not chosen.lossy


@pytest.mark.parametrize(
    ("family", "scale", "low", "high", "expected"),
    [
        (Family.DATETIME, None, "2007-01-29T20:18:57", "2022-02-12T00:00:00", "timestamp[s]"),
        (Family.DATETIME, None, "-4712-01-01T00:00:00", "2022-02-12T00:00:00", "string"),
        (Family.DATETIME, None, "0001-01-01T00:00:00", "9999-12-31T23:59:59", "timestamp[s]"),
        (Family.DATE, None, "0001-01-01", "9999-12-31", "date32[day]"),
        (Family.DATE, None, "2000-01-01", "10000-01-01", "string"),
        (Family.TIMESTAMP, 6, "1600-01-01T00:00:00", "9999-12-31T23:59:59.999999", "timestamp[us]"),
        (Family.TIMESTAMP, 9, "2007-01-01T00:00:00", "2022-01-01T00:00:00", "timestamp[ns]"),
        (Family.TIMESTAMP, 9, "1600-01-01T00:00:00", "2022-01-01T00:00:00", "string"),
        (Family.TIMESTAMP, 7, "2007-01-01T00:00:00", "2262-04-12T00:00:00", "string"),
        (Family.TIMESTAMP_UTC, 6, "2007-01-01T00:00:00", "2022-01-01T00:00:00", "timestamp[us, tz=UTC]"),
        (Family.TIMESTAMP_TZ, 3, "2007-01-01T00:00:00", "2022-01-01T00:00:00", "timestamp[us, tz=UTC]"),
    ],
)
def test_times(family: Family, scale: int | None, low: str, high: str, expected: str) -> None:
    chosen = stored(family, Probe(low, high), scale=scale)[0]
    assert chosen.arrow == expected
    assert chosen.form == (Form.ISO_TEXT if expected == "string" else Form.VALUE)


def test_a_time_that_is_none_makes_the_column_text() -> None:
    assert arrow(Family.TIMESTAMP, Probe("2007-01-01T00:00:00", "2022-01-01T00:00:00", special=1)) == "string"


def test_nanoseconds_are_not_trusted_to_types_alone() -> None:
    assert arrow(Family.TIMESTAMP, None, scale=9) == "string"


def test_a_time_zone_is_kept_beside_the_instant() -> None:
    probe = Probe("2007-01-01T00:00:00", "2022-01-01T00:00:00")
    assert [(c.name, c.form, c.arrow) for c in stored(Family.TIMESTAMP_TZ, probe, scale=6)] == [
        ("C", Form.VALUE, "timestamp[us, tz=UTC]"),
        ("C__tz", Form.OFFSET, "string"),
    ]
    # text has the zone in itself
    assert len(stored(Family.TIMESTAMP_TZ, Probe("-0044-03-15T12:00:00", "2022-01-01T00:00:00"), scale=6)) == 1


@pytest.mark.parametrize(
    ("precision", "scale", "expected", "unit"),
    [(2, 6, "int64", "us"), (8, 6, "int64", "us"), (9, 6, "string", ""), (5, 9, "int64", "ns"), (6, 9, "string", "")],
)
def test_intervals_of_seconds_fit_or_are_text(precision: int, scale: int, expected: str, unit: str) -> None:
    chosen = stored(Family.INTERVAL_SECONDS, precision=precision, scale=scale)[0]
    assert (chosen.arrow, chosen.unit) == (expected, unit)
    if expected == "int64":
        digits = {"us": 6, "ns": 9}[unit]
        assert 10**precision * 86400 * 10**digits < 2**63


def test_large_objects_have_file_and_size_beside_them() -> None:
    assert [(c.name, c.form, c.arrow) for c in stored(Family.LOB_BYTES)] == [
        ("C", Form.LOB, "binary"),
        ("C__lob", Form.LOB_FILE, "string"),
        ("C__size", Form.LOB_SIZE, "int64"),
    ]


@pytest.mark.parametrize(
    ("declared", "probe", "expected"),
    [
        (Family.DECIMAL, Probe("0", "99999999", classes={"integer": 3}), "int64"),
        (Family.TEXT, Probe(classes={"text": 1}), "string"),
        (Family.TEXT, Probe("1", "2", classes={"integer": 2}), "int64"),
        (Family.FLOAT64, Probe("1", "2.5", classes={"integer": 2, "real": 1}), "double"),
        (Family.NUMBER, Probe("1", "2.5", classes={"integer": 2, "real": 1}), "double"),
        (Family.NUMBER, Probe("1", str(2**60), classes={"integer": 2, "real": 1}), "string"),
        (Family.BOOLEAN, Probe("0", "1", classes={"integer": 2}), "bool"),
        (Family.BOOLEAN, Probe("0", "2", classes={"integer": 2}), "int64"),
        (Family.BYTES, Probe(classes={"blob": 2}), "binary"),
        (Family.TEXT, Probe(classes={"blob": 2, "text": 1}), "binary"),
        (Family.TEXT, Probe("1", "1", classes={"integer": 2, "text": 1}), "string"),
    ],
)
def test_dynamic_columns_are_chosen_by_their_values(declared: Family, probe: Probe, expected: str) -> None:
    assert arrow(Family.DYNAMIC, probe, declared=declared) == expected


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (Probe("-1.25", "99999999.99", classes={"integer": 1, "real": 5}), "decimal128(10, 2)"),
        (Probe("-1.25", "7", classes={"integer": 1, "real": 5}, exact=False), "string"),
        (Probe("0", "100000000", classes={"integer": 1, "real": 5}), "string"),
        (Probe("-100000000", "0", classes={"real": 5}), "string"),
    ],
)
def test_a_dynamic_decimal_must_be_what_it_says(probe: Probe, expected: str) -> None:
    chosen = stored(Family.DYNAMIC, probe, declared=Family.DECIMAL, precision=10, scale=2)
    assert chosen[0].arrow == expected
    if expected == "string":
        assert chosen[0].form == Form.NUMBER_TEXT
        assert chosen[0].note
        assert chosen[1].form == Form.STORAGE_CLASS


def test_raw_text_is_bytes() -> None:
    for name in ("ENV.CTD.C", "CTD.C"):
        options = TypeOptions(raw_text=frozenset({name}))
        chosen = choose(TABLE, column(Family.TEXT), None, options)
        assert [(c.form, c.arrow) for c in chosen] == [(Form.RAW, "binary")]
    assert choose(TABLE, column(Family.TEXT), None, TypeOptions(raw_text=frozenset({"X.C"})))[0].arrow == "string"


def test_what_would_be_lost_is_an_error_unless_allowed() -> None:
    table = TableSchema(TABLE, (column(Family.UNREADABLE),))
    with pytest.raises(ValueLossError, match=r"ENV\.CTD, column C: .*--allow-lossy"):
        choose_all(table, {}, PLAIN)
    assert choose_all(table, {}, TypeOptions(allow_lossy=True))[0].lossy


def test_companions_do_not_take_the_name_of_a_column() -> None:
    table = TableSchema(TABLE, (column(Family.LOB_TEXT), Column("c__SIZE", "NUMBER", Family.FLOAT64)))
    stored = choose_all(table, {}, TypeOptions())
    assert [one.name for one in stored] == ["C", "C__lob", "C__size_2", "c__SIZE"]
    assert stored[2].note == "called so because the table has a column C__size"
