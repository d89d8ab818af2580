"""Bad files in a chunk are found, alone; the others go through."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.bisection import send_all
from ingest.catalogue_errors import FailingServerError, RefusedError
from ingest.patience import ServerAwayError


class Server:
    """Takes all of a call or nothing, as Rucio does."""

    def __init__(self, bad: set[int], error: type[RefusedError] = RefusedError) -> None:
        self.bad = bad
        self.error = error
        self.taken: list[int] = []
        self.calls = 0

    def __call__(self, entries: Sequence[int]) -> None:
        self.calls += 1
        if self.bad & set(entries):
            raise self.error("declare", "InvalidObject", "one of them")
        self.taken += entries


@given(st.sets(st.integers(0, 199), max_size=12), st.integers(0, 200))
def test_exactly_the_bad_ones_are_refused(bad: set[int], number: int) -> None:
    server = Server(bad)
    refused = send_all(range(number), server)
    here = {entry for entry in bad if entry < number}
    assert [entry for entry, _ in refused] == sorted(here)
    assert server.taken == [entry for entry in range(number) if entry not in bad]


def test_one_bad_file_of_500_costs_few_calls() -> None:
    server = Server({321})
    ((entry, error),) = send_all(range(500), server)
    assert (entry, error.kind) == (321, "InvalidObject")
    assert server.calls <= 2 * 9 + 1


def test_a_server_that_fails_on_everything_ends_the_search() -> None:
    server = Server(set(range(500)), FailingServerError)
    with pytest.raises(ServerAwayError, match="every file fails"):
        send_all(range(500), server)
    assert server.calls < 40


def test_a_file_on_which_the_server_fails_is_reported_alone() -> None:
    refused = send_all(range(500), Server({0, 1, 2, 3, 100}, FailingServerError))
    assert [entry for entry, _ in refused] == [0, 1, 2, 3, 100]


def test_a_single_file_is_no_reason_to_give_up() -> None:
    assert len(send_all([7], Server({7}, FailingServerError))) == 1
