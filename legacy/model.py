"""Tables with a unit and a description for every column.

A reader yields tables, a writer takes them; both speak NumPy structured arrays. Missing values are NaN in
floating-point columns, -1 in integer columns and the empty string in byte strings, never 0.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING_INTEGER = -1

StructuredArray = NDArray[np.void]
Column = NDArray[Any]


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column.

    Parameters
    ----------
    name
        Column name as it stands in the product.
    dtype
        NumPy dtype string: ``f8``, ``f4``, ``i8``, ``S40`` ...
    unit
        VOUnits string; ``""`` means dimensionless.
    description
        One sentence for people.
    ucd
        Unified Content Descriptor (UCD1+), ``""`` where none fits.
    """

    name: str
    dtype: str
    unit: str
    description: str
    ucd: str = ""

    def with_dtype(self, dtype: str) -> "ColumnSpec":
        """Return the same column with another dtype."""
        return replace(self, dtype=dtype)

    @property
    def missing(self) -> float | int | bytes:
        """The value that stands for "the source does not have it"."""
        kind = np.dtype(self.dtype).kind
        if kind == "f":
            return float("nan")
        return b"" if kind == "S" else MISSING_INTEGER

    def present(self, values: Column) -> NDArray[np.bool_]:
        """Say which values are not missing.

        Parameters
        ----------
        values
            Array of this column's dtype, any shape.

        Returns
        -------
        numpy.ndarray of bool
            Same shape as `values`.
        """
        if values.dtype.kind == "f":
            return np.asarray(~np.isnan(values))
        return np.asarray(values != self.missing)


@dataclass(frozen=True, slots=True)
class TableSpec:
    """A table: where it lies in the product and which columns it can have.

    Parameters
    ----------
    path
        Path in the HDF5 file, such as ``/reco/aafit``.
    columns
        Every column the table may have, in order.
    description
        One sentence for people.
    version
        Version of this table's layout.
    """

    path: str
    columns: tuple[ColumnSpec, ...]
    description: str = ""
    version: str = "1.0"

    @property
    def dtype(self) -> np.dtype[np.void]:
        """The structured dtype of a row."""
        return np.dtype([(column.name, column.dtype) for column in self.columns])

    def column(self, name: str) -> ColumnSpec:
        """Return the column called `name`; raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def select(self, names: "frozenset[str] | set[str]") -> "TableSpec":
        """Return the same table with only the columns in `names`, in the table's own order."""
        kept = tuple(column for column in self.columns if column.name in names)
        return TableSpec(self.path, kept, self.description, self.version)

    def blank(self, rows: int) -> StructuredArray:
        """Make an array of `rows` rows in which every value is missing."""
        row = np.empty(1, self.dtype)
        for column in self.columns:
            row[column.name] = column.missing
        # Repeating the bytes of one row is much faster than filling a column at a time.
        return np.frombuffer(bytearray(row.tobytes() * rows), self.dtype)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one table, as a NumPy structured array of ``spec.dtype``."""

    spec: TableSpec
    array: StructuredArray


@dataclass(frozen=True, slots=True)
class TableStream:
    """A table too large for memory: its rows come in blocks, as often as they are asked for.

    Parameters
    ----------
    spec
        The table; every block has ``spec.dtype``.
    rows
        Number of rows in all blocks together.
    blocks
        Function that starts a new pass over the blocks.
    """

    spec: TableSpec
    rows: int
    blocks: Callable[[], Iterator[StructuredArray]]

    @classmethod
    def of(cls, table: Table) -> "TableStream":
        """Wrap a table that is in memory."""
        return cls(table.spec, len(table.array), lambda: iter((table.array,)))
