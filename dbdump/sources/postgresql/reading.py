"""Rows of a table as Arrow batches, in the order in which they lie in its pages.

The pages are taken in groups, and a group is one query whose answer is whole columns. Boundaries of batches follow
from the groups and from the bytes of the rows alone. Where values may be long, a first query asks for the bytes of
each row, and the group is taken in pieces that fit the memory; the batches are the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from dbdump.arrow import schema_of
from dbdump.errors import TableGoneError
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, TablePlan
from dbdump.sources.contract import Reading
from dbdump.sources.postgresql.decoding import Mask, fixed_column, lengths_of, mask_of, unpacked, varied_column
from dbdump.sources.postgresql.expressions import Fetch, aggregated, fetches, joined, null_mask, packs
from dbdump.sources.postgresql.pages import Heap, find_heap, tid_range
from dbdump.sources.postgresql.session import Session, quoted
from dbdump.stored import Form, StoredColumn
from legacy.errors import printable

GROUP = 128
"""Pages of a group: even rows that were compressed in place do not exceed 256 MiB then."""
_COLUMNS = 400
"""Columns of one query: PostgreSQL allows 1664 results."""
_PIECE = 16 << 20
"""Bytes of a large value that are fetched at once."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns of some rows, and the bytes of each row."""

    columns: dict[str, "pa.Array"]
    sizes: "npt.NDArray[np.int64]"


