"""The manifest."""

import json
import os
import tracemalloc
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
        "start stop source source_sha256 provenance_id mtime_ns"
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


def numbers(path: Path) -> list[tuple[int, str]]:
    return [(line.number, line.path) for line in manifest.iterate(path)]


def test_iterating_gives_what_load_gives(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    manifest.write(path, [ENTRY, replace(ENTRY, path="b")])
    assert {line.path: ManifestEntry(**line.values) for line in manifest.iterate(path)} == manifest.load(path)  # type: ignore[arg-type]


def test_iterating_takes_the_last_line_for_a_path(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    lines = ["a", "b", "a", "c", "b", "a"]
    path.write_text("".join(json.dumps({"path": name, "n": n}) + "\n\n" for n, name in enumerate(lines)))
    assert [(line.path, line.values["n"]) for line in manifest.iterate(path)] == [("c", 3), ("b", 4), ("a", 5)]
    assert numbers(path) == [(7, "c"), (9, "b"), (11, "a")]


def test_iterating_an_empty_manifest(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    for text in ("", "\n", "\n\n  \n"):
        path.write_text(text)
        assert numbers(path) == []


def test_a_manifest_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text('\ufeff{"path": "a", "own": [1]}\r\n{"path": "\\ud800"}')
    assert numbers(path) == [(1, "a"), (2, "\ud800")]


@pytest.mark.parametrize("cut", [1, 10, 200])
def test_iterating_passes_over_a_cut_last_line(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    manifest.append(path, ENTRY)
    with path.open("a") as stream:
        stream.write(replace(ENTRY, path="b").to_json()[:cut])
    assert numbers(path) == [(1, ENTRY.path)]


@pytest.mark.parametrize(
    "line", ["nonsense", "[]", "5", "{}", '{"path": 5}', "null", "[" * 100_000, '{"path": "' + "x" * (1 << 20) + '"}']
)
def test_iterating_names_a_broken_line_before_it_gives_any(line: str, tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    path.write_text(f"{ENTRY.to_json()}\n\n{line}\n{ENTRY.to_json()}\n")
    with pytest.raises(CorruptInputError) as raised:
        next(manifest.iterate(path))
    assert "line 3" in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_a_file_that_is_replaced_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    manifest.write(path, [replace(ENTRY, path=name) for name in "abc"])
    lines = manifest.iterate(path)
    assert next(lines).path == "a"
    manifest.write(path, [replace(ENTRY, path="z")])
    assert [line.path for line in lines] == ["b", "c"]


def test_iterating_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    with path.open("w") as stream:
        for turn in range(2):
            stream.writelines(json.dumps({"path": f"folder/{n:08d}", "turn": turn}) + "\n" for n in range(20_000))
    next(manifest.iterate(path))  # loads what is loaded once
    tracemalloc.start()
    count = sum(line.values["turn"] == 1 for line in manifest.iterate(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 20_000
    assert peak < 8e6  # 40,000 lines; keeping the entries would take 40 MB


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
