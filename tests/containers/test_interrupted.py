"""Builds that are killed or stopped: the program as a process, with real signals."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kitchen import GOOD_POST, Kitchen

Arguments = Callable[..., list[str]]


@pytest.fixture
def running(
    process_arguments: Arguments, kitchen: Kitchen, tmp_path: Path
) -> Iterator[Callable[[], "subprocess.Popen[str]"]]:
    """Return a function that starts a build and waits until its %post sleeps."""
    pids = tmp_path / "pids"
    kitchen.add("child", GOOD_POST + '    echo $$ >"$TEST_PIDS"; echo sleeping; sleep 600\n', base="base")
    processes: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            process_arguments("containers", "build", "child"),
            env={**os.environ, "TEST_PIDS": str(pids)},
            stderr=subprocess.PIPE,
            text=True,
            # A shell starts what is in the background deaf to SIGINT, and the tests may be.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        processes.append(process)
        deadline = time.monotonic() + 60
        while not (pids.exists() and pids.read_text().strip()):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        if process.stderr:
            process.stderr.close()
    if pids.exists() and alive(int(pids.read_text())):
        os.killpg(int(pids.read_text()), signal.SIGKILL)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_build_leaves_nothing(
    number: signal.Signals,
    code: int,
    running: Callable[[], "subprocess.Popen[str]"],
    kitchen: Kitchen,
    tmp_path: Path,
) -> None:
    process = running()
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said
    assert "interrupted" in said
    assert not alive(int((tmp_path / "pids").read_text())), "what it started is ended"
    images = kitchen.place.images
    assert not (images / "child.sif").exists()
    assert not (images / "child.json").exists()
    assert kitchen.leftovers() == []
    assert (images / "base.sif").is_file(), "what was complete stays"


def test_after_a_kill_the_next_build_clears_up(
    running: Callable[[], "subprocess.Popen[str]"],
    process_arguments: Arguments,
    kitchen: Kitchen,
) -> None:
    process = running()
    process.kill()
    process.wait()
    images = kitchen.place.images
    assert not (images / "child.sif").exists()
    assert not (images / "child.json").exists()
    assert kitchen.leftovers(), "nobody can clear up after a kill"
    kitchen.add("child", GOOD_POST, base="base")
    done = subprocess.run(process_arguments("containers", "build", "child"), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "base: building" not in done.stderr, "the base was complete"
    assert (images / "child.sif").is_file()
    assert kitchen.leftovers() == []


def test_a_second_build_at_the_same_time_is_refused(
    running: Callable[[], "subprocess.Popen[str]"], process_arguments: Arguments
) -> None:
    running()
    done = subprocess.run(process_arguments("containers", "build", "child"), capture_output=True, text=True, timeout=60)
    assert done.returncode == 3
    assert "in the hands of another run" in done.stderr
