"""What must hold in each kind of table: edges that ascend, values that are possible."""

from collections.abc import Iterator

import numpy as np

from converters.supplementary.model import Content, Floats, SupplementaryTable

TOUCH = 1e-9
"""Edges closer than this are one edge: they are written with few digits."""


def faults(table: SupplementaryTable) -> Iterator[str]:
    """Yield one line for everything in a table that cannot be."""
    for column, values in zip(table.columns, table.values, strict=True):
        if len(values) != table.rows:
            yield f"{column.name} has {len(values)} values, not {table.rows}"
            return
        if not np.isfinite(values).all():
            yield f"{column.name} holds a value that is no finite number, row {1 + int(np.argmin(np.isfinite(values)))}"
            return
    if not table.rows:
        yield "has no rows"
        return
    checks = {
        Content.EFFECTIVE_AREA: _effective_area,
        Content.ACCEPTANCE: _acceptance,
        Content.BACKGROUND: _background,
        Content.PSF: _psf,
    }
    yield from checks[table.annotation.content](table)


def _effective_area(table: SupplementaryTable) -> Iterator[str]:
    yield from _bins("log10_energy", table["log10_energy_low"], table["log10_energy_high"])
    if max(abs(table["log10_energy_low"].min()), abs(table["log10_energy_high"].max())) > 30:
        yield "energies beyond 10^30 GeV: expected log10 of the energy in GeV"
    yield from _not_negative("effective_area", table["effective_area"])


def _acceptance(table: SupplementaryTable) -> Iterator[str]:
    indices, low, high = table["spectral_index"], table["sin_dec_low"], table["sin_dec_high"]
    points = np.unique(indices)
    if table.rows % len(points):
        yield f"{table.rows} rows do not divide into {len(points)} spectral indices"
        return
    bins = table.rows // len(points)
    if not np.array_equal(indices, np.repeat(points, bins)):
        yield "spectral_index does not ascend in blocks of equal length"
        return
    if not (
        np.array_equal(low, np.tile(low[:bins], len(points)))
        and np.array_equal(high, np.tile(high[:bins], len(points)))
    ):
        yield "the declination bins are not the same for each spectral index"
    yield from _bins("sin_dec", low[:bins], high[:bins])
    if low.min() < -1 or high.max() > 1:
        yield "sin_dec is beyond -1 to 1"
    yield from _not_negative("acceptance", table["acceptance"])


def _background(table: SupplementaryTable) -> Iterator[str]:
    if not np.array_equal(table["power"], np.arange(table.rows)):
        yield "power is not 0, 1, 2 ..."
    if table.rows > 100:
        yield f"{table.rows} coefficients: expected those of a polynomial, not a table"


def _psf(table: SupplementaryTable) -> Iterator[str]:
    angle, fraction = table["angle"], table["fraction"]
    if (row := _first(np.diff(angle) <= 0)) >= 0:
        yield f"angle does not ascend, row {row + 2}"
    if angle.min() < 0 or angle.max() > 180:
        yield "angle is beyond 0 to 180 deg"
    if fraction.min() < 0 or fraction.max() > 1 + TOUCH:
        yield "fraction is beyond 0 to 1: expected the part of all events within each angle"
    if (row := _first(np.diff(fraction) < 0)) >= 0:
        yield f"fraction decreases, row {row + 2}: expected a cumulative distribution"


def _bins(name: str, low: Floats, high: Floats) -> Iterator[str]:
    if (row := _first(high <= low)) >= 0:
        yield f"{name}: the upper edge is not above the lower one, row {row + 1}"
    elif (row := _first(low[1:] < high[:-1] - TOUCH)) >= 0:
        yield f"{name}: bins overlap or do not ascend, row {row + 2}"


def _not_negative(name: str, values: Floats) -> Iterator[str]:
    if (row := _first(values < 0)) >= 0:
        yield f"{name} is negative, row {row + 1}"


def _first(wrong: "np.ndarray[tuple[int, ...], np.dtype[np.bool_]]") -> int:
    return int(np.argmax(wrong)) if wrong.any() else -1
