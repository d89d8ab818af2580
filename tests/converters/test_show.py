"""What `show` prints."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

Cli = Callable[..., Any]


@pytest.fixture
def product(sample: Callable[[str], Path], cli: Cli, tmp_path: Path) -> Path:
    assert cli("convert", sample("evt/KM3Sim.evt"), "-o", tmp_path).code == 0
    return tmp_path / "KM3Sim.l3.h5"


def shown(cli: Cli, *arguments: object) -> Any:
    ran = cli("show", *arguments, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def test_overview(product: Path, cli: Cli) -> None:
    content = shown(cli, product)
    assert list(content) == ["product", "header", "tables"]
    assert content["product"]["data_model_version"] == "1.0"
    with h5py.File(product) as file:
        expected = {f"/{name}": len(file[name]) for name in file}
    assert {row["table"]: row["rows"] for row in content["tables"]} == expected
    text = cli("show", product)
    assert text.code == 0
    assert all(name in text.out for name in expected)


@pytest.mark.parametrize(
    ("option", "table"),
    [("--parameters", "parameters"), ("--provenance", "provenance"), ("--coverage", "source_coverage")],
)
def test_tables(option: str, table: str, product: Path, cli: Cli) -> None:
    content = shown(cli, product, option)
    assert list(content) == [option.removeprefix("--")]
    (rows,) = content.values()
    with h5py.File(product) as file:
        array = file[table][:]
    assert len(rows) == len(array)
    assert list(rows[0]) == list(array.dtype.names)
    assert list(rows[-1].values()) == [v.decode() if isinstance(v, bytes) else v for v in array[-1].tolist()]
    text = cli("show", product, option)
    assert text.code == 0
    assert len(text.out.splitlines()) == len(array) + 2


@pytest.mark.parametrize("count", [1, 3, 10, 999])
def test_head(count: int, product: Path, cli: Cli) -> None:
    rows = shown(cli, product, "--head", count)["events"]
    with h5py.File(product) as file:
        events = file["events"][:count]
    assert len(rows) == min(count, 10)
    assert [row["mc_energy"] for row in rows] == events["mc_energy"].tolist()
    assert rows[0]["reco"] == "none"


@pytest.mark.parametrize("count", ["0", "-1", "some"])
def test_head_of_nothing(count: str, product: Path, cli: Cli) -> None:
    assert cli("show", product, "--head", count).code == 2


def test_several_parts(product: Path, cli: Cli) -> None:
    assert list(shown(cli, product, "--header", "--head", 1, "--provenance")) == ["header", "provenance", "events"]


def test_missing_numbers(product: Path, cli: Cli) -> None:
    with h5py.File(product, "a") as file:
        events = file["events"][:]
        events["mc_energy"][:3] = [np.nan, np.inf, -np.inf]
        file["events"][...] = events
    ran = cli("show", product, "--head", 4, "--json")
    rows = json.loads(ran.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))["events"]
    assert [row["mc_energy"] is None for row in rows] == [True, True, True, False]
    assert cli("show", product, "--head", 4).code == 0


def _no_header(file: Any) -> None:
    del file["header"]


def _odd_tables(file: Any) -> None:
    file["extra"] = np.arange(3)


def _scalar(file: Any) -> None:
    del file["provenance"]
    file["provenance"] = 5


@pytest.mark.parametrize("damage", [_no_header, _odd_tables, _scalar])
def test_products_that_do_not_follow_the_model(damage: Callable[[Any], None], product: Path, cli: Cli) -> None:
    with h5py.File(product, "a") as file:
        damage(file)
    ran = cli("show", product, "--header", "--provenance") if damage is not _odd_tables else cli("show", product)
    assert ran.code == 1
    assert len(ran.err.splitlines()) == 1
    assert "does not follow the data model" in ran.err


def test_cut_product(product: Path, cli: Cli) -> None:
    content = product.read_bytes()
    for size in (0, 100, 5000, len(content) // 2, len(content) - 10):
        product.write_bytes(content[:size])
        ran = cli("show", product, "--head", 3)
        assert ran.code == 1, size
        assert len(ran.err.splitlines()) == 1
        assert product.name in ran.err


def test_no_product(cli: Cli, sample: Callable[[str], Path], tmp_path: Path) -> None:
    for path, problem in (
        (tmp_path / "none.h5", "no such file"),
        (tmp_path, "is a folder"),
        (sample("evt/KM3Sim.evt"), "is no HDF5 file"),
        (sample("seatray/antares.h5"), "is no level-3 product"),
    ):
        ran = cli("show", path)
        assert ran.code == 1
        assert problem in ran.err
        assert len(ran.err.splitlines()) == 1
