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
from dbdump.stored import Form, StoredColumn
from dbdump.verify.lobfiles import LobFiles
from dbdump.verify.report import Difference
from dbdump.verify.rows import batches

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
        ours = _Stream(self._batches(chunk))
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
        for part in self.table.parts:
            if part.chunk == chunk.number:
                yield from batches(self.image, self.table, part, names)

    def _compare_rows(self, theirs: "pa.RecordBatch", ours: "pa.Table", chunk: Chunk, first: int) -> None:
        for column in self.table.columns:
            left, right = theirs.column(column.name), ours.column(column.name).combine_chunks()
            self.values += len(left)
            rows = _different(left, right)
            for row in rows[: max(SHOWN - self.different, 0)]:
                where = f"row {first + row + 1:,} of {_chunk_name(self.plan, chunk)}{self._key(theirs, ours, row)}"
                self._differ(column.name, "value", _shown(column, left, row), _shown(column, right, row), where)
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
            return ", ".join(f"{one.name}={_shown(one, rows.column(one.name), row)}" for one in columns)

        left, right = told(theirs), told(ours)
        return f" ({left})" if left == right else f" ({left} in the source, {right} in the image)"

    def _differ(self, column: str, fact: str, theirs: str, ours: str, where: str = "", hint: str = "") -> None:
        self.differences.append(Difference(str(self.table.name), column, fact, theirs, ours, where, hint))


class _Stream:
    """Rows of the image, taken in the numbers in which the source gives its own."""

    def __init__(self, source: Iterator["pa.RecordBatch"]) -> None:
        self._source = source
        self._waiting: list[pa.RecordBatch] = []

    def take(self, rows: int) -> "pa.Table":
        """Return the next rows, fewer only at the end."""
        import pyarrow as pa

        taken: list[pa.RecordBatch] = []
        while rows > 0:
            batch = self._waiting.pop() if self._waiting else next(self._source, None)
            if batch is None:
                break
            if batch.num_rows > rows:
                self._waiting.append(batch.slice(rows))
                batch = batch.slice(0, rows)
            taken.append(batch)
            rows -= batch.num_rows
        return pa.Table.from_batches(taken) if taken else pa.table({})

    def count_rest(self) -> int:
        """Return how many rows nobody took."""
        waiting = sum(int(batch.num_rows) for batch in self._waiting)
        return waiting + sum(int(batch.num_rows) for batch in self._source)


def _different(left: "pa.Array", right: "pa.Array") -> list[int]:
    """Return the rows in which two arrays differ: floats to the last bit, NULL only equal to NULL."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(left.type) and left.type == right.type:
        bits = pa.int32() if left.type.bit_width == 32 else pa.int64()
        left, right = left.view(bits), right.view(bits)
    if left.equals(right):
        return []
    unequal = pc.fill_null(pc.not_equal(left, right), False)
    return list(pc.indices_nonzero(pc.or_(unequal, pc.xor(left.is_null(), right.is_null()))).to_pylist())


def _shown(column: StoredColumn, array: Any, row: int) -> str:
    from dbdump.verify.canon import number_text, time_text

    scalar = array[row]
    if not scalar.is_valid:
        return "NULL"
    match column.arrow:
        case "string":
            return repr(scalar.as_py())
        case "binary":
            return f"x'{scalar.as_py()[:80].hex()}'"
        case "float" | "double":
            return repr(scalar.as_py())
        case arrow if arrow.startswith("decimal128"):
            return number_text(scalar.as_py())
        case arrow if arrow.startswith(("date32", "time64", "timestamp")):
            return time_text(scalar.value, arrow)
        case _:
            return str(scalar.as_py())


def _chunk_name(plan: TablePlan, chunk: Chunk) -> str:
    return f"chunk {chunk.number}" if len(plan.chunks) > 1 else "the table"
