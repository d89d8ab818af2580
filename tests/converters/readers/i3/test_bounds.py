"""Memory is bounded by what is read at a time, not by what a file makes of it."""

import runpy
from pathlib import Path

import pytest

from converters.readers.i3 import objects as objects_module
from converters.readers.i3 import reader as reader_module
from converters.readers.i3.faults import FormatError
from converters.readers.i3.reader import I3Reader
from converters.readers.i3.registry import decode
from converters.source import ReadOptions
from legacy.errors import CorruptInputError

HERE = Path(__file__).parent
build = runpy.run_path(str(HERE / "i3_builder.py"))
reading = runpy.run_path(str(HERE / "i3_reading.py"))
Read, write = reading["Read"], reading["write"]
frame = build["frame"]


def shower(particles):
    return build["chunked_tree"]([("1" + "01" * (particles - 1), [{"code": 13}] * particles)])


def test_a_batch_ends_when_it_has_many_rows(tmp_path, monkeypatch):
    path = write(tmp_path / "x.i3", *(frame("P", {"I3MCTree": shower(n)}, 6) for n in (30, 30, 50, 1, 1, 120, 3)))
    whole = Read(path)
    assert [batch.n_events for batch in whole.batches] == [7]
    monkeypatch.setattr(reader_module, "_MOST_ROWS", 100)
    parts = Read(path)
    assert [batch.n_events for batch in parts.batches] == [3, 3, 1]
    for table, rows in whole.tables.items():
        assert parts.tables[table].tobytes() == rows.tobytes(), table


def test_a_tree_of_references_cannot_fill_the_memory():
    """Each node costs 4 bytes of the file and hundreds of the memory."""

    def write_tree(a):
        a.base()
        first = []
        for _ in range(8):
            a.put("II1024Q", 65535, 1024, *[(1 << 64) - 1] * 1023, (1 << 63) - 1)
            if not first:
                first.append(a.numbered)
                a.mark("I3Particle", 5)
                build["put_particle"](a, 5)
                a.out += first[0].to_bytes(4, "little") * 65534
            else:
                a.out += first[0].to_bytes(4, "little") * 65535
        a.put("I", 0)

    with pytest.raises(FormatError, match="more than 500000 nodes"):
        decode(build["blob"]("I3MCTree", 1, write_tree))


def test_streams_cannot_fill_the_memory_together(tmp_path, monkeypatch):
    monkeypatch.setattr(objects_module, "MAX_INHERITED", 1 << 20)
    numbers = build["numbers"]({f"n{n:05}": 1.0 for n in range(20_000)})
    large = {"I3MCWeightDict": numbers, "Opaque": build["unknown"](rest=bytes(5 << 20))}
    good = write(tmp_path / "good.i3", *[frame("S", large, 2)] * 9, frame("P", {}, 2))
    assert len(Read(good).column("run_id")) == 1
    bad = write(tmp_path / "bad.i3", *(frame(letter, large, 2) for letter in "SQNX"), frame("P", {}, 2))
    with (
        pytest.raises(CorruptInputError, match="frame 2: events would inherit more than 1 MB"),
        I3Reader().open(bad, ReadOptions()) as file,
    ):
        list(file.batches())
