"""Write ROOT files with the names of members that the mapping of AntDST files expects.

No AntDST file is public. uproot writes trees of numbers and of lists of numbers, not objects of C++ classes: the
branches below are named as ROOT names those of split objects, their values are made up. So these files prove that
members of these names are taken to the right places; nothing about the classes of the antdst library, the names of
their members, their nesting, units or conventions, and nothing about objects that ROOT has not split.
"""

from pathlib import Path

import awkward as ak
import numpy as np
import uproot

FITS = {
    "fAAFit": "aafit",
    "fBBFit": "bbfit",
    "fGridFit": "gridfit",
    "fBBFitBrightPoint": "bbfit_bright",
    "fShowerDusjFit": "dusj",
    "fShowerTantraFit": "tantra",
}
PARTICLE = "fRecParticle."
N_FIT_MEMBERS = 14


def arrays(kind: str, n_events: int, seed: int = 1) -> dict[str, np.ndarray]:
    """Make the branches of `n_events` events; `kind` is ``mc`` or ``data``."""
    random = np.random.default_rng(seed)
    branches = {
        "AntDST.fRunId": np.full(n_events, 66730, dtype=np.int32),
        "AntDST.fEventId": np.arange(1, n_events + 1, dtype=np.uint64),
        "AntDST.fFrameIndex": np.arange(n_events, dtype=np.int32) * 7,
        "AntDST.fTriggerCounter": np.arange(n_events, dtype=np.uint32) + 58000,
        "AntDST.fMJD": 56000 + np.sort(random.random(n_events)),
        "AntDST.fEventTime.fSec": np.full(n_events, 1_330_000_000, dtype=np.int32),
        "AntDST.fEventTime.fNanoSec": np.arange(n_events, dtype=np.int32),
        "AntDST.fYYMMDD": np.full(n_events, 120315, dtype=np.int32),
    }
    for front in FITS:
        branches |= _fit(f"AntDST.{front}.", n_events, random)
    simulated = kind == "mc"
    branches |= {
        "AntDST.fMCEvent.fPrimaryParticle.fParticleType": np.full(n_events, 14 * simulated, dtype=np.int32),
        "AntDST.fMCEvent.fPrimaryParticle.fEnergy": simulated * 10 ** random.uniform(1, 5, n_events),
        "AntDST.fMCEvent.fPrimaryParticle.fZenith": simulated * random.uniform(0, np.pi, n_events),
        "AntDST.fMCEvent.fWeight_W2": simulated * 10 ** random.uniform(8, 12, n_events),
        "AntDST.fMCEvent.fWeight_W3": simulated * random.random(n_events),
        "AntDST.fMCEvent.fNGenEvents": np.full(n_events, 1e7 * simulated),
    }
    return branches


def _fit(front: str, n_events: int, random: np.random.Generator) -> dict[str, np.ndarray]:
    there = random.random(n_events) < 0.7
    own = {
        f"{front}fRecQuality": random.normal(-5.5, 0.6, n_events),
        f"{front}fNTriggeredHits": random.integers(5, 60, n_events, dtype=np.int32),
    }
    particle = {
        "fZenith": random.uniform(0, np.pi, n_events),
        "fAzimuth": random.uniform(0, 2 * np.pi, n_events),
        "fAngularError": random.uniform(0.001, 0.03, n_events),
        "fPosition.fX": random.normal(0, 60, n_events),
        "fPosition.fY": random.normal(0, 60, n_events),
        "fPosition.fZ": random.normal(0, 100, n_events),
        "fEnergy": (10 ** random.uniform(2, 5, n_events)).astype(np.float32),
        "fNUsedLines": random.integers(1, 13, n_events, dtype=np.int32),
        "fNUsedHits": random.integers(5, 200, n_events, dtype=np.int32),
        "fTotalUsedAmplitude": random.uniform(10, 400, n_events),
        "fZmin": random.uniform(-200, 0, n_events),
        "fZmax": random.uniform(0, 200, n_events),
    }
    own |= {f"{front}{PARTICLE}{name}": values for name, values in particle.items()}
    return {name: np.where(there, values, np.zeros((), values.dtype)) for name, values in own.items()}


def listed(branches: dict[str, np.ndarray], codes: dict[str, int]) -> dict[str, ak.Array]:
    """Put the fits of each event into one list: branches ``AntDST.fStrategies.<member>``, and the key of each fit."""
    fronts = {f"AntDST.{front}.": codes[name] for front, name in FITS.items()}
    columns: dict[str, ak.Array] = {}
    fits = {name: values for name, values in branches.items() if any(name.startswith(front) for front in fronts)}
    there = {front: fits[f"{front}fRecQuality"] != 0 for front in fronts}
    rows = range(len(next(iter(branches.values()))))
    for member in [name.removeprefix("AntDST.fAAFit.") for name in fits if name.startswith("AntDST.fAAFit.")]:
        values = [[fits[front + member][n] for front in fronts if there[front][n]] for n in rows]
        dtype = fits[f"AntDST.fAAFit.{member}"].dtype
        columns[f"AntDST.fStrategies.{member}"] = ak.values_astype(ak.Array(values), dtype)
    keys = [[code for front, code in fronts.items() if there[front][n]] for n in rows]
    columns["AntDST.fStrategies.fType"] = ak.values_astype(ak.Array(keys), np.int32)
    return {name: values for name, values in branches.items() if name not in fits} | columns


def write(path: Path, branches: dict[str, object], tree: str = "AntData") -> Path:
    """Write a tree; lists become jagged branches, each with a counter of its own."""
    with uproot.recreate(path) as file:
        types = {
            name: values.type.content if isinstance(values, ak.Array) else np.dtype((values.dtype, values.shape[1:]))
            for name, values in branches.items()
        }
        made = file.mktree(tree, types)
        if len(next(iter(branches.values()))):
            made.extend(branches)
    return path
