"""A night over a folder of anything, and the morning after."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    assert set(report) == {path.name for path in mixed.rglob("*") if not path.is_dir()}
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


def test_shards_share_the_files_that_are_passed_over(mixed: Path, cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen: list[str] = []
    for k in (1, 2, 3):
        cli("convert", mixed, "-o", out, "--shard", f"{k}/3")
        seen += [o["source"] for o in json.loads((out / f"report.{k}-of-3.json").read_text())["outcomes"]]
    assert sorted(seen) == sorted(str(path) for path in mixed.rglob("*") if not path.is_dir())


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
    assert "1 converted; in " in ran.err


@pytest.mark.parametrize("command", ["inspect", "validate", "-v convert"])
def test_no_escape_in_a_name_reaches_the_terminal(command: str, make_evt: MakeEvt, cli: Cli, tmp_path: Path) -> None:
    source = make_evt(tmp_path / "in" / "red \x1b[31m.evt")
    more = ("-o", tmp_path / "out") if "convert" in command else ()
    ran = cli(*command.split(), source, *more)
    assert "\x1b" not in ran.out + ran.err
    assert "\\x1b" in ran.out + ran.err
