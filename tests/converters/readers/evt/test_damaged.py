"""Damaged files: what is refused, with which words, and what can be saved."""

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.readers.evt import lines, stream
from converters.readers.evt.reader import EvtReader
from converters.source import ReadOptions
from legacy.errors import CorruptInputError

Sample = Callable[[str], Path]
Read = Callable[..., Any]
MUPAGE = "mupage/mcv5.0.mupage_1G.5.evt"
HEADER = b"start_run: 1\nend_event:\n"
EVENT = b"start_event: %d 1\ntrack_in: 1 0 0 0 0 0 1 5 0 5\nend_event:\n"


@pytest.fixture
def written(tmp_path: Path, evt_read: Read) -> Read:
    """Return a function that writes bytes to a file and reads it."""

    def read(data: bytes, **options: bool) -> Any:
        path = tmp_path / "file.evt"
        path.write_bytes(data)
        return evt_read(path, **options)

    return read


@pytest.mark.parametrize("size", [100, 4 << 20])
def test_truncation(size: int, sample: Sample, written: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut a sample at many places: the message says where the incomplete event begins and what is whole."""
    monkeypatch.setattr(stream, "BLOCK_SIZE", size)
    data = sample(MUPAGE).read_bytes()
    whole = written(data).events
    for cut in [*range(1, len(data), 197), *range(len(data) - 13, len(data))]:
        text = data[:cut]
        last = text.rstrip().rsplit(b"\n", 1)[-1]
        complete = len(text.split(b"\nend_event:")) - 2
        if last.startswith(b"end_event:"):
            assert repr(written(text).events) == repr(whole[:complete])
            continue
        begin = max(text.rfind(b"start_event:"), 0)
        if text[begin:].count(b"\nend_event:") or not begin:
            # The cut fell into the header, or into a start_event: line.
            begin = text.rfind(b"\nend_event:") + len(b"\nend_event:\n") if complete >= 0 else 0
        with pytest.raises(CorruptInputError, match="ends within an event") as caught:
            written(text)
        assert caught.value.where == f"byte {begin}", cut
        if complete > 0:
            assert f"the last whole event is number {complete} of the file" in caught.value.advice
            saved = written(text, salvage=True)
            assert repr(saved.events) == repr(whole[:complete])
            assert any("dropped" in warning for warning in saved.warnings)
        else:
            with pytest.raises(CorruptInputError, match="no whole event"):
                written(text, salvage=True)


@pytest.mark.parametrize("size", [20, 64, 4 << 20])
@pytest.mark.parametrize(
    ("data", "offset", "before", "saved"),
    [
        (HEADER + EVENT % 1 + b"start_event: 2 1\nhit: 1\n" + EVENT % 3, len(HEADER + EVENT) - 1, 1, [1, 3]),
        (HEADER + EVENT % 1 + b"end_event:\n" + EVENT % 3, len(HEADER + EVENT) - 1, 1, [1, 3]),
        (HEADER + b"start_event: 7 1\n" + EVENT % 1 + EVENT % 2, len(HEADER), 0, [1, 2]),
        (HEADER + EVENT % 1 + b"start_event: 2 1\n" + HEADER + EVENT % 3, len(HEADER + EVENT) - 1, 1, [1, 3]),
    ],
)
def test_marks_without_counterpart(
    size: int,
    data: bytes,
    offset: int,
    before: int,
    saved: list[int],
    written: Read,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "BLOCK_SIZE", size)
    with pytest.raises(CorruptInputError, match="an event is not whole") as caught:
        written(data)
    assert caught.value.where == f"byte {offset}"
    assert (f"number {before} of the file" if before else "no event before it is whole") in caught.value.advice
    found = written(data, salvage=True)
    assert found.column("source_event_id") == saved
    assert "1 incomplete event dropped" in found.warnings[0]


def test_lines_of_dropped_events_are_counted(written: Read) -> None:
    found = written(HEADER + EVENT % 1 + b"start_event: 2 1\ntrack_in: 1 2\nweights: 1\nhit: 1\n", salvage=True)
    counts = {row.field: row.count for row in found.coverage}
    assert counts["track_in, outside"] == counts["weights, outside"] == counts["hit"] == 1
    assert counts["start_event[0]"] == 2


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "holds no text"),
        (b"\n \r\n\n", "holds no text"),
        (b"\0" * 5000, "ends within an event"),
        (random.Random(1).randbytes(100_000), "ends within an event|not the text"),
        (b"%PDF-1.4\n%\xe2\xe3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n" * 500, "ends within an event"),
        (b"".join(b"key%d: value\n" % n for n in range(1000)), "not the text"),
        (b"start_run: 1\nphysics: GENHEN\n", "ends within an event"),
        (gzip.compress(b"", mtime=0), "holds no text"),
        (b"\x1f\x8b", "before its end mark"),
        (b"\x1f\x8b\x08\x00garbage" * 100, "gzip stream is damaged"),
        (HEADER + EVENT % 1 + b"stray \x1b[31m text\nmore\n", "ends within an event"),
    ],
)
@pytest.mark.parametrize("size", [1000, 4 << 20])
def test_other_files(data: bytes, problem: str, size: int, written: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK_SIZE", size)
    with pytest.raises(CorruptInputError, match=problem) as caught:
        written(data)
    message = str(caught.value)
    assert "\n" not in message
    assert message.isprintable()


@pytest.mark.parametrize("size", [64, 4 << 20])
def test_gzip_cut_short(size: int, written: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK_SIZE", size)
    text = HEADER + b"".join(EVENT % n for n in range(50))
    packed = zlib.compressobj(wbits=31)
    begin = packed.compress(text) + packed.flush(zlib.Z_FULL_FLUSH)  # all events can be read; the end is missing
    with pytest.raises(CorruptInputError, match="gzip stream ends before its end mark"):
        written(begin)
    found = written(begin, salvage=True)
    assert len(found.events) == 50
    assert any("gzip stream ends" in warning for warning in found.warnings)
    with pytest.raises(CorruptInputError, match="gzip stream ends before its end mark"):
        written(gzip.compress(text)[:-30])


def test_gzip_bomb_needs_little_memory(tmp_path: Path) -> None:
    """A file of less than 1 MB unfolds to 100 MB of events."""
    event = EVENT.replace(b"end_event", b"odd: " + b"x" * 2000 + b"\nend_event") % 1
    packer = zlib.compressobj(wbits=31)
    packed = packer.compress(HEADER) + b"".join(packer.compress(event * 1000) for _ in range(50)) + packer.flush()
    assert len(packed) < 1_000_000
    path = tmp_path / "bomb.evt.gz"
    path.write_bytes(packed)
    tracemalloc.start()
    try:
        with EvtReader().open(path, ReadOptions()) as file:
            count = sum(batch.n_events for batch in file.batches())
        assert tracemalloc.get_traced_memory()[1] < 80 << 20
    finally:
        tracemalloc.stop()
    assert count == 50_000


@pytest.mark.parametrize("filler", [b"\n", b"x", b"hit: 1 2 3\n"])
def test_endless_event_is_refused(filler: bytes, written: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_EVENT_SIZE", 1 << 20)
    monkeypatch.setattr(stream, "BLOCK_SIZE", 1 << 16)
    with pytest.raises(CorruptInputError, match="an event without end") as caught:
        written(gzip.compress(HEADER + EVENT % 1 + b"start_event: 2 1\n" + filler * (2 << 20)))
    assert caught.value.where == f"byte {len(HEADER + EVENT % 1)}"


def test_millions_of_empty_lines_are_refused(written: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_LINES_PER_BLOCK", 1000)
    with pytest.raises(CorruptInputError, match="millions of lines"):
        written(HEADER + b"start_event: 1 1\n" + b"\n" * 2000 + b"end_event:\n")
