"""The tables of a SeaTray tableio HDF5 file: which there are, their columns, and the events in them.

Layout (facts from ``seatray/antares.h5`` of km3net-testdata): every dataset in the root group is one object
of the frames, with the columns Run, Event, exists and TriggerCounter first. ``__I3Index__/<name>`` has the
row range of each frame. The attribute ``__I3RaggedTable__`` is 1 where a frame has several rows. Rows with
``exists`` = 0 are frames without the object; everything in them is 0.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from converters.layout import reco_table
from converters.readers.safe_names import printable, safe_name, snake_case
from legacy.errors import CorruptInputError, InputError
from legacy.model import ColumnSpec, StructuredArray, TableSpec

Integers = NDArray[np.int64]

INDEX_GROUP = "__I3Index__"
KEY = ("Run", "Event", "TriggerCounter")
_NOT_DATA = frozenset({*KEY, "exists"})
_RAGGED = "__I3RaggedTable__"
_RECO_NAMES = {
    "AafitFinalFit": "aafit",
    "BBFitTrack": "bbfit_track",
    "BBFitBright": "bbfit_bright",
    "GridFit_FinalFitResult": "gridfit",
}
_DESCRIPTIONS = {
    "aafit": "AAFit muon track; quality is Lambda, higher is better",
    "bbfit_track": "BBFit muon track; quality is like a chi2, lower is better",
    "bbfit_bright": "BBFit bright point; quality is like a chi2, lower is better",
    "gridfit": "GridFit muon track",
}
_UNITS = {
    "": "",
    "m": "m",
    "ns": "ns",
    "s": "s",
    "GeV": "GeV",
    "Gm/s": "Gm/s",
    "radian": "rad",
    "rad": "rad",
    "degree": "deg",
    "deg": "deg",
    # counts, flags and charges in photoelectrons are plain numbers in VOUnits
    "bool": "",
    "generic": "",
    "pe": "",
    "PE": "",
}
_UCDS = {
    "zenith": "pos.az.zd",
    "azimuth": "pos.az.azi",
    "energy": "phys.energy",
    "quality": "stat.fit.goodness",
}
_BLOCK_BYTES = 4 << 20
_MAX_CHUNK = 256 << 20
_DEFLATE_RATIO = 1100
"""Deflate packs at most 1032 to 1 (RFC 1951); a table that claims to be larger than that is no table."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table with one row per event.

    Parameters
    ----------
    name
        Its name in the source.
    spec
        The table it becomes.
    fields
        Source name of each column of `spec`, without ``group_id``.
    skipped
        Columns that are no plain numbers or texts.
    rows
        Number of each row that exists, in file order.
    keys
        Shape (n, 3): Run, Event and TriggerCounter of these rows.
    empty
        Number of rows with ``exists`` = 0.
    """

    name: str
    spec: TableSpec
    fields: tuple[str, ...]
    skipped: tuple[str, ...]
    rows: Integers
    keys: Integers
    empty: int

    @property
    def reco(self) -> str:
        """Name of the fit: the last part of the table's path."""
        return self.spec.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds.

    Parameters
    ----------
    tables
        Those with one row per event.
    several
        Number of rows, by name, of those with several rows per event.
    foreign
        Names of everything else in the root group.
    """

    tables: tuple[SourceTable, ...]
    several: dict[str, int]
    foreign: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all I3 tables."""
        return (*(table.name for table in self.tables), *self.several)


@contextmanager
def damage_as_input_error(path: Path, where: str) -> Iterator[None]:
    """Turn what h5py raises for a damaged file into a `CorruptInputError`."""
    try:
        yield
    except InputError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise CorruptInputError(
            path,
            "damaged HDF5 file",
            where=where,
            found=printable(str(error), 200),
            advice="fetch it again and compare its checksum",
        ) from error


