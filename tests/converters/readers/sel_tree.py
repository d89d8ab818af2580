"""Write ROOT files with a tree ``sel`` as the public extraction of AntDST files makes it.

No such file is public. Names, types, order and defects of the branches are those of the extraction program in
mchadolias/preprocess-antares-dst; the values are made up. So these files prove that branches of these names
are taken to the right places, and nothing about real values, their frames or their conventions of angles.
"""

from pathlib import Path

import numpy as np
import uproot

FITS = {
    # prefix of the branches: its own branches beside those that every fit has
    "aafit": ["zmin", "zmax", "tracklength"],
    "bbfit": ["zmin", "zmax"],
    "gridfit": ["zmin", "zmax"],
    "bbfit_shower": ["zmin", "zmax"],
    "showerdusj": ["energy", "radius", "height"],
    "showertantra": ["energy", "radius", "height"],
}
COMMON = [
    "bjy",
    "pos_x",
    "pos_y",
    "pos_z",
    "angerr_deg",
    "zenith_deg",
    "cos_zenith",
    "azimuth_deg",
    "nusedlines",
    "nusedhits",
    "totalamp",
    "nhits",
]
OLD_SPELLING = {
    "run": "Run",
    "event_id": "EventID",
    "event_counter_trigger": "TriggCounter",
    "frame_index": "Frame",
    "run_id": "RunID",
    "type": "Type",
    "w2": "weight_w2",
    "w3": "weight_w3",
    "w_muon": "weight_muon",
    "w_honda": "weight_honda",
}
ONLY_NEW = {"run_duration", "run_duration_dq"}


