"""Many conversions: workers, manifest, report. One bad file never stops the rest."""

import errno
import json
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from converters.inputs import LINKED_FOLDER, NOTHING_INSIDE, UNKNOWN_INSIDE, Job, Plan, named_as_events
from converters.pipeline import convert_one
from converters.registry import SUFFIXES
from converters.request import Outcome, Request
from legacy import __version__, manifest
from legacy.atomic import PART_SUFFIX, write_text
from legacy.clock import now
from legacy.errors import AntaresLegacyError, MachineError, NotConvertibleError, UnknownFormatError, printable
from legacy.executor import WorkerDiedError, run
from legacy.lock import LOCK_NAME, folder_lock

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_MACHINE = _DISK_FULL | {errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE}


@dataclass(frozen=True, slots=True)
class _Work:
    """A request as it travels to a worker."""

    request: Request
    named: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a run.

    Parameters
    ----------
    outcomes
        One for each input, in order of completion.
    started, stopped
        ISO 8601 UTC.
    seconds
        Wall time.
    manifest
        Path of the manifest.
    path
        Path of the report.
    """

    outcomes: tuple[Outcome, ...]
    started: str
    stopped: str
    seconds: float
    manifest: Path
    path: Path

    @property
    def counts(self) -> dict[str, int]:
        """Number of inputs by status."""
        return dict(sorted(Counter(outcome.status for outcome in self.outcomes).items()))

    @property
    def n_events(self) -> int:
        """Number of events in all products."""
        return sum(outcome.entry.n_events for outcome in self.outcomes if outcome.entry)

    @property
    def made(self) -> str:
        """What there is now, for people: ``42 events``, ``2 tables``, or both."""
        products = [outcome for outcome in self.outcomes if outcome.entry]
        nouns = sorted(Counter(outcome.noun for outcome in products if outcome.noun).items())
        parts = [f"{number} {noun[number != 1]}" for noun, number in nouns]
        if any(outcome.noun is None for outcome in products):
            parts = [f"{self.n_events} events", *parts]
        return ", ".join(parts) or "nothing made"

    @property
    def exit_code(self) -> int:
        """0 all good, 1 an input failed, 3 the machine failed."""
        return max((outcome.exit_code for outcome in self.outcomes), default=0)

    def to_dict(self) -> dict[str, object]:
        """Return the content of ``report.json``."""
        return {
            "software": "antares-legacy",
            "version": __version__,
            "started": self.started,
            "stopped": self.stopped,
            "seconds": round(self.seconds, 3),
            "inputs": len(self.outcomes),
            "counts": self.counts,
            "n_events": self.n_events,
            "manifest": self.manifest.name,
            "outcomes": [_outcome_dict(o) for o in sorted(self.outcomes, key=lambda o: str(o.source))],
        }


def _outcome_dict(outcome: Outcome) -> dict[str, object]:
    return {
        "source": printable(str(outcome.source)),
        "status": outcome.status,
        "product": outcome.entry.path if outcome.entry else None,
        "n_events": outcome.entry.n_events if outcome.entry else None,
        "reason": outcome.reason or None,
        "warnings": list(outcome.warnings),
        "seconds": round(outcome.seconds, 3),
    }


def attempt(work: _Work) -> Outcome:
    """Convert one file and turn every error into an outcome; runs in a worker process."""
    source, started = work.request.source, time.monotonic()
    try:
        return convert_one(work.request)
    except (NotConvertibleError, UnknownFormatError) as error:
        # A file found in a folder may be anything; one that the user named was meant to be converted, and one that is
        # called .evt or .i3 and has another content is damaged.
        damaged = isinstance(error, UnknownFormatError) and named_as_events(source.name)
        status, code = ("failed", 1) if work.named or damaged else ("skipped", 0)
        return Outcome(source, status, reason=str(error), exit_code=code, seconds=time.monotonic() - started)
    except AntaresLegacyError as error:
        reason, code = str(error), error.exit_code
    except OSError as error:
        reason, code = _os_reason(work.request, error), 3 if error.errno in _MACHINE else 1
    except MemoryError:
        reason, code = f"{source}: not enough memory; use fewer --jobs", 3
    except Exception as error:  # noqa: BLE001  one bad file never stops the rest, whatever it triggers
        reason = f"{source}: unexpected {type(error).__name__}: {error}; please report this with the file's format"
        code = 1
    seconds = time.monotonic() - started
    return Outcome(source, "failed", reason=printable(reason), exit_code=code, seconds=seconds)


def _os_reason(request: Request, error: OSError) -> str:
    where = error.filename or request.target
    if error.errno in _DISK_FULL:
        return f"{request.target}: the disk is full; make room, then run the same command again to go on"
    advice = (
        "shorten the name, or name the product"
        if error.errno == errno.ENAMETOOLONG
        else "check permissions and storage"
    )
    return f"{where}: {error.strerror or error}; {advice}"


def convert_all(plan: Plan, template: Request, jobs: int, on_outcome: Callable[[Outcome, int], None]) -> Report:
    """Convert everything in a plan.

    Parameters
    ----------
    plan
        The jobs.
    template
        Options for all of them; its source and target are ignored.
    jobs
        Number of worker processes.
    on_outcome
        Called after every input, with the number of failures so far.

    Returns
    -------
    Report
        Also written to ``report.json`` beside the manifest.

    Raises
    ------
    MachineError
        The output folder cannot be made, is locked, or manifest or report cannot be written.
    """
    tick, started = time.monotonic(), now()
    mark = f".{plan.shard}" if plan.shard else ""
    manifest_path = plan.folder / f"manifest{mark}.jsonl"
    report_path = plan.folder / f"report{mark}.json"
    outcomes: list[Outcome] = []
    failed = 0

    def note(outcome: Outcome) -> None:
        nonlocal failed
        outcomes.append(outcome)
        failed += outcome.status == "failed"
        on_outcome(outcome, failed)

    with _machine_errors(plan.folder):
        plan.folder.mkdir(parents=True, exist_ok=True)
        with folder_lock(plan.folder, shard=plan.shard):
            entries = _known_entries(manifest_path)
            if not plan.shard:
                remove_parts(plan)
            try:
                for outcome in _without_job(plan):
                    note(outcome)
                with closing(_outcomes(plan, template, jobs, entries)) as results:
                    for job, outcome in results:
                        placed = _placed(outcome, job, plan.folder)
                        new = placed.entry if placed.entry != _known(entries, placed) else None
                        if new:
                            entries[new.path] = new
                        note(placed)  # before the line is seen in the manifest, which others may act on
                        if new:
                            manifest.append(manifest_path, new)
                for outcome in _fruitless_folders(plan, outcomes):
                    note(outcome)
            finally:
                # Also after Ctrl-C: what is finished is on record, and the next run goes on from there.
                report = Report(tuple(outcomes), started, now(), time.monotonic() - tick, manifest_path, report_path)
                manifest.write(manifest_path, entries.values())
                write_text(report_path, json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n")
    return report


def _without_job(plan: Plan) -> Iterator[Outcome]:
    """Yield what became of the inputs that cannot be converted at all."""
    for path in plan.passed_over:
        why = LINKED_FOLDER if path.is_dir() else UNKNOWN_INSIDE
        yield Outcome(path, "skipped", reason=printable(f"{path}: {why}"))
    for path, problem in plan.problems:
        yield Outcome(path, "failed", reason=printable(f"{path}: {problem}"), exit_code=1)


def _fruitless_folders(plan: Plan, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return a failure for each input folder if nothing in any of them could be converted."""
    if plan.shard or not outcomes or any(outcome.status != "skipped" for outcome in outcomes):
        return []
    problem = {folder: printable(f"{folder}: {NOTHING_INSIDE}") for folder in plan.folders}
    return [Outcome(folder, "failed", reason=reason, exit_code=1) for folder, reason in problem.items()]