def read_content(path: Path, file: Any) -> Content:
    """Find all tables and the events in them.

    Parameters
    ----------
    path
        The file, for messages.
    file
        The open h5py.File.

    Raises
    ------
    CorruptInputError
        A table and its index disagree, or a table claims an impossible size.
    """
    tables: list[SourceTable] = []
    several: dict[str, int] = {}
    foreign: list[str] = []
    taken: set[str] = set()
    for name in file:
        if name == INDEX_GROUP:
            continue
        dataset = own_dataset(file, name)
        if dataset is None:
            foreign.append(name)
            continue
        check_size(path, dataset)
        index = own_dataset(file, f"{INDEX_GROUP}/{name}")
        if index is not None:
            check_size(path, index)
        if _is_ragged(dataset, index):
            several[name] = len(dataset)
            continue
        reco = safe_name(_RECO_NAMES.get(name) or snake_case(name), taken)
        taken.add(reco)
        tables.append(_event_table(path, name, reco, dataset, index))
    return Content(tuple(tables), several, tuple(foreign))


def own_dataset(file: Any, name: str) -> Any:
    """Return the dataset if it has SeaTray's key and lies in this very file, else None."""
    group, _, last = name.rpartition("/")
    parts = (group, name) if group else (last,)
    if not all(isinstance(file.get(part, getlink=True), h5py.HardLink) for part in parts):
        return None  # missing, or a link, which may lead to any other file of this machine
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.is_virtual or dataset.external:
        return None
    fields = dataset.dtype.names or ()
    return dataset if dataset.ndim == 1 and {"Run", "Event", "exists"} <= set(fields) else None


def check_size(path: Path, dataset: Any) -> None:
    """Refuse a dataset that claims more than its bytes in the file can hold.

    Raises
    ------
    CorruptInputError
        It does.
    """
    size = len(dataset) * dataset.dtype.itemsize
    chunk = (dataset.chunks or (0,))[0] * dataset.dtype.itemsize
    if size > _DEFLATE_RATIO * (dataset.id.get_storage_size() + 1024) or chunk > _MAX_CHUNK:
        raise CorruptInputError(
            path,
            "a table claims an impossible size",
            where=printable(dataset.name),
            expected=f"what {dataset.id.get_storage_size()} bytes in the file can hold",
            found=f"{size} bytes in chunks of {chunk}",
            advice="fetch it again and compare its checksum",
        )


