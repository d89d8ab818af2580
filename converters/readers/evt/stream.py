"""Text of an `.evt` file in blocks that end where an event ends."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from legacy.checksums import HashingStream
from legacy.errors import CorruptInputError

BLOCK_SIZE = 3 << 20
MAX_EVENT_SIZE = 64 << 20
"""Longest event accepted, in bytes: beyond it the file is taken to be something else."""

GZIP_MAGIC = b"\x1f\x8b"
END_OF_EVENT = b"\nend_event:"
START_OF_HEADER = b"start_run:"
_LAST_LINE = 4096
_STEPS = (4096, 1)


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive whole lines of the (uncompressed) file.

    Parameters
    ----------
    offset
        Position of the first byte in the uncompressed text.
    data
        The text, not copied.
    whole
        False if the file ends with this block, and not with the end of an event.
    """

    offset: int
    data: memoryview
    whole: bool

    @property
    def has_header(self) -> bool:
        """Whether the first lines are, or go on with, a header (which the first event would end)."""
        return self.offset == 0 or self.data[: len(START_OF_HEADER)] == START_OF_HEADER

    def cut(self, places: Sequence[int]) -> Iterator["Block"]:
        """Cut at ascending places in the text; only the last part can be not whole."""
        begin = 0
        for place in places:
            yield Block(self.offset + begin, self.data[begin:place], whole=True)
            begin = place
        yield Block(self.offset + begin, self.data[begin:], self.whole)


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
            if unzip.eof:  # more gzip members may follow, or the zeros that fill the last block of a tape
                block = block.lstrip(b"\0")
                if not block:
                    block = self._stream.read(BLOCK_SIZE)
                    continue
                unzip = zlib.decompressobj(wbits=31)
            before = unzip.copy()
            try:
                piece = unzip.decompress(block, BLOCK_SIZE)
            except zlib.error as error:
                self.damaged = f"the gzip stream is damaged ({error})"
                yield _until_error(before, block)
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
    offset, rest = 0, b""
    for piece in source.pieces():
        # A mark can lie across the border of two pieces, so the end of the text before is searched too.
        searched = max(0, len(rest) - _LAST_LINE)
        text = rest + piece
        cut = _after_last_event(text, searched)
        if cut is None:
            if len(text) > MAX_EVENT_SIZE:
                raise _endless(source.path, offset)
            rest = text
            continue
        yield Block(offset, memoryview(text)[:cut], whole=True)
        offset += cut
        rest = text[cut:]
    if rest:
        yield Block(offset, memoryview(rest), whole=_ends_whole(rest))


def _until_error(unzip: "zlib._Decompress", block: bytes) -> bytes:
    """Decompress what is readable before the first byte that is not, in smaller and smaller steps.

    At most `BLOCK_SIZE` bytes come out: `unzip` has failed on this block before it reached them.
    """
    found, position = [], 0
    for step in _STEPS:
        while position < len(block):
            before = unzip.copy()
            try:
                found.append(unzip.decompress(block[position : position + step]))
            except zlib.error:
                unzip = before
                break
            position += step
    return b"".join(found)


def _endless(path: Path, offset: int) -> CorruptInputError:
    return CorruptInputError(
        path,
        "an event without end",
        where=f"byte {offset}",
        expected=f"an end_event: line within {MAX_EVENT_SIZE >> 20} MB",
        found="none",
        advice="this does not look like an .evt file; `antares-legacy inspect` tells what it is",
    )


def _after_last_event(text: bytes, begin: int) -> int | None:
    """Find the first byte after the last complete ``end_event:`` line that does not begin before `begin`."""
    end = len(text)
    while (mark := text.rfind(END_OF_EVENT, begin, end)) >= 0:
        newline = text.find(b"\n", mark + 1)
        if newline >= 0:
            return newline + 1
        end = mark
    return None


def _ends_whole(rest: bytes) -> bool:
    """Say if the last line that is not blank is an end_event line (a last newline may be missing)."""
    stripped = rest.rstrip()
    start = stripped.rfind(b"\n") + 1
    return stripped[start:].startswith(b"end_event:")
