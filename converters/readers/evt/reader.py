"""Reader of ASCII `.evt` files.

Grammar (facts from the samples of km3net-testdata): one ``tag: values`` per line; the first block, up to
``end_event:``, is the header; then blocks ``start_event: number type`` ... ``end_event:``. There is no mark
at the end of the file.
"""

import zlib
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.readers.evt import decode
from converters.readers.evt.coverage import coverage_rows
from converters.readers.evt.grammar import (
    EVENT_TAGS,
    MC_INFO_TABLE,
    MC_TAGS,
    MC_TRACK_LAYOUTS,
    MC_TRACKS_WITH_EXTRA,
    TRACK_FIT_TABLE,
)
from converters.readers.evt.header import Origin, generator_of, header_lines, names_antares
from converters.readers.evt.lines import Indices, Lines, NotEventTextError
from converters.readers.evt.numbers import to_integers
from converters.readers.evt.stream import GZIP_MAGIC, START_OF_HEADER, Block, TextSource, blocks
from converters.readers.evt.structure import Spans, find_spans
from converters.readers.evt.truth import truth_columns
from converters.source import Batch, CoverageRow, HeaderLine, OpenSource, ReadOptions, SourceFacts
from legacy.errors import CorruptInputError, InputError
from legacy.model import Column, Table

_EMPTY: Indices = np.empty(0, dtype=np.int64)
_TICK_NS = 16
_EARLIEST, _LATEST = 946_684_800, 4_102_444_800
"""2000-01-01 and 2100-01-01 in Unix seconds: a time outside of them is a placeholder."""
_FIRST_TAGS = (b"start_run:", b"start_event:")


class EvtReader:
    """Opens `.evt` files, plain or gzip-compressed."""

    name = "evt"
    description = "ASCII event files of GENHEN, KM3, MODK40, KM3Sim, gSeaGen, MUPAGE, Corant and propa"
    suffixes = (".evt", ".evt.gz")

    def sniff(self, head: bytes, path: Path) -> bool:  # noqa: ARG002  the content decides
        """Say if one of the first lines has a tag that only `.evt` files have."""
        if head.startswith(GZIP_MAGIC):
            try:
                head = zlib.decompressobj(wbits=31).decompress(head, 1 << 16)
            except zlib.error:
                return False
        return any(line.lstrip().startswith(_FIRST_TAGS) for line in head.split(b"\n")[:200])

    def open(self, path: Path, options: ReadOptions) -> "EvtFile":
        """Open the file and read its header.

        Raises
        ------
        CorruptInputError
            The file does not begin like an `.evt` file, or a fit was asked for.
        OSError
            The file cannot be read.
        """
        return EvtFile(path, options)


