"""Rows on their way from a reader to a writer, in bounded memory.

What a source has is known only at its end: which columns were ever filled, whether the event numbers are
unique, the checksum. So the rows wait in anonymous temporary files beside the product, and nothing remains
of them when the process dies.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from legacy.model import StructuredArray, Table, TableSpec, TableStream

_IN_MEMORY = 2 << 20
_BLOCK_BYTES = 4 << 20
_PENDING_ROWS = 2000


class StagedTable:
    """The rows of one table.

    Parameters
    ----------
    spec
        All columns the table may have.
    folder
        Where the temporary file lies once the rows need one.
    """

    def __init__(self, spec: TableSpec, folder: Path) -> None:
        self.spec = spec
        self.rows = 0
        self._present = dict.fromkeys((column.name for column in spec.columns), 0)
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._pending: list[StructuredArray] = []
        self._pending_rows = 0

    def add(self, array: StructuredArray) -> None:
        """Append rows of ``spec.dtype``; raises OSError when the disk is full."""
        if not len(array):  # most files leave some tables empty, batch after batch
            return
        self.rows += len(array)
        self._pending.append(array)
        self._pending_rows += len(array)
        if self._pending_rows >= _PENDING_ROWS:
            self._settle()

    def _settle(self) -> None:
        """Look at pending rows and write them: together, since each column costs a call."""
        if not self._pending:
            return
        rows = self._pending[0] if len(self._pending) == 1 else np.concatenate(self._pending)
        for column in self.spec.columns:
            self._present[column.name] += int(np.count_nonzero(column.present(rows[column.name])))
        self._file.seek(0, os.SEEK_END)
        self._file.write(rows.tobytes())
        self._pending, self._pending_rows = [], 0

    @property
    def present(self) -> Mapping[str, int]:
        """Number of values that are not missing, by column."""
        self._settle()
        return self._present

    def blocks(self) -> Iterator[StructuredArray]:
        """Yield all rows in blocks of a few megabytes."""
        self._settle()
        dtype = self.spec.dtype
        size = max(1, _BLOCK_BYTES // dtype.itemsize) * dtype.itemsize
        position = 0
        while True:
            self._file.seek(position)  # two passes may run at once
            block = self._file.read(size)
            if not block:
                return
            position += len(block)
            yield np.frombuffer(block, dtype)

    def filled(self, always: frozenset[str] = frozenset()) -> TableSpec:
        """Return the spec with only the columns that hold a value, and those named in `always`."""
        return self.spec.select({name for name, count in self.present.items() if count} | always)

    def stream(self, spec: TableSpec) -> TableStream:
        """Return the rows with the columns of `spec` only."""
        return TableStream(spec, self.rows, lambda: (narrow(block, spec) for block in self.blocks()))

    def close(self) -> None:
        """Drop the rows."""
        self._file.close()


def narrow(block: StructuredArray, spec: TableSpec) -> StructuredArray:
    """Copy the columns of `spec` out of wider rows."""
    array = np.empty(len(block), spec.dtype)
    for column in spec.columns:
        array[column.name] = block[column.name]
    return array


class Staging:
    """All tables of one product.

    Parameters
    ----------
    folder
        Where temporary files may lie: beside the product, so that a full disk shows early.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.tables: dict[str, StagedTable] = {}

    def add(self, table: Table) -> None:
        """Append the rows of a table; raises OSError when the disk is full."""
        path = table.spec.path
        if path not in self.tables:
            self.tables[path] = StagedTable(table.spec, self._folder)
        self.tables[path].add(table.array)

    def close(self) -> None:
        """Drop everything."""
        for table in self.tables.values():
            table.close()


_PARTITION_BYTES = 16 << 20


def duplicates(blocks: Callable[[], Iterator[NDArray[np.int64]]], rows: int) -> NDArray[np.int64]:
    """Find keys that occur more than once, in bounded memory.

    Parameters
    ----------
    blocks
        Starts a pass over blocks of shape (n, k): k numbers make a key.
    rows
        Number of keys in a pass.

    Returns
    -------
    numpy.ndarray
        Shape (m, k): each repeated key once, in ascending order.
    """
    first = next(blocks(), None)
    if first is None or _strictly_increasing(blocks()):
        return np.empty((0, 1 if first is None else first.shape[1]), dtype=np.int64)
    width = first.shape[1]
    # Equal keys always fall into the same partition, so one partition at a time is enough.
    partitions = 1 + rows * width * 8 // _PARTITION_BYTES
    found = [_repeated(_partition(blocks(), part, partitions, width)) for part in range(partitions)]
    return np.unique(np.concatenate(found), axis=0)


def _strictly_increasing(blocks: Iterator[NDArray[np.int64]]) -> bool:
    """Say if the keys ascend in lexicographic order, which most sources do."""
    last: NDArray[np.int64] | None = None
    for block in blocks:
        keys = block if last is None else np.concatenate((last, block))
        ascends = np.zeros(len(keys) - 1, dtype=bool)
        for column in keys.T[::-1]:
            # Compared, not subtracted: the difference of two large numbers can overflow.
            before, after = column[:-1], column[1:]
            ascends = (after > before) | ((after == before) & ascends)
        if not ascends.all():
            return False
        last = keys[-1:]
    return True


def _partition(blocks: Iterator[NDArray[np.int64]], part: int, partitions: int, width: int) -> NDArray[np.int64]:
    chosen = [block[block.sum(axis=1) % partitions == part] for block in blocks]
    return np.concatenate(chosen) if chosen else np.empty((0, width), dtype=np.int64)


def _repeated(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    ordered = keys[np.lexsort(keys.T[::-1])]
    same = np.all(ordered[1:] == ordered[:-1], axis=1)
    return ordered[1:][same]
