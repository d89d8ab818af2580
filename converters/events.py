"""From what a reader yields to the rows of ``/events`` and ``/event_info``.

Columns that follow from others by geometry or time are computed here, once for all formats.
"""

from collections.abc import Mapping

import numpy as np

from converters.layout import EVENT_INFO_TABLE, EVENTS_TABLE, GROUP_INFO_TABLE
from converters.source import Batch, SourceFacts
from legacy.model import Column, StructuredArray, Table, TableSpec
from legacy.site import angles_to_direction, direction_to_angles, mjd_from_unix, to_sky

_ANGLES = ("zenith", "azimuth")
_DIRECTION = ("dir_x", "dir_y", "dir_z")
_SKY = ("ra", "dec")


def complete(batch: Batch, facts: SourceFacts) -> tuple[Table, Table, Table]:
    """Make the event tables of a batch.

    Parameters
    ----------
    batch
        What the reader yielded.
    facts
        The source; sky coordinates are computed for real data of ANTARES only.

    Returns
    -------
    tuple of Table
        ``/events`` (``event_id`` is still the source's own number), ``/event_info`` and ``/group_info``.
    """
    columns = dict(batch.events)
    _add_directions(columns)
    if "mjd" not in columns and "timestamp" in columns:
        columns["mjd"] = mjd_from_unix(columns["timestamp"], columns["nanoseconds"])
    _add_sky(columns, facts)
    group_id = np.arange(batch.first, batch.first + batch.n_events, dtype=np.int64)
    events = _finite(_rows(EVENTS_TABLE, columns, group_id))
    if "source_event_id" in columns:
        events["event_id"] = columns["source_event_id"]
    group_info = GROUP_INFO_TABLE.blank(batch.n_events)
    group_info["group_id"] = group_id
    return (
        Table(EVENTS_TABLE, events),
        Table(EVENT_INFO_TABLE, _rows(EVENT_INFO_TABLE, columns, group_id)),
        Table(GROUP_INFO_TABLE, group_info),
    )


def _add_directions(columns: dict[str, Column]) -> None:
    if _ANGLES[0] in columns and _DIRECTION[0] not in columns:
        directions = angles_to_direction(columns["zenith"], columns["azimuth"])
        columns.update(zip(_DIRECTION, directions, strict=True))
    elif _DIRECTION[0] in columns and _ANGLES[0] not in columns:
        angles = direction_to_angles(*(columns[name] for name in _DIRECTION))
        columns.update(zip(_ANGLES, angles, strict=True))


def _add_sky(columns: dict[str, Column], facts: SourceFacts) -> None:
    if _SKY[0] in columns or why_no_sky(columns, facts):
        return
    sky = to_sky(columns["zenith"], columns["azimuth"], columns["mjd"])
    columns.update(zip(_SKY, sky, strict=True))


def why_no_sky(columns: Mapping[str, Column] | frozenset[str], facts: SourceFacts) -> str:
    """Say why right ascension and declination cannot be computed, ``""`` if they can.

    Parameters
    ----------
    columns
        Names of the columns that hold values.
    facts
        The source.
    """
    if facts.kind != "data":
        return "sky coordinates are computed for real data only"
    if facts.detector != "antares":
        return "the detector is not known to be ANTARES; --detector antares says that it is"
    if "mjd" not in columns:
        return "the source has no event times"
    if "zenith" not in columns:
        return "the source has no direction of a known convention"
    return ""


def _finite(rows: StructuredArray) -> StructuredArray:
    """Make infinite numbers missing: in a table to work with they spoil every sum; the others keep them as found."""
    for name in rows.dtype.names or ():
        if rows.dtype[name].kind == "f":
            rows[name][np.isinf(rows[name])] = np.nan
    return rows


def _rows(spec: TableSpec, columns: Mapping[str, Column], group_id: Column) -> StructuredArray:
    rows = spec.blank(len(group_id))
    rows["group_id"] = group_id
    for column in spec.columns:
        if column.name in columns:
            rows[column.name] = columns[column.name]
    return rows
