"""Checksums: one read of a file for all of them, and a stream that hashes what passes through it."""

import hashlib
import zlib
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

READ_SIZE = 4 << 20
"""Bytes per read. Larger blocks bring nothing."""


@dataclass(frozen=True, slots=True)
class Checksums:
    """Size and checksums of one file; the checksums as lower-case hex."""

    size: int
    adler32: str
    md5: str
    sha256: str


def checksums(path: Path) -> Checksums:
    """Compute all checksums of a file in one read.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Checksums

    Raises
    ------
    OSError
        The file cannot be read.
    """
    size, adler = 0, 1
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while block := stream.read(READ_SIZE):
            size += len(block)
            adler = zlib.adler32(block, adler)
            md5.update(block)
            sha256.update(block)
    return Checksums(size, f"{adler:08x}", md5.hexdigest(), sha256.hexdigest())


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as lower-case hex; raises OSError."""
    with path.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


class HashingStream:
    """Reads a file and computes its SHA-256 in the same pass.

    The hashing of one block goes on in a thread while the caller works on it, so a conversion reads its
    source once and waits for the hash only where the hash is the slower of the two.

    Parameters
    ----------
    path
        The file. Opening it can raise OSError.
    """

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb", buffering=0)
        self._hash = hashlib.sha256()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sha256")
        self._pending: Future[None] | None = None

    def read(self, size: int = READ_SIZE) -> bytes:
        """Read up to `size` bytes; empty at the end of the file."""
        block = self._file.read(size)
        self._settle()
        if block:
            self._pending = self._thread.submit(self._hash.update, block)
        return block

    def hexdigest(self) -> str:
        """Return the SHA-256 of the whole file, reading what was not read yet."""
        while self.read():
            continue
        self._settle()
        return self._hash.hexdigest()

    def _settle(self) -> None:
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def close(self) -> None:
        """Close the file and end the thread."""
        self._thread.shutdown(wait=True)
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
