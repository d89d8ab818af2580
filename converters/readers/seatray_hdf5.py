"""Reader of SeaTray tableio HDF5 files.

Every table with one row per event becomes ``/reco/<name>``. An event is what the tables have under one key
(Run, Event, TriggerCounter): neither (Run, Event) nor TriggerCounter alone is unique in the sample
``seatray/antares.h5``. The file has no time of the events, so there is no right ascension and no declination.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from converters.readers.safe_names import printable
from converters.readers.seatray_events import merge_events
from converters.readers.seatray_shown import fit_columns, shown_fields
from converters.readers.seatray_tables import (
    INDEX_GROUP,
    KEY,
    Content,
    Integers,
    SourceTable,
    blocks,
    damage_as_input_error,
    own_dataset,
    read_content,
    read_rows,
)
from converters.readers.shown_fit import NO_FIT, choose_fit, show_fit
from converters.source import Batch, CoverageRow, OpenSource, ReadOptions, SourceFacts
from legacy.errors import CorruptInputError
from legacy.model import Column, StructuredArray, Table

_MAGIC = b"\x89HDF\r\n\x1a\n"
_BATCH = 4096
_PREFERRED = ("aafit", "bbfit_track", "gridfit", "bbfit_bright")
_ANTARES_TABLES = ("Aafit", "BBFit", "GridFit")
_RECO_WIDTH = 16
_STATUS = "fit_status"
_HITS_USED = "HitsUsed"


@dataclass(frozen=True, slots=True)
class _Placed:
    """The rows of a table, sorted by the events they belong to.

    Parameters
    ----------
    table
        The table.
    rows, groups
        Row in the source and ``group_id`` of each row, both shape (n,).
    n_hits
        Hits that the fit used, -1 where unknown; empty if the file does not have them.
    """

    table: SourceTable
    rows: Integers
    groups: Integers
    n_hits: Integers


class SeatrayHdf5Reader:
    """Opens HDF5 files that SeaTray's tableio wrote."""

    name = "seatray-hdf5"
    description = "HDF5 tables of SeaTray (tableio), with one row per event and reconstruction"
    suffixes = (".h5", ".hdf5")

    def sniff(self, head: bytes, path: Path) -> bool:
        """Say if the file is HDF5 with SeaTray's index of tables."""
        if not head.startswith(_MAGIC):
            return False
        try:
            with h5py.File(path, "r") as file:
                return isinstance(file.get(INDEX_GROUP), h5py.Group)
        except (OSError, RuntimeError, KeyError):
            return False

    def open(self, path: Path, options: ReadOptions) -> "SeatrayHdf5File":
        """Open the file and find its events.

        Raises
        ------
        CorruptInputError
            The file is damaged, or has no table with one row per event.
        InputError
            The fit asked for is not in the file.
        """
        return SeatrayHdf5File(path, options)


