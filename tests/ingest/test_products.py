"""Products read directly say what their manifest says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from converters.registry import SUFFIXES
from converters.summary import FACTS as CONVERTER_FACTS
from ingest.products import FACTS, FORMATS, companion_of, format_of, product_values
from legacy import manifest
from legacy.errors import CorruptInputError, InputError

SAMPLES = (
    "evt/example_numuCC.evt",
    "mupage/mcv5.0.mupage_1G.5.evt",
    "seatray/antares.h5",
    "offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root",
)
NOT_METADATA = ("path", "size", "adler32", "md5", "sha256", "production_version", "mtime_ns")


def test_the_facts_are_those_of_the_converters() -> None:
    assert FACTS == CONVERTER_FACTS
    assert set(SUFFIXES) >= set(FORMATS.values())
    assert {word: suffix for suffix, word in FORMATS.items()} == {word: SUFFIXES[word] for word in FORMATS.values()}


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory, sample: Callable[[str], Path], run_program: Any) -> Path:
    out = tmp_path_factory.mktemp("products")
    header = out / "header.yaml"
    header.write_text("license: CC-BY-4.0\n")
    events = out / "events.txt"
    events.write_text("Decl RA Nhit Beta MJD\n19.5 68.2 21 1.0 54138.3105\n-60.0 26.5 33 0.8 54465.5830\n")
    sources = [events, *(sample(name) for name in SAMPLES)]
    for kind in FORMATS.values():
        done = run_program("convert", *sources, "-o", out / kind, "--to", kind, "--metadata", header)
        assert done.code == 0, done.err
    return out


@pytest.mark.parametrize("kind", FORMATS.values())
def test_a_product_says_what_its_manifest_says(kind: str, products: Path) -> None:
    lines = list(manifest.iterate(products / kind / "manifest.jsonl"))
    assert len(lines) == len(SAMPLES) + 1
    assert any(line.values["start"] for line in lines)
    for line in lines:
        path = products / kind / line.path
        assert format_of(path.name) == kind
        said = product_values(path)
        wanted = {key: value for key, value in line.values.items() if key not in NOT_METADATA}
        assert {key: said[key] or None for key in wanted} == {key: value or None for key, value in wanted.items()}
        assert said["software"] == "antares-legacy"
        assert said["license"] == "CC-BY-4.0"
        assert set(said) == {*wanted, "software", "software_version", "license"}


def test_other_files_are_no_products() -> None:
    assert format_of("a.h5") == format_of("a.csv") == format_of("l3.h5") == ""


@pytest.fixture
def copy(products: Path, tmp_path: Path) -> Path:
    path = tmp_path / "copy.l3.h5"
    path.write_bytes(next((products / "hdf5").glob("*numuCC.l3.h5")).read_bytes())
    return path


def test_an_unstated_licence_is_no_licence(copy: Path) -> None:
    with h5py.File(copy, "r+") as file:
        del file["header"]
        file["header"] = np.array([(b"unspecified",)], dtype=[("license", "S16")])
    assert "license" not in product_values(copy)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def other_hdf5(path: Path) -> None:
    h5py.File(path, "w").close()


def changed(function: Callable[[Any], None]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "r+") as file:
            function(file)

    change.__name__ = function.__name__
    return change


def attribute_is_a_number(file: Any) -> None:
    file.attrs["run"] = 5


def attribute_is_long(file: Any) -> None:
    file.attrs["run"] = "variable length"


def run_is_no_number(file: Any) -> None:
    file.attrs["run"] = np.bytes_(b"-5")


def events_are_fewer(file: Any) -> None:
    file.attrs["n_events"] = np.bytes_(b"7")


def not_utf8(file: Any) -> None:
    file.attrs["generator"] = np.bytes_(b"\xff")


def no_provenance(file: Any) -> None:
    del file["provenance"]


def empty_provenance(file: Any) -> None:
    kind = file["provenance"].dtype
    del file["provenance"]
    file.create_dataset("provenance", shape=(0,), dtype=kind)


def provenance_elsewhere(file: Any) -> None:
    del file["provenance"]
    file["provenance"] = h5py.ExternalLink("other.h5", "provenance")


def provenance_by_a_soft_link(file: Any) -> None:
    del file["provenance"]
    file["provenance"] = h5py.SoftLink("/header")


def provenance_in_one_huge_chunk(file: Any) -> None:
    kind = file["provenance"].dtype
    del file["provenance"]
    file.create_dataset("provenance", shape=(1 << 20,), chunks=(1 << 20,), dtype=kind, compression="gzip")


def provenance_is_a_group(file: Any) -> None:
    del file["provenance"]
    file.create_group("provenance")


def texts_of_any_length(file: Any) -> None:
    del file["header"]
    file.create_dataset("header", shape=(1,), dtype=[("license", h5py.string_dtype())])


@pytest.mark.parametrize(
    "damage",
    [
        cut,
        empty,
        other_hdf5,
        *map(
            changed,
            (
                attribute_is_a_number,
                attribute_is_long,
                run_is_no_number,
                events_are_fewer,
                not_utf8,
                no_provenance,
                empty_provenance,
                provenance_elsewhere,
                provenance_by_a_soft_link,
                provenance_in_one_huge_chunk,
                provenance_is_a_group,
                texts_of_any_length,
            ),
        ),
    ],
    ids=lambda function: function.__name__,
)
def test_damage_is_named(damage: Callable[[Path], None], copy: Path) -> None:
    product_values(copy)
    damage(copy)
    with pytest.raises(CorruptInputError) as raised:
        product_values(copy)
    assert "copy.l3.h5" in str(raised.value)
    assert "convert it again" in str(raised.value)


def test_a_folder_or_nothing(tmp_path: Path) -> None:
    for path in (tmp_path / "none.l3.h5", tmp_path):
        with pytest.raises(InputError, match="no regular file"):
            product_values(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"data_taking": 5}', "[" * 100_000, '{"provenance": {"steps": []}}'])
def test_a_csv_product_with_a_broken_companion(text: str, products: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.l3.csv"
    path.write_text("x\n")
    with pytest.raises(InputError, match=r"a\.l3\.csv\.meta\.json: cannot be read"):
        product_values(path)
    companion_of(path).write_text(text)
    with pytest.raises(CorruptInputError, match="no metadata of a product"):
        product_values(path)


def test_a_csv_product_without_a_step(products: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.l3.csv"
    path.write_text("x\n")
    content = json.loads(companion_of(next((products / "csv").glob("*.l3.csv"))).read_text())
    content["provenance"]["steps"] = []
    companion_of(path).write_text(json.dumps(content))
    with pytest.raises(CorruptInputError, match="no metadata of a product"):
        product_values(path)
