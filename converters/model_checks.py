"""Does a product follow the data model: tables, columns, keys, ranges, units, provenance."""

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.layout import (
    COVERAGE_TABLE,
    EVENT_INFO_TABLE,
    EVENTS_TABLE,
    GROUP_INFO_TABLE,
    MC_TRACKS_TABLE,
    PARAMETERS_TABLE,
    PROVENANCE_TABLE,
    version_problem,
)
from converters.staging import duplicates
from converters.views import ProductView
from legacy.model import StructuredArray, TableSpec
from legacy.site import angles_to_direction, mjd_from_unix

REQUIRED = (
    EVENTS_TABLE.path,
    GROUP_INFO_TABLE.path,
    EVENT_INFO_TABLE.path,
    "/header",
    "/raw_header",
    PARAMETERS_TABLE.path,
    PROVENANCE_TABLE.path,
    COVERAGE_TABLE.path,
)
FORBIDDEN = frozenset({"name", "h5loc", "split_h5", "h5singleton"})
"""Column names at which km3pipe's table class recurses without end."""

RANGES: Mapping[str, tuple[float, float]] = {
    "zenith": (0.0, math.pi),
    "mc_zenith": (0.0, math.pi),
    "azimuth": (0.0, 2 * math.pi),
    "mc_azimuth": (0.0, 2 * math.pi),
    "ra": (0.0, np.nextafter(360.0, 0.0)),
    "dec": (-90.0, 90.0),
    "angular_error": (0.0, math.inf),  # real fits that went astray estimate thousands of degrees
    "mjd": (40587.0, 100_000.0),
    "nanoseconds": (-1.0, 999_999_999.0),
    "timestamp": (-1.0, 4_102_444_800.0),
    "n_hits": (-1.0, 1e9),
    "n_lines": (-1.0, 1e6),
    "mc_is_cc": (-1.0, 1.0),
    "dir_x": (-1.0, 1.0),
    "dir_y": (-1.0, 1.0),
    "dir_z": (-1.0, 1.0),
}
"""Smallest and largest possible value of columns of ``/events``; missing values are always possible."""

_DIRECTIONS = frozenset({"dir_x", "dir_y", "dir_z", "zenith", "azimuth"})
_ROUNDING = 1e-9
_SHA256 = re.compile(r"[0-9a-f]{64}")


def check_model(view: ProductView) -> Iterator[str]:
    """Yield one line for every way in which the product departs from the data model."""
    if problem := version_problem(view.about.get("data_model_version", "")):
        yield problem
    yield from _check_tables(view)
    if EVENTS_TABLE.path not in view.tables:
        return
    yield from _check_columns(view)
    yield from _check_keys(view)
    yield from _check_values(view)
    yield from _check_unique(view)
    yield from _check_provenance(view)


def _check_tables(view: ProductView) -> Iterator[str]:
    for path in REQUIRED if view.whole else (EVENTS_TABLE.path,):
        if path not in view.tables:
            yield f"table {path} is missing"


def _registered() -> dict[str, TableSpec]:
    known = (EVENTS_TABLE, EVENT_INFO_TABLE, GROUP_INFO_TABLE, MC_TRACKS_TABLE, COVERAGE_TABLE)
    return {spec.path: spec for spec in known}


def _check_columns(view: ProductView) -> Iterator[str]:
    registry, described = _registered(), _described(view)
    for path, spec in view.tables.items():
        known = {column.name: column for column in registry[path].columns} if path in registry else {}
        for column in spec.columns:
            where = f"{path}.{column.name}"
            if column.name in FORBIDDEN:
                yield f"{where}: km3pipe cannot read a column of this name"
            if described is not None and path != PARAMETERS_TABLE.path:
                told = described.get((path, column.name))
                if told != (column.unit, column.dtype):
                    yield f"{where}: /parameters says (unit, dtype) {told}, the table ({column.unit}, {column.dtype})"
            if (ours := known.get(column.name)) is None:
                continue
            if ours.unit != column.unit:
                yield f"{where}: unit is '{column.unit}', expected '{ours.unit}'"
            if ours.dtype != column.dtype and not ours.dtype.startswith("S"):
                yield f"{where}: dtype is {column.dtype}, expected {ours.dtype}"
    for column in EVENTS_TABLE.columns[:3]:
        if all(column.name != found.name for found in view.tables[EVENTS_TABLE.path].columns):
            yield f"/events.{column.name} is missing"


def _described(view: ProductView) -> dict[tuple[str, str], tuple[str, str]] | None:
    if PARAMETERS_TABLE.path not in view.tables:
        return None
    return {
        (row["table"].decode(), row["column"].decode()): (row["unit"].decode(), row["dtype"].decode())
        for block in view.blocks(PARAMETERS_TABLE.path)
        for row in block
    }


