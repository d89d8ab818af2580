"""A small operating system folder of the machine's own programs, and namespaces to be in."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.engine.capabilities import own_space, trouble_with
from containers.engine.space import Space
from containers.workplace import Workplace

PROGRAMS = ("sh", "cat", "ls", "touch", "true", "id", "env", "sleep", "pwd", "cp", "mkdir", "rm")
FOLDERS = ("proc", "dev", "sys", "tmp", "etc", "root", "usr/bin", "usr/lib", "var/tmp", "mnt", "media", "srv", "opt")


def _copy_program(name: str, system: Path) -> None:
    found = shutil.which(name)
    assert found, f"{name} is on no path"
    shutil.copy2(os.path.realpath(found), system / "usr/bin" / name)
    said = subprocess.run(["ldd", found], capture_output=True, text=True, check=False).stdout
    for library in re.findall(r"(/\S+) \(", said):
        place = system / library.lstrip("/")
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(os.path.realpath(library), place)


@pytest.fixture(scope="session")
def whole_system(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which a shell runs; nobody changes it."""
    system = tmp_path_factory.mktemp("system") / "small system"
    for name in FOLDERS:
        (system / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (system / name).symlink_to("usr/bin" if name == "bin" else f"usr/{name}")
    (system / "usr/lib64").mkdir()
    for name in PROGRAMS:
        _copy_program(name, system)
    for name in ("pip.conf", "resolv.conf", "hosts"):
        (system / "etc" / name).touch()
    (system / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (system / "etc/apt").mkdir()
    (system / "etc/apt/sources.list").touch()
    (system / "etc/ssl/certs").mkdir(parents=True)
    (system / "etc/ssl/certs/ca-certificates.crt").touch()
    return system


@pytest.fixture
def system(whole_system: Path, tmp_path: Path) -> Path:
    """Return a copy of the small system."""
    return Path(shutil.copytree(whole_system, tmp_path / "system", symlinks=True))


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    """Return empty folders of work."""
    return Workplace(tmp_path / "images", tmp_path / "work")


@pytest.fixture
def apart() -> Space:
    """Return namespaces with mounts and processes of their own; skips where the kernel refuses them."""
    space = own_space()
    trouble = trouble_with(space)
    if trouble:
        pytest.skip(f"this machine refuses namespaces: {trouble}")
    return space


@pytest.fixture
def as_root(apart: Space) -> None:
    """Skip for an ordinary user."""
    if os.geteuid() != 0:
        pytest.skip("only root can do this")


@pytest.fixture
def sleepers_end() -> Callable[[str], None]:
    """Return a function that waits for the end of every ``sleep SECONDS``, and fails when one stays.

    It counts its looks, not seconds: a machine that stood still, or was busy, has not shown that they stay.
    """

    def look(seconds: str) -> None:
        for _ in range(600):
            if not _sleepers(seconds):
                return
            time.sleep(0.1)
        pytest.fail(f"sleep {seconds} stays:\n" + "\n".join(map(_descent, _sleepers(seconds))))

    return look


def _sleepers(seconds: str) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"sleep\0{seconds}\0".encode() in (process / "cmdline").read_bytes():
                found.append(process.name)
        except OSError:
            continue
    return found


def _descent(number: str) -> str:
    """Say of a process and of all above it but the first what they are and where they wait."""
    if number == "1":
        return ""
    process = Path("/proc") / number
    try:
        facts = (process / "stat").read_text().split()[:4]
        waiting, arguments = ((process / name).read_bytes().decode(errors="replace") for name in ("wchan", "cmdline"))
    except OSError:
        return f"{number} ended"
    return " ".join([*facts, waiting, *arguments.split("\0")])[:500] + "\n" + _descent(facts[3])
