"""Rows with long values, and rows that are odd."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dbdump.practice import signals
from dbdump.practice.description import Extent

_CALIBRATION_DAYS = 30
_CHANNELS, _FINE_CHANNELS = 256, 128 * 1024
"""A charge table has 1 kB; the first one of the first module is finer and has 512 kB."""
_ENTRY_DAYS = 3
_LONG_ENTRY_LINES = 6000
_AUTHORS = ("shifter 1", "shifter 2", "Équipe de mer", None)


def calibrations(extent: Extent, modules: Sequence[int]) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield the calibrations of all modules, each with a table of charges as bytes."""
    days = range(0, extent.days, _CALIBRATION_DAYS)
    generator = signals.random(extent.seed, 90)
    rows = []
    for number, (day, module) in enumerate(((day, module) for day in days for module in modules), start=1):
        channels = _FINE_CHANNELS if number == 1 else _CHANNELS
        charges = np.cumsum(generator.gamma(2.0, 0.02, channels)).astype("<f4").tobytes()
        offset = f"{generator.normal(0, 4):.9f}{generator.integers(0, 10**12):012d}1"
        start = str(signals.START + np.timedelta64(day, "D")).replace("T", " ")
        rows.append((number, module, start, float(generator.normal(5e7, 2e6)), offset, charges))
    yield list(zip(*rows, strict=True))


def log_entries(extent: Extent) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield what the shifters wrote; the first entry is a long report."""
    generator = signals.random(extent.seed, 91)
    rows = []
    for number, day in enumerate(range(0, extent.days, _ENTRY_DAYS), start=1):
        moment = signals.START.astype("datetime64[us]") + np.timedelta64(
            day * 86_400_000_000 + int(generator.integers(0, 86_400_000_000)), "us"
        )
        text = _report() if number == 1 else f"Shift {number}: rates of {generator.uniform(55, 90):.0f} kHz.\nAll well."
        rows.append((number, str(moment).replace("T", " "), _AUTHORS[number % 4], text if number % 5 else None))
    yield list(zip(*rows, strict=True))


def _report() -> str:
    lines = (
        f"{number:6d} rates, tilts and currents looked at; température 13,2 °C" for number in range(_LONG_ENTRY_LINES)
    )
    return "Sea operation: report\n" + "\n".join(lines)


def odd_rows(extent: Extent) -> Iterator[Sequence[Sequence[Any]]]:  # noqa: ARG001  always the same
    """Yield rows with numbers of many digits and texts with all kinds of characters."""
    yield (
        [1, 2, 3, -4],
        ["12345678901234567890123456789012345678", "-0.00000000000000000000000000000000000001", None, "2009"],
        [0.5, -3.25, None, 1.0],
        ['it\'s "quoted"', "two\nlines\tand a tab", None, "poisson \U0001f41f, Ψ, ;--"],
    )
