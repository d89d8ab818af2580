"""Programs are started, heard, interrupted and never outlive the one who started them."""

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.engine.contract import Finished
from containers.engine.process import Start, attached, collect, stream
from containers.engine.space import Space
from legacy.errors import MachineError

REPOSITORY = Path(__file__).resolve().parents[3]
PATIENCE = 0.5


def sh(script: str, space: Space | None = None, **options: object) -> Start:
    options = {"patience": PATIENCE, **options}
    return Start(("sh", "-c", script), space=space or Space(), **options)  # type: ignore[arg-type]


def waits_for(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def running(mark: str) -> list[int]:
    """Return the processes that have `mark` in their environment."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and f"MARK={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


@pytest.fixture
def mark() -> str:
    return f"{os.getpid()}-{time.monotonic_ns()}"


@pytest.fixture(params=["same", "apart"])
def space(request: pytest.FixtureRequest) -> Space:
    return Space() if request.param == "same" else request.getfixturevalue("apart")


def test_lines_come_one_by_one_and_can_be_shown() -> None:
    lines: list[str] = []
    done = stream(sh(r"printf 'one\ntwo\r50%%\r\nno end'; printf '\033[31m\377\n' >&2; exit 7"), lines.append)
    assert done.exit_code == 7
    assert lines[:3] == ["one", "two", "50%"]
    assert lines[3:] == ["no end\\x1b[31m\N{REPLACEMENT CHARACTER}"]


def test_a_line_without_end_takes_no_memory() -> None:
    lengths: list[int] = []
    stream(sh("head -c 1000000 /dev/zero | tr '\\0' x"), lambda line: lengths.append(len(line)))
    assert sum(lengths) == 1_000_000
    assert max(lengths) <= 8192


def test_lines_are_heard_while_the_program_runs(space: Space) -> None:
    heard: list[float] = []
    done = stream(sh("echo a; sleep 0.4; echo b", space), lambda line: heard.append(time.monotonic()))
    assert heard[1] - heard[0] > 0.2
    assert done.seconds > 0.4


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("kill -9 $$", 137), ("kill -TERM $$", 143), ("true", 0)])
def test_the_exit_code_is_that_of_the_program(script: str, code: int, space: Space) -> None:
    assert collect(sh(script, space))[0] == code


def test_a_program_that_is_not_there(space: Space) -> None:
    with pytest.raises(MachineError, match=r"no-such-program could not be started: .*No such file.*doctor"):
        collect(Start(("no-such-program",), space=space))


def test_a_folder_that_is_not_there(space: Space) -> None:
    with pytest.raises(MachineError, match=r"/no/such/folder: No such file"):
        collect(sh("true", space, folder="/no/such/folder"))


def test_streamed_programs_have_no_input(space: Space) -> None:
    assert collect(sh("cat; echo end", space)) == (0, "end")


def test_only_the_environment_that_was_given_is_seen(space: Space) -> None:
    code, said = collect(sh("env", space, environment={"PATH": os.environ["PATH"], "SEEN": "a b"}))
    assert code == 0
    names = {line.partition("=")[0] for line in said.splitlines()}
    assert "SEEN=a b" in said.splitlines()
    assert names <= {"PATH", "SEEN", "PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"}


def test_what_a_program_leaves_behind_ends_with_it(space: Space, mark: str) -> None:
    environment = {**os.environ, "MARK": mark}
    # A daemon: its own session, no parent, no open output.
    done = stream(
        sh("setsid sh -c 'sleep 6000 & sleep 6000' >/dev/null 2>&1 & sleep 0.2", space, environment=environment), str
    )
    assert done.exit_code == 0
    assert waits_for(lambda: not running(mark))


@pytest.mark.parametrize("stubborn", [False, True], ids=["willing", "stubborn"])
def test_an_interruption_ends_the_program(space: Space, mark: str, stubborn: bool) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    script = ("trap '' TERM INT; " if stubborn else "") + "sleep 6000 & echo started; sleep 6000; sleep 6000"
    began = time.monotonic()
    patience = PATIENCE if stubborn else 60.0
    with pytest.raises(KeyboardInterrupt):
        stream(sh(script, space, environment={**os.environ, "MARK": mark}, patience=patience), interrupt)
    assert waits_for(lambda: not running(mark))
    assert time.monotonic() - began < 30


def test_an_interrupted_program_can_clean_up(space: Space, tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    script = f"trap 'touch {tmp_path}/cleaned; exit' TERM; echo started; while :; do sleep 0.05; done"
    with pytest.raises(KeyboardInterrupt):
        stream(sh(script, space), interrupt)
    assert (tmp_path / "cleaned").exists()


CALLER = """
import os, sys
sys.path.append(sys.argv[1])
from containers.engine.process import Start, attached, stream
from containers.engine.space import space_from_json
start = Start(("sh", "-c", sys.argv[4]), space=space_from_json(sys.argv[3]), patience=0.5)
done = attached(start) if sys.argv[2] == "attached" else stream(start, lambda line: print(line, flush=True))
sys.exit(done.exit_code)
"""


def caller(way: str, space: Space, script: str) -> list[str]:
    return [sys.executable, "-c", CALLER, str(REPOSITORY), way, space.to_json(), script]


@pytest.mark.parametrize("way", ["attached", "stream"])
def test_a_killed_caller_takes_the_program_with_it(way: str, space: Space, mark: str) -> None:
    command = caller(way, space, "sleep 6000 & echo started; sleep 6000")
    with subprocess.Popen(command, env={**os.environ, "MARK": mark}, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        assert running(mark)
        process.kill()
    assert waits_for(lambda: not running(mark))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_reach_an_attached_program(number: signal.Signals, space: Space) -> None:
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo heard; exit 5' {name}; echo started; while :; do sleep 0.05; done"
    with subprocess.Popen(caller("attached", space, script), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(number)
        assert process.stdout.read() == "heard\n"
        assert process.wait(60) == 5


def test_an_attached_program_has_input_and_output(space: Space) -> None:
    done = subprocess.run(
        caller("attached", space, "cat; echo problem >&2; exit 4"), input="in\n", capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (4, "in\n", "problem\n")


def test_the_terminal_sends_an_interrupt_once(space: Space) -> None:
    script = "trap 'echo heard' INT; echo started; sleep 0.6; sleep 0.6; echo end"
    child, terminal = pty.fork()
    if child == 0:
        command = caller("attached", space, script)
        os.execv(command[0], command)
    said = b""
    while b"started" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    while b"end" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert said.count(b"heard") == 1


def test_signals_are_handled_as_before_afterwards() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert attached(sh("exit 0")) == Finished(0, pytest.approx(0, abs=5))
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
