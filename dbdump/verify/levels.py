"""Compares an image with its source, at one of four levels; each includes those below it.

0. rows: counted in the source, in the manifest, and in the footers of the Parquet parts, or in the SQLite file;
1. aggregates of every column;
2. an order-free digest of all rows;
3. every value, read from the source a second time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dbdump.errors import ImageError, TableError
from dbdump.image import Image, ImageTable
from dbdump.lobs import DEFAULT_THRESHOLD
from dbdump.plan import TablePlan
from dbdump.schema import TableName
from dbdump.sources.contract import Source
from dbdump.verify.aggregates import start_aggregates
from dbdump.verify.canon import digested
from dbdump.verify.compare import compare
from dbdump.verify.digest import hashing, start_digest
from dbdump.verify.lobfiles import LobFiles
from dbdump.verify.report import Difference, Fault, Report, TableReport
from dbdump.verify.reread import Reread
from dbdump.verify.rows import check_files, plan_of
from legacy.errors import UsageError

if TYPE_CHECKING:
    import duckdb

LEVELS = COUNTS, AGGREGATES, DIGEST, REREAD = 0, 1, 2, 3
DEFAULT_LEVEL = AGGREGATES
OnTable = Callable[[TableReport, int], None]
"""Takes the report of a table when it is done, and its bytes."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is verified.

    Parameters
    ----------
    level
        0 to 3.
    tables
        Names of tables, as ``SCHEMA.TABLE`` or ``TABLE``; empty for all.
    jobs
        Threads that read the image.
    """

    level: int = DEFAULT_LEVEL
    tables: tuple[str, ...] = ()
    jobs: int = 2


def verify(
    image: Image,
    source: Source,
    extent: Extent,
    *,
    plans: Sequence[TablePlan] = (),
    on_table: OnTable | None = None,
) -> Report:
    """Compare an image with its source.

    Parameters
    ----------
    image
        Its manifest is taken as it is; `dbdump.verify.offline` checks it.
    source
        Open, and not yet in a snapshot: one is taken where the account may.
    extent
        Level and tables.
    plans
        The chunks in which the tables were read, for level 3.
    on_table
        Called after each table.

    Returns
    -------
    Report

    Raises
    ------
    UsageError
        There is no such level.
    ImageError
        A table that was named is not in the image, or level 3 has no plan of it.
    dbdump.errors.SourceError
        The source is away.
    """
    if extent.level not in LEVELS:
        raise UsageError(f"there is no level {extent.level}; the levels are 0 to 3")
    tables = chosen(image, extent.tables)
    planned = _planned(image, tables, plans) if extent.level == REREAD else {}
    facts = source.facts()
    mode = facts.snapshots[0] if facts.snapshots else "none"
    source.begin(mode)
    reports = []
    with _pool(extent.jobs) as pool, _hashing(extent.level) as hashes:
        work = _Work(image, source, extent.level, planned, pool, LobFiles(image), hashes)
        for table in tables:
            report = work.table(table)
            reports.append(report)
            if on_table is not None:
                on_table(report, image.manifest.size_of(table))
    notes = [] if mode != "none" else ["the source was read without a snapshot: changes in the meantime may show"]
    named = f"{facts.kind} {facts.version}"
    manifest = image.manifest
    return Report(
        str(image.folder), manifest.image_id, str(extent.level), named, mode, tuple(reports), notes=tuple(notes)
    )


def chosen(image: Image, names: Sequence[str]) -> tuple[ImageTable, ...]:
    """Return the tables with these names, each once, or all of them; raises ImageError if there is none of a name."""
    if not names:
        return image.manifest.tables
    return tuple({table.name: table for table in map(image.table, names)}.values())


def fault_of(error: ImageError) -> Fault:
    """Return an error about a file of the image as an entry of a report."""
    path, _, problem = str(error).partition(": ")
    problem, _, advice = problem.rpartition("; ")
    return Fault(path, problem or advice, advice if problem else "")


def problem_of(table: ImageTable) -> str:
    """Return why a table was not dumped, without its name before it."""
    return table.problem.removeprefix(f"{table.name}: ")


def _planned(image: Image, tables: Sequence[ImageTable], plans: Sequence[TablePlan]) -> Mapping[TableName, TablePlan]:
    found = {plan.name: plan for plan in plans}
    for table in tables:
        if table.problem:
            continue
        plan = found.get(table.name)
        advice = "level 3 needs the plan with which the image was made; use level 2"
        if plan is None:
            raise ImageError(f"{image.folder}: plan.json has no table {table.name}; {advice}")
        known = {chunk.number for chunk in plan.chunks}
        if plan.columns != table.columns or not known.issuperset(part.chunk for part in table.slices):
            raise ImageError(f"{image.folder}: plan.json and manifest.json differ about {table.name}; {advice}")
    return found


@contextmanager
def _pool(jobs: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that do not keep a run alive that an error or Ctrl-C has ended."""
    pool = ThreadPoolExecutor(max(jobs, 1), thread_name_prefix="verify")
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _hashing(level: int) -> "Iterator[duckdb.DuckDBPyConnection | None]":
    if level < DIGEST:
        yield None
        return
    with hashing() as database:
        yield database


