"""Where checksums come from: the journal, a manifest, or the file; and when none of them is trusted."""

import hashlib
import os
import threading
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import survey
from ingest.item import Item, Sums
from ingest.journal import Journal, Purpose, State
from ingest.storage.contract import FileStat
from ingest.survey import Look, Surveyor

CONTENT = b"some bytes of a detector"
TRUE = Sums(
    len(CONTENT),
    f"{zlib.adler32(CONTENT):08x}",
    hashlib.md5(CONTENT).hexdigest(),
    hashlib.sha256(CONTENT).hexdigest(),
    "ingest",
)
DAY = 86_400_000_000_000
"""Nanoseconds."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.root"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def item(file: Path) -> Item:
    return Item(str(file), file.name)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal", Purpose("s", "antares", "R"))


def surveyor(journal: Journal | None = None, *, sha256: bool = True, rehash: bool = False) -> Surveyor:
    return Surveyor(journal, 1, sha256, rehash, threading.Event().is_set)


def read(one: Surveyor, item: Item) -> Look:
    (look,) = one.look([item])
    if look.to_read:
        (look,) = one.read([look])
    return look


def stated(item: Item, sums: Sums = TRUE, ns: int | None = None) -> Item:
    written = Path(item.location).stat().st_mtime_ns if ns is None else ns
    return replace(item, stated=replace(sums, by="manifest"), stated_ns=written)


def test_an_unknown_file_is_read(item: Item) -> None:
    look = read(surveyor(), item)
    assert (look.sums, look.problem) == (TRUE, "")
    assert read(surveyor(sha256=False), item).sums == replace(TRUE, sha256="")


def test_what_was_read_is_in_the_journal_and_not_read_again(
    item: Item, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(surveyor(journal), item)
    assert journal.get([item.location])[item.location].state == State.HASHED
    monkeypatch.setattr(survey, "hash_all", forbidden)
    assert read(surveyor(journal), item).sums == TRUE
    assert read(surveyor(journal, sha256=False), item).sums == TRUE


def forbidden(locations: Sequence[str], *rest: object, **options: object) -> list[object]:
    pytest.fail(f"{locations} is read")


@pytest.mark.parametrize("change", ["content", "time", "sha256", "rehash"])
def test_what_the_journal_cannot_prove_is_read_again(item: Item, journal: Journal, file: Path, change: str) -> None:
    read(surveyor(journal, sha256=change != "sha256"), item)
    if change == "content":
        file.write_bytes(CONTENT[::-1] + b".")
    elif change == "time":
        os.utime(file, ns=(0, 12345))
    (look,) = surveyor(journal, rehash=change == "rehash").look([item])
    assert look.to_read


def test_a_manifest_is_trusted_for_a_file_that_is_not_newer(item: Item) -> None:
    (look,) = surveyor().look([stated(item)])
    assert (look.to_read, look.sums) == (False, replace(TRUE, by="manifest"))


@pytest.mark.parametrize(
    "doubtful",
    [
        lambda item: stated(item, ns=Path(item.location).stat().st_mtime_ns - DAY),
        lambda item: stated(item, replace(TRUE, md5="")),
        lambda item: stated(item, replace(TRUE, sha256="")),
        lambda item: stated(item, replace(TRUE, size=-1)),
    ],
    ids=["file is newer", "no md5", "no sha256", "no size"],
)
def test_a_manifest_that_may_be_wrong_is_compared_with_the_file(item: Item, doubtful) -> None:
    (look,) = surveyor().look([doubtful(item)])
    assert look.to_read
    (look,) = surveyor().read([look])
    assert (look.sums, look.problem) == (TRUE, "")


def test_a_line_with_the_time_of_the_file_is_trusted_for_that_time_only(item: Item, file: Path) -> None:
    """Also when the manifest has grown since, and so is newer than the file."""
    now = file.stat().st_mtime_ns
    line = replace(stated(item, ns=now + DAY), stated_mtime_ns=now)
    assert not surveyor().look([line])[0].to_read
    file.write_bytes(CONTENT[::-1])
    os.utime(file, ns=(now + 1, now + 1))
    (look,) = surveyor().look([line])
    assert look.to_read
    assert "restore the file" in read(surveyor(), line).problem


def test_a_file_that_is_newer_by_a_moment_is_read(item: Item) -> None:
    (look,) = surveyor().look([stated(item, ns=Path(item.location).stat().st_mtime_ns - 1)])
    assert look.to_read


def test_rehash_reads_what_a_manifest_states(item: Item) -> None:
    wrong = replace(TRUE, md5="0" * 32)
    assert read(surveyor(), stated(item, wrong)).sums.md5 == "0" * 32
    look = read(surveyor(rehash=True), stated(item, wrong))
    assert "md5 00000000000000000000000000000000 then" in look.problem


@pytest.mark.parametrize("kind", ["adler32", "md5", "sha256"])
def test_a_file_that_is_not_the_stated_one_is_refused(item: Item, journal: Journal, kind: str) -> None:
    wrong = replace(TRUE, **{kind: "0" * len(getattr(TRUE, kind))})
    changed = stated(item, wrong, ns=Path(item.location).stat().st_mtime_ns - DAY)
    look = read(surveyor(journal), changed)
    assert f"{kind} 0" in look.problem
    assert "restore the file" in look.problem
    assert journal.get([item.location]) == {}


def test_the_journal_is_compared_with_the_manifest_too(item: Item, journal: Journal) -> None:
    read(surveyor(journal), item)
    (look,) = surveyor(journal).look([stated(item, replace(TRUE, md5="0" * 32))])
    assert "md5" in look.problem


def test_another_size_is_refused_without_reading(item: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "hash_all", forbidden)
    (look,) = surveyor().look([stated(item, replace(TRUE, size=5))])
    assert "size 5 then, 24 now" in look.problem


@pytest.mark.parametrize(
    ("make", "words"), [(Path.touch, "empty"), (lambda path: None, "gone"), (Path.mkdir, "folder")]
)
def test_what_is_no_file(tmp_path: Path, make, words: str) -> None:
    make(tmp_path / "gone")
    (look,) = surveyor().look([Item(str(tmp_path / "gone"), "gone")])
    assert words in look.problem
    assert not look.to_read


def test_a_file_that_changed_between_look_and_reading(item: Item, file: Path) -> None:
    (look,) = surveyor().look([item])
    file.write_bytes(CONTENT + b"more")
    (look,) = surveyor().read([look])
    assert "changed while it was read" in look.problem


class Tape:
    """A storage with one file on tape; there is none on a test machine."""

    def __init__(self, asked: Sums) -> None:
        self.asked = asked

    def stat(self, location: str) -> FileStat:
        return FileStat(len(CONTENT), 0, online=False)

    def ask_sums(self, location: str) -> Sums:
        return self.asked


@pytest.mark.parametrize(
    ("door", "manifest", "by", "problem"),
    [
        (Sums(24, adler32=TRUE.adler32, by="door"), Sums(), "door", ""),
        (Sums(24, adler32=TRUE.adler32, by="door"), TRUE, "door", ""),
        (Sums(), TRUE, "manifest", ""),
        (Sums(), Sums(), "", "neither its door nor a manifest"),
        (Sums(24, adler32="00000001", by="door"), TRUE, "door", "adler32"),
    ],
    ids=["door only", "both", "manifest only", "neither", "contradiction"],
)
def test_a_file_on_tape_is_not_read(
    door: Sums, manifest: Sums, by: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "storage_of", lambda location: Tape(door))
    given = replace(manifest, by="manifest") if manifest.by else manifest
    (look,) = surveyor(rehash=True).look([Item("root://door//tape/file", "file", stated=given)])
    assert not look.to_read
    assert problem in look.problem
    assert bool(look.problem) == bool(problem)
    assert look.sums.by == by
