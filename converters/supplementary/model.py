"""What a supplementary table is: its content, its columns, what is said about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Range = Mapping[str, str | float]


class Content(StrEnum):
    """The kinds of tables."""

    EFFECTIVE_AREA = "effective-area"
    ACCEPTANCE = "acceptance"
    BACKGROUND = "background"
    PSF = "psf"


TITLES: Mapping[Content, str] = {
    Content.EFFECTIVE_AREA: "effective area",
    Content.ACCEPTANCE: "acceptance",
    Content.BACKGROUND: "background polynomial",
    Content.PSF: "point spread function",
}
"""Their names for people."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column, with what ``paraminfo`` says about it.

    Parameters
    ----------
    role
        What it is for whoever reads the table: ``lower_edge``, ``value`` ...
    name
        Its name in the product.
    title
        Its name for people.
    description
        Its meaning.
    unit
        VOUnits, ``""`` if dimensionless.
    symbol
        As in formulae.
    ucd
        Unified Content Descriptor.
    """

    role: str
    name: str
    title: str
    description: str
    unit: str
    symbol: str
    ucd: str = ""


_ENERGY = "log10 of the energy in GeV"
COLUMNS: Mapping[Content, tuple[Column, ...]] = {
    Content.EFFECTIVE_AREA: (
        Column("lower_edge", "log10_energy_low", "Energy", f"Lower edge: {_ENERGY}", "", "log10(E1/GeV)"),
        Column("upper_edge", "log10_energy_high", "Energy", f"Upper edge: {_ENERGY}", "", "log10(E2/GeV)"),
        Column("value", "effective_area", "Effective area", "Effective area", "m**2", "A_eff", "phys.area;instr"),
    ),
    Content.ACCEPTANCE: (
        Column("point", "spectral_index", "Spectral index", "Index of a power law", "", "gamma", "spect.index"),
        Column("lower_edge", "sin_dec_low", "Declination", "Lower edge: sine of the declination", "", "sin(dec)"),
        Column("upper_edge", "sin_dec_high", "Declination", "Upper edge: sine of the declination", "", "sin(dec)"),
        Column(
            "value",
            "acceptance",
            "Acceptance",
            "Signal events per unit of flux normalisation; unit and scale as in the source",
            "cm**2.s/GeV",
            "A",
            "stat.value",
        ),
    ),
    Content.BACKGROUND: (
        Column("power", "power", "Power", "Power of the declination in degrees", "", "k", "meta.number"),
        Column(
            "coefficient",
            "coefficient",
            "Coefficient",
            "Coefficient of the number of events below a declination, per degree to that power",
            "",
            "p_k",
            "stat.fit.param",
        ),
    ),
    Content.PSF: (
        Column("point", "angle", "Angle", "Angle between true and reconstructed direction", "deg", "Psi"),
        Column("value", "fraction", "Fraction", "Part of all events within this angle", "", "F", "stat.probability"),
    ),
}
"""The columns of each kind of table, in the order of the product."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What is said about a table, besides its numbers.

    Parameters
    ----------
    content
        Kind of table.
    ktype
        KM3NeT's descriptor of the content; ``tbd`` as long as its list is not public.
    header
        Publication fields: keys of `converters.metadata.SETTABLE`.
    origin
        Ranges that the table was made for: ``time``, ``zenith``, ``declination``.
    axes
        Edges and points that the file itself does not have: ``spectral_index``, ``sin_declination_edges``.
    """

    content: Content
    ktype: str = "tbd"
    header: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, Range] = field(default_factory=dict)
    axes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SupplementaryTable:
    """A table.

    Parameters
    ----------
    annotation
        What is said about it.
    values
        One array of shape (rows,) for each of its columns.
    """

    annotation: Annotation
    values: tuple[Floats, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """Its columns."""
        return COLUMNS[self.annotation.content]

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.values[0])

    def __getitem__(self, name: str) -> Floats:
        """Return a column by its name; raises KeyError."""
        for column, values in zip(self.columns, self.values, strict=True):
            if column.name == name:
                return values
        raise KeyError(name)

    def paraminfo(self) -> dict[str, dict[str, str]]:
        """Return what stands under ``paraminfo`` in the products, by the role of the column."""
        return {
            column.role: {
                "columnname": column.name,
                "name": column.title,
                "description": column.description,
                "unit": column.unit,
                "symbol": column.symbol,
            }
            for column in self.columns
        }
