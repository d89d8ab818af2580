"""What a page of pictures shows of a product: histograms, sky maps, fit qualities and times, read in one pass.

The file is read in blocks: maps and histograms with fixed bins grow while the rows pass, and only fit quality,
angular error and time, whose ranges are known at the end, are kept (12 bytes per event).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from converters.layout import EVENTS_TABLE
from converters.opened import open_product
from legacy.errors import CorruptInputError, ProductError
from legacy.model import MISSING_INTEGER, StructuredArray

Floats = NDArray[np.float64]

_BLOCK_BYTES = 16 << 20
_LARGEST_ROW, _LARGEST_CHUNK = 1 << 20, 256 << 20
# DEFLATE cannot shrink data more than 1032 times: a file that declares more rows than that has none of them.
_LARGEST_RATIO, _RATIO_MATTERS = 1100, 64 << 20
_FIRST_MJD, _LAST_MJD = 36934.0, 88069.0

MINUTES_PER_DAY = 1440
SHOWN_POINTS = 20_000
"""So many directions are kept one by one; of more, only the cells of the map."""
MAP_COLUMNS, MAP_ROWS = 120, 60
CELL_AREA = 41252.96 / (MAP_COLUMNS * MAP_ROWS)
"""Area of a cell of the map in square degrees."""
COUNTED_FITS, OTHER_FITS = 100, b"other fits"
"""So many names of fits are told apart; the values of all others stand under the second name."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A column that can be drawn as a histogram, with bins that are fixed beforehand.

    Parameters
    ----------
    title
        Heading of the panel.
    label
        What the axis shows, with its unit.
    edges
        Edges of the bins, ascending, in the unit of the axis; shape (bins + 1,).
    scale
        ``linear`` for an axis that is drawn whole; ``log`` and ``count`` (whole numbers) for one that is cut to
        the bins with events.
    transform
        From the values of the column, in the unit of the data model, to those of the axis.
    """

    title: str
    label: str
    edges: Floats
    scale: Literal["linear", "log", "count"] = "linear"
    transform: Callable[[Floats], Floats] = np.positive


def _sine_of_degrees(angle: Floats) -> Floats:
    return np.asarray(np.sin(np.radians(angle)))


def _count_edges() -> Floats:
    """Return half-integer edges, ever wider, so that no bin holds more whole numbers than the next."""
    edges = [0.5]
    while edges[-1] < 1e8:
        edges.append(edges[-1] + max(1, int(edges[-1] * 0.06)))
    return np.array(edges)


_COSINE, _TURN = np.linspace(-1, 1, 61), np.linspace(0, 360, 61)
_ENERGY = 10 ** (np.arange(-240, 561) / 40)
_ZENITH_LABEL = "cos(zenith):  up-going < 0 < down-going"
_AZIMUTH_LABEL = "azimuth from grid east [deg]"

TRUTH = "Monte Carlo truth: "
"""Begins the title of every panel about simulated, not reconstructed, values."""
QUANTITIES: Mapping[str, Quantity] = {
    "zenith": Quantity("Zenith", _ZENITH_LABEL, _COSINE, transform=np.cos),
    "azimuth": Quantity("Azimuth", _AZIMUTH_LABEL, _TURN, transform=np.degrees),
    "dec": Quantity("Declination", "sin(declination)", _COSINE, transform=_sine_of_degrees),
    "energy": Quantity("Energy", "reconstructed energy [GeV]", _ENERGY, "log"),
    "n_hits": Quantity("Hits", "number of hits", _count_edges(), "count"),
    "n_lines": Quantity("Detector lines", "number of lines with hits", np.arange(-0.5, 100), "count"),
    "mc_energy": Quantity(TRUTH + "energy", "energy [GeV]", _ENERGY, "log"),
    "mc_zenith": Quantity(TRUTH + "zenith", _ZENITH_LABEL, _COSINE, transform=np.cos),
    "mc_azimuth": Quantity(TRUTH + "azimuth", _AZIMUTH_LABEL, _TURN, transform=np.degrees),
    "mc_bjorken_y": Quantity(TRUTH + "inelasticity", "Bjorken y", np.linspace(0, 1, 61)),
}
"""The columns whose bins are fixed beforehand, by name."""
KEPT: Mapping[str, tuple[str, str]] = {
    "quality": ("Fit quality", "quality; its meaning depends on the fit"),
    "angular_error": ("Angular error", "estimated error of the direction [deg]"),
}
"""The columns whose values are kept, because their range is not known beforehand: title, and label of the axis."""
MAPS = (("ra", "dec"), ("azimuth", "zenith"), ("mc_azimuth", "mc_zenith"))
"""The pairs of columns that make a map, the best first; a map has the name of the first of the pair."""
_COLUMNS = frozenset({*QUANTITIES, *KEPT, "ra", "mjd", "reco"})


@dataclass(slots=True)
class Histogram:
    """Counts of one quantity, which grow.

    Parameters
    ----------
    quantity
        What is counted.
    present
        Number of values met that are not missing, those outside of the axis included.
    counts
        Number of values in each bin, shape (bins,); made here, zero at first.
    """

    quantity: Quantity
    present: int = 0
    counts: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = np.zeros(len(self.quantity.edges) - 1, dtype=np.int64)

    def add(self, values: Floats) -> None:
        """Count values of the column, in the unit of the data model; NaN is a missing one."""
        values = values[~np.isnan(values)]
        self.present += len(values)
        self.counts += np.histogram(self.quantity.transform(values), self.quantity.edges)[0]


@dataclass(slots=True)
class SkyMap:
    """Directions, which grow in number: all in cells of equal area, and each by itself while they are few.

    Parameters
    ----------
    present
        Number of directions.
    cells
        Number of directions in each cell, shape (MAP_ROWS * MAP_COLUMNS,): row by row from the south, in steps of
        equal sine of the latitude, each from longitude -180 deg to 180 deg.
    points
        Longitude (-pi to pi) and latitude in radians, arrays of shape (2, n). Complete as long as there are no
        more directions than SHOWN_POINTS.
    """

    present: int = 0
    cells: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MAP_ROWS * MAP_COLUMNS, np.int64))
    points: list[Floats] = field(default_factory=list)

    def add(self, longitude: Floats, latitude: Floats) -> None:
        """Take directions in degrees; `longitude` grows to the right and is 0 in the middle."""
        good = np.isfinite(longitude) & (np.abs(latitude) <= 90)
        across, up = np.mod(longitude[good] + 180, 360) - 180, latitude[good]
        column = np.minimum((across + 180) / 360 * MAP_COLUMNS, MAP_COLUMNS - 1).astype(np.int64)
        row = np.minimum((_sine_of_degrees(up) + 1) / 2 * MAP_ROWS, MAP_ROWS - 1).astype(np.int64)
        self.cells += np.bincount(row * MAP_COLUMNS + column, minlength=len(self.cells))
        self.present += len(up)
        if self.present <= SHOWN_POINTS:
            self.points.append(np.radians([across, up]))


@dataclass(slots=True)
class Contents:
    """All that a page shows of a file.

    Parameters
    ----------
    name
        Name of the file, without its folder.
    rows
        Number of events.
    kid
        Identifier of the file, or ``unknown``.
    version
        Version of the data model, or ``unknown``.
    header
        The row of ``/header``, made printable; empty when there is none.
    histograms
        By column, all of QUANTITIES.
    maps
        By the column of the longitude, all of MAPS.
    kept
        By column (all of KEPT) and fit (``b""`` for those of no fit), the finite values, in parts.
    minutes
        Times of the events in whole minutes of the Modified Julian Date, in parts that are not empty.
    """

    name: str
    rows: int
    kid: str
    version: str
    header: Mapping[str, str]
    histograms: dict[str, Histogram] = field(
        default_factory=lambda: {name: Histogram(quantity) for name, quantity in QUANTITIES.items()}
    )
    maps: dict[str, SkyMap] = field(default_factory=lambda: {longitude: SkyMap() for longitude, _ in MAPS})
    kept: dict[str, dict[bytes, list[NDArray[np.float32]]]] = field(default_factory=lambda: {name: {} for name in KEPT})
    minutes: list[NDArray[np.int32]] = field(default_factory=list)

    def has(self, column: str) -> bool:
        """Say if there is anything to draw of a column of QUANTITIES or KEPT, or of ``mjd``."""
        if column in self.histograms:
            return self.histograms[column].present > 0
        return bool(self.minutes if column == "mjd" else self.kept[column])


def read_contents(product: Path) -> Contents:
    """Read what a page shows of a product, in blocks of bounded size.

    Parameters
    ----------
    product
        A level-3 HDF5 file.

    Returns
    -------
    Contents
        Values that are missing, or that are no direction or no time, are left out.

    Raises
    ------
    CorruptInputError
        The file is damaged, or declares more than it can hold.
    ProductError
        The events do not follow the data model.
    InputError
        The file is missing, or no product.
    """
    with open_product(product) as file:
        try:
            dataset = file[EVENTS_TABLE.path]
            _check(product, dataset)
            kid, version = (printable(file.attrs.get(name, b"unknown")) for name in ("kid", "data_model_version"))
            contents = Contents(product.name, dataset.shape[0], kid, version, _header(file))
            wanted = sorted(_COLUMNS.intersection(dataset.dtype.names))
            rows = max(1, _BLOCK_BYTES // dataset.dtype.itemsize)
            for start in range(0, contents.rows if wanted else 0, rows):
                with np.errstate(all="ignore"):  # infinite and absurd numbers fall outside of every axis
                    _add(contents, dataset.fields(wanted)[start : start + rows])
        except (KeyError, RuntimeError) as error:  # what h5py makes of damage that is not in the data
            raise CorruptInputError(product, "damaged HDF5 file", where="/events", found=str(error)) from error
    return contents


def _check(product: Path, dataset: Any) -> None:
    """Refuse a table that is not what it says, or that would not fit into memory."""
    dtype, shape = getattr(dataset, "dtype", None), getattr(dataset, "shape", None)
    if dtype is None or shape is None or dtype.names is None or len(shape) != 1:
        raise ProductError(product, "is no level-3 product", where="/events", expected="a table of rows")
    for name in _COLUMNS.intersection(dtype.names):
        kinds, expected = ("S", "text") if name == "reco" else ("fiu", "one number per row")
        if dtype[name].kind not in kinds or dtype[name].shape:
            where, found = f"/events, column {name}", str(dtype[name])
            problem = "does not follow the data model"
            raise ProductError(product, problem, where=where, expected=expected, found=found)
    size = shape[0] * dtype.itemsize
    chunk = int(np.prod(dataset.chunks or (0,))) * dtype.itemsize
    hollow = size > max(_RATIO_MATTERS, _LARGEST_RATIO * dataset.id.get_storage_size())
    if dtype.itemsize > _LARGEST_ROW or chunk > _LARGEST_CHUNK or hollow:
        found = f"{shape[0]} rows of {dtype.itemsize} bytes"
        raise CorruptInputError(product, "declares more than it can hold", where="/events", found=found)


def _header(file: Any) -> dict[str, str]:
    """Return the first row of ``/header``, empty when there is none."""
    dataset = file.get("header")
    names = getattr(getattr(dataset, "dtype", None), "names", None)
    if not names or dataset.shape != (1,) or dataset.dtype.itemsize > _LARGEST_ROW:
        return {}
    row = dataset[0]
    return {name: printable(row[name]) for name in names}


def printable(value: object) -> str:
    """Return a text of the file, UTF-8 if it is bytes, on one line and with only signs that can be printed."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


