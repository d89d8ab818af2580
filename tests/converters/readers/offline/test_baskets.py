"""Decoding of ROOT's streamed containers: right bytes, and bytes that make no sense."""

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from converters.readers.offline.baskets import BranchReader, Decoder, Entries
from legacy.errors import CorruptInputError

DECODER = Decoder(Path("file.root"))
BYTE_COUNT = 0x4000_0000


def entries(parts: Sequence[bytes]) -> Entries:
    offsets = np.cumsum([0, *map(len, parts)])
    return Entries(np.frombuffer(b"".join(parts), dtype=np.uint8), offsets, "trks.x")


def streamed(content: bytes, version: int = 9) -> bytes:
    return struct.pack(">IH", BYTE_COUNT | (len(content) + 2), version) + content


def vector(values: Sequence[float], kind: str = "d") -> bytes:
    return struct.pack(f">i{len(values)}{kind}", len(values), *values)


def counts(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


def test_scalars() -> None:
    found = DECODER.scalars(entries([b"\x00\x00\x00\x05", b"\xff\xff\xff\xfe"]), ">i4")
    assert found.tolist() == [5, -2]
    assert found.dtype.isnative


def test_scalars_of_another_size() -> None:
    with pytest.raises(CorruptInputError, match="no 4 bytes long"):
        DECODER.scalars(entries([b"\x00\x00\x00\x05", b"\x00"]), ">i4")


def test_members() -> None:
    parts = [struct.pack(">2d", 1.5, 2.5), b"", struct.pack(">d", -1)]
    assert DECODER.members(entries(parts), ">f8", counts(2, 0, 1)).tolist() == [1.5, 2.5, -1]


@pytest.mark.parametrize("numbers", [(1, 0, 1), (2, 1, 0), (-2, 0, 1)])
def test_members_that_do_not_fit_their_objects(numbers: tuple[int, int, int]) -> None:
    parts = [struct.pack(">2d", 1.5, 2.5), b"", struct.pack(">d", -1)]
    with pytest.raises(CorruptInputError, match="another number of values than objects"):
        DECODER.members(entries(parts), ">f8", counts(*numbers))


def test_vectors() -> None:
    found = DECODER.vectors(entries([streamed(vector([1, 2, 3])), streamed(vector([])), streamed(vector([4]))]), ">f8")
    assert found.counts.tolist() == [3, 0, 1]
    assert found.values.tolist() == [1, 2, 3, 4]
    second = found.at(np.arange(3), 1)
    assert second[0] == 2
    assert np.isnan(second[1:]).all()


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"\x40\x00\x00\x06\x00\x09",
        streamed(vector([1.0]))[:-1],
        streamed(struct.pack(">id", 2, 1.0)),
        streamed(struct.pack(">id", -1, 1.0)),
        streamed(vector([1.0]), version=0x4009),
        b"\x00" + streamed(vector([1.0]))[1:],
    ],
    ids=["empty", "short", "cut", "says more", "negative", "member by member", "no byte count"],
)
def test_vectors_that_make_no_sense(part: bytes) -> None:
    with pytest.raises(CorruptInputError) as caught:
        DECODER.vectors(entries([streamed(vector([1.0])), part]), ">f8")
    assert caught.value.where == "branch trks.x"


@pytest.mark.parametrize(("dtype", "kind"), [(">i4", "i"), (">f8", "d")])
def test_member_vectors(dtype: str, kind: str) -> None:
    wanted = [[[1, 2], [], [3]], [], [[4, 5, 6, 7]], [[], []]]
    parts = [streamed(b"".join(vector(values, kind) for values in event)) for event in wanted]
    found = DECODER.member_vectors(entries(parts), dtype, counts(3, 0, 1, 2))
    assert found.counts.tolist() == [2, 0, 1, 4, 0, 0]
    assert found.values.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert found.starts.tolist() == [0, 2, 2, 3, 7, 7]


def test_member_vectors_that_are_all_empty() -> None:
    parts = [streamed(bytes(12)), streamed(b""), streamed(bytes(4))]
    found = DECODER.member_vectors(entries(parts), ">f8", counts(3, 0, 1))
    assert found.counts.tolist() == [0, 0, 0, 0]
    assert len(found.values) == 0


@pytest.mark.parametrize(
    ("content", "objects"),
    [
        (vector([1], "i"), 2),
        (vector([1], "i") + vector([2], "i"), 1),
        (struct.pack(">ii", 2, 7), 1),
        (struct.pack(">ii", -1, 7), 1),
        (struct.pack(">ii", 2**31 - 1, 7), 1),
        (b"\x00\x00\x00", 1),
        (bytes(8), 1),
        (bytes(4), 2),
    ],
    ids=["too few", "too many", "longer", "negative", "absurd", "cut", "zeros too many", "zeros too few"],
)
def test_member_vectors_that_make_no_sense(content: bytes, objects: int) -> None:
    parts = [streamed(vector([5], "i")), streamed(content)]
    with pytest.raises(CorruptInputError):
        DECODER.member_vectors(entries(parts), ">i4", counts(1, objects))


def string(text: bytes) -> bytes:
    return bytes([len(text)]) + text if len(text) < 255 else b"\xff" + struct.pack(">i", len(text)) + text


def test_member_strings() -> None:
    wanted = [[b"neutrino:", b""], [], [b"x" * 300, b"track_in:"]]
    parts = [streamed(b"".join(map(string, event))) for event in wanted]
    found, too_long = DECODER.member_strings(entries(parts), counts(2, 0, 2), 16)
    assert found.tolist() == [b"neutrino:", b"", b"", b"track_in:"]
    assert too_long == 1
    whole, too_long = DECODER.member_strings(entries(parts), counts(2, 0, 2), 300)
    assert whole[2] == b"x" * 300
    assert too_long == 0


@pytest.mark.parametrize("content", [b"\x05abc", b"\xff\x00\x00", b"\xff\xff\xff\xff\xff", b"\x01ab"])
def test_member_strings_that_make_no_sense(content: bytes) -> None:
    with pytest.raises(CorruptInputError):
        DECODER.member_strings(entries([streamed(content)]), counts(1), 16)


class Branch:
    """A branch whose index does not fit, as only a damaged file has it."""

    name = "trks.x"
    uncompressed_bytes = -5

    def __init__(self, offsets: list[int]) -> None:
        self.entry_offsets = offsets


@pytest.mark.parametrize("offsets", [[0, 5, 9], [0, 5, 3, 10], [1, 10], [0]])
def test_index_that_does_not_fit(offsets: list[int]) -> None:
    with pytest.raises(CorruptInputError, match="wrong number of entries"):
        BranchReader(Path("file.root"), Branch(offsets), 10)


def test_negative_size_counts_as_nothing() -> None:
    assert BranchReader(Path("file.root"), Branch([0, 10]), 10).stored_bytes == 0
