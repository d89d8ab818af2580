"""Reading through a real xrootd server on the loopback interface, with the real client library."""

import hashlib
import os
import shutil
import signal
import socket
import time
import zlib
from collections.abc import Iterator

import pytest
from xrootd_server import door as door_module
from xrootd_server.door import Altered, Door, running

from ingest.hashing import hash_all
from ingest.item import Sums
from ingest.storage.contract import ReadStoppedError
from ingest.storage.opened import storage_of
from ingest.storage.xrootd import Limits, XrootdStorage
from legacy.errors import InputError, MachineError

pytestmark = pytest.mark.real

QUICK = Limits(answer=3, opening=5, block=3, checksum=10)
CONTENT = os.urandom((5 << 20) + 17)


@pytest.fixture(scope="module")
def shared_door() -> Iterator[Door]:
    with running() as door:
        yield door


@pytest.fixture
def door(shared_door: Door) -> Iterator[Door]:
    """A server with an empty folder."""
    yield shared_door
    for path in shared_door.root.iterdir():
        path.chmod(0o755, follow_symlinks=False) if path.is_dir() and not path.is_symlink() else None
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def put(door: Door, name: str, content: bytes = CONTENT) -> str:
    return door_module.put(door, name, content)


def adler32(content: bytes) -> str:
    return f"{zlib.adler32(content):08x}"


@pytest.fixture
def storage(door: Door) -> XrootdStorage:
    return XrootdStorage(QUICK)


def test_stat(door: Door, storage: XrootdStorage) -> None:
    url = put(door, "file")
    os.utime(door.root / "file", (1, 1_234_567_890))
    found = storage.stat(url)
    assert (found.size, found.mtime_ns, found.online) == (len(CONTENT), 1_234_567_890_000_000_000, True)


@pytest.mark.parametrize("name", ["file", "with space", "per%20cent", "ha#sh", "ünï", "+&;=,()[]"])
def test_read(door: Door, name: str) -> None:
    url = put(door, name)
    # As the rest of the program gets at it.
    found = storage_of(url).read_sums(url)
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert found == Sums(len(CONTENT), adler32(CONTENT), hashlib.md5(CONTENT).hexdigest(), sha256, by="ingest")
    assert storage_of(url).read_sums(url, sha256=False).sha256 == ""


@pytest.mark.parametrize("size", [0, 1, 2 << 20, (2 << 20) + 1])
def test_sizes(door: Door, storage: XrootdStorage, size: int) -> None:
    content = CONTENT[:size]
    assert storage.read_sums(put(door, "file", content)).adler32 == adler32(content)


def test_the_door_gives_its_checksum(door: Door, storage: XrootdStorage) -> None:
    assert storage.ask_sums(put(door, "file")) == Sums(len(CONTENT), adler32=adler32(CONTENT), by="door")
    leading_zero = b"\x01"  # 00020002
    assert storage.ask_sums(put(door, "small", leading_zero)).adler32 == "00020002"


def test_a_checksum_that_is_wrong_shows(door: Door, storage: XrootdStorage) -> None:
    url = put(door, "file")
    state = (door.root / "file").stat()
    asked = storage.ask_sums(url)  # the server keeps it beside the file, and trusts it while the time is the same
    damaged = bytearray(CONTENT)
    damaged[1000] ^= 1
    (door.root / "file").write_bytes(damaged)
    os.utime(door.root / "file", ns=(state.st_atime_ns, state.st_mtime_ns))
    read = storage.read_sums(url)
    assert asked.adler32 == adler32(CONTENT)
    assert read.adler32 == adler32(bytes(damaged)) != asked.adler32


@pytest.mark.parametrize(
    ("configured", "kind"), [("", ""), ("xrootd.chksum max 2 md5", "md5"), ("xrootd.chksum max 2 crc32", "")]
)
def test_other_checksums(configured: str, kind: str) -> None:
    with running(configured) as door:
        found = XrootdStorage(QUICK).ask_sums(put(door, "file"))
    assert found.md5 == (hashlib.md5(CONTENT).hexdigest() if kind == "md5" else "")
    assert found.adler32 == ""
    assert found.by == ("door" if kind else "")


