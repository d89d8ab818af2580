"""From an image to NetCDF files: checks everything first, then writes dataset after dataset with bounded memory."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dbdump.errors import ImageError, ValueLossError
from dbdump.image import Image
from dbdump.marine.counts import FileCounts
from dbdump.marine.mapping import Dataset, MappingFile
from dbdump.marine.netcdf import FileFacts, missing_attributes, write_netcdf
from dbdump.marine.position import Place, check_position, find_places
from dbdump.marine.report import DatasetReport, ExportReport, FileReport
from dbdump.marine.scratch import scratch_folder
from dbdump.marine.series import (
    Block,
    Key,
    as_profiles,
    cells_of,
    open_sorter,
    sort_rows,
    sorted_blocks,
    unique_rows,
    with_gaps,
)
from dbdump.marine.stage import Staged, check_columns, stage
from dbdump.marine.tables import TableReader, open_joined
from legacy import __version__
from legacy.atomic import atomic_file
from legacy.clock import now
from legacy.errors import MachineError, MissingDependencyError, UsageError, nearest, printable

if TYPE_CHECKING:
    import duckdb

LARGEST_PROFILE = 10_000
"""Cells of a profile."""
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]+")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Job:
    """One dataset, its table, and where its files go."""

    dataset: Dataset
    reader: TableReader
    target: Path
    single: bool


def export(
    image: Image, mapping: MappingFile, target: Path, *, only: Sequence[str] = (), say: Say = lambda _: None
) -> ExportReport:
    """Write the files of a mapping.

    Parameters
    ----------
    image
        Where the rows come from; the source of the image is not asked.
    mapping
        What is written.
    target
        A folder, or a name that ends in ``.nc`` when one file comes of it.
    only
        Names of datasets; empty for all.
    say
        Told each file that is written.

    Raises
    ------
    UsageError
        `only` names no dataset, or several files would have one name. Nothing was written.
    MetadataError
        The mapping does not fit the image. Nothing was written.
    ValueLossError
        Rows cannot be written as the mapping says. Files written before are whole.
    ImageError
        The image is damaged, or lacks a table.
    MachineError, OSError
        The files cannot be written.
    """
    datasets = _chosen(mapping, only)
    single = target.suffix == ".nc" and not target.is_dir()
    if single and len(datasets) > 1:
        names = ", ".join(each.name for each in datasets)
        raise UsageError(f"{target}: the mapping has several datasets ({names}); give a folder, or one with --only")
    jobs = []
    for dataset in datasets:
        reader = open_joined(image, dataset)
        check_columns(reader, dataset)
        check_position(image, dataset)
        jobs.append(_Job(dataset, reader, target, single))
    folder = target.parent if single else target
    folder.mkdir(parents=True, exist_ok=True)
    reports = [_export_dataset(image, mapping, job, folder, say) for job in jobs]
    return ExportReport(image.manifest.image_id, image.manifest.digest, mapping.sha256, tuple(reports))


def check_packages() -> None:
    """See that the optional packages are installed; raises MissingDependencyError."""
    for package in ("pyarrow", "duckdb", "netCDF4"):
        if find_spec(package) is None:
            raise MissingDependencyError("dbdump to-netcdf", "pip install 'antares-legacy[dbdump]'")


def _chosen(mapping: MappingFile, only: Sequence[str]) -> tuple[Dataset, ...]:
    names = [each.name for each in mapping.datasets]
    for name in only:
        if name not in names:
            raise UsageError(f"{mapping.path}: no dataset '{printable(name)}'; {nearest(name, names)}")
    return tuple(each for each in mapping.datasets if not only or each.name in only)


def _export_dataset(image: Image, mapping: MappingFile, job: _Job, folder: Path, say: Say) -> DatasetReport:
    import duckdb

    dataset = job.dataset
    with scratch_folder(folder) as scratch:
        rows = scratch / "rows.parquet"
        staged = stage(job.reader, dataset, rows)
        _check_stations(dataset, staged)
        places = find_places(image, dataset, staged)
        connection = open_sorter(scratch)
        try:
            files = _write_files(image, mapping, job, rows, connection, places, say)
        except duckdb.Error as error:  # sorting: a full disk, above all
            problem = printable(str(error).splitlines()[0])[:200]
            raise MachineError(f"{folder}: the rows cannot be sorted there ({problem}); see its free space") from error
        finally:
            connection.close()
    read = sum(each.counts.rows for each in files) + staged.left_out + staged.odd_times
    if read != staged.rows or staged.rows != job.reader.table.rows:
        raise ImageError(
            f"datasets.{dataset.name}: {job.reader.table.rows} rows in the table, {read} accounted for: please report"
        )
    return DatasetReport(dataset, staged, missing_attributes(dataset), tuple(files))


def _check_stations(dataset: Dataset, staged: Staged) -> None:
    where = f"datasets.{dataset.name}"
    if staged.rows == staged.left_out + staged.odd_times:
        raise ValueLossError(
            f"{where}: none of the {staged.rows} rows of {dataset.table} is left to write ({staged.left_out} are left "
            f"out by 'filter' and 'station.values', {staged.odd_times} by their times)"
        )
    lost = sorted(set(dataset.station.values) - staged.stations)
    if lost:
        advice = nearest(lost[0], sorted(staged.stations))
        raise ValueLossError(f"{where}.station.values: no row has '{printable(lost[0])}'; {printable(advice)}")


def _write_files(
    image: Image,
    mapping: MappingFile,
    job: _Job,
    rows: Path,
    connection: "duckdb.DuckDBPyConnection",
    places: dict[str, Place],
    say: Say,
) -> list[FileReport]:
    dataset = job.dataset
    cells = cells_of(connection, rows) if dataset.profile else {}
    names = _file_names(job, connection, rows)
    origin = {
        "tool": f"antares-legacy {__version__}",
        "image": f"image {image.manifest.image_id} of {image.manifest.server.kind} database",
        "manifest": image.manifest.digest,
        "mapping": mapping.sha256,
    }
    ordered = rows.with_name("sorted.parquet")
    sort_rows(connection, rows, ordered)
    files = []
    for key, group in groupby(sorted_blocks(ordered, dataset), key=lambda each: each[0]):
        path, counts = names[key], FileCounts()
        facts = FileFacts(
            dataset=dataset,
            identifier=_identifier(dataset, key),
            station=dataset.station.called(key[0]),
            place=places[key[0]],
            cells=cells.get(key[0]),
            origin=origin,
            created=now(),
        )
        blocks = _prepared((block for _, block in group), dataset, facts.cells, counts)
        with atomic_file(path) as part:
            try:
                write_netcdf(part, facts, blocks, counts)
            except RuntimeError as error:  # what the NetCDF library says of a full disk
                raise MachineError(f"{path}: cannot be written ({printable(str(error))[:200]})") from error
        say(f"wrote {path}: {counts.times} times")
        files.append(FileReport(path, facts.station, counts))
    return files


def _prepared(
    blocks: Iterator[Block], dataset: Dataset, cells: NDArray[np.float64] | None, counts: FileCounts
) -> Iterator[Block]:
    unique = unique_rows(blocks, dataset, counts)
    if cells is not None:
        if len(cells) > LARGEST_PROFILE:
            raise ValueLossError(
                f"datasets.{dataset.name}.profile: {len(cells)} different depths; a profile has the same cells each "
                "time: name the column with the number of the cell, and how it becomes a depth"
            )
        unique = as_profiles(unique, cells, counts)
    return with_gaps(unique, dataset, counts)


def _file_names(job: _Job, connection: "duckdb.DuckDBPyConnection", rows: Path) -> dict[Key, Path]:
    """Name all files before the first is written: two must not have one name."""
    found = connection.execute(
        "SELECT DISTINCT station, CASE WHEN $2 THEN year(make_timestamp(time)) ELSE 0 END AS y "
        "FROM read_parquet($1) ORDER BY ALL",
        [str(rows), job.dataset.per_year],
    ).fetchall()
    keys: list[Key] = [(station, int(year)) for station, year in found]
    if job.single:
        if len(keys) > 1:
            raise UsageError(f"{job.target}: dataset '{job.dataset.name}' makes {len(keys)} files; give a folder")
        return {keys[0]: job.target}
    names = {key: job.target / f"{_identifier(job.dataset, key)}.nc" for key in keys}
    taken: dict[str, Key] = {}
    for key, path in names.items():
        other = taken.setdefault(path.name.casefold(), key)
        if other != key:
            both = f"'{printable(other[0])}' and '{printable(key[0])}'"
            raise UsageError(f"{path}: the stations {both} would have the same file; take one at a time with 'values'")
    return names


def _identifier(dataset: Dataset, key: Key) -> str:
    """Return the name of a file without its suffix, which is ACDD's ``id`` too."""
    station, year = key
    parts = [dataset.name]
    if dataset.station.column:
        parts.append(_UNSAFE.sub("-", station.strip()) or "-")
    if year:
        parts.append(str(year))
    return "_".join(parts)
