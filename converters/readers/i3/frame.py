"""Frames, one after another: where each object lies, without looking into it.

Layouts of the frame versions 2 to 6: ``docs/i3.md``. A file has no header, no index and no end mark.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from converters.readers.i3 import checksum
from converters.readers.i3.faults import FormatError, UnknownLayoutError
from converters.readers.i3.labels import Label, Labels, Run, Slot

TAG = b"[i3]"
NEWEST = 6
OLDEST = 2
_LAST_WITHOUT_TAG = 3
_FIRST_WITH_TRAILER = 5

MAX_FRAME = 256 << 20
"""Longest frame accepted, in bytes; it bounds the memory. The longest of 384 real ones has 0.7 MB."""
_MAX_SLOTS = 100_000
_MAX_NAME = 4096
_MAX_HISTORY = 1_000_000
_MAX_CLASS_VERSION = 16

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")
_ESCAPE = 0xFFFFFFFF

Part = tuple[Label | Run, int, int]
"""One object of a frame, or a run of several: what surrounds it, where it begins in the frame, and its length."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Parameters
    ----------
    number
        Position in the file, from 0.
    offset
        First byte in the uncompressed file.
    version
        Version of the frame's layout.
    stream
        Its letter: G, C, D, I, S, Q, P, N or another.
    parts
        Its objects, one by one or in runs.
    sound
        Whether its checksum is right; None if that was not asked for or cannot be said.
    size
        Length in bytes.
    """

    number: int
    offset: int
    version: int
    stream: str
    parts: list[Part]
    sound: bool | None
    size: int
    _data: bytes
    _origin: int

    @property
    def slots(self) -> list[Slot]:
        """Its objects, one by one."""
        found: list[Slot] = []
        for what, begin, size in self.parts:
            if isinstance(what, Run):
                found += what.slots_at(begin)
            else:
                found.append((what, begin, size))
        return found

    def bytes_of(self, slot: Slot) -> bytes:
        """Return the bytes of an object."""
        _, begin, size = slot
        return self.piece(begin, size)

    def piece(self, begin: int, size: int) -> bytes:
        """Return `size` bytes of the frame."""
        begin += self._origin
        return self._data[begin : begin + size]

    def unpack(self, layout: struct.Struct, begin: int) -> tuple[Any, ...]:
        """Read bytes of the frame."""
        return layout.unpack_from(self._data, self._origin + begin)

    def objects_under(self, key: bytes) -> Iterator[bytes]:
        """Yield the bytes of each object under a key."""
        return (self.bytes_of(slot) for slot in self.slots if slot[0].key == key)


class _Cursor:
    """Reads on through the file; holds one frame and what was read ahead."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.data = b""
        self.origin = 0
        self.at = 0
        self.offset = 0
        self._stopped: FormatError | None = None

    def next_frame(self) -> bool:
        """Begin the next frame where the last one ended; False at the end of the file."""
        self.offset += self.at - self.origin
        self.origin = self.at
        if self.at == len(self.data) and not self._more(1):
            if self._stopped is not None:
                raise self._stopped
            return False
        return True

    def _more(self, size: int) -> bool:
        """Read until `size` bytes lie ahead; what is before the frame is dropped."""
        parts = [self.data[self.origin :]]
        held = len(parts[0])
        # Twice what is held, so that a frame of many pieces is not copied for each of them.
        wanted = max(self.at - self.origin + size, min(2 * held, MAX_FRAME))
        while held < wanted and self._stopped is None:
            try:
                piece = next(self._pieces, b"")
            except FormatError as error:
                self._stopped = error
                break
            if not piece:
                break
            parts.append(piece)
            held += len(piece)
        self.data = b"".join(parts)
        self.at -= self.origin
        self.origin = 0
        return len(self.data) - self.at >= size

    def skip(self, size: int, what: str) -> int:
        """Pass over `size` bytes and return where they begin in `data`."""
        if self.at + size > len(self.data):
            if self.at - self.origin + size > MAX_FRAME:
                raise FormatError(f"{what} would make the frame larger than {MAX_FRAME >> 20} MB")
            if not self._more(size):
                left = len(self.data) - self.at
                reason = f"; {self._stopped}" if self._stopped else ""
                raise FormatError(f"the file ends within {what}: {size} bytes needed, {left} left{reason}")
        begin = self.at
        self.at += size
        return begin

    def u32(self, what: str) -> int:
        begin = self.skip(4, what)
        return int(_U32.unpack_from(self.data, begin)[0])

    def count(self, limit: int, what: str) -> int:
        number = self.u32(what)
        if number == _ESCAPE:
            begin = self.skip(8, what)
            number = _U64.unpack_from(self.data, begin)[0]
        if number > limit:
            raise FormatError(f"{what} is {number}, more than {limit}")
        return number

    def text(self, what: str) -> bytes:
        size = self.count(_MAX_NAME, what)
        begin = self.skip(size, what)
        return self.data[begin : begin + size]


def frames(pieces: Iterator[bytes], *, verify: bool) -> Iterator[Frame]:
    """Yield the frames of a file.

    Parameters
    ----------
    pieces
        Its uncompressed bytes.
    verify
        Whether to compute checksums.

    Raises
    ------
    FormatError
        The file is damaged or ends within a frame; the message has the number of the frame and its offset.
    """
    cursor, labels = _Cursor(pieces), Labels()
    number = 0
    while True:
        try:
            if not cursor.next_frame():
                return
            frame = _frame(cursor, labels, number, verify=verify)
        except (FormatError, UnknownLayoutError) as error:
            raise FormatError(f"frame {number}, which begins at byte {cursor.offset}: {error}") from error
        yield frame
        number += 1


