"""Names of algorithms, and the choice of the best track."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest

from converters.readers.offline.baskets import Vectors
from converters.readers.offline.fits import (
    NO_FIT,
    Algorithms,
    TooManyAlgorithmsError,
    best_of_each,
    best_tracks,
)


def vectors(lists: Sequence[Sequence[int]]) -> Vectors:
    values = np.array([value for one in lists for value in one], dtype=">i4")
    return Vectors(values, np.array([len(one) for one in lists], dtype=np.int64))


@pytest.mark.parametrize(
    ("rec_type", "stages", "name"),
    [
        (4000, [1], "jprefit"),
        (4000, [1, 5], "jprefit"),
        (4000, [1, 2], "jsimplex"),
        (4000, [1, 2, 5, 5, 4], "jsimplex"),
        (4000, [1, 3, 5, 4], "jgandalf"),
        (4000, [1, 2, 5, 3, 5, 4, 1001], "jgandalf"),
        (4000, [101, 106, 102, 105, 107, 103], "jshower"),
        (4000, [6], "rec_type_4000"),
        (4000, [], "rec_type_4000"),
        (200, [201, 202], "dusj"),
        (200, [], "dusj"),
        (7, [203], "dusj"),
        (101, [302, 303, 304], "aashower"),
        (101, [1, 2, 3, 4], "rec_type_101"),
        (3, [1, 2, 3], "rec_type_3"),
        (0, [1], "rec_type_0"),
        (9_999_999, [1], "rec_type_9999999"),
        (10_000_000, [1], "rec_type_other"),
        (-1717986919, [3], "rec_type_other"),
    ],
)
def test_names(rec_type: int, stages: list[int], name: str) -> None:
    algorithms = Algorithms()
    codes = algorithms.codes(np.array([4000, rec_type, 4000]), vectors([[1], stages, [1, 2, 3]]))
    assert [algorithms.names[code] for code in codes] == ["jprefit", name, "jgandalf"]
    assert len(name) <= 16, "the width of the column reco"


def test_tracks_that_were_never_filled_are_no_fits() -> None:
    codes = Algorithms().codes(np.array([0, 4000]), vectors([[], [1]]))
    assert codes[0] == NO_FIT
    assert codes[1] != NO_FIT


def test_absurdly_many_algorithms() -> None:
    numbers = np.arange(5000, 5100)
    with pytest.raises(TooManyAlgorithmsError):
        Algorithms().codes(numbers, vectors([[1]] * len(numbers)))


@pytest.mark.parametrize(
    ("length", "likelihood", "best"),
    [
        ([3, 5, 4], [9.0, 1.0, 8.0], 1),
        ([5, 5, 5], [1.0, 3.0, 2.0], 1),
        ([5, 5, 5], [2.0, 2.0, 2.0], 0),
        ([5, 5, 5], [math.nan, -1e308, -math.inf], 1),
        ([5, 5], [math.nan, math.nan], 0),
        ([5, 5], [-math.inf, math.nan], 0),
        ([0, 0], [1.0, 2.0], 1),
    ],
)
def test_best_of_one_group(length: list[int], likelihood: list[float], best: int) -> None:
    group = np.zeros(len(length), dtype=np.int64)
    found = best_of_each(group, 1, np.array(length), np.array(likelihood))
    assert found.tolist() == [best]


def test_best_of_many_groups_is_that_of_a_plain_loop() -> None:
    dice = random.Random(4)
    event = np.sort([dice.randrange(200) for _ in range(3000)])
    codes = np.array([dice.choice([NO_FIT, 0, 1, 2]) for _ in event])
    length = np.array([dice.randrange(4) for _ in event])
    likelihood = np.array([dice.choice([math.nan, 1.0, 2.0, 3.0]) for _ in event])
    wanted: dict[tuple[int, int], int] = {}
    for track in range(len(event)):
        if codes[track] == NO_FIT:
            continue
        key = (int(event[track]), int(codes[track]))
        other = wanted.setdefault(key, track)
        mine, its = ((length[n], -math.inf if math.isnan(likelihood[n]) else likelihood[n]) for n in (track, other))
        if mine > its:
            wanted[key] = track
    best = best_tracks(event, 200, codes, length, likelihood)
    assert (
        dict(zip(zip(best.event.tolist(), best.code.tolist(), strict=True), best.track.tolist(), strict=True)) == wanted
    )
    assert (np.diff(best.event) >= 0).all()


def test_of_equal_tracks_the_first_in_the_file_is_shown_whatever_its_algorithm() -> None:
    event, codes = np.zeros(3, dtype=np.int64), np.array([2, 0, 1])
    best = best_tracks(event, 1, codes, np.array([5, 5, 5]), np.array([1.0, 1.0, 1.0]))
    assert best.code[best.shown(1, None)].tolist() == [2]
    assert best.code[best.shown(1, 1)].tolist() == [1]
    assert best.shown(1, 7).tolist() == []
