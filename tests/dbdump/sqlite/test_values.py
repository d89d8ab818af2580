"""Every Arrow type of an image as SQLite stores it, against Python's own text of the values."""

from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dbdump.sqlite.values import BLOB, INTEGER, REAL, TEXT, affinity, decimal_text, is_whole, iso_text, sqlite_values


@pytest.mark.parametrize(
    ("arrow", "kind"),
    [
        ("int32", INTEGER),
        ("bool", INTEGER),
        ("float", REAL),
        ("double", REAL),
        ("binary", BLOB),
        ("string", TEXT),
        ("decimal128(10, 0)", TEXT),
        ("timestamp[ns, tz=UTC]", TEXT),
        ("date32[day]", TEXT),
        ("time64[us]", TEXT),
    ],
)
def test_kinds(arrow: str, kind: str) -> None:
    assert affinity(arrow) == kind


def test_only_decimals_without_decimals_are_whole() -> None:
    assert is_whole("decimal128(38, 0)")
    assert not is_whole("decimal128(38, 10)")
    assert not is_whole("int64")


@given(st.data(), st.integers(0, 38))
def test_decimals_keep_all_digits(data: st.DataObject, scale: int) -> None:
    numbers = data.draw(st.lists(st.none() | st.integers(-(10**38) + 1, 10**38 - 1)))
    values = [None if number is None else Decimal(f"{number}E-{scale}") for number in numbers]
    found = decimal_text(pa.array(values, pa.decimal128(38, scale))).to_pylist()
    assert found == [None if value is None else format(value, f".{scale}f") for value in values]


@given(st.lists(st.datetimes() | st.none()))
def test_times_are_iso_text_that_sorts(values: list[datetime | None]) -> None:
    found = iso_text(pa.array(values, pa.timestamp("us"))).to_pylist()
    assert found == [value and value.isoformat(timespec="microseconds") for value in values]
    present = [value for value in values if value]
    assert sorted(filter(None, found)) == [value.isoformat(timespec="microseconds") for value in sorted(present)]


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC", "Europe/Paris"])
def test_instants_are_in_utc_and_say_so(zone: str) -> None:
    column = pa.array([datetime(2008, 5, 30, 12, tzinfo=UTC)], pa.timestamp("us", zone))
    assert iso_text(column).to_pylist() == ["2008-05-30T12:00:00.000000Z"]


def test_digits_of_a_second_follow_the_unit() -> None:
    column = pa.array([-1], pa.timestamp("ns"))
    assert iso_text(column).to_pylist() == ["1969-12-31T23:59:59.999999999"]
    assert iso_text(pa.array([-1], pa.timestamp("s"))).to_pylist() == ["1969-12-31T23:59:59"]


def test_a_number_beyond_64_bits_is_no_integer() -> None:
    with pytest.raises(pa.ArrowInvalid):
        sqlite_values(pa.array([Decimal(2**63)], pa.decimal128(38, 0)), INTEGER)
