"""The package that docs/add-a-format.md shows: written from the page, installed, and used."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "add-a-format.md"
EVENTS = re.search(r"```text\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package is installed into."""
    source, target = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("installed")
    files = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert [name for name, _ in files] == ["pyproject.toml", "two_angles.py"]
    for name, text in files:
        (source / name).write_text(text, encoding="utf-8")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--disable-pip-version-check", "--no-cache-dir"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return target


@pytest.fixture
def run(installed: Path, tmp_path: Path, run_program: Callable[..., Any]) -> Callable[..., Any]:
    """Run the program with the package beside it, in a folder with the page's example."""
    assert EVENTS
    (tmp_path / "events.jsonl").write_text(EVENTS[1], encoding="utf-8")
    return lambda *arguments: run_program(*arguments, env={"PYTHONPATH": str(installed)}, cwd=tmp_path)


def test_the_format_is_recognised(run: Callable[..., Any]) -> None:
    ran = run("inspect", "events.jsonl")
    assert ran.code == 0, ran.err
    assert "format: two-angles" in ran.out


def test_without_the_package_it_is_not(
    tmp_path: Path, run: Callable[..., Any], run_program: Callable[..., Any]
) -> None:
    ran = run_program("inspect", "events.jsonl", cwd=tmp_path)
    assert (ran.code, "not a known format" in ran.err) == (1, True)


def test_the_format_is_converted(run: Callable[..., Any], tmp_path: Path) -> None:
    import h5py

    converted = run("convert", "events.jsonl", "-o", "level3")
    assert converted.code == 0, converted.err
    product = tmp_path / "level3" / "events.jsonl.l3.h5"
    with h5py.File(product) as file:
        events = file["events"][:]
    assert events["run_id"].tolist() == [45978, 45978]
    assert events["zenith"].tolist() == [0.48, 2.43]
    assert events["dir_z"][0] < 0 < events["dir_z"][1]
    assert events["reco"].tolist() == [b"two_angles"] * 2
    checked = run("validate", product)
    assert checked.code == 0, checked.err


def test_there_is_no_second_reader(run: Callable[..., Any]) -> None:
    run("convert", "events.jsonl", "-o", "level3")
    checked = run("validate", "level3/events.jsonl.l3.h5", "--source", "events.jsonl")
    assert checked.code == 1
    assert "has no second reader" in checked.err


@pytest.mark.parametrize("line", ['{"run": 1}', '{"run": 1, "zenith": 0.1', "[]"])
def test_damage_is_reported(run: Callable[..., Any], tmp_path: Path, line: str) -> None:
    with (tmp_path / "events.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    ran = run("convert", "events.jsonl", "-o", "level3")
    assert ran.code == 1
    assert "events.jsonl: not an event; at events 0 to 2" in ran.err
    assert not list((tmp_path / "level3").glob("*.h5"))
