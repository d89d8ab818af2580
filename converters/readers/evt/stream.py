"""Text of an `.evt` file in blocks that end where an event ends."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from legacy.checksums import HashingStream
from legacy.errors import CorruptInputError

BLOCK_SIZE = 4 << 20
MAX_EVENT_SIZE = 256 << 20
"""Longest event accepted, in bytes: beyond it the file is taken to be something else."""

GZIP_MAGIC = b"\x1f\x8b"
END_OF_EVENT = b"\nend_event:"
_OVERLAP = 4096


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive whole lines of the (uncompressed) file.

    Parameters
    ----------
    offset
        Position of the first byte in the uncompressed text.
    data
        The text.
    whole
        True if the block ends with the end of an event; False for what is left at the end of the file.
    """

    offset: int
    data: bytes
    whole: bool


class TextSource:
    """The bytes of a plain or gzip-compressed file, hashed as they pass.

    Parameters
    ----------
    path
        The file; whether it is compressed is seen from its first bytes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stream = HashingStream(path)
        self._first = self._stream.read(BLOCK_SIZE)
        self.damaged = ""

    def pieces(self) -> Iterator[bytes]:
        """Yield the uncompressed text in pieces of at most `BLOCK_SIZE` bytes.

        A damaged or truncated compressed file ends early, and `damaged` then says why.
        """
        block = self._first
        self._first = b""
        return self._inflate(block) if block.startswith(GZIP_MAGIC) else self._plain(block)

    def _plain(self, block: bytes) -> Iterator[bytes]:
        while block:
            yield block
            block = self._stream.read(BLOCK_SIZE)

    def _inflate(self, block: bytes) -> Iterator[bytes]:
        """Decompress with bounded output, so that a small file cannot fill the memory."""
        unzip = zlib.decompressobj(wbits=31)
        while block:
            if unzip.eof:  # a file may consist of several gzip members
                unzip = zlib.decompressobj(wbits=31)
            try:
                piece = unzip.decompress(block, BLOCK_SIZE)
            except zlib.error as error:
                self.damaged = f"the gzip stream is damaged ({error})"
                return
            if piece:
                yield piece
            rest = unzip.unused_data if unzip.eof else unzip.unconsumed_tail
            block = rest or self._stream.read(BLOCK_SIZE)
        if not unzip.eof:
            self.damaged = "the gzip stream ends before its end mark"

    def hexdigest(self) -> str:
        """Return the SHA-256 of the file as it lies on disk."""
        return self._stream.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def blocks(source: TextSource) -> Iterator[Block]:
    """Cut the text behind the last ``end_event:`` line of each piece.

    Yields
    ------
    Block
        Blocks in file order; only the last one can have ``whole=False``.

    Raises
    ------
    CorruptInputError
        No end of an event within `MAX_EVENT_SIZE` bytes.
    """
    parts: list[bytes] = []
    offset, length, tail = 0, 0, b""
    for piece in source.pieces():
        # The mark can lie across the border of two pieces, so the end of the text before is searched too.
        window = tail + piece
        cut = _after_last_event(window)
        parts.append(piece)
        length += len(piece)
        if cut is None:
            if length > MAX_EVENT_SIZE:
                raise _endless(source.path, offset)
            tail = window[-_OVERLAP:]
            continue
        text = b"".join(parts)
        cut += length - len(window)
        yield Block(offset, text[:cut], whole=True)
        parts = [text[cut:]]
        offset += cut
        length -= cut
        tail = parts[0][-_OVERLAP:]
    rest = b"".join(parts)
    if rest:
        yield Block(offset, rest, whole=_ends_whole(rest))


def _endless(path: Path, offset: int) -> CorruptInputError:
    return CorruptInputError(
        path,
        "an event without end",
        where=f"byte {offset}",
        expected=f"an end_event: line within {MAX_EVENT_SIZE >> 20} MB",
        found="none",
        advice="this does not look like an .evt file; `antares-legacy inspect` tells what it is",
    )


def _after_last_event(window: bytes) -> int | None:
    """Find the first byte after the last complete ``end_event:`` line."""
    end = len(window)
    while (mark := window.rfind(END_OF_EVENT, 0, end)) >= 0:
        newline = window.find(b"\n", mark + 1)
        if newline >= 0:
            return newline + 1
        end = mark
    return None


def _ends_whole(rest: bytes) -> bool:
    """Say if the last line that is not blank is an end_event line (a last newline may be missing)."""
    stripped = rest.rstrip()
    start = stripped.rfind(b"\n") + 1
    return stripped[start:].startswith(b"end_event:")
