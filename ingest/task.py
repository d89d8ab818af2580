"""One call of ``antares-legacy ingest``: what it opens before, and what it leaves behind."""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.catalogue_download import DownloadingCatalogue
from ingest.catalogue_types import Connection
from ingest.inputs import read_inputs
from ingest.journal import Journal, Purpose
from ingest.journal_lock import journal_lock
from ingest.patience import Patience, Say
from ingest.plan import Step
from ingest.report import METRIC, Report, write_prometheus
from ingest.run import Place, Tell, check_place, dry_run, ingest
from ingest.settings import Settings
from legacy.atomic import write_text
from legacy.errors import MachineError, UsageError, printable


@dataclass(frozen=True, slots=True)
class Task:
    """What the user asked for.

    Parameters
    ----------
    inputs
        Files, folders, manifests, lists, URLs.
    settings
        How.
    journal, report, prometheus
        Files to write; None for the default place, for Prometheus for none.
    """

    inputs: tuple[str, ...]
    settings: Settings
    journal: Path | None = None
    report: Path | None = None
    prometheus: Path | None = None


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that can begin: the server answers, scope and RSE exist, the journal is ours.

    Parameters
    ----------
    task
        What was asked for.
    place
        Where the files go.
    journal
        None in a dry run without a journal of earlier runs.
    patience
        Its `stop` ends the run.
    say
        Takes words for the user.
    """

    task: Task
    place: Place
    journal: Journal | None
    patience: Patience
    say: Say

    def plan(self) -> Iterator[Step]:
        """Yield what would be done with each file; changes nothing."""
        items = read_inputs(self.task.inputs, self.place.settings, self.say)
        yield from dry_run(items, self.place, self.journal, self.patience)

    def run(self, tell: Tell) -> Report:
        """Do it, and write the report, also when the server goes away in between."""
        if self.journal is None:
            raise MachineError("a run needs a journal")
        report_path = self.task.report or report_beside(self.journal.path)
        own = {str(path.absolute()) for path in (self.journal.path, report_path, self.task.prometheus) if path}
        items = read_inputs(self.task.inputs, self.place.settings, self.say, leave_out=own)
        report = Report(self.place.connection, self.place.settings, self.journal.path)
        try:
            ingest(items, self.place, self.journal, self.patience, report, tell)
        except BaseException:
            report.interrupted = True
            raise
        finally:
            _leave(report, report_path, self.task.prometheus)
        return report


@contextmanager
def open_task(task: Task, say: Say, stop: threading.Event, *, plan_only: bool) -> Iterator[OpenTask]:
    """Connect, check scope and RSE, and take the journal.

    Parameters
    ----------
    task
        What was asked for.
    say
        Told which server this is and as whom, before anything is written.
    stop
        Set when the run is to end.
    plan_only
        True for a dry run: the journal is only read, and not locked.

    Raises
    ------
    UsageError
        Rucio is not configured, or has no such scope or RSE; or the journal is another one's.
    MachineError
        The server does not answer, or another run holds the journal.
    """
    settings = task.settings
    for target, marks in ((task.report, ('"software": "antares-legacy"',)), (task.prometheus, (METRIC,))):
        _require_replaceable(target, marks)
    patience = Patience(settings.patience, stop=stop)
    catalogue = DownloadingCatalogue(patience, say)
    connection = catalogue.connect()
    say(_words(connection, settings))
    place = check_place(catalogue, connection, settings)
    path = task.journal or default_journal(connection, settings)
    purpose = Purpose(connection.server, settings.scope, settings.rse)
    if plan_only and not path.exists():
        yield OpenTask(task, place, None, patience, say)
    elif plan_only:
        with Journal(path, purpose, read_only=True) as journal:
            yield OpenTask(task, place, journal, patience, say)
    else:
        with journal_lock(path), Journal(path, purpose) as journal:
            yield OpenTask(task, place, journal, patience, say)


def default_journal(connection: Connection, settings: Settings) -> Path:
    """Return the journal of a server, scope and RSE below ``$XDG_STATE_HOME``."""
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    server = hashlib.sha256(connection.server.encode()).hexdigest()[:8]
    return Path(state) / "antares-legacy" / "ingest" / f"{settings.scope}.{settings.rse}.{server}.journal"


def report_beside(journal: Path) -> Path:
    """Return where the report goes when nobody says."""
    return journal.with_name(f"{journal.name}.report.json")


def _require_replaceable(target: Path | None, marks: tuple[str, ...]) -> None:
    """Refuse to write over a file that is not what an earlier run has written there."""
    if target is None or not target.exists():
        return
    try:
        with target.open("rb") as stream:
            start = stream.read(1000).decode(errors="replace")
    except OSError as error:
        raise UsageError(f"{target}: {error.strerror or error}; give another file") from error
    if not all(mark in start for mark in marks):
        raise UsageError(f"{target}: exists and is no report of an earlier run; give another file")


def _words(connection: Connection, settings: Settings) -> str:
    return printable(
        f"Rucio at {connection.server}, account {connection.account}, authentication {connection.auth_type}; "
        f"scope {settings.scope}, RSE {settings.rse}, mode {settings.mode}"
    )


def _leave(report: Report, path: Path, prometheus: Path | None) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps(report.to_dict(), indent=1, ensure_ascii=False) + "\n")
        if prometheus is not None:
            write_prometheus(report, prometheus)
    except OSError as error:
        message = f"{error.filename or path}: {error.strerror or error}; check permissions and free space"
        raise MachineError(message) from error
