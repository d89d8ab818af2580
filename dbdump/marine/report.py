"""What an export has done, for people and for programs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dbdump.marine.counts import FileCounts
from dbdump.marine.mapping import Dataset
from dbdump.marine.stage import Staged
from legacy.errors import printable


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file: where, of which station, and the counts."""

    path: Path
    station: str
    counts: FileCounts


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """One dataset: what its table had, what the mapping leaves open, and its files."""

    dataset: Dataset
    staged: Staged
    missing_attributes: tuple[str, ...]
    files: tuple[FileReport, ...]

    @property
    def unverified(self) -> tuple[str, ...]:
        """Vocabulary terms that nobody has looked up, written or not."""
        return tuple(dict.fromkeys(term for each in self.dataset.variables for term in each.unverified))

    @property
    def nameless(self) -> tuple[str, ...]:
        """Variables for which CF has no standard name."""
        return tuple(each.name for each in self.dataset.variables if each.standard_name is None)

    def to_dict(self) -> dict[str, object]:
        """Return the report as JSON has it."""
        return {
            "dataset": self.dataset.name,
            "table": self.dataset.table,
            "rows_in_table": self.staged.rows,
            "rows_left_out_by_filter": self.staged.left_out,
            "rows_dropped_without_time": self.staged.odd_times,
            "values_not_a_number": {name: number for name, number in self.staged.not_a_number.items() if number},
            "unverified_urns": list(self.unverified),
            "variables_without_standard_name": list(self.nameless),
            "recommended_attributes_missing": list(self.missing_attributes),
            "files": [
                {"path": str(each.path), "station": each.station, **each.counts.to_dict()} for each in self.files
            ],
        }

    def lines(self) -> Iterator[str]:
        """Yield what people should know, a line each."""
        staged, name = self.staged, self.dataset.name
        if staged.left_out:
            yield f"{name}: {staged.left_out} of {staged.rows} rows are left out by 'filter' and 'station.values'"
        if staged.odd_times:
            yield f"{name}: {staged.odd_times} rows without a possible time are dropped"
        for variable, number in staged.not_a_number.items():
            if number:
                yield f"{name}: {variable} has {number} values that are no number (NaN): missing in the file"
        for each in self.files:
            yield from (f"{printable(each.path.name)}: {text}" for text in _told(each.counts))
        if self.unverified:
            written = any(variable.unverified and variable.p01 + variable.p06 for variable in self.dataset.variables)
            verb = "written or left out" if written else "left out"
            yield (
                f"{name}: vocabulary terms that must be looked up at vocab.nerc.ac.uk, {verb}: "
                f"{', '.join(self.unverified)}"
            )
        if self.nameless:
            yield f"{name}: CF has no standard name for {', '.join(self.nameless)}; ACDD checkers note it"
        if self.missing_attributes:
            yield f"{name}: attributes that ACDD recommends are not set: {', '.join(self.missing_attributes)}"


def _told(counts: FileCounts) -> Iterator[str]:
    if counts.identical:
        yield f"{counts.identical} identical rows dropped"
    if counts.contradicting:
        yield f"{counts.contradicting} contradicting rows dropped, the first of each time kept"
    if counts.gap_count:
        gaps = "1 gap" if counts.gap_count == 1 else f"{counts.gap_count} gaps"
        yield f"{gaps}, {counts.filled_times} times filled in"
    if counts.absent_cells:
        yield f"{counts.absent_cells} cells of profiles have no row: missing"
    for name, each in counts.variables.items():
        if each.missing or each.out_of_range:
            yield f"{name}: {each.missing} of {each.values} values missing, {each.out_of_range} outside of the range"


@dataclass(frozen=True, slots=True)
class ExportReport:
    """All that was written, and of what."""

    image_id: str
    manifest_sha256: str
    mapping_sha256: str
    datasets: tuple[DatasetReport, ...]

    @property
    def files(self) -> tuple[FileReport, ...]:
        """All files, in order."""
        return tuple(file for dataset in self.datasets for file in dataset.files)

    def to_dict(self) -> dict[str, object]:
        """Return the report as JSON has it."""
        return {
            "image_id": self.image_id,
            "manifest_sha256": self.manifest_sha256,
            "mapping_sha256": self.mapping_sha256,
            "datasets": [each.to_dict() for each in self.datasets],
        }

    def lines(self) -> Iterator[str]:
        """Yield what people should know, a line each."""
        for each in self.datasets:
            yield from each.lines()
