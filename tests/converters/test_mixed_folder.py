"""A night over a folder of anything, and the morning after."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from converters.inputs import named_as_events

Cli = Callable[..., Any]
MakeEvt = Callable[..., Path]


@pytest.fixture
def mixed(make_evt: MakeEvt, tmp_path: Path) -> Path:
    """Return a folder with good, damaged, missing and foreign files."""
    folder = tmp_path / "in"
    make_evt(folder / "2007" / "good.evt", events=2)
    whole = make_evt(folder / "2007" / "cut.evt", events=3)
    whole.write_bytes(whole.read_bytes()[:-40])
    (folder / "2007" / "overwritten.evt").write_bytes(b"\0" * 3000)
    (folder / "2007" / "gone.evt").symlink_to(tmp_path / "not" / "mounted.evt")
    (folder / "notes.docx").write_bytes(b"PK\x03\x04" + bytes(100))
    (folder / "detector.detx").write_text("1 1\n" + "1 2 3 4 5 6 7\n" * 9)
    os.mkfifo(folder / "pipe")
    (folder / "manifest.1-of-2.jsonl").touch()  # what an earlier run has left is no input
    (folder / "report.json").write_text("{}")
    return folder


def report_of(out: Path) -> dict[str, dict[str, Any]]:
    found = json.loads((out / "report.json").read_text())
    assert found["inputs"] == len(found["outcomes"])
    return {Path(outcome["source"]).name: outcome for outcome in found["outcomes"]}


def test_every_file_of_a_folder_is_in_the_report(mixed: Path, cli: Cli, tmp_path: Path) -> None:
    ran = cli("convert", mixed, "-o", tmp_path / "out")
    assert ran.code == 1
    assert f"each input and its reason: {tmp_path / 'out' / 'report.json'}" in ran.err
    report = report_of(tmp_path / "out")
    left = {"manifest.1-of-2.jsonl", "report.json"}
    assert set(report) == {path.name for path in mixed.rglob("*") if not path.is_dir()} - left
    assert {name: outcome["status"] for name, outcome in report.items()} == {
        "good.evt": "converted",
        "cut.evt": "failed",
        "overwritten.evt": "failed",
        "gone.evt": "failed",
        "notes.docx": "skipped",
        "detector.detx": "skipped",
        "pipe": "skipped",
    }
    assert "fetch it again" in report["overwritten.evt"]["reason"]
    assert "link to a file that is not there" in report["gone.evt"]["reason"]
    assert "fetch the file again" in report["cut.evt"]["reason"]


def test_linked_folders_are_in_the_report(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    make_evt(tmp_path / "in" / "a.evt")
    make_evt(tmp_path / "elsewhere" / "b.evt")
    (tmp_path / "in" / "linked").symlink_to(tmp_path / "elsewhere")
    ran = cli("convert", tmp_path / "in", "-o", tmp_path / "out")
    assert ran.code == 0
    assert "1 converted, 1 skipped" in ran.err
    assert "link to a folder" in report_of(tmp_path / "out")["linked"]["reason"]


def test_shards_share_the_files_that_are_passed_over(mixed: Path, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen: list[str] = []
    for k in (1, 2, 3):
        cli("convert", mixed, "-o", out, "--shard", f"{k}/3")
        seen += [o["source"] for o in json.loads((out / f"report.{k}-of-3.json").read_text())["outcomes"]]
    left = {"manifest.1-of-2.jsonl", "report.json"}
    assert sorted(seen) == sorted(str(path) for path in mixed.rglob("*") if not path.is_dir() and path.name not in left)


def test_salvage_on_the_second_run_keeps_what_is_whole(mixed: Path, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cli("convert", mixed, "-o", out)
    product = out / "2007" / "good.l3.h5"
    before = product.read_bytes()
    assert cli("convert", mixed, "-o", out, "--salvage").code == 1
    report = report_of(out)
    assert (report["good.evt"]["status"], report["cut.evt"]["status"]) == ("kept", "converted")
    assert report["cut.evt"]["n_events"] == 2
    assert product.read_bytes() == before
    # The other way round: what was salvaged is not whole, and is not kept as if it were.
    ran = cli("convert", mixed, "-o", out)
    assert "cut.l3.h5: was made with other options" in ran.err


def test_repaired_files_replace_what_was_salvaged(mixed: Path, make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cli("convert", mixed, "-o", out, "--salvage")
    make_evt(mixed / "2007" / "cut.evt", events=3)
    make_evt(mixed / "2007" / "overwritten.evt", events=4)
    (mixed / "2007" / "gone.evt").unlink()
    ran = cli("convert", mixed, "-o", out, "--salvage", "--overwrite")
    assert ran.code == 0, ran.err
    report = report_of(out)
    assert {report[name]["status"] for name in ("cut.evt", "overwritten.evt")} == {"converted"}
    assert report["good.evt"]["status"] == "kept"
    assert report["cut.evt"]["n_events"] == 3


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("a.evt", True), ("A.EVT.gz", True), ("a.i3.zst", True), ("a.root", False), ("evt", False), ("a.evt.txt", False)],
)
def test_names_that_only_events_have(name: str, is_one: bool) -> None:
    assert named_as_events(name) is is_one


def test_a_recording_is_not_counted_in_events(sample: Callable[[str], Path], cli: Cli, tmp_path: Path) -> None:
    recording = sample("acoustics/DOM_808956920_CH1_1608751683.bin")
    ran = cli("-v", "convert", recording, "-o", tmp_path / "out", "--to", "json")
    assert ran.code == 0, ran.err
    assert re.search(r"^1 converted; 1 description in [0-9.]+ s; manifest: ", ran.err, re.MULTILINE)


@pytest.mark.parametrize("command", ["inspect", "validate", "-v convert"])
def test_no_escape_in_a_name_reaches_the_terminal(command: str, make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    source = make_evt(tmp_path / "in" / "red \x1b[31m.evt")
    more = ("-o", tmp_path / "out") if "convert" in command else ()
    ran = cli(*command.split(), source, *more)
    assert "\x1b" not in ran.out + ran.err
    assert "\\x1b" in ran.out + ran.err


def test_events_as_csv_are_not_shown_and_the_message_says_why(make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    assert cli("convert", make_evt(tmp_path / "a.evt"), "-o", tmp_path / "out", "--to", "csv").code == 0
    ran = cli("show", tmp_path / "out" / "a.l3.csv")
    assert ran.code == 1
    assert "is a table of text" in ran.err
    assert "convert their source to HDF5" in ran.err


def test_the_product_explains_itself(sample: Callable[[str], Path], cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "meta.yaml").write_text("description: Run 45978.\n")
    source = sample("seatray/antares.h5")
    ran = cli("convert", source, "-o", tmp_path / "a.h5", "--metadata", tmp_path / "meta.yaml")
    assert ran.code == 0, ran.err
    with h5py.File(tmp_path / "a.h5") as file:
        about = file.attrs["about"].decode()
        description = file["header"][0]["description"].decode()
        named = {word.strip(".,:;") for word in about.split() if word.startswith("/")}
        assert named <= {f"/{name}" for name in file}
    assert "NaN" in about
    # The user's words do not drive out what is known of the conventions of the source.
    assert description.startswith("Run 45978. ")
    assert "zenith" in description