def test_what_is_no_file(door: Door, storage: XrootdStorage) -> None:
    put(door, "folder/file")
    os.mkfifo(door.root / "pipe")
    (door.root / "nowhere").symlink_to("gone")
    expected = {"gone": "no such file", "nowhere": "no such file", "folder": "a folder", "pipe": "no regular file"}
    for name, said in expected.items():
        for look in (storage.stat, storage.read_sums, storage.ask_sums):
            with pytest.raises(InputError, match=said) as error:
                look(door.url(name))
            assert str(error.value).startswith(f"{door.url(name)}: ")
    with pytest.raises(InputError, match="disallowed"):
        storage.stat(f"root://127.0.0.1:{door.port}//etc/passwd")


def test_no_permission(door: Door, storage: XrootdStorage) -> None:
    if os.geteuid():
        pytest.skip("the server runs as the owner of the files, whom no permission stops")
    url = put(door, "secret")
    (door.root / "secret").chmod(0o600)
    put(door, "closed/file")
    (door.root / "closed").chmod(0o700)
    assert storage.stat(url).size == len(CONTENT)
    for look in (storage.read_sums, storage.ask_sums):
        with pytest.raises(InputError, match="permission denied"):
            look(url)
    assert list(storage.list(door.url())) == [door.url("closed"), url]
    with pytest.raises(InputError, match="permission denied"):
        storage.stat(door.url("closed"))


def test_list(door: Door, storage: XrootdStorage) -> None:
    names = ["a", "b-1", "b.x", "b/1", "b/2", "c/d/e", "with space", "ü"]
    for name in names:
        put(door, name, b"x")
    (door.root / "empty").mkdir()
    found = list(storage.list(door.url() + "/"))
    assert found == [door.url(name) for name in names]
    assert found == sorted(found)
    assert list(storage.list(door.url("empty"))) == []
    for name, said in {"gone": "no such file", "a": "not a directory"}.items():
        with pytest.raises(InputError, match=said):
            list(storage.list(door.url(name)))


def test_links_that_go_in_circles(door: Door, storage: XrootdStorage) -> None:
    put(door, "a/b/file", b"x")
    (door.root / "a" / "b" / "top").symlink_to("../..")
    (door.root / "a" / "b" / "same").symlink_to(".")
    assert list(storage.list(door.url())) == [door.url("a/b/file")]


def test_names_that_are_not_utf_8(door: Door, storage: XrootdStorage) -> None:
    put(door, "good/file", b"x")
    (door.root / "latin").mkdir()
    (door.root / "latin" / os.fsdecode(b"lat\xe9n")).write_bytes(b"x")
    assert list(storage.list(door.url())) == [door.url("good/file"), door.url("latin")]
    with pytest.raises(InputError, match="not UTF-8"):
        storage.stat(door.url("latin"))


def test_a_question_mark_is_refused(door: Door, storage: XrootdStorage) -> None:
    put(door, "qu", b"1")
    put(door, "qu?es", b"22")
    # The server would take what follows the mark for an order, and answer for the other file.
    (url,) = [each for each in storage.list(door.url()) if "?" in each]
    with pytest.raises(InputError, match=r"has '\?' in its path"):
        storage.stat(url)


def test_a_file_that_changes_while_it_is_read(door: Door, storage: XrootdStorage) -> None:
    url = put(door, "file")

    def grow() -> bool:
        with (door.root / "file").open("ab") as stream:
            stream.write(b"more")
        return False

    def shrink() -> bool:
        os.truncate(door.root / "file", 1000)
        return False

    for change in (grow, shrink):
        with pytest.raises(InputError, match="changed while it was read"):
            storage.read_sums(url, stop=change)


def test_stop(door: Door, storage: XrootdStorage) -> None:
    with pytest.raises(ReadStoppedError):
        storage.read_sums(put(door, "file"), stop=lambda: True)


