"""Times of a table as microseconds since 1970-01-01T00:00:00Z, exactly or not at all."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dbdump.errors import ValueLossError
from dbdump.marine.mapping import TimeColumn
from legacy.errors import MetadataError, printable

if TYPE_CHECKING:
    import pyarrow as pa

Times = NDArray[np.int64]
Mask = NDArray[np.bool_]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
FIRST = (datetime(1900, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND
LAST = (datetime(2100, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND
"""No measurement is outside of these; dates such as 0001-01-01 and 9999-12-31 stand for 'unknown'."""
_OFFSET = re.compile(r"([+-])(\d\d):([0-5]\d)")
# What datetime.fromisoformat reads exactly: it would cut a seventh digit of a second.
_ISO = r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6}0*)?)?(Z|[+-]\d\d:\d\d)?)?$"
_PER_UNIT = {"s": 1_000_000, "ms": 1000, "us": 1}


@dataclass(frozen=True, slots=True)
class Instants:
    """Times of some rows, and which of them are times at all."""

    micros: Times
    good: Mask


def check_zone(name: str, where: str) -> None:
    """See that a zone is one; raises MetadataError."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name == "UTC" or _OFFSET.fullmatch(name):
        return
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise MetadataError(
            f"{where}: '{printable(name)}' is no zone; expected UTC, an offset such as +01:00, or Europe/Paris"
        ) from error


def iso(micros: int) -> str:
    """Return a time as ISO 8601 in UTC, with a fraction only where there is one."""
    moment = EPOCH + timedelta(microseconds=int(micros))
    return moment.replace(tzinfo=None).isoformat() + "Z"


def to_instants(column: "pa.Array[Any]", spec: TimeColumn, where: str) -> Instants:
    """Convert a column of times.

    Parameters
    ----------
    column
        Timestamps with or without a zone, dates (their midnight), ISO 8601 text, or whole numbers.
    spec
        Zone of times without one, unit of numbers.
    where
        Table and column, for messages.

    Raises
    ------
    MetadataError
        The column is of another type than the mapping says.
    ValueLossError
        A time is finer than a microsecond, or does not exist or exists twice in its zone.
    """
    import pyarrow as pa

    kind = column.type
    if pa.types.is_integer(kind):
        return _numbers(column, spec, where)
    if spec.since_1970:
        raise MetadataError(f"{where}: 'since_1970' is for whole numbers; the column is {kind}")
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _texts(column, spec, where)
    if pa.types.is_date32(kind):
        days = column.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
        return _localised(days * 86_400_000_000, _valid(column), spec, where)
    if not pa.types.is_timestamp(kind):
        raise MetadataError(f"{where}: {kind} is no time; name the column with the time of the measurement")
    micros, good = _stamps(column, where)
    if kind.tz is not None:
        if spec.zone != "UTC":
            raise MetadataError(f"{where}: its times have their own zone; leave 'zone' out")
        return Instants(micros, good & _within(micros))
    return _localised(micros, good, spec, where)


def _valid(column: "pa.Array[Any]") -> Mask:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _within(micros: Times) -> Mask:
    return np.asarray((micros >= FIRST) & (micros < LAST))


def _stamps(column: "pa.Array[Any]", where: str) -> tuple[Times, Mask]:
    import pyarrow as pa

    raw = np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)
    good = _valid(column)
    if column.type.unit == "ns":
        if np.any(raw % 1000):
            raise ValueLossError(f"{where}: it has times finer than a microsecond, which NetCDF files of ours lose")
        return raw // 1000, good
    factor = _PER_UNIT[column.type.unit]
    far = np.abs(raw) > 10**18 // factor
    return np.where(far, 0, raw) * factor, good & ~far


def _numbers(column: "pa.Array[Any]", spec: TimeColumn, where: str) -> Instants:
    import pyarrow as pa

    if not spec.since_1970:
        raise MetadataError(f"{where}: it has numbers; say in what unit they count from 1970 with 'since_1970: s'")
    factor = _PER_UNIT[spec.since_1970]
    raw = np.asarray(column.cast(pa.int64()).fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)
    far = np.abs(raw) > 10**18 // factor
    micros = np.where(far, 0, raw) * factor
    return Instants(micros, _valid(column) & ~far & _within(micros))


def _texts(column: "pa.Array[Any]", spec: TimeColumn, where: str) -> Instants:
    import pyarrow.compute as pc

    shaped = pc.fill_null(pc.match_substring_regex(column, _ISO), False).to_numpy(zero_copy_only=False)
    local = np.zeros(len(column), dtype=np.int64)
    absolute = np.zeros(len(column), dtype=np.int64)
    has_zone = np.zeros(len(column), dtype=np.bool_)
    good = np.asarray(shaped, dtype=np.bool_).copy()
    texts = column.to_pylist()
    for row in np.flatnonzero(good):
        try:
            moment = datetime.fromisoformat(texts[row])
        except ValueError:  # the 30th of February
            good[row] = False
            continue
        if moment.tzinfo is None:
            local[row] = (moment.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND
        else:
            absolute[row], has_zone[row] = (moment - EPOCH) // _MICROSECOND, True
    read = _localised(local, good & ~has_zone, spec, where)
    micros = np.where(has_zone, absolute, read.micros)
    return Instants(micros, np.where(has_zone, good & _within(absolute), read.good))


def _localised(local: Times, good: Mask, spec: TimeColumn, where: str) -> Instants:
    """Turn clock readings in a zone into instants."""
    good = good & _within(local)
    if spec.zone == "UTC":
        return Instants(local, good)
    if found := _OFFSET.fullmatch(spec.zone):
        minutes = (int(found[2]) * 60 + int(found[3])) * (-1 if found[1] == "-" else 1)
        return Instants(local - minutes * 60_000_000, good)
    micros = local.copy()
    micros[good] = _in_zone(local[good], spec.zone, where)
    return Instants(micros, good)


def _in_zone(local: Times, zone: str, where: str) -> Times:
    import pyarrow as pa
    import pyarrow.compute as pc

    stamps = pa.array(local, pa.timestamp("us"))
    try:
        placed = pc.assume_timezone(stamps, zone, ambiguous="raise", nonexistent="raise")
    except pa.ArrowInvalid as error:
        raise ValueLossError(
            f"{where}: {printable(str(error)).splitlines()[0]}; a clock that is set twice a year cannot tell such "
            "times: if the database kept one time all year, give its offset, such as 'zone: +01:00'"
        ) from error
    return np.asarray(placed.cast(pa.int64()).to_numpy(zero_copy_only=False), dtype=np.int64)
