"""Identity, time and weights of each event, and the facts of its simulation."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from converters.readers.offline.baskets import Entries, Integers
from converters.readers.offline.branches import UUID, Chunk
from converters.readers.offline.tables import MAX_LIST, MC_INFO_TABLE, N_WEIGHTS
from converters.readers.offline.tally import Tally
from legacy.model import Column, Table

_EARLIEST, _LATEST = 946_684_800, 4_102_444_800
"""2000-01-01 and 2100-01-01 in Unix seconds: a time outside of them is a placeholder."""
_SECOND = 1_000_000_000
_LARGEST_SHIFT = 1e18
"""Nanoseconds (30 years) beyond which a track's time is no time."""
_LARGEST = np.iinfo(np.int64).max
_SMALLEST_TIME, _LARGEST_TIME = 1e-30, 1e30
_UNINITIALISED = "uninitialised memory"
_TOO_LARGE = "beyond the largest signed 64-bit integer"
SENSELESS = frozenset([_UNINITIALISED, _TOO_LARGE])
"""Reasons for missing values that the user should know of."""
_PLACEHOLDER = "placeholder: not between 2000 and 2100"
_NEVER_TRIGGERED = "0 in an event that never passed a trigger"

_IDENTITY = {
    "source_event_id": "id",
    "det_id": "det_id",
    "run_id": "run_id",
    "frame_index": "frame_index",
    "trigger_counter": "trigger_counter",
    "trigger_mask": "trigger_mask",
    "overlays": "overlays",
    "source_t_sec": "t.fSec",
    "source_t_nanosec": "t.fNanoSec",
}
_SIMULATION = {"mc_id": "mc_id", "mc_run_id": "mc_run_id"}
_NEVER_NEGATIVE = frozenset(["run_id", "frame_index", "mc_id", "mc_run_id"])
_KEY = ("run_id", "frame_index", "trigger_counter", "trigger_mask")
_UNSET_WITHOUT_TRIGGER = ("det_id", "frame_index", "trigger_counter", "trigger_mask", "overlays")
_NIL_UUID = bytes(16)


def identity_columns(chunk: Chunk, *, simulated: bool, tally: Tally) -> dict[str, Column]:
    """Return the columns that tell events apart, and their weights.

    Parameters
    ----------
    chunk
        All values.
    simulated
        False leaves the fields of simulations out, which real data do not fill.
    tally
        Notes what became missing.
    """
    wanted = _IDENTITY | (_SIMULATION if simulated else {})
    columns: dict[str, Column] = {
        column: _whole(chunk.scalars[name], name, tally) for column, name in wanted.items() if name in chunk.scalars
    }
    for name in _NEVER_NEGATIVE & set(columns):
        negative = columns[name] < -1
        tally.miss(name, _UNINITIALISED, negative)
        columns[name] = np.where(negative, -1, columns[name])
    if all(name in columns for name in _KEY):
        _clear_untriggered(columns, tally)
    if simulated and "mc_t" in chunk.scalars:
        time = chunk.scalars["mc_t"].astype(np.float64)
        size = np.abs(time)
        senseless = (time != 0) & ~((size >= _SMALLEST_TIME) & (size <= _LARGEST_TIME))
        tally.miss("mc_t", _UNINITIALISED, senseless)
        columns["mc_time"] = np.where(senseless, np.nan, time)
    if "w" in chunk.vectors:
        every = np.arange(chunk.n_events)
        for position in range(N_WEIGHTS):
            columns[f"weight_w{position + 1}"] = chunk.vectors["w"].at(every, position)
    return columns


def _whole(values: NDArray[np.integer], name: str, tally: Tally) -> Integers:
    """Convert to int64; numbers that do not fit become missing."""
    if values.dtype.kind == "u" and values.dtype.itemsize == np.dtype(np.int64).itemsize:
        too_large = values > _LARGEST
        tally.miss(name, _TOO_LARGE, too_large)
        return np.where(too_large, 0, values).astype(np.int64) - too_large
    return values.astype(np.int64)


