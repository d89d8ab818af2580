"""Reader of AntDST files; see the package for what is not known about them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converters.layout import MC_INFO, RECO_PREFIX, mc_info_table, reco_table
from converters.readers.antdst.mapping import TRUTH_COLUMNS, AntDstMapping, MemberRule, load_mapping
from converters.readers.antdst.members import Leaf, leaves, trees
from converters.readers.antdst.resolve import REQUIRED, TreePlan, plan_tree
from converters.readers.antdst.values import (
    NO_PARTICLE,
    Block,
    FitRows,
    blocks,
    event_times,
    fit_rows,
    in_radians,
    largest_angle,
    shown,
    unit_doubt,
    zenith_of_origin,
)
from converters.readers.dst_flat_branches import column_dtype
from converters.readers.dst_flat_values import as_stored, event_value
from converters.readers.rootfile import ROOT_MAGIC, classify, open_root, parsing
from converters.readers.safe_names import printable
from converters.readers.shown_fit import choose_fit, show_fit
from converters.source import Batch, CoverageRow, OpenSource, ReadOptions, SourceFacts
from legacy.errors import NotConvertibleError
from legacy.model import Column, ColumnSpec, Table, TableSpec

CONTAINER_ROUTE = (
    "`antares-legacy containers run seatray antdst-extract -- OUT.root IN.root` (recipe seatray, to be built from the "
    "collaboration's sources) makes a flat tree 'sel' of it, which is read here; or name the members in a mapping of "
    "your own (--antdst-mapping)"
)
_STEP = 10_000
_MANY = 100_000
_TIME = ("timestamp", "nanoseconds")
_UNVERIFIED = (
    "AntDST: no real file of this format was available, its layout on disk is not public; names of members, units "
    "and frames are inferred from the accessor functions that public code calls"
)


class AntDstReader:
    """Opens ROOT files with objects of ANTARES' antdst library."""

    name = "antdst"
    description = "AntDST: ANTARES summary file, ROOT classes of the antdst library (layout unverified)"
    suffixes = (".root",)

    def sniff(self, head: bytes, path: Path) -> bool:
        """Say if the file is ROOT with classes or branches called Ant..."""
        return head.startswith(ROOT_MAGIC) and classify(path) == self.name

    def open(self, path: Path, options: ReadOptions) -> "AntDstFile":
        """Open the file and look for the members that the mapping names.

        Raises
        ------
        CorruptInputError
            The file is damaged.
        NotConvertibleError
            Neither run nor event numbers can be decoded: the layout is another one than the mapping expects.
        InputError
            The fit asked for is not in the file.
        UsageError, MetadataError
            The user's mapping cannot be read.
        """
        return AntDstFile(path, options)