def _rows_per_block(dataset: Any) -> int:
    return max(1, _BLOCK_BYTES // int(dataset.dtype.itemsize))


def blocks(dataset: Any, fields: Sequence[str], step: int = 0) -> Iterator[StructuredArray]:
    """Yield the named fields of all rows, `step` rows or some megabytes at a time."""
    step = step or _rows_per_block(dataset)
    view = dataset.fields(list(fields))
    for start in range(0, len(dataset), step):
        yield view[start : start + step]


def read_rows(dataset: Any, fields: Sequence[str], rows: Integers) -> StructuredArray:
    """Read some rows, block by block, in the order of `rows`."""
    step = _rows_per_block(dataset)
    view = dataset.fields(list(fields))
    result = np.empty(len(rows), dtype=view[:0].dtype)
    for block in np.unique(rows // step).tolist():
        wanted = np.flatnonzero(rows // step == block)
        start = int(rows[wanted].min())
        stop = int(rows[wanted].max()) + 1
        result[wanted] = view[start:stop][rows[wanted] - start]
    return result


def _is_ragged(dataset: Any, index: Any) -> bool:
    """Say if a frame can have several rows: from the table's own mark, else from the index."""
    mark = dataset.attrs.get(_RAGGED)
    if mark is not None:
        return bool(np.any(np.asarray(mark)))
    if index is None:
        return "vector_index" in dataset.dtype.names
    return any(np.any(part["stop"] - part["start"] > 1) for part in blocks(index, ("start", "stop")))


def _event_table(path: Path, name: str, reco: str, dataset: Any, index: Any) -> SourceTable:
    rows, keys = _existing(dataset)
    if index is not None:
        _check_index(path, name, index, rows)
    fields, skipped, columns = _columns(dataset)
    description = _DESCRIPTIONS.get(reco, f"Object {printable(name)} of the SeaTray frames")
    spec = reco_table(reco, columns, description)
    return SourceTable(name, spec, fields, skipped, rows, keys, len(dataset) - len(rows))


def _existing(dataset: Any) -> tuple[Integers, Integers]:
    """Return the numbers and the keys of the rows whose object exists."""
    known = [name for name in KEY if name in dataset.dtype.names]
    rows: list[Integers] = [np.empty(0, dtype=np.int64)]
    keys: list[Integers] = [np.empty((0, len(KEY)), dtype=np.int64)]
    start = 0
    for block in blocks(dataset, ("exists", *known)):
        found = np.flatnonzero(block["exists"])
        part = np.full((len(found), len(KEY)), -1, dtype=np.int64)
        for position, field in enumerate(KEY):
            if field in known:
                numbers = block[field][found]
                if numbers.dtype == np.uint64 and np.any(numbers > np.iinfo(np.int64).max):
                    raise OverflowError(f"{field} does not fit into a signed integer")
                part[:, position] = numbers
        rows.append(found + start)
        keys.append(part)
        start += len(block)
    return np.concatenate(rows), np.concatenate(keys)


def _check_index(path: Path, name: str, index: Any, rows: Integers) -> None:
    """Make sure that the index points to the very rows that exist."""
    single, starts = True, [np.empty(0, dtype=np.uint64)]
    for block in blocks(index, ("exists", "start", "stop")):
        frames = block[block["exists"] != 0]
        single &= bool(np.all(frames["stop"] - frames["start"] == 1))
        starts.append(frames["start"])
    pointed = np.concatenate(starts)
    if not single or not np.array_equal(pointed, rows):
        raise CorruptInputError(
            path,
            "a table and its index disagree",
            where=printable(f"{INDEX_GROUP}/{name}"),
            expected=f"one entry for each of the {len(rows)} rows with exists = 1",
            found=f"{len(pointed)} entries" if len(pointed) != len(rows) else "entries for other rows",
            advice="fetch it again and compare its checksum",
        )


def _columns(dataset: Any) -> tuple[tuple[str, ...], tuple[str, ...], tuple[ColumnSpec, ...]]:
    """Return the fields to keep, those that cannot be kept, and the columns they become."""
    fields: list[str] = []
    skipped: list[str] = []
    columns: list[ColumnSpec] = []
    attributes = _field_attributes(dataset)
    taken = {"group_id"}
    for name in dataset.dtype.names:
        if name in _NOT_DATA:
            continue
        dtype = _column_dtype(dataset.dtype[name])
        if not dtype:
            skipped.append(name)
            continue
        column = safe_name(snake_case(name), taken)
        taken.add(column)
        unit, text = attributes.get(name, ("", ""))
        description = text or f"Field {printable(name)} of the source, which does not describe it"
        if unit not in _UNITS:
            description += f" (unit in the source: {printable(unit, 20)})"
        fields.append(name)
        columns.append(ColumnSpec(column, dtype, _UNITS.get(unit, ""), description, _UCDS.get(column, "")))
    return tuple(fields), tuple(skipped), tuple(columns)


def _field_attributes(dataset: Any) -> dict[str, tuple[str, str]]:
    """Return unit and description of each field, from the attributes ``FIELD_n_*``."""
    found: dict[str, tuple[str, str]] = {}
    for number in range(len(dataset.dtype.names)):
        name, unit, text = (_text(dataset.attrs.get(f"FIELD_{number}_{part}", b"")) for part in ("NAME", "UNIT", "DOC"))
        found[name] = (unit, printable(text, 300))
    return found


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _column_dtype(dtype: np.dtype[Any]) -> str:
    """Return the dtype of the column for a field, ``""`` if it is no plain number or text.

    Integers and flags become signed 8-byte integers, so that -1 can stand for a missing value.
    """
    if dtype.shape or dtype.hasobject:
        return ""
    if dtype.kind == "f" and dtype.itemsize <= 8:
        return "f4" if dtype.itemsize <= 4 else "f8"
    if dtype.kind in "iub":
        return "i8"
    return f"S{dtype.itemsize}" if dtype.kind == "S" and 0 < dtype.itemsize <= 4096 else ""
