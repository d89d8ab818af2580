"""Checksums."""

import hashlib
import zlib
from pathlib import Path

import numpy as np
import pytest

from legacy.checksums import READ_SIZE, HashingStream, checksums, sha256_of

SIZES = [0, 1, 1000, READ_SIZE - 1, READ_SIZE, READ_SIZE + 1, 2 * READ_SIZE + 17]


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