def _add(contents: Contents, block: StructuredArray) -> None:
    columns = {name: _floats(block[name]) for name in block.dtype.names or () if name != "reco"}
    for name, histogram in contents.histograms.items():
        if name in columns:
            histogram.add(columns[name])
    if {"ra", "dec"} <= columns.keys():
        contents.maps["ra"].add(180 - columns["ra"], columns["dec"])
    for azimuth, zenith in MAPS[1:]:
        if {azimuth, zenith} <= columns.keys():
            # North in the middle; like right ascension, the azimuth grows to the left for who looks up.
            contents.maps[azimuth].add(90 - np.degrees(columns[azimuth]), 90 - np.degrees(columns[zenith]))
    if "quality" in columns:
        fits = block["reco"] if "reco" in (block.dtype.names or ()) else np.full(len(block), b"fit")
        for fit in np.unique(fits).tolist():
            _keep(contents.kept["quality"], fit, columns["quality"][fits == fit])
    if "angular_error" in columns:
        _keep(contents.kept["angular_error"], b"", columns["angular_error"])
    if "mjd" in columns:
        mjd = columns["mjd"][(columns["mjd"] >= _FIRST_MJD) & (columns["mjd"] <= _LAST_MJD)]
        if len(mjd):
            contents.minutes.append(np.floor(mjd * MINUTES_PER_DAY).astype(np.int32))


def _floats(values: NDArray[Any]) -> Floats:
    floats: Floats = values.astype(np.float64)
    if values.dtype.kind != "f":
        floats[values == MISSING_INTEGER] = np.nan
    return floats


def _keep(kept: dict[bytes, list[NDArray[np.float32]]], fit: bytes, values: Floats) -> None:
    short = values.astype(np.float32)
    short = short[np.isfinite(short)]
    if len(short):
        kept.setdefault(fit if fit in kept or len(kept) < COUNTED_FITS else OTHER_FITS, []).append(short)