def _known_entries(path: Path) -> dict[str, manifest.ManifestEntry]:
    """Read the manifest of earlier runs, and write it anew: a line cut by a kill must not stay before new ones."""
    entries = manifest.load(path)
    if path.exists():
        manifest.write(path, entries.values())
    return entries


def remove_parts(plan: Plan) -> None:
    """Remove what killed runs have left under temporary names, also of inputs that are no longer asked for.

    A folder below with a lock of its own belongs to another run, which may be under way.
    """
    for folder in {job.target.parent for job in plan.jobs}:
        if folder != plan.folder and (folder / LOCK_NAME).exists():
            continue
        for suffix in SUFFIXES.values():
            for part in folder.glob(f"*{suffix}*{PART_SUFFIX}"):
                part.unlink(missing_ok=True)


def _outcomes(
    plan: Plan, template: Request, workers: int, entries: Mapping[str, manifest.ManifestEntry]
) -> Generator[tuple[Job, Outcome]]:
    by_target = {job.target: job for job in plan.jobs}
    work = []
    for job in plan.jobs:
        entry = entries.get(job.target.relative_to(plan.folder).as_posix())
        recorded = entry.sha256 if entry else None
        work.append(_Work(replace(template, source=job.source, target=job.target, recorded=recorded), job.named))
    for item, result in run(attempt, work, workers):
        job = by_target[item.request.target]
        if isinstance(result, WorkerDiedError):
            reason = f"{job.source}: the process that converted it was killed, perhaps for lack of memory"
            result = Outcome(job.source, "failed", reason=reason, exit_code=3)
        yield job, result


def _known(entries: Mapping[str, manifest.ManifestEntry], placed: Outcome) -> manifest.ManifestEntry | None:
    """Return the line that the manifest has for a product."""
    return entries.get(placed.entry.path) if placed.entry else None


def _placed(outcome: Outcome, job: Job, folder: Path) -> Outcome:
    """Give the entry its path relative to the manifest."""
    if outcome.entry is None:
        return outcome
    relative = job.target.relative_to(folder).as_posix()
    return replace(outcome, entry=replace(outcome.entry, path=relative))


@contextmanager
def _machine_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        problem = "the disk is full" if error.errno in _DISK_FULL else str(error.strerror or error)
        message = printable(f"{error.filename or folder}: {problem}; check permissions and free space")
        raise MachineError(message) from error
