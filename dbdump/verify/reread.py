"""Reads a table from the source a second time and compares it with the image, value by value.

The rows of a chunk have one order, so the n-th row of the source belongs to the n-th row of the chunk's parts.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbdump.image import Image, ImageTable
from dbdump.lobs import LobStore, StoredLob
from dbdump.plan import Chunk, TablePlan
from dbdump.sources.contract import Reading, Source
from dbdump.stored import Form
from dbdump.verify.lobfiles import LobFiles
from dbdump.verify.report import Difference
from dbdump.verify.rows import batches
from dbdump.verify.same import Stream, different_rows, shown

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 10
"""Different values of a table that are named; the others are counted."""


class HashedLobs(LobStore):
    """Takes large values as the store of a dump does, and keeps nothing of them but the hash."""

    def __init__(self, threshold: int) -> None:
        super().__init__(Path(), threshold)

    def put(self, pieces: Iterable[bytes]) -> StoredLob:
        """Return name and size of a value; nothing is written."""
        digest, size = hashlib.sha256(), 0
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
        return StoredLob(digest.hexdigest(), size)


@dataclass(slots=True)
class Reread:
    """A table that is compared row by row.

    Parameters
    ----------
    image, table
        One side.
    plan
        The chunks in which it was read from the source.
    lobs
        Files of the image with large values.
    threshold
        Bytes above which a value became a file.
    """

    image: Image
    table: ImageTable
    plan: TablePlan
    lobs: LobFiles
    threshold: int
    values: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)

    def compare(self, source: Source) -> None:
        """Compare all chunks; what was found is in `values`, `different` and `differences`.

        Raises
        ------
        dbdump.errors.TableError
            The source cannot be read.
        ImageError
            The image is damaged.
        """
        for chunk in self.plan.chunks:
            self._compare_chunk(source, chunk)
        if self.different > SHOWN:
            counts = (f"{self.values:,} compared", f"{self.different:,} of them different")
            self._differ("", "values", *counts, hint=f"the first {SHOWN} are named above")

    def _compare_chunk(self, source: Source, chunk: Chunk) -> None:
        ours = Stream(self._batches(chunk))
        theirs = source.read(self.plan, chunk, Reading(), HashedLobs(self.threshold))
        row = more = 0
        for batch in theirs:
            image = ours.take(batch.num_rows)
            if image.num_rows:
                self._compare_rows(batch.slice(0, image.num_rows), image, chunk, row)
            row += image.num_rows
            more += batch.num_rows - image.num_rows
        left = ours.count_rest()
        if more or left:
            where = _chunk_name(self.plan, chunk)
            self._differ("", "rows", f"{row + more:,}", f"{row + left:,}", where, "a row was lost, doubled or added")

    def _batches(self, chunk: Chunk) -> Iterator["pa.RecordBatch"]:
        names = [column.name for column in self.table.columns]
        for part in self.table.slices:
            if part.chunk == chunk.number:
                yield from batches(self.image, self.table, part, names)

    def _compare_rows(self, theirs: "pa.RecordBatch", ours: "pa.Table", chunk: Chunk, first: int) -> None:
        for column in self.table.columns:
            left, right = theirs.column(column.name), ours.column(column.name).combine_chunks()
            self.values += len(left)
            rows = different_rows(left, right)
            for row in rows[: max(SHOWN - self.different, 0)]:
                where = f"row {first + row + 1:,} of {_chunk_name(self.plan, chunk)}{self._key(theirs, ours, row)}"
                self._differ(column.name, "value", shown(column, left, row), shown(column, right, row), where)
            self.different += len(rows)
            if column.form == Form.LOB_FILE:
                self._check_files(right)

    def _check_files(self, names: "pa.Array") -> None:
        """Read the files, whose content must be what their names say."""
        import pyarrow.compute as pc

        for name in pc.unique(names.drop_null()).to_pylist():
            self.lobs.facts(name, text=False)

    def _key(self, theirs: "pa.RecordBatch", ours: "pa.Table", row: int) -> str:
        """Return the key of a row, of both sides where it is not the same."""
        key = self.table.schema.primary_key
        columns = [column for column in self.table.columns if column.column in key and column.name == column.column]
        if not columns:
            return ""

        def told(rows: Any) -> str:
            return ", ".join(f"{one.name}={shown(one, rows.column(one.name), row)}" for one in columns)

        left, right = told(theirs), told(ours)
        return f" ({left})" if left == right else f" ({left} in the source, {right} in the image)"

    def _differ(self, column: str, fact: str, theirs: str, ours: str, where: str = "", hint: str = "") -> None:
        self.differences.append(Difference(str(self.table.name), column, fact, theirs, ours, where, hint))


def _chunk_name(plan: TablePlan, chunk: Chunk) -> str:
    return f"chunk {chunk.number}" if len(plan.chunks) > 1 else "the table"
