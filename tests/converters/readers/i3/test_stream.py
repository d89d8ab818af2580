"""Compressed files: content decides, damage shows, memory stays bounded."""

import bz2
import gzip
import io
import os

import pytest
import zstandard

from converters.readers.i3.faults import FormatError
from converters.readers.i3.stream import beginning, first_piece, uncompressed

TEXT = os.urandom(300_000) + bytes(3_000_000)
PACK = {
    "plain": bytes,
    "gzip": lambda data: gzip.compress(data, 1),
    "bzip2": lambda data: bz2.compress(data, 9),
    "zstd": zstandard.ZstdCompressor(write_checksum=True).compress,
}
PACKED = [name for name in PACK if name != "plain"]


def read(data):
    return b"".join(uncompressed(io.BytesIO(data)))


@pytest.mark.parametrize("name", PACK)
def test_whole(name):
    assert read(PACK[name](TEXT)) == TEXT
    assert read(PACK[name](b"[i3]")) == b"[i3]"


@pytest.mark.parametrize("name", PACKED)
def test_several_members(name):
    assert read(PACK[name](TEXT) + PACK[name](b"more")) == TEXT + b"more"


def test_zeros_after_gzip():
    assert read(gzip.compress(b"text") + bytes(5000)) == b"text"


@pytest.mark.parametrize("name", PACKED)
def test_cut(name):
    packed = PACK[name](TEXT)
    stream = uncompressed(io.BytesIO(packed[: len(packed) - 20]))
    pieces = []
    with pytest.raises(FormatError, match=f"the {name} stream ends before its end mark"):
        pieces.extend(stream)
    found = b"".join(pieces)
    assert TEXT.startswith(found)
    assert name == "bzip2" or len(found) > 200_000


@pytest.mark.parametrize("name", PACKED)
def test_damaged(name):
    packed = bytearray(PACK[name](TEXT))
    packed[len(packed) // 3 : len(packed) // 3 + 40] = bytes(40)
    with pytest.raises(FormatError, match=name):
        read(bytes(packed))


@pytest.mark.parametrize("name", PACKED)
def test_pieces_are_small(name):
    bomb = PACK[name](bytes(40 << 20))
    assert len(bomb) < 2 << 20
    largest = max(len(piece) for piece in uncompressed(io.BytesIO(bomb)))
    assert largest <= 16 << 20


@pytest.mark.parametrize("name", PACK)
def test_beginning(name, tmp_path):
    path = tmp_path / "x"
    path.write_bytes(PACK[name](TEXT))
    assert TEXT.startswith(beginning(path))
    assert len(beginning(path)) >= 1000
    assert first_piece(PACK[name](b"[i3]")[:-1] if name == "plain" else PACK[name](b"[i3]")).startswith(b"[i3")


def test_a_head_that_is_no_stream():
    for magic in (b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd"):
        assert first_piece(magic + b"rubbish" * 10) == b""
