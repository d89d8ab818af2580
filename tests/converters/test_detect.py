"""Formats by content."""

import gzip
import sqlite3
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from converters.detect import RECOGNISED, detect, family_of, plain_head, read_head, reader_name
from legacy.errors import CorruptInputError, InputError, NotConvertibleError, UnknownFormatError, UsageError

Sample = Callable[[str], Path]

SAMPLES = {
    "evt/example_numuCC.evt": "evt",
    "evt/example_numuNC.evt": "evt",
    "evt/KM3Sim.evt": "evt",
    "evt/corant_5.1.9.evt": "evt",
    "evt/example_corant_propa.evt": "evt",
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.evt": "evt",
    "mupage/mcv5.0.mupage_1G.5.evt": "evt",
    "offline/km3net_offline.root": "offline-root",
    "offline/numucc.root": "offline-root",
    "seatray/antares.h5": "seatray-hdf5",
    "gseagen/gseagen.root": "gseagen-root",
    "online/km3net_online.root": "online-root",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples(name: str, sample: Sample) -> None:
    expected = SAMPLES[name]
    found = detect(sample(name))
    assert found.format == expected
    assert found.convertible == (expected not in RECOGNISED)


@pytest.mark.parametrize("name", ["evt/KM3Sim.evt", "offline/numucc.root", "seatray/antares.h5"])
@pytest.mark.parametrize("suffix", [".evt", ".pdf", ".root", ""])
def test_the_name_does_not_matter(name: str, suffix: str, sample: Sample, tmp_path: Path) -> None:
    disguised = tmp_path / f"file{suffix}"
    disguised.symlink_to(sample(name))
    assert detect(disguised).format == SAMPLES[name]


def test_compressed(sample: Sample, tmp_path: Path) -> None:
    packed = tmp_path / "a.evt"
    packed.write_bytes(gzip.compress(sample("evt/KM3Sim.evt").read_bytes()))
    found = detect(packed)
    assert (found.format, found.convertible, found.compressed) == ("evt", True, True)


def _sqlite(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table t (x int)")
    connection.commit()
    connection.close()


def _km3pipe(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["format_version"] = "5.1"


def _product(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["data_model_version"] = "1.0"


MADE: dict[str, Callable[[Path], object]] = {
    "pdf": lambda p: p.write_bytes(b"%PDF-1.7\n"),
    "zip": lambda p: p.write_bytes(b"PK\x03\x04" + bytes(30)),
    "png": lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(30)),
    "i3": lambda p: p.write_bytes(b"[i3]" + bytes(30)),
    "corsika": lambda p: p.write_bytes((22932).to_bytes(4, "little") + b"RUNH" + bytes(22928)),
    "sqlite": _sqlite,
    "km3pipe-hdf5": _km3pipe,
    "product": _product,
    "hdf5": lambda p: h5py.File(p, "w").close(),
}


@pytest.mark.parametrize("format_name", MADE)
def test_recognised_but_not_read(format_name: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    MADE[format_name](path)
    found = detect(path)
    assert (found.format, found.convertible) == (format_name, False)
    with pytest.raises(NotConvertibleError) as raised:
        reader_name(path, None)
    assert RECOGNISED[format_name].advice in str(raised.value)


@pytest.mark.parametrize(
    "content",
    [bytes(1000), b"\xff" * 100, b"hello world\n", b"\x1f\x8b\x08", b"\x1f\x8b" + bytes(50), b"roo", b"\n\n\n"],
)
def test_unknown(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.evt"
    path.write_bytes(content)
    with pytest.raises(UnknownFormatError, match="not a known format"):
        detect(path)


@pytest.mark.parametrize("seed", range(30))
def test_random_bytes(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "file.evt"
    path.write_bytes(np.random.default_rng(seed).bytes(3000))
    with pytest.raises(UnknownFormatError):
        detect(path)


@pytest.mark.parametrize("head", [b"root", b"\x89HDF\r\n\x1a\n"])
@pytest.mark.parametrize("rest", [b"", bytes(500), b"\xff" * 500])
def test_only_the_magic(head: bytes, rest: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(head + rest)
    with pytest.raises(CorruptInputError):
        detect(path)


def test_not_readable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_head(tmp_path / "none")
    with pytest.raises(InputError, match="is a folder"):
        read_head(tmp_path)
    with pytest.raises(InputError, match="no regular file"):
        read_head(Path("/dev/zero"))
    (tmp_path / "empty").touch()
    with pytest.raises(CorruptInputError, match="the file is empty"):
        read_head(tmp_path / "empty")


def test_latin1_comments_are_text() -> None:
    assert family_of(b"start_run: 1\n# d\xe9tecteur \xe0 La Seyne\n") == "text"
    assert family_of(b"start_run: 1\n\0") == "binary"


def test_a_small_file_cannot_fill_the_memory() -> None:
    bomb = gzip.compress(bytes(50 << 20))
    plain, compressed = plain_head(bomb)
    assert compressed
    assert len(plain) <= 64 << 10


def test_forced(sample: Sample, tmp_path: Path) -> None:
    assert reader_name(sample("offline/numucc.root"), "evt") == "evt"
    with pytest.raises(InputError, match="no such file"):
        reader_name(tmp_path / "none", "evt")


def test_unknown_reader() -> None:
    from converters.registry import load_reader

    with pytest.raises(UsageError, match="did you mean 'seatray-hdf5'"):
        load_reader("seatray-hdf")
