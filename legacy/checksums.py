"""Checksums: one read of a file for all of them, and a stream that hashes what passes through it."""

import hashlib
import os
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from legacy.errors import InputError

READ_SIZE = 4 << 20
"""Bytes per read of a stream. Larger blocks bring nothing."""
BLOCK_SIZE = 1 << 20
"""Bytes per read where several blocks wait for their hashes at once; files up to this size need no threads."""

_WAITING_BLOCKS = 4


@dataclass(frozen=True, slots=True)
class Checksums:
    """Size in bytes and checksums of one file, as lower-case hex; ``""`` for one that was not asked for."""

    size: int
    adler32: str
    md5: str
    sha256: str


class Digest:
    """Computes all checksums of bytes that come block by block.

    The slowest one, SHA-256 or else MD5, has a thread of its own and the others the caller's: on two cores all of them
    take no longer than the slowest alone. One block alone, as of a small file, needs no thread. At most four
    blocks wait, so memory does not depend on the size of the file.

    Parameters
    ----------
    sha256
        False leaves SHA-256 out.
    """

    def __init__(self, *, sha256: bool = True) -> None:
        self.size = 0
        """Bytes so far."""
        self._adler = 1  # of no bytes; RFC 1950
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256() if sha256 else None
        self._first: bytes | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._pending: deque[Future[None]] = deque()

    def update(self, block: bytes) -> None:
        """Take the next block."""
        self.size += len(block)
        if self._first is None:
            self._first = block
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="digest")
            self._add(self._first)
        self._add(block)

    def _add(self, block: bytes) -> None:
        if self._thread is not None:
            if len(self._pending) >= _WAITING_BLOCKS:
                self._pending.popleft().result()
            self._pending.append(self._thread.submit(self._slowest, block))
        else:
            self._slowest(block)
        self._adler = zlib.adler32(block, self._adler)
        if self._sha256:
            self._md5.update(block)

    def _slowest(self, block: bytes) -> None:
        (self._sha256 or self._md5).update(block)

    def result(self) -> Checksums:
        """Return size and checksums of all blocks; no block may follow."""
        if self._thread is None and self._first is not None:
            self._add(self._first)
            self._first = None
        self.close()
        sha256 = self._sha256.hexdigest() if self._sha256 else ""
        return Checksums(self.size, f"{self._adler:08x}", self._md5.hexdigest(), sha256)

    def close(self) -> None:
        """End the thread; blocks that wait are hashed before."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def checksums(path: Path, *, sha256: bool = True) -> Checksums:
    """Compute all checksums of a file in one read.

    Parameters
    ----------
    path
        The file.
    sha256
        False leaves SHA-256 out.

    Returns
    -------
    Checksums

    Raises
    ------
    InputError
        The file changed while it was read.
    OSError
        The file cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with Digest(sha256=sha256) as digest:
            before = size_and_time(os.fstat(descriptor))
            for block in blocks_of(descriptor, before[0]):
                digest.update(block)
            require_unchanged(path, before, size_and_time(os.fstat(descriptor)), digest.size)
            return digest.result()
    finally:
        os.close(descriptor)


def blocks_of(descriptor: int, size: int) -> Iterator[bytes]:
    """Yield the content of an open file of `size` bytes, and at most one byte more: growth shows, but is not chased.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    left = size + 1
    while left and (block := os.read(descriptor, min(BLOCK_SIZE, left))):
        left -= len(block)
        yield block


def size_and_time(state: os.stat_result) -> tuple[int, int]:
    """Return the size in bytes and the time of modification in nanoseconds."""
    return state.st_size, state.st_mtime_ns


def require_unchanged(path: Path | str, before: tuple[int, int], after: tuple[int, int], read: int) -> None:
    """Make sure that a file did not change while it was read.

    Parameters
    ----------
    path
        The file, for the message.
    before, after
        Its size and time of modification when it was opened, and after the last byte was read.
    read
        Number of bytes that were read.

    Raises
    ------
    InputError
        Size or time changed, or it gave more or fewer bytes than its size.
    """
    if before == after and before[0] == read:
        return
    sizes = sorted({before[0], after[0], read})
    raise InputError(
        path,
        "changed while it was read",
        found=f"sizes of {' and '.join(map(str, sizes))} bytes" if len(sizes) > 1 else "a new time of modification",
        advice="wait until nothing writes to it, then run the command again",
    )


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
