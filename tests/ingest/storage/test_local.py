"""Files on mounted disks: what they are, without reading; their checksums, with one read."""

import errno
import hashlib
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import ingest.storage.local as local
from ingest.item import Sums
from ingest.storage.contract import NoSuchFileError, ReadStoppedError
from ingest.storage.local import LocalStorage, is_released
from legacy.checksums import BLOCK_SIZE
from legacy.errors import InputError, MachineError, UsageError

STORAGE = LocalStorage()
NOBODY = 65534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach; pytest's own are private."""
    with tempfile.TemporaryDirectory(prefix="antares-legacy-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody for a while where the tests run as root, whom no permission stops."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_stat(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"abc")
    os.utime(file, ns=(1, 1_234_567_890_123_456_789))
    found = STORAGE.stat(str(file))
    assert (found.size, found.mtime_ns, found.online) == (3, 1_234_567_890_123_456_789, True)


@pytest.mark.parametrize("size", [0, 10, BLOCK_SIZE, 3 * BLOCK_SIZE + 1])
@pytest.mark.parametrize("sha256", [True, False])
def test_read_sums(tmp_path: Path, size: int, sha256: bool) -> None:
    content = os.urandom(size)
    file = tmp_path / "file"
    file.write_bytes(content)
    found = STORAGE.read_sums(str(file), sha256=sha256)
    assert found.size == size
    assert found.by == "ingest"
    assert found.md5 == hashlib.md5(content).hexdigest()
    assert found.sha256 == (hashlib.sha256(content).hexdigest() if sha256 else "")


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "link").symlink_to("file")
    assert STORAGE.stat(str(tmp_path / "link")).size == 3
    assert STORAGE.read_sums(str(tmp_path / "link")).size == 3


def test_disks_keep_no_checksums(tmp_path: Path) -> None:
    assert STORAGE.ask_sums(str(tmp_path / "file")) == Sums()


def test_what_is_no_file_is_refused_unopened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "nowhere").symlink_to("gone")
    (tmp_path / "away").symlink_to("/usr")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        expected = {
            tmp_path: "a folder",
            tmp_path / "pipe": "a named pipe",
            tmp_path / "socket": "a socket",
            tmp_path / "away": "a link to a folder",
            tmp_path / "loop": "symbolic links",
            tmp_path / "nowhere": "no such file",
            tmp_path / "gone": "no such file",
            tmp_path / "gone" / "deep": "no such file",
            Path("/dev/null"): "a device",
        }
        for path, said in expected.items():
            for look in (STORAGE.stat, STORAGE.read_sums):
                with pytest.raises(InputError, match=said):
                    look(str(path))


def test_a_pipe_that_takes_the_place_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    genuine = os.stat
    # The exchange would have to happen between two system calls: the first of them is told a lie.
    monkeypatch.setattr(os, "stat", lambda path, **_: genuine(tmp_path / "file" if path == str(pipe) else path))
    with pytest.raises(InputError, match="a named pipe"), local._opened_file(str(pipe), recall=False):
        pass


@pytest.mark.parametrize("name", ["relative", "./file", "../file", ""])
def test_only_absolute_paths(name: str) -> None:
    with pytest.raises(UsageError, match="absolute"):
        STORAGE.stat(name)


def test_impossible_names(tmp_path: Path) -> None:
    latin = tmp_path / os.fsdecode(b"lat\xe9n")
    latin.write_bytes(b"x")
    with pytest.raises(InputError, match="not UTF-8"):
        STORAGE.stat(str(latin))
    with pytest.raises(InputError, match="no file has such a name"):
        STORAGE.stat("/a\0b")
    with pytest.raises(InputError, match="too long"):
        STORAGE.stat("/" + "a" * 300)


def test_permissions(open_folder: Path) -> None:
    secret = open_folder / "secret"
    secret.write_bytes(b"abc")
    secret.chmod(0)
    closed = open_folder / "closed"
    closed.mkdir()
    (closed / "file").write_bytes(b"abc")
    closed.chmod(0)
    try:
        with unprivileged():
            assert STORAGE.stat(str(secret)).size == 3
            for path in (secret, closed / "file"):
                with pytest.raises(InputError, match=r"permission denied.*owner"):
                    STORAGE.read_sums(str(path))
            # The closed folder is not passed over in silence.
            assert list(STORAGE.list(str(open_folder))) == [str(closed), str(secret)]
            with pytest.raises(InputError, match="permission denied"):
                STORAGE.stat(str(closed))
            with pytest.raises(InputError, match="permission denied"):
                list(STORAGE.list(str(closed)))
    finally:
        closed.chmod(0o755)


def test_a_file_that_grows_while_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(2 * BLOCK_SIZE))

    def grow() -> bool:
        with file.open("ab") as stream:
            stream.write(b"more")
        return False

    with pytest.raises(InputError, match="changed while it was read"):
        STORAGE.read_sums(str(file), stop=grow)


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(3 * BLOCK_SIZE))

    def shrink() -> bool:
        os.truncate(file, BLOCK_SIZE)
        return False

    with pytest.raises(InputError, match=f"{BLOCK_SIZE} and {3 * BLOCK_SIZE} bytes"):
        STORAGE.read_sums(str(file), stop=shrink)


