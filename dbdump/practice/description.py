"""How a practice table is described, the same for every database that it is written to."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds."""

    INTEGER = "integer"
    BIGINT = "bigint"
    DECIMAL = "decimal"
    """Digits in all and after the point are the `size`."""
    NUMBER = "number"
    """Exact and without bounds."""
    DOUBLE = "double"
    TEXT = "text"
    CHAR = "char"
    MOMENT = "moment"
    """Day and time to the second, UTC."""
    PRECISE = "precise"
    """Day and time to the microsecond, UTC."""
    BOOLEAN = "boolean"
    CLOB = "clob"
    BLOB = "blob"


@dataclass(frozen=True, slots=True)
class PracticeColumn:
    """A column: its `size` are the numbers in parentheses of its type; the comment says the unit."""

    name: str
    kind: Kind
    comment: str
    size: tuple[int, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that name a row of another table by its primary key."""

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A named condition in SQL that all databases understand."""

    name: str
    expression: str


@dataclass(frozen=True, slots=True)
class PracticeIndex:
    """An index on columns."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PracticeTable:
    """A table with its keys, checks and indexes."""

    name: str
    comment: str
    columns: tuple[PracticeColumn, ...]
    primary_key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[PracticeIndex, ...] = ()


@dataclass(frozen=True, slots=True)
class PracticeView:
    """A view: its SELECT is understood by all databases."""

    name: str
    comment: str
    select: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence, for servers that have them."""

    name: str
    start: int


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is written.

    Parameters
    ----------
    days
        Days of measurements from `dbdump.practice.signals.START` on.
    lines
        Detector lines, of 12.
    seed
        Another one gives other values.
    """

    days: int = 60
    lines: int = 2
    seed: int = 1
