"""Formats without events beside those with: what goes through the same commands, and what is refused."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.auxiliary.products import find_product
from converters.detect import detect, might_be_input
from converters.inputs import make_plan
from converters.registry import AUXILIARY, READERS, SUFFIXES, WRITERS, load_auxiliary

Cli = Callable[..., object]
NAME = "DOM_808956920_CH1_1608751683.bin"


@pytest.fixture
def folder(sample: Callable[[str], Path], tmp_path: Path, make_evt: Callable[..., Path]) -> Path:
    """A folder with a recording, a table and an event file."""
    place = tmp_path / "in"
    make_evt(place / "events.evt")
    (place / NAME).write_bytes(sample(f"acoustics/{NAME}").read_bytes())
    (place / "psf.txt").write_text("0.1 0.5\n1 1\n")
    (place / "psf.txt.yaml").write_text("content: psf\n")
    return place


def test_the_registry() -> None:
    for row in AUXILIARY:
        format_ = load_auxiliary(row.name)
        assert format_.name == row.name
        assert set(format_.products) <= set(SUFFIXES)
    assert not {row.name for row in AUXILIARY} & {row.name for row in READERS}
    assert set(WRITERS) <= set(SUFFIXES)


@pytest.mark.parametrize(
    ("to", "made"),
    [
        ("hdf5", {"events.l3.h5"}),
        ("csv", {"events.l3.csv", "psf.l3.csv"}),
        ("json", {"psf.json", "DOM_808956920_CH1_1608751683.json"}),
        ("wav", {"DOM_808956920_CH1_1608751683.wav"}),
        ("psd", {"DOM_808956920_CH1_1608751683.psd.json"}),
    ],
)
def test_a_mixed_folder(to: str, made: set[str], folder: Path, cli: Cli) -> None:
    out = folder.parent / "out"
    ran = cli("convert", folder, "-o", out, "--to", to, "--json")
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert {o["product"] for o in report["outcomes"] if o["status"] == "converted"} == made
    assert all("do not become" in o["reason"] for o in report["outcomes"] if o["status"] == "skipped")
    again = cli("convert", folder, "-o", out, "--to", to, "--json")
    assert json.loads(again.out)["counts"] == {"kept": len(made), "skipped": 3 - len(made)}
    for product in made:
        assert cli("validate", out / product).code == 0


@pytest.mark.parametrize(
    ("to", "made"),
    [
        ("csv", r"\d+ events, 1 table"),
        ("json", "1 description, 1 table"),
        ("wav", "1 sound file"),
        ("psd", "1 spectrum"),
        ("hdf5", r"\d+ events"),
    ],
)
def test_the_summary_says_what_was_made(to: str, made: str, folder: Path, cli: Cli) -> None:
    out = folder.parent / "out"
    for status in ("converted", "kept"):
        said = cli("convert", folder, "-o", out, "--to", to).err
        assert re.search(rf"(?m)^\d {status}, \d skipped; {made} in [0-9.]+ s; manifest: ", said), said


def test_the_summary_of_several_and_of_nothing(folder: Path, cli: Cli) -> None:
    (folder / "psf2.txt").write_text("0.1 0.5\n1 1\n")
    (folder / "psf2.txt.yaml").write_text("content: psf\n")
    out = folder.parent / "out"
    ran = cli("-v", "convert", folder / "psf.txt", folder / "psf2.txt", "-o", out, "--to", "json", "--jobs", "2")
    assert "2 converted; 2 tables in " in ran.err
    assert f"converted: {folder / 'psf2.txt'} (table)" in ran.err
    assert "1 failed; nothing made in " in cli("convert", folder / "psf.txt", "-o", out, "--to", "wav").err


@pytest.mark.parametrize("name", ["report.txt", "Report.csv", "report.2-of-3.dat"])
def test_no_product_has_the_name_of_the_report(name: str, folder: Path, cli: Cli) -> None:
    (folder / name).write_text("0.1 0.5\n1 1\n")
    (folder / f"{name}.yaml").write_text("content: psf\n")
    out = folder.parent / "out"
    ran = cli("convert", folder / name, "-o", out, "--to", "json")
    assert ran.code == 2
    assert "would have the name of the report" in ran.err
    assert cli("convert", folder / name, "-o", out / "report.json", "--to", "json").code == 2
    assert cli("convert", folder / name, "-o", out / "psf.json", "--to", "json").code == 0
    assert find_product(out / "psf.json") is not None
    assert cli("convert", folder / name, "-o", out, "--to", "csv").code == 0


@pytest.mark.parametrize(
    ("name", "to", "advice"),
    [
        (NAME, "hdf5", "--to wav or --to mp3 or --to psd or --to json"),
        (NAME, "csv", "--to wav"),
        ("psf.txt", "hdf5", "--to csv or --to json"),
        ("psf.txt", "wav", "--to csv or --to json"),
        ("events.evt", "psd", "--to hdf5 or --to csv"),
    ],
)
def test_products_that_a_format_does_not_have(name: str, to: str, advice: str, folder: Path, cli: Cli) -> None:
    ran = cli("convert", folder / name, "-o", folder.parent / "out", "--to", to)
    assert ran.code == 1
    assert "do not become" in ran.err
    assert advice in ran.err


@pytest.mark.parametrize("option", [("--reco", "aafit"), ("--zenith", "source"), ("--columns", "ra,dec")])
def test_options_that_say_nothing(option: tuple[str, str], folder: Path, cli: Cli) -> None:
    ran = cli("convert", folder / NAME, "-o", folder.parent / "out", "--to", "json", *option)
    assert ran.code == 1
    assert f"{option[0]} says nothing about" in ran.err


def test_an_unknown_format_names_the_others(folder: Path, cli: Cli) -> None:
    ran = cli("convert", folder / NAME, "-o", folder.parent / "out", "--format", "km3net-acoustic")
    assert ran.code == 2
    assert "did you mean 'km3net-acoustics'" in ran.err


def test_a_product_that_does_not_match(folder: Path, cli: Cli) -> None:
    out = folder.parent / "out"
    arguments = ("convert", folder / NAME, "-o", out, "--to", "json")
    assert cli(*arguments).code == 0
    assert "made with other options" in cli(*arguments, "--detector", "orca").err
    assert cli(*arguments, "--detector", "orca", "--overwrite").code == 0
    line = json.loads((out / "manifest.jsonl").read_text())
    assert (line["detector"], line["level"], line["n_events"]) == ("orca", 0, 0)
    assert line["start"] == "2020-12-23T19:27:59.755456000Z"


def test_a_companion_that_is_gone_is_made_again(folder: Path, cli: Cli) -> None:
    out = folder.parent / "out"
    arguments = ("convert", folder / NAME, "-o", out, "--to", "wav")
    assert cli(*arguments).code == 0
    (out / "DOM_808956920_CH1_1608751683.wav.prov.json").unlink()
    assert "1 converted" in cli(*arguments).err
    assert "1 kept" in cli(*arguments).err


def test_a_file_in_the_way(folder: Path, cli: Cli) -> None:
    out = folder.parent / "out"
    out.mkdir()
    (out / "DOM_808956920_CH1_1608751683.json").write_text("{}")
    ran = cli("convert", folder / NAME, "-o", out, "--to", "json")
    assert ran.code == 1
    assert "is no product of this program" in ran.err


def test_leftovers_of_a_killed_run_go(folder: Path, cli: Cli) -> None:
    out = folder.parent / "out"
    out.mkdir()
    for suffix in (".wav.part", ".wav.meta.json.part"):
        (out / f"DOM_808956920_CH1_1608751683{suffix}").write_text("half")
    assert cli("convert", folder / NAME, "-o", out, "--to", "wav").code == 0
    assert not list(out.glob("*.part"))


def test_the_same_bytes_at_any_time(folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    contents = []
    for name in ("one", "two"):
        for to in ("wav", "psd", "json", "csv"):
            cli("convert", folder, "-o", folder.parent / name, "--to", to)
        contents.append(
            {
                path.name: path.read_bytes()
                for path in sorted((folder.parent / name).iterdir())
                if not path.name.startswith(("report", ".antares"))
            }
        )
    assert contents[0] == contents[1]
    assert len(contents[0]) > 10


def test_one_output_file(folder: Path, cli: Cli) -> None:
    target = folder.parent / "spectrum.json"
    assert cli("convert", folder / NAME, "-o", target, "--to", "psd").code == 0
    assert find_product(target) is not None
    assert cli("convert", folder / NAME, "-o", folder.parent / "x.wav", "--to", "psd").code == 2


def test_names_of_products(folder: Path, tmp_path: Path) -> None:
    for to, suffix in SUFFIXES.items():
        plan = make_plan([str(folder / NAME)], tmp_path / "out", to, None)
        assert plan.jobs[0].target.name == f"DOM_808956920_CH1_1608751683{suffix}"


def test_products_are_recognised(folder: Path, cli: Cli) -> None:
    out = folder.parent / "out"
    for to in ("wav", "psd", "json"):
        assert cli("convert", folder / NAME, "-o", out, "--to", to).code == 0
    said = cli("inspect", out / "DOM_808956920_CH1_1608751683.psd.json")
    assert "it is converted already" in said.out
    assert detect(out / "DOM_808956920_CH1_1608751683.json").format == "product"
    assert not might_be_input(out / "DOM_808956920_CH1_1608751683.wav")
    assert find_product(out / "manifest.jsonl") is None
    assert find_product(out / "report.json") is None
    assert find_product(out / "nothing.json") is None


def test_a_source_that_changes_meanwhile(folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    from converters.acoustics import format as acoustics

    real = acoustics.read_recording

    def disturbed(path: Path, *, salvage: bool = False) -> object:
        found = real(path, salvage=salvage)
        os.utime(path, ns=(1, 1))
        return found

    # A stand-in for another program that writes to the file at that moment, which no test can time.
    monkeypatch.setattr(acoustics, "read_recording", disturbed)
    out = folder.parent / "out"
    ran = cli("convert", folder / NAME, "-o", out, "--to", "wav")
    assert ran.code == 1
    assert "changed while it was read" in ran.err
    assert not list(out.glob("DOM*"))