def _check_keys(view: ProductView) -> Iterator[str]:
    """Check group_id: dense in the event tables, sorted and known everywhere."""
    events = sum(len(block) for block in view.blocks(EVENTS_TABLE.path))
    for path, spec in view.tables.items():
        if all(column.name != "group_id" for column in spec.columns):
            continue
        dense = path in (EVENTS_TABLE.path, GROUP_INFO_TABLE.path, EVENT_INFO_TABLE.path)
        last, rows = -1, 0
        for block in view.blocks(path):
            keys = block["group_id"]
            steps = np.diff(np.concatenate(([last], keys)))
            if dense and np.any(steps != 1):
                yield f"{path}.group_id is not dense from 0 near row {rows + int(np.argmax(steps != 1))}"
                break
            if np.any(steps < 0) or keys[-1] >= events:
                yield f"{path}.group_id is not sorted, or beyond the {events} events, near row {rows}"
                break
            last, rows = int(keys[-1]), rows + len(block)
        else:
            if dense and rows != events:
                yield f"{path} has {rows} rows, /events has {events}"


def _check_values(view: ProductView) -> Iterator[str]:
    names = {column.name for column in view.tables[EVENTS_TABLE.path].columns}
    seen: set[str] = set()
    for block in view.blocks(EVENTS_TABLE.path):
        for problem, bad in _row_problems(block, names):
            if bad.any() and problem not in seen:
                seen.add(problem)
                row = int(block["group_id"][np.argmax(bad)])
                yield f"/events.{problem}; first at group_id {row}"


def _row_problems(block: StructuredArray, names: set[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    for name in names & RANGES.keys():
        low, high = RANGES[name]
        values = block[name].astype(np.float64)
        present = ~np.isnan(values)
        slack = _ROUNDING if name.startswith("dir_") else 0.0
        bad = present & ~(
            (np.where(present, values, low) >= low - slack) & (np.where(present, values, low) <= high + slack)
        )
        yield f"{name}: outside of {low:g} to {high:g}", bad
    for column in EVENTS_TABLE.columns:
        if column.name in names and np.dtype(column.dtype).kind == "f":
            yield f"{column.name}: infinite", np.isinf(block[column.name])
    if names >= _DIRECTIONS:
        expected = angles_to_direction(block["zenith"], block["azimuth"])
        off = [np.abs(block[name] - value) for name, value in zip(("dir_x", "dir_y", "dir_z"), expected, strict=True)]
        yield "dir_*: not the direction of flight of zenith and azimuth", np.max(off, axis=0) > 1e-6
    if names >= {"mjd", "timestamp", "nanoseconds"}:
        difference = np.abs(block["mjd"] - mjd_from_unix(block["timestamp"], block["nanoseconds"]))
        yield "mjd: not the time of timestamp and nanoseconds", difference > 1e-9


def _check_unique(view: ProductView) -> Iterator[str]:
    rows = sum(len(block) for block in view.blocks(EVENTS_TABLE.path))

    def numbers() -> Iterator[NDArray[np.int64]]:
        for block in view.blocks(EVENTS_TABLE.path):
            yield block["event_id"][:, np.newaxis]

    def identifiers() -> Iterator[NDArray[np.int64]]:
        for block in view.blocks(EVENTS_TABLE.path):
            padded = block["internal_id"].astype("S40")
            yield np.ascontiguousarray(padded).view(np.int64).reshape(len(block), -1)

    for name, keys in (("event_id", numbers), ("internal_id", identifiers)):
        if found := len(duplicates(keys, rows)):
            yield f"/events.{name}: {found} values occur more than once"
    if any(not block["internal_id"].all() for block in view.blocks(EVENTS_TABLE.path)):
        yield "/events.internal_id: empty for some events"


def _check_provenance(view: ProductView) -> Iterator[str]:
    if not view.about.get("kid"):
        yield "the identifier 'kid' is missing"
    if not _SHA256.fullmatch(view.about.get("input_sha256", "")):
        yield f"/provenance: input_sha256 is '{view.about.get('input_sha256', '')}', expected 64 hex digits"
    for name in ("activity_id", "software", "version"):
        if not view.about.get(name):
            yield f"/provenance: {name} of the last step is missing"


def check_companions(view: ProductView, path: Path) -> Iterator[str]:
    """Yield what does not agree between a product and the files beside it: provenance and manifest."""
    import json

    from converters.writers.prov_file import prov_path
    from legacy.checksums import checksums
    from legacy.errors import CorruptInputError
    from legacy.manifest import load

    prov = prov_path(path)
    if prov.exists():
        try:
            entities = json.loads(prov.read_text(encoding="utf-8"))["entity"]
        except (ValueError, KeyError, TypeError) as error:
            yield f"{prov.name}: not PROV-JSON ({error!r})"
        else:
            if f"al:{view.about.get('kid')}" not in entities:
                yield f"{prov.name}: does not describe this product (kid {view.about.get('kid')})"
    for manifest in sorted(path.parent.glob("manifest*.jsonl")):
        try:
            entry = load(manifest).get(path.name)
        except CorruptInputError as error:
            yield str(error)
            continue
        if entry is not None:
            sums = checksums(path)
            if (entry.size, entry.sha256) != (sums.size, sums.sha256):
                yield f"{manifest.name}: has another size or sha256 for this file: it was changed after it was made"
