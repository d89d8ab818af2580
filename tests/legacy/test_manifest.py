"""The manifest."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from legacy import manifest
from legacy.errors import CorruptInputError
from legacy.manifest import ManifestEntry

ENTRY = ManifestEntry(
    path="sub/a.l3.h5",
    size=10,
    adler32="0" * 8,
    md5="1" * 32,
    sha256="2" * 64,
    n_events=3,
    run=1,
    run_last=2,
    level=3,
    kind="data",
    channel="",
    detector="antares",
    generator="",
    production_version="",
    start=None,
    stop=None,
    source="é.evt",
    source_sha256="3" * 64,
    provenance_id="x",
)


def test_fields_are_the_documented_ones() -> None:
    expected = (
        "path size adler32 md5 sha256 n_events run run_last level kind channel detector generator production_version "
        "start stop source source_sha256 provenance_id"
    )
    assert list(json.loads(ENTRY.to_json())) == expected.split()
    assert "\n" not in ENTRY.to_json()


def test_write_and_load(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    assert manifest.load(path) == {}
    other = replace(ENTRY, path="b")
    manifest.write(path, [ENTRY, other])
    assert manifest.load(path) == {ENTRY.path: ENTRY, "b": other}
    assert [json.loads(line)["path"] for line in path.read_text().splitlines()] == ["b", "sub/a.l3.h5"]


def test_the_last_line_wins(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    manifest.append(path, ENTRY)
    manifest.append(path, replace(ENTRY, size=99))
    assert manifest.load(path)[ENTRY.path].size == 99


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_a_cut_last_line_is_passed_over(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    manifest.append(path, ENTRY)
    with path.open("a") as stream:
        stream.write(replace(ENTRY, path="b").to_json()[:cut])
    assert list(manifest.load(path)) == [ENTRY.path]


@pytest.mark.parametrize("line", ["nonsense", "[]", "5", "{}", '{"path": "a"}', "null"])
def test_a_broken_line_is_named(line: str, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(f"{ENTRY.to_json()}\n{line}\n{ENTRY.to_json()}\n")
    with pytest.raises(CorruptInputError) as raised:
        manifest.load(path)
    assert "line 2" in str(raised.value)
    assert "m.jsonl" in str(raised.value)


def test_unknown_keys_of_later_versions_are_ignored(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(json.dumps({**json.loads(ENTRY.to_json()), "later": 1}) + "\n")
    assert manifest.load(path) == {ENTRY.path: ENTRY}


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.jsonl"
    manifest.append(path, ENTRY)
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:30]))
    with pytest.raises(OSError, match="No space left"):
        manifest.append(path, replace(ENTRY, path="b"))
    monkeypatch.undo()
    assert path.read_text() == ENTRY.to_json() + "\n"
