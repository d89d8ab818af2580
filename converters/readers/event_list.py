"""Reader of public event lists: plain text, one event per line.

The list of 2007 to 2017 (8754 events) exists in two forms: as on the web, with two header lines and the columns
Decl RA Nhit Beta MJD, and without header as RA Decl Nhit Beta MJD. Both have the same five kinds of numbers, so
the order of RA and Dec comes from header names, from the user, or from values that only one of them can have;
it is never guessed. Equatorial coordinates are FK5, which is ICRS within 0.03 arcsec.

The Virtual Observatory table ``ant20_01.main`` calls the events of this list ANT0001 and so on. Of its 17
identifiers that are quoted in public, 16 are the place of the event in the order of time, counted from 1;
ANT5888 has place 5889. So the identifiers written here can differ from the service's own by one.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from converters.readers.event_list_columns import COLUMNS, IGNORED, split
from converters.readers.event_list_survey import BOM, MAX_LINE, ListLine, blocks, is_number, ranks, survey_list
from converters.readers.event_list_units import may_be_hours
from converters.readers.safe_names import printable
from converters.source import Batch, CoverageRow, HeaderLine, OpenSource, ReadOptions, SourceFacts
from legacy.errors import InputError
from legacy.model import Column

RECO = "public_ps"

_PUBLIC_EVENTS = 8754
_MAX_HEADER = 10


class EventListReader:
    """Opens lists of selected events."""

    name = "event-list"
    description = "public event list: text columns with RA, Dec, number of hits, angular error and MJD"
    suffixes = (".dat", ".data", ".txt", ".csv", ".tsv")

    def sniff(self, head: bytes, path: Path) -> bool:  # noqa: ARG002  the content decides
        """Say if most of the first lines consist of 3 to 12 numbers."""
        if b"\0" in head:
            return False
        lines = re.split(r"\r\n|\r|\n", head.decode("latin-1").removeprefix(BOM))
        lines = lines[:200] if len(lines) > 200 or len(head) < MAX_LINE else lines[:-1]
        rows = [split(line) for line in lines if line.strip() and not line.lstrip().startswith("#")]
        header = next((n for n, words in enumerate(rows) if _is_event(words)), len(rows))
        events = [words for words in rows[header:] if _is_event(words)]
        if header > _MAX_HEADER or 2 * len(events) <= len(rows) - header:
            return False
        # A single line of numbers may be anything, unless it has as many as the public list has columns.
        return len({len(words) for words in events}) == 1 and (len(events) > 1 or len(events[0]) == 5)

    def open(self, path: Path, options: ReadOptions) -> "EventListFile":
        """Open the list and check every line of it.

        Raises
        ------
        CorruptInputError
            A line has a wrong number of values, or a value that is no number or impossible.
        InputError
            The columns are unknown, or RA and Dec cannot be told apart.
        UsageError
            The names of columns given by the user are wrong.
        """
        return EventListFile(path, options)


class EventListFile(OpenSource):
    """An open event list.

    Parameters
    ----------
    path
        The file.
    options
        What the user asked for: `columns` and `reco` matter here.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        if options.reco not in (None, "none", RECO):
            raise InputError(path, f"has no fit called {options.reco}", found=RECO, advice="leave --reco out")
        self._path = path
        self._survey = survey_list(path, options)
        self._ranks = ranks(self._survey.mjd)

    @property
    def facts(self) -> SourceFacts:
        """What is known about the whole file."""
        remarks = [f"order of the columns: {' '.join(self._survey.layout.names)} ({self._survey.layout.origin})"]
        if len(self._ranks):
            remarks.append(
                "times are taken as UTC; internal_id numbers the events of this list from 1 in the order of time"
            )
        return SourceFacts(
            format=EventListReader.name,
            kind="data",
            detector="antares",
            n_events=self._survey.n_events,
            default_reco=RECO,
            remarks=tuple(remarks),
        )

    @property
    def header(self) -> tuple[HeaderLine, ...]:
        """The lines before the first event."""
        return self._survey.header

    def batches(self) -> Iterator[Batch]:
        """Yield the events in the order of the file."""
        first = 0
        for lines in blocks(self._path):
            yield Batch(first, len(lines), self._columns(lines, first))
            first += len(lines)

    def _columns(self, lines: Sequence[ListLine], first: int) -> dict[str, Column]:
        layout = self._survey.layout
        events: dict[str, Column] = {"reco": np.full(len(lines), RECO.encode(), dtype="S16")}
        for position, name in enumerate(layout.names):
            if name == IGNORED:
                continue
            column = COLUMNS[name]
            values = [float(line.words[position]) for line in lines]
            if column.name == "ra":
                values = [0.0 if value == 360.0 else value for value in values]
            events[column.name] = np.array(values, dtype=np.int64 if column.whole else np.float64)
        if len(self._ranks):
            ranks = self._ranks[first : first + len(lines)].tolist()
            events["internal_id"] = np.array([f"ANT{rank:04d}".encode() for rank in ranks], dtype="S40")
        return events

    def coverage(self) -> tuple[CoverageRow, ...]:
        """Say what became of every column and of every other line."""
        survey = self._survey
        found = []
        for position, name in enumerate(survey.layout.names, start=1):
            title = printable(survey.layout.titles[position - 1], 40)
            field = f"column {position:02d}" + (f" ({title})" if title else "")
            if name == IGNORED:
                found.append(
                    CoverageRow(field, survey.n_events, "", "ignored: no column of the product is known for it")
                )
                continue
            note = f"{survey.full_turns} values of 360 were written as 0" if COLUMNS[name].name == "ra" else ""
            note = note if survey.full_turns else ""
            found.append(CoverageRow(field, survey.n_events, f"/events.{COLUMNS[name].name}", note))
        if survey.header:
            found.append(CoverageRow("lines before the first event", len(survey.header), "/raw_header", "every line"))
        if survey.comments:
            found.append(CoverageRow("later comment lines", survey.comments, "", "begin with #: not kept"))
        if survey.blank:
            found.append(CoverageRow("empty lines", survey.blank, "", "hold nothing"))
        return tuple(found)

    def warnings(self) -> tuple[str, ...]:
        """Say what the user should know."""
        found = []
        layout = self._survey.layout
        if layout.from_values:
            found.append(f"the list does not name its columns; taken as {' '.join(layout.names)}: {layout.origin}")
        if may_be_hours(self._survey.largest_ra, self._survey.n_events):
            found.append(
                f"no right ascension is above {self._survey.largest_ra:g}: hours or radians? They were taken as degrees"
            )
        if len(self._ranks) and self._survey.n_events != _PUBLIC_EVENTS:
            found.append(
                "internal_id counts the events of this very list: its numbers are not those of the whole public "
                f"list, which has {_PUBLIC_EVENTS} events"
            )
        return tuple(found)


def _is_event(words: Sequence[str]) -> bool:
    return 3 <= len(words) <= 12 and all(map(is_number, words))
