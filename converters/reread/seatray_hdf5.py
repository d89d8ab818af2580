"""Second reader of SeaTray tableio HDF5 files: one row at a time, in plain Python."""

import keyword
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py

from converters.reread.contract import Expected, Value
from converters.source import ReadOptions

_Event = tuple[int, int, int, int]
"""Run, Event, TriggerCounter, and how often the table had this key before."""

_KEY_FIELDS = ("Run", "Event", "TriggerCounter", "exists")
_TABLE_NAMES = {
    "AafitFinalFit": "aafit",
    "BBFitTrack": "bbfit_track",
    "BBFitBright": "bbfit_bright",
    "GridFit_FinalFitResult": "gridfit",
}
_NO_COLUMN_NAMES = [*keyword.kwlist, "name", "h5loc", "split_h5", "h5singleton"]
_MISSING_FIT: dict[str, Value] = dict.fromkeys(
    ("zenith", "azimuth", "dir_x", "dir_y", "dir_z", "pos_x", "pos_y", "pos_z", "quality", "energy"), math.nan
)


@dataclass(slots=True)
class _Fit:
    """A table with one row per event."""

    dataset: Any
    path: str
    columns: dict[str, str]
    rows: dict[_Event, int] = field(default_factory=dict)
    hits: dict[_Event, int] = field(default_factory=dict)


def reread(path: Path, options: ReadOptions) -> Iterator[Expected]:
    """Read the events of a SeaTray HDF5 file.

    Parameters
    ----------
    path
        The file.
    options
        `reco` and `detector` matter.

    Yields
    ------
    Expected
        One event after the other, in the order of the tables.
    """
    with h5py.File(path, "r") as file:
        names = [name for name in file if _is_table(file[name])]
        fits = _fits(file, names)
        antares = options.detector == "antares" or any(name.startswith(("Aafit", "BBFit", "GridFit")) for name in names)
        shown = _shown(fits, options.reco)
        if shown is not None:
            _count_hits(file, shown)
        for event in _order(fits):
            yield _expected(event, fits, shown, antares)


def _is_table(item: Any) -> bool:
    return (
        isinstance(item, h5py.Dataset)
        and item.ndim == 1
        and item.dtype.names is not None
        and all(name in item.dtype.names for name in ("Run", "Event", "exists"))
    )


def _fits(file: Any, names: list[str]) -> list[_Fit]:
    fits: list[_Fit] = []
    used: list[str] = []
    for name in names:
        dataset = file[name]
        if _several_rows(file, name):
            continue
        table = _free_name(_TABLE_NAMES.get(name) or _words(name), used)
        used.append(table)
        columns: list[str] = ["group_id"]
        kept: dict[str, str] = {}
        for source in dataset.dtype.names:
            if source not in _KEY_FIELDS and _is_plain(dataset.dtype[source]):
                kept[source] = _free_name(_words(source), columns)
                columns.append(kept[source])
        fit = _Fit(dataset, f"/reco/{table}", kept)
        for number, event in _events_of(dataset):
            fit.rows[event] = number
        fits.append(fit)
    return fits


def _several_rows(file: Any, name: str) -> bool:
    mark = file[name].attrs.get("__I3RaggedTable__")
    if mark is not None:
        return any(bool(value) for value in mark) if getattr(mark, "ndim", 0) else bool(mark)
    index = file["__I3Index__"].get(name)
    if index is None:
        return "vector_index" in file[name].dtype.names
    return any(int(row["stop"]) - int(row["start"]) > 1 for row in index)


def _is_plain(dtype: Any) -> bool:
    if dtype.shape != () or dtype.kind not in "fiubS":
        return False
    return bool(dtype.itemsize <= (8 if dtype.kind == "f" else 4096))


def _events_of(dataset: Any) -> Iterator[tuple[int, _Event]]:
    met: Counter[tuple[int, int, int]] = Counter()
    for number in range(len(dataset)):
        row = dataset[number]
        if not row["exists"]:
            continue
        counter = int(row["TriggerCounter"]) if "TriggerCounter" in dataset.dtype.names else -1
        key = (int(row["Run"]), int(row["Event"]), counter)
        yield number, (*key, met[key])
        met[key] += 1


def _words(text: str) -> str:
    """Write a name in lower case, its words joined by underscores."""
    letters: list[str] = []
    for place, letter in enumerate(text):
        if not (letter.isascii() and letter.isalnum()):
            letters.append(" ")
            continue
        before, after = text[max(0, place - 1) : place], text[place + 1 : place + 2]
        if letter.isupper() and (before.islower() or before.isdigit() or (before.isupper() and after.islower())):
            letters.append(" ")
        letters.append(letter.lower())
    return "_".join("".join(letters).split())


