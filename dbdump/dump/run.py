"""A dump from its beginning or from where it stopped: snapshot, plan, chunks, proof, the image's books."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dbdump.dump.finish import finish, settled
from dbdump.dump.journal import ChunkDone, ChunkGone, Expired, Forgotten, Journal, TableFailed
from dbdump.dump.lookback import look_back
from dbdump.dump.options import Content, Manner
from dbdump.dump.planfile import DumpPlan, read_plan, write_plan
from dbdump.dump.planner import Tell, assumes, make_plan, plan_again, source_id
from dbdump.dump.presence import is_whole, remove_leftovers
from dbdump.dump.proof import mark, prove_table
from dbdump.dump.worker import ChunkFailed, ChunkTask, Reach, dump_chunk, lend, take_back
from dbdump.errors import SnapshotExpiredError, TableError
from dbdump.image import CHECKSUMS, JOURNAL, MANIFEST, PLAN, Manifest, open_image
from dbdump.plan import Chunk, Snapshot, TablePlan
from dbdump.schema import TableName
from dbdump.seal import require_not_sealed
from dbdump.sources.contract import Source
from dbdump.sources.opening import Access, connect, modules_of, parse_url
from legacy.errors import AntaresLegacyError, UsageError
from legacy.executor import WorkerDiedError, run
from legacy.lock import folder_lock


class DumpStoppedError(AntaresLegacyError):
    """The run ended before the dump was complete; the same command goes on."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # that of what stopped it


@dataclass(frozen=True, slots=True)
class Told:
    """How a run tells people what it does.

    Parameters
    ----------
    say
        Takes a sentence.
    planning
        Takes what the planner does.
    total
        Takes the number of chunks of the run and their estimated bytes, before the first.
    chunk
        Takes each chunk that is done, its estimated bytes, and whether it was done by an earlier run.
    """

    say: Callable[[str], None]
    planning: Tell
    total: Callable[[int, int], None]
    chunk: Callable[[ChunkDone | ChunkFailed, Chunk, bool], None]


def dump(access: Access, folder: Path, content: Content, manner: Manner, told: Told) -> Manifest:
    """Dump a database, or go on with a dump.

    Parameters
    ----------
    access
        The source.
    folder
        The image; made if it is not there.
    content, manner
        The user's choices.
    told
        Where progress goes.

    Returns
    -------
    Manifest
        Of the image; not complete where tables could not be read.

    Raises
    ------
    UsageError
        The folder holds another dump, or something else.
    SourceError
        The source cannot be used.
    DumpStoppedError
        Something ended the run that is no fault of a table.
    MachineError
        Another run writes there.
    OSError
        The folder cannot be written to.
    """
    require_not_sealed(folder)
    _check_folder(folder)
    if (folder / MANIFEST).is_file():
        manifest = open_image(folder).manifest
        _check_same(read_plan(folder), access, content, folder)
        whole = settled(folder, manifest, told.say)
        if whole is not None:
            return whole
    folder.mkdir(parents=True, exist_ok=True)
    with folder_lock(folder):
        earlier = read_plan(folder) if (folder / PLAN).is_file() else None
        if earlier is not None:
            _check_same(earlier, access, content, folder)
        remove_leftovers(folder)
        journal = Journal(folder)
        source, work = connect(access), None
        try:
            failed = tuple(journal.progress.failed)
            snapshot = _see(source, folder, journal, manner, told)
            if earlier is None:
                plan = make_plan(source, _plain_url(access), content, told.planning, assume=True)
                write_plan(folder, plan)
            else:
                plan = _plan_again(source, earlier, failed, folder, journal, told)
            work = _Work(access, folder, plan, manner, journal, source, snapshot, told)
            # Until the end it would not be true; but a source that is away must not cost us a whole image.
            (folder / MANIFEST).unlink(missing_ok=True)
            proofs = look_back(source, plan, journal, manner.prove, told.say)
            work.read_all()
            proofs.update(work.prove())
            return finish(folder, work.plan, journal.progress, manner.prove, proofs, told.say)
        except SnapshotExpiredError as error:
            journal.add(Expired(str(error)))
            raise
        finally:
            if work is not None:
                work.source.close()
            source.close()
            journal.close()


def _plain_url(access: Access) -> str:
    return parse_url(access.url).render_as_string(hide_password=True)


