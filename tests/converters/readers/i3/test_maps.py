"""Maps of texts to doubles: what was learnt from one must not leak into another."""

import math
import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.readers.i3.faults import FormatError
from converters.readers.i3.registry import decode

build = runpy.run_path(str(Path(__file__).parent / "i3_builder.py"))
NAMES = st.sampled_from(["", "a", "b", "aa", "ab", "a name of more than twenty-four bytes", "ä", "a\0b"])
SOME = st.lists(st.dictionaries(NAMES, st.sampled_from([0.0, -1.5, 1e300, math.inf])), max_size=12)


@given(SOME)
def test_each_map_has_its_own_entries(maps):
    for entries in maps:
        found = decode(build["numbers"](entries))
        assert (found.value, found.left) == (list(entries.items()), 0)


@given(SOME)
def test_bytes_behind_are_left(maps):
    for entries in maps:
        found = decode(build["numbers"](entries) + bytes(5))
        assert (found.value, found.left) == (list(entries.items()), 5)


def test_texts_that_differ_late_in_a_long_map():
    names = [f"name {n:03}" for n in range(300)]
    for wrong in (None, 299, 150, None):
        entries = {("other" + name[5:] if n == wrong else name): n / 7 for n, name in enumerate(names)}
        assert decode(build["numbers"](entries)).value == list(entries.items())


def test_bytes_that_are_no_text():
    data = build["numbers"]({"ab": 1.0, "b": 2.0}).replace(b"ab", b"\xff\xfe")
    assert decode(data).value == decode(data).value == [("\\xff\\xfe", 1.0), ("b", 2.0)]


def test_a_map_cut_off_after_a_whole_one():
    whole = build["numbers"]({"a": 1.0, "b": 2.0})
    decode(whole)
    for end in range(len(build["numbers"]({})), len(whole)):
        with pytest.raises(FormatError):
            decode(whole[:end])
