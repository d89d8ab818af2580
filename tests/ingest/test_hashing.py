"""Many files at once: results, errors, order, look-ahead, stopping."""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import ingest.hashing as hashing
from ingest.hashing import hash_all
from ingest.item import Sums
from ingest.storage.contract import Stop, never
from ingest.storage.local import LocalStorage
from legacy.checksums import BLOCK_SIZE
from legacy.errors import InputError, MachineError


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    for number in range(50):
        (tmp_path / f"{number:03d}").write_bytes(os.urandom(number * 100))
    return sorted(str(path) for path in tmp_path.iterdir())


@pytest.mark.parametrize("jobs", [1, 2, 7])
def test_all_files(files: list[str], jobs: int) -> None:
    found = dict(hash_all(files, jobs))
    assert sorted(found) == files
    for name, sums in found.items():
        assert isinstance(sums, Sums)
        assert sums.sha256 == hashlib.sha256(Path(name).read_bytes()).hexdigest()
        assert sums.by == "ingest"


def test_without_sha256(files: list[str]) -> None:
    assert {sums.sha256 for _, sums in hash_all(files, 2, sha256=False) if isinstance(sums, Sums)} == {""}


def test_nothing() -> None:
    assert list(hash_all([], 2)) == []


def test_a_bad_file_is_reported_and_the_others_go_on(files: list[str]) -> None:
    found = dict(hash_all([files[0], "/no/such/file", files[1]], 2))
    assert isinstance(found["/no/such/file"], InputError)
    assert isinstance(found[files[0]], Sums)
    assert isinstance(found[files[1]], Sums)


def test_look_ahead_is_bounded(files: list[str]) -> None:
    taken = 0

    def locations() -> Iterator[str]:
        nonlocal taken
        for name in files * 20:
            taken += 1
            yield name

    for yielded, _ in enumerate(hash_all(locations(), 2), start=1):
        assert taken - yielded < 16 + 1
    assert yielded == taken == 1000


def test_a_large_file_does_not_hold_up_small_ones(tmp_path: Path, files: list[str]) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(100 * BLOCK_SIZE)
    order = [name for name, _ in hash_all([str(large), *files[:6]], 2)]
    assert order[-1] == str(large)


def test_stop_gives_up_what_is_being_read(tmp_path: Path, files: list[str]) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(1 << 40)  # a day's reading
    stop = threading.Event()
    found = []
    for name, _ in hash_all([*files[:5], str(large), *files[5:]], 2, stop=stop.is_set):
        found.append(name)
        if len(found) == 10:
            stop.set()
    assert 10 <= len(found) < 10 + 16
    assert str(large) not in found
    assert not reading_threads()


def test_closing_gives_up_what_is_being_read(tmp_path: Path, files: list[str]) -> None:
    large = tmp_path / "large"
    with large.open("wb") as stream:
        stream.truncate(1 << 40)
    results = hash_all([str(large), *files], 2)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert not reading_threads()


def test_stopped_before_the_first_file(files: list[str]) -> None:
    assert list(hash_all(files, 2, stop=lambda: True)) == []


class Away(LocalStorage):
    """A storage that is away from the tenth file on; a mount cannot be taken away in a test."""

    def __init__(self) -> None:
        self.asked = 0

    def read_sums(self, location: str, *, sha256: bool = True, stop: Stop = never) -> Sums:
        self.asked += 1
        if self.asked == 10:
            raise MachineError("the storage is away")
        return super().read_sums(location, sha256=sha256, stop=stop)


def test_storage_that_is_away_ends_it(files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Away()
    monkeypatch.setattr(hashing, "storage_of", lambda location: storage)
    with pytest.raises(MachineError, match="away"):
        list(hash_all(files, 1))
    assert storage.asked < 10 + hashing._AHEAD  # what was given to the thread before the error was heard of
    assert not reading_threads()


def reading_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith(("hash", "digest"))]