class AntDstFile(OpenSource):
    """An open file.

    Parameters
    ----------
    path
        The file.
    options
        What the user asked for: `reco`, `zenith` and `antdst_mapping` matter here.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        self._mapping = load_mapping(options.antdst_mapping)
        known = {"unknown": None, "source": "source", "flight": "flight"}[self._mapping.zenith]
        self._zenith = options.zenith or known
        self._root = open_root(path)
        try:
            self._plan, self._others = _best_plan(path, self._root, self._mapping)
            self._simulated = _is_simulated(path, self._plan)
            self._shown = choose_fit(path, [fit.name for fit in self._plan.fits], options.reco)
        except BaseException:
            self._root.close()
            raise
        self._event = _complete_times(self._plan.event)
        self._truth = self._plan.truth if self._simulated else {}
        self._specs = self._table_specs()
        self._counts: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._absurd: Counter[str] = Counter()
        self._angles: dict[str, float] = {}
        self._n_fits: Counter[str] = Counter()

    @property
    def facts(self) -> SourceFacts:
        """What is known about the whole file."""
        remarks = [_UNVERIFIED]
        if self._zenith:
            remarks.append(f"angles of the source were taken as those of the {self._zenith}, as the user said")
        else:
            remarks.append("no zenith and azimuth: no public source says what the angles of this format mean")
        return SourceFacts(
            format=AntDstReader.name,
            kind="mc" if self._simulated else "data",
            detector="antares",
            n_events=int(self._plan.tree.num_entries),
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
        taken = [*self._event.values(), *self._truth.values()]
        for fit in self._plan.fits:
            taken += [*fit.columns.values(), *([fit.key] if fit.key else [])]
        wanted = {leaf.path: leaf for leaf in taken}
        for block in blocks(self._path, self._plan.tree, wanted, _STEP):
            self._counts.update({name: len(values) for name, values in block.numbers.items()})
            self._counts.update({name: len(lists.values) for name, lists in block.lists.items()})
            yield self._batch(block)

    def _batch(self, block: Block) -> Batch:
        events: dict[str, Column] = {"reco": np.full(block.n_events, b"none", dtype="S16")}
        found = {name: leaf for name, leaf in self._truth.items() if name in TRUTH_COLUMNS}
        for name, leaf in (*self._event.items(), *found.items()):
            events[name], absurd = event_value(name, block.numbers[leaf.path], NO_PARTICLE)
            self._absurd[leaf.path] += absurd
        if "timestamp" in self._event:
            parts = [self._event[name].path for name in _TIME]
            times = event_times(*(block.numbers[part] for part in parts))
            events["timestamp"], events["nanoseconds"], absurd = times
            self._absurd[parts[0]] += absurd
        tables = [self._mc_info(block, events)] if self._simulated else []
        for fit in self._plan.fits:
            rows = fit_rows(self._path, fit, block)
            self._left_out[f"{fit.name} empty"] += rows.empty
            self._left_out[f"{fit.name} repeated"] += rows.repeated
            self._angles[fit.name] = max(self._angles.get(fit.name, 0.0), largest_angle(rows.columns))
            self._n_fits[fit.name] += len(rows.events)
            if fit.name == self._shown:
                self._show(events, rows)
            array = self._specs[RECO_PREFIX + fit.name].blank(len(rows.events))
            array["group_id"] = rows.events + block.first
            for name, values in rows.columns.items():
                array[name] = as_stored(values)
            tables.append(Table(self._specs[RECO_PREFIX + fit.name], array))
        return Batch(block.first, block.n_events, events, tuple(tables))

    def _mc_info(self, block: Block, events: dict[str, Column]) -> Table:
        """Return the row of ``/mc_info`` of each event, and fill in the true zenith where its meaning is known."""
        array = self._specs[MC_INFO].blank(block.n_events)
        array["group_id"] = np.arange(block.first, block.first + block.n_events)
        for name, leaf in self._truth.items():
            if name not in TRUTH_COLUMNS:
                array[name] = as_stored(block.numbers[leaf.path])
        if self._zenith and "zenith_true" in self._truth:
            leaf = self._truth["zenith_true"]
            zenith = in_radians(block.numbers[leaf.path], self._mapping.truth["zenith_true"].unit)
            events["mc_zenith"] = zenith_of_origin(zenith, self._zenith)
        return Table(self._specs[MC_INFO], array)

    def _show(self, events: dict[str, Column], rows: FitRows) -> None:
        units = {name: rule.unit for name, rule in self._mapping.fit_columns.items()}
        columns, absurd = shown(rows, units, self._zenith)
        self._absurd[f"directions of {self._shown}"] += absurd
        show_fit(events, self._shown, columns, rows.events)

    def _table_specs(self) -> dict[str, TableSpec]:
        specs: dict[str, TableSpec] = {}
        if self._simulated:
            own = {name: leaf for name, leaf in self._truth.items() if name not in TRUTH_COLUMNS}
            specs[MC_INFO] = mc_info_table(*_columns(own, self._mapping.truth))
        for fit in self._plan.fits:
            columns = _columns(fit.columns, self._mapping.fit_columns)
            specs[RECO_PREFIX + fit.name] = reco_table(fit.name, columns, f"Fit {fit.name} of an AntDST file")
        return specs

    def coverage(self) -> tuple[CoverageRow, ...]:
        """Say what became of every branch, of the tree that was read and of the others."""
        destinations = self._destinations()
        rows = [self._coverage_of(leaf, destinations.get(leaf.path, "")) for leaf in self._plan.leaves]
        rows += [
            CoverageRow(f"tree {printable(other.name)}", other.entries, "", "another tree: not read")
            for other in self._others
        ]
        for name, count in self._left_out.items():
            fit, _, why = name.partition(" ")
            note = "all its numbers are 0 or missing: taken as no fit"
            if why == "repeated":
                note = "further elements of the list with the same key: only the first is kept"
            if count:
                rows.append(CoverageRow(f"(left out) /reco/{fit}, {why}", count, "", note))
        return tuple(sorted(rows, key=lambda row: row.field))

    def _destinations(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, leaf in self._event.items():
            found[leaf.path] = f"/event_info.{name}" if name == "source_event_id" else f"/events.{name}"
        for name, leaf in self._truth.items():
            found[leaf.path] = f"/events.{name}" if name in TRUTH_COLUMNS else f"{MC_INFO}.{name}"
        for fit in self._plan.fits:
            found |= {leaf.path: f"/reco/{fit.name}.{name}" for name, leaf in fit.columns.items() if not fit.key}
            if fit.key:
                found |= {leaf.path: f"/reco/*.{name}" for name, leaf in fit.columns.items()}
                found[fit.key.path] = "/reco"
        return found

    def _coverage_of(self, leaf: Leaf, destination: str) -> CoverageRow:
        field, kind = printable(leaf.path), printable(leaf.type_name)
        if destination:
            note = "tells the fits in the list apart" if destination == "/reco" else f"type {kind}"
            if destination.endswith((".zenith", ".azimuth")) and not self._zenith:
                note += "; its convention is not public: in /events only with --zenith"
            if self._absurd[leaf.path]:
                note += f"; {self._absurd[leaf.path]} are no times: missing"
            return CoverageRow(field, self._counts[leaf.path], destination, note)
        if leaf.problem:
            return CoverageRow(field, -1, "", f"type {kind}: {leaf.problem}")
        note = f"type {kind}: no rule of the mapping takes it"
        if leaf in self._plan.truth.values():
            note = f"type {kind}: real data, no truth"
        elif leaf in self._plan.event.values():
            note = f"type {kind}: not used, the time comes from another member"
        return CoverageRow(field, int(self._plan.tree.num_entries) if leaf.form == "number" else -1, "", note)

    def warnings(self) -> tuple[str, ...]:
        """Say what the user should know."""
        found = ["AntDST: no real file was available to check this reading; compare it with the collaboration's own"]
        missing = [name for name in REQUIRED if name not in self._event]
        found += [f"no member for {name} was found" for name in missing]
        found += [
            f"{printable(first.path)} and {printable(other.path)} could both be meant, the first is read; "
            "a mapping (--antdst-mapping) without their first words in 'roots' can name one of them"
            for first, other in self._plan.twins
        ]
        found += [
            f"only the tree {printable(self._plan.name)} was read; {printable(other.name)} has numbers of runs or "
            f"events too, in {other.entries} entries"
            for other in self._others
            if other.readable and other.entries
        ]
        found += [f"{count} values of {printable(n)} are impossible" for n, count in self._absurd.items() if count]
        return (*found, *self._doubts())

    def _doubts(self) -> Iterator[str]:
        """Yield the fits whose angles are hardly in the unit of the mapping, whose word it is all the same."""
        rules = self._mapping.fit_columns
        units = sorted({rules[name].unit for name in ("zenith", "azimuth") if name in rules})
        if len(units) != 1:
            return
        for name, largest in self._angles.items():
            if doubt := unit_doubt(units[0], largest, self._n_fits[name]):
                yield f"/reco/{name}: {doubt} A mapping of your own (--antdst-mapping) says which"

    def close(self) -> None:
        """Close the file."""
        self._root.close()


def _best_plan(path: Path, root: Any, mapping: AntDstMapping) -> tuple[TreePlan, list[TreePlan]]:
    """Return the tree from which most is taken, and the others."""
    with parsing(path):
        known = list(trees(root))
    plans = []
    for name, tree in known:
        with parsing(path, f"tree {printable(name)}"):
            plans.append(plan_tree(name, tree, leaves(tree), mapping))
    best = max(plans, key=lambda plan: plan.worth, default=None)
    if best is None or not best.readable:
        raise NotConvertibleError(
            path,
            "an AntDST file whose members are not those of the mapping",
            expected="a number of the run or of the event in each entry of a tree",
            found=f"{len(plans)} trees, none with a member that is known and that uproot can decode",
            advice=CONTAINER_ROUTE,
        )
    return best, [plan for plan in plans if plan is not best]


def _is_simulated(path: Path, plan: TreePlan) -> bool:
    marks = {leaf.path: leaf for name, leaf in plan.truth.items() if name in TRUTH_COLUMNS}
    if not marks:
        return False
    pdg = plan.truth["mc_pdgid"].path if "mc_pdgid" in plan.truth else ""
    for block in blocks(path, plan.tree, marks, _MANY):
        for name, values in block.numbers.items():
            if np.any(np.isfinite(values) & (~np.isin(values, NO_PARTICLE) if name == pdg else values > 0)):
                return True
    return False


def _complete_times(event: Mapping[str, Leaf]) -> dict[str, Leaf]:
    """Drop a half of a time, and the MJD beside a whole one: the two could contradict each other."""
    dropped = {"mjd"} if set(_TIME) <= set(event) else set(_TIME)
    return {name: leaf for name, leaf in event.items() if name not in dropped}


def _columns(found: Mapping[str, Leaf], rules: Mapping[str, MemberRule]) -> tuple[ColumnSpec, ...]:
    columns = []
    for name, leaf in found.items():
        text = rules[name].text or f"Member {printable(leaf.path)}"
        columns.append(ColumnSpec(name, column_dtype(leaf.dtype), rules[name].unit, text))
    return tuple(columns)