def _clear_untriggered(columns: dict[str, Column], tally: Tally) -> None:
    """Clear the zeros of events that come straight from a generator.

    Their run number is that of the simulated run, as in the generator's `.evt` file.
    """
    untouched = np.logical_and.reduce([columns[name] == 0 for name in _KEY])
    for name in _UNSET_WITHOUT_TRIGGER:
        if name in columns:
            tally.miss(name, _NEVER_TRIGGERED, untouched)
            columns[name] = np.where(untouched, -1, columns[name])
    simulated_run = columns.get("mc_run_id", np.full(len(untouched), -1))
    tally.miss("run_id", f"{_NEVER_TRIGGERED}: mc_run_id is used", untouched)
    columns["run_id"] = np.where(untouched, np.where(simulated_run > 0, simulated_run, -1), columns["run_id"])


def time_columns(columns: Mapping[str, Column], track_time: Column, tally: Tally) -> dict[str, Column]:
    """Return the time of each event: its own, plus that of the shown track where there is one.

    Parameters
    ----------
    columns
        With ``source_t_sec`` and ``source_t_nanosec``; without them there is no time.
    track_time
        Nanoseconds, NaN without a fit.
    tally
        Notes placeholders.
    """
    if "source_t_sec" not in columns or "source_t_nanosec" not in columns:
        return {}
    seconds, nanoseconds = columns["source_t_sec"], columns["source_t_nanosec"]
    known = np.abs(track_time) <= _LARGEST_SHIFT
    shift = np.floor(np.where(known, track_time, 0.0)).astype(np.int64)
    total = seconds * _SECOND + nanoseconds + shift
    whole, rest = total // _SECOND, total % _SECOND
    good = (whole >= _EARLIEST) & (whole < _LATEST) & (nanoseconds >= 0) & (nanoseconds < _SECOND)
    good &= known | np.isnan(track_time)
    tally.miss("t", _PLACEHOLDER, ~good)
    return {"timestamp": np.where(good, whole, -1), "nanoseconds": np.where(good, rest, -1)}


def info_table(chunk: Chunk, tally: Tally) -> Table:
    """Return ``/mc_info``: one row per event."""
    rows = MC_INFO_TABLE.blank(chunk.n_events)
    rows["group_id"] = chunk.first + np.arange(chunk.n_events)
    rows["n_hit_lines"] = chunk.counts["hits"]
    rows["n_mc_hits"] = chunk.counts["mc_hits"]
    every = np.arange(chunk.n_events)
    for name, first in (("w", N_WEIGHTS), ("w2list", 0), ("w3list", 0)):
        if name in chunk.vectors:
            values = chunk.vectors[name]
            for position in range(first, min(MAX_LIST, int(values.counts.max(initial=0)))):
                rows[f"{name}_{position:02d}"] = values.at(every, position)
            beyond = int(np.maximum(values.counts - MAX_LIST, 0).sum())
            tally.lose(name, f"values beyond number {MAX_LIST - 1} of an event", beyond)
    if UUID in chunk.raw:
        rows["header_uuid"] = _uuids(chunk.raw[UUID])
    if {"mc_event_time.fSec", "mc_event_time.fNanoSec"} <= set(chunk.scalars):
        seconds = chunk.scalars["mc_event_time.fSec"].astype(np.int64)
        nanoseconds = chunk.scalars["mc_event_time.fNanoSec"].astype(np.int64)
        good = (seconds >= _EARLIEST) & (seconds < _LATEST) & (nanoseconds >= 0) & (nanoseconds < _SECOND)
        tally.miss("mc_event_time", _PLACEHOLDER, ~good)
        rows["mc_event_t_sec"] = np.where(good, seconds, -1)
        rows["mc_event_t_nanosec"] = np.where(good, nanoseconds, -1)
    return Table(MC_INFO_TABLE, rows)


def _uuids(entries: Entries) -> list[bytes]:
    """Write identifiers as text; the one of zeros stands for none."""
    known = {_NIL_UUID: b""}
    for raw in set(entries.texts()) - {_NIL_UUID}:
        digits = raw.hex()
        known[raw] = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])).encode()
    return [known[raw] for raw in entries.texts()]