def _check_folder(folder: Path) -> None:
    if not folder.exists() or (folder / PLAN).is_file():
        return
    if (folder / CHECKSUMS).is_file():
        raise UsageError(f"{folder}: a finished image without a plan; give another folder")
    # A run that ended before its plan was made leaves a journal; locks begin with a dot.
    if not folder.is_dir() or any(not (e.name.startswith(".") or e.name == JOURNAL) for e in folder.iterdir()):
        raise UsageError(f"{folder}: it is there and no image of ours; give an empty or a new folder")


def _check_same(plan: DumpPlan, access: Access, content: Content, folder: Path) -> None:
    if plan.source != source_id(_plain_url(access)):
        raise UsageError(f"{folder}: the dump in it is of another URL; give that one, or another folder")
    if plan.content != content:
        old, new = plan.content.told(), content.told()
        other = ", ".join(
            f"{key.replace('_', '-')} '{old[key]}', now '{new[key]}'" for key in old if old[key] != new[key]
        )
        raise UsageError(f"{folder}: the dump in it was begun with {other}; give the same, or another folder")


def _plan_again(
    source: Source, earlier: DumpPlan, failed: Collection[TableName], folder: Path, journal: Journal, told: Told
) -> DumpPlan:
    """Plan anew what could not be read; where that gives other columns or chunks, the old ones do not count."""
    plan = plan_again(source, earlier, failed, told.planning)
    before = {table.name: table for table in earlier.tables}
    for table in plan.tables:
        # First the journal: an old chunk must never count for a new plan.
        if before.get(table.name) != table:
            journal.add(Forgotten(table.name))
    if plan != earlier:
        write_plan(folder, plan)
    return plan


def _see(source: Source, folder: Path, journal: Journal, manner: Manner, told: Told) -> Snapshot:
    """Take part in the last snapshot if it still is one, else take a new one."""
    progress = journal.progress
    progress.failed.clear()  # what failed is tried again
    last = progress.snapshots[-1] if progress.snapshots else None
    if last is not None and last.mode == "scn" and manner.snapshot in ("", "scn"):
        try:
            # Only reading shows that a system change number is too old, and then perhaps not in the first table.
            if progress.expired:
                raise SnapshotExpiredError(progress.expired)
            source.join(last)
        except SnapshotExpiredError as error:
            told.say(f"the snapshot of the earlier run is gone ({error}); a new one is taken")
        else:
            return last
    allowed = source.facts().snapshots
    mode = manner.snapshot or (allowed[0] if allowed else "none")
    snapshot = source.begin(mode)
    if any(snapshot.is_elsewhere(earlier) for earlier in progress.snapshots):
        raise UsageError(
            f"{folder}: the dump in it is of another database than the one that is now behind this URL: its server or "
            "the database was made anew (restored, or moved to another server); give another folder"
        )
    journal.add(snapshot)
    return snapshot