def test_many_at_once(door: Door) -> None:
    contents = {put(door, f"{number:03d}", CONTENT[: number * 1000]): CONTENT[: number * 1000] for number in range(60)}
    found = dict(hash_all([*contents, door.url("gone")], 4))
    assert isinstance(found.pop(door.url("gone")), InputError)
    assert {url: sums.adler32 for url, sums in found.items() if isinstance(sums, Sums)} == {
        url: adler32(content) for url, content in contents.items()
    }


def test_a_door_that_is_not_there() -> None:
    with running() as door:
        door.stop()
        started = time.monotonic()
        for look in (XrootdStorage(QUICK).stat, XrootdStorage(QUICK).read_sums, XrootdStorage(QUICK).ask_sums):
            with pytest.raises(MachineError, match=f"127.0.0.1:{door.port}"):
                look(door.url("file"))
        with pytest.raises(MachineError):
            list(XrootdStorage(QUICK).list(door.url()))
        assert time.monotonic() - started < 4 * QUICK.answer + 5


def test_a_name_that_is_no_machine() -> None:
    with running(), pytest.raises(MachineError, match="check the name of the door"):
        XrootdStorage(QUICK).stat("root://door.invalid//file")


def test_a_server_that_speaks_something_else() -> None:
    with running(), socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()  # and never says anything
        started = time.monotonic()
        with pytest.raises(MachineError):
            XrootdStorage(QUICK).stat(f"root://127.0.0.1:{listening.getsockname()[1]}//file")
        assert time.monotonic() - started < QUICK.answer + 5


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hanging"])
def test_a_server_that_dies_in_mid_read(blow: signal.Signals) -> None:
    with running() as door:
        url = put(door, "file", bytes(64 << 20))

        def strike() -> bool:
            assert door.process is not None
            door.process.send_signal(blow)
            return False

        started = time.monotonic()
        with pytest.raises(MachineError, match=f"127.0.0.1:{door.port}"):
            XrootdStorage(QUICK).read_sums(url, stop=strike)
        # The block, the question whether the door is well, and the closing.
        assert time.monotonic() - started < QUICK.block + QUICK.answer + 5 + 5


def test_a_server_that_comes_back(door: Door, storage: XrootdStorage) -> None:
    url = put(door, "file")
    assert storage.stat(url).size == len(CONTENT)
    door.stop()
    with pytest.raises(MachineError):
        storage.stat(url)
    door.start()
    assert storage.read_sums(url).adler32 == adler32(CONTENT)


@pytest.mark.parametrize(("version", "asked"), [(b"dCache 9.2.21", True), (b"v5.6.0", False)])
def test_a_file_on_tape_is_not_recalled(
    door: Door, storage: XrootdStorage, monkeypatch: pytest.MonkeyPatch, version: bytes, asked: bool
) -> None:
    url = put(door, "file")
    flags, codes = storage._client.flags.StatInfoFlags, storage._client.flags.QueryCode
    # A plain server has no tape: only the flag and the version are made up.
    altered = Altered(storage._client.FileSystem(door.url()), flags.OFFLINE, version)
    monkeypatch.setattr(storage, "_door", lambda url: altered)
    assert not storage.stat(url).online
    with pytest.raises(InputError, match="on tape only"):
        storage.read_sums(url)
    assert altered.asked == []
    assert storage.ask_sums(url).adler32 == (adler32(CONTENT) if asked else "")
    assert (codes.CHECKSUM in altered.asked) is asked


def test_a_file_that_is_being_written(door: Door, storage: XrootdStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    url = put(door, "file")
    # The flag exists only while a client of that kind (persist on successful close) writes.
    altered = Altered(storage._client.FileSystem(door.url()), storage._client.flags.StatInfoFlags.POSC_PENDING, b"")
    monkeypatch.setattr(storage, "_door", lambda url: altered)
    with pytest.raises(InputError, match="still being written"):
        storage.stat(url)
