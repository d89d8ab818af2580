"""Seal: reads everything once more, then nothing can be written."""

import os
import re
import runpy
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dbdump.books import write_books
from dbdump.errors import ImageError
from dbdump.image import Image, open_image, write_manifest
from dbdump.seal import files_to_read, is_sealed, require_not_sealed, seal
from legacy.errors import MachineError, UsageError
from legacy.lock import folder_lock

made = runpy.run_path(str(Path(__file__).parent / "books" / "small_image.py"))


@pytest.fixture
def image(tmp_path: Path) -> Any:
    opened: Image = made["make_image"](tmp_path / "image", options={"format": "both"})
    write_books(opened.folder, opened.manifest, lambda text: None)
    yield open_image(opened.folder)
    for place in [tmp_path / "image", *(path for path in (tmp_path / "image").rglob("*") if path.is_dir())]:
        place.chmod(0o755)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_sealed_image_is_read_only_and_the_same(image: Image) -> None:
    before = contents(image.folder)
    read: list[int] = []
    sealed = seal(image.folder, read.append)
    after = contents(image.folder)
    assert {path: after[path] for path in before} == before
    assert (sealed.files, sealed.size) == files_to_read(image.folder) == (len(read), sum(read))
    for path in [image.folder, *image.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o555 if path.is_dir() else 0o444)
    assert open_image(image.folder).manifest == image.manifest
    assert is_sealed(image.folder)


def test_twice_is_harmless(image: Image) -> None:
    seal(image.folder)
    before = {path: path.stat().st_mtime_ns for path in image.folder.rglob("*")}
    assert seal(image.folder).foreign == ()
    assert {path: path.stat().st_mtime_ns for path in image.folder.rglob("*")} == before


def test_a_dump_into_it_is_refused(image: Image) -> None:
    require_not_sealed(image.folder)
    require_not_sealed(image.folder / "none")
    seal(image.folder)
    with pytest.raises(UsageError, match="is sealed and is not changed; dump into another folder"):
        require_not_sealed(image.folder)


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "pattern", ["parquet/ENV/RUN/part-00001.parquet", "lobs/*/*", "sqlite/ENV.sqlite", "README.md", "ddl/*/*/RUN.sql"]
)
@pytest.mark.parametrize("sealed_before", [False, True])
def test_one_bit_is_noticed(pattern: str, sealed_before: bool, image: Image) -> None:
    path = min(image.folder.glob(pattern))
    if sealed_before:
        seal(image.folder)
        path.chmod(0o644)
    damage(path)
    name = path.relative_to(image.folder).as_posix()
    with pytest.raises(ImageError, match="not sealed: ") as caught:
        seal(image.folder)
    assert f"{name} is not as it was written" in str(caught.value)
    assert is_sealed(image.folder) == sealed_before


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("parquet/ENV/RUN/part-00001.parquet", "it is missing"),
        ("README.md", "README.md is missing"),
        ("manifest.json", "no manifest.json"),
    ],
)
def test_a_missing_file_is_noticed(path: str, message: str, image: Image) -> None:
    (image.folder / path).unlink()
    with pytest.raises(ImageError, match=message):
        seal(image.folder)


@pytest.mark.parametrize("name", ["checksums.sha256", "manifest.jsonl"])
def test_what_follows_from_the_rest_is_made_anew(name: str, image: Image) -> None:
    before = contents(image.folder)
    (image.folder / name).unlink()
    seal(image.folder)
    assert contents(image.folder).keys() >= before.keys()
    if name == "checksums.sha256":
        assert (image.folder / name).read_bytes() == before[str(image.folder / name)]


def test_edited_checksums_are_no_excuse(image: Image) -> None:
    readme, sums = image.folder / "README.md", image.folder / "checksums.sha256"
    readme.write_text("edited")
    name = made["facts_of"](image.folder, "README.md").sha256
    sums.write_text(re.sub("^.*README.md$", f"{name}  README.md", sums.read_text(), flags=re.MULTILINE))
    with pytest.raises(ImageError, match="or one of the files that describe the image"):
        seal(image.folder)


def test_a_missing_long_value_is_noticed(image: Image) -> None:
    next(path for path in (image.folder / "lobs").rglob("*") if path.is_file()).unlink()
    with pytest.raises(ImageError, match="lobs/ has 1 files"):
        seal(image.folder)


def test_a_truncated_part_is_noticed_by_its_size(image: Image) -> None:
    path = image.folder / "parquet/ENV/RUN/part-00000.parquet"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ImageError, match="has 100 bytes instead of"):
        seal(image.folder)


def test_an_image_that_is_not_complete_is_not_sealed(image: Image) -> None:
    first, *others = image.manifest.tables
    changed = replace(image.manifest, complete=False, tables=(replace(first, problem="ORA-00942"), *others))
    write_manifest(image.folder, changed)
    with pytest.raises(ImageError, match=r"not complete, so it is not sealed: ENV\.FILES: ORA-00942"):
        seal(image.folder)
    assert not is_sealed(image.folder)


def test_files_of_others_are_named_and_links_are_not_followed(image: Image, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("x")
    mode = outside.stat().st_mode
    (image.folder / "notes.txt").write_text("mine")
    (image.folder / "link").symlink_to(outside)
    (image.folder / "lobs" / "1.part").write_text("half")
    foreign = seal(image.folder).foreign
    assert set(foreign) == {"notes.txt", "link", "lobs/1.part (left by a run that ended early)"}
    assert outside.stat().st_mode == mode


def test_not_while_a_dump_runs(image: Image) -> None:
    with folder_lock(image.folder), pytest.raises(MachineError, match="another run is writing"):
        seal(image.folder)


def test_no_image(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"no manifest\.json"):
        seal(tmp_path)
    with pytest.raises(ImageError, match=r"no manifest\.json"):
        seal(tmp_path / "none")
    assert os.access(tmp_path, os.W_OK)
