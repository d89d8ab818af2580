"""What the branches of a flat DST tree mean, and where each one goes.

Names, units and defects are facts of the public program that extracts AntDST files to a tree ``sel``
(mchadolias/preprocess-antares-dst: extract_dst/src/ExtractAntDSTInfo.cc, in the two versions stored there,
whose spellings differ). Names are compared without regard to case.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.layout import DATA_QUALITY, MC_INFO, RECO_PREFIX
from converters.readers.safe_names import printable, safe_name, snake_case
from legacy.model import ColumnSpec, StructuredArray

UNFILLED = "defective: the public extraction never fills it, a constant 0; kept raw"
WRONG_FIT = "defective: the public extraction writes the value of bbfit here; kept raw, never used for /events"

RECOS: Mapping[str, str] = {
    # prefix of the branches -> /reco/<name>; longer prefixes first
    "bbfit_shower": "bbfit_shower",
    "aafit": "aafit",
    "bbfit": "bbfit",
    "gridfit": "gridfit",
    "showerdusj": "dusj",
    "showertantra": "tantra",
    "nnfittrack": "nnfit_track",
    "nnfitshower": "nnfit_shower",
}
PREFERRED = ("aafit", "bbfit", "gridfit", "dusj", "tantra", "bbfit_shower", "nnfit_track", "nnfit_shower")
DESCRIPTIONS: Mapping[str, str] = {
    "aafit": "AAFit muon track; quality is Lambda, higher is better",
    "bbfit": "BBFit muon track; quality is like a chi2, lower is better",
    "gridfit": "GridFit muon track",
    "bbfit_shower": "BBFit bright point; quality is like a chi2, lower is better",
    "dusj": "Dusj shower",
    "tantra": "TANTRA shower",
    "nnfit_track": "NNFit muon track",
    "nnfit_shower": "NNFit shower",
}
SHOWN: Mapping[str, str] = {
    # column of /reco/<name> -> column of /events
    "quality": "quality",
    "angerr_deg": "angular_error",
    "nusedhits": "n_hits",
    "nusedlines": "n_lines",
    "pos_x": "pos_x",
    "pos_y": "pos_y",
    "pos_z": "pos_z",
    "energy": "energy",
    # two estimators exist for AAFit; this one also gives the track length, and both stay in /reco/aafit
    "energy_dedx_cea": "energy",
}

_FIT_COLUMNS: Mapping[str, tuple[str, str]] = {
    "lambda": ("", "Quality of the fit: Lambda"),
    "quality": ("", "Quality of the fit"),
    "bjy": ("", "Bjorken y"),
    "pos_x": ("m", "Position, x"),
    "pos_y": ("m", "Position, y"),
    "pos_z": ("m", "Position, z"),
    "angerr_deg": ("deg", "Estimated error of the direction"),
    "zenith_deg": ("deg", "Zenith angle; no public source says if of the source or of the flight"),
    "cos_zenith": ("", "Cosine of zenith_deg"),
    "azimuth_deg": ("deg", "Azimuth; no public source says if of the source or of the flight"),
    "nusedlines": ("", "Detector lines with hits used by the fit"),
    "nusedhits": ("", "Hits used by the fit"),
    "totalamp": ("", "Total amplitude of the hits used, photoelectrons"),
    "zmin": ("m", "Lowest z of the fit"),
    "zmax": ("m", "Highest z of the fit"),
    "nhits": ("", "Triggered hits of the event"),
    "tracklength": ("m", "Track length, from the energy estimator dEdX"),
    "energy": ("GeV", "Energy"),
    "radius": ("m", "Distance of the position from the z axis"),
    "height": ("m", "Height of the position"),
    "energy_dedx_cea": ("GeV", "Energy, estimator dEdX (CEA)"),
    "energy_ann_ecap": ("GeV", "Energy, estimator ANN (ECAP)"),
}
_SWAPPED = frozenset({"angerr_deg", "zenith_deg", "cos_zenith", "azimuth_deg", "nusedlines", "nusedhits"})
_NEVER_FILLED = {
    "gridfit": {"totalamp"},
    "dusj": {"totalamp"},
    "tantra": {"totalamp"},
}
_SIX = frozenset({"aafit", "bbfit", "gridfit", "bbfit_shower", "dusj", "tantra"})

_KEYS = {
    "mjd": "mjd",
    "run_id": "run_id",
    "runid": "run_id",
    "event_id": "source_event_id",
    "eventid": "source_event_id",
    "event_counter_trigger": "trigger_counter",
    "triggcounter": "trigger_counter",
    "frame_index": "frame_index",
    "frame": "frame_index",
}
TRIGGER_BITS = {"t3n_active": 6, "tt3_active": 14, "tt2_active": 15, "ttq_active": 16}
"""Number of the trigger in the bit mask (tamasgal/km3pipe: io/i3.py): 3D_SCAN, T3, T2, TQ."""
_TRUTH_KEYS = {"w2": "weight_w2", "w3": "weight_w3", "energy_true": "mc_energy", "type": "mc_pdgid"}

_QUALITY: Mapping[str, tuple[str, str, str]] = {
    "baselinerate": ("baseline_rate", "", "Baseline rate of the run, unit of the source"),
    "ratioactive": ("ratio_active", "", "Active optical modules of the run, as a part of all"),
    "burstfraction": ("burst_fraction", "", "Burst fraction of the run"),
    "run_duration": ("run_duration", "s", "Duration of the run: frame time times number of slices"),
    "run_duration_dq": ("run_duration_dq", "s", "Duration of the run, from its data quality record"),
    "rundurationyear": ("run_duration_year", "yr", "Duration of the run: frame time times number of slices"),
    "runquality": ("run_quality", "", "Basic quality of the run"),
    "scan": ("scan", "", "Scan flag of the run"),
}
_RUN_FACTS: Mapping[str, tuple[str, str, str]] = {
    "date": ("date", "", "Date of the event, digits YYMMDD"),
    "run": ("run_of_file", "", "Run number in the name of the AntDST file"),
}
_MONTE_CARLO: Mapping[str, tuple[str, str, str, str]] = {
    "is_neutrino": ("is_neutrino", "", "0 once a muon of MUPAGE was met, else 1", ""),
    "is_cc": ("is_cc", "", "1 charged current, from the file's name; also 1 for muons", ""),
    "interaction_type": (
        "interaction_type",
        "",
        "From the file's name: 1 CC, 2 tau to muon CC, 3 tau to shower CC, 0 NC, -1 muons",
        "",
    ),
    "w_muon": ("w_muon", "", "Weight of the MUPAGE event by class of the run; 0 for neutrinos", ""),
    "w_honda": ("w_honda", "", "Weight with the Honda flux, as the source has it", ""),
    "weight_w2": ("weight_w2_scaled", "", "w2 scaled by the extraction to the run and the generated events", ""),
    "weight_w3": ("weight_w3_scaled", "", "w3 scaled by the extraction to the run and the generated events", ""),
    "weight_muon": ("weight_muon_scaled", "", "w_muon scaled by the extraction", ""),
    "weight_honda": ("weight_honda_scaled", "", "w_honda scaled by the extraction", ""),
    "ngen": ("ngen", "", "Number of generated events", ""),
    "datamcratio": ("data_mc_ratio", "", "Livetime of data over that of the simulation", ""),
    "pos_x_true": ("pos_x_true", "m", "Position of the primary, x", ""),
    "pos_y_true": ("pos_y_true", "m", "Position of the primary, y", ""),
    "pos_z_true": ("pos_z_true", "m", "Position of the primary, z", ""),
    "cos_zenith_true": ("cos_zenith_true", "", "Cosine of the primary's zenith angle, convention not public", ""),
    "azimuthdeg_true": (
        "azimuthdeg_true",
        "rad",
        "Azimuth of the primary: in radians in spite of its name",
        "defective: in radians in spite of its name; kept raw, never used for /events",
    ),
    "bjorken_y_true": (
        "bjorken_y_true",
        "",
        "The constant 0.5",
        "defective: the constant 0.5; kept raw, never used for /events",
    ),
    "e_min_gen": ("e_min_gen", "GeV", "Lowest generated energy, a constant of the extraction", ""),
    "e_max_gen": ("e_max_gen", "GeV", "Highest generated energy, a constant of the extraction", ""),
}
MONTE_CARLO_MARKS = ("type", "energy_true", "ngen", "w2", "weight_w2")
"""Branches that are 0 in every event of real data."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a branch goes.

    Parameters
    ----------
    branch
        Its name in the tree.
    role
        ``event``: a column of ``/events``; ``trigger``: a bit of the mask; ``flag``: says which events have
        the fit; ``row``: a column of `table`; ``dropped``: nowhere.
    table
        Path of the table, for ``row`` and ``flag``.
    target
        Name of the column, for ``event``; number of the trigger, for ``trigger``.
    column
        The column, for ``row``.
    note
        What has to be said about it.
    defective
        True if its values must never reach ``/events``.
    """

    branch: str
    role: str
    table: str = ""
    target: str = ""
    column: ColumnSpec | None = None
    note: str = ""
    defective: bool = False


def column_dtype(dtype: np.dtype[Any]) -> str:
    """Return the dtype of the column for a branch: integers and flags become 8-byte integers."""
    return f"f{max(4, dtype.itemsize)}" if dtype.kind == "f" else "i8"


def places(branches: Iterable[tuple[str, np.dtype[Any]]], *, simulated: bool) -> tuple[Place, ...]:
    """Say where each branch goes.

    Parameters
    ----------
    branches
        Name and dtype of every branch that has one number per event.
    simulated
        True for Monte Carlo.

    Returns
    -------
    tuple of Place
        In the order of the branches.
    """
    found = list(branches)
    lower = [name.lower() for name, _ in found]
    # The run number of the file's name stands in only where the event's own is missing.
    keys = dict(_KEYS) if {"run_id", "runid"} & set(lower) else {**_KEYS, "run": "run_id"}
    taken: dict[str, set[str]] = {}
    result = []
    for name, dtype in found:
        place = _known(name, dtype, keys, simulated=simulated)
        if place.role == "event" and place.target in taken.setdefault("/events", set()):
            place = _other(name, dtype, simulated=simulated)
        if place.role == "event":
            taken["/events"].add(place.target)
        elif place.column is not None:
            used = taken.setdefault(place.table, {"group_id", "n_hit_lines", "total_hits"})
            place = _renamed(place, safe_name(place.column.name, used))
            used.add(place.column.name if place.column else "")
        result.append(place)
    return tuple(result)


def _renamed(place: Place, name: str) -> Place:
    column = place.column
    if column is None or column.name == name:
        return place
    changed = ColumnSpec(name, column.dtype, column.unit, column.description, column.ucd)
    return Place(place.branch, place.role, place.table, place.target, changed, place.note, place.defective)


def _known(name: str, dtype: np.dtype[Any], keys: Mapping[str, str], *, simulated: bool) -> Place:
    lower = name.lower()
    if lower in keys:
        return Place(name, "event", target=keys[lower])
    if lower in TRIGGER_BITS:
        return Place(name, "trigger", target=str(TRIGGER_BITS[lower]))
    if lower in _TRUTH_KEYS or lower in _MONTE_CARLO:
        return _truth(name, dtype, simulated=simulated)
    facts = {**_QUALITY, **_RUN_FACTS}
    if lower in facts:
        column, unit, text = facts[lower]
        return Place(name, "row", DATA_QUALITY, column=ColumnSpec(column, column_dtype(dtype), unit, text))
    return _fit_place(name, dtype) or _other(name, dtype, simulated=simulated)


def _truth(name: str, dtype: np.dtype[Any], *, simulated: bool) -> Place:
    lower = name.lower()
    if not simulated:
        return Place(name, "dropped", note="real data: only the extraction's initial values, no truth")
    if lower in _TRUTH_KEYS:
        return Place(name, "event", target=_TRUTH_KEYS[lower])
    column, unit, text, defect = _MONTE_CARLO[lower]
    spec = ColumnSpec(column, column_dtype(dtype), unit, text)
    return Place(name, "row", MC_INFO, column=spec, note=defect, defective=bool(defect))


def _fit_place(name: str, dtype: np.dtype[Any]) -> Place | None:
    lower = name.lower()
    for prefix, reco in RECOS.items():
        path = RECO_PREFIX + reco
        if lower == f"{prefix}_flag":
            return Place(name, "flag", path)
        if lower.startswith(f"{prefix}_"):
            return _fit_column(name, path, lower.removeprefix(f"{prefix}_"), dtype)
        if lower.startswith(f"energy_{prefix}_"):
            return _fit_column(name, path, "energy_" + lower.removeprefix(f"energy_{prefix}_"), dtype)
    return None


def _fit_column(name: str, path: str, rest: str, dtype: np.dtype[Any]) -> Place:
    reco = path.removeprefix(RECO_PREFIX)
    known = _FIT_COLUMNS.get(rest) if reco in _SIX else None
    unit, text = known or ("", f"Branch {printable(name)} of the source, which does not describe it")
    defect = ""
    if reco == "bbfit_shower" and rest in _SWAPPED:
        defect = WRONG_FIT
    elif reco in _SIX and (rest == "bjy" or rest in _NEVER_FILLED.get(reco, ())):
        defect = UNFILLED
    column = "quality" if rest == "lambda" else snake_case(rest)
    spec = ColumnSpec(column, column_dtype(dtype), unit, text)
    return Place(name, "row", path, column=spec, note=defect, defective=bool(defect))


def _other(name: str, dtype: np.dtype[Any], *, simulated: bool) -> Place:
    text = f"Branch {printable(name)} of the source, which does not describe it"
    spec = ColumnSpec(snake_case(name), column_dtype(dtype), "", text)
    note = "unknown branch: kept raw"
    return Place(name, "row", MC_INFO if simulated else DATA_QUALITY, column=spec, note=note)


def clear_unknown_runs(rows: StructuredArray) -> int:
    """Mark the data quality of runs as missing where the source says that it has none.

    Parameters
    ----------
    rows
        Rows of ``/data_quality``, changed in place.

    Returns
    -------
    int
        Number of rows without data quality.
    """
    if "run_quality" not in (rows.dtype.names or ()):
        return 0
    unknown = rows["run_quality"] == -1
    for column, _, _ in _QUALITY.values():
        if column in (rows.dtype.names or ()):
            rows[column][unknown] = np.nan if rows.dtype[column].kind == "f" else -1
    return int(np.count_nonzero(unknown))
