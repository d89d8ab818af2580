"""The lines of a text list: which of them are events, and what a first pass over all of them finds."""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.readers.event_list_columns import (
    COLUMNS,
    IGNORED,
    Layout,
    columns_asked_for,
    columns_from_names,
    columns_to_try,
    number,
    split,
)
from converters.readers.event_list_units import check_units
from converters.readers.safe_names import printable
from converters.source import HeaderLine, ReadOptions
from legacy.errors import CorruptInputError, InputError

MAX_LINE = 1 << 16
BOM = "\xef\xbb\xbf"
"""The byte order mark of UTF-8, read as Latin-1."""

_BATCH = 8192
_MAX_HEADER = 1000


@dataclass(frozen=True, slots=True)
class ListLine:
    """A line of the file with an event.

    Parameters
    ----------
    line
        Its number in the file, from 1.
    words
        Its values as text.
    """

    line: int
    words: list[str]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the first pass over a file found.

    Parameters
    ----------
    layout
        What each column is.
    header
        Lines before the first event that are not empty, with their numbers.
    comments, blank
        Number of comment lines after the first event, and of empty lines.
    mjd
        Time of each event, shape (n,); empty if the list has no times.
    n_events
        Number of events.
    full_turns
        Number of events with a right ascension of 360 degrees.
    largest_ra
        Largest right ascension, deg.
    """

    layout: Layout
    header: tuple[HeaderLine, ...]
    comments: int
    blank: int
    mjd: NDArray[np.float64]
    n_events: int
    full_turns: int
    largest_ra: float


def is_number(word: str) -> bool:
    """Say if a word is a decimal number."""
    return number(word) is not None


def _numbered(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every line with its number, whichever way lines end."""
    with path.open(encoding="latin-1", newline=None) as stream:
        count = 0
        while line := stream.readline(MAX_LINE):
            count += 1
            if len(line) >= MAX_LINE:
                raise CorruptInputError(
                    path,
                    "a line is too long for an event list",
                    where=f"line {count}",
                    expected=f"less than {MAX_LINE} characters",
                )
            yield count, (line.removeprefix(BOM) if count == 1 else line).strip()


def _events(path: Path) -> Iterator[ListLine]:
    """Yield the lines with events, without checking them."""
    started = False
    for count, line in _numbered(path):
        if not line or line.startswith("#"):
            continue
        words = split(line)
        started = started or _begins(words)
        if started:
            yield ListLine(count, words)


def _begins(words: Sequence[str]) -> bool:
    """Say if a line is the first with an event: every value is a number."""
    return len(words) > 1 and all(map(is_number, words))


def blocks(path: Path) -> Iterator[list[ListLine]]:
    """Yield the lines with events, some thousands at a time, without checking them."""
    events = _events(path)
    while block := list(islice(events, _BATCH)):
        yield block


def survey_list(path: Path, options: ReadOptions) -> Survey:
    """Read the whole list once: what its columns are, whether every value is possible, the times."""
    events = _events(path)
    first = next(events, None)
    if first is None:
        raise CorruptInputError(path, "no event in it", expected="lines of numbers", advice="look at the file")
    header, comments, blank = _other_lines(path, first)
    checks = [_Check(path, layout) for layout in _layouts(path, options, header, first)]
    times = array("d")
    n_events = 0
    for event in chain((first,), events):
        n_events += 1
        if len(event.words) != len(checks[0].layout.names):
            raise CorruptInputError(
                path,
                "a line with another number of columns",
                where=f"line {event.line}",
                expected=f"{len(checks[0].layout.names)} columns",
                found=f"{len(event.words)}: {printable(' '.join(event.words), 60)}",
            )
        for check in checks:
            check.add(event, alone=len(checks) == 1)
        if "mjd" in checks[0].layout.names:
            times.append(float(event.words[checks[0].layout.names.index("mjd")]))
    check = _decide(path, checks)
    lines = tuple(HeaderLine(f"line_{count}", tuple(line.split())) for count, line in header)
    mjd = np.array(times, dtype=np.float64)
    return Survey(check.layout, lines, comments, blank, mjd, n_events, check.full_turns, check.largest_ra)


