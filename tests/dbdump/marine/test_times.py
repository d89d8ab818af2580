"""Times become microseconds since 1970 in UTC, exactly, or are told to be none."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest

from dbdump.errors import ValueLossError
from dbdump.marine.mapping import TimeColumn
from dbdump.marine.times import Instants, check_zone, iso, to_instants
from legacy.errors import MetadataError

NOON = datetime.fromisoformat("2008-07-01T12:00:00.250000")  # a clock reading, of no zone
NOON_UTC = int(NOON.replace(tzinfo=UTC).timestamp() * 1e6)


def instants(column: "pa.Array[Any]", zone: str = "UTC", **more: Any) -> Instants:
    return to_instants(column, TimeColumn("T", zone, **more), "ENV.CTD, column T")


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("tz", [None, "UTC"])
def test_timestamps(unit: str, tz: str | None) -> None:
    found = instants(pa.array([NOON, None], pa.timestamp(unit, tz)))
    assert found.micros[0] == NOON_UTC
    assert found.good.tolist() == [True, False]


def test_seconds_days_and_numbers() -> None:
    assert iso(instants(pa.array([NOON], pa.timestamp("s")).cast(pa.timestamp("s"))).micros[0])[:19] == (
        "2008-07-01T12:00:00"
    )
    assert iso(instants(pa.array([date(2008, 7, 1)])).micros[0]) == "2008-07-01T00:00:00Z"
    for unit, factor in (("s", 1), ("ms", 1000)):
        found = instants(pa.array([1_214_913_600 * factor, None, 2**62], pa.int64()), since_1970=unit)
        assert iso(found.micros[0]) == "2008-07-01T12:00:00Z"
        assert found.good.tolist() == [True, False, False]
    with pytest.raises(MetadataError, match="since_1970: s"):
        instants(pa.array([1], pa.int64()))
    with pytest.raises(MetadataError, match="double is no time"):
        instants(pa.array([1.0]))


def test_texts() -> None:
    texts = [
        "2008-07-01 12:00:00.25",
        "2008-07-01T14:00:00.250000+02:00",
        "2008-07-01T12:00:00.25000000Z",
        "2008-07-01",
    ]
    found = instants(pa.array(texts))
    assert found.good.all()
    assert found.micros[:3].tolist() == [NOON_UTC] * 3
    assert iso(found.micros[3]) == "2008-07-01T00:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        *("-4712-01-01T00:00:00", "0001-01-01 00:00:00", "9999-12-31 00:00:00", "2007-02-30 00:00:00", "yesterday"),
        *("", "01/07/2008 12:00", "2008-07-01 12:00:00.0000001", "2008-07-01 24:00:01", "infinity"),
    ],
)
def test_texts_that_are_no_time_of_a_measurement(text: str) -> None:
    assert instants(pa.array([text, "2008-07-01"])).good.tolist() == [False, True]


def test_years_far_away_are_no_times() -> None:
    column = pa.array([-200_000_000_000, 253_402_300_799, 0], pa.int64()).cast(pa.timestamp("s"))
    assert instants(column).good.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("zone", "offset"), [("+01:00", 1), ("-03:30", -3.5), ("Europe/Paris", 2)], ids=["east", "west", "named"]
)
def test_zones(zone: str, offset: float) -> None:
    expected = int(NOON.replace(tzinfo=timezone(timedelta(hours=offset))).timestamp() * 1e6)
    assert instants(pa.array([NOON], pa.timestamp("us")), zone).micros[0] == expected
    assert instants(pa.array([str(NOON)]), zone).micros[0] == expected
    # A text with an offset of its own keeps it.
    assert instants(pa.array([f"{NOON}Z"]), zone).micros[0] == NOON_UTC


def test_hours_that_a_clock_skips_or_repeats() -> None:
    for moment in ("2008-03-30 02:30", "2008-10-26 02:30"):
        with pytest.raises(ValueLossError, match=r"ENV\.CTD, column T: .*'zone: \+01:00'"):
            instants(pa.array([moment]), "Europe/Paris")


def test_refusals() -> None:
    with pytest.raises(ValueLossError, match="finer than a microsecond"):
        instants(pa.array([1], pa.timestamp("ns")))
    with pytest.raises(MetadataError, match="its times have their own zone"):
        instants(pa.array([NOON], pa.timestamp("us", "UTC")), "Europe/Paris")
    for zone in ("Europe/Pariss", "+1", "../etc/passwd"):
        with pytest.raises(MetadataError, match="is no zone"):
            check_zone(zone, "here")
