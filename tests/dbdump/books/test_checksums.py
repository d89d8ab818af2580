"""Checksums and the list of files: what sha256sum and the ingest make of them."""

import json
import runpy
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from dbdump.books import write_books
from dbdump.books.checksums import write_checksums
from dbdump.errors import ImageError
from dbdump.image import Image, open_image
from ingest.inputs import read_inputs
from ingest.item import Item
from ingest.settings import settings_from
from legacy.config import Config
from legacy.manifest import load

made = runpy.run_path(str(Path(__file__).parent / "small_image.py"))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    opened: Image = made["make_image"](tmp_path / "image", options={"format": "both"})
    manifest = write_books(opened.folder, opened.manifest, lambda text: None)
    return Image(opened.folder, manifest)


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["sha256sum", "--strict", "-c", "checksums.sha256"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)


def test_sha256sum_reads_them(image: Image) -> None:
    done = check(image.folder)
    assert (done.returncode, done.stderr) == (0, "")
    checked = {line.removesuffix(": OK") for line in done.stdout.splitlines()}
    there = {path.relative_to(image.folder).as_posix() for path in image.folder.rglob("*") if path.is_file()}
    assert there - checked == {"manifest.json", "manifest.jsonl", "checksums.sha256"}
    assert done.stdout.splitlines() == sorted(done.stdout.splitlines())


def test_sha256sum_finds_a_change(image: Image) -> None:
    path = image.folder / "parquet/ENV/RUN/part-00000.parquet"
    path.write_bytes(path.read_bytes()[:-9] + b"x" + path.read_bytes()[-8:])
    done = check(image.folder)
    assert done.returncode == 1
    assert "parquet/ENV/RUN/part-00000.parquet: FAILED" in done.stdout


def test_the_manifest_knows_the_checksums(image: Image) -> None:
    opened = open_image(image.folder)
    assert opened.manifest.checksums == made["facts_of"](image.folder, "checksums.sha256").sha256
    assert [file.path for file in opened.manifest.sqlite] == ["sqlite/ENV.sqlite"]
    assert any("NaN" in warning for warning in opened.manifest.warnings)


def test_equal_contents_give_equal_checksums(image: Image, tmp_path: Path) -> None:
    other = made["make_image"](tmp_path / "other", options={"format": "both"}, image_id="another", started="later")
    write_books(other.folder, other.manifest, lambda text: None)
    assert (other.folder / "checksums.sha256").read_bytes() == (image.folder / "checksums.sha256").read_bytes()


def test_files_of_others_and_leftovers_stay_out(image: Image) -> None:
    before = (image.folder / "checksums.sha256").read_bytes()
    (image.folder / "notes.txt").write_text("mine")
    (image.folder / "plan.json").write_text("{}")
    (image.folder / "lobs" / "123.part").write_text("half")
    write_checksums(image.folder, image.manifest)
    assert (image.folder / "checksums.sha256").read_bytes() == before


def test_a_missing_part_is_an_error(image: Image) -> None:
    (image.folder / "parquet/ENV/RUN/part-00001.parquet").unlink()
    with pytest.raises(ImageError, match=r"part-00001\.parquet: it is missing"):
        write_checksums(image.folder, image.manifest)


def test_the_list_has_every_file_with_its_sums(image: Image) -> None:
    entries = load(image.folder / "manifest.jsonl")
    there = {path.relative_to(image.folder).as_posix() for path in image.folder.rglob("*") if path.is_file()}
    assert entries.keys() == there - {"manifest.jsonl"}
    for path, entry in entries.items():
        facts = made["facts_of"](image.folder, path)
        assert (entry.size, entry.sha256, entry.md5, entry.adler32) == (
            facts.size,
            facts.sha256,
            facts.md5,
            facts.adler32,
        )
        assert entry.mtime_ns == (image.folder / path).stat().st_mtime_ns
    part = entries["parquet/ENV/RUN/part-00000.parquet"]
    assert (part.n_events, part.level, part.kind, part.detector, part.source) == (2, 0, "data", "antares", "ANTARES")
    assert entries["README.md"].n_events == 0


def test_the_list_has_no_times_of_files_where_none_are_wanted(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    write_books(image.folder, image.manifest, lambda text: None)
    assert {entry.mtime_ns for entry in load(image.folder / "manifest.jsonl").values()} == {0}


def planned(image: Image, name: str) -> list[Item]:
    section = {
        "rse": "ANTARES_INPLACE",
        "name": name,
        "dataset": "antares.database.{provenance_id}",
        "containers": [],
    }
    settings = settings_from(Config(sections={"ingest": section}), {})
    return list(read_inputs([str(image.folder / "manifest.jsonl")], settings))


def test_the_ingest_takes_the_list_with_names_of_paths(image: Image) -> None:
    items = planned(image, "{provenance_id}.{path}")
    assert len(items) == len(load(image.folder / "manifest.jsonl"))
    taken = [item for item in items if not item.problem]
    assert len({item.name for item in taken}) == len(taken)
    assert f"{image.manifest.image_id}.parquet.ENV.RUN.part-00000.parquet" in {item.name for item in taken}
    # Rucio takes no such character in a name: docs/dbdump-image.md says so.
    refused = [item for item in items if item.problem]
    assert {Path(item.location).name for item in refused if "%" in Path(item.location).name} <= {
        "om%20rate.sql",
        "V%2FRATES.sql",
    }
    assert all("has the character '%'" in item.problem and "%" in item.location for item in refused)


def test_base_names_alone_do_not_do(image: Image) -> None:
    assert any("is one file in Rucio" in item.problem for item in planned(image, "{basename}"))


def test_a_copied_image_is_the_same_image(image: Image, tmp_path: Path) -> None:
    shutil.copytree(image.folder, tmp_path / "copy")
    assert check(tmp_path / "copy").returncode == 0
    assert open_image(tmp_path / "copy").manifest == open_image(image.folder).manifest


def test_lines_are_one_json_object_each(image: Image) -> None:
    lines = (image.folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["path"] for line in lines] == sorted(json.loads(line)["path"] for line in lines)
    assert replace(image.manifest, digest="").checksums
