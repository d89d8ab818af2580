"""The HDF5 product: everybody's libraries open it, and it says the same everywhere."""

import getpass
import json
import os
import re
import socket
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from converters.layout import DATA_MODEL_VERSION

Cli = Callable[..., Any]
MakeEvt = Callable[..., Path]
Sample = Callable[[str], Path]

# Attributes of km3pipe's Table: a column of such a name breaks its HDF5Pump.
FORBIDDEN = {"name", "h5loc", "split_h5", "h5singleton"}
GOLDEN = Path(__file__).resolve().parents[2] / "golden"


@pytest.fixture(scope="module")
def products(sample: Sample, run_program: Cli, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return products of real files by name."""
    out = tmp_path_factory.mktemp("products")
    names = ("evt/KM3Sim.evt", "evt/corant_5.1.9.evt", "mupage/mcv5.0.mupage_1G.5.evt", "offline/numucc.root")
    ran = run_program("convert", *map(sample, names), "-o", out, env={"SOURCE_DATE_EPOCH": "1700000000"})
    assert ran.code == 0, ran.err
    return {path.name.removesuffix(".l3.h5"): path for path in out.glob("*.l3.h5")}


@pytest.fixture(scope="module")
def product(products: dict[str, Path]) -> Path:
    return products["KM3Sim"]


@pytest.fixture
def no_events(sample: Sample, cli: Cli, tmp_path: Path) -> Path:
    """Return a product of a file that has a header and nothing else."""
    text = sample("evt/corant_5.1.9.evt").read_bytes()
    source = tmp_path / "none.evt"
    source.write_bytes(text[: text.index(b"start_event:")])
    assert cli("convert", source, "-o", tmp_path / "none").code == 0
    return tmp_path / "none" / "none.l3.h5"


def tables(file: Any) -> dict[str, Any]:
    """Return all datasets by path."""
    found: dict[str, Any] = {}
    file.visititems(lambda name, item: found.update({f"/{name}": item}) if isinstance(item, h5py.Dataset) else None)
    return found


# --- other programs ----------------------------------------------------------------------------------------


def test_pytables(product: Path) -> None:
    import tables as pytables  # type: ignore[import-untyped]

    with pytables.open_file(str(product)) as file:
        for node in file.walk_nodes("/", "Leaf"):
            assert isinstance(node, pytables.Table), node
            assert node.nrows == len(node[:])
        events = file.root.events
        assert events.nrows == 10
        assert len(events.read_where("group_id > 6")) == 3
        assert events.attrs.FIELD_0_DOC
        assert file.root._v_attrs.format_version


def test_pandas(product: Path) -> None:
    import pandas as pd  # type: ignore[import-untyped]

    frame = pd.read_hdf(product, "events")
    with h5py.File(product) as file:
        events = file["events"][:]
    assert list(frame.columns) == list(events.dtype.names)
    for name in events.dtype.names:
        np.testing.assert_array_equal(frame[name].to_numpy().astype(events.dtype[name]), events[name])
    assert len(pd.read_hdf(product, "mc_tracks")) == 57


@pytest.mark.parametrize(
    ("name", "n_events"), [("KM3Sim", 10), ("corant_5.1.9", 3), ("mcv5.0.mupage_1G.5", 20), ("numucc", 10)]
)
def test_km3pipe(name: str, n_events: int, products: dict[str, Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from km3pipe.io import HDF5Pump  # type: ignore[import-untyped]

        pump = HDF5Pump(filename=str(products[name]))
        blobs = [blob for blob in pump]  # noqa: C416  list() would ask its broken __len__
        header = pump.header
        pump.finish()
    assert len(blobs) == n_events
    with h5py.File(products[name]) as file:
        tracks = np.bincount(file["mc_tracks"]["group_id"], minlength=n_events)
        energies = file["events"]["mc_energy"]
        lines = [tuple(text.decode() for text in row) for row in file["raw_header"][:].tolist()]
    for number, blob in enumerate(blobs):
        assert blob["Events"]["mc_energy"] == energies[number]
        assert len(blob["McTracks"]) == tracks[number]
        assert len(blob["Parameters"]) > 0
    # Also those of the offline file, some of which are called META/JMeta and the like.
    assert set(header.keys()) == {parameter for parameter, _, values, _ in lines if values}
    for parameter, field_names, values, _ in dict.fromkeys(lines):
        if parameter in ("spectrum", "depth") and name != "numucc":
            found = [getattr(header[parameter], field) for field in field_names.split()]
            assert found == [float(value) for value in values.split()]


# --- the structure -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["KM3Sim", "corant_5.1.9", "mcv5.0.mupage_1G.5"])
def test_every_column_is_described(name: str, products: dict[str, Path]) -> None:
    with h5py.File(products[name]) as file:
        found = tables(file)
        described = {(row["table"].decode(), row[1].decode()): row for row in file["parameters"][:]}
        columns = {(path, column) for path, data in found.items() for column in data.dtype.names}
        assert columns - set(described) == {("/parameters", c) for c in found["/parameters"].dtype.names}
        assert set(described) <= columns
        for (path, column), row in described.items():
            data = found[path]
            number = data.dtype.names.index(column)
            attributes = {key: data.attrs[f"FIELD_{number}_{key}"].decode() for key in ("NAME", "UNIT", "DOC", "UCD")}
            assert attributes["NAME"] == column
            assert attributes["UNIT"] == row["unit"].decode()
            assert attributes["UCD"] == row["ucd"].decode()
            assert attributes["DOC"] == row["description"].decode() != ""
            assert np.dtype(row["dtype"].decode()) == data.dtype[column]


@pytest.mark.parametrize("name", ["KM3Sim", "corant_5.1.9", "mcv5.0.mupage_1G.5"])
def test_structure(name: str, products: dict[str, Path]) -> None:
    with h5py.File(products[name]) as file:
        n_events = len(file["events"])
        assert file.attrs["format_version"] == b"5.1"
        assert file.attrs["data_model_version"].decode() == DATA_MODEL_VERSION
        for path, data in tables(file).items():
            assert data.attrs["CLASS"] == b"TABLE"
            assert data.attrs["NROWS"] == len(data)
            assert data.attrs["TITLE"]
            for column in data.dtype.names:
                assert data.dtype[column].kind in "fiS", (path, column)
            assert data.compression in ("gzip", None)
            if "group_id" in data.dtype.names:
                groups = data["group_id"]
                assert groups.dtype == np.int64
                assert not FORBIDDEN & set(data.dtype.names), path
                assert (np.diff(groups) >= 0).all(), path
                assert groups.min() >= 0
                assert groups.max() < n_events
        for path in ("events", "group_info", "event_info"):
            assert (file[path]["group_id"] == np.arange(n_events)).all(), path
        assert len(np.unique(file["events"]["event_id"])) == n_events
        assert len(np.unique(file["events"]["internal_id"])) == n_events
        assert list(file["raw_header"].dtype.names) == ["parameter", "field_names", "field_values", "dtype"]


def test_no_column_without_values(product: Path) -> None:
    with h5py.File(product) as file:
        for path, data in tables(file).items():
            if path not in ("/events", "/event_info", "/mc_info", "/mc_tracks"):
                continue
            for column in data.dtype.names:
                values = data[column]
                missing = (
                    np.isnan(values)
                    if values.dtype.kind == "f"
                    else values == (b"" if values.dtype.kind == "S" else -1)
                )
                assert not missing.all(), (path, column)


def test_truth_never_stands_in_for_a_measurement(product: Path) -> None:
    with h5py.File(product) as file:
        names = set(file["events"].dtype.names)
        assert not names & {"zenith", "azimuth", "dir_x", "pos_x", "energy", "quality", "ra", "dec", "mjd"}
        assert (file["events"]["reco"] == b"none").all()
        assert "mc_energy" in names


def test_no_events(no_events: Path) -> None:
    import pandas as pd
    import tables as pytables

    with h5py.File(no_events) as file:
        assert len(file["events"]) == len(file["group_info"]) == 0
        assert len(file["raw_header"]) == 10
    with pytables.open_file(str(no_events)) as file:
        assert file.root.events.nrows == 0
    assert len(pd.read_hdf(no_events, "events")) == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from km3pipe.io import HDF5Pump

        pump = HDF5Pump(filename=str(no_events))
        assert [blob for blob in pump] == []  # noqa: C416
        pump.finish()


# --- provenance --------------------------------------------------------------------------------------------


def test_provenance(product: Path) -> None:
    from prov.model import ProvDocument

    path = product.with_name(product.name + ".prov.json")
    document = ProvDocument.deserialize(path, format="json")
    records: dict[str, int] = {}
    for record in document.get_records():
        name = type(record).__name__
        records[name] = records.get(name, 0) + 1
    with h5py.File(product) as file:
        kid, steps = file.attrs["kid"].decode(), file["provenance"][:]
    assert records["ProvActivity"] == records["ProvAgent"] == len(steps) == 3
    assert records["ProvEntity"] == 2
    content = json.loads(path.read_text())
    assert content["entity"][f"al:{kid}"]["al:uuid"] == kid
    assert {f"al:{step['activity_id'].decode()}" for step in steps} == set(content["activity"])
    assert [step["parent"] for step in steps] == [b"", steps[0]["activity_id"], steps[1]["activity_id"]]


def test_nothing_private_is_recorded(make_evt: MakeEvt, run_program: Cli, tmp_path: Path) -> None:
    source = make_evt(tmp_path / "secretfolder" / "a.evt")
    out = tmp_path / "secretout"
    user, host = "someuserxyz", socket.gethostname()
    ran = run_program(
        "convert", source, "-o", out, env={"USER": user, "LOGNAME": user, "HOME": str(tmp_path / "secrethome")}
    )
    assert ran.code == 0
    for path in out.glob("a.l3.h5*"):
        content = path.read_bytes()
        if path.suffix == ".h5":
            with h5py.File(path) as file:
                content += b" ".join(data[:].tobytes() for data in tables(file).values())
        private = {"secret", user, host, str(tmp_path), os.fspath(Path.home())}
        private |= {getpass.getuser()} if len(getpass.getuser()) > 5 else set()
        for word in private:
            if len(word) > 4:
                assert word.encode() not in content, (path.name, word)


# --- reproducibility ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["hdf5", "csv"])
def test_same_bytes_wherever_and_whenever(kind: str, sample: Sample, run_program: Cli, tmp_path: Path) -> None:
    made = []
    for place in ("here", "there/deep"):
        folder = tmp_path / place
        folder.mkdir(parents=True)
        source = folder / "KM3Sim.evt"
        source.write_bytes(sample("evt/KM3Sim.evt").read_bytes())
        name = source if place == "here" else Path(source.name)
        ran = run_program(
            "convert",
            name,
            "-o",
            "out" if place == "here" else folder / "other",
            "--to",
            kind,
            cwd=tmp_path if place == "here" else folder,
            env={"SOURCE_DATE_EPOCH": "1700000000", "TZ": "Asia/Tokyo" if place == "here" else None},
        )
        assert ran.code == 0, ran.err
        out = tmp_path / "out" if place == "here" else folder / "other"
        files = {p.name: p.read_bytes() for p in out.iterdir() if ".l3." in p.name or p.name == "manifest.jsonl"}
        made.append(files)
        time.sleep(1.1 if place == "here" else 0)
    assert len(made[0]) == (3 if kind == "hdf5" else 4)
    assert made[0] == made[1]


def test_other_options_give_another_identity(
    make_evt: MakeEvt, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    source = make_evt(tmp_path / "a.evt")
    kids = []
    for number, extra in enumerate(((), ("--detector", "antares"), ("--salvage",), ())):
        out = tmp_path / str(number)
        assert cli("convert", source, "-o", out, *extra).code == 0
        with h5py.File(out / "a.l3.h5") as file:
            kids.append(file.attrs["kid"])
    assert len(set(kids)) == 3
    assert kids[0] == kids[3]


def test_without_a_fixed_time_every_product_is_its_own(
    make_evt: MakeEvt, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    source = make_evt(tmp_path / "a.evt")
    kids = set()
    for number in range(2):
        assert cli("convert", source, "-o", tmp_path / str(number)).code == 0
        with h5py.File(tmp_path / str(number) / "a.l3.h5") as file:
            kids.add(file.attrs["kid"])
    assert len(kids) == 2


# --- the golden product ------------------------------------------------------------------------------------


def dump(path: Path, rows: int = 2) -> str:
    """Return a stable text of a product: structure, attributes, first rows."""
    lines: list[str] = []

    def note(name: str, item: Any) -> None:
        attributes = {k: v for k, v in sorted(item.attrs.items()) if not k.startswith("FIELD_")}
        kind = f"{item.shape}" if isinstance(item, h5py.Dataset) else "group"
        lines.append(f"/{name} {kind} {' '.join(f'{k}={plain(v)!r}' for k, v in attributes.items())}")
        if not isinstance(item, h5py.Dataset):
            return
        for number, column in enumerate(item.dtype.names):
            described = [plain(item.attrs[f"FIELD_{number}_{key}"]) for key in ("UNIT", "UCD", "DOC")]
            lines.append(f"  {column} {item.dtype[column].str} {' | '.join(map(str, described))}")
        lines.extend(f"  > {', '.join(map(str, map(plain, row.tolist())))}" for row in item[:rows])

    with h5py.File(path) as file:
        note("", file)
        file.visititems(note)
    return "\n".join(lines) + "\n"


def plain(value: Any) -> object:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.decode()
    # One digit less than exact, so that another compiler's mathematics give the same text.
    return f"{value:.14g}" if isinstance(value, float) else value


def test_golden(product: Path) -> None:
    from legacy import __version__

    # The version shapes the identifiers.
    text = dump(product)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "<uuid>", text)
    text = text.replace(f"antares_legacy='{__version__}'", "antares_legacy='<version>'")
    golden = GOLDEN / "KM3Sim.l3.h5.txt"
    if os.environ.get("ANTARES_LEGACY_NEW_GOLDEN") == "1":
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), "ANTARES_LEGACY_NEW_GOLDEN=1 writes it anew; look at the diff"
