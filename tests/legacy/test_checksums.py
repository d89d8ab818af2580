"""Checksums."""

import hashlib
import os
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import legacy.checksums as module
from legacy.checksums import (
    BLOCK_SIZE,
    READ_SIZE,
    Checksums,
    Digest,
    HashingStream,
    blocks_of,
    checksums,
    require_unchanged,
    sha256_of,
)
from legacy.errors import InputError

SIZES = [0, 1, 1000, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, READ_SIZE, READ_SIZE + 1, 3 * READ_SIZE + 17]


@pytest.fixture(params=SIZES)
def content(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, bytes]:
    data = np.random.default_rng(1).bytes(request.param)
    path = tmp_path / "file"
    path.write_bytes(data)
    return path, data


def test_all_of_them(content: tuple[Path, bytes]) -> None:
    path, data = content
    found = checksums(path)
    assert found.size == len(data)
    assert found.adler32 == f"{zlib.adler32(data):08x}"
    assert found.md5 == hashlib.md5(data).hexdigest()
    assert found.sha256 == sha256_of(path) == hashlib.sha256(data).hexdigest()


def test_without_sha256(content: tuple[Path, bytes]) -> None:
    path, data = content
    adler32 = f"{zlib.adler32(data):08x}"
    assert checksums(path, sha256=False) == Checksums(len(data), adler32, hashlib.md5(data).hexdigest(), "")


@pytest.mark.parametrize("blocks", [[], [b""], [b"a"], [b"a", b"b"], [bytes(BLOCK_SIZE)] * 9, [b"x"] * 1000])
def test_digest_of_blocks(blocks: list[bytes]) -> None:
    whole = b"".join(blocks)
    with Digest() as digest:
        for block in blocks:
            digest.update(block)
        found = digest.result()
    assert found.size == digest.size == len(whole)
    assert found.adler32 == f"{zlib.adler32(whole):08x}"
    assert found.md5 == hashlib.md5(whole).hexdigest()
    assert found.sha256 == hashlib.sha256(whole).hexdigest()


def test_one_block_needs_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small").write_bytes(bytes(BLOCK_SIZE))
    (tmp_path / "large").write_bytes(bytes(BLOCK_SIZE + 1))
    monkeypatch.setattr(module, "ThreadPoolExecutor", None)
    assert checksums(tmp_path / "small").size == BLOCK_SIZE
    with pytest.raises(TypeError):
        checksums(tmp_path / "large")


def test_a_digest_that_is_given_up_leaves_no_thread() -> None:
    def give_up() -> None:
        with Digest() as digest:
            for _ in range(3):
                digest.update(b"block")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        give_up()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("digest")]


@pytest.mark.parametrize(("extra", "given"), [(0, 0), (1, 1), (1000, 1)])
def test_growth_is_not_chased(tmp_path: Path, extra: int, given: int) -> None:
    size = 2 * BLOCK_SIZE
    (tmp_path / "file").write_bytes(bytes(size + extra))
    with (tmp_path / "file").open("rb") as stream:
        assert sum(map(len, blocks_of(stream.fileno(), size))) == size + given


@pytest.mark.parametrize("change", [1, -1, 0], ids=["grows", "shrinks", "is touched"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(2 * BLOCK_SIZE))

    def changing(descriptor: int, size: int) -> Iterator[bytes]:
        for number, block in enumerate(blocks_of(descriptor, size)):
            if not number:
                os.truncate(path, 2 * BLOCK_SIZE + change)
                os.utime(path, ns=(1, 1))
            yield block

    # The change itself is real; only its moment is arranged.
    monkeypatch.setattr(module, "blocks_of", changing)
    with pytest.raises(InputError, match=r"file: changed while it was read.*run the command again"):
        checksums(path)


def test_what_counts_as_changed() -> None:
    require_unchanged("file", (10, 1), (10, 1), 10)
    for before, after, read in [((10, 1), (10, 2), 10), ((10, 1), (11, 1), 10), ((10, 1), (10, 1), 9)]:
        with pytest.raises(InputError):
            require_unchanged("file", before, after, read)


def test_known_values(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    found = checksums(tmp_path / "abc")
    # RFC 1321, FIPS 180-2 and the definition of Adler-32 give these for "abc".
    assert found.md5 == "900150983cd24fb0d6963f7d28e17f72"
    assert found.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert found.adler32 == "024d0127"


@pytest.mark.parametrize("read", [0, 1, 100])
def test_hashing_stream(read: int, content: tuple[Path, bytes]) -> None:
    path, data = content
    with HashingStream(path) as stream:
        got = b"".join(stream.read(size) for size in [1000] * read)
        assert got == data[: 1000 * read]
        assert stream.hexdigest() == hashlib.sha256(data).hexdigest()
        assert stream.hexdigest() == hashlib.sha256(data).hexdigest()
        assert stream.read() == b""


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        checksums(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        HashingStream(tmp_path / "none")
