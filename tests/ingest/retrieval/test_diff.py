"""`catalog diff`: missing, extra, different."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.server

Run = Callable[..., Any]


@pytest.fixture
def here(store: Any) -> Path:
    """Return a folder whose three files are all in Rucio."""
    for number in range(3):
        store.put(f"f{number}.dat", b"content %d" % number, level=3)
    return Path(store.folder)


def differences(ran: Any) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in ran.out.splitlines()]
    return [(one["kind"], one["name"]) for one in found if "kind" in one]


def test_equal(here: Path, run_catalog: Run) -> None:
    ran = run_catalog("diff", here)
    assert ran.code == 0, ran.out
    assert ran.out == ""
    assert ran.err == "NO DIFFERENCE: 3 files here, 3 in Rucio; compared: 3 read now\n"


def test_missing_extra_different(here: Path, store: Any, run_catalog: Run) -> None:
    (here / "new.dat").write_bytes(b"new")
    (here / "f0.dat").unlink()
    (here / "f1.dat").write_bytes(b"Content 1")
    (here / "f2.dat").write_bytes(b"longer content 2")
    ran = run_catalog("diff", here)
    assert ran.code == 1
    lines = ran.out.splitlines()
    assert lines[0].startswith(
        f"different: {store.scope}:f2.dat ({here / 'f2.dat'}): size 9 in Rucio, 16 of the file here"
    )
    assert lines[1] == f"missing: {store.scope}:new.dat ({here / 'new.dat'})"
    assert lines[2].startswith(f"different: {store.scope}:f1.dat ({here / 'f1.dat'}): adler32 ")
    assert lines[3] == f"extra: {store.scope}:f0.dat"
    assert ran.err.startswith("DIFFERENT: 1 missing, 1 extra, 2 different, 0 refused; 3 files here, 3 in Rucio")
    ran = run_catalog("diff", here, "--json")
    assert sorted(differences(ran)) == [
        ("different", "f1.dat"), ("different", "f2.dat"), ("extra", "f0.dat"), ("missing", "new.dat"),
    ]  # fmt: skip
    summary = json.loads(ran.out.splitlines()[-1])["summary"]
    assert summary["equal"] is False
    assert summary["counts"] == {"missing": 1, "extra": 1, "different": 2, "refused": 0}


def test_by_size_only(here: Path, run_catalog: Run) -> None:
    (here / "f1.dat").write_bytes(b"Content 1")
    ran = run_catalog("diff", here, "--no-hash")
    assert ran.code == 0
    assert "compared: 3 by size only" in ran.err
    (here / "f1.dat").write_bytes(b"1")
    assert run_catalog("diff", here, "--no-hash").code == 1


def test_sha256_counts(here: Path, store: Any, run_catalog: Run) -> None:
    store.catalogue.set_metadata(store.scope, {"f1.dat": {"sha256": "0" * 64}})
    ran = run_catalog("diff", here)
    assert ran.code == 1
    assert "f1.dat" in ran.out
    assert "sha256" in ran.out


def test_manifest(here: Path, store: Any, run_catalog: Run, tmp_path: Path) -> None:
    out = tmp_path / "back"
    assert run_catalog("get", "-o", out).code == 0
    manifest = out / "manifest.jsonl"
    ran = run_catalog("diff", manifest)
    assert ran.code == 0
    assert "compared: 3 as stated" in ran.err
    text = manifest.read_text()
    known = store.catalogue.files(store.scope, ["f1.dat"])["f1.dat"]
    manifest.write_text(text.replace(known.md5, "0" * 32))
    ran = run_catalog("diff", manifest)
    assert ran.code == 1
    assert f"md5 {known.md5} in Rucio, {'0' * 32} of the file here" in ran.out
    manifest.write_text(text)
    (out / "f0.dat").unlink()
    (out / "f1.dat").write_bytes(b"grown since then")
    ran = run_catalog("diff", manifest, "--json")
    assert ran.code == 1
    assert differences(ran) == [("refused", "f0.dat"), ("refused", "f1.dat")]
    assert "changed since it was described: 9 bytes in its manifest, 16 bytes on disk" in ran.out


def test_only_what_is_asked(here: Path, store: Any, run_catalog: Run) -> None:
    store.put("raw.root", b"raw", level=0).rename(here.parent / "raw.root")
    assert run_catalog("diff", here).code == 1
    assert run_catalog("diff", here, "--where", "level=3").code == 0
    assert run_catalog("diff", here, "--where", "level=").code == 2


def test_dataset(here: Path, store: Any, run_catalog: Run) -> None:
    store.put("raw.root", b"raw", level=0).rename(here.parent / "raw.root")
    store.dataset("some", "f0.dat", "f1.dat", "raw.root")
    ran = run_catalog("diff", here, "--dataset", "some", "--json")
    assert sorted(differences(ran)) == [("extra", "raw.root"), ("missing", "f2.dat")]
    assert "in Rucio, but not in some" in ran.out
    ran = run_catalog("diff", here, "--dataset", "some", "--where", "level=3", "--json")
    assert sorted(differences(ran)) == [("missing", "f2.dat")]
    ran = run_catalog("diff", here, "--dataset", "none")
    assert ran.code == 2
    assert "Rucio has no dataset" in ran.err


def test_wrong_paths(here: Path, run_catalog: Run) -> None:
    ran = run_catalog("diff", here / "no")
    assert ran.code == 2
    assert "no such file or folder" in ran.err


def test_what_cannot_be_named_in_rucio(here: Path, run_catalog: Run) -> None:
    (here / "two words.dat").write_bytes(b"x")
    ran = run_catalog("diff", here)
    assert ran.code == 1
    assert "refused: " in ran.out


def test_an_empty_folder(here: Path, run_catalog: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ran = run_catalog("diff", tmp_path / "empty")
    assert ran.code == 1
    assert ran.err.startswith("DIFFERENT: 0 missing, 3 extra")
