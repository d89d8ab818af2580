"""Starts programs so that they never outlive this one, and passes on what they say.

`stream` is for work without a terminal: its output comes line by line. `attached` gives a program the terminal.
"""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from containers.engine.contract import Finished, Say
from containers.engine.space import Space
from legacy.errors import MachineError, printable

_START = (
    "import sys; sys.path.append(sys.argv[1]); from containers.engine.entry import main; "
    "sys.exit(main(*sys.argv[2:7], sys.argv[7:]))"
)
_FORWARDED = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
_FROM_TERMINAL = 0x80
_LONGEST_LINE = 8192
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Start:
    """A program and its surroundings.

    Parameters
    ----------
    command
        Program and arguments; a name without ``/`` is looked for on the PATH of `environment`.
    folder
        Working directory, as seen inside.
    environment
        All of its environment.
    space
        Namespaces.
    patience
        Seconds between the wish to end and the end by force.
    """

    command: tuple[str, ...]
    folder: str = "/"
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    space: Space = field(default_factory=Space)
    patience: float = 10.0


def stream(start: Start, say: Say) -> Finished:
    """Run a program without input and pass each line of its output to `say`.

    Raises
    ------
    MachineError
        The program could not be started.
    """
    began = time.monotonic()
    process, report = _launch(
        start, new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if process.stdout is None:
        raise ValueError("a pipe was asked for")
    with process.stdout as output:
        try:
            _pass_lines(output, say)
            code = process.wait()
        except BaseException:
            _stop(process, output, start.patience)
            os.close(report)
            raise
    return _finished(start, code, report, began)


def collect(start: Start) -> tuple[int, str]:
    """Run a program without input and return its exit code and output; raises MachineError as `stream` does."""
    lines: list[str] = []
    finished = stream(start, lines.append)
    return finished.exit_code, "\n".join(lines)


def attached(start: Start) -> Finished:
    """Run a program with stdin, stdout and stderr of this one, and pass signals on to it.

    Raises
    ------
    MachineError
        The program could not be started.
    """
    began = time.monotonic()
    watched = _FORWARDED | {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    try:
        process, report = _launch(start, new_session=False)
        while process.poll() is None:
            heard = signal.sigtimedwait(watched, 1.0)
            # What the terminal sends reaches the program without help.
            if heard and heard.si_signo in _FORWARDED and heard.si_code != _FROM_TERMINAL:
                process.send_signal(heard.si_signo)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return _finished(start, process.returncode, report, began)


def _launch(
    start: Start,
    *,
    new_session: bool,
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
) -> tuple[subprocess.Popen[bytes], int]:
    report, channel = os.pipe()
    packages = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-I", "-S", "-c", _START, packages, start.space.to_json(), start.folder]
    try:
        process = subprocess.Popen(  # noqa: S603  the program that was asked for
            [*command, str(os.getpid()), str(channel), str(start.patience), *start.command],
            env=dict(start.environment),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=new_session,
            pass_fds=(channel,),
        )
    except BaseException:
        os.close(report)
        raise
    finally:
        os.close(channel)
    return process, report


def _pass_lines(output: IO[bytes], say: Say) -> None:
    rest = b""
    while block := os.read(output.fileno(), 1 << 16):
        *lines, rest = _LINE_END.split(rest + block)
        for line in lines:
            _say_line(line, say)
        if len(rest) > _LONGEST_LINE:
            _say_line(rest, say)
            rest = b""
    if rest:
        _say_line(rest, say)


def _say_line(line: bytes, say: Say) -> None:
    for start in range(0, max(len(line), 1), _LONGEST_LINE):
        say(printable(line[start : start + _LONGEST_LINE].decode("utf-8", "replace").expandtabs()))


def _stop(process: subprocess.Popen[bytes], output: IO[bytes], patience: float) -> None:
    """End a program that nobody waits for any more; its output is read on, so that it can say its last words."""
    try:
        process.terminate()
        deadline = time.monotonic() + patience + 2
        while process.poll() is None and time.monotonic() < deadline:
            ready, _, _ = select.select([output], [], [], 0.1)
            if ready and not os.read(output.fileno(), 1 << 16):
                break
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _finished(start: Start, code: int, report: int, began: float) -> Finished:
    with os.fdopen(report, "rb") as channel:
        problem = channel.read(1 << 16)
    if problem:
        said = printable(str(json.loads(problem.splitlines()[0])["error"]))
        raise MachineError(f"{start.command[0]} could not be started: {said}; see: antares-legacy containers doctor")
    return Finished(exit_code=code if code >= 0 else 128 - code, seconds=time.monotonic() - began)