def _free_name(text: str, used: list[str]) -> str:
    name = text[:56] or "unnamed"
    if name[0] in "0123456789":
        name = "n_" + name
    if name in _NO_COLUMN_NAMES:
        name += "_"
    if name not in used:
        return name
    number = 2
    while f"{name}_{number}" in used:
        number += 1
    return f"{name}_{number}"


def _shown(fits: list[_Fit], asked: str | None) -> _Fit | None:
    if asked == "none":
        return None
    able = {
        fit.path.removeprefix("/reco/"): fit
        for fit in fits
        if "zenith" in fit.columns and "azimuth" in fit.columns and len(fit.path) <= len("/reco/") + 16
    }
    if asked is not None:
        return able[asked]
    for name in ("aafit", "bbfit_track", "gridfit", "bbfit_bright"):
        if name in able:
            return able[name]
    return next(iter(able.values()), None)


def _count_hits(file: Any, fit: _Fit) -> None:
    """Note the number of used hits of each event, from the row ranges of the table of used hits."""
    name = fit.dataset.name.lstrip("/")
    frames = file["__I3Index__"].get(name)
    ranges = file["__I3Index__"].get(f"{name}HitsUsed")
    if frames is None or ranges is None or f"{name}HitsUsed" not in file or len(frames) != len(ranges):
        return
    total = len(file[f"{name}HitsUsed"])
    events = iter(fit.rows)
    for frame, hits in zip(frames, ranges, strict=True):
        if not frame["exists"]:
            continue
        event = next(events)
        size = int(hits["stop"]) - int(hits["start"])
        same = frame["Run"] == hits["Run"] and frame["Event"] == hits["Event"]
        if same and hits["exists"] and size > 0 and hits["stop"] <= total:
            fit.hits[event] = size


def _order(fits: list[_Fit]) -> list[_Event]:
    """Put the events of all tables into one order: an event that is new in a table follows its forerunner."""
    order: list[_Event] = []
    for fit in fits:
        places = {event: place for place, event in enumerate(order)}
        later: dict[int, list[_Event]] = {}
        last = -1
        for event in fit.rows:
            if event in places:
                last = max(last, places[event])
            else:
                later.setdefault(last, []).append(event)
        merged = later.get(-1, [])
        for place, event in enumerate(order):
            merged.append(event)
            merged.extend(later.get(place, ()))
        order = merged
    return order


def _expected(event: _Event, fits: list[_Fit], shown: _Fit | None, antares: bool) -> Expected:
    key: dict[str, Value] = {"run_id": event[0], "frame_index": event[1], "trigger_counter": event[2]}
    events: dict[str, Value] = {**key, **_MISSING_FIT, "n_hits": -1, "n_lines": -1, "reco": b"none"}
    tables: dict[str, tuple[dict[str, Value], ...]] = {}
    for fit in fits:
        tables[fit.path] = ()
        if event in fit.rows:
            row = fit.dataset[fit.rows[event]]
            source = {name: row[name].item() for name in fit.columns}
            tables[fit.path] = ({column: source[name] for name, column in fit.columns.items()},)
            if fit is shown and not source.get("fit_status", 0) > 0:  # above 0 it failed
                events |= _fit_values(source, fit.hits.get(event, -1), antares)
                events["reco"] = fit.path.removeprefix("/reco/").encode()
    return Expected(events, key, tables)


def _fit_values(source: dict[str, Any], hits: int, antares: bool) -> dict[str, Value]:
    values: dict[str, Value] = {}
    zenith, azimuth = float(source["zenith"]), float(source["azimuth"])
    if 0 <= zenith <= math.pi and abs(azimuth) <= 2 * math.pi:
        values["zenith"], values["azimuth"] = zenith, azimuth + 2 * math.pi if azimuth < 0 else azimuth
        values["dir_x"] = -math.sin(zenith) * math.cos(azimuth)
        values["dir_y"] = -math.sin(zenith) * math.sin(azimuth)
        values["dir_z"] = -math.cos(zenith)
    if antares and "x" in source and "y" in source and "z" in source:
        values["pos_x"] = source["x"] - 8221.6
        values["pos_y"] = source["y"] - 2381.9
        values["pos_z"] = source["z"] + 2475.0
    for name in ("quality", "energy"):
        if isinstance(source.get(name), float):
            values[name] = source[name]
    used, lines = source.get("nUsedHits"), source.get("nUsedLines")
    values["n_hits"] = used if isinstance(used, int) and used >= 0 else hits
    values["n_lines"] = lines if isinstance(lines, int) and lines >= 0 else -1
    return {
        name: math.nan if isinstance(value, float) and math.isinf(value) else value for name, value in values.items()
    }