@dataclass(slots=True)
class _Work:
    """One run over the chunks of a plan."""

    access: Access
    folder: Path
    plan: DumpPlan
    manner: Manner
    journal: Journal
    source: Source
    snapshot: Snapshot
    told: Told

    @property
    def _number(self) -> int:
        return len(self.journal.progress.snapshots) - 1

    def read_all(self) -> None:
        """Read every chunk that is not there yet, the largest first."""
        chunks = self.plan.chunks()
        self.told.total(len(chunks), sum(chunk.size for chunk in chunks))
        surprising = self._read(self.plan.tables)
        if surprising:
            self._read_otherwise(surprising)

    def _read_otherwise(self, surprising: dict[TableName, ChunkFailed]) -> None:
        """Look at the values of tables whose plan was an assumption that did not hold, and read them again."""
        if self.snapshot.mode == "none":
            self._connect_again()
        before = {table.name: table for table in self.plan.tables}
        self.plan = _plan_again(self.source, self.plan, surprising, self.folder, self.journal, self.told)
        again = [table for table in self.plan.tables if before.get(table.name) != table]
        for name in surprising.keys() - {table.name for table in again}:
            self.journal.add(TableFailed(name, surprising[name].problem))
        for table in again:
            self.told.say(f"{table.name}: it has values that its plain types do not hold: read again with others")
        for name, failed in self._read(again).items():
            self.journal.add(TableFailed(name, failed.problem))

    def _read(self, tables: Sequence[TablePlan]) -> dict[TableName, ChunkFailed]:
        """Read tables; return those with a value that their plan did not look for."""
        tasks = self._tasks(tables)
        assumed = {table.name for table in tables if assumes(self.source, table.schema)}
        surprising: dict[TableName, ChunkFailed] = {}
        for item, result in self._results(tasks):
            if isinstance(result, WorkerDiedError):
                advice = "it was killed twice, perhaps for want of memory: try --jobs 1"
                message = f"{item.chunk.table}: the process that read chunk {item.chunk.number} ended; {advice}"
                result = ChunkFailed(item.chunk.table, item.chunk.number, Reach.TABLE, message, 1)
            if isinstance(result, ChunkDone):
                self.journal.add(result)
            elif result.reach != Reach.TABLE:
                if result.reach == Reach.SNAPSHOT:
                    self.journal.add(Expired(result.problem))
                raise DumpStoppedError(result.problem, result.exit_code)
            elif result.misfit and result.table in assumed:
                surprising[result.table] = result
                continue
            elif result.table not in self.journal.progress.failed:
                self.journal.add(TableFailed(result.table, result.problem))
            self.told.chunk(result, item.chunk, False)
        return surprising

    def _tasks(self, tables: Sequence[TablePlan]) -> list[ChunkTask]:
        ours: list[ChunkTask] = []
        progress, jobs = self.journal.progress, self._jobs()
        rate = self.manner.max_mbps * 1e6 / jobs
        for table in tables:
            if table.name in progress.failed or not self._marked(table):
                continue
            for chunk in table.chunks:
                done = progress.done.get((table.name, chunk.number))
                if done is not None and is_whole(self.folder, table, done):
                    self.told.chunk(done, chunk, True)
                    continue
                if done is not None:
                    self.journal.add(ChunkGone(chunk.table, chunk.number))
                alone = TablePlan(table.schema, table.columns, (chunk,))
                threshold = self.plan.content.lob_threshold
                where = (self.access, self.snapshot, self._number, self.folder)
                ours.append(ChunkTask(*where, alone, chunk, threshold, rate, self.manner.patience))
        return sorted(ours, key=lambda task: -task.chunk.size)

    def _marked(self, table: TablePlan) -> bool:
        """Note the state of a table before it is read, where no snapshot will vouch for it."""
        wanted = self.snapshot.mode == "none" or self.manner.prove == "rowscn"
        if not wanted or self.manner.prove == "off" or table.name in self.journal.progress.marks:
            return True
        try:
            self.journal.add(mark(self.source, table, self.manner.prove))
        except TableError as error:
            self.journal.add(TableFailed(table.name, str(error)))
            return False
        return True

    def _jobs(self) -> int:
        """One session plans and holds the snapshot; where only that one may read, it reads."""
        if self.snapshot.mode == "readonly" and self.plan.server.kind == "oracle":
            return 1
        most = self.manner.max_sessions
        return max(1, min(self.manner.jobs, most - 1 if most > 1 else 1 if most == 1 else self.manner.jobs))

    def _results(self, tasks: list[ChunkTask]) -> Iterator[tuple[ChunkTask, ChunkDone | ChunkFailed | WorkerDiedError]]:
        jobs = min(self._jobs(), len(tasks))
        if jobs > 1:
            yield from run(dump_chunk, tasks, jobs, (dump_chunk.__module__, *modules_of(self.access)))
            return
        with self._lent():
            yield from run(dump_chunk, tasks, 1)

    @contextmanager
    def _lent(self) -> Iterator[None]:
        lend(self.access, self.source, self.snapshot)
        try:
            yield
        finally:
            take_back(self.access, self.source)

    def prove(self) -> dict[TableName, str]:
        """Show that the tables did not change while they were read, where no snapshot vouches for it."""
        proofs: dict[TableName, str] = {}
        if self.snapshot.mode != "none" or self.manner.prove == "off":
            return proofs
        self._connect_again()
        rows: dict[TableName, int] = defaultdict(int)
        for done in self.journal.progress.done.values():
            rows[done.table] += done.rows
        for number, table in enumerate(self.plan.tables):
            if table.name in self.journal.progress.failed:
                continue
            self.told.planning(f"proving {table.name}", number, len(self.plan.tables))
            before = self.journal.progress.marks[table.name]
            try:
                proofs[table.name] = prove_table(self.source, table, before, rows[table.name], self.manner.prove)
            except TableError as error:
                self.journal.add(Forgotten(table.name))
                self.journal.add(TableFailed(table.name, str(error)))
        return proofs

    def _connect_again(self) -> None:
        """Take a new connection: ours may be gone after the time that the workers read, or was lent and lost."""
        self.source.close()
        self.source = connect(self.access)
        self.source.join(self.snapshot)
