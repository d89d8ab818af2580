"""Rows on their way to the writer."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from converters.staging import StagedTable, Staging, duplicates, narrow
from legacy.model import ColumnSpec, Table, TableSpec

SPEC = TableSpec(
    "/t",
    (
        ColumnSpec("group_id", "i8", "", "Row"),
        ColumnSpec("x", "f8", "m", "X"),
        ColumnSpec("empty", "f4", "", "Never filled"),
        ColumnSpec("text", "S3", "", "Text"),
    ),
)

Blocks = Callable[[], Iterator[NDArray[np.int64]]]


def rows(first: int, count: int) -> Table:
    array = SPEC.blank(count)
    array["group_id"] = np.arange(first, first + count)
    array["x"] = array["group_id"] / 3
    return Table(SPEC, array)


@pytest.mark.parametrize("count", [0, 1, 1000, 200_000])
def test_rows_come_back(count: int, tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    for first in range(0, max(count, 1), 70_000):
        staging.add(rows(first, min(70_000, count - first)))
    table = staging.tables["/t"]
    assert list(tmp_path.iterdir()) == [], "nothing is left when the process dies"
    for _ in range(2):
        found = [block for block in table.blocks()]  # noqa: C416
        whole = np.concatenate(found) if found else SPEC.blank(0)
        np.testing.assert_array_equal(whole["group_id"], np.arange(count))
        np.testing.assert_array_equal(whole["x"], np.arange(count) / 3)
    assert table.present == {"group_id": count, "x": count, "empty": 0, "text": 0}
    staging.close()


def test_two_passes_at_once(tmp_path: Path) -> None:
    table = StagedTable(SPEC, tmp_path)
    table.add(rows(0, 400_000).array)
    pairs = zip(table.blocks(), table.blocks(), strict=True)
    assert sum(len(a) for a, b in pairs if np.array_equal(a["group_id"], b["group_id"])) == 400_000
    table.close()


def test_only_filled_columns(tmp_path: Path) -> None:
    table = StagedTable(SPEC, tmp_path)
    table.add(rows(0, 3).array)
    assert [c.name for c in table.filled().columns] == ["group_id", "x"]
    assert [c.name for c in table.filled(frozenset({"text"})).columns] == ["group_id", "x", "text"]
    stream = table.stream(table.filled())
    assert stream.rows == 3
    assert next(stream.blocks()).dtype.names == ("group_id", "x")
    table.close()


def test_narrow_copies(tmp_path: Path) -> None:
    block = rows(0, 3).array
    narrowed = narrow(block, SPEC.select({"x"}))
    block["x"] = 0
    assert narrowed["x"].tolist() == [0, 1 / 3, 2 / 3]


def in_blocks(keys: list[tuple[int, ...]], size: int) -> Blocks:
    array = np.array(keys, dtype=np.int64)
    return lambda: (array[start : start + size] for start in range(0, len(array), size))


BIG = 2**63 - 1
DUPLICATES: dict[str, tuple[list[tuple[int, ...]], list[tuple[int, ...]]]] = {
    "none": ([(1,), (2,), (3,)], []),
    "ascending pairs": ([(1, 1), (1, 2), (2, 0)], []),
    "across blocks": ([(1,), (2,), (3,), (2,)], [(2,)]),
    "neighbours": ([(5, 1), (5, 1), (5, 2)], [(5, 1)]),
    "three times": ([(7,), (7,), (7,)], [(7,)]),
    "several in order": ([(9, 1), (3, 2), (9, 1), (3, 2), (3, 1)], [(3, 2), (9, 1)]),
    "negative": ([(-1,), (-5,), (-1,)], [(-1,)]),
    # Differences of these overflow so that they seem to ascend all the time.
    "overflow": ([(-BIG,), (-3 * 10**18,), (3 * 10**18,), (-BIG,)], [(-BIG,)]),
    "same sum": ([(1, 2), (2, 1), (1, 2)], [(1, 2)]),
}


@pytest.mark.parametrize("size", [1, 2, 100])
@pytest.mark.parametrize("case", DUPLICATES)
def test_duplicates(case: str, size: int) -> None:
    keys, expected = DUPLICATES[case]
    found = duplicates(in_blocks(keys, size), len(keys))
    assert [tuple(row) for row in found.tolist()] == expected
    assert found.shape[1] == len(keys[0])


def test_duplicates_of_nothing() -> None:
    assert len(duplicates(lambda: iter(()), 0)) == 0


@pytest.mark.parametrize("seed", range(5))
def test_duplicates_like_a_plain_count(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converters.staging._PARTITION_BYTES", 1000)
    generator = np.random.default_rng(seed)
    keys = [tuple(row) for row in generator.integers(-20, 20, size=(800, 2)).tolist()]
    expected = sorted({key for key in keys if keys.count(key) > 1})
    assert [tuple(row) for row in duplicates(in_blocks(keys, 37), len(keys)).tolist()] == expected


def test_batches_without_rows_leave_nothing_in_memory(tmp_path: Path) -> None:
    """Most files never fill some tables, and a long file gives them an empty array with every batch."""
    staged = StagedTable(SPEC, tmp_path)
    staged.add(SPEC.blank(3))
    blank = SPEC.blank(0)
    references = sys.getrefcount(blank)
    for _ in range(1000):
        staged.add(blank)
    assert sys.getrefcount(blank) == references
    assert staged.rows == sum(len(block) for block in staged.blocks()) == 3
    staged.close()
