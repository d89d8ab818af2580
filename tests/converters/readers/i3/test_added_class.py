"""A class that is added as docs/add-an-i3-class.md says it: both readers read it, and it fills the columns of events.

The members are invented: no layout of a class of ANTARES is public.
"""

import runpy
import struct
from pathlib import Path

import numpy as np
import pytest

from converters.readers.i3 import registry
from converters.readers.i3.classes.extended import Member, extension
from converters.reread.i3_objects import MEMBERS
from legacy.model import ColumnSpec

HERE = Path(__file__).parent
build = runpy.run_path(str(HERE / "i3_builder.py"))
reading = runpy.run_path(str(HERE / "i3_reading.py"))
Read, write = reading["Read"], reading["write"]
frame = build["frame"]
FIT = extension(
    "AntExampleFit",
    2,
    Member("d", ColumnSpec("quality", "f8", "", "Quality of the fit, higher is better")),
    Member("i", ColumnSpec("n_used_hits", "i8", "", "Number of fitted hits")),
    Member("i", ColumnSpec("n_used_lines", "i8", "", "Number of lines used in the fit")),
)


@pytest.fixture(autouse=True)
def added(monkeypatch):
    monkeypatch.setitem(registry.CLASSES, FIT.kind.name, FIT.kind)
    monkeypatch.setitem(registry.EXTENSIONS, FIT.kind.name, FIT)
    monkeypatch.setitem(MEMBERS, FIT.kind.name, ("dii", "quality n_used_hits n_used_lines"))


def example(*values):
    return build["derived"]("AntExampleFit", rest=struct.pack("<dii", *values))


def test_its_numbers_are_those_of_the_events(tmp_path):
    parts = [
        frame("P", {"AntExample": example(-5.25, 12, 3)}, 6),
        frame("P", {}, 6),
        frame("P", {"AntExample": example(1.5, 7, 2), "AntExampleHitsUsed": build["series"]({(1, 1): [(1, 1.0)]})}, 6),
    ]
    read = Read(write(tmp_path / "x.i3", *parts))
    assert read.warnings == ()
    assert read.tables["/reco/ant_example"][["quality", "n_used_hits"]].tolist() == [(-5.25, 12), (1.5, 7)]
    assert np.array_equal(read.column("quality"), [-5.25, np.nan, 1.5], equal_nan=True)
    assert read.column("n_hits") == [12, -1, 1]  # the hits themselves count more than what the fit says of them
    assert read.column("n_lines") == [3, -1, 1]


def test_an_object_that_is_too_short_is_missed_aloud(tmp_path):
    """By 8 bytes: with IceCube's shorter version 4 of the particle it would fit, and every number be wrong."""
    short = build["derived"]("AntExampleFit", rest=bytes(8))
    read = Read(write(tmp_path / "x.i3", frame("P", {"AntExample": short}, 6)))
    assert len(read.tables["/reco/ant_example"]) == 0
    assert any("could not be decoded" in text for text in read.warnings)