def arrays(kind: str, n_events: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Make the branches of `n_events` events; `kind` is ``numu``, ``mupage`` or ``data``."""
    random = np.random.default_rng(seed)
    branches = _run_and_event(n_events, random)
    branches |= _truth(kind, n_events, random)
    for number, name in enumerate(("t3N_active", "tT2_active", "tT3_active", "tTQ_active")):
        branches[name] = random.random(n_events) < 0.8 / (number + 1)
    for prefix in FITS:
        branches |= _fit(prefix, n_events, random)
    _share_with_bbfit(branches)
    return branches


def _run_and_event(n_events: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    run = np.full(n_events, 66730, dtype=np.int32)
    return {
        "MJD": 56000 + np.sort(random.random(n_events)),
        "Date": np.full(n_events, 120315, dtype=np.int32),
        "run": run,
        "event_id": np.arange(1, n_events + 1, dtype=np.uint64),
        "event_counter_trigger": (np.arange(n_events) * 3 + 58000).astype(np.uint64),
        "frame_index": np.floor(np.linspace(2, 900, n_events)),
        "BaselineRate": np.full(n_events, 61.5),
        "RatioActive": np.full(n_events, 0.84, dtype=np.float32),
        "BurstFraction": np.full(n_events, 0.12),
        "run_duration": np.full(n_events, 7200.5),
        "run_duration_dq": np.full(n_events, 7201.0),
        "RunDurationYear": np.full(n_events, 7200.5 / 31557600.0),
        "RunQuality": np.full(n_events, 3.0),
        "Scan": np.zeros(n_events, dtype=np.int32),
        "run_id": run,
    }


def _truth(kind: str, n_events: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    simulated = float(kind != "data")
    code, current = {"numu": (14, 1), "mupage": (-13, -1), "data": (0, 0)}[kind]
    weight = simulated * (kind == "numu")
    return {
        "type": np.full(n_events, code, dtype=np.int32),
        "is_neutrino": np.full(n_events, kind != "mupage"),
        "is_cc": np.full(n_events, kind != "data"),
        "interaction_type": np.full(n_events, current, dtype=np.int32),
        "w2": weight * 10 ** random.uniform(8, 12, n_events),
        "w3": weight * random.random(n_events),
        # uninitialised memory in real data
        "w_muon": np.full(n_events, 3.0 * (kind == "mupage"), dtype=np.float32),
        "w_honda": weight * random.random(n_events),
        "ngen": np.full(n_events, simulated * 1e7),
        "DataMCRatio": np.full(n_events, 1.02 if simulated else 4.5e-41, dtype=np.float32),
        "pos_x_true": simulated * random.normal(0, 50, n_events),
        "pos_y_true": simulated * random.normal(0, 50, n_events),
        "pos_z_true": simulated * random.normal(0, 50, n_events),
        "energy_true": simulated * 10 ** random.uniform(1, 5, n_events),
        "cos_zenith_true": simulated * random.uniform(-1, 1, n_events),
        "azimuthdeg_true": simulated * random.uniform(0, 6.28, n_events),
        "bjorken_y_true": np.full(n_events, 0.5 * simulated),
        "E_min_gen": np.full(n_events, 5.0),
        "E_max_gen": np.full(n_events, 20e3),
    }


def _fit(prefix: str, n_events: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    there = random.random(n_events) < 0.7
    zenith = random.uniform(0, 180, n_events)
    values = {
        "lambda" if prefix == "aafit" else "quality": random.normal(-5.5, 0.6, n_events),
        "bjy": np.zeros(n_events),
        "pos_x": random.normal(0, 60, n_events),
        "pos_y": random.normal(0, 60, n_events),
        "pos_z": random.normal(0, 100, n_events),
        "angerr_deg": random.uniform(0.1, 2, n_events),
        "zenith_deg": zenith,
        "cos_zenith": np.cos(np.radians(zenith)),
        "azimuth_deg": random.uniform(0, 360, n_events),
        "nusedlines": np.floor(random.uniform(1, 13, n_events)),
        "nusedhits": np.floor(random.uniform(5, 200, n_events)),
        "totalamp": np.zeros(n_events) if prefix in ("gridfit", "showerdusj", "showertantra") else there * 77.0,
    }
    values |= {name: random.uniform(10, 400, n_events) for name in FITS[prefix]}
    if prefix == "aafit":
        values |= {"dEdX_CEA": 10 ** random.uniform(2, 5, n_events), "ANN_ECAP": 10 ** random.uniform(2, 5, n_events)}
    values["nhits"] = np.floor(random.uniform(5, 60, n_events))
    for name, column in values.items():
        values[name] = _stale(column, there)
    named = {f"energy_{prefix}_{n}" if "_E" in n or "dX" in n else f"{prefix}_{n}": v for n, v in values.items()}
    return {**named, f"{prefix}_flag": there}


def _stale(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Repeat the last value where there is no fit, as the program does; 0 before the first."""
    last = np.maximum.accumulate(np.where(there, np.arange(len(values)), -1))
    return np.where(last >= 0, values[last], 0.0)


def _share_with_bbfit(branches: dict[str, np.ndarray]) -> None:
    for name in ("angerr_deg", "zenith_deg", "cos_zenith", "azimuth_deg", "nusedlines", "nusedhits"):
        branches[f"bbfit_shower_{name}"] = branches[f"bbfit_{name}"]


def old_spelling(branches: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name the branches as the older version of the program does."""
    return {OLD_SPELLING.get(name, name): values for name, values in branches.items() if name not in ONLY_NEW}


def weighted(branches: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Scale the weights and add the branches that the public program CorrectTree adds."""
    early = np.where(branches["run_id"] < 30412, 0.8, 1.0)
    with np.errstate(invalid="ignore"):  # a ratio may be infinite, and a weight 0
        scaled = {
            name: (branches[name].astype("f8") * early * branches["DataMCRatio"]).astype(branches[name].dtype)
            for name in ("w2", "w3", "w_honda", "w_muon")
        }
    year = branches["Date"] // 10000
    more = {
        "Year": year.astype(np.int32),
        "w_non_osc": scaled["w3"] / branches["ngen"] * branches["RunDurationYear"],
        # its table has years of four digits: none is found
        "weight_one_year": np.full(len(year), np.inf),
    }
    return branches | scaled | more


def write(path: Path, branches: dict[str, np.ndarray], tree: str = "sel", pieces: int = 1) -> Path:
    """Write a tree, in as many baskets as asked for."""
    with uproot.recreate(path) as file:
        types = {
            name: values.dtype if values.ndim == 1 else (values.dtype, values.shape[1:])
            for name, values in branches.items()
        }
        made = file.mktree(tree, types)
        for part in np.array_split(np.arange(len(next(iter(branches.values())))), pieces):
            made.extend({name: values[part] for name, values in branches.items()})
    return path
