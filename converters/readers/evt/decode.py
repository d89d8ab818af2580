"""From the lines of a block to rows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from converters.readers.evt.grammar import (
    END_TAG,
    EVENT_TAGS,
    MAX_FIT_VALUES,
    MAX_LINE_LENGTH,
    MC_INFO_TABLE,
    MC_TRACK_LAYOUTS,
    MC_TRACKS_WITH_EXTRA,
    TRACK_FIT_TABLE,
)
from converters.readers.evt.lines import Indices, Lines
from converters.readers.evt.numbers import parse_line, parse_table, to_integers
from converters.readers.evt.particles import to_pdg
from converters.readers.evt.structure import Spans
from legacy.model import StructuredArray, TableSpec

Values = NDArray[np.float64]


@dataclass(slots=True)
class Tally:
    """What was met so far, for ``/source_coverage`` and the warnings.

    Parameters
    ----------
    lines
        Lines by tag; ``""`` for lines without one.
    layouts
        Decoded lines by tag and number of values.
    undecoded
        Lines by tag whose values fit no known layout.
    unreadable
        Values by tag that are no numbers.
    repeated
        Lines by tag beyond the first of an event, where an event can have only one.
    outside
        Lines by tag outside of every event and header.
    """

    lines: Counter[str] = field(default_factory=Counter)
    layouts: Counter[tuple[str, int]] = field(default_factory=Counter)
    undecoded: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    outside: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class TaggedLines:
    """The lines of one tag that lie in events.

    Parameters
    ----------
    tag
        The tag.
    lines
        Their line numbers, ascending.
    events
        The event of each, counted in the block.
    """

    tag: str
    lines: Indices
    events: Indices


@dataclass(frozen=True, slots=True)
class Parsed:
    """Lines of one tag with equally many values; `values` has shape (lines, number of values)."""

    lines: Indices
    events: Indices
    values: Values


def in_events(lines: Lines, tags: dict[str, Indices], spans: Spans, tally: Tally) -> Iterator[TaggedLines]:
    """Assign the lines of each tag to events; lines outside are only counted."""
    for tag, found in tags.items():
        if tag == END_TAG:
            continue
        events = spans.event_of(found)
        inside = events >= 0
        if not inside.all():
            outside = found[~inside & ~spans.in_header(found)]
            tally.outside[tag] += sum(1 for line in outside.tolist() if lines.line(line).strip())
        if inside.any():
            yield TaggedLines(tag, found[inside], events[inside])


def parse(lines: Lines, tagged: TaggedLines, tally: Tally) -> Iterator[Parsed]:
    """Read the numbers of lines with one tag, grouped by how many values a line has.

    A line longer than `MAX_LINE_LENGTH` is not one of numbers: it is counted as undecoded.
    """
    short = lines.ends[tagged.lines] - lines.starts[tagged.lines] <= MAX_LINE_LENGTH
    if not short.all():
        tally.undecoded[tagged.tag] += int(np.count_nonzero(~short))
        tagged = TaggedLines(tagged.tag, tagged.lines[short], tagged.events[short])
    texts = lines.values(tagged.lines, len(tagged.tag) + 1)
    table = parse_table(texts)
    if table is not None:
        yield Parsed(tagged.lines, tagged.events, table)
        return
    rows = [parse_line(text) for text in texts]
    tally.unreadable[tagged.tag] += sum(value is None for row in rows for value in row)
    counts = np.array([len(row) for row in rows])
    for count in np.unique(counts).tolist():
        which = np.flatnonzero(counts == count)
        values = np.array([[np.nan if v is None else v for v in rows[i]] for i in which], dtype=np.float64)
        yield Parsed(tagged.lines[which], tagged.events[which], values.reshape(len(which), count))


def first_of_each_event(events: Indices) -> Indices:
    """Return the positions of the first line of each event; `events` is ascending."""
    if not len(events):
        return events
    return np.flatnonzero(np.concatenate(([True], events[1:] != events[:-1])))


def rows_in_file_order(parts: list[Indices]) -> list[Indices]:
    """Say where the lines of each part go when all of them stand in the order of the file.

    Parameters
    ----------
    parts
        Line numbers of each part.

    Returns
    -------
    list of numpy.ndarray
        For each part the row of each of its lines.
    """
    if not parts:
        return []
    order = np.argsort(np.concatenate(parts), kind="stable")
    rows = np.empty_like(order)
    rows[order] = np.arange(len(order))
    return np.split(rows, np.cumsum([len(part) for part in parts])[:-1])


def fill(array: StructuredArray, name: str, rows: Indices | slice, values: Values) -> None:
    """Put values into a column, as integers where the column has integers."""
    is_integer = array.dtype[name].kind == "i"
    array[name][rows] = to_integers(values) if is_integer else values


@cache
def _blank_row(spec: TableSpec) -> StructuredArray:
    return spec.blank(1)


def _blank(spec: TableSpec, rows: int) -> StructuredArray:
    """Make rows in which every value is missing."""
    return np.repeat(_blank_row(spec), rows)


class TrackDecoder:
    """Collects the rows of ``/mc_tracks`` of one block.

    Parameters
    ----------
    schemes
        Which numbering of particles each tag uses (see `particles`).
    first
        ``group_id`` of the block's first event.
    """

    def __init__(self, schemes: dict[str, str], first: int) -> None:
        self._schemes = schemes
        self._first = first
        self._parts: list[tuple[str, tuple[str, ...], Parsed]] = []

    def add(self, lines: Lines, tagged: TaggedLines, tally: Tally) -> None:
        """Decode lines with one tag; lines of an unknown number of values are counted as undecoded."""
        for parsed in parse(lines, tagged, tally):
            count = parsed.values.shape[1]
            layout = next((names for names in MC_TRACK_LAYOUTS[tagged.tag] if len(names) == count), None)
            if layout is None:
                tally.undecoded[tagged.tag] += len(parsed.lines)
                continue
            tally.layouts[tagged.tag, count] += len(parsed.lines)
            self._parts.append((tagged.tag, layout, parsed))

    def rows(self) -> StructuredArray:
        """Return all rows in file order, which is also the order of ``group_id``."""
        places = rows_in_file_order([parsed.lines for _, _, parsed in self._parts])
        array = _blank(MC_TRACKS_WITH_EXTRA, sum(map(len, places)))
        for (tag, layout, parsed), rows in zip(self._parts, places, strict=True):
            array["group_id"][rows] = parsed.events + self._first
            array["origin"][rows] = tag.encode()
            for position, name in enumerate(layout):
                fill(array, name, rows, parsed.values[:, position])
            if "source_code" in layout:
                array["pdgid"][rows] = to_pdg(array["source_code"][rows], self._schemes[tag])
        return array


class EventTagDecoder:
    """Collects the values that an event has once, for ``/events`` and ``/mc_info``.

    Parameters
    ----------
    n_events
        Number of events in the block.
    """

    def __init__(self, n_events: int) -> None:
        self.values: dict[str, Values] = {}
        self.target = np.zeros(n_events, dtype="S32")
        self._n_events = n_events

    def add(self, lines: Lines, tagged: TaggedLines, tally: Tally) -> None:
        """Decode lines with one tag; of several lines in an event only the first counts."""
        grammar = EVENT_TAGS[tagged.tag]
        once = first_of_each_event(tagged.events)
        tally.repeated[tagged.tag] += len(tagged.lines) - len(once)
        first = TaggedLines(tagged.tag, tagged.lines[once], tagged.events[once])
        for parsed in parse(lines, first, tally):
            count = parsed.values.shape[1]
            if not count or count > len(grammar.columns) or (count < len(grammar.columns) and not grammar.open_end):
                tally.undecoded[tagged.tag] += len(parsed.lines)
                continue
            tally.layouts[tagged.tag, count] += len(parsed.lines)
            for position in range(count):
                column = self.column(grammar.columns[position])
                column[parsed.events] = parsed.values[:, position]

    def column(self, name: str) -> Values:
        """Return the column called `name`, NaN where it is missing."""
        if name not in self.values:
            self.values[name] = np.full(self._n_events, np.nan)
        return self.values[name]

    def add_target(self, lines: Lines, tagged: TaggedLines, tally: Tally) -> None:
        """Keep the text of the tag ``target``."""
        once = first_of_each_event(tagged.events)
        tally.repeated["target"] += len(tagged.lines) - len(once)
        texts = lines.values(tagged.lines[once], len("target:"))
        found = [" ".join(text.split()).encode("latin-1") for text in texts]
        fits = [text if len(text) <= self.target.itemsize else b"" for text in found]
        tally.undecoded["target"] += sum(1 for text, kept in zip(found, fits, strict=True) if text and not kept)
        self.target[tagged.events[once]] = fits
        tally.layouts["target", 1] += len(once)

    def mc_info(self, first: int, event_type: NDArray[np.int64], hits: NDArray[np.int64]) -> StructuredArray:
        """Return the rows of ``/mc_info``.

        Parameters
        ----------
        first
            ``group_id`` of the block's first event.
        event_type, hits
            Second value of ``start_event`` and number of hit lines, one per event.
        """
        array = _blank(MC_INFO_TABLE, self._n_events)
        array["group_id"] = np.arange(first, first + self._n_events)
        array["event_type"] = event_type
        array["n_hit_lines"] = hits
        array["target"] = self.target
        for name, values in self.values.items():
            if name in (array.dtype.names or ()):
                fill(array, name, slice(None), values)
        return array


def track_fits(lines: Lines, tagged: TaggedLines | None, first: int, tally: Tally) -> StructuredArray:
    """Return the rows of ``/reco/track_fit``: every line as an open list of numbers."""
    parts = list(parse(lines, tagged, tally)) if tagged else []
    places = rows_in_file_order([parsed.lines for parsed in parts])
    array = _blank(TRACK_FIT_TABLE, sum(map(len, places)))
    for parsed, rows in zip(parts, places, strict=True):
        count = parsed.values.shape[1]
        tally.layouts["track_fit", count] += len(parsed.lines)
        array["group_id"][rows] = parsed.events + first
        array["n_values"][rows] = count
        for position in range(min(count, MAX_FIT_VALUES)):
            array[f"value_{position:02d}"][rows] = parsed.values[:, position]
    return array
