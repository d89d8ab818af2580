"""Checks an image against its own manifest: no source is needed.

What is found: files that are missing, changed, cut short or too many; parts whose rows and columns are not those of
the manifest; rows that point to values which are not there; and books that disagree with the manifest. Where SQLite
files alone have the rows, the digest of each table tells which tables of a changed file are still good. What cannot be
found: that the image never was what the source had. That is for `dbdump.verify.levels`, while there is a source.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from dbdump.errors import ImageError
from dbdump.image import LOBS, Image, ImageTable, SqliteRows
from dbdump.sqlite.restore import check_table
from dbdump.stored import Form
from dbdump.verify.books import check_books
from dbdump.verify.canon import digested
from dbdump.verify.digest import hashing, start_digest
from dbdump.verify.files import COPY, Files, OnBytes, check_files
from dbdump.verify.levels import chosen, fault_of, problem_of
from dbdump.verify.lobfiles import LobFiles
from dbdump.verify.report import Fault, Report, TableReport
from dbdump.verify.rows import batches, open_part

_SHOWN = 10
"""Rows of a table with wrong references that are named."""


def verify_offline(
    image: Image, *, tables: Sequence[str] = (), jobs: int = 2, on_bytes: OnBytes | None = None
) -> Report:
    """Check an image that was opened, which has proved that its manifest is as it was written.

    Parameters
    ----------
    image
        The image.
    tables
        Names of tables: only their files are looked at then.
    jobs
        Files that are hashed at once.
    on_bytes
        Called after each file that was hashed, with its bytes and the number of faults so far.

    Returns
    -------
    Report

    Raises
    ------
    ImageError
        A table that was named is not in the image.
    OSError
        The folder cannot be read.
    """
    wanted = chosen(image, tables)
    only = {path for table in wanted for path in _paths(table)} if tables else None
    files = check_files(image, only, jobs, on_bytes)
    parts = {part.file.path: table.name for table in image.manifest.tables for part in table.parts}
    lobs = _Lobs(files)
    reports = tuple(_table(image, table, files, lobs) for table in wanted)
    notes = []
    faults = [fault for path, fault in sorted(files.faults.items()) if path not in parts]
    if tables:
        notes.append("only the files of the tables that were named were looked at")
    else:
        faults += [
            *lobs.not_used(image, all_read=not any(report.failed for report in reports)),
            *check_books(image, files),
        ]
    manifest = image.manifest
    return Report(
        str(image.folder),
        manifest.image_id,
        "offline",
        tables=reports,
        faults=tuple(faults),
        files=len(files.sums),
        size=files.size,
        notes=tuple(notes),
    )


def _table(image: Image, table: ImageTable, files: Files, lobs: "_Lobs") -> TableReport:
    faults: list[Fault] = []
    for part in table.parts:
        if not files.is_good(part.file.path):
            faults.append(files.faults[part.file.path])
            continue
        try:
            open_part(image, table, part).close()
        except ImageError as error:
            faults.append(fault_of(error))
    notes = [f"{table.name} is not in the image: {problem_of(table)}"] if table.problem else []
    if not faults:
        try:
            if table.sqlite is not None:
                notes += _check_sqlite(image, table, table.sqlite, files)
            faults += lobs.check(image, table)
        except ImageError as error:
            faults.append(fault_of(error))
    dumped, size = not table.problem, (table.rows, len(table.columns))
    return TableReport(str(table.name), *size, faults=tuple(faults), notes=tuple(notes), dumped=dumped)


def _paths(table: ImageTable) -> list[str]:
    return [part.file.path for part in table.parts] + ([table.sqlite.path] if table.sqlite else [])


def _check_sqlite(image: Image, table: ImageTable, rows: SqliteRows, files: Files) -> list[str]:
    """See that a SQLite file has the table, and in a changed file that the rows are as they were; raises ImageError."""
    check_table(image.folder, table)
    if files.is_good(rows.path):
        return []
    with ThreadPoolExecutor(1) as pool, hashing() as database:
        found = start_digest(pool, database, image, table, digested(table.columns), LobFiles(image))()
    if found != rows.digest:
        raise ImageError(f"{rows.path}: the rows of table {table.name} are not those that were written; {COPY}")
    return [f"{table.name}: its rows are as they were written (digest), although {rows.path} was changed"]


class _Lobs:
    """The files below ``lobs/``: which are there, and which no row points to."""

    def __init__(self, files: Files) -> None:
        names = {path.rpartition("/")[2]: size for path, size in files.present.items() if path.startswith(f"{LOBS}/")}
        self._sizes = names
        self._unused = set(names)

    def check(self, image: Image, table: ImageTable) -> list[Fault]:
        """Return what is wrong with the references of a table."""
        faults: list[Fault] = []
        for column in table.columns:
            if column.form != Form.LOB_FILE:
                continue
            sizes = [one.name for one in table.columns if one.column == column.column and one.form == Form.LOB_SIZE]
            faults += self._column(image, table, [column.name, *sizes])
        return faults

    def _column(self, image: Image, table: ImageTable, names: list[str]) -> list[Fault]:
        wrong: dict[str, Fault] = {}
        for part in table.slices:
            for batch in batches(image, table, part, names):
                pointing = batch.filter(batch.column(0).is_valid())
                columns = [column.to_pylist() for column in pointing.columns]
                for sha256, *size in zip(*columns, strict=True):
                    self._unused.discard(sha256)
                    problem = self._problem(sha256, size)
                    if problem and len(wrong) < _SHOWN:
                        place = f"{LOBS}/{sha256[:2]}/{sha256[:80]}"
                        told = f"{problem} (table {table.name}, column {names[0]})"
                        wrong.setdefault(sha256, Fault(place, told, COPY))
        return list(wrong.values())

    def _problem(self, sha256: str, size: list[int | None]) -> str:
        if sha256 not in self._sizes:
            return "it is missing, and a row points to it"
        if size and size[0] != self._sizes[sha256]:
            return f"it has {self._sizes[sha256]:,} bytes, and a row says {size[0]}"
        return ""

    def not_used(self, image: Image, *, all_read: bool) -> list[Fault]:
        """Return what the manifest and the rows do not know of the files that are there."""
        faults = []
        found = (len(self._sizes), sum(self._sizes.values()))
        if found != tuple(image.manifest.lobs):
            there, told = (f"{number:,} files of {size:,} bytes" for number, size in (found, image.manifest.lobs))
            faults.append(Fault(LOBS, f"{there}, the manifest says {told}", COPY))
        for name in sorted(self._unused)[:_SHOWN] if all_read else []:
            advice = "move it away, or run the same dump again, which removes it"
            faults.append(Fault(f"{LOBS}/{name[:2]}/{name}", "no row points to it", advice))
        return faults
