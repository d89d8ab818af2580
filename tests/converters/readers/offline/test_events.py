"""Numbers of events that no sample has: too large, negative, out of range."""

from typing import Any

import numpy as np
import pytest

from converters.readers.offline.baskets import Vectors
from converters.readers.offline.branches import Chunk
from converters.readers.offline.events import identity_columns, info_table, time_columns
from converters.readers.offline.tables import fit_table, usr_columns
from converters.readers.offline.tally import Tally
from converters.readers.safe_names import safe_name


def chunk(vectors: dict[str, Vectors] | None = None, **scalars: Any) -> Chunk:
    arrays = {name.replace("__", "."): values for name, values in scalars.items()}
    n_events = len(next(iter(arrays.values()))) if arrays else 1
    none = np.zeros(n_events, dtype=np.int64)
    counts = dict.fromkeys(("hits", "trks", "mc_hits", "mc_trks"), none)
    return Chunk(0, n_events, arrays, counts, {}, vectors or {}, {})


def test_masks_beyond_the_largest_integer_are_missing() -> None:
    masks = np.array([2**64 - 1, 2**63, 2**63 - 1, 22], dtype=np.uint64)
    tally = Tally()
    columns = identity_columns(chunk(trigger_mask=masks), simulated=False, tally=tally)
    assert columns["trigger_mask"].tolist() == [-1, -1, 2**63 - 1, 22]
    assert columns["trigger_mask"].dtype == np.int64
    assert tally.missing.total() == 2


@pytest.mark.parametrize("name", ["run_id", "frame_index", "mc_id", "mc_run_id"])
def test_negative_numbers_are_missing(name: str) -> None:
    values = np.array([-1717986919, -858993460, -1, 0, 7], dtype=np.int32)
    columns = identity_columns(chunk(**{name: values}), simulated=True, tally=Tally())
    assert columns[name].tolist() == [-1, -1, -1, 0, 7]


def test_detector_numbers_may_be_negative() -> None:
    columns = identity_columns(chunk(det_id=np.array([-14], dtype=np.int32)), simulated=True, tally=Tally())
    assert columns["det_id"].tolist() == [-14]


@pytest.mark.parametrize(
    ("time", "kept"),
    [(0.0, True), (4e9, True), (-3.5, True), (6.9e-310, False), (1e200, False), (np.inf, False), (np.nan, False)],
)
def test_times_of_the_simulation(time: float, kept: bool) -> None:
    columns = identity_columns(chunk(mc_t=np.array([time])), simulated=True, tally=Tally())
    assert columns["mc_time"][0] == time if kept else np.isnan(columns["mc_time"][0])


@pytest.mark.parametrize(
    ("seconds", "nanoseconds", "shift", "timestamp", "rest"),
    [
        (1_200_000_000, 900_000_000, 150_000_000.9, 1_200_000_001, 50_000_000),
        (1_200_000_000, 0, -1.5, 1_199_999_999, 999_999_998),
        (1_200_000_000, 5, np.nan, 1_200_000_000, 5),
        (1_200_000_000, 5, np.inf, -1, -1),
        (1_200_000_000, 5, 1e300, -1, -1),
        (1_200_000_000, -5, 0.0, -1, -1),
        (1_200_000_000, 10**9, 0.0, -1, -1),
        (946_684_799, 999_999_999, 1.0, 946_684_800, 0),
        (946_684_799, 999_999_999, 0.5, -1, -1),
        (4_102_444_800, 0, 0.0, -1, -1),
        (175, 500_000_000, 75e6, -1, -1),
    ],
)
def test_times(seconds: int, nanoseconds: int, shift: float, timestamp: int, rest: int) -> None:
    given = {"source_t_sec": np.array([seconds]), "source_t_nanosec": np.array([nanoseconds])}
    columns = time_columns(given, np.array([shift]), Tally())
    assert (columns["timestamp"][0], columns["nanoseconds"][0]) == (timestamp, rest)


def test_a_source_without_time_has_none() -> None:
    assert time_columns({}, np.array([0.0]), Tally()) == {}


def test_long_lists_of_weights_are_counted() -> None:
    tally = Tally()
    vectors = {"w2list": Vectors(np.arange(40.0), np.array([40]))}
    rows = info_table(chunk(vectors), tally).array
    assert rows["w2list_31"][0] == 31
    assert tally.lost.total() == 8


def test_names_of_columns_can_be_read_by_every_library() -> None:
    for algorithm in ("jgandalf", "jshower", "aashower", "dusj", "rec_type_7"):
        names = [column.name for column in fit_table(algorithm).columns]
        assert len(set(names)) == len(names)
        assert names == [safe_name(name) for name in names]


def test_names_that_authors_gave_to_values() -> None:
    columns = usr_columns(["CoC", "name", "lambda", "a b", "usr_03", "", "CoC2", "group_id", "x" * 200])
    assert list(columns.values()) == [
        "CoC",
        "usr_01",
        "usr_02",
        "usr_03",
        "usr_04",
        "usr_05",
        "CoC2",
        "usr_07",
        "usr_08",
    ]
