"""The journal of a dump: what is written counts, a cut line does not, a damaged one is told."""

import errno
import os
from pathlib import Path

import pytest

from dbdump.dump.journal import ChunkDone, ChunkGone, Forgotten, Journal, Mark, TableFailed, read_progress
from dbdump.errors import ImageError
from dbdump.image import JOURNAL, FileFacts, Part
from dbdump.plan import Snapshot
from dbdump.schema import TableName

TABLE, OTHER = TableName("A", "B"), TableName("A", "été/\n")


def done(table: TableName, number: int) -> ChunkDone:
    part = Part(FileFacts(f"parquet/A/B/part-{number:05d}.parquet", 5, "0" * 64, "1" * 32, "2" * 8), 7, number)
    return ChunkDone(table, number, (part,), {"C": 3}, 0)


def test_entries_are_read_as_they_were_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    entries = [Snapshot("scn", "5", "now"), Mark(TABLE, 14, "99"), done(TABLE, 0), done(OTHER, 1)]
    for entry in entries:
        journal.add(entry)
    journal.add(TableFailed(OTHER, "gone"))
    journal.close()
    progress = read_progress(tmp_path)
    assert progress.snapshots == [entries[0]]
    assert progress.marks == {TABLE: entries[1]}
    assert progress.done == {(TABLE, 0): entries[2], (OTHER, 1): entries[3]}
    assert progress.failed == {OTHER: "gone"}


def test_a_forgotten_table_is_read_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for entry in (Mark(TABLE, 14, ""), done(TABLE, 0), done(TABLE, 1), done(OTHER, 0), Forgotten(TABLE)):
        journal.add(entry)
    journal.close()
    progress = read_progress(tmp_path)
    assert list(progress.done) == [(OTHER, 0)]
    assert not progress.marks


def test_a_chunk_that_is_gone_does_not_count(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for entry in (done(TABLE, 0), done(TABLE, 1), ChunkGone(TABLE, 0)):
        journal.add(entry)
    journal.close()
    assert list(read_progress(tmp_path).done) == [(TABLE, 1)]


def test_every_cut_of_the_last_line_is_forgotten_and_written_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.add(done(TABLE, 0))
    first = (tmp_path / JOURNAL).stat().st_size
    journal.add(done(TABLE, 1))
    journal.close()
    whole = (tmp_path / JOURNAL).read_bytes()
    for cut in range(first, len(whole)):
        (tmp_path / JOURNAL).write_bytes(whole[:cut])
        assert list(read_progress(tmp_path).done) == [(TABLE, 0)]
        journal = Journal(tmp_path)
        journal.add(done(TABLE, 1))
        journal.close()
        assert (tmp_path / JOURNAL).read_bytes() == whole


@pytest.mark.parametrize("line", ["nonsense", "[]", "{}", '{"kind": "chunk"}', '{"kind": "other"}', "[" * 100_000])
def test_a_damaged_line_is_told(tmp_path: Path, line: str) -> None:
    (tmp_path / JOURNAL).write_text(line + "\n")
    with pytest.raises(ImageError, match="line 1 is no entry"):
        Journal(tmp_path)


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.add(done(TABLE, 0))
    before = (tmp_path / JOURNAL).read_bytes()
    # A mock: no disk of a test can be filled in the middle of a line.
    monkeypatch.setattr(os, "write", _once_then_full(os.write))
    with pytest.raises(OSError, match="No space"):
        journal.add(done(TABLE, 1))
    monkeypatch.undo()
    assert (tmp_path / JOURNAL).read_bytes() == before
    journal.add(done(TABLE, 1))
    journal.close()
    assert len(read_progress(tmp_path).done) == 2


def _once_then_full(real: object) -> object:
    calls: list[int] = []

    def write(descriptor: int, data: bytes) -> int:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[:5])  # type: ignore[operator, no-any-return]

    return write
