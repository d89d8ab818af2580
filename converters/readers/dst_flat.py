"""Reader of flat DST trees: ROOT files with the tree ``sel`` that a public program extracts from AntDST files.

What the branches mean stands in `converters.readers.dst_flat_branches`. Two facts of that program shape this
reader: the numbers of a fit that an event does not have are left over from an earlier event, and only its flag
tells; and the branches of the truth hold constants in real data, ``is_neutrino`` = 1 among them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.layout import DATA_QUALITY, MC_INFO, RECO_PREFIX, mc_info_table, reco_table
from converters.readers import dst_flat_branches as known
from converters.readers.dst_flat_branches import Place
from converters.readers.dst_flat_fixes import FIXES, NO_FIXES, Fixes, candidates, changes
from converters.readers.dst_flat_values import as_stored, direction, event_value, fit_values, interaction
from converters.readers.rootfile import ROOT_MAGIC, classify, open_root, parsing
from converters.readers.safe_names import printable
from converters.readers.shown_fit import NO_FIT, choose_fit, show_fit
from converters.source import Batch, CoverageRow, OpenSource, ReadOptions, SourceFacts
from legacy.columns import GROUP_ID
from legacy.errors import CorruptInputError
from legacy.model import Column, ColumnSpec, Table, TableSpec

_Arrays = Mapping[str, Column]
_Mask = NDArray[np.bool_]

TREE = "sel"
_STEP = 4096
_MANY = 100_000
_NOT_A_NUMBER = "not one number per event: not kept"
_SELECTABLE = frozenset({"aafit", "bbfit", "gridfit", "bbfit_shower", "dusj", "tantra"})


class DstFlatReader:
    """Opens ROOT files with a flat tree of reconstructed events."""

    name = "dst-flat"
    description = "flat ROOT tree 'sel' extracted from AntDST summary files"
    suffixes = (".root",)

    def sniff(self, head: bytes, path: Path) -> bool:
        """Say if the file is ROOT with a tree ``sel``."""
        return head.startswith(ROOT_MAGIC) and classify(path) == self.name

    def open(self, path: Path, options: ReadOptions) -> "DstFlatFile":
        """Open the file and look at its branches.

        Raises
        ------
        CorruptInputError
            The file is damaged, or has no tree ``sel``.
        InputError
            The fit asked for is not in the file.
        """
        return DstFlatFile(path, options)


class DstFlatFile(OpenSource):
    """An open file.

    Parameters
    ----------
    path
        The file.
    options
        What the user asked for: `reco`, `zenith` and `fix_known_defects` matter here.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._zenith = options.zenith
        self._root = open_root(path)
        try:
            with parsing(path, f"tree {TREE}"):
                self._tree, scalars, self._others = _tree_of(path, self._root)
                self._simulated = _is_simulated(self._tree, scalars)
            self._places = known.places(scalars.items(), simulated=self._simulated)
            self._fixes = self._find_fixes() if options.fix_known_defects else NO_FIXES
            self._places = self._fixes.described(self._places)
            self._specs = _table_specs(self._places)
            self._shown = choose_fit(path, _selectable(self._specs), options.reco)
        except BaseException:
            self._root.close()
            raise
        self._counts: Counter[str] = Counter()
        self._without: Counter[str] = Counter()
        self._absurd: Counter[str] = Counter()
        self._changed: Counter[str] = Counter()

    def _find_fixes(self) -> Fixes:
        suggested = candidates(self._places)
        with parsing(self._path, f"tree {TREE}"):
            return suggested.settled(_steps(self._tree, suggested.needed, _MANY)) if suggested.needed else suggested

    @property
    def facts(self) -> SourceFacts:
        """What is known about the whole file. Monte Carlo: some event has a type, energy, weight or ngen."""
        remarks = ["positions are in the frame of the source, which is not documented"]
        if self._shown != NO_FIT:
            remarks.append(f"{self._shown}: {known.DESCRIPTIONS[self._shown]}")
        if self._zenith:
            remarks.append(f"angles of the source were taken as those of the {self._zenith}, as the user said")
        else:
            remarks.append("no zenith and azimuth: no public source says what the angles of this format mean")
        remarks.extend(self._fixes.remarks())
        return SourceFacts(
            format=DstFlatReader.name,
            kind="mc" if self._simulated else "data",
            detector="antares",
            n_events=int(self._tree.num_entries),
            default_reco=self._shown,
            remarks=tuple(remarks),
        )

    def batches(self) -> Iterator[Batch]:
        """Yield the events.

        Raises
        ------
        CorruptInputError
            A part of the file cannot be read.
        """
        wanted = frozenset(place.branch for place in self._places if place.role != "dropped")
        first = 0
        steps = iter(_steps(self._tree, wanted, _STEP))
        while True:
            with parsing(self._path, f"tree {TREE}, from entry {first} on"):
                arrays = next(steps, None)
            if arrays is None:
                break
            batch = self._batch(arrays, first)
            first += batch.n_events
            yield batch
        if first != self._tree.num_entries:
            raise CorruptInputError(
                self._path,
                "the tree ends too early",
                where=f"tree {TREE}",
                expected=f"{self._tree.num_entries} entries",
                found=str(first),
                advice="fetch it again and compare its checksum",
            )

    def _batch(self, found: _Arrays, first: int) -> Batch:
        n_events = len(next(iter(found.values())))
        arrays = {**found, **self._fixes.corrected(found)}
        events = self._events(arrays, n_events)
        for place in self._places:
            if place.role == "event":
                self._note_change(place.branch, found, arrays, slice(None))
        tables = []
        for path, spec in self._specs.items():
            mask = self._rows_of(path, found, n_events)
            rows = spec.blank(int(np.count_nonzero(mask)))
            rows["group_id"] = np.flatnonzero(mask) + first
            for place in self._of(path):
                if place.column is not None:
                    values = as_stored(arrays[place.branch][mask])
                    rows[place.column.name] = values
                    self._note_change(place.branch, found, arrays, mask)
                    self._counts[place.branch] += int(np.count_nonzero(place.column.present(values)))
            if path == DATA_QUALITY:
                self._without[path] += known.clear_unknown_runs(rows)
            if path == RECO_PREFIX + self._shown:
                self._show(events, arrays, mask)
            tables.append(Table(spec, rows))
        return Batch(first, n_events, events, tuple(tables))

    def _note_change(self, branch: str, found: _Arrays, arrays: _Arrays, mask: _Mask | slice) -> None:
        if branch in self._fixes.fixes:
            self._changed[branch] += changes(found[branch][mask], arrays[branch][mask])

    def _of(self, path: str) -> Iterator[Place]:
        return (place for place in self._places if place.table == path and place.role == "row")

    def _rows_of(self, path: str, arrays: _Arrays, n_events: int) -> _Mask:
        """Say which events have a row in a table: for a fit those that have the fit."""
        mask = np.ones(n_events, dtype=bool)
        if not path.startswith(RECO_PREFIX):
            return mask
        values = [(place.column.name, arrays[place.branch]) for place in self._of(path) if place.column]
        flags = [place.branch for place in self._places if place.role == "flag" and place.table == path]
        for flag in flags:
            mask &= arrays[flag] > 0  # also where another program wrote the flags as numbers, NaN among them
            self._counts[flag] += n_events
        quality = [column for name, column in values if name == "quality" and column.dtype.kind == "f"]
        for column in quality:
            mask &= ~np.isnan(column)
        if not flags and not quality:
            filled = [~np.isnan(column) for _, column in values if column.dtype.kind == "f"]
            mask &= np.logical_or.reduce(filled) if filled else True
        self._without[path] += n_events - int(np.count_nonzero(mask))
        return mask

    def _events(self, arrays: _Arrays, n_events: int) -> dict[str, Column]:
        events: dict[str, Column] = {"reco": np.full(n_events, b"none", dtype="S16")}
        for place in self._places:
            if place.role != "event":
                continue
            values, absurd = event_value(place.target, arrays[place.branch])
            self._absurd[place.branch] += absurd
            events[place.target] = values
            present = ~np.isnan(values) if values.dtype.kind == "f" else values != -1
            self._counts[place.branch] += int(np.count_nonzero(present))
        triggers = [place for place in self._places if place.role == "trigger"]
        if triggers:
            events["trigger_mask"] = np.zeros(n_events, dtype=np.int64)
        for place in triggers:
            events["trigger_mask"] |= (arrays[place.branch] > 0).astype(np.int64) << (int(place.target) - 1)
            self._counts[place.branch] += n_events
        if self._simulated:
            lower: dict[str, Column] = {}
            for name, values in arrays.items():
                lower.setdefault(name.lower(), values)
            events |= interaction(lower, self._zenith)
        return events

    def _show(self, events: dict[str, Column], arrays: _Arrays, mask: _Mask) -> None:
        """Fill the columns of ``/events`` that come from the fit shown."""
        fit = {
            place.column.name: arrays[place.branch][mask]
            for place in self._of(RECO_PREFIX + self._shown)
            if place.column and not place.defective
        }
        columns = fit_values(fit)
        if self._zenith and {"zenith_deg", "azimuth_deg"} <= set(fit):
            zenith, azimuth, absurd = direction(fit["zenith_deg"], fit["azimuth_deg"], self._zenith)
            columns |= {"zenith": zenith, "azimuth": azimuth}
            self._absurd[f"directions of {self._shown}"] += absurd
        show_fit(events, self._shown, columns, mask)

    def coverage(self) -> tuple[CoverageRow, ...]:
        """Say what became of every branch."""
        found = [CoverageRow(printable(name), -1, "", _NOT_A_NUMBER) for name in self._others]
        found.extend(self._coverage_of(place) for place in self._places)
        found.extend(self._fixed(place) for place in self._places if place.branch in self._fixes.applied)
        for path, count in self._without.items():
            if not count:
                continue
            note = "numbers without a fit, perhaps left over from an earlier event: not kept"
            if path == DATA_QUALITY:
                note = "run_quality is -1: the file has no data quality of the run, the other numbers are left over"
            found.append(CoverageRow(f"{path}, events without it", count, "", note))
        return tuple(sorted(found, key=lambda row: row.field))

    def _coverage_of(self, place: Place) -> CoverageRow:
        field, count = printable(place.branch), self._counts[place.branch]
        if place.role == "dropped":
            return CoverageRow(field, int(self._tree.num_entries), "", place.note)
        if place.role == "flag":
            return CoverageRow(field, count, place.table, "says which events have a row")
        if place.role == "trigger":
            return CoverageRow(field, count, "/events.trigger_mask", f"bit of trigger {place.target}")
        if place.role == "event":
            note = f"{self._absurd[place.branch]} are no times: missing" if self._absurd[place.branch] else place.note
            table = "/event_info" if place.target == "source_event_id" else "/events"
            return CoverageRow(field, count, f"{table}.{place.target}" if count else "", note)
        column = place.column.name if place.column else ""
        notes = [place.note] if place.note else []
        if place.table == RECO_PREFIX + self._shown and column in known.SHOWN and not place.defective:
            notes.append(f"also /events.{known.SHOWN[column]}")
        if column == "is_cc":
            notes.append("of neutrinos also /events.mc_is_cc")
        if column in ("zenith_deg", "azimuth_deg") and not place.defective and not self._zenith:
            notes.append("its convention is not public: in /events only with --zenith")
        return CoverageRow(field, count, f"{place.table}.{column}" if count else "", "; ".join(notes))

    def _fixed(self, place: Place) -> CoverageRow:
        """Say how many values of the product were changed by a correction."""
        column = f"{place.table}.{place.column.name}" if place.column else f"/events.{place.target}"
        text = FIXES[self._fixes.fixes[place.branch].rule]
        return CoverageRow(f"(fix) {printable(place.branch)}", self._changed[place.branch], column, text)

    def warnings(self) -> tuple[str, ...]:
        """Say what the user should know."""
        found = [f"{count} values of {printable(name)} are impossible" for name, count in self._absurd.items() if count]
        flagged = {place.table for place in self._places if place.role == "flag"}
        unflagged = [p for p in self._specs if p.removeprefix(RECO_PREFIX) in _SELECTABLE and p not in flagged]
        text = "has no flag: numbers left over from earlier events cannot be told from fits"
        return (*found, *(f"{path} {text}" for path in unflagged))

    def close(self) -> None:
        """Close the file."""
        self._root.close()


