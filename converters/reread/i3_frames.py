"""Frames of an `.i3` file for the second reader: one byte after the other, nothing skipped, nothing shared.

Facts from ``docs/i3.md``. A damaged or cut file ends with its last whole frame and a `CutError`; whether that is
allowed is for the first reader to say.
"""

import bz2
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

_STEP = 16 << 10
_MOST = 1 << 20
_LONGEST = 256 << 20


class CutError(Exception):
    """No whole frame follows."""


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One frame: its number, version, letter, objects (key, bytes), and if its checksum is right or cannot be said."""

    number: int
    version: int
    stream: str
    objects: tuple[tuple[str, bytes], ...]
    sound: bool


class _Plain:
    """Stands for a decompressor where nothing is compressed."""

    eof = False

    def decompress(self, data: bytes, most: int = 0) -> bytes:  # noqa: ARG002  the decompressors' own signature
        return data


class _Bytes:
    """The uncompressed bytes of a file, as many at a time as are asked for."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        magic = file.read(4)
        file.seek(0)
        self._step, self._kind = _STEP, "plain"
        if magic[:2] == b"\x1f\x8b":
            self._kind = "gzip"
        elif magic[:3] == b"BZh":
            self._kind = "bzip2"
        elif magic == b"\x28\xb5\x2f\xfd":
            self._step, self._kind = 256, "zstd"
        self._unzip = self._new()
        self._held = bytearray()
        self._over = self._broken = False
        self._kept: bytearray | None = None

    def _new(self) -> Any:
        if self._kind == "gzip":
            return zlib.decompressobj(wbits=31)
        if self._kind == "bzip2":
            return bz2.BZ2Decompressor()
        if self._kind == "zstd":
            import zstandard

            return zstandard.ZstdDecompressor(max_window_size=128 << 20).decompressobj()
        return _Plain()

    def _feed(self) -> None:
        data = self._file.read(self._step)
        if not data:
            self._over = True
            self._broken = self._kind != "plain" and not self._unzip.eof
        while data:
            if self._unzip.eof:
                data = data.lstrip(b"\0") if self._kind == "gzip" else data
                if not data:
                    return
                self._unzip = self._new()
            piece = self._unzip.decompress(data) if self._kind == "zstd" else self._unzip.decompress(data, _MOST)
            self._held += piece
            while self._kind in ("gzip", "bzip2") and len(piece) == _MOST and not self._unzip.eof:
                piece = self._unzip.decompress(getattr(self._unzip, "unconsumed_tail", b""), _MOST)
                self._held += piece
            data = self._unzip.unused_data if self._unzip.eof else b""

    def take(self, size: int) -> bytes:
        """Return exactly so many bytes; raises CutError when there are no more."""
        if size > _LONGEST:
            raise CutError
        self._fill(size)
        if len(self._held) < size:
            raise CutError
        data = bytes(self._held[:size])
        del self._held[:size]
        if self._kept is not None:
            self._kept += data
        return data

    def _fill(self, size: int) -> None:
        while len(self._held) < size and not self._over:
            try:
                self._feed()
            except Exception as error:  # the four libraries have no common error
                self._over = self._broken = True
                if not isinstance(error, (zlib.error, OSError, ValueError, EOFError)) and "zst" not in repr(
                    type(error)
                ):
                    raise

    def ends(self) -> bool:
        """Say if there is nothing more; raises CutError where something is missing."""
        self._fill(1)
        if not self._held and self._broken:
            raise CutError
        return not self._held

    def number(self, size: int = 4) -> int:
        """Return an unsigned integer of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def count(self) -> int:
        """Return a count: 4 bytes, or 8 more behind the mark for large ones."""
        found = self.number()
        return self.number(8) if found == 0xFFFFFFFF else found

    def text(self) -> bytes:
        """Return a text."""
        return self.take(self.count())

    def begin(self) -> None:
        """Begin to keep what is taken."""
        self._kept = bytearray()

    def kept(self) -> bytes:
        """Return what was taken since `begin`."""
        kept, self._kept = bytes(self._kept or b""), None
        return kept


def raw_frames(path: Path, *, verify: bool) -> Iterator[RawFrame]:
    """Yield the whole frames of a file; raises CutError behind the last one if anything follows it.

    Parameters
    ----------
    path
        The file.
    verify
        Whether to compute checksums, which takes time: in plain Python, some seconds for 10 MB.
    """
    with path.open("rb") as file:
        stream = _Bytes(file)
        number = 0
        while True:
            if stream.ends():
                return
            yield _frame(stream, number, verify=verify)
            number += 1


def _frame(stream: _Bytes, number: int, *, verify: bool) -> RawFrame:
    tag = stream.take(4)
    version = stream.number() if tag == b"[i3]" else struct.unpack("<I", tag)[0]
    if version not in (2, 3, 4, 5, 6) or (tag == b"[i3]") != (version > 3):
        raise CutError
    if version >= 5:
        _mark(stream)
        stream.begin()
        letter, objects = chr(stream.number(1)), _objects(stream)
        covered, checksum = stream.kept(), stream.number()
        sound = not verify or checksum == (_crc16(covered) if version == 5 else _crc32c(covered))
        return RawFrame(number, version, letter, objects, sound)
    if version == 4:
        stream.take(12)
        _mark(stream)
        letter = chr(stream.number(1))
        _history(stream)
    else:
        _history(stream)
        _mark(stream)
        letter = chr(stream.number(1))
    objects = _objects(stream)
    if version == 3:
        stream.take(12)
    return RawFrame(number, version, letter, objects, sound=True)


def _mark(stream: _Bytes) -> bool:
    tracked = stream.number(1)
    if tracked > 1 or stream.number(1) > 16:
        raise CutError
    if tracked:
        stream.take(4)
    return tracked == 1


def _history(stream: _Bytes) -> None:
    _mark(stream)
    tracked = False
    for event in range(stream.count()):
        if event == 0:
            tracked = _mark(stream)
        elif tracked:
            stream.take(4)
        stream.text()
        stream.take(1)
        for _ in range(3):
            stream.text()


def _objects(stream: _Bytes) -> tuple[tuple[str, bytes], ...]:
    found = []
    for _ in range(stream.count()):
        key = stream.text().decode("latin-1")
        stream.text()
        found.append((key, stream.text()))
    return tuple(found)


def _crc16(data: bytes) -> int:
    """CRC-16 with the polynomial 0x1021, highest bit first, started with all bits set."""
    register = 0xFFFF
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = (register << 1 ^ 0x1021 if register & 0x8000 else register << 1) & 0xFFFF
    return register


def _crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), lowest bit first, started at 0 and not inverted."""
    register = 0
    for byte in data:
        register = _CRC32C[(register ^ byte) & 0xFF] ^ register >> 8
    return register


def _crc32c_row(number: int) -> int:
    for _ in range(8):
        number = number >> 1 ^ (0x82F63B78 if number & 1 else 0)
    return number


_CRC32C = [_crc32c_row(number) for number in range(256)]
