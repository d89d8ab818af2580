"""An ingest from end to end: chunks are planned one after the other while earlier ones are carried out."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice

from ingest.bring import bringer
from ingest.catalogue import Catalogue
from ingest.catalogue_errors import RefusedError
from ingest.catalogue_types import Connection, Rse
from ingest.datasets import Datasets
from ingest.execute import Executor, Outcome
from ingest.item import Item
from ingest.journal import Journal, Record, State, digest
from ingest.knowledge import Inquirer
from ingest.patience import Patience
from ingest.plan import Step
from ingest.planner import Planned, Planner
from ingest.report import Report
from ingest.schemas import load_schema
from ingest.settings import Settings, set_template
from ingest.survey import Surveyor
from legacy.errors import MachineError, UsageError, nearest

Tell = Callable[[Sequence[Outcome]], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an ingest goes to: a server, a scope, an RSE, all of which exist.

    Parameters
    ----------
    catalogue, connection
        The server.
    rse
        The RSE.
    settings
        How.
    """

    catalogue: Catalogue
    connection: Connection
    rse: Rse
    settings: Settings


def check_place(catalogue: Catalogue, connection: Connection, settings: Settings) -> Place:
    """Make sure that scope and RSE exist and take files.

    Raises
    ------
    UsageError
        No such scope or RSE, or the RSE does not fit the mode.
    MachineError
        The RSE is closed for writing.
    """
    scopes = catalogue.scopes()
    if settings.scope not in scopes:
        raise UsageError(f"no scope {settings.scope} at {connection.server}; {nearest(settings.scope, scopes)}")
    rse = catalogue.rse(settings.rse)
    if not rse.writable:
        raise MachineError(f"{rse.name} is closed for writing; ask the administrators of Rucio")
    if not rse.scheme:
        raise UsageError(f"{rse.name} has no protocol to write with; ask the administrators of Rucio for one")
    for expression in settings.rules:
        catalogue.check_rse_expression(expression)
    return Place(catalogue, connection, rse, settings)


def dry_run(items: Iterable[Item], place: Place, journal: Journal | None, patience: Patience) -> Iterator[Step]:
    """Yield what a run would do with each file; Rucio is only asked, and only files it knows are read."""
    planner, _, _ = _machinery(place, journal, patience, frugal=True)
    for chunk in _in_chunks(items, place.settings.chunk):
        yield from planner.plan(chunk).steps
        if patience.stop.is_set():
            return


def ingest(
    items: Iterable[Item], place: Place, journal: Journal, patience: Patience, report: Report, tell: Tell
) -> None:
    """Bring files into Rucio.

    Parameters
    ----------
    items
        The files; taken as needed.
    place
        Where they go.
    journal
        Keeps what was done.
    patience
        Its `stop` ends the run after the chunks that are under way.
    report
        Grows with each chunk that is done.
    tell
        Called for each chunk that is done.

    Raises
    ------
    MachineError
        The server stayed away, or denies everything. What was done until then is in the journal.
    """
    settings = place.settings
    planner, executor, datasets = _machinery(place, journal, patience, frugal=settings.mode == "copy")

    def finish(planned: Planned, future: Future[list[Outcome]]) -> None:
        outcomes = future.result()
        journal.put([_record(planned, outcome) for outcome in outcomes])
        report.add(outcomes)
        tell(outcomes)

    running: deque[tuple[Planned, Future[list[Outcome]]]] = deque()
    with ThreadPoolExecutor(settings.jobs, thread_name_prefix="ingest") as pool:
        try:
            for chunk in _in_chunks(items, settings.chunk):
                planned = planner.plan(chunk)
                running.append((planned, pool.submit(executor.execute, planned.steps)))
                while running and (running[0][1].done() or len(running) > settings.jobs):
                    finish(*running.popleft())
                if patience.stop.is_set():
                    report.interrupted = True
                    break
            while running:
                finish(*running.popleft())
        except BaseException:
            patience.stop.set()  # chunks that wait for the server need not wait longer
            for planned, future in running:
                if not future.cancel() and future.exception() is None:
                    finish(planned, future)
            raise
    _settle_datasets(place, datasets, report)


def _machinery(
    place: Place, journal: Journal | None, patience: Patience, *, frugal: bool
) -> tuple[Planner, Executor, Datasets]:
    catalogue, settings = place.catalogue, place.settings
    datasets = Datasets(catalogue, settings.scope, settings.dataset_files)
    inquirer = Inquirer(catalogue, settings.scope, settings.rse, datasets)
    surveyor = Surveyor(journal, settings.jobs, settings.sha256, settings.rehash, patience.stop.is_set)
    names = _Names(settings)
    planner = Planner(settings, place.rse, catalogue, inquirer, surveyor, journal, names.dataset, frugal, names.keys)
    executor = Executor(
        catalogue=catalogue,
        inquirer=inquirer,
        datasets=datasets,
        scope=settings.scope,
        rse=settings.rse,
        containers_of=names.containers,
        bring=bringer(settings, place.rse, catalogue, patience.stop.is_set) if settings.mode == "copy" else None,
        jobs=settings.jobs,
        stop=patience.stop.is_set,
    )
    return planner, executor, datasets


class _Names:
    """Names of datasets and containers from their templates."""

    def __init__(self, settings: Settings) -> None:
        schema = load_schema(settings.schema)
        self.keys = frozenset(schema.types)
        self._scope = settings.scope
        self._dataset = set_template(settings.dataset, schema) if settings.dataset else None
        self._containers = [set_template(text, schema) for text in settings.containers]

    def dataset(self, item: Item) -> str:
        """Return the dataset of a file, ``""`` for none."""
        return self._dataset.render({**item.metadata, "scope": self._scope}) if self._dataset else ""

    def containers(self, item: Item) -> tuple[str, ...]:
        """Return the containers of a file's dataset."""
        return tuple(template.render({**item.metadata, "scope": self._scope}) for template in self._containers)


def _in_chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    source = iter(items)
    while chunk := list(islice(source, size)):
        yield chunk


def _record(planned: Planned, outcome: Outcome) -> Record:
    candidate = outcome.step.candidate
    look = replace(planned.looks[candidate.item.location], sums=candidate.sums)
    if outcome.state == State.DONE:
        return look.record(State.DONE, pfn=candidate.pfn, metadata=digest(candidate.item.metadata))
    return look.record(outcome.state, error=outcome.error)


def _settle_datasets(place: Place, datasets: Datasets, report: Report) -> None:
    """Ask once more what is in the datasets that got files, and add the rules."""
    catalogue, scope = place.catalogue, place.settings.scope
    changed = datasets.changed()
    held = catalogue.files_of(scope, changed)
    for dataset in changed:
        lost = datasets.files_of(dataset) - held.get(dataset, set())
        if lost:
            report.problems.append(
                f"{scope}:{dataset}: Rucio accepted {len(lost)} files that are not in it now, such as "
                f"{min(lost)}; run the same command again"
            )
    for expression in place.settings.rules:
        for dataset in datasets.touched():
            try:
                catalogue.add_rule(scope, dataset, expression)
            except RefusedError as error:
                report.problems.append(str(error))
