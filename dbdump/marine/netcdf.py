"""Writes one NetCDF-4 file: CF 1.8 time series, or time series of profiles, with the attributes of ACDD 1.3.

Layout: CF 1.8 appendix H.2 (single time series) and H.5 (time series of profiles at one station). The same rows,
mapping and SOURCE_DATE_EPOCH give the same bytes with the same version of the NetCDF library.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dbdump.marine.attributes import RECOMMENDED
from dbdump.marine.counts import FileCounts, VariableCounts
from dbdump.marine.flags import BAD, FLAG_FILL, MEANINGS
from dbdump.marine.mapping import Dataset, Variable
from dbdump.marine.position import Place
from dbdump.marine.series import GAP_INTERVALS, KEPT_GAPS, Block
from dbdump.marine.times import iso
from dbdump.marine.vocabulary import STANDARD_NAME_VOCABULARY

TIME_UNITS = "seconds since 1970-01-01T00:00:00Z"
FILL = 9.969209968386869e36
"""_FillValue of numbers: the default of the NetCDF library."""
_CHUNK = 8192
_COMPRESSION = {"compression": "zlib", "complevel": 4, "shuffle": True}
_INT32 = 2**31


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What is known of a file before its values are.

    Parameters
    ----------
    dataset
        From the mapping.
    identifier, station
        ACDD's ``id``, and the name of the station.
    place
        Where the instrument is.
    cells
        Depths of the cells of profiles, m, growing; None for a series.
    origin
        Attributes that say where the values come from: image, mapping, program.
    created
        ISO 8601 UTC.
    """

    dataset: Dataset
    identifier: str
    station: str
    place: Place
    cells: NDArray[np.float64] | None
    origin: Mapping[str, str]
    created: str


def write_netcdf(path: Path, facts: FileFacts, blocks: Iterable[Block], counts: FileCounts) -> None:
    """Write the blocks of a file, in their order.

    Parameters
    ----------
    path
        Replaced if it exists.
    facts
        What the attributes say.
    blocks
        Times grow strictly.
    counts
        Filled with what is written; what the blocks' makers have counted ends up in the attributes.

    Raises
    ------
    OSError
        The file cannot be written.
    ValueError
        Times do not grow: an error of this program, not of the data.
    """
    import netCDF4

    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.set_fill_off()
        _define(file, facts)
        written, before = 0, -np.inf
        for block in blocks:
            seconds = block.times / 1e6
            if np.any(np.diff(seconds, prepend=before) <= 0):
                raise ValueError(f"{path}: times do not grow")
            written, before = _append(file, facts, block, counts, written), seconds[-1]
        counts.times = written
        _describe(file, facts, counts)


def _define(file: Any, facts: FileFacts) -> None:
    file.createDimension("time", None)
    if facts.cells is not None:
        file.createDimension("depth", len(facts.cells))
    station = file.createVariable("station", str, ())
    station.setncatts({"long_name": "name of the instrument", "cf_role": "timeseries_id"})
    station[...] = facts.station
    time = file.createVariable("time", "f8", ("time",), chunksizes=(_CHUNK,), **_COMPRESSION)
    time.setncatts({"standard_name": "time", "long_name": "time of the measurement", "units": TIME_UNITS})
    time.setncatts({"calendar": "standard", "axis": "T", "coverage_content_type": "coordinate"})
    if facts.cells is not None:
        profile = file.createVariable("profile", "i4", ("time",), chunksizes=(_CHUNK,), **_COMPRESSION)
        profile.setncatts({"long_name": "number of the profile, from 1", "cf_role": "profile_id"})
    _coordinate(file, "latitude", "degrees_north", "Y", facts.place.latitude)
    _coordinate(file, "longitude", "degrees_east", "X", facts.place.longitude)
    _coordinate(file, "depth", "m", "Z", facts.place.depth, facts.cells)
    for variable in facts.dataset.variables:
        _define_variable(file, facts, variable)


def _coordinate(
    file: Any, name: str, units: str, axis: str, value: float, cells: NDArray[np.float64] | None = None
) -> None:
    made = file.createVariable(name, "f8", () if cells is None else (name,))
    long_name = {"latitude": "latitude of the instrument", "longitude": "longitude of the instrument"}.get(name)
    long_name = long_name or ("depth of the instrument" if cells is None else "depth of the cell")
    made.setncatts({"standard_name": name, "long_name": f"{long_name}", "units": units, "axis": axis})
    if axis == "Z":
        made.positive = "down"
        made.comment = "below the sea surface"
        if cells is not None:
            made.instrument_depth = np.float64(value)
    made.coverage_content_type = "coordinate"
    made[...] = value if cells is None else cells