class EvtFile(OpenSource):
    """An open `.evt` file.

    Parameters
    ----------
    path
        The file.
    options
        What the user asked for; `salvage` keeps the whole events of a damaged file.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._salvage = options.salvage
        if options.reco not in (None, "none"):
            raise InputError(
                path,
                f"has no fit called {options.reco}",
                expected="a format with reconstructed tracks",
                found=".evt, whose reconstructions have no public grammar",
                advice="leave --reco out",
            )
        self._source = TextSource(path)
        try:
            stream = blocks(self._source)
            opening = list(islice(stream, 2))  # the first may be the header alone
            self._blocks = chain(opening, stream)
            text = b"".join(block.data for block in opening)
            if not text.strip():
                self._refuse_empty()
            head = _first_header(text)
        except BaseException:
            self._source.close()
            raise
        self._header: list[HeaderLine] = []
        self._facts = _facts(head, text)
        self._origin = Origin()
        self._tally = decode.Tally()
        self._placeholders = 0
        self._lost: list[str] = []

    def _refuse_empty(self) -> None:
        problem = self._source.damaged or "the file holds no text"
        raise CorruptInputError(self._path, problem, expected="an .evt file", found="nothing readable")

    @property
    def facts(self) -> SourceFacts:
        """What is known about the whole file."""
        return self._facts

    @property
    def header(self) -> tuple[HeaderLine, ...]:
        """All header lines; complete after `batches`, since joined files have several headers."""
        return tuple(self._header)

    def batches(self) -> Iterator[Batch]:
        """Yield the events.

        Raises
        ------
        CorruptInputError
            An event is not complete, unless the whole ones are to be kept; or none is whole.
        """
        first = 0
        for block in self._blocks:
            for section, lines in self._sections(block):
                batch = self._decode(section, lines, first)
                if batch is not None:
                    yield batch
                    first += batch.n_events
        damaged = self._source.damaged
        if damaged and not any(text.startswith(damaged) for text in self._lost):
            self._damage(damaged, "the end of the readable text", first)
        if not first and self._lost:
            raise CorruptInputError(self._path, "no whole event is left to keep", found=self._lost[0])

    def _sections(self, block: Block) -> Iterator[tuple[Block, Lines]]:
        """Cut before every header: each of several joined files has its own run and program."""
        try:
            lines = Lines.of(block.data)
        except NotEventTextError as error:
            raise self._other_text(block, error) from None
        headers = lines.beginning_with(START_OF_HEADER)
        if np.any(headers > 0):
            places = lines.starts[headers[headers > 0]].tolist()
            yield from ((part, Lines.of(part.data)) for part in block.cut(places))
        else:
            yield block, lines

    def _other_text(self, block: Block, error: NotEventTextError) -> CorruptInputError:
        return CorruptInputError(
            self._path,
            "not the text of an .evt file",
            where=f"byte {block.offset}",
            expected="lines that begin with one of a few tags",
            found=str(error),
            advice="`antares-legacy inspect` tells what the file is",
        )

    def _decode(self, block: Block, lines: Lines, first: int) -> Batch | None:
        hits = lines.hits()
        is_hit = np.logical_or.reduce(list(hits.values()))
        try:
            tags = dict(lines.by_tag(np.flatnonzero(~is_hit)))
        except NotEventTextError as error:
            raise self._other_text(block, error) from None
        starts, ends = tags.get("start_event", _EMPTY), tags.get("end_event", _EMPTY)
        spans = find_spans(starts, ends, len(lines.starts), has_header=block.has_header)
        self._count(lines, tags, hits, spans)
        if header := header_lines(lines, spans.header):
            self._header.extend(header)
            self._origin.add(header)
        self._origin.used |= bool(len(starts))
        self._check_whole(block, lines, spans, first)
        inside = list(decode.in_events(lines, tags, spans, self._tally))
        return self._batch(lines, inside, spans, is_hit, first) if len(spans.starts) else None

    def _count(
        self, lines: Lines, tags: dict[str, Indices], hits: dict[bytes, NDArray[np.bool_]], spans: Spans
    ) -> None:
        """Count the lines of each tag, but not those of the header, which are all kept."""
        for tag, found in tags.items():
            body = found[found >= spans.header]
            count = len(body)
            if tag == "":
                count = sum(1 for line in body.tolist() if lines.line(line).strip())
            if count:
                self._tally.lines[tag] += count
        for name, mask in hits.items():
            if count := int(np.count_nonzero(mask[spans.header :])):
                self._tally.lines[name.decode().rstrip(":")] += count

    def _check_whole(self, block: Block, lines: Lines, spans: Spans, first: int) -> None:
        """Refuse, or note, events that are not whole and text after the last event."""
        last = max(spans.closing, *spans.ends[-1:].tolist(), -1)
        whole, count = first + len(spans.starts), len(spans.broken)
        if spans.broken:
            line = spans.broken[0]
            whole = first + int(np.searchsorted(spans.starts, line))
            begin, found, cut = int(lines.starts[line]), "without its counterpart", line > last
        else:
            begin = int(lines.ends[last]) if last >= 0 else 0
            rest = bytes(block.data[begin:])
            begin += len(rest) - len(rest.lstrip())
            count = int(not block.whole and begin < len(block.data))
            found, cut = "and no end_event: line behind it", True
        if count:
            problem = "an event is not whole"
            if cut and not block.whole:
                problem = self._source.damaged or "the file ends within an event"
            text = f"{_shown(bytes(block.data[begin : begin + 200]))} {found}"
            self._damage(problem, f"byte {block.offset + begin}", whole, text, count)

    def _damage(self, problem: str, where: str, whole: int, found: str = "", count: int = 1) -> None:
        last = f"the last whole event is number {whole} of the file" if whole else "no event before it is whole"
        if not self._salvage:
            advice = f"{last}; fetch the file again" + ("; --salvage keeps them" if whole else "")
            raise CorruptInputError(
                self._path, problem, where=where, expected="whole events", found=found, advice=advice
            )
        self._lost.append(f"{problem} at {where}: {count} incomplete event{'s' if count > 1 else ''} dropped; {last}")

    def _batch(
        self, lines: Lines, inside: list[decode.TaggedLines], spans: Spans, is_hit: NDArray[np.bool_], first: int
    ) -> Batch:
        n_events = len(spans.starts)
        tracks = decode.TrackDecoder(self._origin.schemes, first)
        scalars = decode.EventTagDecoder(n_events)
        fits: decode.TaggedLines | None = None
        numbers = np.full((n_events, 2), np.nan)
        for tagged in inside:
            if tagged.tag in MC_TRACK_LAYOUTS:
                tracks.add(lines, tagged, self._tally)
            elif tagged.tag in EVENT_TAGS:
                scalars.add(lines, tagged, self._tally)
            elif tagged.tag == "target":
                scalars.add_target(lines, tagged, self._tally)
            elif tagged.tag == "track_fit":
                fits = tagged
            elif tagged.tag == "start_event":
                for parsed in decode.parse(lines, tagged, self._tally):
                    width = min(2, parsed.values.shape[1])
                    numbers[parsed.events, :width] = parsed.values[:, :width]
        hits = _hits_per_event(is_hit, spans)
        rows = tracks.rows()
        event_numbers = to_integers(numbers)
        events = self._event_columns(scalars, event_numbers[:, 0], hits)
        events |= truth_columns(rows, first, n_events)
        tables = [
            Table(MC_TRACKS_WITH_EXTRA, rows),
            Table(MC_INFO_TABLE, scalars.mc_info(first, event_numbers[:, 1], hits)),
            Table(TRACK_FIT_TABLE, decode.track_fits(lines, fits, first, self._tally)),
        ]
        return Batch(first, n_events, events, tuple(tables))

    def _event_columns(
        self, scalars: decode.EventTagDecoder, numbers: NDArray[np.int64], hits: NDArray[np.int64]
    ) -> dict[str, Column]:
        n_events = len(numbers)
        declared = to_integers(scalars.values.get("total_hits", np.full(n_events, np.nan)))
        columns: dict[str, Column] = {
            "source_event_id": numbers,
            "run_id": np.full(n_events, self._origin.run, dtype=np.int64),
            "n_hits": np.where((hits > 0) | (declared >= 0), hits, -1),
            "reco": np.full(n_events, b"none", dtype="S16"),
        }
        for name in EVENT_TAGS["weights"].columns:
            if name in scalars.values:
                columns[name] = scalars.values[name]
        if "source_t_sec" in scalars.values:
            columns |= self._times(scalars)
        return columns

    def _times(self, scalars: decode.EventTagDecoder) -> dict[str, Column]:
        seconds = to_integers(scalars.column("source_t_sec"))
        ticks = to_integers(scalars.column("source_t_16ns"))
        nanoseconds = np.where(ticks == -1, -1, ticks * _TICK_NS)
        good = (seconds >= _EARLIEST) & (seconds < _LATEST) & (nanoseconds >= 0) & (nanoseconds < 10**9)
        given = np.isfinite(scalars.column("source_t_sec"))
        self._placeholders += int(np.count_nonzero(given & ~good))
        return {
            "source_t_sec": seconds,
            "source_t_nanosec": nanoseconds,
            "timestamp": np.where(good, seconds, -1),
            "nanoseconds": np.where(good, nanoseconds, -1),
        }

    def coverage(self) -> tuple[CoverageRow, ...]:
        """Say what became of every tag."""
        return coverage_rows(self._tally, len(self._header), self._placeholders)

    def warnings(self) -> tuple[str, ...]:
        """Say what was dropped or could not be read."""
        if self._lost:  # all else follows from the damage; /source_coverage counts it
            return tuple(self._lost)
        found: list[str] = []
        for counter, text in (
            (self._tally.undecoded, "lines '{}' have an unknown layout and were not decoded"),
            (self._tally.unreadable, "values on lines '{}' are no numbers and are missing"),
            (self._tally.outside, "lines '{}' lie outside of events and were not decoded"),
        ):
            found.extend(f"{count} {text.format(tag)}" for tag, count in sorted(counter.items()) if count)
        if untagged := self._tally.lines.get("", 0):
            found.append(f"{untagged} lines without a tag were not decoded")
        return tuple(found)

    def digest(self) -> str:
        """Return the SHA-256 of the file."""
        return self._source.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._source.close()


def _first_header(text: bytes) -> list[HeaderLine]:
    """Read the first header to learn which program wrote the file."""
    end = text.find(b"start_event:")
    lines = Lines.of(text[:end] if end >= 0 else text[: 1 << 20])
    return header_lines(lines, len(lines.starts))


def _shown(text: bytes) -> str:
    """Quote the first line of a text, at most 60 characters, without those that a terminal would obey."""
    return ascii(text.decode("latin-1").strip().split("\n")[0][:60].rstrip())


def _facts(header: Sequence[HeaderLine], text: bytes) -> SourceFacts:
    generator = generator_of(header)
    simulated = bool(generator) or any(b"\n" + tag.encode() + b":" in text for tag in sorted(MC_TAGS))
    return SourceFacts(
        format=EvtReader.name,
        kind="mc" if simulated else "data",
        detector="antares" if names_antares(header) else "",
        generator=generator,
        remarks=(
            "mc_* shows the first neutrino; in events without one the primary; else the most energetic muon",
            "positions are in the frame of the simulation (see coord_origin and can in /raw_header)",
        ),
    )


def _hits_per_event(is_hit: NDArray[np.bool_], spans: Spans) -> NDArray[np.int64]:
    running = np.concatenate(([0], np.cumsum(is_hit)))
    return np.asarray(running[spans.ends] - running[spans.starts], dtype=np.int64)
