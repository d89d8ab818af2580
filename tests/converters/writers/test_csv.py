"""The CSV product and its metadata file."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

Cli = Callable[..., Any]
Sample = Callable[[str], Path]

GROUPS = ["provenance", "parameters", "data_taking", "publication"]


@pytest.fixture
def both(request: pytest.FixtureRequest, sample: Sample, cli: Cli, tmp_path: Path) -> tuple[Path, Path]:
    """Return the HDF5 and the CSV product of one source."""
    source = sample(request.param)
    assert cli("convert", source, "-o", tmp_path).code == 0
    assert cli("convert", source, "-o", tmp_path, "--to", "csv").code == 0
    (table,) = tmp_path.glob("*.l3.csv")
    (product,) = tmp_path.glob("*.l3.h5")
    return product, table


SOURCES = ["evt/KM3Sim.evt", "evt/corant_5.1.9.evt", "offline/km3net_offline.root"]


@pytest.mark.parametrize("both", SOURCES, indirect=True)
def test_values_read_back_equal(both: tuple[Path, Path]) -> None:
    product, table = both
    with h5py.File(product) as file:
        events = file["events"][:]
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == list(events.dtype.names)
    assert len(rows) == len(events)
    for name in events.dtype.names:
        texts, values = [row[name] for row in rows], events[name]
        if values.dtype.kind == "S":
            assert [text.encode() for text in texts] == values.tolist()
        elif values.dtype.kind == "i":
            assert [int(text) if text else -1 for text in texts] == values.tolist()
        else:
            back = np.array([float(text) if text else np.nan for text in texts])
            np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize("both", SOURCES[:1], indirect=True)
def test_metadata_file(both: tuple[Path, Path]) -> None:
    product, table = both
    content = json.loads(table.with_name(table.name + ".meta.json").read_text(encoding="utf-8"))
    assert list(content) == GROUPS
    with h5py.File(product) as file:
        names = list(file["events"].dtype.names)
        described = {row[1].decode(): row for row in file["parameters"][:] if row["table"] == b"/events"}
        header = {name: file["header"][0][name].decode() for name in file["header"].dtype.names}
        other_tables = {f"/{name}" for name in file if isinstance(file[name], h5py.Dataset)} - {"/events"}
        source_sha256 = file["provenance"][-1]["input_sha256"].decode()
    assert [item["name"] for item in content["parameters"]] == names
    for item in content["parameters"]:
        row = described[item["name"]]
        assert item["unit"] == row["unit"].decode()
        assert item["ucd"] == row["ucd"].decode()
        assert item["description"] == row["description"].decode()
    assert content["provenance"]["steps"][-1]["input_sha256"] == source_sha256
    assert content["data_taking"]["instrument"] == header["instrument"]
    assert content["data_taking"]["n_events"] == "10"
    assert content["publication"]["license"] == header["license"]
    assert content["publication"]["file"] == table.name
    assert other_tables <= set(content["publication"]["not_in_this_file"])
    prov = json.loads(table.with_name(table.name + ".prov.json").read_text())
    assert f"al:{content['provenance']['kid']}" in prov["entity"]


@pytest.mark.parametrize("both", SOURCES[:1], indirect=True)
def test_second_run_keeps(both: tuple[Path, Path], sample: Sample, cli: Cli) -> None:
    _, table = both
    ran = cli("convert", sample(SOURCES[0]), "-o", table.parent, "--to", "csv")
    assert ran.code == 0
    assert "1 kept" in ran.err


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"provenance": {"steps": []}}', "null", "[" * 20_000])
@pytest.mark.parametrize("both", SOURCES[:1], indirect=True)
def test_damaged_metadata_file(damage: str, both: tuple[Path, Path], sample: Sample, cli: Cli) -> None:
    _, table = both
    meta = table.with_name(table.name + ".meta.json")
    meta.write_text(damage)
    ran = cli("convert", sample(SOURCES[0]), "-o", table.parent, "--to", "csv")
    assert ran.code == 1
    assert "is no product of this program" in ran.err
    assert meta.read_text() == damage
    assert cli("convert", sample(SOURCES[0]), "-o", table.parent, "--to", "csv", "--overwrite").code == 0
    assert list(json.loads(meta.read_text())) == GROUPS
