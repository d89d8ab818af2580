"""Second reader of flat DST trees: one event at a time, in plain Python.

The spellings, meanings and defects of the branches are facts of the public extraction program
(mchadolias/preprocess-antares-dst: extract_dst/src/ExtractAntDSTInfo.cc).
"""

import keyword
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uproot

from converters.reread.contract import Expected, Value
from converters.reread.dst_flat_fixes import NO_REPAIRS, Repairs, find_repairs
from converters.source import ReadOptions

_Numbers = Mapping[str, float | int]

_FITS = {
    "aafit": "aafit",
    "bbfit": "bbfit",
    "gridfit": "gridfit",
    "showerdusj": "dusj",
    "showertantra": "tantra",
    "bbfit_shower": "bbfit_shower",
}
_RUN_QUALITY = {
    "baselinerate": "baseline_rate",
    "ratioactive": "ratio_active",
    "burstfraction": "burst_fraction",
    "run_duration": "run_duration",
    "run_duration_dq": "run_duration_dq",
    "rundurationyear": "run_duration_year",
    "runquality": "run_quality",
    "scan": "scan",
}
_OTHER_NAMES = {
    "date": "date",
    "run": "run_of_file",
    "weight_w2": "weight_w2_scaled",
    "weight_w3": "weight_w3_scaled",
    "weight_muon": "weight_muon_scaled",
    "weight_honda": "weight_honda_scaled",
    "datamcratio": "data_mc_ratio",
}
_SIMULATION = frozenset(
    [
        "is_neutrino",
        "is_cc",
        "interaction_type",
        "w_muon",
        "w_honda",
        "weight_w2",
        "weight_w3",
        "weight_muon",
        "weight_honda",
        "ngen",
        "datamcratio",
        "pos_x_true",
        "pos_y_true",
        "pos_z_true",
        "cos_zenith_true",
        "azimuthdeg_true",
        "bjorken_y_true",
        "e_min_gen",
        "e_max_gen",
    ]
)
_IN_EVENTS = {
    "run_id": ("run_id", "runid"),
    "frame_index": ("frame_index", "frame"),
    "trigger_counter": ("event_counter_trigger", "triggcounter"),
    "source_event_id": ("event_id", "eventid"),
    "mjd": ("mjd",),
}
_TRIGGERS = {"t3n_active": 1 << 5, "tt3_active": 1 << 13, "tt2_active": 1 << 14, "ttq_active": 1 << 15}
_TRUTH = frozenset({"type", "energy_true", "w2", "w3"})
_FORBIDDEN = {*keyword.kwlist, "name", "h5loc", "split_h5", "h5singleton"}


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the branches of a file go: for each table the column of each branch."""

    tables: Mapping[str, Mapping[str, str]]
    flags: Mapping[str, str]
    simulated: bool
    shown: str
    zenith: str | None


def reread(path: Path, options: ReadOptions) -> Iterator[Expected]:
    """Read the events of a flat DST.

    Parameters
    ----------
    path
        The file.
    options
        `reco`, `zenith` and `fix_known_defects` matter.

    Yields
    ------
    Expected
        One event after the other.
    """
    with uproot.open(path) as root:
        tree = root["sel"]
        names = [branch.name for branch in tree.branches if _is_number(branch)]
        plan = _plan(names, _simulated(tree, names), options)
        repairs = NO_REPAIRS
        if options.fix_known_defects:
            repairs = find_repairs(names, lambda wanted: _events(tree, wanted))
        for event in _events(tree, names):
            yield _expected(event, plan, repairs)


def _is_number(branch: Any) -> bool:
    return re.fullmatch(r"bool|u?int(8|16|32|64)_t|float|double", str(branch.typename)) is not None


def _events(tree: Any, names: list[str]) -> Iterator[dict[str, float | int]]:
    for start in range(0, tree.num_entries, 500):
        stop = min(start + 500, tree.num_entries)
        columns = [tree[name].array(entry_start=start, entry_stop=stop, library="np").tolist() for name in names]
        for values in zip(*columns, strict=True):
            yield dict(zip(names, values, strict=True))


def _simulated(tree: Any, names: list[str]) -> bool:
    telling = [name for name in names if name.lower() in ("type", "energy_true", "ngen", "w2", "weight_w2")]
    for event in _events(tree, telling):
        for name, value in event.items():
            if math.isfinite(value) and (value > 0 or (name.lower() == "type" and value != 0)):
                return True
    return False


def _plan(names: list[str], simulated: bool, options: ReadOptions) -> _Plan:
    lower = [name.lower() for name in names]
    run_missing = "run_id" not in lower and "runid" not in lower
    tables: dict[str, dict[str, str]] = {}
    flags: dict[str, str] = {}
    filled: set[str] = set()
    for name in names:
        own = name.lower()
        target = next((column for column, spellings in _IN_EVENTS.items() if own in spellings), "")
        if own == "run" and run_missing:
            target = "run_id"
        if target and target not in filled:
            filled.add(target)
            continue
        if own in _TRIGGERS or (own in _TRUTH | _SIMULATION and not simulated) or own in _TRUTH:
            continue
        fit, rest = _fit_of(own)
        if rest == "flag":
            flags[f"/reco/{fit}"] = name
            continue
        if fit:
            path, column = f"/reco/{fit}", "quality" if rest == "lambda" else rest
        elif own in _RUN_QUALITY or own in ("date", "run"):
            path, column = "/data_quality", _RUN_QUALITY.get(own) or _OTHER_NAMES[own]
        else:
            path = "/mc_info" if simulated else "/data_quality"
            column = _OTHER_NAMES.get(own) or (own if own in _SIMULATION else _words(name))
        table = tables.setdefault(path, {})
        table[name] = _free(column, [*table.values(), "group_id", "n_hit_lines", "total_hits"])
    there = [fit for fit in ("aafit", "bbfit", "gridfit", "dusj", "tantra", "bbfit_shower") if f"/reco/{fit}" in tables]
    shown = options.reco or (there[0] if there else "none")
    return _Plan(tables, flags, simulated, shown, options.zenith)


def _fit_of(name: str) -> tuple[str, str]:
    """Return the fit that a branch belongs to, and the rest of its name."""
    for prefix in sorted((*_FITS, "nnfittrack", "nnfitshower"), key=len, reverse=True):
        fit = _FITS.get(prefix) or prefix.replace("nnfit", "nnfit_")
        if name.startswith(prefix + "_"):
            return fit, name[len(prefix) + 1 :]
        if name.startswith(f"energy_{prefix}_"):
            return fit, "energy_" + name[len(prefix) + 8 :]
    return "", ""


def _words(text: str) -> str:
    marked = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", text)
    marked = re.sub(r"([A-Z])([A-Z][a-z])", r"\1 \2", marked)
    return "_".join(re.findall(r"[a-z0-9]+", marked.lower()))


def _free(text: str, used: list[str]) -> str:
    name = "_".join(re.findall(r"[a-z0-9]+", text))[:56] or "unnamed"
    name = f"n_{name}" if name[0].isdigit() else name
    name = f"{name}_" if name in _FORBIDDEN else name
    number, unique = 1, name
    while unique in used:
        number += 1
        unique = f"{name}_{number}"
    return unique


def _expected(event: _Numbers, plan: _Plan, repairs: Repairs) -> Expected:
    lower: dict[str, float | int] = {}
    repaired = repairs.repaired(event)
    for name, value in repaired.items():
        lower.setdefault(name.lower(), value)
    events = _keys(lower)
    events |= _truth(lower, plan.zenith) if plan.simulated else {}
    tables: dict[str, tuple[Mapping[str, Value], ...]] = {}
    for path, columns in plan.tables.items():
        found = {column: _stored(event[name]) for name, column in columns.items()}
        row = {column: _stored(repaired[name]) for name, column in columns.items()}
        if path == "/data_quality" and row.get("run_quality") == -1:
            row |= {
                name: math.nan if isinstance(row[name], float) else -1 for name in _RUN_QUALITY.values() if name in row
            }
        there = not path.startswith("/reco/") or _has_fit(event, found, plan.flags.get(path))
        tables[path] = (row,) if there else ()
    fit = tables.get(f"/reco/{plan.shown}", ())
    events |= _shown_fit(fit[0] if fit else {}, plan)
    info = {name: value for name, value in events.items() if name in _INFO}
    return Expected({name: value for name, value in events.items() if name != "source_event_id"}, info, tables)


_INFO = frozenset(
    {"run_id", "frame_index", "trigger_counter", "source_event_id", "trigger_mask", "weight_w2", "weight_w3"}
)


def _stored(value: float | int) -> float | int:
    if isinstance(value, float):
        return value
    return int(value) if value < 1 << 63 else -1


def _whole(value: float | int | None, lowest: int = 0) -> int:
    if value is None or not math.isfinite(value) or value != int(value) or not lowest <= value < 1 << 63:
        return -1
    return int(value)


def _keys(lower: _Numbers) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for column, spellings in _IN_EVENTS.items():
        found = next((lower[name] for name in lower if name in spellings), None)
        if column == "run_id" and found is None:
            found = lower.get("run")
        if column != "mjd":
            values[column] = _whole(found)
        else:
            values[column] = float(found) if found is not None and 50_000 < found < 70_000 else math.nan
    fired = [bit for name, bit in _TRIGGERS.items() if lower.get(name, 0) > 0]
    values["trigger_mask"] = sum(fired) if any(name in lower for name in _TRIGGERS) else -1
    return values


def _truth(lower: _Numbers, convention: str | None) -> dict[str, Value]:
    code = _whole(lower.get("type", 0), -(1 << 31))
    energy = float(lower.get("energy_true", math.nan))
    current = lower.get("is_cc", lower.get("interaction_type"))
    cosine = float(lower.get("cos_zenith_true", math.nan))
    zenith = math.acos(cosine) if convention and abs(cosine) <= 1 else math.nan
    return {
        "mc_pdgid": code or -1,
        "mc_energy": energy if math.isfinite(energy) and energy > 0 else math.nan,
        "mc_is_cc": int(current > 0) if current is not None and abs(code) in (12, 14, 16) else -1,
        "mc_zenith": math.pi - zenith if convention == "flight" else zenith,
        "weight_w2": float(lower.get("w2", math.nan)),
        "weight_w3": float(lower.get("w3", math.nan)),
    }


def _has_fit(event: _Numbers, row: Mapping[str, Value], flag: str | None) -> bool:
    quality = row.get("quality")
    if flag is None and not isinstance(quality, float):
        floats = [value for value in row.values() if isinstance(value, float)]
        return not floats or any(not math.isnan(value) for value in floats)
    flagged = flag is None or event[flag] > 0
    return flagged and not (isinstance(quality, float) and math.isnan(quality))


def _shown_fit(row: Mapping[str, Any], plan: _Plan) -> dict[str, Value]:
    names = (
        "quality",
        "energy",
        "pos_x",
        "pos_y",
        "pos_z",
        "angular_error",
        "zenith",
        "azimuth",
        "dir_x",
        "dir_y",
        "dir_z",
    )
    values: dict[str, Value] = {**dict.fromkeys(names, math.nan), "n_hits": -1, "n_lines": -1, "reco": b"none"}
    if not row:
        return values
    values["reco"] = plan.shown.encode()
    for name in ("quality", "pos_x", "pos_y", "pos_z"):
        values[name] = float(row.get(name, math.nan))
    energy = row.get("energy_dedx_cea", row.get("energy", math.nan))
    values["energy"] = energy if math.isfinite(energy) and energy > 0 else math.nan
    if plan.shown == "bbfit_shower":
        return values  # its angles, hits and lines are those of bbfit
    error = row.get("angerr_deg", math.nan)
    values["angular_error"] = error if math.isfinite(error) and error >= 0 else math.nan
    values["n_hits"], values["n_lines"] = _whole(row.get("nusedhits")), _whole(row.get("nusedlines"))
    return values | _direction(row, plan.zenith)


def _direction(row: Mapping[str, Any], convention: str | None) -> dict[str, Value]:
    zenith, azimuth = float(row.get("zenith_deg", math.nan)), float(row.get("azimuth_deg", math.nan))
    if not convention or not 0 <= zenith <= 180 or not abs(azimuth) <= 360:
        return {}
    zenith, azimuth = math.radians(zenith), math.radians(azimuth)
    if convention == "flight":
        zenith, azimuth = math.pi - zenith, azimuth + math.pi
    azimuth %= 2 * math.pi
    azimuth = 0.0 if azimuth >= 2 * math.pi else azimuth
    return {
        "zenith": zenith,
        "azimuth": azimuth,
        "dir_x": -math.sin(zenith) * math.cos(azimuth),
        "dir_y": -math.sin(zenith) * math.sin(azimuth),
        "dir_z": -math.cos(zenith),
    }
