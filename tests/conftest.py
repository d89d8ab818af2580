"""Fixtures that every test may use."""

import functools
import gc
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
TOGETHER = {
    "tests/legacy/test_demo.py": "demo",
    "tests/ingest/test_interrupted.py": "interrupted",
    "tests/dbdump/marine/test_practice_mapping.py": "practice mapping",
    "tests/containers/engine/test_toolroot.py": "containers",
    "tests/real/test_containers.py": "containers",
    "tests/real/test_containers_changed.py": "containers",
    "tests/real/test_containers_golden.py": "containers",
    "tests/real/test_cwl.py": "containers",
    "tests/containers/engine/test_process.py": "sleepers",
    "tests/containers/recipes/test_serve.py": "serve",
    "tests/containers/recipes/test_write_sbom.py": "bill of materials",
    "tests/converters/readers/antdst/test_reader.py": "antdst",
    "tests/converters/readers/test_dst_flat.py": "flat DST",
    "tests/converters/readers/test_offline_root.py": "offline ROOT",
    "tests/converters/writers/test_km3hdf5.py": "km3hdf5",
    "tests/containers/recipes/test_locks.py": "locks",
    "tests/dbdump/dump/test_sqlite_format.py": "sqlite format",
    "tests/ingest/sandbox/test_sandbox.py": "sandbox",
    "tests/ingest/test_products.py": "ingest products",
    "tests/test_add_a_format.py": "wheels",
    "tests/test_layers.py": "layers",
    "tests/test_packaging.py": "wheels",
}
"""Files that share something dear to make, or that only one may have at a time: those of a name go to one process.

Those with most tests start first, all other tests one by one after them, so that no process waits at the end.
"""
SHARED = REPOSITORY.parent / "shared"
announced_once = functools.cache(entry_points)
"""Looking through all installed packages takes longer than many a command."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Give the files of `TOGETHER` to one process each; marks of xdist's own do not reach it with pytest 9.2."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return TOGETHER.get(nodeid.partition("::")[0], nodeid)

    return ByFile(config, log)


def pytest_collection_finish() -> None:
    """Spare the garbage collector the half million objects of the tests themselves, which stay to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def pytest_configure() -> None:
    """Hear signals again: nohup, and a shell that starts tests in the background, leave all their children deaf."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Path]:
    """Return a function that finds a real sample file of km3net-testdata by its path there."""
    from km3net_testdata import data_path

    def find(name: str) -> Path:
        return Path(data_path(name))

    return find


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of public data files that lies beside the repository, or skip."""
    folder = SHARED / "data"
    if not folder.is_dir():
        if os.environ.get("CI") == "true" and SHARED.is_dir():
            pytest.fail(f"{folder} is missing although {SHARED} is there")
        pytest.skip("the public data files do not lie beside the repository")
    return folder


@pytest.fixture(scope="session")
def file_size_limit() -> Callable[[int], AbstractContextManager[None]]:
    """Return what lets no file of this process grow beyond so many bytes for a while: a full disk without a disk."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the folder of the source tree."""
    return REPOSITORY


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Ran]]:
    """Return a function that runs the command line in this process, as the console script would."""
    from legacy.cli import app, main

    handler = signal.getsignal(signal.SIGTERM)
    announced, groups = list(app.registered_commands), list(app.registered_groups)

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["antares-legacy", *map(str, arguments)])
        monkeypatch.setattr("legacy.cli.entry_points", announced_once)
        app.registered_commands[:], app.registered_groups[:] = announced, groups
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        said = capsys.readouterr()
        return Ran(int(left.value.code or 0), said.out, said.err)

    yield run
    app.registered_commands[:], app.registered_groups[:] = announced, groups
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture(scope="session")
def program() -> Path:
    """Return the console script."""
    return Path(sys.executable).with_name("antares-legacy")


@pytest.fixture(scope="session")
def run_program(program: Path) -> Callable[..., Ran]:
    """Return a function that runs the console script in a process of its own.

    Keyword arguments go to `subprocess.run`; ``env`` is added to the environment, None removes a variable.
    """

    def run(*arguments: object, env: dict[str, str | None] | None = None, **options: object) -> Ran:
        given = {**os.environ, **(env or {})}
        environment = {name: value for name, value in given.items() if value is not None}
        done = subprocess.run(  # type: ignore[call-overload]
            [str(program), *map(str, arguments)],
            **{"capture_output": True, "text": True, "timeout": 600, "env": environment, **options},
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


def children(pid: int) -> list[tuple[int, bytes]]:
    """Return the children of a process, which any of its threads may have started, and how each was called."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            with suppress(OSError):  # it has ended meanwhile
                found.append((int(child), Path(f"/proc/{child}/cmdline").read_bytes()))
    return found


@pytest.fixture(scope="session")
def workers_of() -> Callable[[int], list[int]]:
    """Return a function that finds the workers of a process: those it spawned, and forks of its helper."""

    def find(pid: int) -> list[int]:
        own = children(pid)
        spawned = [number for number, command in own if b"spawn_main" in command]
        helpers = [number for number, command in own if b"forkserver" in command]
        return spawned + [number for helper in helpers for number, _ in children(helper)]

    return find


@pytest.fixture(scope="session")
def make_evt(sample: Callable[[str], Path]) -> Callable[..., Path]:
    """Return a function that writes a small `.evt` file: the header and events of a real one, renumbered."""
    text = sample("evt/corant_5.1.9.evt").read_bytes()
    header, events = text.split(b"start_event:", 1)
    events = b"start_event:" + events
    blocks = re.findall(rb"start_event:.*?end_event:[^\n]*\n", events, re.DOTALL)

    def make(path: Path, events: int = 2, first: int = 1) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        body = b"".join(
            re.sub(rb"start_event:\s*\d+", b"start_event: %d" % (first + n), blocks[n % len(blocks)])
            for n in range(events)
        )
        path.write_bytes(header + body)
        return path

    return make
