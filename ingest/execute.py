"""Do what the plan says, one chunk at a time, and read it back.

Every call may be repeated without harm, so a run that was killed anywhere is finished by running it again:
replicas are declared before they are described, described before they are attached, and a file is done only
when Rucio has been asked again and holds all of it.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ingest.bisection import send_all
from ingest.catalogue import Catalogue
from ingest.catalogue_errors import RefusedError
from ingest.catalogue_types import NewReplica
from ingest.datasets import Datasets
from ingest.item import Item
from ingest.journal import State
from ingest.knowledge import Inquirer
from ingest.plan import Action, Candidate, Known, Step, plan_chunk
from ingest.schemas import MEASURED
from ingest.storage.contract import ReadStoppedError
from ingest.storage.opened import storage_of
from legacy.errors import InputError

Bring = Callable[[Candidate], Candidate]
"""Copies a file to where the RSE wants it; returns it with the checksums of what was copied."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file.

    Parameters
    ----------
    step
        What was to be done; its candidate has the final checksums.
    state
        How far it came.
    error
        Why it is not done.
    """

    step: Step
    state: State
    error: str = ""

    def to_dict(self) -> dict[str, object]:
        """Return the outcome for JSON, as one line of a log."""
        return {**self.step.to_dict(), "event": "file", "state": str(self.state), "error": self.error or None}


@dataclass(frozen=True, slots=True)
class Executor:
    """Carries out steps. Threads may share it.

    Parameters
    ----------
    catalogue, inquirer, datasets
        Of the run.
    scope, rse
        Of the run.
    containers_of
        Item -> its containers: the first holds the dataset, each next one holds the one before.
    bring
        How files get to the RSE; None where they are there.
    jobs
        Threads that copy.
    stop
        Tells that the run is to end: no copy is begun then, and those under way are given up.
    """

    catalogue: Catalogue
    inquirer: Inquirer
    datasets: Datasets
    scope: str
    rse: str
    containers_of: Callable[[Item], tuple[str, ...]]
    bring: Bring | None = None
    jobs: int = 1
    stop: Callable[[], bool] = lambda: False
    _links: set[tuple[str, str]] = field(default_factory=set)
    _links_lock: threading.Lock = field(default_factory=threading.Lock)

    def execute(self, steps: Sequence[Step]) -> list[Outcome]:
        """Carry out the steps of a chunk.

        Returns
        -------
        list of Outcome
            One for each step, in the same order; those that were not copied because the run is to end are left out.

        Raises
        ------
        MachineError
            The server is away or denies everything; the chunk may be half done and can be repeated.
        """
        errors: dict[str, str] = {}
        work = [step for step in steps if step.changes]
        if self.bring is not None:
            work = self._bring(work, self.bring, errors)
        _look_again(_good(work, errors), errors)
        self._declare(_good(work, errors), errors)
        # Before it is attached: in a dataset, each `events` that is set makes Rucio add up the whole dataset.
        self._describe(_good(work, errors), errors)
        self._attach(_good(work, errors), errors)
        states = self._read_back(_good(work, errors), errors)
        final = {step.name: step for step in work}
        # A refused file may have the name of another one, so only what was worked on is looked up by name.
        return [
            _outcome(final[step.name], states, errors) if step.changes else _unchanged(step)
            for step in steps
            if not step.changes or step.name in final
        ]

    def _bring(self, work: Sequence[Step], bring: Bring, errors: dict[str, str]) -> list[Step]:
        def brought(step: Step) -> Step | None:
            if not step.replica:
                return step
            try:
                if self.stop():
                    return None
                candidate = bring(step.candidate)
            except ReadStoppedError:
                return None
            except (InputError, RefusedError) as error:
                errors[step.name] = str(error)
                return step
            measured = {key: candidate.item.metadata[key] for key in MEASURED if key in candidate.item.metadata}
            return replace(step, candidate=candidate, metadata={**step.metadata, **measured})

        with ThreadPoolExecutor(self.jobs, thread_name_prefix="copy") as pool:
            return [step for step in pool.map(brought, work) if step is not None]

    def _declare(self, work: Sequence[Step], errors: dict[str, str]) -> None:
        new = [_new_replica(step.candidate) for step in work if step.replica]
        refused = send_all(new, lambda some: self.catalogue.add_replicas(self.rse, self.scope, some))
        errors.update({replica.name: str(error) for replica, error in refused})

    def _describe(self, work: Sequence[Step], errors: dict[str, str]) -> None:
        values = [(step.name, step.metadata) for step in work if step.metadata]
        refused = send_all(values, lambda some: self.catalogue.set_metadata(self.scope, dict(some)))
        errors.update({name: str(error) for (name, _), error in refused})

    def _attach(self, work: Sequence[Step], errors: dict[str, str]) -> None:
        members: dict[str, list[str]] = defaultdict(list)
        chains: dict[str, tuple[str, ...]] = {}
        for step in work:
            if step.dataset:
                members[step.dataset].append(step.name)
                chains[step.dataset] = self.containers_of(step.candidate.item)
        if not members:
            return
        missing = [dataset for dataset in members if not self.datasets.exists(dataset)]
        self.catalogue.add_collections(self.scope, missing, "dataset")
        for (name, _), problem in send_all(list(chains.items()), lambda some: self._link(dict(some))):
            errors.update(dict.fromkeys(members.pop(name), str(problem)))

        def attach(some: Sequence[tuple[str, list[str]]]) -> None:
            self.catalogue.attach(self.scope, dict(some))

        refused = send_all(list(members.items()), attach)
        for (dataset, names), error in refused:
            del members[dataset]
            errors.update(dict.fromkeys(names, str(error)))
        self.datasets.note_attached(members)

    def _link(self, chains: Mapping[str, tuple[str, ...]]) -> None:
        """Put datasets into their containers, and those into theirs, once in a run."""
        with self._links_lock:
            wanted = {
                (parent, child)
                for dataset, containers in chains.items()
                for child, parent in zip((dataset, *containers), containers, strict=False)
            } - self._links
            known = {parent for parent, _ in self._links}
            self.catalogue.add_collections(self.scope, sorted({parent for parent, _ in wanted} - known), "container")
            children: dict[str, list[str]] = defaultdict(list)
            for parent, child in sorted(wanted):
                children[parent].append(child)
            if children:
                self.catalogue.attach(self.scope, children)
            self._links.update(wanted)

    def _read_back(self, work: Sequence[Step], errors: dict[str, str]) -> dict[str, State]:
        """Plan once more with what Rucio holds now: nothing may be left to do."""
        if not work:
            return {}
        candidates = [step.candidate for step in work]
        states: dict[str, State] = {}
        known: Known = self.inquirer.read_back(candidates)
        for step in plan_chunk(candidates, known):
            if step.action == Action.SKIP:
                states[step.name] = State.DONE
                continue
            errors[step.name] = f"Rucio accepted it, but holds something else now: {step.reason or step.action}"
            if step.action == Action.CONFLICT:
                states[step.name] = State.CONFLICT
        return states


def _look_again(work: Sequence[Step], errors: dict[str, str]) -> None:
    """Find files that have changed since they were hashed, which may be hours ago in a chunk of large files."""
    for step in work:
        candidate = step.candidate
        if step.replica and candidate.stat is not None:
            location = candidate.item.location
            try:
                stat = storage_of(location).stat(location)
            except InputError as error:
                errors[step.name] = str(error)
                continue
            if (stat.size, stat.mtime_ns) != (candidate.stat.size, candidate.stat.mtime_ns):
                errors[step.name] = "the file has changed since it was read; run the same command again"


def _good(work: Sequence[Step], errors: Mapping[str, str]) -> list[Step]:
    return [step for step in work if step.name not in errors]


def _new_replica(candidate: Candidate) -> NewReplica:
    sums = candidate.sums
    return NewReplica(candidate.item.name, sums.size, sums.adler32, sums.md5, candidate.declared_pfn)


def _unchanged(step: Step) -> Outcome:
    states = {Action.SKIP: State.DONE, Action.CONFLICT: State.CONFLICT, Action.REFUSE: State.REFUSED}
    return Outcome(step, states[step.action], step.reason)


def _outcome(step: Step, states: Mapping[str, State], errors: Mapping[str, str]) -> Outcome:
    return Outcome(step, states.get(step.name, State.FAILED), errors.get(step.name, ""))
