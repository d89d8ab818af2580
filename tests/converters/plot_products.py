"""Write products for the pictures with h5py, straight from the column registry: tables, header, attributes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from converters.layout import EVENTS_TABLE, HEADER_FIELDS, header_table

ALWAYS = {"group_id", "event_id", "internal_id", "reco"}
Columns = Mapping[str, Any]
RANDOM = np.random.default_rng(20080530)
SEED = RANDOM.bit_generator.state


def start_again() -> None:
    """Draw the same values in each test, whichever tests ran before it in this process."""
    RANDOM.bit_generator.state = SEED


def write_product(
    path: Path, rows: int, columns: Columns, header: Mapping[str, str] | None = None, **options: Any
) -> Path:
    """Write a file with ``/events``, ``/header`` and the root attributes of a product."""
    array = EVENTS_TABLE.select({*columns, *ALWAYS}).blank(rows)
    array["group_id"] = np.arange(rows)
    array["reco"] = b"none"
    for name, values in columns.items():
        array[name] = values
    with h5py.File(path, "w") as file:
        file.create_dataset("events", data=array, **options)
        file.attrs["kid"] = np.bytes_("6e834f07-1111-2222-3333-444455556666")
        file.attrs["data_model_version"] = np.bytes_("1.0")
        if header is not None:
            texts = {name: header.get(name, "").encode() for name in HEADER_FIELDS}
            spec = header_table({name: max(1, len(text)) for name, text in texts.items()})
            file.create_dataset("header", data=np.array([tuple(texts.values())], dtype=spec.dtype))
    return path


def isotropic(count: int) -> NDArray[np.float64]:
    return np.asarray(np.arccos(RANDOM.uniform(-1, 1, count)))


def list_columns(count: int) -> Columns:
    return {
        "ra": RANDOM.uniform(0, 360, count),
        "dec": 90 - np.degrees(isotropic(count)),
        "mjd": RANDOM.uniform(54_129, 58_118, count),
        "n_hits": RANDOM.integers(15, 300, count),
        "angular_error": RANDOM.integers(1, 11, count) / 10,
    }


def seatray_columns(count: int) -> Columns:
    return {
        "zenith": isotropic(count) / 2,
        "azimuth": RANDOM.uniform(0, 2 * np.pi, count),
        "quality": RANDOM.normal(-6, 0.5, count),
        "n_hits": RANDOM.integers(10, 80, count),
        "reco": b"aafit",
    }


def simulated_columns(count: int) -> Columns:
    return {
        "mc_energy": 10 ** RANDOM.uniform(2, 6, count),
        "mc_zenith": isotropic(count),
        "mc_azimuth": RANDOM.uniform(0, 2 * np.pi, count),
        "mc_pdgid": 14,
        "mc_bjorken_y": RANDOM.uniform(0, 1, count),
        "n_hits": RANDOM.integers(10, 5000, count),
    }


TRUTH = "Monte Carlo truth: "
KINDS: dict[str, tuple[int, Columns, tuple[str, ...]]] = {
    "list": (
        300,
        list_columns(300),
        ("Sky, equatorial", "Declination", "Angular error", "Hits", "Time"),
    ),
    "seatray": (
        19,
        seatray_columns(19),
        ("Sky, local", "Zenith", "Fit quality: aafit", "Hits", "Azimuth"),
    ),
    "simulated": (
        500,
        simulated_columns(500),
        (TRUTH + "local directions", TRUTH + "zenith", TRUTH + "energy", "Hits", TRUTH + "inelasticity"),
    ),
    "both": (
        200,
        {**seatray_columns(200), **simulated_columns(200), "energy": 10 ** RANDOM.normal(3, 1, 200)},
        ("Sky, local", "Zenith", "Fit quality: aafit", "Hits", "Energy"),
    ),
    "empty": (
        0,
        list_columns(0),
        ("Sky", "Reconstructed zenith", "Fit quality", "Numbers of hits", "Event times"),
    ),
    "identities only": (
        7,
        {"run_id": 1},
        ("Sky", "Reconstructed zenith", "Fit quality", "Numbers of hits", "Event times"),
    ),
    "one event": (
        1,
        {"mc_energy": 1e5, "quality": -5.0, "mjd": 55_000.5, "n_lines": 3, "ra": 10.0, "dec": 20.0},
        ("Sky, equatorial", "Declination", "Fit quality: none", TRUTH + "energy", "Time"),
    ),
}
"""Kinds of products: number of rows, columns, and the titles that their page has, in order."""
