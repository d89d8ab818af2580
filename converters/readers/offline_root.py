"""Reader of KM3NeT/aanet offline ROOT files: tree E of Evt objects.

Facts about the tree: sample files of km3net-testdata; meaning of numbers: KM3NeT's public data format
definitions, version 3.6. Directions in the file are directions of flight; positions are in the frame of the
detector (see coord_origin and can in the header of a simulation).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from converters.readers.offline.baskets import Decoder, Integers, Vectors
from converters.readers.offline.branches import COUNTS, FIT_VECTORS, Chunk, EventBranches, branches_of
from converters.readers.offline.coverage import Source, coverage_rows
from converters.readers.offline.events import SENSELESS, identity_columns, info_table, time_columns
from converters.readers.offline.fits import Algorithms, TooManyAlgorithmsError
from converters.readers.offline.header import read_header
from converters.readers.offline.reco import Fits
from converters.readers.offline.tables import MC_TRACKS_WITH_COMMENT
from converters.readers.offline.tally import Tally
from converters.readers.offline.truth import NAMED_VALUES, truth_columns, truth_rows
from converters.readers.offline.usr import NameLists, event_names, event_values
from converters.readers.rootfile import ROOT_MAGIC, classify, highest_cycles, list_keys, open_root, parsing
from converters.source import Batch, CoverageRow, HeaderLine, OpenSource, ReadOptions, SourceFacts
from legacy.errors import CorruptInputError, InputError
from legacy.model import Table

_TREE, _EVENT = "E", "Evt"
_BEST = "best"
_NONE = "none"
_REMARKS = (
    "/events shows the track with the longest rec_stages, then the highest lik, of all algorithms",
    "quality is the fit's own lik, which has another scale for each algorithm",
    "angular_error is Gandalf's beta0; other fits have none whose meaning is public",
    "timestamp and nanoseconds include the time of the shown track; without a fit they are the slice's start",
)
_MC_REMARKS = (
    "mc_* shows the first neutrino; else the first track, if a primary; else the most energetic muon",
    "mc_is_cc follows the source's cc: 2 charged current, 3 neutral current",
)


class OfflineRootReader:
    """Opens KM3NeT/aanet offline ROOT files."""

    name = "offline-root"
    description = "KM3NeT/aanet offline ROOT files: tree E of Evt objects"
    suffixes = (".root",)

    def sniff(self, head: bytes, path: Path) -> bool:
        """Say if it is a ROOT file with a tree E of split Evt objects.

        Raises
        ------
        CorruptInputError
            A damaged ROOT file.
        """
        return head.startswith(ROOT_MAGIC) and classify(path) == self.name

    def open(self, path: Path, options: ReadOptions) -> "OfflineRootFile":
        """Open the file.

        Raises
        ------
        CorruptInputError
            Damaged, or without tree E.
        InputError
            A fit was asked for that the file does not have.
        OSError
            The file cannot be read.
        """
        return OfflineRootFile(path, options)


class OfflineRootFile(OpenSource):
    """An open offline ROOT file.

    Parameters
    ----------
    path
        The file.
    options
        What the user asked for; `reco` names the only algorithm that ``/events`` is to show.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._tally = Tally()
        self._algorithms = Algorithms()
        self._reco = options.reco
        self._directory: Any = open_root(path)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        with parsing(self._path):
            self._keys = list_keys(self._directory)
        key = highest_cycles(self._keys).get(_TREE)
        if key is None or not key.is_tree:
            raise self._no_tree("no tree E")
        with parsing(self._path, "tree E"):
            tree = self._directory[key.address]
            entries = int(tree.num_entries)
            split = _EVENT in tree.keys(recursive=False) and bool(tree[_EVENT].branches)
        if not split:
            raise self._no_tree("tree E has no branches of Evt")
        self._branches = EventBranches(self._path, branches_of(self._path, tree), entries)
        self._parsed_header = read_header(self._path, self._directory, self._keys)
        simulated = self._parsed_header.simulated or self._has_truth()
        self._facts = self._make_facts(simulated=simulated)
        if self._reco not in (None, _NONE) and entries:
            self._find_fit(self._reco or _NONE)

    def _no_tree(self, found: str) -> CorruptInputError:
        return CorruptInputError(
            self._path,
            "not an offline file",
            expected="tree E with branches of Evt",
            found=found,
            advice="`antares-legacy inspect` tells what the file is",
        )

    def _has_truth(self) -> bool:
        """Say if any event has simulated tracks."""
        return any(self._branches.counts("mc_trks", *limits).any() for limits in self._branches.ranges())

    def _make_facts(self, *, simulated: bool) -> SourceFacts:
        header = self._parsed_header
        det_id = -1
        if self._branches.entries:
            first = Chunk(0, 1, self._branches.scalars(0, 1), {}, {}, {}, {})
            columns = identity_columns(first, simulated=simulated, tally=Tally())
            det_id = int(columns["det_id"][0]) if "det_id" in columns else -1
        return SourceFacts(
            format=OfflineRootReader.name,
            kind="mc" if simulated else "data",
            detector="antares" if header.names_antares else "",
            det_id=det_id,
            generator=header.generator,
            n_events=self._branches.entries,
            default_reco=_BEST,
            remarks=(*_REMARKS, *(_MC_REMARKS if simulated else ())),
        )

    def _find_fit(self, wanted: str) -> None:
        """Look through the file until the fit is found; raises InputError if it is not there."""
        algorithms, met = Algorithms(), set[str]()
        for start, stop in self._branches.ranges():
            counts = self._branches.counts("trks", start, stop)
            if not counts.any() or "trks.rec_type" not in self._branches:
                continue
            rec_type = self._branches.member("trks.rec_type", start, stop, counts).astype(np.int64)
            stages = Vectors(np.empty(0), np.zeros(len(rec_type), dtype=np.int64))
            if FIT_VECTORS[0] in self._branches:
                stages = self._branches.member_vectors(FIT_VECTORS[0], start, stop, counts)
            codes = self._codes(algorithms, rec_type, stages)
            met |= {algorithms.names[code] for code in np.unique(codes[codes >= 0]).tolist()}
            if wanted in met:
                return
        raise InputError(
            self._path,
            f"has no fit called {wanted}",
            expected="the name of a fit in the file",
            found=", ".join(sorted(met)) or "no fits at all",
            advice="name one of these with --reco, or leave it out",
        )

    def _codes(self, algorithms: Algorithms, rec_type: Integers, stages: Vectors) -> Integers:
        try:
            return algorithms.codes(rec_type, stages)
        except TooManyAlgorithmsError as error:
            raise self._absurd(error) from error

    def _absurd(self, error: TooManyAlgorithmsError) -> CorruptInputError:
        return CorruptInputError(
            self._path,
            "damaged ROOT file",
            where="branch trks.rec_type",
            found=str(error),
            advice="fetch it again and compare its checksum",
        )

    @property
    def facts(self) -> SourceFacts:
        """What is known about the whole file."""
        return self._facts

    @property
    def header(self) -> tuple[HeaderLine, ...]:
        """All lines of Head, MultiHead and headerTree, and the history in META."""
        return self._parsed_header.lines

    def batches(self) -> Iterator[Batch]:
        """Yield the events.

        Raises
        ------
        CorruptInputError
            The file is damaged.
        OSError
            The file cannot be read.
        """
        names = event_names(self._branches, self._tally)
        lists = NameLists(self._branches)
        for start, stop in self._branches.ranges():
            chunk = self._branches.chunk(start, stop)
            for group in COUNTS:
                self._tally.objects[group] += chunk.objects(group)
            yield self._batch(chunk, names, lists)

    def _batch(self, chunk: Chunk, names: list[str], lists: NameLists) -> Batch:
        simulated = self._facts.kind == "mc"
        try:
            fits = Fits.of(chunk, self._algorithms, self._tally)
        except TooManyAlgorithmsError as error:
            raise self._absurd(error) from error
        events = identity_columns(chunk, simulated=simulated, tally=self._tally)
        shown, track_time = fits.event_columns(self._reco, self._tally)
        events |= shown | time_columns(events, track_time, self._tally)
        tables = fits.tables(self._tally) + event_values(chunk, lists, names, self._tally)
        if simulated:
            rows = truth_rows(chunk, self._parsed_header, lists, Decoder(self._path), self._tally)
            events |= truth_columns(rows, chunk.first, chunk.n_events)
            tables += [Table(MC_TRACKS_WITH_COMMENT, rows), info_table(chunk, self._tally)]
        return Batch(chunk.first, chunk.n_events, events, tuple(tables))

    def coverage(self) -> tuple[CoverageRow, ...]:
        """Say what became of every branch and object."""
        source = Source(
            path=self._path,
            directory=self._directory,
            keys=self._keys,
            branches=self._branches.branches,
            entries=self._branches.entries,
            simulated=self._facts.kind == "mc",
            unknown_types=self._branches.unknown_types,
            header=self._parsed_header,
        )
        return tuple(coverage_rows(source, self._tally))

    def warnings(self) -> tuple[str, ...]:
        """Say what found no place, and which numbers make no sense."""
        found = [
            f"{count} values of {name} are missing in the product: {reason}"
            for (name, reason), count in sorted(self._tally.missing.items())
            if reason in SENSELESS
        ]
        found += [
            f"{count} of {name} not kept: {reason}"
            for (name, reason), count in sorted(self._tally.lost.items())
            if name != NAMED_VALUES
        ]
        found += [
            f"{name} has a type that is not known and was not read: {type_name}"
            for name, type_name in sorted(self._branches.unknown_types.items())
        ]
        found += [f"{name} could not be read: {why}" for name, why in sorted(self._parsed_header.unread.items())]
        return tuple(found)

    def close(self) -> None:
        """Close the file."""
        self._directory.close()
