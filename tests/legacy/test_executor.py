"""One item never stops the others."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from legacy.executor import WorkerDiedError, run

# Workers import this file by its name, which pytest's import mode does not offer them; they take what the
# standard library has instead.


def answers(function: object, items: list[object], jobs: int) -> dict[object, object]:
    return dict(run(function, items, jobs))  # type: ignore[arg-type]


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_item_once(jobs: int) -> None:
    items = list(range(-11, 12))
    found = list(run(abs, items, jobs))
    assert sorted(item for item, _ in found) == items
    assert all(result == abs(item) for item, result in found)


@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing(jobs: int) -> None:
    assert list(run(abs, [], jobs)) == []


def test_a_worker_that_dies() -> None:
    """`os._exit(5)` ends the worker; the times are slept by others meanwhile."""
    found = list(run(os._exit, [5, 6], 2))
    assert sorted(item for item, _ in found) == [5, 6]
    assert all(isinstance(result, WorkerDiedError) for _, result in found)


SCRIPT = """
import os, sys, time
def work(item):
    kind, value = item
    if kind == "die":
        os.kill(os.getpid(), 9)
    if kind == "sleep":
        time.sleep(value)
    return value
if __name__ == "__main__":
    from legacy.executor import WorkerDiedError, run
    items = [("ok", n) for n in range(5)] + [("die", 5)] + [("ok", n) for n in range(6, 12)]
    for (kind, value), result in run(work, items, 2):
        print(kind, value, "died" if isinstance(result, WorkerDiedError) else result, flush=True)
"""

LONG = SCRIPT.replace('items = [("ok", n)', 'print("start", flush=True)\n    items = [("sleep", 60 + n)')


def _script(tmp_path: Path, text: str, repository: Path) -> "subprocess.Popen[str]":
    path = tmp_path / "script.py"
    path.write_text(text)
    return subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=repository
    )


def test_the_innocent_are_done(tmp_path: Path, repository: Path) -> None:
    out, err = _script(tmp_path, SCRIPT, repository).communicate(timeout=60)
    lines = sorted(out.splitlines())
    assert lines == sorted([f"ok {n} {n}" for n in range(12) if n != 5] + ["die 5 died"]), err


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(n) for n in text.split() if b"spawn_main" in Path(f"/proc/{n}/cmdline").read_bytes()]


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_workers_end_with_a_killed_parent(tmp_path: Path, repository: Path) -> None:
    process = _script(tmp_path, LONG, repository)
    end = time.monotonic() + 30
    workers: list[int] = []
    while len(workers) < 2 and time.monotonic() < end:
        time.sleep(0.05)
        workers = _children(process.pid)
    assert len(workers) == 2
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    end = time.monotonic() + 10
    while not all(map(_gone, workers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert all(map(_gone, workers)), "an orphan would go on writing where the next run writes"
