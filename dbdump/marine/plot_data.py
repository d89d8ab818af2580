"""What the page about a NetCDF file shows, read in blocks: as many points as a page can hold, whatever the length."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from legacy.errors import InputError, printable

POINTS = 3000
"""Stretches of time in which the values of a long series are put together."""
MOST_PANELS = 6
_BLOCK = 100_000
_CLOSE_INTERVALS = 288
"""Samples in the closer look: three days of a sample every 15 minutes."""
_DOUBTFUL, _BAD = 3, 4
_SHOWN_MARKS = 2000
Floats = NDArray[np.float64]
Marked = tuple[NDArray[np.int64], Floats]
"""Times and values."""


@dataclass(slots=True)
class Panel:
    """One variable.

    Parameters
    ----------
    title, unit, notes
        Words.
    times, low, middle, high
        A point each: microseconds since 1970, smallest, mean and largest value. NaN breaks the line.
    binned
        Whether a point stands for several samples.
    bad, doubtful
        Times and values of samples with the flags 4 and 3.
    cells, edges, image
        Of profiles: edges of the cells and of the times, and values, shape (times, cells).
    close
        Times, values and flags of the closer look.
    """

    title: str
    unit: str
    notes: tuple[str, ...]
    times: NDArray[np.int64]
    low: Floats
    middle: Floats
    high: Floats
    binned: bool
    bad: Marked
    doubtful: Marked
    cells: Floats | None
    edges: NDArray[np.int64]
    image: Floats
    close: tuple[NDArray[np.int64], Floats, NDArray[np.int8]] | None = None


@dataclass(slots=True)
class Shown:
    """The page: words around it, panels, gaps, and the time of the closer look (None without)."""

    title: str
    facts: tuple[str, ...]
    footer: tuple[str, ...]
    first: int
    last: int
    gaps: list[tuple[int, int]]
    panels: list[Panel]
    window: tuple[int, int] | None = None


def read_shown(path: Path) -> Shown:
    """Read what a page shows.

    Raises
    ------
    InputError
        The file is missing, damaged, or has other things in it than our files.
    """
    import netCDF4

    try:
        with netCDF4.Dataset(path, "r") as file:
            file.set_auto_mask(False)
            return _read(file)
    except (OSError, RuntimeError, KeyError, IndexError, AttributeError, ValueError) as error:
        raise InputError(
            path, f"cannot be drawn ({printable(str(error))[:120]})", advice="give a file that dbdump to-netcdf wrote"
        ) from error


def _read(file: Any) -> Shown:
    count = len(file.dimensions["time"])
    micros = np.round(np.asarray(file["time"][[0, count - 1]]) * 1e6).astype(np.int64)
    first, last = int(micros[0]), max(int(micros[1]), int(micros[0]) + 1)
    interval = round(float(getattr(file, "sampling_interval_seconds", 0)) * 1e6)
    names = [name for name in file.variables if f"{name}_QC" in file.variables]
    profile = "depth" in file.dimensions
    edges = np.linspace(first, last + max(interval, 1), min(count, POINTS) + 1).astype(np.int64)
    panels = [_panel(file, name, edges, interval, binned=count > POINTS) for name in names[:MOST_PANELS]]
    shown = Shown(
        title=str(file.title),
        facts=(str(file["station"][...]), _place(file), f"{file.time_coverage_start} to {file.time_coverage_end}"),
        footer=_footer(file, names),
        first=first,
        last=last,
        gaps=_gaps(file),
        panels=panels,
    )
    if panels and not profile:
        _look_closer(file, names[: len(panels)], shown, interval, count)
    return shown


def _place(file: Any) -> str:
    depth = getattr(file["depth"], "instrument_depth", None)
    depth = float(file["depth"][...]) if depth is None else float(depth)
    return f"{float(file['latitude'][...]):.4f}° N, {float(file['longitude'][...]):.4f}° E, {depth:g} m deep"


def _footer(file: Any, names: list[str]) -> tuple[str, ...]:
    more = f"{len(names) - MOST_PANELS} more variables in the file" if len(names) > MOST_PANELS else ""
    count = int(getattr(file, "gaps_count", 0))
    grey = "no value" if "depth" in file.dimensions else f"{count} gap{'' if count == 1 else 's'}"
    gaps = f"grey: {grey}" if count or "depth" in file.dimensions else ""
    crosses = "" if "depth" in file.dimensions else "orange dots: doubtful (flag 3), crosses: bad (flag 4)"
    return (crosses, gaps, more, str(file.source_image).partition(" of ")[0][:60])


def _gaps(file: Any) -> list[tuple[int, int]]:
    text = str(getattr(file, "gaps", ""))
    spans = [part.split("/") for part in text.split(", ") if part]
    stamps = [[np.datetime64(end.removesuffix("Z"), "us").astype(np.int64) for end in span] for span in spans]
    return [(int(start), int(end)) for start, end in stamps]


def _blocks(file: Any, name: str) -> Any:
    """Yield times, values with NaN for missing ones, and flags."""
    fill = file[name].getncattr("_FillValue")
    for start in range(0, len(file.dimensions["time"]), _BLOCK):
        part = slice(start, start + _BLOCK)
        values = np.asarray(file[name][part], dtype=np.float64)
        values[values == fill] = np.nan
        times = np.round(np.asarray(file["time"][part]) * 1e6).astype(np.int64)
        yield times, values, np.asarray(file[f"{name}_QC"][part], dtype=np.int8)


class _Stretches:
    """Smallest, mean and largest value in stretches of time, for one column or one per cell."""

    def __init__(self, edges: NDArray[np.int64], cells: int) -> None:
        self.edges = edges
        size = (len(edges) - 1, cells)
        self.total, self.number = np.zeros(size), np.zeros(size)
        self.low, self.high = np.full(size, np.inf), np.full(size, -np.inf)

    def add(self, times: NDArray[np.int64], values: Floats) -> None:
        """Take the values of some times into account; NaN and infinite ones count as none."""
        at = np.clip(np.searchsorted(self.edges, times, side="right") - 1, 0, len(self.edges) - 2)
        table = values.reshape(len(times), -1)
        good = np.isfinite(table)
        np.add.at(self.total, at, np.where(good, table, 0))
        np.add.at(self.number, at, good)
        np.minimum.at(self.low, at, np.where(good, table, np.inf))
        np.maximum.at(self.high, at, np.where(good, table, -np.inf))

    @property
    def mean(self) -> Floats:
        """NaN where there is no value."""
        mean = np.full(self.total.shape, np.nan)
        np.divide(self.total, self.number, out=mean, where=self.number > 0)
        return mean


def _panel(file: Any, name: str, edges: NDArray[np.int64], interval: int, *, binned: bool) -> Panel:
    variable = file[name]
    cells = np.asarray(file["depth"][:]) if variable.ndim == 2 else None
    stretches = _Stretches(edges, 1 if cells is None else len(cells))
    kept: list[Marked] = []
    marks: dict[int, list[Marked]] = {_DOUBTFUL: [], _BAD: []}
    counts = {"missing": 0, "doubtful": 0, "bad": 0}
    for times, values, flags in _blocks(file, name):
        counts["missing"] += int(np.isnan(values).sum())
        for word, flag in (("doubtful", _DOUBTFUL), ("bad", _BAD)):
            marked = (flags == flag) & ~np.isnan(values)
            counts[word] += int(np.count_nonzero(marked))
            if cells is None:
                marks[flag].append((times[marked], values[marked]))
        values[flags == _BAD] = np.nan  # bad values must not set the scale
        stretches.add(times, values)
        kept += [] if binned or cells is not None else [(times, values)]
    points, middle = (edges[:-1] + edges[1:]) // 2, stretches.mean[:, 0]
    if kept:
        points, middle = _broken(*_joined(kept), interval)
    empty = stretches.number[:, 0] == 0
    return Panel(
        title=str(variable.long_name),
        unit={"1": "no unit"}.get(str(variable.units), str(variable.units)),
        notes=tuple(f"{count:,} {word}" for word, count in counts.items() if count),
        times=points,
        low=np.where(empty, np.nan, stretches.low[:, 0]),
        middle=middle,
        high=np.where(empty, np.nan, stretches.high[:, 0]),
        binned=binned and cells is None,
        bad=_thinned(marks[_BAD]),
        doubtful=_thinned(marks[_DOUBTFUL]),
        cells=None if cells is None else _cell_edges(cells),
        edges=edges,
        image=stretches.mean if cells is not None else np.empty((0, 0)),
    )


def _cell_edges(cells: Floats) -> Floats:
    """Return the bounds half way between the cells."""
    if len(cells) == 1:
        return np.array([cells[0] - 0.5, cells[0] + 0.5])
    middle = (cells[:-1] + cells[1:]) / 2
    return np.concatenate([[2 * cells[0] - middle[0]], middle, [2 * cells[-1] - middle[-1]]])


def _thinned(pieces: list[Marked]) -> Marked:
    times, values = _joined(pieces)
    step = max(1, -(-len(times) // _SHOWN_MARKS))
    return times[::step], values[::step]


def _joined(pieces: list[Marked]) -> Marked:
    if not pieces:
        return np.empty(0, dtype=np.int64), np.empty(0)
    return np.concatenate([times for times, _ in pieces]), np.concatenate([values for _, values in pieces])


def _broken(times: NDArray[np.int64], values: Floats, interval: int) -> tuple[NDArray[np.int64], Floats]:
    """Put NaN into gaps, so that no line crosses them."""
    if not interval:
        return times, values
    places = np.flatnonzero(np.diff(times) > 1.5 * interval) + 1
    return np.insert(times, places, times[places] - 1), np.insert(values, places, np.nan)


def _look_closer(file: Any, names: list[str], shown: Shown, interval: int, count: int) -> None:
    """Add the samples around the highest good value of the first variable, where there is more to see than that."""
    if count <= 2 * _CLOSE_INTERVALS:
        return
    best, where, place, index = -np.inf, 0, 0, 0
    for times, values, flags in _blocks(file, names[0]):
        good = np.where(flags == _BAD, np.nan, values)
        if np.isfinite(good).any():
            at = int(np.nanargmax(np.where(np.isfinite(good), good, np.nan)))
            if good[at] > best:
                best, where, place = float(good[at]), int(times[at]), index + at
        index += len(times)
    if not np.isfinite(best):
        return
    part = slice(max(0, place - _CLOSE_INTERVALS // 2), min(count, place + _CLOSE_INTERVALS // 2))
    times = np.round(np.asarray(file["time"][part]) * 1e6).astype(np.int64)
    half = interval * _CLOSE_INTERVALS // 2 if interval else int(times[-1] - times[0]) // 2
    window = (where - half, where + half)
    inside = (times >= window[0]) & (times <= window[1])
    for name, panel in zip(names, shown.panels, strict=True):
        values = np.asarray(file[name][part], dtype=np.float64)
        values[values == file[name].getncattr("_FillValue")] = np.nan
        flags = np.asarray(file[f"{name}_QC"][part], dtype=np.int8)
        panel.close = (times[inside], values[inside], flags[inside])
    shown.window = window
