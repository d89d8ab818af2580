"""Reading and counting what the pictures show."""

import runpy
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from converters import plot_data
from converters.plot_data import COUNTED_FITS, MAP_COLUMNS, MAP_ROWS, QUANTITIES, SHOWN_POINTS, read_contents
from legacy.errors import AntaresLegacyError, CorruptInputError, InputError, ProductError

products = runpy.run_path(str(Path(__file__).parent / "plot_products.py"))
RANDOM, write_product = products["RANDOM"], products["write_product"]
isotropic, list_columns = products["isotropic"], products["list_columns"]


@pytest.fixture(autouse=True)
def same_values() -> None:
    products["start_again"]()


def test_identity_and_header(tmp_path: Path) -> None:
    header = {"title": " one\n\x07 title ", "author": "A. Uthor"}
    contents = read_contents(write_product(tmp_path / "events.l3.h5", 3, {}, header))
    assert (contents.name, contents.rows, contents.version) == ("events.l3.h5", 3, "1.0")
    assert contents.kid == "6e834f07-1111-2222-3333-444455556666"
    assert (contents.header["title"], contents.header["author"]) == ("one   title", "A. Uthor")


def test_without_identity_and_header(tmp_path: Path) -> None:
    product = write_product(tmp_path / "events.l3.h5", 3, {})
    with h5py.File(product, "a") as file:
        del file.attrs["kid"]
    contents = read_contents(product)
    assert (contents.kid, contents.version, contents.header) == ("unknown", "1.0", {})


@pytest.mark.parametrize("name", list(QUANTITIES))
def test_bins_ascend(name: str) -> None:
    edges = QUANTITIES[name].edges
    assert np.all(np.diff(edges) > 0)


def test_bins_of_hits_hold_ever_more_whole_numbers() -> None:
    edges = QUANTITIES["n_hits"].edges
    assert np.all(np.mod(edges, 1) == 0.5)
    assert np.all(np.diff(edges, 2) >= 0)


@pytest.mark.parametrize(
    ("column", "values", "axis"),
    [
        ("zenith", [0.1, 1.0, 3.0], np.cos([0.1, 1.0, 3.0])),
        ("azimuth", [0.1, 1.0, 6.0], np.degrees([0.1, 1.0, 6.0])),
        ("dec", [-80.0, 0.5, 31.0], np.sin(np.radians([-80.0, 0.5, 31.0]))),
        ("mc_energy", [1e2, 1e3, 1e8], [1e2, 1e3, 1e8]),
        ("n_hits", [1, 20, 300], [1, 20, 300]),
    ],
)
def test_histograms(tmp_path: Path, column: str, values: list[float], axis: Any) -> None:
    histogram = read_contents(write_product(tmp_path / "events.l3.h5", 3, {column: values})).histograms[column]
    assert histogram.present == 3
    assert histogram.counts.tolist() == np.histogram(axis, QUANTITIES[column].edges)[0].tolist()
    assert histogram.counts.sum() == 3


def test_missing_values_are_not_counted(tmp_path: Path) -> None:
    columns = {
        "zenith": [np.nan, 0.5, np.nan, 1.0],
        "azimuth": [np.nan, 0.5, 0.1, 1.0],
        "n_hits": [-1, 20, 30, -1],
        "quality": [np.nan, np.nan, np.nan, -5.0],
        "energy": [np.nan] * 4,
        "mjd": [np.nan, np.nan, 55_000.0, np.nan],
    }
    contents = read_contents(write_product(tmp_path / "events.l3.h5", 4, columns))
    present = {name: contents.histograms[name].present for name in ("zenith", "azimuth", "n_hits", "energy")}
    assert present == {"zenith": 2, "azimuth": 3, "n_hits": 2, "energy": 0}
    assert [part.tolist() for part in contents.kept["quality"][b"none"]] == [[-5.0]]
    assert [part.tolist() for part in contents.minutes] == [[55_000 * 1440]]
    assert contents.maps["azimuth"].present == 2
    shown = {name for name in (*QUANTITIES, "quality", "angular_error", "mjd") if contents.has(name)}
    assert shown == {"zenith", "azimuth", "n_hits", "quality", "mjd"}


def test_absurd_values_are_outside_of_the_axis(tmp_path: Path) -> None:
    columns = {
        "ra": [400.0, -1e300, np.inf, 10.0],
        "dec": [95.0, -1e300, 10.0, 10.0],
        "zenith": [np.inf, 1e300, -5.0, 1.0],
        "quality": [np.inf, -np.inf, 1e300, 2.0],
        "n_hits": [0, 2**62, 10, 10],
        "mjd": [0.0, 1e300, -np.inf, 55_000.0],
    }
    contents = read_contents(write_product(tmp_path / "events.l3.h5", 4, columns))
    hits = contents.histograms["n_hits"]
    assert (hits.present, hits.counts.sum()) == (4, 2)
    assert (contents.maps["ra"].present, contents.maps["ra"].cells.sum()) == (1, 1)
    np.testing.assert_allclose(np.degrees(contents.maps["ra"].points[0]), [[170], [10]])
    assert [part.tolist() for part in contents.kept["quality"][b"none"]] == [[2.0]]
    assert [part.tolist() for part in contents.minutes] == [[55_000 * 1440]]


