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


# Processes of their own from the beginning, and such that share modules.
STARTS = pytest.mark.parametrize("shared", [(), ("json",)], ids=["alone", "shared"])


@pytest.mark.parametrize(("jobs", "shared"), [(1, ()), (2, ()), (2, ("json",))])
def test_every_item_once(jobs: int, shared: tuple[str, ...]) -> None:
    items = list(range(-11, 12))
    found = list(run(abs, items, jobs, shared))
    assert sorted(item for item, _ in found) == items
    assert all(result == abs(item) for item, result in found)


@pytest.mark.parametrize("jobs", [1, 2])
def test_nothing(jobs: int) -> None:
    assert list(run(abs, [], jobs)) == []


@STARTS
def test_a_worker_that_dies(shared: tuple[str, ...]) -> None:
    """`os._exit(5)` ends the worker; the times are slept by others meanwhile."""
    found = list(run(os._exit, [5, 6], 2, shared))
    assert sorted(item for item, _ in found) == [5, 6]
    assert all(isinstance(result, WorkerDiedError) for _, result in found)


@STARTS
def test_workers_see_the_environment_of_now(shared: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("first", "second"):
        monkeypatch.setenv("ANTARES_LEGACY_SEEN", value)
        assert list(run(os.getenv, ["ANTARES_LEGACY_SEEN"], 2, shared)) == [("ANTARES_LEGACY_SEEN", value)]
    monkeypatch.delenv("ANTARES_LEGACY_SEEN")
    assert list(run(os.getenv, ["ANTARES_LEGACY_SEEN"], 2, shared)) == [("ANTARES_LEGACY_SEEN", None)]


def test_workers_with_shared_modules_work_in_the_folder_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    list(run(abs, [1], 2, ("json",)))
    monkeypatch.chdir(tmp_path)
    ((_, found),) = run(os.path.realpath, ["x"], 2, ("json",))
    assert found == str(tmp_path / "x")


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
    for (kind, value), result in run(work, items, 2, SHARED):
        print(kind, value, "died" if isinstance(result, WorkerDiedError) else result, flush=True)
"""

LONG = SCRIPT.replace('items = [("ok", n)', 'print("start", flush=True)\n    items = [("sleep", 600 + n)')


def _script(tmp_path: Path, text: str, repository: Path, shared: tuple[str, ...]) -> "subprocess.Popen[str]":
    path = tmp_path / "script.py"
    path.write_text(text.replace("SHARED", repr(shared)))
    return subprocess.Popen(
        [sys.executable, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=repository
    )


@STARTS
def test_the_innocent_are_done(shared: tuple[str, ...], tmp_path: Path, repository: Path) -> None:
    out, err = _script(tmp_path, SCRIPT, repository, shared).communicate(timeout=60)
    lines = sorted(out.splitlines())
    assert lines == sorted([f"ok {n} {n}" for n in range(12) if n != 5] + ["die 5 died"]), err


def test_the_others_are_done_when_the_helper_dies(tmp_path: Path, repository: Path) -> None:
    """The system may kill it for want of memory; a new one takes its place, also while it still is dying."""
    text = SCRIPT.replace("os.kill(os.getpid(), 9)", "os.kill(os.getppid(), 9); time.sleep(60)")
    out, err = _script(tmp_path, text, repository, ("json",)).communicate(timeout=60)
    found = dict(line.rsplit(" ", 1) for line in out.splitlines())
    assert list(found) == [line.rsplit(" ", 1)[0] for line in out.splitlines()], "an item was reported twice"
    assert set(found) == {f"ok {n}" for n in range(12) if n != 5} | {"die 5"}, err
    died = {item for item, result in found.items() if result == "died"}
    assert "die 5" in died
    assert len(died) <= 4, "more than was in flight"


def _children(pid: int) -> list[tuple[int, bytes]]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [(int(n), Path(f"/proc/{n}/cmdline").read_bytes()) for n in text.split()]


def _workers(pid: int) -> tuple[list[int], list[int]]:
    """Return the workers of a process, and the helper that they are forks of, if there is one."""
    children = _children(pid)
    helpers = [number for number, command in children if b"forkserver" in command]
    spawned = [number for number, command in children if b"spawn_main" in command]
    return spawned + [number for helper in helpers for number, _ in _children(helper)], helpers


def _gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@STARTS
def test_workers_end_with_a_killed_parent(shared: tuple[str, ...], tmp_path: Path, repository: Path) -> None:
    process = _script(tmp_path, LONG, repository, shared)
    end = time.monotonic() + 60
    workers: list[int] = []
    while len(workers) < 2 and time.monotonic() < end:
        time.sleep(0.05)
        workers, helpers = _workers(process.pid)
    assert len(workers) == 2
    assert len(helpers) == bool(shared)
    time.sleep(1)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    end = time.monotonic() + 60
    while not all(map(_gone, workers + helpers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert all(map(_gone, workers + helpers)), "an orphan would go on writing where the next run writes"
