"""Epochs and years from times, and contradictions."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.derived import seconds_since_1970, with_derived


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("2007-01-29T20:18:57.123Z", 1170101937.123),
        ("1969-12-31T23:59:59.5Z", -0.5),
        ("0001-01-01T00:00:00Z", -62135596800.0),
    ],
)
def test_seconds(text: str, seconds: float) -> None:
    assert seconds_since_1970(text) == seconds


@given(st.datetimes(timezones=st.just(UTC)))
def test_seconds_of_any_moment(moment: datetime) -> None:
    text = moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
    assert seconds_since_1970(text) == pytest.approx(moment.timestamp(), abs=2e-5)


@pytest.mark.parametrize(
    "text", ["2007-02-30T00:00:00Z", "2007-01-01T00:00:00", "2007-01-01 00:00:00Z", "", "2007", "x\n"]
)
def test_no_times(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected a time|day is out of range"):
        seconds_since_1970(text)


def test_what_follows() -> None:
    complete, problems = with_derived({"start": "2007-12-31T23:59:59.500Z", "stop": "2008-01-01T00:00:00Z"})
    assert problems == []
    assert complete["year"] == 2007
    assert complete["stop_epoch"] == 1199145600.0
    assert float(complete["stop_epoch"]) - float(complete["start_epoch"]) == 0.5


def test_nothing_follows_from_nothing() -> None:
    assert with_derived({"run": 1}) == ({"run": 1}, [])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"start": "2019-10-03T00:00:00Z", "stop": "2019-09-17T00:00:00Z"}, "start_epoch"),
        ({"run": 5, "run_last": 4}, "run 5 is after run_last 4"),
        ({"start": "2007-01-01T00:00:00Z", "year": 2008}, "year 2008"),
        ({"start": "2007-01-01T00:00:00Z", "start_epoch": 5.0}, "start_epoch 5.0"),
        ({"start": "2007-02-30T00:00:00Z"}, "start '2007-02-30"),
        ({"embargo": "2030-02-30"}, "embargo"),
        ({"embargo": "20300101"}, "embargo"),
    ],
)
def test_contradictions(values: dict[str, str | int | float], says: str) -> None:
    _, problems = with_derived(values)
    assert any(says in problem for problem in problems)


def test_a_rounded_epoch_is_no_contradiction() -> None:
    assert with_derived({"start": "2007-01-01T00:00:00.1234Z", "start_epoch": 1167609600.123})[1] == []