@pytest.mark.parametrize("more", [0, 1])
def test_directions_are_kept_one_by_one_while_they_are_few(tmp_path: Path, more: int) -> None:
    count = SHOWN_POINTS + more
    columns = {"ra": RANDOM.uniform(0, 360, count), "dec": 90 - np.degrees(isotropic(count))}
    sky = read_contents(write_product(tmp_path / "events.l3.h5", count, columns)).maps["ra"]
    assert (sky.present, sky.cells.sum()) == (count, count)
    assert sum(part.shape[1] for part in sky.points) == (0 if more else count)
    edges = np.linspace(-180, 180, MAP_COLUMNS + 1), np.linspace(-1, 1, MAP_ROWS + 1)
    expected = np.histogram2d(180 - columns["ra"], np.sin(np.radians(columns["dec"])), edges)[0]
    assert sky.cells.reshape(MAP_ROWS, MAP_COLUMNS).tolist() == expected.T.tolist()


def test_names_of_fits_without_end_are_not_all_remembered(tmp_path: Path) -> None:
    count = 3 * COUNTED_FITS
    columns = {"quality": np.linspace(0, 1, count), "reco": [f"fit{n}".encode() for n in range(count)]}
    contents = read_contents(write_product(tmp_path / "events.l3.h5", count, columns))
    assert len(contents.kept["quality"]) == COUNTED_FITS + 1
    assert sum(len(part) for parts in contents.kept["quality"].values() for part in parts) == count


@pytest.mark.parametrize("block", [1, 3000])
def test_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    columns = {**list_columns(500), "quality": RANDOM.normal(0, 1, 500), "reco": [b"aafit", b"bbfit_track"] * 250}
    product = write_product(tmp_path / "events.l3.h5", 500, columns, chunks=(64,), compression="gzip")
    whole = read_contents(product)
    monkeypatch.setattr(plot_data, "_BLOCK_BYTES", block)
    parts = read_contents(product)
    assert len(parts.minutes) > len(whole.minutes) == 1
    assert np.concatenate(parts.minutes).tolist() == whole.minutes[0].tolist()
    for name, histogram in whole.histograms.items():
        assert parts.histograms[name].counts.tolist() == histogram.counts.tolist()
    assert parts.maps["ra"].cells.tolist() == whole.maps["ra"].cells.tolist()
    np.testing.assert_array_equal(np.concatenate(parts.maps["ra"].points, axis=1), whole.maps["ra"].points[0])
    assert set(parts.kept["quality"]) == {b"aafit", b"bbfit_track"}
    for fit, (values,) in whole.kept["quality"].items():
        assert np.concatenate(parts.kept["quality"][fit]).tolist() == values.tolist()


def _no_file(path: Path) -> None:
    path.unlink(missing_ok=True)


def _text_file(path: Path) -> None:
    path.write_text("ra,dec\n1,2\n", encoding="utf-8")


def _no_events(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["data_model_version"] = "1.0"


def _events_group(path: Path) -> None:
    _no_events(path)
    with h5py.File(path, "a") as file:
        file.create_group("events/block0")


def _plain_array(path: Path) -> None:
    _no_events(path)
    with h5py.File(path, "a") as file:
        file["events"] = np.zeros((3, 2))


def _table_of_two_dimensions(path: Path) -> None:
    _no_events(path)
    with h5py.File(path, "a") as file:
        file["events"] = np.zeros((3, 2), dtype=[("ra", "f8")])


def _text_as_number(path: Path) -> None:
    _no_events(path)
    with h5py.File(path, "a") as file:
        file["events"] = np.zeros(3, dtype=[("ra", "S8"), ("dec", "f8")])


def _number_as_text(path: Path) -> None:
    _no_events(path)
    with h5py.File(path, "a") as file:
        file["events"] = np.zeros(3, dtype=[("quality", "f8"), ("reco", "i8")])


def _array_as_number(path: Path) -> None:
    _no_events(path)
    with h5py.File(path, "a") as file:
        file["events"] = np.zeros(3, dtype=[("zenith", "f8", (2,))])


def _rows_that_are_not_there(path: Path) -> None:
    _no_events(path)
    with h5py.File(path, "a") as file:
        file.create_dataset("events", shape=(10**12,), dtype=[("ra", "f8"), ("dec", "f8")], chunks=(1000,))


def _gigantic_chunks(path: Path) -> None:
    _no_events(path)
    with h5py.File(path, "a") as file:
        file.create_dataset("events", shape=(10,), maxshape=(None,), dtype=[("ra", "f8")], chunks=(2**28,))


def _cut(path: Path) -> None:
    write_product(path, 5000, list_columns(5000))
    path.write_bytes(path.read_bytes()[:100_000])


def _damaged_chunk(path: Path) -> None:
    write_product(path, 5000, list_columns(5000), chunks=(5000,), compression="gzip")
    with h5py.File(path, "r") as file:
        chunk = file["events"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 10 : chunk.byte_offset + 2000] = bytes(1990)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (_no_file, InputError, "no such file"),
        (_text_file, InputError, "no HDF5 file"),
        (_no_events, InputError, "no level-3 product"),
        (_events_group, ProductError, "a table of rows"),
        (_plain_array, ProductError, "a table of rows"),
        (_table_of_two_dimensions, ProductError, "a table of rows"),
        (_text_as_number, ProductError, "column ra; expected one number per row; found |S8"),
        (_number_as_text, ProductError, "column reco; expected text; found int64"),
        (_array_as_number, ProductError, "column zenith"),
        (_rows_that_are_not_there, CorruptInputError, "1000000000000 rows"),
        (_gigantic_chunks, CorruptInputError, "more than it can hold"),
        (_cut, CorruptInputError, "damaged HDF5 file"),
        (_damaged_chunk, CorruptInputError, "damaged HDF5 file"),
    ],
)
def test_bad_products(tmp_path: Path, spoil: Any, error: type[AntaresLegacyError], message: str) -> None:
    product = tmp_path / "bad.l3.h5"
    spoil(product)
    with pytest.raises(error) as caught:
        read_contents(product)
    assert str(product) in str(caught.value)
    assert message in str(caught.value)
