import numpy as np
import pytest

from converters.readers.evt.structure import Spans, find_spans


def spans(marks: str, *, header: bool = False) -> Spans:
    """Find the spans of lines written as letters: s starts an event, e ends one, any other is content."""
    starts, ends = ([n for n, mark in enumerate(marks) if mark == letter] for letter in "se")
    return find_spans(np.array(starts, np.int64), np.array(ends, np.int64), len(marks), has_header=header)


@pytest.mark.parametrize(
    ("marks", "events", "broken"),
    [
        ("", [], ()),
        ("s.es..e", [(0, 2), (3, 6)], ()),
        (".s.e.s.e.", [(1, 3), (5, 7)], ()),
        ("se", [(0, 1)], ()),
        ("s..", [], (0,)),
        ("..e", [], (2,)),
        ("s.s.e", [(2, 4)], (0,)),
        ("s.e.e", [(0, 2)], (4,)),
        ("e.s", [], (0, 2)),
        ("sesse", [(0, 1), (3, 4)], (2,)),
        ("ses", [(0, 1)], (2,)),
    ],
)
def test_pairs(marks: str, events: list[tuple[int, int]], broken: tuple[int, ...]) -> None:
    found = spans(marks)
    assert list(zip(found.starts.tolist(), found.ends.tolist(), strict=True)) == events
    assert found.broken == broken
    assert (found.header, found.closing) == (0, -1)


@pytest.mark.parametrize(
    ("marks", "header", "closing", "events"),
    [
        ("hhe.s.e", 2, 2, 1),
        ("hhs.e", 2, -1, 1),
        ("se", 0, -1, 1),
        ("e", 0, 0, 0),
        ("hh", 2, -1, 0),
        ("hhe", 2, 2, 0),
        ("", 0, -1, 0),
    ],
)
def test_header(marks: str, header: int, closing: int, events: int) -> None:
    found = spans(marks, header=True)
    assert (found.header, found.closing, len(found.starts)) == (header, closing, events)
    assert found.broken == ()


def test_lines_belong_to_the_event_around_them() -> None:
    found = spans("hhe.s.e..s.e.", header=True)
    every = np.arange(13)
    assert found.event_of(every).tolist() == [-1, -1, -1, -1, 0, 0, -1, -1, -1, 1, 1, -1, -1]
    assert np.flatnonzero(found.in_header(every)).tolist() == [0, 1, 2]


def test_no_line_belongs_to_an_event_without_events() -> None:
    assert spans("...").event_of(np.arange(3)).tolist() == [-1, -1, -1]
