"""Frames: every version, every way in which bytes arrive, and what is wrong with them."""

import runpy
import struct
from pathlib import Path

import pytest

from converters.readers.i3 import checksum
from converters.readers.i3 import frame as frame_module
from converters.readers.i3.faults import FormatError
from converters.readers.i3.frame import frames
from converters.readers.i3.sniff import begins_with_frame

build = runpy.run_path(str(Path(__file__).parent / "i3_builder.py"))
OBJECTS = {"A": build["double"](1.5), "B": b"", "Long" * 40: bytes(5000)}


def walk(data, *, verify=True, step=0):
    pieces = [data[n : n + step] for n in range(0, len(data), step)] if step else [data]
    return list(frames(iter(pieces), verify=verify))


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("step", [0, 1, 7, 1000])
def test_every_version_however_it_arrives(version, step):
    one = build["frame"]("P", OBJECTS, version)
    two = build["frame"]("Q", {}, version)
    found = walk(one + two + one, step=step)
    assert [frame.stream for frame in found] == ["P", "Q", "P"]
    assert [frame.offset for frame in found] == [0, len(one), len(one) + len(two)]
    assert [frame.size for frame in found] == [len(one), len(two), len(one)]
    assert [frame.number for frame in found] == [0, 1, 2]
    assert {slot[0].key.decode(): found[2].bytes_of(slot) for slot in found[2].slots} == OBJECTS
    assert found[0].sound is (True if version > 4 else None)


@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize("events", [0, 1, 5])
def test_histories(version, events):
    (found,) = walk(build["frame"]("P", OBJECTS, version, events=events))
    assert len(found.slots) == len(OBJECTS)


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
def test_the_end_may_be_nowhere_but_between_frames(version):
    data = build["frame"]("P", OBJECTS, version)
    for end in (*range(1, 150), *range(150, len(data), 97)):
        with pytest.raises(FormatError, match="frame 0, which begins at byte 0"):
            walk(data[:end])


@pytest.mark.parametrize("version", [5, 6])
def test_a_changed_byte_changes_the_checksum(version):
    data = bytearray(build["frame"]("P", OBJECTS, version))
    data[200] ^= 4
    assert walk(bytes(data))[0].sound is False
    assert walk(bytes(data), verify=False)[0].sound is None


def test_crc32c_is_computed_by_a_c_routine():
    assert checksum.why_not(6) == ""
    assert checksum.why_not(5) == ""
    assert checksum.why_not(3)


def test_without_the_c_routine_nothing_is_claimed(monkeypatch):
    # A package that is not installed cannot be had otherwise while it is.
    monkeypatch.setattr(checksum, "_crc32c", lambda: None)
    assert walk(build["frame"]("P", OBJECTS, 6))[0].sound is None
    assert "google-crc32c" in checksum.why_not(6)


def patched(data, place, value):
    return data[:place] + struct.pack("<I", value) + data[place + 4 :]


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (4, 7, "frame version 7 is not known"),
        (4, 3, "frame version 3 is not known"),
        (11, 100_001, "the number of objects is 100001"),
        (11, 0xFFFFFFFF, "more than"),
        (15, 0xFFFFFFF0, "a key is 4294967280"),
        (15, 5000, "a key is 5000"),
        (20, 70_000, "a type name is 70000"),
        (32, 1 << 30, "the size of an object"),
        (32, 200 << 20, "the file ends within an object"),
        (32, 0xFFFFFFFF, "no frame begins here"),
    ],
)
def test_absurd_numbers(place, value, message):
    data = build["frame"]("P", {"A": bytes(100)}, 6)
    with pytest.raises(FormatError, match=message):
        walk(patched(data, place, value))


@pytest.mark.parametrize(
    "data",
    [b"\0" * 100, b"[i3", b"{i3}" + bytes(50), struct.pack("<I", 1) + bytes(50), b"\xff" * 50],
)
def test_no_frame(data):
    with pytest.raises(FormatError, match="frame 0"):
        walk(data)


@pytest.mark.parametrize(("place", "byte"), [(8, 2), (9, 17), (10, 0)])
def test_impossible_marks(place, byte):
    data = bytearray(build["frame"]("P", {}, 6))
    data[place] = byte
    with pytest.raises(FormatError):
        walk(bytes(data))


def test_the_number_of_the_damaged_frame_is_said():
    good = build["frame"]("P", OBJECTS, 6)
    with pytest.raises(FormatError, match=f"frame 2, which begins at byte {2 * len(good)}: no frame begins here"):
        walk(good + good + b"rubbish and more")


def test_counts_can_take_eight_bytes():
    data = build["frame"]("P", {"A": b"12345"}, 5)
    at = data.index(b"12345") - 4
    wide = data[:at] + b"\xff\xff\xff\xff" + struct.pack("<Q", 5) + data[at + 4 :]
    (found,) = walk(wide, verify=False)
    assert found.bytes_of(found.slots[0]) == b"12345"


def test_memory_is_bounded_by_the_frame(monkeypatch):
    monkeypatch.setattr(frame_module, "MAX_FRAME", 10_000)
    data = build["frame"]("P", {"A": bytes(9000)}, 6) * 20
    assert len(walk(data, step=3000)) == 20
    with pytest.raises(FormatError, match=r"larger than|more than 10000"):
        walk(build["frame"]("P", {"A": bytes(9000), "B": bytes(2000)}, 6), step=100)


@pytest.mark.parametrize("version", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("events", [0, 3])
def test_the_beginning_is_recognised(version, events):
    data = build["frame"]("P", OBJECTS, version, events=events)
    assert begins_with_frame(data[:200])
    assert not begins_with_frame(data[1:200])


@pytest.mark.parametrize("head", [b"", b"[i3]", b"[i3]\7\0\0\0", bytes(100), b"\2\0\0\0" + b"\xff" * 30, b"\3\0\0\0"])
def test_other_beginnings(head):
    assert not begins_with_frame(head)