def _tree_of(path: Path, root: Any) -> tuple[Any, dict[str, np.dtype[Any]], list[str]]:
    """Return the tree, its branches with one number per event, and the names of the others."""
    tree = root.get(TREE)
    if tree is None or not hasattr(tree, "num_entries"):
        raise CorruptInputError(path, "no flat DST", expected=f"a tree {TREE}", found="none")
    scalars: dict[str, np.dtype[Any]] = {}
    others: list[str] = []
    for branch in tree.branches:
        dtype: np.dtype[Any] = getattr(branch.interpretation, "to_dtype", np.dtype(object))
        plain = dtype.kind in "fiub" and not dtype.shape and dtype.itemsize <= 8 and not branch.branches
        if plain and branch.num_entries == tree.num_entries and branch.name not in scalars:
            scalars[branch.name] = dtype
        else:
            others.append(branch.name)
    if not scalars:
        raise CorruptInputError(path, "no flat DST", where=f"tree {TREE}", expected="branches", found="no numbers")
    return tree, scalars, others


def _steps(tree: Any, names: frozenset[str], size: int) -> Iterator[_Arrays]:
    yield from tree.iterate(filter_branch=lambda branch: branch.name in names, step_size=size, library="np")


def _is_simulated(tree: Any, scalars: Mapping[str, object]) -> bool:
    """Look for an event that only a simulation can have; ``is_neutrino`` is 1 in real data too."""
    names = frozenset(name for name in scalars if name.lower() in known.MONTE_CARLO_MARKS)
    if not names:
        return False
    for arrays in _steps(tree, names, _MANY):
        for name, values in arrays.items():
            if np.any(np.isfinite(values) & (values != 0 if name.lower() == "type" else values > 0)):
                return True
    return False


def _table_specs(places: tuple[Place, ...]) -> dict[str, TableSpec]:
    columns: dict[str, list[ColumnSpec]] = {}
    for place in places:
        if place.column is not None:
            columns.setdefault(place.table, []).append(place.column)
    specs: dict[str, TableSpec] = {}
    for path, own in columns.items():
        if path == MC_INFO:
            specs[path] = mc_info_table(*own)
        elif path == DATA_QUALITY:
            text = "Data quality of the run of each event, and other facts that the source repeats for each event"
            specs[path] = TableSpec(path, (GROUP_ID, *own), text)
        else:
            name = path.removeprefix(RECO_PREFIX)
            specs[path] = reco_table(name, tuple(own), known.DESCRIPTIONS[name])
    return specs


def _selectable(specs: Mapping[str, TableSpec]) -> list[str]:
    """Return the fits that ``/events`` can show, the preferred one first."""
    return [name for name in known.PREFERRED if RECO_PREFIX + name in specs and name in _SELECTABLE]