def _define_variable(file: Any, facts: FileFacts, variable: Variable) -> None:
    profiles = facts.cells is not None
    dimensions = ("time", "depth") if profiles else ("time",)
    chunks = (max(1, _CHUNK // len(facts.cells)), len(facts.cells)) if facts.cells is not None else (_CHUNK,)
    coordinates = "latitude longitude station" if profiles else "latitude longitude depth station"
    storage: dict[str, Any] = {"chunksizes": chunks, **_COMPRESSION}
    made = file.createVariable(variable.name, "f8", dimensions, fill_value=FILL, **storage)
    attributes = {
        "standard_name": variable.standard_name,
        "long_name": variable.long_name,
        "units": variable.unit,
        "coordinates": coordinates,
        "ancillary_variables": f"{variable.name}_QC",
        "coverage_content_type": "physicalMeasurement",
        "sdn_parameter_urn": f"SDN:P01::{variable.p01}" if variable.p01 else None,
        "sdn_uom_urn": f"SDN:P06::{variable.p06}" if variable.p06 else None,
        "source_column": variable.column,
        "source_units": variable.unit_in if variable.unit_in != variable.unit else None,
        **variable.attributes,
    }
    made.setncatts({key: value for key, value in attributes.items() if value is not None})
    quality = file.createVariable(f"{variable.name}_QC", "i1", dimensions, fill_value=np.int8(FLAG_FILL), **storage)
    quality.setncatts(
        {
            "standard_name": "status_flag",
            "long_name": f"quality flag of {variable.long_name}",
            "conventions": "OceanSITES quality control flags",
            "flag_values": np.array(list(MEANINGS), dtype=np.int8),
            "flag_meanings": " ".join(MEANINGS.values()),
            "coordinates": coordinates,
            "coverage_content_type": "qualityInformation",
            "comment": _quality_comment(variable),
        }
    )


def _quality_comment(variable: Variable) -> str:
    said = [f"from column {variable.flags.column}" if variable.flags else "the database has no flags for it"]
    bounds = [
        f"{word} {float(bound):g} {variable.unit}"
        for word, bound in (("below", variable.low), ("above", variable.high))
        if bound is not None
    ]
    if bounds:
        said.append(f"values {' or '.join(bounds)} are kept and flagged {BAD}")
    return "; ".join([*said, "9 where there is no value"])


def _append(file: Any, facts: FileFacts, block: Block, counts: FileCounts, written: int) -> int:
    upto = written + len(block.times)
    file["time"][written:upto] = block.times / 1e6
    if facts.cells is not None:
        file["profile"][written:upto] = np.arange(written + 1, upto + 1, dtype=np.int32)
    for number, variable in enumerate(facts.dataset.variables):
        values, flags = block.values[number], block.flags[number].copy()
        counted = counts.variables.setdefault(variable.name, VariableCounts())
        outside = np.zeros(values.shape, dtype=np.bool_)
        if variable.low is not None:
            outside |= values < float(variable.low)
        if variable.high is not None:
            outside |= values > float(variable.high)
        flags[outside] = BAD
        missing = np.isnan(values)
        counted.missing += int(np.count_nonzero(missing))
        counted.out_of_range += int(np.count_nonzero(outside))
        counted.add(flags)
        file[variable.name][written:upto] = np.where(missing, FILL, values)
        file[f"{variable.name}_QC"][written:upto] = flags
    return upto


def _describe(file: Any, facts: FileFacts, counts: FileCounts) -> None:
    """Write the global attributes: what the mapping says, what follows from the values, where they come from."""
    dataset, place = facts.dataset, facts.place
    depths = [place.depth] if facts.cells is None else [float(facts.cells.min()), float(facts.cells.max())]
    kind = "timeSeries" if facts.cells is None else "timeSeriesProfile"
    attributes: dict[str, Any] = {
        "Conventions": "CF-1.8, ACDD-1.3",
        "featureType": kind,
        "cdm_data_type": "TimeSeries" if facts.cells is None else "TimeSeriesProfile",
        "id": facts.identifier,
        "standard_name_vocabulary": STANDARD_NAME_VOCABULARY,
        "source": f"rows of table {dataset.table} of a database, as an image keeps them",
        "comment": "Missing values are _FillValue with the flag 9. Values are never changed but for their unit.",
        **dataset.attributes,
        "date_created": facts.created,
        "history": f"{facts.created}: {facts.origin['tool']} dbdump to-netcdf, from {facts.origin['image']}",
        "geospatial_bounds": f"POINT ({place.latitude:.10g} {place.longitude:.10g})",
        "geospatial_bounds_crs": "EPSG:4326",
        "geospatial_bounds_vertical_crs": "EPSG:5831",
        "geospatial_lat_min": place.latitude,
        "geospatial_lat_max": place.latitude,
        "geospatial_lat_units": "degrees_north",
        "geospatial_lon_min": place.longitude,
        "geospatial_lon_max": place.longitude,
        "geospatial_lon_units": "degrees_east",
        "geospatial_vertical_min": min(depths),
        "geospatial_vertical_max": max(depths),
        "geospatial_vertical_units": "m",
        "geospatial_vertical_positive": "down",
        **_coverage(dataset, counts),
        "source_image": facts.origin["image"],
        "source_image_manifest_sha256": facts.origin["manifest"],
        "source_tables": ", ".join(
            filter(None, (dataset.table, *(each.table for each in dataset.joins), dataset.position.table))
        ),
        "mapping_sha256": facts.origin["mapping"],
        "processing_software": facts.origin["tool"],
        **_counted(counts),
    }
    # Attributes that stay empty say nothing; setncatts keeps the order.
    file.setncatts({key: value for key, value in attributes.items() if value not in (None, "")})


def _coverage(dataset: Dataset, counts: FileCounts) -> dict[str, Any]:
    """Return what is said of the times, and of the gaps in them."""
    said: dict[str, Any] = {}
    if counts.first is not None and counts.last is not None:
        said["time_coverage_start"] = iso(counts.first)
        said["time_coverage_end"] = iso(counts.last)
        said["time_coverage_duration"] = duration(counts.last - counts.first)
    if dataset.interval is None:
        return said | {"gaps_comment": "no interval is declared, so gaps were not looked for"}
    said["time_coverage_resolution"] = duration(dataset.interval)
    said["sampling_interval_seconds"] = dataset.interval / 1e6
    said["gaps_count"] = _integer(counts.gap_count)
    if counts.gaps:
        said["gaps"] = ", ".join(f"{iso(start)}/{iso(end)}" for start, end in counts.gaps)
    filled = "filled with missing values" if dataset.fill_gaps else "not filled: these times are not in the file"
    cut = f"; the first {KEPT_GAPS} are listed" if counts.gap_count > KEPT_GAPS else ""
    said["gaps_comment"] = f"last sample before and first after steps above {GAP_INTERVALS} intervals; {filled}{cut}"
    return said


def _counted(counts: FileCounts) -> dict[str, Any]:
    said: dict[str, Any] = {
        "rows_read": _integer(counts.rows),
        "rows_dropped_identical": _integer(counts.identical),
        "rows_dropped_contradicting": _integer(counts.contradicting),
        "times_written": _integer(counts.times),
        "times_filled_in": _integer(counts.filled_times),
        "cells_without_row": _integer(counts.absent_cells),
    }
    by_flag = {
        name: {str(flag): number for flag, number in each.flags.items() if number}
        for name, each in counts.variables.items()
    }
    return said | {"values_by_flag": json.dumps(by_flag)}


def _integer(value: int) -> Any:
    # CF 1.8 knows no 64-bit whole numbers.
    return np.int32(value) if value < _INT32 else np.float64(value)


def duration(micros: int) -> str:
    """Return a length of time as ISO 8601, such as ``P59DT23H45M`` or ``PT15M``."""
    seconds, fraction = divmod(micros, 10**6)
    days, seconds = divmod(seconds, 86_400)
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    tail = f"{seconds}.{fraction:06d}".rstrip("0") if fraction else str(seconds)
    time = "".join(f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M")) if value)
    time += f"{tail}S" if seconds or fraction else ""
    text = (f"{days}D" if days else "") + (f"T{time}" if time else "")
    return f"P{text}" if text else "PT0S"


def missing_attributes(dataset: Dataset) -> tuple[str, ...]:
    """Return what ACDD recommends and the mapping does not set."""
    computed = ("source", "comment")
    return tuple(name for name in RECOMMENDED if name not in dataset.attributes and name not in computed)
