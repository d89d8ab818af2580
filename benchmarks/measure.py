"""Run whole processes and read from the kernel what they cost; the other half runs inside the child.

Only the standard library: what this module imports, every measured process inherits as a floor of its peak
memory.
"""

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).resolve().parent.parent
OUT = "{out}"
"""Stands in a command for a fresh folder, removed after the run."""

_LONG_PATH = re.compile(r"/\S*/")
_ERROR_LENGTH = 300

Answer = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure.

    Parameters
    ----------
    name
        Unique name.
    group
        What ``--only`` selects.
    text
        What it does, for the report.
    command
        Program and arguments; `OUT` becomes a fresh folder.
    size
        Bytes of input, 0 if there is none.
    timed
        False for a run whose only purpose is its answer.
    """

    name: str
    group: str
    text: str
    command: tuple[str, ...]
    size: int = 0
    timed: bool = True


@dataclass(frozen=True, slots=True)
class Run:
    """What one process cost.

    Parameters
    ----------
    case
        Name of the case.
    round
        Number of the round, from 0.
    wall, cpu
        Seconds; `cpu` is user and system time of the process and of the children it waited for.
    peak_rss
        Largest resident size of a process, bytes.
    exit_code
        0 if all went well.
    load
        Load average of the machine over the last minute, when the process ended.
    answer
        What the process itself printed: ``work`` (CPU seconds without start and imports) and check sums.
    error
        Last line of its standard error if it failed.
    """

    case: str
    round: int
    wall: float
    cpu: float
    peak_rss: int
    exit_code: int
    load: float
    answer: Answer = field(default_factory=dict)
    error: str = ""


def run(case: Case, number: int) -> Run:
    """Run a case once and wait for it."""
    scratch = REPOSITORY / "benchmarks" / "inputs"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="out-") as out, tempfile.TemporaryFile() as errors:
        command = [argument.replace(OUT, out) for argument in case.command]
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, cwd=REPOSITORY)
        if process.stdout is None:
            raise RuntimeError("no pipe to the process")
        with process.stdout:
            printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
    return Run(
        case=case.name,
        round=number,
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak_rss=usage.ru_maxrss * 1024,
        exit_code=process.returncode,
        load=os.getloadavg()[0],
        answer=_answer(printed),
        error=said[-1] if process.returncode and said else "",
    )


def _answer(printed: bytes) -> Answer:
    """Return the JSON object on the last line; programs that print no such line give nothing."""
    lines = printed.decode(errors="replace").strip().splitlines()
    if not lines or not lines[-1].startswith("{"):
        return {}
    try:
        found = json.loads(lines[-1])
    except ValueError:
        return {}
    return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}


@contextmanager
def answering() -> Iterator[Callable[[Answer], None]]:
    """Keep standard output for the answer alone: libraries that print do so into nothing.

    Yields
    ------
    Callable
        Prints the answer.
    """
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield lambda answer: _print(kept, answer)
    finally:
        os.close(nowhere)
        os.close(kept)


def _print(descriptor: int, answer: Answer) -> None:
    os.write(descriptor, (json.dumps(answer) + "\n").encode())


@dataclass(frozen=True, slots=True)
class Results:
    """All runs of all cases."""

    cases: Sequence[Case]
    runs: Sequence[Run]

    def case(self, name: str) -> Case | None:
        """Return a case, None if it was not asked for."""
        return next((case for case in self.cases if case.name == name), None)

    def good(self, name: str) -> list[Run]:
        """Return the runs of a case that ended well, in order of the rounds."""
        return [run for run in self.runs if run.case == name and not run.exit_code]

    def error(self, name: str) -> str:
        """Say why a case has no result."""
        said = [run.error or f"exit code {run.exit_code}" for run in self.runs if run.case == name and run.exit_code]
        return _LONG_PATH.sub("", said[0])[:_ERROR_LENGTH] if said else "was not run"

    def values(self, name: str, quantity: str) -> dict[int, float]:
        """Return ``cpu``, ``wall``, ``peak_rss`` or an entry of the answer such as ``work``, by round."""
        runs = self.good(name)
        if quantity in {"cpu", "wall", "peak_rss"}:
            return {run.round: float(getattr(run, quantity)) for run in runs}
        return {run.round: run.answer[quantity] for run in runs if quantity in run.answer}

    def median(self, name: str, quantity: str) -> float | None:
        """Return the median over the rounds, None if the case has no result."""
        values = self.values(name, quantity)
        return median(values.values()) if values else None

    def rates(self, name: str, quantity: str) -> dict[int, float]:
        """Return megabytes (10^6 bytes) per CPU second, by round."""
        case = self.case(name)
        size = case.size if case else 0
        # Below the resolution of the kernel's clock a rate would be a division by zero.
        return {number: size / 1e6 / max(value, 1e-3) for number, value in self.values(name, quantity).items()}

    def ratios(self, ours: tuple[str, str], peer: tuple[str, str]) -> list[float]:
        """Return how many times faster ours is, for each round in which both ended well.

        Parameters
        ----------
        ours, peer
            Name of the case and quantity. Rates are compared if both have an input of known size, so
            that a peer may be measured on the first part of a file; else the plain seconds.
        """
        cases = self.case(ours[0]), self.case(peer[0])
        if all(case is not None and case.size for case in cases):
            mine, theirs = self.rates(*ours), self.rates(*peer)
            return [mine[number] / theirs[number] for number in mine if number in theirs]
        spent, theirs = self.values(*ours), self.values(*peer)
        return [theirs[number] / spent[number] for number in spent if number in theirs]
