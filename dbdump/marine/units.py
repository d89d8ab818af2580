"""Units of measurement, and their conversions as exact ratios.

Only pairs whose ratio is a rational number by definition are known. What needs a measured quantity (a density for
micromole per litre to micromole per kilogram) or a convention (millilitres of oxygen) is refused: that is science, to
be done where its choices can be told.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from legacy.errors import MetadataError, nearest, printable


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit: what it measures, and its value in the base unit of that.

    Parameters
    ----------
    kind
        Quantity: only units of the same one convert into each other.
    factor, offset
        ``base = factor * value + offset``.
    """

    kind: str
    factor: Fraction
    offset: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Conversion:
    """``new = (value * multiplier + addend) / divisor``, with whole numbers."""

    multiplier: int = 1
    addend: int = 0
    divisor: int = 1

    @property
    def identity(self) -> bool:
        """Whether nothing changes."""
        return self == Conversion()


_LINES: tuple[tuple[str, str, Fraction | int], ...] = (
    ("1; PSU; psu; PSS-78; fraction", "number", 1),
    ("percent; %", "number", Fraction(1, 100)),
    ("1e-3; permil", "number", Fraction(1, 1000)),
    ("K; kelvin", "temperature", 1),
    ("S m-1; S/m; S.m-1", "conductivity", 1),
    ("mS cm-1; mS/cm; mS.cm-1", "conductivity", Fraction(1, 10)),
    ("Pa", "pressure", 1),
    ("hPa; mbar", "pressure", 100),
    ("kPa", "pressure", 1000),
    ("MPa", "pressure", 10**6),
    ("dbar; decibar", "pressure", 10**4),
    ("bar", "pressure", 10**5),
    ("mol kg-1; mol/kg", "amount per mass", 1),
    ("umol kg-1; umol/kg; umol.kg-1; micromol/kg", "amount per mass", Fraction(1, 10**6)),
    ("mol m-3; mol/m3; mmol/l", "amount per volume", 1),
    ("umol l-1; umol/l; umol/L; umol.l-1; uM; mmol/m3; mmol.m-3", "amount per volume", Fraction(1, 1000)),
    ("m s-1; m/s; m.s-1", "speed", 1),
    ("cm s-1; cm/s; cm.s-1", "speed", Fraction(1, 100)),
    ("mm s-1; mm/s; mm.s-1", "speed", Fraction(1, 1000)),
    ("km h-1; km/h", "speed", Fraction(1000, 3600)),
    ("knot; kn", "speed", Fraction(1852, 3600)),
    ("m; metre; meter", "length", 1),
    ("cm", "length", Fraction(1, 100)),
    ("mm", "length", Fraction(1, 1000)),
    ("km", "length", 1000),
    ("nm", "length", Fraction(1, 10**9)),
    ("m-1; 1/m", "per length", 1),
    ("cm-1; 1/cm", "per length", 100),
    ("degree; deg; degrees; °", "angle", 1),
    ("degrees_north", "latitude", 1),
    ("degrees_east", "longitude", 1),
    ("Hz; s-1; 1/s", "frequency", 1),
    ("kHz", "frequency", 1000),
    ("MHz", "frequency", 10**6),
    ("s; sec; second; seconds", "duration", 1),
    ("ms", "duration", Fraction(1, 1000)),
    ("us", "duration", Fraction(1, 10**6)),
    ("min; minute; minutes", "duration", 60),
    ("h; hour; hours", "duration", 3600),
    ("d; day; days", "duration", 86400),
    ("V; volt", "voltage", 1),
    ("mV", "voltage", Fraction(1, 1000)),
    ("A; ampere", "current", 1),
    ("mA", "current", Fraction(1, 1000)),
    ("kg m-3; kg/m3", "mass per volume", 1),
    ("mg m-3; mg/m3; ug/l", "mass per volume", Fraction(1, 10**6)),
    ("m-3 s-1; s-1 m-3", "frequency per volume", 1),
)
"""Spellings, that of UDUNITS-2 first; quantity; value in the base unit."""


def _listed() -> dict[str, Unit]:
    """Return units by every spelling."""
    known: dict[str, Unit] = {}
    for names, kind, factor in _LINES:
        known.update(dict.fromkeys(names.split("; "), Unit(kind, Fraction(factor))))
    zero = Fraction(27315, 100)
    known.update(dict.fromkeys(("degree_Celsius", "degC", "celsius", "°C"), Unit("temperature", Fraction(1), zero)))
    return known


UNITS = _listed()
"""Every spelling of a unit that mappings may use."""
_PREFERRED = {unit: name for name, unit in reversed(UNITS.items())}
_DIFFERENT = {
    frozenset(("amount per mass", "amount per volume")): "that needs the density of the water: convert it before",
}


def unit(text: str, where: str) -> Unit:
    """Return a unit by its spelling; raises MetadataError that says `where` and names the nearest one."""
    try:
        return UNITS[text]
    except KeyError:
        advice = nearest(text, list(UNITS))
        raise MetadataError(f"{where}: unknown unit '{printable(text)}'; {advice}") from None


def preferred(text: str, where: str) -> str:
    """Return the spelling of a unit that UDUNITS knows: ``degree_Celsius`` for ``degC``."""
    return _PREFERRED[unit(text, where)]


def conversion(source: str, target: str, where: str) -> Conversion:
    """Return how values in one unit become values in another.

    Parameters
    ----------
    source, target
        Units as `UNITS` spells them.
    where
        Place in the mapping, for the message.

    Raises
    ------
    MetadataError
        A unit is not known, or they measure different things; the message begins with `where`.
    """
    old, new = unit(source, where), unit(target, where)
    if old.kind != new.kind:
        why = _DIFFERENT.get(frozenset((old.kind, new.kind)), f"one is a {old.kind}, the other a {new.kind}")
        raise MetadataError(f"{where}: '{source}' cannot become '{target}': {why}")
    factor = old.factor / new.factor
    addend = (old.offset - new.offset) / new.factor
    divisor = lcm(factor.denominator, addend.denominator)
    return Conversion(int(factor * divisor), int(addend * divisor), divisor)