class SeatrayHdf5File(OpenSource):
    """An open file. The keys of all events are in memory, about 50 bytes for each; the rows are not.

    Parameters
    ----------
    path
        The file.
    options
        What the user asked for: `reco` and `detector` matter here.
    """

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._path = path
        with damage_as_input_error(path, "its beginning"):
            self._file = h5py.File(path, "r")
        try:
            with damage_as_input_error(path, "its tables"):
                self._content = read_content(path, self._file)
                if not self._content.tables:
                    raise CorruptInputError(
                        path,
                        "no table with one row per event",
                        where="the root group",
                        expected="tables such as AafitFinalFit",
                        found=f"{len(self._content.several)} tables with several rows per event",
                        advice="`antares-legacy inspect` lists what is in it",
                    )
                self._antares = options.detector == "antares" or _names_antares(self._content)
                self._shown = _choose(path, self._content, options.reco)
                self._warnings: list[str] = []
                self._keys, self._placed = self._place()
        except BaseException:
            self._file.close()
            raise
        self._counts: dict[tuple[str, str], int] = {}
        self._absurd = 0

    def _place(self) -> tuple[Integers, tuple[_Placed, ...]]:
        tables = self._content.tables
        keys, groups = merge_events([table.keys for table in tables])
        placed = []
        for table, group in zip(tables, groups, strict=True):
            order = np.argsort(group, kind="stable")
            hits = self._hits_used(table) if table is self._shown else np.empty(0, dtype=np.int64)
            placed.append(_Placed(table, table.rows[order], group[order], hits[order] if len(hits) else hits))
            unkeyed = int(np.count_nonzero(table.keys[:, 2] < 0))
            if unkeyed and len(tables) > 1:
                self._warnings.append(f"{unkeyed} rows of {printable(table.name)} have no trigger counter")
        return keys, tuple(placed)

    def _hits_used(self, table: SourceTable) -> Integers:
        """Count the hits of a fit's frames through the index of its table of used hits.

        Returns
        -------
        numpy.ndarray
            One number per existing row of `table`, -1 where there are none; empty if the file has no such
            table, or one whose frames are not those of `table`.
        """
        name = table.name + _HITS_USED
        nothing = np.empty(0, dtype=np.int64)
        fits, hits = (own_dataset(self._file, f"{INDEX_GROUP}/{n}") for n in (table.name, name))
        if name not in self._content.several or fits is None or hits is None:
            return nothing
        if len(fits) != len(hits):
            self._warnings.append(f"{printable(name)} has other frames than the fit: its hits are not counted")
            return nothing
        counts = [nothing]
        for frame, used in zip(
            blocks(fits, ("Run", "Event", "exists"), _BATCH),
            blocks(hits, ("Run", "Event", "exists", "start", "stop"), _BATCH),
            strict=True,
        ):
            same = (frame["Run"] == used["Run"]) & (frame["Event"] == used["Event"])
            size = used["stop"].astype(np.int64) - used["start"].astype(np.int64)
            whole = (used["exists"] != 0) & (used["stop"] <= self._content.several[name])
            counted = np.where(same & whole & (size > 0), size, -1)
            counts.append(counted[frame["exists"] != 0])
        return np.concatenate(counts)

    @property
    def facts(self) -> SourceFacts:
        """What is known about the whole file."""
        simulated = any("MC" in name for name in self._content.names)
        shown = self._shown.reco if self._shown else "none"
        remarks = ["zenith and azimuth are those of the particle's origin, as the source describes them"]
        if self._antares:
            remarks.append(
                "positions are UTM coordinates of the source less those of the detector's site, and heights "
                "above the nominal sea floor at 2475 m depth; the numbers of the source are in /reco"
            )
        if self._shown:
            remarks.append(f"{shown}: {self._shown.spec.description}")
        return SourceFacts(
            format=SeatrayHdf5Reader.name,
            kind="mc" if simulated else "data",
            detector="antares" if self._antares else "",
            n_events=len(self._keys),
            default_reco=shown,
            remarks=tuple(remarks),
        )

    def batches(self) -> Iterator[Batch]:
        """Yield the events, in the order in which the tables have them.

        Raises
        ------
        CorruptInputError
            A part of the file cannot be read.
        """
        for first in range(0, len(self._keys), _BATCH):
            keys = self._keys[first : first + _BATCH]
            events: dict[str, Column] = {
                "run_id": keys[:, 0],
                "frame_index": keys[:, 1],
                "trigger_counter": keys[:, 2],
                "reco": np.full(len(keys), b"none", dtype=f"S{_RECO_WIDTH}"),
            }
            tables = []
            for placed in self._placed:
                part = slice(*np.searchsorted(placed.groups, (first, first + len(keys))).tolist())
                with damage_as_input_error(self._path, f"table {printable(placed.table.name)}"):
                    rows = self._read(placed, part)
                tables.append(Table(placed.table.spec, rows))
                if placed.table is self._shown:
                    self._show(events, placed, part, rows, first)
            yield Batch(first, len(keys), events, tuple(tables))

    def _read(self, placed: _Placed, part: slice) -> StructuredArray:
        table = placed.table
        found = read_rows(self._file[table.name], ("exists", *table.fields), placed.rows[part])
        rows = table.spec.blank(len(found))
        rows["group_id"] = placed.groups[part]
        for column, field in zip(table.spec.columns[1:], table.fields, strict=True):
            values = found[field]
            if values.dtype == np.uint64 and np.any(values > np.iinfo(np.int64).max):
                raise OverflowError(f"{field} does not fit into a signed integer")
            rows[column.name] = values
            count = int(np.count_nonzero(column.present(rows[column.name])))
            self._counts[table.name, field] = self._counts.get((table.name, field), 0) + count
        return rows

    def _show(self, events: dict[str, Column], placed: _Placed, part: slice, rows: StructuredArray, first: int) -> None:
        """Add the columns of ``/events`` that come from the fit shown.

        A fit that failed is none: what it left is in ``/reco`` only. So are infinite numbers.
        """
        fields = dict(zip(placed.table.fields, (column.name for column in placed.table.spec.columns[1:]), strict=True))
        good = rows[fields[_STATUS]] <= 0 if _STATUS in fields else np.full(len(rows), True)  # 0 is good, -1 not set
        here = rows["group_id"][good] - first
        fit = {field: rows[column][good] for field, column in fields.items()}
        columns = fit_columns(fit, antares=self._antares)
        if len(placed.n_hits):
            given = columns.get("n_hits", np.full(len(here), -1, dtype=np.int64))
            columns["n_hits"] = np.where(given < 0, placed.n_hits[part][good], given)
        if "zenith" in columns:
            given = ~(np.isnan(fit["zenith"]) | np.isnan(fit["azimuth"]))
            self._absurd += int(np.count_nonzero(given & np.isnan(columns["zenith"])))
        finite = {
            name: np.where(np.isfinite(values), values, np.nan) if values.dtype.kind == "f" else values
            for name, values in columns.items()
        }
        show_fit(events, placed.table.reco, finite, here)

    def coverage(self) -> tuple[CoverageRow, ...]:
        """Say what became of every table and column."""
        found = [CoverageRow(f"{printable(n)}", -1, "", "no table of SeaTray's frames") for n in self._content.foreign]
        for name, count in self._content.several.items():
            note = "several rows per event: counted, not kept, level 3 has no hits"
            used = any(len(placed.n_hits) and name == placed.table.name + _HITS_USED for placed in self._placed)
            found.append(CoverageRow(printable(name), count, "/events.n_hits" if used else "", note))
        if INDEX_GROUP in self._file:
            note = "used to find the rows of each event"
            found.append(CoverageRow(INDEX_GROUP, len(self._file[INDEX_GROUP]), "", note))
        for table in self._content.tables:
            found.extend(self._table_coverage(table))
        return tuple(sorted(found, key=lambda row: row.field))

    def _table_coverage(self, table: SourceTable) -> Iterator[CoverageRow]:
        name = printable(table.name, 60)
        shown = shown_fields(self._antares) if table is self._shown else {}
        for field, target in zip(KEY, ("run_id", "frame_index", "trigger_counter"), strict=True):
            yield CoverageRow(f"{name}.{field}", len(table.rows), f"/events.{target}")
        yield CoverageRow(
            f"{name}.exists",
            len(table.rows) + table.empty,
            "",
            f"{table.empty} rows are empty frames: dropped",
        )
        for column, field in zip(table.spec.columns[1:], table.fields, strict=True):
            count = self._counts.get((table.name, field), 0)
            notes = [f"also {shown[field]}"] if field in shown else []
            if field.startswith("is") and column.dtype == "i8":
                notes.append("0 can mean not filled: not interpreted")
            target = f"{table.spec.path}.{column.name}" if count else ""
            note = "; ".join(notes) if count else "no event has a value"
            yield CoverageRow(f"{name}.{printable(field, 30)}", count, target, note)
        for field in table.skipped:
            yield CoverageRow(f"{name}.{printable(field, 30)}", -1, "", "neither a number nor a text: not kept")

    def warnings(self) -> tuple[str, ...]:
        """Say what the user should know."""
        absurd = f"{self._absurd} directions are outside of the sphere: missing in /events, as found in /reco"
        return (*self._warnings, absurd) if self._absurd else tuple(self._warnings)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _names_antares(content: Content) -> bool:
    return any(name.startswith(_ANTARES_TABLES) for name in content.names)


def _choose(path: Path, content: Content, asked: str | None) -> SourceTable | None:
    """Return the table whose fit ``/events`` shows, None for none."""
    fits = {t.reco: t for t in content.tables if {"zenith", "azimuth"} <= set(t.fields) and len(t.reco) <= _RECO_WIDTH}
    return None if asked == NO_FIT else fits.get(choose_fit(path, list(fits), asked, _PREFERRED))