def test_stop(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(bytes(10 * BLOCK_SIZE))
    answers = iter([False, False, True])
    with pytest.raises(ReadStoppedError):
        STORAGE.read_sums(str(file), stop=lambda: next(answers))
    assert next(answers, None) is None
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("digest")]


def test_list(tmp_path: Path) -> None:
    top = tmp_path / "top"
    for name in ("b/2", "b/1", "b-1", "b.x", "a", "c/d/e", "ü", "with space"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(b"")
    (top / "empty").mkdir()
    (top / "inside").symlink_to("b")
    (top / "above").symlink_to("..")
    (top / "file link").symlink_to("a")
    (top / "broken").symlink_to("gone")
    (top / "c" / "up").symlink_to("../c")
    os.mkfifo(top / "pipe")
    found = list(STORAGE.list(f"{top}/"))
    # Links to folders inside are listed once, where the folder is; one that leads out is named, to be refused.
    names = ["a", "above", "b-1", "b.x", "b/1", "b/2", "broken", "c/d/e", "file link", "pipe", "with space", "ü"]
    assert found == [f"{top}/{name}" for name in names]
    assert found == sorted(found)
    with pytest.raises(InputError, match="a link to a folder"):
        STORAGE.stat(f"{top}/above")


def test_list_is_lazy(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "file").write_bytes(b"")
    files = STORAGE.list(str(tmp_path))
    assert next(files) == f"{tmp_path}/0/file"
    (tmp_path / "2" / "late").write_bytes(b"")
    assert list(files) == [f"{tmp_path}/1/file", f"{tmp_path}/2/file", f"{tmp_path}/2/late"]


@pytest.mark.parametrize(("name", "said"), [("gone", "no such file"), ("file", "not a directory")])
def test_list_of_no_folder(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=said):
        list(STORAGE.list(str(tmp_path / name)))


def test_sparse_and_small_files_are_not_on_tape(tmp_path: Path) -> None:
    sparse, small = tmp_path / "sparse", tmp_path / "small"
    with sparse.open("wb") as stream:
        stream.truncate(1 << 20)
    small.write_bytes(b"x")
    assert sparse.stat().st_blocks == 0
    assert STORAGE.stat(str(sparse)).online
    assert STORAGE.stat(str(small)).online
    assert STORAGE.read_sums(str(sparse)).size == 1 << 20


def test_blocks(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(3 << 20))
    assert b"".join(STORAGE.blocks(str(path))) == path.read_bytes()
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    reading = STORAGE.blocks(str(path))
    next(reading)
    with path.open("ab") as stream:
        stream.write(b"more")
    with pytest.raises(InputError, match="changed while it was read"):
        list(reading)
    reading = STORAGE.blocks(str(path), stop=lambda: True)
    with pytest.raises(ReadStoppedError):
        next(reading)
    reading = STORAGE.blocks(str(path))
    next(reading)
    reading.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    with pytest.raises(NoSuchFileError):
        next(STORAGE.blocks(str(tmp_path / "gone")))


def test_stubs_of_releasing_file_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = tmp_path / "sparse"
    with sparse.open("wb") as stream:
        stream.truncate(1 << 20)
    # Lustre and Spectrum Scale cannot be had for a test: a sparse file looks like their stubs, and only the name of
    # the file system is made up.
    monkeypatch.setattr(local, "_file_system", lambda device: "lustre")
    assert not STORAGE.stat(str(sparse)).online
    for read in (lambda: STORAGE.read_sums(str(sparse)), lambda: next(STORAGE.blocks(str(sparse)))):
        with pytest.raises(InputError, match="on tape only"):
            read()
    assert b"".join(STORAGE.blocks(str(sparse), recall=True)) == bytes(1 << 20)
    (tmp_path / "full").write_bytes(bytes(1 << 20))
    os.sync()
    assert STORAGE.stat(str(tmp_path / "full")).online


@pytest.mark.parametrize(
    ("size", "file_system", "released"),
    [(65536, "lustre", False), (65537, "lustre", True), (65537, "gpfs", True), (65537, "ext4", False)],
)
def test_what_counts_as_a_stub(tmp_path: Path, size: int, file_system: str, released: bool) -> None:
    with (tmp_path / "file").open("wb") as stream:
        stream.truncate(size)
    assert is_released((tmp_path / "file").stat(), file_system) is released


def test_the_type_of_a_file_system_is_known() -> None:
    assert local._file_system(Path("/proc").stat().st_dev) == "proc"
    assert local._file_system(os.makedev(4000, 4000)) == ""


@pytest.mark.parametrize(
    ("number", "kind"),
    [(errno.EIO, InputError), (errno.ESTALE, InputError), (errno.ENOTCONN, MachineError), (errno.EMFILE, MachineError)],
)
def test_errors_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    (tmp_path / "file").write_bytes(b"abc")

    def fail(descriptor: int, size: int) -> bytes:
        raise OSError(number, os.strerror(number))

    # A disk cannot be broken for a test.
    monkeypatch.setattr(os, "read", fail)
    with pytest.raises(kind, match=os.strerror(number).lower()):
        STORAGE.read_sums(str(tmp_path / "file"))
