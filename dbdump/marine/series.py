"""Second pass: rows sorted by station, time and cell become blocks of a file, without repetitions and with their gaps.

Every step takes and gives an iterator of blocks, so memory does not depend on the length of a series.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dbdump.errors import ValueLossError
from dbdump.marine.counts import FileCounts
from dbdump.marine.flags import MISSING
from dbdump.marine.mapping import Dataset
from dbdump.marine.times import iso

if TYPE_CHECKING:
    import duckdb

_SORTED_ROWS = 65_536
_SHOWN = 5
GAP_INTERVALS = 3
"""A gap is longer than this many intervals."""
MOST_FILLED = 20_000_000
"""Times that are filled in at most: an interval that is much too short would fill the disk."""
KEPT_GAPS = 2000
"""Gaps that a file lists; the others are counted."""
_PIECE = 8192
"""Times filled in at once."""


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows of one file.

    Parameters
    ----------
    times
        Microseconds since 1970, shape (n,).
    cells
        Depth of the cell of each row, shape (n,); of no meaning once the cells have a dimension.
    values, flags
        Shape (variables, n), and (variables, n, cells) in profiles. NaN is missing.
    """

    times: NDArray[np.int64]
    cells: NDArray[np.float64]
    values: NDArray[np.float64]
    flags: NDArray[np.int8]

    def __getitem__(self, rows: Any) -> "Block":
        return Block(self.times[rows], self.cells[rows], self.values[:, rows], self.flags[:, rows])

    def joined(self, other: "Block") -> "Block":
        """Return this block followed by another."""
        return Block(
            np.concatenate([self.times, other.times]),
            np.concatenate([self.cells, other.cells]),
            np.concatenate([self.values, other.values], axis=1),
            np.concatenate([self.flags, other.flags], axis=1),
        )


Key = tuple[str, int]
"""Station, and year or 0."""


def open_sorter(scratch: Path, memory: str = "192MB") -> "duckdb.DuckDBPyConnection":
    """Return a database in memory that sorts with bounded memory and spills to a folder."""
    import duckdb

    # Folders and limits as a configuration, not as statements: names of folders may hold quotes.
    connection = duckdb.connect(config={"memory_limit": memory, "temp_directory": str(scratch), "threads": 2})
    connection.execute("SET enable_progress_bar = false")  # it would be drawn on stdout after two seconds
    return connection


def cells_of(connection: "duckdb.DuckDBPyConnection", staged: Path) -> dict[str, NDArray[np.float64]]:
    """Return the depths of the cells of each station, growing."""
    rows = connection.execute(
        "SELECT station, list_sort(list(DISTINCT cell)) FROM read_parquet($1) GROUP BY station", [str(staged)]
    ).fetchall()
    return {station: np.array(cells, dtype=np.float64) for station, cells in rows}


def sort_rows(connection: "duckdb.DuckDBPyConnection", staged: Path, target: Path) -> None:
    """Write the rows in order of station, time, cell and place in the table, to another scratch file."""
    # Through a file: the ways to get Arrow batches out of DuckDB change from version to version.
    rows = connection.read_parquet(str(staged)).order("station, time, cell, row")
    rows.write_parquet(str(target), compression="zstd")


def sorted_blocks(path: Path, dataset: Dataset) -> Iterator[tuple[Key, Block]]:
    """Yield the rows that `sort_rows` wrote, each block with the file that it belongs to."""
    import pyarrow.parquet as pq

    variables = range(len(dataset.variables))
    for batch in pq.ParquetFile(path).iter_batches(_SORTED_ROWS):
        times = batch.column("time").to_numpy()
        block = Block(
            times,
            batch.column("cell").to_numpy(),
            np.array([batch.column(f"v{n}").to_numpy(zero_copy_only=False) for n in variables]),
            np.array([batch.column(f"q{n}").to_numpy(zero_copy_only=False) for n in variables]),
        )
        stations = batch.column("station").dictionary_encode()
        codes = stations.indices.to_numpy(zero_copy_only=False)
        years = times.astype("datetime64[us]").astype("datetime64[Y]").astype(np.int64) + 1970
        years = years if dataset.per_year else np.zeros_like(years)
        starts = np.flatnonzero((np.diff(codes, prepend=-1) != 0) | (np.diff(years, prepend=-1) != 0))
        for start, stop in zip(starts, [*starts[1:], len(times)], strict=True):
            key = stations.dictionary[int(codes[start])].as_py(), int(years[start])
            yield key, block[start:stop]


def unique_rows(blocks: Iterable[Block], dataset: Dataset, counts: FileCounts) -> Iterator[Block]:
    """Drop repeated rows: identical ones always, contradicting ones only where the mapping keeps the first.

    Parameters
    ----------
    blocks
        Rows of one file, sorted by time and cell; a repetition can begin in one block and end in the next.
    dataset
        Says what becomes of contradicting rows.
    counts
        Notes rows, identical and contradicting ones.

    Raises
    ------
    ValueLossError
        Rows of one time contradict each other.
    """
    last: Block | None = None
    examples: list[str] = []
    for block in blocks:
        counts.rows += len(block.times)
        rows = block if last is None else last.joined(block)
        new = np.ones(len(rows.times), dtype=np.bool_)
        new[1:] = (np.diff(rows.times) != 0) | (np.diff(rows.cells) != 0)
        places = np.arange(len(new))
        first = np.maximum.accumulate(np.where(new, places, 0))
        same = ((rows.values == rows.values[:, first]) | (np.isnan(rows.values) & np.isnan(rows.values[:, first]))).all(
            axis=0
        ) & (rows.flags == rows.flags[:, first]).all(axis=0)
        counts.identical += int(np.count_nonzero(~new & same))
        clashes = np.flatnonzero(~new & ~same)
        counts.contradicting += len(clashes)
        examples += [_clash(rows, first[row], row, dataset) for row in clashes[: _SHOWN - len(examples)]]
        kept = rows[new]
        last = kept[-1:]
        yield kept[1:] if len(rows.times) > len(block.times) else kept
    if counts.contradicting and dataset.duplicates == "error":
        raise ValueLossError(
            f"datasets.{dataset.name}: {counts.contradicting} rows have the time of another one and other values: "
            f"{'; '.join(examples)}; 'duplicates: first' keeps the first of them and counts the others"
        )