class TableReader:
    """Reads one chunk.

    Parameters
    ----------
    session, table, chunk, reading, lobs
        See `dbdump.sources.contract.Source.read`.
    """

    def __init__(self, session: Session, table: TablePlan, chunk: Chunk, reading: Reading, lobs: LobStore) -> None:
        self._session = session
        self._table = table
        self._chunk = chunk
        self._reading = reading
        self._lobs = lobs
        self._where = printable(str(table.name))
        self._schema = schema_of(table)
        self._fetches = fetches(table, session.encoding, lobs.threshold)
        # Names of columns that were found to have NULLs: from then on their masks come with them.
        self._nullable: set[str] = set()

    def batches(self) -> Iterator["pa.RecordBatch"]:
        """Yield the rows of the chunk; see `dbdump.sources.contract.Source.read`."""
        with self._session.moment():
            heap = find_heap(self._session, self._table.schema, self._chunk)
            whole = not self._may_be_long(heap)
            if heap.high - heap.low > GROUP:
                self._session.warm()
            for low, high in heap.groups(GROUP):
                first, last = (low, 0), (high, 0)
                if whole:
                    yield from self._slices(heap, tid_range(first, last))
                else:
                    yield from self._pieces(heap, first, last)

    def _may_be_long(self, heap: Heap) -> bool:
        """Values out of line, or texts that are longer than the value from which the server makes them."""
        varied = [fetch for fetch in self._fetches if not fetch.width]
        expands = any(f.column.form in (Form.TEXT, Form.NUMBER_TEXT) for f in varied)
        return bool(varied) and (heap.has_long_values or expands)

    def _slices(self, heap: Heap, condition: str) -> Iterator["pa.RecordBatch"]:
        rows = self._rows(heap, condition)
        batch = self._batch(rows, heap, condition)
        for start, end in pairwise(boundaries(rows.sizes, self._reading)):
            yield batch.slice(start, end - start)

    def _pieces(self, heap: Heap, first: tuple[int, int], last: tuple[int, int]) -> Iterator["pa.RecordBatch"]:
        lengths = "".join(f" + coalesce(octet_length({f.sql}), 0)::int8" for f in self._fetches if not f.width)
        answer = self._query(
            heap,
            [joined("tidsend(ctid)"), joined(f"int8send({self._fixed_bytes}{lengths})")],
            tid_range(first, last),
        )
        tids = addresses(answer[0])
        sizes = np.frombuffer(answer[1] or b"", dtype=">i8").astype(np.int64)
        for start, end in pairwise(boundaries(sizes, self._reading)):
            condition = tid_range(tids[start], tids[end] if end < len(tids) else last)
            rows = self._rows(heap, condition)
            if len(rows.sizes) != end - start:
                raise TableGoneError(f"{self._where}: rows moved while they were read; run the command again")
            yield self._batch(rows, heap, condition)

    @property
    def _fixed_bytes(self) -> int:
        return sum(fetch.width for fetch in self._fetches) + 1

    def _rows(self, heap: Heap, condition: str) -> Rows:
        columns: dict[str, pa.Array] = {}
        sizes = np.zeros(0, dtype=np.int64)
        # One query too where there is no column: rows are counted all the same.
        for start in range(0, max(len(self._fetches), 1), _COLUMNS):
            # From here on: what is found meanwhile to have NULLs was asked for as if it had none.
            nullable = frozenset(self._nullable)
            asked = list(packs(self._fetches[start : start + _COLUMNS], nullable))
            answer = iter(self._query(heap, ["int8send(count(*))", *self._results(asked)], condition))
            count = int.from_bytes(next(answer) or b"", "big")
            if not start:
                sizes = np.full(count, self._fixed_bytes, dtype=np.int64)
            for pack in asked:
                packed, fetch = next(answer), pack[0]
                if len(pack) > 1:
                    for one, values in zip(pack, self._apart(pack, packed, count, heap, condition), strict=True):
                        columns[one.column.name] = self._fixed(one, values, None, count, heap, condition)
                elif fetch.width:
                    nulls = mask_of(next(answer)) if fetch.column.name in nullable else None
                    columns[fetch.column.name] = self._fixed(fetch, packed, nulls, count, heap, condition)
                else:
                    lengths = next(answer)
                    columns[fetch.column.name] = varied_column(fetch, packed, lengths, self._where)
                    sizes += lengths_of(lengths)
        return Rows(columns, sizes)

    def _results(self, asked: Sequence[Sequence[Fetch]]) -> Iterator[str]:
        for pack in asked:
            yield from aggregated(pack)
            if pack[0].column.name in self._nullable:
                yield null_mask(pack[0])

    def _apart(
        self, pack: Sequence[Fetch], packed: bytes | None, rows: int, heap: Heap, condition: str
    ) -> Sequence[bytes | None]:
        """Return the values of columns that came together; where one has NULLs they are asked for again, each alone."""
        if len(packed or b"") == rows * 8 * len(pack):
            return unpacked(packed or b"", len(pack))
        return self._query(heap, [text for fetch in pack for text in aggregated((fetch,))], condition)

    def _fixed(
        self, fetch: Fetch, packed: bytes | None, nulls: Mask | None, rows: int, heap: Heap, condition: str
    ) -> "pa.Array":
        if nulls is None and len(packed or b"") != rows * fetch.width:
            self._nullable.add(fetch.column.name)
            nulls = mask_of(self._query(heap, [null_mask(fetch)], condition)[0])
        return fixed_column(fetch, packed, nulls, rows, self._where)

    def _query(self, heap: Heap, results: Sequence[str], condition: str) -> list[bytes | None]:
        query = " ".join(("SELECT", ", ".join(results), "FROM ONLY", heap.sql, "WHERE", condition))
        return self._session.packed(query, self._where)

    def _batch(self, rows: Rows, heap: Heap, condition: str) -> "pa.RecordBatch":
        if not self._table.columns:
            # A batch without columns has its number of rows only when it is made of a struct.
            empty = pa.StructArray.from_buffers(pa.struct([]), len(rows.sizes), [None])
            return pa.RecordBatch.from_struct_array(empty).replace_schema_metadata(self._schema.metadata)
        arrays = [
            self._files(column, rows, heap, condition) if column.form == Form.LOB_FILE else rows.columns[column.name]
            for column in self._table.columns
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _files(self, column: StoredColumn, rows: Rows, heap: Heap, condition: str) -> "pa.Array":
        """Store the long values of a column, and return the names of their files."""
        sized = next(c for c in self._table.columns if c.column == column.column and c.form == Form.LOB_SIZE)
        sizes = rows.columns[sized.name].fill_null(0).to_numpy()
        names: list[str | None] = [None] * len(sizes)
        (numbers,) = np.nonzero(sizes > self._lobs.threshold)
        if len(numbers):
            name = quoted(column.column)
            long = f"{condition} AND octet_length({name}) > {self._lobs.threshold}"
            tids = addresses(self._query(heap, [joined("tidsend(ctid)")], long)[0])
            for number, tid in zip(numbers.tolist(), tids, strict=True):
                names[number] = self._lobs.put(self._value(heap, name, tid, int(sizes[number]))).sha256
        return pa.array(names, pa.string())

    def _value(self, heap: Heap, name: str, tid: tuple[int, int], size: int) -> Iterator[bytes]:
        for start in range(0, size, _PIECE):
            piece = f"substring({name} FROM {start + 1} FOR {_PIECE})"
            query = " ".join(("SELECT", piece, "FROM ONLY", heap.sql, f"WHERE ctid = '({tid[0]},{tid[1]})'"))
            (found,) = self._session.packed(query, self._where)
            if found is None or len(found) != min(_PIECE, size - start):
                raise TableGoneError(f"{self._where}: a value changed while it was read; run the command again")
            yield found


def addresses(packed: bytes | None) -> list[tuple[int, int]]:
    """Return page and number of rows from what ``tidsend`` wrote."""
    pairs = np.frombuffer(packed or b"", dtype=[("page", ">u4"), ("number", ">u2")])
    return list(zip(pairs["page"].tolist(), pairs["number"].tolist(), strict=True))


def boundaries(sizes: "npt.NDArray[np.int64]", reading: Reading) -> list[int]:
    """Return where batches start and end: each has at most `reading.rows`, and `reading.size` bytes or one row."""
    ends = np.cumsum(sizes)
    marks = [0]
    while marks[-1] < len(sizes):
        start = marks[-1]
        before = int(ends[start - 1]) if start else 0
        fitting = int(np.searchsorted(ends, before + reading.size, side="right"))
        marks.append(min(max(fitting, start + 1), start + reading.rows))
    return marks
