"""What a mapping says: which columns of an image become which variables of which NetCDF file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from dbdump.marine.units import Conversion

Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Linear:
    """A number computed from a column: ``factor * value + offset``."""

    column: str
    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class TimeColumn:
    """The column with the time of a row.

    Parameters
    ----------
    column
        Its name.
    zone
        ``UTC``, an offset such as ``+01:00``, or the name of a zone such as ``Europe/Paris``, for times without one.
    since_1970
        For numbers: ``s``, ``ms`` or ``us`` since 1970-01-01T00:00:00Z.
    """

    column: str
    zone: str = "UTC"
    since_1970: Literal["", "s", "ms", "us"] = ""


@dataclass(frozen=True, slots=True)
class Station:
    """The instrument or place whose series a file is.

    Parameters
    ----------
    name
        Identifier in the file; ``{}`` stands for the value of the column.
    column
        Column that tells the stations of a table apart, ``""`` when it has one only.
    values
        The stations that are wanted; empty for all.
    """

    name: str
    column: str = ""
    values: tuple[str, ...] = ()

    def called(self, value: str) -> str:
        """Return the identifier of the station that a value of the column stands for."""
        return self.name.replace("{}", value)


@dataclass(frozen=True, slots=True)
class Position:
    """Where an instrument is: numbers, or columns of its own table or of another one.

    Parameters
    ----------
    latitude, longitude
        Degrees, WGS 84, north and east.
    depth
        Metres below the sea surface.
    table, key
        Another table with these columns, and its column with the values of the station's; ``""`` where they are
        columns of the dataset itself.
    """

    latitude: Fraction | Linear
    longitude: Fraction | Linear
    depth: Fraction | Linear
    table: str = ""
    key: str = ""

    @property
    def columns(self) -> tuple[Linear, ...]:
        """What is read from a table."""
        return tuple(each for each in (self.latitude, self.longitude, self.depth) if isinstance(each, Linear))


@dataclass(frozen=True, slots=True)
class Join:
    """Another table whose columns are added to each row.

    Parameters
    ----------
    table
        Its name; it has at most one row for each key.
    by
        Columns of the key: those of the rows so far, and those of the other table.
    """

    table: str
    by: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Flags:
    """A column with the quality of another, and what its values mean.

    Parameters
    ----------
    column
        Its name.
    codes
        OceanSITES flag for each value, as text; empty where the column has these flags itself.
    """

    column: str
    codes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the file.

    Parameters
    ----------
    name, column
        In the file, in the table.
    long_name, standard_name
        Of CF; None where CF has no name for it.
    unit_in, unit
        In the database as the mapping spells it, in the file as UDUNITS does.
    conversion
        From one to the other.
    low, high
        In the unit of the file; values outside are flagged. None for no bound.
    flags
        Quality in the database, None without.
    p01, p06
        Terms of the NERC vocabularies to write, ``""`` for none.
    unverified
        Terms among them, or known for the quantity, that nobody has looked up.
    attributes
        Further attributes, written as they are.
    """

    name: str
    column: str
    long_name: str
    standard_name: str | None
    unit_in: str
    unit: str
    conversion: Conversion
    low: Fraction | None = None
    high: Fraction | None = None
    flags: Flags | None = None
    p01: str = ""
    p06: str = ""
    unverified: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dataset:
    """One series, or one for each station and year.

    Parameters
    ----------
    name
        First part of the names of its files.
    table
        Table of the image.
    time, station, position, variables, joins
        See there.
    profile
        Column with the cell of a profile, and how it becomes a depth in metres; None for a series.
    filter
        Values that columns must have.
    interval
        Time between samples, microseconds; None where there is no rule.
    fill_gaps
        Whether times that are missing are filled in, without values.
    duplicates
        What happens to rows of the same time that contradict each other.
    odd_times
        What happens to rows without a time, or with one that no measurement can have.
    per_year
        Whether every year gets a file.
    attributes
        Global attributes.
    """

    name: str
    table: str
    time: TimeColumn
    station: Station
    position: Position
    variables: tuple[Variable, ...]
    joins: tuple[Join, ...] = ()
    profile: Linear | None = None
    filter: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    interval: int | None = None
    fill_gaps: bool = False
    duplicates: Literal["error", "first"] = "error"
    odd_times: Literal["error", "drop"] = "error"
    per_year: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A mapping that was read: where, its SHA-256, and its datasets."""

    path: Path
    sha256: str
    datasets: tuple[Dataset, ...]
