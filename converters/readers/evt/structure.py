"""Where headers and events begin and end in the lines of a block."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converters.readers.evt.lines import Indices


@dataclass(frozen=True, slots=True)
class Spans:
    """Whole events and the header, as line numbers.

    Parameters
    ----------
    starts, ends
        Lines of ``start_event:`` and ``end_event:`` of every whole event, ascending.
    header
        Number of lines of the header, with which the block begins; its end mark is not counted.
    closing
        Line of the ``end_event:`` that ends the header, -1 without one.
    broken
        Lines of ``start_event:`` (or of a stray ``end_event:``) that have no counterpart.
    """

    starts: Indices
    ends: Indices
    header: int
    closing: int
    broken: tuple[int, ...]

    def event_of(self, lines: Indices) -> Indices:
        """Return for each line the number of the event it lies in, -1 outside of all."""
        if not len(self.starts):
            return np.full(len(lines), -1, dtype=np.int64)
        event = np.searchsorted(self.starts, lines, side="right") - 1
        inside = (event >= 0) & (lines < self.ends[event])
        return np.where(inside, event, -1)

    def in_header(self, lines: Indices) -> NDArray[np.bool_]:
        """Say which of the lines belong to the header, its ``end_event:`` line included."""
        return np.asarray((lines < self.header) | (lines == self.closing))


def find_spans(starts: Indices, ends: Indices, n_lines: int, *, has_header: bool) -> Spans:
    """Pair the beginnings and ends of events.

    Parameters
    ----------
    starts, ends
        Lines with the tags ``start_event`` and ``end_event``, each ascending.
    n_lines
        Number of lines in the block.
    has_header
        True if the block begins with a header. It goes up to the first ``end_event:``; one that lacks this
        line ends where the first event begins.

    Returns
    -------
    Spans
    """
    header, closing = 0, -1
    if has_header:
        header = min([*starts[:1].tolist(), *ends[:1].tolist(), n_lines])
        if header in ends[:1]:
            closing, ends = header, ends[1:]
    regular = len(starts) == len(ends) and bool(np.all(starts < ends)) and bool(np.all(ends[:-1] < starts[1:]))
    if regular:
        return Spans(starts, ends, header, closing, ())
    return _irregular(starts, ends, header, closing)


def _irregular(starts: Indices, ends: Indices, header: int, closing: int) -> Spans:
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
    return Spans(pairs[:, 0], pairs[:, 1], header, closing, tuple(broken))
