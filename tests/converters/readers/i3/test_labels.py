"""What is learnt from earlier frames: it must change nothing in what is found in later ones."""

import runpy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.readers.i3.archive import announced
from converters.readers.i3.faults import FormatError
from converters.readers.i3.frame import frames
from converters.readers.i3.labels import UNREADABLE
from converters.readers.i3.objects import Mixer, Tally

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


KEYS = [f"K{n:02}" for n in range(40)]
FIXED = (build["double"](1.5), build["integer"](7), build["particle"](5), build["boolean"](value=True))
USUAL = {key: FIXED[n % len(FIXED)] for n, key in enumerate(KEYS)}
UNTRACKED = build["double"](2.5).replace(b"I3Double\1\0\0\0\0\0", b"I3Double\0\0")
ODD = (
    build["double"](-2.5),
    build["integer"](-8),
    build["particle"](3),
    build["text"]("text"),
    UNTRACKED,
    *OBJECTS[:7],
)
UNUSUAL = st.dictionaries(st.sampled_from(KEYS), st.one_of(st.none(), st.sampled_from(ODD)), max_size=6)


class Twice(dict):
    """Objects of a frame of which some come a second time."""

    def __init__(self, first, second):
        super().__init__(first)
        self._second = second

    def __len__(self):
        return super().__len__() + len(self._second)

    def items(self):
        return [*super().items(), *self._second]


def unlike_the_usual(changes):
    changed = {**USUAL, **changes}
    return {key: data for key, data in changed.items() if data is not None}


def events(data):
    """Return what events have: by key the type of the value and the value, as text."""
    mixer, tally = Mixer({key.encode() for key in KEYS}), Tally()
    for frame in frames(iter([data]), verify=False):
        found = mixer.event(frame)
        values = {**found.numbers, **{key: item.value(tally) for key, item in found.items.items()}}
        yield {key: (type(value), repr(value)) for key, value in values.items()}


@settings(deadline=None, max_examples=60)
@given(st.lists(UNUSUAL, min_size=2, max_size=12))
def test_runs_change_nothing(changes):
    each = [unlike_the_usual(change) for change in ({}, {}, *changes, {})]
    written = [build["frame"]("P", objects, 4) for objects in each]
    assert found(b"".join(written)) == [found(one)[0] for one in written]
    assert list(events(b"".join(written))) == [event for one in written for event in events(one)]


def test_runs_are_found():
    (*_, last) = frames(iter([build["frame"]("P", USUAL, 4) * 5]), verify=False)
    assert len(last.slots) == len(KEYS)
    assert len(last.parts) < len(KEYS) / 4


@pytest.mark.parametrize("second", [build["double"](9.0), build["text"]("a text"), build["text"]("a longer text")])
@pytest.mark.parametrize("first", [build["double"](1.0), build["text"]("a text")])
def test_a_key_that_comes_twice(first, second):
    objects = Twice({**USUAL, "K05": first}, [("K05", second), ("K06", first), ("K07", second)])
    frame = build["frame"]("P", objects, 4)
    (alone,) = events(frame)
    assert alone["K05"] == alone["K07"] == next(events(build["frame"]("P", {"K05": second}, 4)))["K05"]
    for data in (frame * 6, build["frame"]("P", USUAL, 4) * 3 + frame * 3):
        assert found(data)[-1] == found(frame)[0]
        assert list(events(data))[-1] == alone
