"""What ingest takes from the names of files, and what it says about them."""

import json
from pathlib import Path

import pytest

from ingest.inputs import read_inputs
from ingest.item import Item
from ingest.settings import Settings, settings_from
from legacy.config import Config

SETTINGS = Settings(scope="antares", rse="R", dataset="antares.{kind}.{production_version}.{year}.run{run:06d}")
NAME = "MC_066730_numu_a_CC_reco.root"


def read(*paths: Path, settings: Settings = SETTINGS) -> tuple[list[Item], list[str]]:
    said: list[str] = []
    return list(read_inputs([str(path) for path in paths], settings, said.append)), said


def put(folder: Path, name: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def test_facts_of_a_name_become_metadata(tmp_path: Path) -> None:
    (item,), said = read(put(tmp_path, f"MC/v4.2/antdst/{NAME}"))
    assert item.metadata == {
        "schema": "antares-1.0",
        "run": 66730,
        "year": 2012,
        "kind": "mc",
        "channel": "numu_CC",
        "production_version": "v4.2",
    }
    assert item.problem == ""
    assert said == []


def test_what_is_stated_wins_and_the_contradiction_is_said(tmp_path: Path) -> None:
    path = put(tmp_path, NAME)
    (tmp_path / f"{NAME}.json").write_text(json.dumps({"run": 66731, "year": 2013}))
    (item,), said = read(path, settings=Settings(scope="antares", rse="R", sidecar=".json"))
    assert (item.metadata["run"], item.metadata["year"]) == (66731, 2013)
    (text,) = said
    assert "1 name contradicts" in text
    assert "run 66731 is stated, 66730 in its name" in text


def test_a_name_wins_over_a_default(tmp_path: Path) -> None:
    settings = Settings(scope="antares", rse="R", metadata={"kind": "data", "detector": "antares"})
    (item,), _ = read(put(tmp_path, NAME), settings=settings)
    assert (item.metadata["kind"], item.metadata["detector"]) == ("mc", "antares")


def test_a_stated_start_gives_the_year(tmp_path: Path) -> None:
    """A run that goes on over the new year is in the table with the year of its start."""
    path = put(tmp_path, "Antares_031050_total_rates.hdf5")
    Path(f"{path}.json").write_text(json.dumps({"start": "2008-01-01T00:00:07Z"}))
    (item,), _ = read(path, settings=Settings(scope="antares", rse="R", sidecar=".json"))
    assert (item.metadata["year"], item.problem) == (2008, "")


def test_unknown_names_are_counted_and_nothing_is_guessed(tmp_path: Path) -> None:
    put(tmp_path, "run_066730.root")
    put(tmp_path, "x_066731.root")
    items, said = read(tmp_path)
    assert all(set(item.metadata) == {"schema"} for item in items)
    (text,) = said
    assert text.startswith("2 files have names that no pattern knows")
    assert "run_066730.root" in text


def test_the_year_of_a_stated_run_of_another_detector_is_not_taken_from_the_table(tmp_path: Path) -> None:
    path = put(tmp_path, "x.root")
    for detector, year in (("orca", None), ("antares", 2012)):
        Path(f"{path}.json").write_text(json.dumps({"run": 66730, "detector": detector}))
        (item,), _ = read(path, settings=Settings(scope="antares", rse="R", sidecar=".json"))
        assert item.metadata.get("year") == year


def test_patterns_of_the_configuration_file_are_used(tmp_path: Path) -> None:
    pattern = {"name": "raw", "pattern": r"Antares_(?P<run>\d{6})\.root", "kind": "data"}
    config = Config(
        tmp_path / "c.yaml",
        {"ingest": {"scope": "antares", "rse": "R"}, "names": {"files": [pattern]}},
    )
    (item,), said = read(put(tmp_path, "Antares_051870.root"), settings=settings_from(config, {}))
    assert (item.metadata["run"], item.metadata["year"]) == (51870, 2010)
    assert said == []


@pytest.mark.parametrize(("detector", "year"), [("orca", None), ("antares", 2012), (None, 2012)])
@pytest.mark.parametrize("stated", [True, False])
def test_a_known_name_of_another_detector_has_no_year_of_antares(
    detector: str | None, year: int | None, stated: bool, tmp_path: Path
) -> None:
    """A site may have patterns for files of other detectors; the table has runs of ANTARES."""
    path = put(tmp_path, NAME)
    settings = Settings(scope="antares", rse="R", sidecar=".json")
    if detector and stated:
        Path(f"{path}.json").write_text(json.dumps({"detector": detector}))
    elif detector:
        settings = Settings(scope="antares", rse="R", metadata={"detector": detector})
    (item,), _ = read(path, settings=settings)
    assert item.metadata.get("year") == year


def test_the_decay_of_a_tau_is_no_contradiction(tmp_path: Path) -> None:
    path = put(tmp_path, "MC_066730_nutau_a_CCmu_reco.root")
    Path(f"{path}.json").write_text(json.dumps({"channel": "nutau_CC"}))
    (item,), said = read(path, settings=Settings(scope="antares", rse="R", sidecar=".json"))
    assert (item.metadata["channel"], said) == ("nutau_CC", [])
