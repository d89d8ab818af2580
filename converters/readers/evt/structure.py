"""Where headers and events begin and end in the lines of a block."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converters.readers.evt.lines import Indices


@dataclass(frozen=True, slots=True)
class Spans:
    """Whole events and header blocks, as line numbers.

    Parameters
    ----------
    starts, ends
        Lines of ``start_event:`` and ``end_event:`` of every whole event, ascending.
    headers
        First line of every header block, and the line that ends it.
    broken
        Lines of ``start_event:`` (or of a stray ``end_event:``) that have no counterpart.
    """

    starts: Indices
    ends: Indices
    headers: tuple[tuple[int, int], ...]
    broken: tuple[int, ...]

    def event_of(self, lines: Indices) -> Indices:
        """Return for each line the number of the event it lies in, -1 outside of all."""
        if not len(self.starts):
            return np.full(len(lines), -1, dtype=np.int64)
        event = np.searchsorted(self.starts, lines, side="right") - 1
        inside = (event >= 0) & (lines < self.ends[event])
        return np.where(inside, event, -1)

    def in_header(self, lines: Indices) -> NDArray[np.bool_]:
        """Say which of the lines belong to a header block, its ``end_event:`` line included."""
        inside = np.zeros(len(lines), dtype=bool)
        for first, end in self.headers:
            inside |= (lines >= first) & (lines <= end) & ~np.isin(lines, self.starts)
        return inside


def find_spans(starts: Indices, ends: Indices, runs: Indices, *, at_file_start: bool) -> Spans:
    """Pair the beginnings and ends of events.

    Parameters
    ----------
    starts, ends, runs
        Lines with the tags ``start_event``, ``end_event`` and ``start_run``, each ascending.
    at_file_start
        True for the first block of a file: its first lines are a header even without ``start_run``.

    Returns
    -------
    Spans
    """
    headers = _header_spans(starts, ends, runs, at_file_start=at_file_start)
    closing = np.array([end for _, end in headers], dtype=np.int64)
    event_ends = np.setdiff1d(ends, closing, assume_unique=True)
    regular = (
        len(starts) == len(event_ends)
        and bool(np.all(starts < event_ends))
        and bool(np.all(event_ends[:-1] < starts[1:]))
    )
    if regular:
        return Spans(starts, event_ends, headers, ())
    return _irregular(starts, event_ends, headers)


def _header_spans(starts: Indices, ends: Indices, runs: Indices, *, at_file_start: bool) -> tuple[tuple[int, int], ...]:
    """Find header blocks: from start_run, or the file's first line, to an end_event without a start_event."""
    first_lines = runs.tolist()
    if at_file_start and (not first_lines or first_lines[0] != 0):
        first_lines.insert(0, 0)
    spans: list[tuple[int, int]] = []
    for first in first_lines:
        if spans and first <= spans[-1][1]:
            continue
        end, start = _first_from(ends, first), _first_from(starts, first)
        if end is not None and (start is None or end < start):
            spans.append((first, end))
        elif at_file_start and start is not None and not spans:
            # A header that lacks its end_event line still ends where the first event begins.
            spans.append((first, start))
    return tuple(spans)


def _first_from(lines: Indices, line: int) -> int | None:
    position = int(np.searchsorted(lines, line))
    return int(lines[position]) if position < len(lines) else None


def _irregular(starts: Indices, ends: Indices, headers: tuple[tuple[int, int], ...]) -> Spans:
    """Walk through the marks one by one, keeping the events that have both ends."""
    marks = sorted([(line, True) for line in starts.tolist()] + [(line, False) for line in ends.tolist()])
    whole: list[tuple[int, int]] = []
    broken: list[int] = []
    opened: int | None = None
    for line, is_start in marks:
        if is_start:
            if opened is not None:
                broken.append(opened)
            opened = line
        elif opened is None:
            broken.append(line)
        else:
            whole.append((opened, line))
            opened = None
    if opened is not None:
        broken.append(opened)
    pairs = np.array(whole, dtype=np.int64).reshape(-1, 2)
    return Spans(pairs[:, 0], pairs[:, 1], headers, tuple(broken))
