"""Making a Debian system: faults here, the real one in test_toolroot.py."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from containers.engine import debootstrap
from containers.engine.base_folder import make_base_folder
from containers.engine.choose import ENGINE_VARIABLE
from containers.engine.packages import MIRROR_VARIABLE, debian_mirror, debian_sources, unpack_package
from containers.engine.scratch import scratch_folder
from containers.engine.toolroot import install, toolroot_engine
from containers.workplace import WORK_VARIABLE, Workplace
from legacy.errors import MachineError

REPOSITORY = Path(__file__).resolve().parents[3]

# Stands in for a debootstrap that fails or hangs, as the real one does when the archive is away.
STAND_IN = """#!/bin/sh
echo "I: try"; echo try >>"$TRIES"
for word; do root=$mirror; mirror=$word; done
mkdir -p "$root/half" && touch "$root/half/file"
{end}
"""


@pytest.fixture
def tries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_root: None) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("TRIES", str(tmp_path / "tries"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "tries"


def stand_in(tmp_path: Path, end: str) -> None:
    path = tmp_path / "bin/debootstrap"
    path.write_text(STAND_IN.format(end=end))
    path.chmod(0o755)


def test_two_tries_and_then_a_clear_error(tries: Path, place: Workplace, tmp_path: Path) -> None:
    stand_in(tmp_path, "echo 'E: Failed getting release file'; exit 1")
    said: list[str] = []
    with pytest.raises(MachineError, match=r"could not be made from http\S+ in 2 tries: .*E: Failed getting release"):
        install(place, said.append)
    assert tries.read_text() == "try\ntry\n"
    assert [line for line in said if "try 2 of 2" in line]
    assert not place.tool_root.exists()
    with pytest.raises(MachineError, match="there is no tool root"):
        toolroot_engine(place)


def test_an_unfinished_one_never_counts(tries: Path, place: Workplace, tmp_path: Path) -> None:
    stand_in(tmp_path, "sleep 6300")
    code = (
        "import sys; from pathlib import Path; sys.path.append(sys.argv[1])\n"
        "from containers.engine.base_folder import make_base_folder\n"
        "from containers.workplace import WORK_VARIABLE, Workplace\n"
        "make_base_folder(Workplace(Path(sys.argv[2]), Path(sys.argv[2])), lambda line: print(line, flush=True))\n"
    )
    command = [sys.executable, "-c", code, str(REPOSITORY), str(place.work)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert any(line == "I: try\n" for line in process.stdout)
        making = place.work / "base-folder.making/root/half/file"
        deadline = time.monotonic() + 60
        while not making.exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        with pytest.raises(MachineError, match="another run is writing there"):
            make_base_folder(place, str)
        process.kill()
    assert making.exists()
    assert not place.base_folder.exists()
    # The rest of the killed run is gone before the next try begins.
    stand_in(tmp_path, "ls -A \"$root\"; echo 'E: away'; exit 1")
    with pytest.raises(MachineError, match="E: away"):
        make_base_folder(place, str)


def test_no_room(tries: Path, place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage("/")
    # A full disk of the size of a real one cannot be had in a test.
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=10_000_000))
    with pytest.raises(MachineError, match=r"10 MB free, the base folder needs \d+ MB; .*CONTAINER_WORK"):
        make_base_folder(place, str)
    assert not tries.exists()


def test_an_ordinary_user(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MachineError, match=r"has to be root; ask for Apptainer .* --docker"):
        make_base_folder(place, str)
    assert not place.work.exists()


def test_what_is_there_is_kept(place: Workplace) -> None:
    place.base_folder.mkdir(parents=True)
    assert make_base_folder(place, str) == place.base_folder


def test_what_belongs_to_the_machine_is_taken_away(tmp_path: Path) -> None:
    for name in (
        "etc/resolv.conf",
        "etc/hostname",
        "var/lib/apt/lists/host_InRelease",
        "var/log/apt/term.log",
        "dev/x",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("of this machine\n")
    (tmp_path / "dev/fd").symlink_to("/proc/self/fd")
    (tmp_path / "dev/pts").mkdir()
    (tmp_path / "etc/keep").touch()
    debootstrap._clean(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if not path.is_dir()}
    assert left == {"etc/resolv.conf", "etc/hostname", "etc/hosts", "etc/keep"}
    assert (tmp_path / "etc/resolv.conf").read_text() == ""


def test_sources_of_the_host() -> None:
    sources = debian_sources()
    if not sources:
        pytest.skip("this host is no Debian")
    assert all(source.address.startswith("http") and not source.address.endswith("/") for source in sources)
    assert debian_mirror() in {source.address for source in sources}


def test_without_apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert debian_sources() == ()
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    with pytest.raises(MachineError, match=MIRROR_VARIABLE):
        debian_mirror()
    monkeypatch.setenv(MIRROR_VARIABLE, "http://mirror.example/debian")
    assert debian_mirror() == "http://mirror.example/debian"
    with pytest.raises(MachineError, match="'debootstrap' is needed and apt-get is not here"):
        unpack_package("debootstrap", tmp_path / "x")


def test_scratch_folders_of_killed_runs_go(tmp_path: Path) -> None:
    old, young, other = tmp_path / "engine.old", tmp_path / "engine.young", tmp_path / "base.other"
    for folder in (old, young, other):
        (folder / "deep").mkdir(parents=True)
    (old / "deep").chmod(0o500)
    for folder in (old, other):
        os.utime(folder, (1, 1))
    with scratch_folder(tmp_path) as mine:
        os.utime(mine, (1, 1))
        with scratch_folder(tmp_path) as second:
            assert mine.is_dir()
            assert second.is_dir()
        assert not old.exists()
        assert young.is_dir()
        assert other.is_dir()
        assert not second.exists()
    assert not mine.exists()


def wrapped(place: Workplace, ci: str) -> "subprocess.CompletedProcess[str]":
    """Run the script that makes sure of an engine, with a command that tells which engine it is to use."""
    names = {"CI": ci, "PYTHON": sys.executable, WORK_VARIABLE: str(place.work)}
    environment = {name: value for name, value in os.environ.items() if name != ENGINE_VARIABLE} | names
    script = REPOSITORY / "tests/real/apptainer.sh"
    command = [str(script), "sh", "-c", f'echo "engine: ${ENGINE_VARIABLE}"']
    return subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_the_one_missing_part_that_does_not_fail(tries: Path, place: Workplace, tmp_path: Path) -> None:
    stand_in(tmp_path, "exit 1")
    done = wrapped(place, "true")
    assert (done.returncode, done.stdout) == (0, "ENGINE UNAVAILABLE: not a SIF\nengine: chroot\n")
    assert tries.read_text() == "try\ntry\n"
    # Elsewhere the tests skip, and say why.
    done = wrapped(place, "")
    assert (done.returncode, done.stdout) == (0, "engine: \n")
    assert "in 2 tries" in done.stderr


def test_any_other_missing_part_is_no_excuse(tries: Path, place: Workplace, tmp_path: Path) -> None:
    place.work.write_text("a file where the folder belongs\n")
    stand_in(tmp_path, "exit 1")
    done = wrapped(place, "true")
    assert (done.returncode, done.stdout) == (0, "engine: \n")
    assert not tries.exists()
