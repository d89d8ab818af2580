"""What `inspect` says."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.inspect import describe

Cli = Callable[..., Any]
Sample = Callable[[str], Path]

# Counts: km3net-testdata, counted by hand in the text of the files.
EVT = {
    "evt/example_numuNC.evt": (1, "GENHEN"),
    "evt/KM3Sim.evt": (10, "gSeaGen"),
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.evt": (82, "gSeaGen"),
    "mupage/mcv5.0.mupage_1G.5.evt": (20, "MUPAGE"),
    "evt/corant_5.1.9.evt": (3, "Corant"),
    "evt/example_corant_propa.evt": (1, "Corant"),
}


@pytest.mark.parametrize("name", EVT)
def test_evt(name: str, sample: Sample) -> None:
    events, program = EVT[name]
    found = describe(sample(name))
    assert found.format == "evt"
    assert found.convertible
    assert found.problem == ""
    assert found.facts["events"] == events
    assert program.lower() in str(found.facts["programs"]).lower()
    assert found.facts["kind"] == "simulation"
    assert found.header
    assert any("->" in text for text in found.tables.values())


@pytest.mark.parametrize(
    ("name", "events"), [("offline/km3net_offline.root", 10), ("offline/numucc.root", 10), ("seatray/antares.h5", 19)]
)
def test_other_formats(name: str, events: int, sample: Sample) -> None:
    found = describe(sample(name))
    assert found.convertible
    assert found.facts["events"] == events
    assert found.problem == ""
    assert "level3" in found.advice


@pytest.mark.parametrize("name", ["gseagen/gseagen.root", "online/km3net_online.root"])
def test_root_that_is_only_recognised(name: str, sample: Sample) -> None:
    found = describe(sample(name))
    assert not found.convertible
    assert found.advice
    assert any(key.startswith("tree ") for key in found.tables)
    assert any("streamer version" in text for text in found.tables.values())


def test_compressed(sample: Sample, tmp_path: Path) -> None:
    packed = tmp_path / "a.evt.gz"
    packed.write_bytes(gzip.compress(sample("evt/KM3Sim.evt").read_bytes()))
    found = describe(packed)
    assert found.facts["compression"] == "gzip"
    assert found.facts["events"] == 10


def test_text_for_people(cli: Cli, sample: Sample) -> None:
    path = sample("evt/KM3Sim.evt")
    ran = cli("inspect", path)
    assert ran.code == 0
    assert ran.err == ""
    for piece in (str(path), "format: evt", "events: 10", "programs: gSeaGen 4.1", "header:", f"convert {path} -o"):
        assert piece in ran.out


def test_json_for_programs(cli: Cli, sample: Sample, tmp_path: Path) -> None:
    bad = tmp_path / "bad.evt"
    bad.write_bytes(b"")
    ran = cli("inspect", sample("evt/KM3Sim.evt"), bad, sample("seatray/antares.h5"), "--json")
    assert ran.code == 1
    first, second, third = json.loads(ran.out)
    assert first["format"] == "evt"
    assert first["facts"]["events"] == 10
    assert "empty" in second["error"]
    assert third["format"] == "seatray-hdf5"
    assert "bad.evt" in ran.err


def test_the_product_itself(cli: Cli, sample: Sample, tmp_path: Path) -> None:
    assert cli("convert", sample("evt/KM3Sim.evt"), "-o", tmp_path).code == 0
    ran = cli("inspect", tmp_path / "KM3Sim.l3.h5")
    assert ran.code == 0
    assert "level-3 product" in ran.out
    assert "/events: shape (10,)" in ran.out


def test_an_error_that_nobody_foresaw(cli: Cli, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sample("evt/KM3Sim.evt")

    def broken(*_: object) -> object:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr("converters.inspect.describe", broken)
    ran = cli("inspect", path, path)
    assert ran.code == 1
    assert ran.err.count("unexpected ZeroDivisionError: surprise") == 2
    assert "Traceback" not in ran.err