def _other_lines(path: Path, first: ListLine) -> tuple[list[tuple[int, str]], int, int]:
    """Return the lines before the first event, and count later comments and all empty lines.

    Raises
    ------
    CorruptInputError
        A line before the first event looks like a damaged event, or there are too many lines.
    """
    header: list[tuple[int, str]] = []
    comments = blank = 0
    for count, line in _numbered(path):
        blank += not line
        if not line or count == first.line:
            continue
        if count > first.line:
            comments += line.startswith("#")
            continue
        words = re.split(r"[\s,;]+", line)
        if not line.startswith("#") and _is_damaged_event(words, len(first.words)):
            wrong = next((word for word in words if not is_number(word)), line)
            raise CorruptInputError(
                path,
                "a value that is no number",
                where=f"line {count}",
                expected="an event, or words that name the columns",
                found=printable(wrong, 40),
            )
        header.append((count, line))
        if len(header) > _MAX_HEADER:
            raise CorruptInputError(path, "no event list", expected=f"an event within {_MAX_HEADER} lines of text")
    return header, comments, blank


def _is_damaged_event(words: Sequence[str], width: int) -> bool:
    """Say if a line before the first event has so many numbers that it must be an event."""
    return len(words) >= width - 1 and 2 * sum(map(is_number, words)) > len(words)


def _layouts(
    path: Path, options: ReadOptions, header: Sequence[tuple[int, str]], first: ListLine
) -> tuple[Layout, ...]:
    if options.columns:
        return (columns_asked_for(options.columns),)
    texts = [line for _, line in header]
    named = columns_from_names(texts, len(first.words))
    layouts = (named,) if named else columns_to_try(path, first.words, first.line)
    check_units(path, texts, layouts[0])
    return layouts


class _Check:
    """Compares events with a layout.

    Parameters
    ----------
    path
        The list, for messages.
    layout
        What its columns are, or may be.
    """

    def __init__(self, path: Path, layout: Layout) -> None:
        self.layout = layout
        self.faults = 0
        self.full_turns = 0
        self.largest_ra = 0.0
        self.first: CorruptInputError | None = None
        self._path = path
        self._columns = [(n, COLUMNS[name]) for n, name in enumerate(layout.names) if name != IGNORED]

    def add(self, event: ListLine, *, alone: bool) -> None:
        """Check an event; raise at once where no other layout can help.

        Raises
        ------
        CorruptInputError
            A value is no number, or not possible in its column.
        """
        for position, column in self._columns:
            word = event.words[position]
            value = column.value(word)
            if value is None:
                fault = CorruptInputError(
                    self._path,
                    "a value that is no number" if number(word) is None else "an impossible value",
                    where=f"line {event.line}, column {position + 1}",
                    expected=column.expected,
                    found=printable(word, 40),
                )
                if alone or column.name not in ("ra", "dec") or number(word) is None:
                    raise fault
                self.faults += 1
                self.first = self.first or fault
            elif column.name == "ra":
                self.full_turns += value == 360
                self.largest_ra = max(self.largest_ra, value)


def _decide(path: Path, checks: Sequence[_Check]) -> _Check:
    """Choose the layout that every event fits, if it is only one."""
    fitting = [check for check in checks if not check.faults]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InputError(
            path,
            "RA and Dec cannot be told apart",
            where="the first two columns",
            expected="names of the columns, or values that only one of RA and Dec can have",
            found="both columns between 0 and 90 in every line",
            advice="say which is which: --columns ra,dec,nhit,beta,mjd or --columns dec,ra,nhit,beta,mjd",
        )
    nearest_to_right = min(checks, key=lambda check: check.faults)
    raise nearest_to_right.first or InputError(path, "no order of RA and Dec fits")


def ranks(mjd: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of each event in the order of time, from 1; events of one time keep their order."""
    ranks = np.empty(len(mjd), dtype=np.int64)
    ranks[np.argsort(mjd, kind="stable")] = np.arange(1, len(mjd) + 1)
    return ranks
