"""What can be computed with the tables. Nothing is extrapolated: beyond a table there is an error, not a number."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from converters.supplementary.model import Content, Floats, SupplementaryTable
from legacy.errors import UsageError

_CM2_PER_M2 = 1e4
_NEAR = 1e-12
_EDGE = 1e-9
"""Relative: energies closer to an edge than this are on it; 10**2.2 is not exact."""


class Flux(Protocol):
    """A flux of neutrinos from a point; 0 outside of its energies."""

    @property
    def energy_min(self) -> float:
        """Where it begins, GeV."""
        ...

    @property
    def energy_max(self) -> float:
        """Where it ends, GeV."""
        ...

    def integral(self, low: Floats, high: Floats) -> Floats:
        """Return the flux between energies in GeV, cm^-2 s^-1; same shape as `low` and `high`."""
        ...


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """The flux norm x (E / reference)^-index between two energies.

    Parameters
    ----------
    norm
        At `reference`, GeV^-1 cm^-2 s^-1.
    index
        Spectral index.
    energy_min, energy_max
        GeV.
    reference
        GeV.

    Raises
    ------
    UsageError
        A negative norm, an energy that is not positive, a range that ends before it begins.
    """

    norm: float
    index: float
    energy_min: float
    energy_max: float
    reference: float = 1.0

    def __post_init__(self) -> None:
        numbers = (self.norm, self.index, self.energy_min, self.energy_max, self.reference)
        if not np.isfinite(numbers).all() or self.norm < 0 or self.reference <= 0:
            raise UsageError(f"{self}: expected finite numbers, norm not negative, reference above 0")
        if not 0 < self.energy_min < self.energy_max:
            raise UsageError(f"{self}: expected 0 < energy_min < energy_max, in GeV")

    def integral(self, low: Floats, high: Floats) -> Floats:
        """Return the flux between energies in GeV, cm^-2 s^-1."""
        a, b = np.asarray(low) / self.reference, np.asarray(high) / self.reference
        power, ratio = 1 - self.index, np.log(b / a)
        # a^p (exp(p ln(b/a)) - 1) / p: the difference of b^p and a^p would lose its digits for an index near 1.
        with np.errstate(all="ignore"):  # what overflows is no finite number, which `expected_events` refuses
            area = a**power * np.expm1(power * ratio) / power if power else ratio
            return np.asarray(self.norm * self.reference * area, dtype=np.float64)


def read_table(path: Path | str) -> SupplementaryTable:
    """Read a table: a source with its description, or a product, CSV or JSON.

    Raises
    ------
    InputError
        It is none, or it is damaged.
    """
    from converters.auxiliary import document
    from converters.auxiliary.products import readable
    from converters.supplementary.reading import read_source, sound, table_of

    path = Path(path)
    if path.suffix.lower() == ".json":
        with readable(path):
            return sound(path, table_of(path, document.read(path).get("content", {})))
    return read_source(path).table


def expected_events(aeff: SupplementaryTable, flux: Flux, livetime: float) -> float:
    """Return how many events a flux from a point gives.

    The effective area is taken as constant within each bin: N = T sum_i A_i integral_i Phi(E) dE.

    Parameters
    ----------
    aeff
        An effective area. It holds for the ranges in its ``origin`` only: choose the table that fits the source.
    flux
        The flux; all of it must lie within the bins of `aeff`.
    livetime
        s.

    Returns
    -------
    float
        Number of events.

    Raises
    ------
    UsageError
        Another kind of table, a flux that reaches beyond its bins or into a gap between them, a flux whose integral
        is negative or no number, a livetime that is negative or no number.
    """
    _require(aeff, Content.EFFECTIVE_AREA)
    if not (np.isfinite(livetime) and livetime >= 0):
        raise UsageError(f"livetime is {livetime}; expected seconds, not negative")
    low, high = 10 ** aeff["log10_energy_low"], 10 ** aeff["log10_energy_high"]
    first, last = flux.energy_min, flux.energy_max
    if not 0 < first < last:  # also where one of them is NaN
        raise UsageError(f"the flux reaches from {first} to {last}; expected 0 < energy_min < energy_max, in GeV")
    if first < low[0] * (1 - _EDGE) or last > high[-1] * (1 + _EDGE):
        raise UsageError(
            f"the flux reaches from {first:g} to {last:g} GeV, the effective area from {low[0]:g} to {high[-1]:g} GeV; "
            "nothing is extrapolated: give the flux energies within the table, or a table that is longer"
        )
    inside = (high > first * (1 + _EDGE)) & (low < last * (1 - _EDGE))
    gaps = inside[1:] & inside[:-1] & (low[1:] > high[:-1] * (1 + _EDGE))
    ends = first < low[inside][0] * (1 - _EDGE) or last > high[inside][-1] * (1 + _EDGE) if inside.any() else True
    if gaps.any() or ends:
        raise UsageError("the effective area has a gap within the energies of the flux; split the flux there")
    a, b = np.maximum(low[inside], first), np.minimum(high[inside], last)
    per_second = np.sum(aeff["effective_area"][inside] * _CM2_PER_M2 * _integrals(flux, a, b))
    return float(per_second * livetime)


def _integrals(flux: Flux, low: Floats, high: Floats) -> Floats:
    found = np.asarray(flux.integral(low, high), dtype=np.float64)
    if found.shape != low.shape:
        raise UsageError(
            f"the integral of the flux has the shape {found.shape}; expected that of the bins, {low.shape}"
        )
    if not (np.isfinite(found) & (found >= 0)).all():
        bin_ = int(np.argmin(np.isfinite(found) & (found >= 0)))
        raise UsageError(
            f"the integral of the flux from {low[bin_]:g} to {high[bin_]:g} GeV is {found[bin_]}; "
            "expected a finite number, not negative, in cm^-2 s^-1"
        )
    return found


def acceptance_at(table: SupplementaryTable, declination: float, spectral_index: float) -> float:
    """Look up the acceptance for a point of the table; nothing is interpolated.

    A bin holds its lower edge, the last one its upper edge too.

    Parameters
    ----------
    table
        An acceptance.
    declination
        deg.
    spectral_index
        One of those in the table, to 1e-6.

    Raises
    ------
    UsageError
        Another kind of table, or a point that is not in it.
    """
    _require(table, Content.ACCEPTANCE)
    sine = float(np.sin(np.radians(declination))) if -90 <= declination <= 90 else np.nan
    edge = table["sin_dec_high"].max()
    # The sine of 30 deg is 0.49999999999999994: what is that near to an edge is on it.
    last = (table["sin_dec_high"] == edge) & (sine <= edge + _NEAR)
    within = (table["sin_dec_low"] <= sine + _NEAR) & ((sine + _NEAR < table["sin_dec_high"]) | last)
    found = within & (np.abs(table["spectral_index"] - spectral_index) < 1e-6)
    if not found.any():
        points = np.unique(table["spectral_index"])
        raise UsageError(
            f"declination {declination:g} deg with spectral index {spectral_index:g} is not in the table; it has the "
            f"indices {', '.join(f'{point:g}' for point in points)} and sines of the declination from "
            f"{table['sin_dec_low'].min():g} to {edge:g}"
        )
    return float(table["acceptance"][found][0])


def background_below(table: SupplementaryTable, declination: float) -> float:
    """Return the value of a background polynomial: the number of events below a declination.

    Parameters
    ----------
    table
        A background, with the range of declinations in its ``origin``.
    declination
        deg.

    Raises
    ------
    UsageError
        Another kind of table, one without a range, or a declination beyond it.
    """
    _require(table, Content.BACKGROUND)
    span = table.annotation.origin.get("declination")
    if span is None:
        raise UsageError("the background names no range of declinations; add origin.declination to its description")
    low, high = float(span["min"]), float(span["max"])
    if not low <= declination <= high:
        raise UsageError(
            f"declination {declination:g} deg is beyond the table, {low:g} to {high:g} deg; nothing is extrapolated"
        )
    total = 0.0
    for coefficient in reversed(table["coefficient"].tolist()):
        total = total * declination + coefficient
    return float(total)


def _require(table: SupplementaryTable, content: Content) -> None:
    if table.annotation.content is not content:
        raise UsageError(f"the table holds {table.annotation.content.value}; expected {content.value}")
