"""Copies: complete or not there, never over another file, and nothing left behind."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

import ingest.copying as copying
from ingest.copying import copy_in
from ingest.item import Sums
from ingest.storage.contract import ReadStoppedError
from legacy.checksums import BLOCK_SIZE
from legacy.errors import InputError, MachineError

CONTENT = os.urandom(2 * BLOCK_SIZE + 17)
SUMS = Sums(len(CONTENT), md5=hashlib.md5(CONTENT).hexdigest(), sha256=hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "source"
    file.write_bytes(CONTENT)
    return file


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_copy(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "rse" / "antares" / "1a" / "2b" / "file"
    found = copy_in(source, target, SUMS)
    assert target.read_bytes() == CONTENT
    assert (found.size, found.md5, found.sha256, found.by) == (SUMS.size, SUMS.md5, SUMS.sha256, "ingest")
    assert names(target.parent) == ["file"]
    assert target.stat().st_nlink == 1


def test_without_sha256(source: Path, tmp_path: Path) -> None:
    assert copy_in(source, tmp_path / "file", sha256=False).sha256 == ""


@pytest.mark.parametrize(("umask", "file", "folder"), [(0o022, 0o644, 0o755), (0o027, 0o640, 0o750)])
def test_modes_follow_the_umask(source: Path, tmp_path: Path, umask: int, file: int, folder: int) -> None:
    before = os.umask(umask)
    try:
        copy_in(source, tmp_path / "rse" / "file")
    finally:
        os.umask(before)
    assert (tmp_path / "rse" / "file").stat().st_mode & 0o777 == file
    assert (tmp_path / "rse").stat().st_mode & 0o777 == folder


@pytest.mark.parametrize("expected", [None, SUMS], ids=["nothing known", "known"])
def test_an_equal_target_is_kept(source: Path, tmp_path: Path, expected: Sums | None) -> None:
    target = tmp_path / "file"
    first = copy_in(source, target, expected)
    inode = target.stat().st_ino
    assert copy_in(source, target, first if expected else None) == first
    assert target.stat().st_ino == inode
    assert names(tmp_path) == ["file", "source"]


@pytest.mark.parametrize("content", [b"", b"other", bytes(len(CONTENT))], ids=["empty", "short", "as long"])
@pytest.mark.parametrize("expected", [None, SUMS], ids=["nothing known", "known"])
def test_another_file_is_never_overwritten(source: Path, tmp_path: Path, content: bytes, expected: Sums | None) -> None:
    target = tmp_path / "file"
    target.write_bytes(content)
    with pytest.raises(InputError, match="is there already with other content"):
        copy_in(source, target, expected)
    assert target.read_bytes() == content
    assert names(tmp_path) == ["file", "source"]


def test_a_target_that_is_no_file(source: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("folder", "link"):
        with pytest.raises(InputError, match="no regular file"):
            copy_in(source, tmp_path / name)
    assert not (tmp_path / "nowhere").exists()


def test_a_file_where_a_folder_should_be(source: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(MachineError, match=r"file exists|not a directory"):
        copy_in(source, tmp_path / "file" / "below")


@pytest.mark.parametrize(
    "wrong",
    [Sums(size=1), Sums(adler32="00000001"), Sums(md5="0" * 32), Sums(sha256="0" * 64)],
    ids=["size", "adler32", "md5", "sha256"],
)
def test_not_what_was_expected(source: Path, tmp_path: Path, wrong: Sums) -> None:
    target = tmp_path / "rse" / "file"
    with pytest.raises(InputError, match="not the file that was expected"):
        copy_in(source, target, wrong)
    assert names(target.parent) == []


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "rse").mkdir()
    for name, said in {"gone": "no such file", "folder": "a folder", "pipe": "a named pipe"}.items():
        with pytest.raises(InputError, match=said):
            copy_in(tmp_path / name, tmp_path / "rse" / "file")
    assert names(tmp_path / "rse") == []


def test_a_source_that_changes_while_it_is_copied(source: Path, tmp_path: Path) -> None:
    def change() -> bool:
        with source.open("r+b") as stream:
            stream.write(b"changed")
        os.utime(source, ns=(1, 1))  # whatever the clock of the file system
        return False

    with pytest.raises(InputError, match="changed while it was read"):
        copy_in(source, tmp_path / "rse" / "file", stop=change)
    assert names(tmp_path / "rse") == []


def test_stop(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ReadStoppedError):
        copy_in(source, tmp_path / "rse" / "file", stop=lambda: True)
    assert names(tmp_path / "rse") == []


def test_long_names(source: Path, tmp_path: Path) -> None:
    for name in ("n" * 250, "ü" * 127, "n" * 255):
        copy_in(source, tmp_path / name)
        assert (tmp_path / name).read_bytes() == CONTENT
    with pytest.raises(InputError, match=r"too long.*template"):
        copy_in(source, tmp_path / ("n" * 256))


def test_a_limit_on_the_size_of_files(
    source: Path, tmp_path: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    with file_size_limit(BLOCK_SIZE + 100), pytest.raises(MachineError, match="file too large"):
        copy_in(source, tmp_path / "rse" / "file")
    assert names(tmp_path / "rse") == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    command = [str(mount), "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() or not mount or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root can mount a disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_disk_full(source: Path, small_disk: Path) -> None:
    with pytest.raises(MachineError, match="no space left on device"):
        copy_in(source, small_disk / "rse" / "file")
    assert names(small_disk / "rse") == []
    (small_disk / "rse" / "small").write_bytes(bytes(1000 * 1000))  # the room is free again


def test_a_folder_that_may_not_be_written(source: Path, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        target = Path("/proc/rse/file")  # not even root makes a folder there
    else:
        (tmp_path / "rse").mkdir(mode=0o500)
        target = tmp_path / "rse" / "file"
    with pytest.raises(MachineError, match=str(target)):
        copy_in(source, target)


def refuse_links(source: Path, target: Path, *, follow_symlinks: bool) -> None:
    raise PermissionError(1, "Operation not permitted")


def test_file_systems_without_links(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Such a file system (FAT, some FUSE) would have to be mounted.
    monkeypatch.setattr(os, "link", refuse_links)
    target = tmp_path / "rse" / "file"
    copy_in(source, target)
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["file"]


@pytest.mark.parametrize("links", [True, False])
def test_another_process_is_faster(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    target = tmp_path / "rse" / "file"
    if not links:
        monkeypatch.setattr(os, "link", refuse_links)

    def appear(content: bytes) -> bool:
        if not target.exists():
            target.write_bytes(content)
        return False

    assert copy_in(source, target, stop=lambda: appear(CONTENT)).md5 == SUMS.md5
    target.unlink()
    with pytest.raises(InputError, match="other content"):
        copy_in(source, target, stop=lambda: appear(b"other"))
    assert target.read_bytes() == b"other"
    assert names(target.parent) == ["file"]


def test_many_at_once(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "rse" / "file"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: copy_in(source, target), range(40)))
    assert {sums.md5 for sums in found} == {SUMS.md5}
    assert names(target.parent) == ["file"]


COPY = """
import sys
from pathlib import Path
from ingest.copying import copy_in
copy_in(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@contextmanager
def copy_under_way(tmp_path: Path, target: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that copies for a long time, and wait until it writes; it is killed at the end."""
    slow = tmp_path / "slow"
    with slow.open("wb") as stream:
        stream.truncate(1 << 40)
    process = subprocess.Popen([sys.executable, "-c", COPY, str(slow), str(target)])
    try:
        deadline = time.monotonic() + 30
        while not (target.parent.is_dir() and any(path.stat().st_size for path in target.parent.iterdir())):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()
        slow.unlink()


def test_kill_leaves_what_the_next_copy_removes(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "rse" / "file"
    with copy_under_way(tmp_path, target) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        (left,) = names(target.parent)
        assert left.startswith(".file.part-")
        other = target.with_name("other")
        copying._parts_found.cache_clear()
        copy_in(source, other)
        assert names(target.parent) == [left, "other"]  # of another file: not touched
        copy_in(source, target)
        assert names(target.parent) == ["file", "other"]


def test_the_file_of_a_living_process_is_left_alone(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "rse" / "file"
    copying._parts_found.cache_clear()
    with copy_under_way(tmp_path, target) as process:
        (living,) = names(target.parent)
        copy_in(source, target)
        assert process.poll() is None
        assert names(target.parent) == [living, "file"]


def test_the_file_of_another_machine(source: Path, tmp_path: Path) -> None:
    old, new = tmp_path / ".file.part-00000000-aa", tmp_path / ".file.part-00000000-bb"
    for path in (old, new):
        path.write_bytes(b"x")
    day_ago = time.time() - 90000
    os.utime(old, (day_ago, day_ago))
    copying._parts_found.cache_clear()
    copy_in(source, tmp_path / "file")
    assert not old.exists()  # its machine may hold a lock that is not seen here, but nothing takes a day to write
    assert new.exists()


def test_a_link_in_disguise_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"x")
    trap = tmp_path / f".file.part-{copying._machine()}-aa"
    trap.symlink_to("precious")
    copying._parts_found.cache_clear()
    copy_in(source, tmp_path / "file")
    assert (tmp_path / "precious").read_bytes() == b"x"
    assert trap.is_symlink()