def _exact(table: ImageTable) -> TablePlan:
    """Return the table without the columns of which the image does not claim to have what the source has."""
    plan = plan_of(table)
    return replace(plan, columns=tuple(column for column in plan.columns if not column.lossy))


@dataclass(slots=True)
class _Table:
    """What is found about one table, as it grows."""

    name: str
    source_rows: int | None = None
    values: int = 0
    differences: list[Difference] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def differ(self, fact: str, source: str, image: str, hint: str = "") -> None:
        self.differences.append(Difference(self.name, "", fact, source, image, hint=hint))


@dataclass(frozen=True, slots=True)
class _Work:
    """The verification of one table after the other."""

    image: Image
    source: Source
    level: int
    plans: Mapping[TableName, TablePlan]
    pool: ThreadPoolExecutor
    lobs: LobFiles
    hashes: "duckdb.DuckDBPyConnection | None"

    def table(self, table: ImageTable) -> TableReport:
        found = _Table(str(table.name))
        if table.problem:
            found.differ("table", "there", "not dumped", problem_of(table))
        else:
            self._compare(table, found)
        return TableReport(
            found.name,
            table.rows,
            len(table.columns),
            found.source_rows,
            found.values,
            tuple(found.differences),
            tuple(found.faults),
            tuple(found.notes),
            dumped=not table.problem,
        )

    def _compare(self, table: ImageTable, found: _Table) -> None:
        """Do the levels in their order; what cannot be read ends the table, not the run."""
        self._footers(table, found)
        try:
            self._count(table, found)
            if found.faults:
                found.notes.append(f"{table.name}: only counted, because its files are damaged")
                return
            lossy = [column.name for column in table.columns if column.lossy]
            if lossy and self.level >= AGGREGATES:
                names = ", ".join(lossy)
                found.notes.append(f"{table.name}: not compared, as the dump could not have them exactly: {names}")
            if self.level >= AGGREGATES:
                self._aggregates(table, found)
            if self.level >= DIGEST:
                self._digest(table, found)
            if self.level >= REREAD:
                self._reread(table, found)
        except TableError as error:
            found.differ("table", "cannot be read", f"{table.rows:,} rows", str(error))
        except ImageError as error:
            found.faults.append(fault_of(error))

    def _footers(self, table: ImageTable, found: _Table) -> None:
        found.faults += map(fault_of, check_files(self.image, table))

    def _count(self, table: ImageTable, found: _Table) -> None:
        rows = self.source.count(table.schema)
        found.source_rows = rows
        if rows > table.rows:
            hint = f"the source has {rows - table.rows:,} more: added since the dump, or not read by it"
            found.differ("rows", f"{rows:,}", f"{table.rows:,}", hint)
        elif rows < table.rows:
            hint = f"the source has {table.rows - rows:,} fewer: deleted since the dump, or doubled by it"
            found.differ("rows", f"{rows:,}", f"{table.rows:,}", hint)

    def _aggregates(self, table: ImageTable, found: _Table) -> None:
        ours = start_aggregates(self.pool, self.image, table, self.lobs)
        plan = _exact(table)
        theirs = self.source.aggregates(plan)
        differences, notes = compare(found.name, plan.columns, theirs, ours())
        found.differences += differences
        found.notes += notes

    def _digest(self, table: ImageTable, found: _Table) -> None:
        plan = _exact(table)
        left_out = self.source.not_digested(plan)
        columns = tuple(column for column in digested(plan.columns) if column.name not in left_out)
        names = [column.name for column in digested(plan.columns) if column.name in left_out]
        if names:
            found.notes.append(f"{table.name}: not in the digest, as the source cannot hash them: {', '.join(names)}")
        if not columns or self.hashes is None:
            return
        ours = start_digest(self.pool, self.hashes, self.image, table, columns, self.lobs)
        theirs, mine = self.source.digest(plan, columns), ours()
        if theirs != mine:
            hint = "a value is in another row, or another; level 3 names it"
            found.differ("digest", theirs, mine, hint)

    def _reread(self, table: ImageTable, found: _Table) -> None:
        threshold = int(self.image.manifest.options.get("lob_threshold", DEFAULT_THRESHOLD))
        again = Reread(self.image, table, self.plans[table.name], self.lobs, threshold)
        try:
            again.compare(self.source)
        finally:
            found.values = again.values
            found.differences += again.differences