def _frame(cursor: _Cursor, labels: Labels, number: int, *, verify: bool) -> Frame:
    version = _version(cursor)
    given: int | None = None
    sound: bool | None = None
    if version < _FIRST_WITH_TRAILER:
        stream, parts = _old_frame(cursor, labels, version)
    else:
        _class_info(cursor, "the stream")
        covered = cursor.at - cursor.origin
        stream = _letter(cursor)
        parts = _parts(cursor, labels, stream)
        end = cursor.at - cursor.origin
        given = cursor.u32("the checksum")
        if verify:
            body = cursor.data[cursor.origin + covered : cursor.origin + end]
            sound = checksum.verified(version, body, given)
    size = cursor.at - cursor.origin
    return Frame(number, cursor.offset, version, stream, parts, sound, size, cursor.data, cursor.origin)


def _version(cursor: _Cursor) -> int:
    begin = cursor.skip(4, "the tag")
    tag = cursor.data[begin : begin + 4]
    if tag == TAG:
        version = cursor.u32("the frame version")
        if not _LAST_WITHOUT_TAG < version <= NEWEST:
            raise UnknownLayoutError(f"frame version {version} is not known; known are {OLDEST} to {NEWEST}")
        return version
    version = int.from_bytes(tag, "little")
    if not OLDEST <= version <= _LAST_WITHOUT_TAG:
        raise FormatError(f"no frame begins here: {tag!r}")
    return version


def _old_frame(cursor: _Cursor, labels: Labels, version: int) -> tuple[str, list[Part]]:
    """Read what follows the version in the layouts 2 to 4, whose checksums no later program looks at."""
    if version > _LAST_WITHOUT_TAG:
        cursor.skip(12, "size and checksum")
        _class_info(cursor, "the stream")
        stream = _letter(cursor)
        _history(cursor)
    else:
        _history(cursor)
        _class_info(cursor, "the stream")
        stream = _letter(cursor)
    parts = _parts(cursor, labels, stream)
    if version == _LAST_WITHOUT_TAG:
        cursor.skip(12, "size and checksum")
    return stream, parts


def _class_info(cursor: _Cursor, what: str) -> bool:
    """Pass over the mark of a class that is met for the first time; say if its objects have numbers."""
    begin = cursor.skip(2, what)
    tracked, version = cursor.data[begin : begin + 2]
    if tracked > 1 or version > _MAX_CLASS_VERSION:
        raise FormatError(f"{what} has the impossible class info {tracked}, {version}")
    if tracked:
        cursor.skip(4, what)
    return bool(tracked)


def _letter(cursor: _Cursor) -> str:
    begin = cursor.skip(1, "the letter of the stream")
    letter = cursor.data[begin : begin + 1]
    if not letter.isalnum():
        raise FormatError(f"the stream {letter!r} is no letter")
    return letter.decode("ascii")


def _history(cursor: _Cursor) -> None:
    """Pass over the record of what modules put into the frame and took out of it."""
    _class_info(cursor, "the history")
    tracked = False
    for event in range(cursor.count(_MAX_HISTORY, "the length of the history")):
        if event == 0:
            tracked = _class_info(cursor, "the history")
        elif tracked:
            cursor.skip(4, "the history")
        cursor.text("a module of the history")
        cursor.skip(1, "the history")
        for _ in range(3):
            cursor.text("a name in the history")


def _parts(cursor: _Cursor, labels: Labels, stream: str) -> list[Part]:
    """Find the objects of a frame.

    Nearly always the next objects are those that came next before, and lie in what is in memory already: that is
    tried first, by comparing the bytes around them, and needs no look at their parts.
    """
    left = cursor.count(_MAX_SLOTS, "the number of objects")
    parts: list[Part] = []
    data, at, origin = cursor.data, cursor.at, cursor.origin
    starts, add, end = data.startswith, parts.append, len(data)
    label = before = labels.start(stream)
    row: list[Slot] = []  # what came behind `before`, as long as no size ever changed
    while left:
        for run in label.runs:
            behind = at + run.size
            if (
                starts(run.opening, at)
                and behind <= end
                and run.count <= left
                and run.read_marks(data, at) == run.marks
            ):
                add((run, at - origin, run.size))
                label, at, left = run.last, behind, left - run.count
                break
        else:
            slot = None
            for guess in label.guesses:
                begin = at + guess.lead
                if guess.steady and starts(guess.whole, at):
                    size = guess.size
                elif begin <= end and starts(guess.head, at):
                    size = guess.size_of(data, begin)
                else:
                    continue
                if begin + size <= end:
                    slot = guess, begin - origin, size
                    label, at = guess, begin + size
                    break
            if slot is None:
                cursor.at = at
                slot = _slot(cursor, labels)
                label = label.followed_by(slot[0])
                data, at, origin = cursor.data, cursor.at, cursor.origin
                starts, end = data.startswith, len(data)
            add(slot)
            left -= 1
            if label.constant:
                row.append(slot)
            if left and not label.bound:
                continue
        if row:
            labels.learn(before, row)
            row = []
        before = label
    cursor.at = at
    return parts


def _slot(cursor: _Cursor, labels: Labels) -> Slot:
    begin = cursor.at - cursor.origin
    key = cursor.text("a key")
    cursor.text("a type name")
    head = cursor.data[begin + cursor.origin : cursor.at]
    size = cursor.count(MAX_FRAME, "the size of an object")
    cursor.skip(size, "an object")
    begin = cursor.at - size
    return labels.of(head, key, cursor.data, begin, size), begin - cursor.origin, size
