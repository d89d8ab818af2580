"""Rows of the practice tables, made table by table and series by series."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dbdump.practice import seawater, signals
from dbdump.practice.description import Extent
from dbdump.practice.documents import calibrations, log_entries, odd_rows
from dbdump.practice.tables import ODD_TABLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

Block = Sequence[Sequence[Any]]
"""Values of each column, in the order of the table; None for NULL, text for times."""

STOREYS = (1, 9, 17, 25)
"""Storeys of each line that are written: a few of 25."""
PLACES = "ABC"
_QUARTER, _HALF, _FIVE = 900, 1800, 300
_LATITUDE, _LONGITUDE, _DEPTH = 42.798917, 6.165700, 2475.0
_FIRST_RUN, _RUN_HOURS, _RUN_PAUSE_SECONDS = 40000, 3, 40.25
_CELLS, _CELL_METRES, _ADCP_DEPTH = 20, 8.0, 2420.0
_INSTRUMENTS = (
    (1, "CTD", "Sea-Bird SBE 37-SMP", 2464.0),
    (2, "ADCP", "RDI Workhorse 300 kHz", _ADCP_DEPTH),
    (3, "OXYGEN", "Aanderaa optode 3830", 2450.0),
    (4, "SVP", "Genisea QUUX-3A", 2455.0),
    (5, "CTD", "Sea-Bird SBE 37-SMP", 2100.0),
)


def height(storey: int) -> float:
    """Return the height of a storey above the sea floor, m: the lowest at 100 m, then one every 14.5 m."""
    return 100.0 + 14.5 * (storey - 1)


def modules(extent: Extent) -> list[tuple[int, int, int, str]]:
    """Return number, line, storey and place of each optical module."""
    return [
        (1000 * line + 10 * storey + place, line, storey, PLACES[place])
        for line in range(1, extent.lines + 1)
        for storey in STOREYS
        for place in range(len(PLACES))
    ]


def blocks_of(table: str) -> Callable[[Extent], Iterator[Block]]:
    """Return what makes the rows of a table; raises KeyError."""
    return _MAKERS[table]


def _time_texts(times: "NDArray[Any]") -> list[str]:
    return [text.replace("T", " ") for text in np.datetime_as_string(times, unit="s").tolist()]


def _years(times: "NDArray[Any]") -> list[int]:
    years: list[int] = (times.astype("datetime64[Y]").astype(int) + 1970).tolist()
    return years


def _rounded(values: "NDArray[Any]", scale: int, gaps: "NDArray[Any] | None" = None) -> list[Any]:
    """Return doubles that are the nearest to numbers of `scale` digits, None in gaps."""
    return _with_gaps(np.round(values, scale) + 0.0, gaps)  # no -0.0


def _with_gaps(values: "NDArray[Any]", gaps: "NDArray[Any] | None" = None) -> list[Any]:
    found: NDArray[Any] = values.astype(object)
    if gaps is not None:
        found[gaps] = None
    plain: list[Any] = found.tolist()
    return plain


def _measured(extent: Extent, step: int) -> "NDArray[Any]":
    times = signals.moments(extent.days, step)
    return np.asarray(times[signals.running(times)])


def _same(value: Any, like: Sequence[Any]) -> list[Any]:
    return [value] * len(like)


def _flags(gaps: "NDArray[Any]", doubtful: "NDArray[Any] | None" = None) -> list[int]:
    flags = np.where(gaps, 9, 1)
    if doubtful is not None:
        flags[~gaps & doubtful] = 3
    plain: list[int] = flags.tolist()
    return plain


def _lines(extent: Extent) -> Iterator[Block]:
    numbers = list(range(1, extent.lines + 1))
    places = [_place(number) for number in numbers]
    yield (
        numbers,
        [f"Line {number}" for number in numbers],
        [round(_LATITUDE + north / 111_194.0, 6) for _, north in places],
        [round(_LONGITUDE + east / 81_590.0, 6) for east, _ in places],
        [_DEPTH] * len(numbers),
        ["2008-05-30 12:00:00"] * len(numbers),
        [None] * len(numbers),
    )


def _place(line: int) -> tuple[float, float]:
    """Return m east and north of the centre: eight lines on a ring, four inside."""
    radius, count, number = (100.0, 8, line - 1) if line <= 8 else (35.0, 4, line - 9)
    angle = 2 * np.pi * number / count
    return radius * float(np.cos(angle)), radius * float(np.sin(angle))


def _storeys(extent: Extent) -> Iterator[Block]:
    pairs = [(line, storey) for line in range(1, extent.lines + 1) for storey in STOREYS]
    yield [line for line, _ in pairs], [storey for _, storey in pairs], [height(storey) for _, storey in pairs]


def _modules(extent: Extent) -> Iterator[Block]:
    found = modules(extent)
    numbers, lines, storeys, places = zip(*found, strict=True)
    yield numbers, lines, storeys, places, [f"SN{number:07d}" for number in numbers], [n != 1012 for n in numbers]


def _instruments(extent: Extent) -> Iterator[Block]:
    numbers, kinds, models, depths = zip(*_INSTRUMENTS, strict=True)
    yield numbers, kinds, models, _same(extent.lines, numbers), depths


def _run_starts(extent: Extent) -> "NDArray[Any]":
    return np.asarray(signals.moments(extent.days, _RUN_HOURS * 3600).astype("datetime64[us]"))


def _runs(extent: Extent) -> Iterator[Block]:
    generator = signals.random(extent.seed, 50)
    starts = _run_starts(extent) + generator.integers(0, 10**6, extent.days * 24 // _RUN_HOURS).astype(
        "timedelta64[us]"
    )
    count = len(starts)
    length = _RUN_HOURS * 3600 - _RUN_PAUSE_SECONDS - generator.gamma(2.0, 5.0, count)
    stops = starts + np.round(length * 1e6).astype("timedelta64[us]")
    lost = signals.missing(generator, count, 0.03)
    kinds = generator.random(count)
    yield (
        list(range(_FIRST_RUN, _FIRST_RUN + count)),
        np.where(kinds < 0.95, "PHYS Trig3N+T3 0.3pe", "CALIB LED beacon").tolist(),
        (2**40 + generator.integers(0, 2**20, count)).tolist(),
        [text.replace("T", " ") for text in np.datetime_as_string(starts, unit="us").tolist()],
        [text.replace("T", " ") for text in np.datetime_as_string(stops, unit="us").tolist()],
        _with_gaps(length * generator.uniform(0.93, 0.99, count), lost),
        _with_gaps((length * generator.uniform(4, 8, count)).astype(int), lost),
        (kinds < 0.95).tolist(),
        [None if kind < 0.9 else "bioluminescence, high rates" for kind in kinds],
    )


def _rates(extent: Extent) -> Iterator[Block]:
    times = _measured(extent, _QUARTER)
    texts, years = _time_texts(times), _years(times)
    since = (times - signals.START).astype(int)
    numbers = _FIRST_RUN + since // (_RUN_HOURS * 3600)
    between = since % (_RUN_HOURS * 3600) == 0  # a run begins in that quarter of an hour
    runs = _with_gaps(numbers, between)
    for number, _, storey, _ in modules(extent):
        found = signals.rates(times, extent.seed, number, height(storey))
        gaps = signals.missing(signals.random(extent.seed, 21, number), len(times), 0.004)
        if number == 1012:  # one that dies
            gaps |= signals.days_since_start(times) > 0.6 * extent.days
        yield (
            _same(number, texts),
            texts,
            years,
            runs,
            _rounded(found.mean, 3, gaps),
            _rounded(found.median, 3, gaps),
            _rounded(found.baseline, 3, gaps),
            _rounded(found.fraction, 5, gaps),
            _flags(gaps, found.mean > 1000),
        )


def _ctd(extent: Extent) -> Iterator[Block]:
    times = _measured(extent, _FIVE)
    texts, years = _time_texts(times), _years(times)
    for number, kind, _, depth in _INSTRUMENTS:
        if kind != "CTD":
            continue
        temperature, salt, pressure = signals.water(times, extent.seed, depth)
        temperature, pressure = np.round(temperature, 4), np.round(pressure, 3)
        # PSS-78 is defined for temperatures of IPTS-68.
        measured = np.round(seawater.conductivity(salt, temperature * 1.00024, pressure), 6)
        gaps = signals.missing(signals.random(extent.seed, 31, number), len(times), 0.003)
        yield (
            _same(number, texts),
            texts,
            years,
            _rounded(temperature, 4, gaps),
            _rounded(measured, 6, gaps),
            _rounded(pressure, 3, gaps),
            _rounded(seawater.salinity(measured, temperature * 1.00024, pressure), 4, gaps),
            _flags(gaps),
        )


def _profiles(extent: Extent) -> Iterator[Block]:
    times = _measured(extent, _HALF)
    texts, years = _time_texts(times), _years(times)
    generator = signals.random(extent.seed, 60)
    heading = 120.0 + 5 * np.sin(signals.days_since_start(times) / 3) + generator.normal(0, 0.3, len(times))
    tilts = [_rounded(generator.normal(mean, 0.1, len(times)), 2) for mean in (0.8, -0.5)]
    yield list(range(1, len(texts) + 1)), _same(2, texts), texts, years, _rounded(heading, 2), *tilts


def _cells(extent: Extent) -> Iterator[Block]:
    times = _measured(extent, _HALF)
    generator = signals.random(extent.seed, 61)
    shape = (len(times), _CELLS)
    depths = _ADCP_DEPTH - _CELL_METRES * np.arange(1, _CELLS + 1)
    flows = [signals.current(times, extent.seed, float(depth)) for depth in depths]
    east, north = (np.stack([flow[way] for flow in flows], axis=1) + generator.normal(0, 0.7, shape) for way in (0, 1))
    echo = 75.0 - 2.2 * np.arange(_CELLS) + generator.normal(0, 1.5, shape)
    gaps = echo < 34.0  # too weak, mostly far away
    yield (
        np.repeat(np.arange(1, len(times) + 1), _CELLS).tolist(),
        np.tile(np.arange(1, _CELLS + 1), len(times)).tolist(),
        np.tile(depths, len(times)).tolist(),
        *(_rounded(flow.ravel(), 2, gaps.ravel()) for flow in (east, north, generator.normal(0, 0.5, shape))),
        _rounded(echo.ravel(), 1),
        _flags(gaps.ravel()),
    )


def _oxygen(extent: Extent) -> Iterator[Block]:
    times = _measured(extent, _HALF)
    texts = _time_texts(times)
    temperature, _, _ = signals.water(times, extent.seed, 2450.0)
    generator = signals.random(extent.seed, 70)
    day = signals.days_since_start(times)
    value = 196.5 + 4.0 / (1 + np.exp(-(day - signals.EVENT_DAY) / 0.6)) - 0.01 * day
    gaps = signals.missing(generator, len(times), 0.01)
    yield (
        _same(3, texts),
        texts,
        _years(times),
        _rounded(value + generator.normal(0, 0.3, len(times)), 2, gaps),
        _rounded(temperature, 3),
        _flags(gaps),
    )


def _sound(extent: Extent) -> Iterator[Block]:
    times = _measured(extent, _QUARTER)
    texts = _time_texts(times)
    temperature, salt, _ = signals.water(times, extent.seed, 2455.0)
    generator = signals.random(extent.seed, 71)
    value = seawater.sound_velocity(temperature, salt, 2455.0) + generator.normal(0, 0.01, len(times))
    gaps = signals.missing(generator, len(times), 0.005)
    yield _same(4, texts), texts, _years(times), _rounded(value, 3, gaps), _flags(gaps)


def _compasses(extent: Extent) -> Iterator[Block]:
    times = _measured(extent, _QUARTER)
    texts = _time_texts(times)
    east, north = signals.current(times, extent.seed)
    for line in range(1, extent.lines + 1):
        for storey in STOREYS:
            generator = signals.random(extent.seed, 80, line, storey)
            turn = generator.uniform(0, 360) + 3 * (east + north) + generator.normal(0, 0.4, len(times))
            pitch = generator.normal(0, 0.3) + 0.05 * east + generator.normal(0, 0.05, len(times))
            roll = generator.normal(0, 0.3) + 0.05 * north + generator.normal(0, 0.05, len(times))
            gaps = signals.missing(generator, len(times), 0.005)
            values = [_with_gaps(value, gaps) for value in (turn % 360, pitch, roll)]
            yield _same(line, texts), _same(storey, texts), texts, *values


def _positions(extent: Extent) -> Iterator[Block]:
    times = _measured(extent, _HALF)
    texts = _time_texts(times)
    east, north = signals.current(times, extent.seed)
    speed = np.hypot(east, north)
    for line in range(1, extent.lines + 1):
        for storey in STOREYS:
            generator = signals.random(extent.seed, 81, line, storey)
            # A line bends as the square of the current: some metres at its top in 10 cm/s.
            bend = speed * (height(storey) / 450.0) ** 1.5 * 0.03
            above = height(storey) - (bend * np.hypot(east, north)) ** 2 / (2 * height(storey))
            values = (bend * east, bend * north, above)
            gaps = signals.missing(generator, len(times), 0.01)
            noisy = [_rounded(value + generator.normal(0, 0.05, len(times)), 3, gaps) for value in values]
            yield _same(line, texts), _same(storey, texts), texts, *noisy


def _nothing(extent: Extent) -> Iterator[Block]:  # noqa: ARG001  it has no rows whatever the extent
    yield from ()


_MAKERS: Mapping[str, Callable[[Extent], Iterator[Block]]] = {
    "detector_line": _lines,
    "storey": _storeys,
    "optical_module": _modules,
    "instrument": _instruments,
    "run_info": _runs,
    "om_rate": _rates,
    "ctd": _ctd,
    "adcp_profile": _profiles,
    "adcp_cell": _cells,
    "oxygen": _oxygen,
    "sound_velocity": _sound,
    "compass": _compasses,
    "positioning": _positions,
    "calibration": lambda extent: calibrations(extent, [number for number, *_ in modules(extent)]),
    "logbook": log_entries,
    "alarm": _nothing,
    ODD_TABLE: odd_rows,
}
