"""Two readings of the same rows, compared value by value."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dbdump.stored import StoredColumn
from dbdump.verify.canon import number_text, time_text

if TYPE_CHECKING:
    import pyarrow as pa


class Stream:
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


def different_rows(left: "pa.Array", right: "pa.Array") -> list[int]:
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


def shown(column: StoredColumn, array: Any, row: int) -> str:
    """Return a value as people are told it."""
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
