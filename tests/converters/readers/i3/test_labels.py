"""What is learnt from earlier frames: it must change nothing in what is found in later ones."""

import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.readers.i3.archive import announced
from converters.readers.i3.faults import FormatError
from converters.readers.i3.frame import frames
from converters.readers.i3.labels import UNREADABLE

build = runpy.run_path(str(Path(__file__).parent / "i3_builder.py"))
NULL = b"\0\1\xff\xff"
WIDE = build["unknown"]("Wide").replace(b"Wide\x01\x00", b"Wide\x01\xff")
OBJECTS = (
    *(b"", b"\0", NULL, NULL + bytes(8), b"\0\1\2\0\1", bytes(9), bytes(30)),
    *(build["double"](1.5), build["double"](2.5), build["integer"](7), build["boolean"](value=True)),
    *(build["text"]("short"), build["text"]("a longer text")),
    *(build["vector"]("I3VectorDouble", "d", [1.0] * n) for n in range(12)),
    *(build["particle"](version) for version in (2, 3, 4, 5)),
    *(build["unknown"]("Thing", bytes(n)) for n in (0, 1, 8)),
    *(build["double"](1.5)[:n] for n in (8, 12, 17, 18, 19, 20, 25)),
    WIDE + b"\x03" + bytes(7),
    WIDE + b"\x09" + bytes(9),
)
SOME_OBJECTS = st.dictionaries(st.sampled_from(["A", "B", "C", "D", "A" * 7]), st.sampled_from(OBJECTS))


def found(data, step=0):
    pieces = [data[n : n + step] for n in range(0, len(data), step)] if step else [data]
    return [
        [(slot[0].key, slot[0].variant, frame.bytes_of(slot)) for slot in frame.slots]
        for frame in frames(iter(pieces), verify=False)
    ]


def said(key, data):
    try:
        one = announced(data)
    except FormatError:
        return key, UNREADABLE, -1
    return key, one.name, one.version


@given(
    st.lists(st.tuples(st.sampled_from("PQ"), SOME_OBJECTS), max_size=12),
    st.sampled_from([5, 6]),
    st.sampled_from([0, 1, 50]),
)
def test_every_frame_is_read_as_if_it_were_alone(wanted, version, step):
    data = b"".join(build["frame"](stream, objects, version) for stream, objects in wanted)
    expected = [[(key.encode(), said(key, data), data) for key, data in objects.items()] for _, objects in wanted]
    assert found(data, step) == expected


@pytest.mark.parametrize("last", OBJECTS)
def test_an_object_that_was_often_of_another_kind(last):
    for usual in OBJECTS:
        data = b"".join(build["frame"]("P", {"A": one, "B": usual}, 6) for one in [usual] * 3 + [last])
        assert [key_variant_data[1] for key_variant_data in found(data)[-1]] == [said("A", last), said("B", usual)]


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_last_frame_that_is_cut_off(cut):
    whole = build["frame"]("P", {"A": build["double"](1.5), "B": build["particle"](5)}, 6)
    with pytest.raises(FormatError, match=r"frame 9, which begins at byte .*: the file ends within"):
        found((whole * 10)[:-cut])


def test_a_learnt_size_that_leads_out_of_the_file():
    whole = build["frame"]("P", {"A": bytes(3000)}, 6)
    with pytest.raises(FormatError, match=r"the file ends within an object: 3000 bytes needed, 1\d\d\d left"):
        found(whole * 3 + whole[:-2000])