def _clash(rows: Block, first: int, second: int, dataset: Dataset) -> str:
    for number, variable in enumerate(dataset.variables):
        one, two = rows.values[number, first], rows.values[number, second]
        if one != two and not (np.isnan(one) and np.isnan(two)):
            return f"{iso(rows.times[first])} {variable.name} {one:g} and {two:g}"
    return f"{iso(rows.times[first])} other flags"


def as_profiles(blocks: Iterable[Block], cells: NDArray[np.float64], counts: FileCounts) -> Iterator[Block]:
    """Give the cells a dimension: one row for each time; cells that a profile lacks are missing."""
    waiting: Block | None = None
    for block in blocks:
        rows = block if waiting is None else waiting.joined(block)
        if len(rows.times) == 0:
            continue
        complete = int(np.searchsorted(rows.times, rows.times[-1]))  # the last profile may go on in the next block
        waiting = rows[complete:]
        if complete:
            yield _reshaped(rows[:complete], cells, counts)
    if waiting is not None:
        yield _reshaped(waiting, cells, counts)


def _reshaped(rows: Block, cells: NDArray[np.float64], counts: FileCounts) -> Block:
    times, which = np.unique(rows.times, return_inverse=True)
    shape = (len(rows.values), len(times), len(cells))
    values, flags = np.full(shape, np.nan), np.full(shape, MISSING, dtype=np.int8)
    at = np.searchsorted(cells, rows.cells)
    values[:, which, at], flags[:, which, at] = rows.values, rows.flags
    counts.absent_cells += len(times) * len(cells) - len(rows.times)
    return Block(times, np.zeros(len(times)), values, flags)


def with_gaps(blocks: Iterable[Block], dataset: Dataset, counts: FileCounts) -> Iterator[Block]:
    """Find the gaps, and fill times in where the mapping says so.

    Parameters
    ----------
    blocks
        Rows of one file, sorted by time, each time once.
    dataset
        Has the interval, microseconds; without one there are no gaps.
    counts
        Notes gaps, first and last time, and the longest step.

    Raises
    ------
    ValueLossError
        So many times would have to be filled in that the interval must be wrong.
    """
    interval, before = dataset.interval, None
    for block in blocks:
        if len(block.times) == 0:
            continue
        times = block.times
        steps = np.diff(times, prepend=times[0] if before is None else before)
        counts.longest_step = max(counts.longest_step, int(steps.max()))
        ends = np.flatnonzero(steps > GAP_INTERVALS * interval) if interval else np.empty(0, dtype=np.int64)
        counts.gap_count += len(ends)
        room = KEPT_GAPS - len(counts.gaps)
        counts.gaps += [(int(times[end] - steps[end]), int(times[end])) for end in ends[:room]]
        counts.first = int(times[0]) if counts.first is None else counts.first
        before = counts.last = int(times[-1])
        if interval and dataset.fill_gaps:
            yield from _filled(block, steps, interval, dataset, counts)
        else:
            yield block


def _filled(
    block: Block, steps: NDArray[np.int64], interval: int, dataset: Dataset, counts: FileCounts
) -> Iterator[Block]:
    """Put a time into every whole interval that is missing, not nearer than half of one to the next sample."""
    lacking = np.maximum((2 * steps - interval - 1) // (2 * interval), 0)
    counts.filled_times += int(lacking.sum())
    if counts.filled_times > MOST_FILLED:
        raise ValueLossError(
            f"datasets.{dataset.name}: more than {MOST_FILLED} times would be filled in; see 'interval', or set "
            "'fill_gaps: false'"
        )
    # Pieces of bounded size; a row after a long gap is the first of its piece.
    piece = np.cumsum(lacking + 1) // _PIECE
    starts = np.flatnonzero(np.diff(piece, prepend=-1) != 0)
    for start, stop in zip(starts, [*starts[1:], len(piece)], strict=True):
        rows, here = block[start:stop], lacking[start:stop].copy()
        begin = rows.times - steps[start:stop]
        if here[0] > _PIECE:
            for number in range(1, int(here[0]) + 1, _PIECE):
                upto = min(number + _PIECE, int(here[0]) + 1)
                yield _nothing(begin[0] + np.arange(number, upto) * interval, block)
            here[0] = 0
        yield _inserted(rows, begin, here, interval)


def _nothing(times: NDArray[np.int64], like: Block) -> Block:
    shape = (len(like.values), len(times), *like.values.shape[2:])
    return Block(times, np.zeros(len(times)), np.full(shape, np.nan), np.full(shape, MISSING, dtype=np.int8))


def _inserted(rows: Block, begin: NDArray[np.int64], lacking: NDArray[np.int64], interval: int) -> Block:
    added = int(lacking.sum())
    if not added:
        return rows
    places = np.repeat(np.arange(len(lacking)), lacking)
    number = np.arange(added) - np.repeat(np.cumsum(lacking) - lacking, lacking) + 1
    extra = _nothing(begin[places] + number * interval, rows)
    return Block(
        np.insert(rows.times, places, extra.times),
        np.insert(rows.cells, places, extra.cells),
        np.insert(rows.values, places, extra.values, axis=1),
        np.insert(rows.flags, places, extra.flags, axis=1),
    )
