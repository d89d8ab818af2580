import gzip
import hashlib
from pathlib import Path

import pytest

from converters.readers.evt import stream
from converters.readers.evt.stream import Block, TextSource, blocks
from legacy.errors import CorruptInputError

HEADER = b"start_run: 1\nphysics: GENHEN 7\nend_event:\n"
EVENTS = b"".join(b"start_event: %d 1\nhit: 1 2 3\nend_event:\n" % n for n in range(20))
SIZES = [*range(1, 70), 100, 1000, 4 << 20]


def cut(path: Path) -> list[Block]:
    source = TextSource(path)
    try:
        found = list(blocks(source))
        assert source.damaged == ""
        assert source.hexdigest() == hashlib.sha256(path.read_bytes()).hexdigest()
    finally:
        source.close()
    return found


def write(folder: Path, data: bytes) -> Path:
    path = folder / "file.evt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("packed", [False, True])
def test_blocks_are_whole_events_wherever_the_pieces_end(
    size: int, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BLOCK_SIZE", max(size, 2))
    text = HEADER + EVENTS
    found = cut(write(tmp_path, gzip.compress(text) if packed else text))
    assert b"".join(block.data for block in found) == text
    position = 0
    for block in found:
        assert block.whole
        assert block.offset == position
        assert bytes(block.data).endswith(b"end_event:\n")
        position += len(block.data)
    if size < 30:
        assert len(found) == 21


def test_cut() -> None:
    parts = list(Block(100, memoryview(b"onetwothree"), whole=False).cut([3, 6]))
    assert [(part.offset, bytes(part.data), part.whole) for part in parts] == [
        *((100, b"one", True), (103, b"two", True)),
        (106, b"three", False),
    ]


@pytest.mark.parametrize(
    ("offset", "data", "header"),
    [(0, b"x", True), (5, b"start_run: 1", True), (5, b"start_event: 1", False), (5, b"", False)],
)
def test_where_headers_are(offset: int, data: bytes, header: bool) -> None:
    assert Block(offset, memoryview(data), whole=True).has_header is header


@pytest.mark.parametrize("rest", [b"start_event: 5 1\nhit: 1\n", b"sta", b"end_even", b"x\n\n"])
def test_a_rest_is_not_whole(rest: bytes, tmp_path: Path) -> None:
    *others, last = cut(write(tmp_path, HEADER + EVENTS + rest))
    assert all(block.whole for block in others)
    assert (bytes(last.data), last.whole, last.offset) == (rest, False, len(HEADER + EVENTS))


@pytest.mark.parametrize(
    "end", [b"end_event:", b"end_event: ", b"end_event:\r", b"end_event:\n\n \r\n", b"end_event: 7"]
)
def test_the_last_newline_may_be_missing(end: bytes, tmp_path: Path) -> None:
    found = cut(write(tmp_path, b"start_event: 1 1\n" + end))
    assert b"".join(block.data for block in found).endswith(end)
    assert found[0].whole


def test_members_of_gzip_are_joined_and_padding_is_passed_over(tmp_path: Path) -> None:
    packed = gzip.compress(HEADER) + gzip.compress(b"") + gzip.compress(EVENTS[:55]) + gzip.compress(EVENTS[55:])
    for padding in (b"", b"\0" * 700):
        assert b"".join(block.data for block in cut(write(tmp_path, packed + padding))) == HEADER + EVENTS


@pytest.mark.parametrize("size", [64, 4 << 20])
@pytest.mark.parametrize("lost", [1, 8, 9, 30])
def test_gzip_cut_short_keeps_what_can_be_read(
    lost: int, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BLOCK_SIZE", size)
    source = TextSource(write(tmp_path, gzip.compress(HEADER + EVENTS)[:-lost]))
    text = b"".join(source.pieces())
    source.close()
    assert "ends before" in source.damaged
    assert (HEADER + EVENTS).startswith(text)
    assert lost > 8 or text == HEADER + EVENTS


@pytest.mark.parametrize("size", [64, 1000, 4 << 20])
def test_damaged_gzip_is_read_up_to_the_damage(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK_SIZE", size)
    packed = gzip.compress(HEADER + EVENTS, compresslevel=0)
    source = TextSource(write(tmp_path, packed[:-8] + b"12345678"))
    assert b"".join(source.pieces()) == HEADER + EVENTS
    assert "damaged" in source.damaged
    source.close()


@pytest.mark.parametrize("filler", [b"x", b"\n", b"hit: 1\n"])
def test_an_event_without_end_is_refused(filler: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK_SIZE", 1000)
    monkeypatch.setattr(stream, "MAX_EVENT_SIZE", 10_000)
    source = TextSource(write(tmp_path, gzip.compress(HEADER + EVENTS + b"start_event: 9 1\n" + filler * 100_000)))
    with pytest.raises(CorruptInputError, match="an event without end") as caught:
        list(blocks(source))
    source.close()
    assert caught.value.where == f"byte {len(HEADER + EVENTS)}"
