"""What came of an ingest: counts, failures, rates; as JSON, as text, and for Prometheus."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ingest.catalogue_types import Connection
from ingest.execute import Outcome
from ingest.journal import State
from ingest.plan import Action, Step
from ingest.settings import Settings
from legacy import __version__
from legacy.atomic import write_text
from legacy.clock import now
from legacy.errors import printable

METRIC = "antares_legacy_ingest"
MAX_FAILURES = 1000
"""A report names this many; the journal has all."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that is not in Rucio as it should be, and why."""

    location: str
    name: str
    state: str
    reason: str


@dataclass(slots=True)
class Report:
    """Grows while a run goes on.

    Parameters
    ----------
    connection, settings
        Where and how.
    journal
        The journal.
    started
        When the run began, ISO 8601 UTC.
    actions, states, hashed_by
        Number of files by what was to be done, by what became of them, and by who computed the checksums.
    size
        Bytes of the files that are in Rucio.
    failures
        The first `MAX_FAILURES` files that are not.
    problems
        What is wrong beside single files.
    interrupted
        True if the run was asked to stop.
    """

    connection: Connection
    settings: Settings
    journal: Path
    started: str = field(default_factory=now)
    actions: Counter[Action] = field(default_factory=Counter)
    states: Counter[State] = field(default_factory=Counter)
    hashed_by: Counter[str] = field(default_factory=Counter)
    size: int = 0
    failures: list[Failure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    interrupted: bool = False
    _began: float = field(default_factory=time.monotonic)

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count what became of some files."""
        for outcome in outcomes:
            step = outcome.step
            self.actions[step.action] += 1
            self.states[outcome.state] += 1
            if step.candidate.sums.by:
                self.hashed_by[step.candidate.sums.by] += 1
            if outcome.state == State.DONE:
                self.size += step.candidate.sums.size
            else:
                self._note_failure(step, outcome)

    def _note_failure(self, step: Step, outcome: Outcome) -> None:
        if len(self.failures) < MAX_FAILURES:
            location = printable(step.candidate.item.location)
            self.failures.append(Failure(location, printable(step.name), str(outcome.state), outcome.error))

    @property
    def files(self) -> int:
        """Number of files so far."""
        return sum(self.states.values())

    @property
    def seconds(self) -> float:
        """Wall time so far."""
        return time.monotonic() - self._began

    @property
    def exit_code(self) -> int:
        """0 all good, 1 a file failed."""
        return 1 if self.files > self.states[State.DONE] or self.problems else 0

    def to_dict(self) -> dict[str, object]:
        """Return the content of the report as JSON."""
        seconds = self.seconds
        return {
            "event": "report",
            "software": "antares-legacy",
            "version": __version__,
            "server": self.connection.server,
            "account": self.connection.account,
            "scope": self.settings.scope,
            "rse": self.settings.rse,
            "mode": self.settings.mode,
            "journal": str(self.journal),
            "started": self.started,
            "stopped": now(),
            "seconds": round(seconds, 3),
            "interrupted": self.interrupted,
            "files": self.files,
            "bytes": self.size,
            "files_per_second": round(self.files / seconds, 3) if seconds else None,
            "actions": {str(action): self.actions[action] for action in Action if self.actions[action]},
            "states": {str(state): self.states[state] for state in State if self.states[state]},
            "hashed_by": dict(sorted(self.hashed_by.items())),
            "problems": self.problems,
            "failed": self.files - self.states[State.DONE],
            "failures": [
                {"location": f.location, "name": f.name, "state": f.state, "reason": f.reason} for f in self.failures
            ],
        }

    def to_text(self) -> str:
        """Return a short table for people."""
        lines = [f"{count:>9} {_WORDS[action]}" for action, count in _counted(self.actions)]
        failed = self.states[State.FAILED]
        lines += [f"{failed:>9} failed, see above"] if failed else []
        lines += [f"problem: {problem}" for problem in self.problems]
        rate = self.files / self.seconds if self.seconds else 0.0
        done = self.states[State.DONE]
        lines.append(f"{done} of {self.files} files are in Rucio ({rate:.0f} files/s, {self.seconds:.1f} s)")
        return "\n".join(lines)

    def to_prometheus(self) -> str:
        """Return the counts in Prometheus' text format, for the node exporter's textfile collector."""
        labels = f'scope="{self.settings.scope}",rse="{self.settings.rse}"'
        lines = [f"# HELP {METRIC}_files Files of the last run by state.", f"# TYPE {METRIC}_files gauge"]
        lines += [f'{METRIC}_files{{{labels},state="{state}"}} {self.states[state]}' for state in State]
        for name, text, value in (
            ("bytes", "Bytes of the files that are in Rucio.", self.size),
            ("seconds", "Wall time of the run.", round(self.seconds, 3)),
            ("last_update_seconds", "Time of this report, seconds since 1970.", round(time.time())),
            ("interrupted", "1 when the run was stopped before its end.", int(self.interrupted)),
        ):
            lines += [f"# HELP {METRIC}_{name} {text}", f"# TYPE {METRIC}_{name} gauge"]
            lines.append(f"{METRIC}_{name}{{{labels}}} {value}")
        return "\n".join(lines) + "\n"


_WORDS: Mapping[Action, str] = {
    Action.REGISTER: "registered",
    Action.SKIP: "known already, nothing to do",
    Action.ATTACH: "known, attached to their dataset",
    Action.METADATA: "known, metadata set",
    Action.CONFLICT: "in conflict with what Rucio holds",
    Action.REFUSE: "refused",
}


def _counted(actions: Mapping[Action, int]) -> list[tuple[Action, int]]:
    return [(action, actions[action]) for action in Action if actions.get(action)]


def write_prometheus(report: Report, path: Path) -> None:
    """Write the counts for Prometheus in one step; raises OSError."""
    write_text(path, report.to_prometheus())
