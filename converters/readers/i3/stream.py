"""Bytes of an `.i3` file, plain or compressed, piece by piece and in bounded memory.

IceTray tells compression by the name of a file; here the first bytes decide (RFC 1952 gzip, bzip2, RFC 8878 zstd).
"""

import bz2
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from converters.readers.i3.faults import FormatError
from legacy.checksums import HashingStream

GZIP_MAGIC = b"\x1f\x8b"
BZIP2_MAGIC = b"BZh"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_PACKED = {GZIP_MAGIC: "gzip", BZIP2_MAGIC: "bzip2", ZSTD_MAGIC: "zstd"}

_READ = 1 << 20
"""A block of bzip2 has at most 900 kB, so this is enough for the first one."""
_BLOCK = 1 << 18
"""Bytes per further read: a few frames, which the caches of a processor hold."""
_PIECE = 1 << 20
_ENOUGH = 64 << 10
_SLICE = 16 << 10
"""Compressed bytes per step: what a damaged stream gave before its last step is kept."""
_ZSTD_SLICE = 256
"""zstd cannot bound what comes out of a step, so what goes in is: a block of 128 KiB can take 4 bytes."""
_ZSTD_WINDOW = 128 << 20


class Bytes(Protocol):
    """Anything that reads on."""

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end."""
        ...


def compression(path: Path) -> str:
    """Return how a file is compressed, from its first bytes: ``gzip``, ``bzip2`` or ``zstd``, ``""`` if it is not.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(4)
    return next((name for magic, name in _PACKED.items() if head.startswith(magic)), "")


class Source:
    """The content of a file, uncompressed and hashed as it passes.

    Parameters
    ----------
    path
        The file. Opening it can raise OSError.
    """

    def __init__(self, path: Path) -> None:
        self._stream = HashingStream(path)

    def pieces(self) -> Iterator[bytes]:
        """Yield the uncompressed bytes.

        Raises
        ------
        FormatError
            The compressed stream is damaged or ends early; all that came before was yielded.
        """
        return uncompressed(self._stream)

    def hexdigest(self) -> str:
        """Return the SHA-256 of the file as it lies on disk."""
        return self._stream.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


class _Head:
    """The first bytes of a file, to be read once."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    def read(self, size: int) -> bytes:
        given, self._head = self._head[:size], self._head[size:]
        return given


def needs_more_than_a_head(head: bytes) -> bool:
    """Say if the file is packed in blocks that can be longer than its first bytes: with bzip2 or zstd."""
    return head.startswith((BZIP2_MAGIC, ZSTD_MAGIC))


def beginning(path: Path) -> bytes:
    """Return the first uncompressed megabyte of a file at most, as far as it can be uncompressed.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as stream:
        return first_piece(stream.read(_READ))


def first_piece(head: bytes) -> bytes:
    """Return the uncompressed beginning of a file from its first bytes, as far as they can be uncompressed."""
    found = b""
    try:
        for piece in uncompressed(_Head(head)):
            found += piece
            if len(found) >= _ENOUGH:
                break
    except (FormatError, ImportError):
        return found  # the head of a compressed file is cut off
    return found


def uncompressed(stream: Bytes) -> Iterator[bytes]:
    """Yield the uncompressed content of a stream in pieces of a few megabytes at most.

    Raises
    ------
    FormatError
        The compressed stream is damaged or ends early.
    """
    first = stream.read(_READ)
    blocks = _blocks(first, stream)
    for magic, expand in ((GZIP_MAGIC, _gzip), (BZIP2_MAGIC, _bzip2), (ZSTD_MAGIC, _zstd)):
        if first.startswith(magic):
            return expand(blocks)
    return blocks


def _blocks(first: bytes, stream: Bytes) -> Iterator[bytes]:
    block = first
    while block:
        yield block
        block = stream.read(_BLOCK)


def _slices(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for block in blocks:
        for begin in range(0, len(block), size):
            yield block[begin : begin + size]


def _gzip(blocks: Iterator[bytes]) -> Iterator[bytes]:
    unzip = zlib.decompressobj(wbits=31)
    try:
        for given in _slices(blocks, _SLICE):
            rest, piece = given, b""
            while rest or len(piece) == _PIECE:  # a full piece: more may wait inside
                if unzip.eof:  # another member follows, or the zeros that fill the last block of a tape
                    rest, piece = rest.lstrip(b"\0"), b""
                    if not rest:
                        break
                    unzip = zlib.decompressobj(wbits=31)
                piece = unzip.decompress(rest, _PIECE)
                rest = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
                if piece:
                    yield piece
    except zlib.error as error:
        raise FormatError(f"the gzip stream is damaged ({error})") from error
    if not unzip.eof:
        raise FormatError("the gzip stream ends before its end mark")


def _bzip2(blocks: Iterator[bytes]) -> Iterator[bytes]:
    unzip = bz2.BZ2Decompressor()
    try:
        for given in _slices(blocks, _SLICE):
            rest = given
            while rest or not (unzip.needs_input or unzip.eof):
                if unzip.eof:
                    unzip = bz2.BZ2Decompressor()
                piece = unzip.decompress(rest, _PIECE)
                rest = unzip.unused_data if unzip.eof else b""
                if piece:
                    yield piece
    except (OSError, ValueError) as error:
        raise FormatError(f"the bzip2 stream is damaged ({error})") from error
    if not unzip.eof:
        raise FormatError("the bzip2 stream ends before its end mark")


def _zstd(blocks: Iterator[bytes]) -> Iterator[bytes]:
    import zstandard

    unzip = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = unzip.decompressobj()
    try:
        for given in _slices(blocks, _ZSTD_SLICE):
            rest = given
            while rest:
                if frame.eof:
                    frame = unzip.decompressobj()
                piece = frame.decompress(rest)
                rest = frame.unused_data if frame.eof else b""
                if piece:
                    yield piece
    except (zstandard.ZstdError, MemoryError) as error:
        raise FormatError(f"the zstd stream is damaged ({error})") from error
    if not frame.eof:
        raise FormatError("the zstd stream ends before its end mark")
