"""KM3NeT offline ROOT: the whole process beside km3io with its best track.

Run as ``python -m benchmarks.offline_root WHAT FILE OUT`` it does the work of one child process.
"""

import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.inputs import sample_path
from benchmarks.measure import OUT, Answer, Case, answering

GROUP = "offline-root"
SAMPLE = "offline/mcv5.11r2.gsg_muonCChigherE-CC_50-5000GeV.km3_AAv1.jterbr00004695.jchain.aanet.498.root"  # 307 events
_TRACK = ("pos_x", "pos_y", "pos_z", "dir_x", "dir_y", "dir_z", "E", "t", "lik", "len")
_MC_TRACK = ("pos_x", "pos_y", "pos_z", "dir_x", "dir_y", "dir_z", "E")
_EVENT = ("id", "run_id", "frame_index", "trigger_counter", "t_sec", "t_ns", "overlays", "trigger_mask")


def cases() -> list[Case]:
    """Return the cases of this group."""
    path = sample_path(SAMPLE)
    program = str(Path(sys.executable).parent / "antares-legacy")
    convert = (program, "--quiet", "convert", str(path), "-o", OUT)
    child = (sys.executable, "-m", "benchmarks.offline_root")
    size = path.stat().st_size
    return [
        Case(f"{GROUP}/convert", GROUP, "`antares-legacy convert`", convert, size),
        Case(
            f"{GROUP}/km3io", GROUP, "km3io: OfflineReader, best_jmuon, h5py", (*child, "km3io", str(path), OUT), size
        ),
        Case(f"{GROUP}/rows", GROUP, "rows of our product", (*child, "rows", str(path), OUT), size, timed=False),
    ]


def _km3io(path: Path, out: Path) -> Answer:
    """Write one row per event with the best muon track and the first simulated particle."""
    import awkward as ak
    import h5py
    import km3io  # type: ignore[import-untyped]
    import numpy as np

    def plain(values: Any) -> Any:
        array = ak.to_numpy(values)
        return np.ma.filled(array.astype("f8"), np.nan) if np.ma.isMaskedArray(array) else array

    started = time.process_time()
    with km3io.OfflineReader(str(path)) as reader:
        best = km3io.tools.best_jmuon(reader.tracks)
        columns = {name: plain(getattr(reader, name)) for name in _EVENT}
        columns |= {f"track_{name}": plain(getattr(best, name)) for name in _TRACK}
        columns |= {f"mc_{name}": plain(ak.firsts(getattr(reader.mc_tracks, name))) for name in _MC_TRACK}
        columns["n_hits"] = plain(ak.num(reader.hits.id))
    rows = np.empty(len(columns["id"]), [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        rows[name] = values
    with h5py.File(out / "rows.h5", "w") as file:
        file.create_dataset("events", data=rows)
    work = time.process_time() - started
    likelihood = columns["track_lik"]
    return {
        "work": work,
        "events": len(rows),
        "fits": int(np.isfinite(likelihood).sum()),
        "likelihood": float(np.nansum(likelihood)),
        "dir_z": float(np.nansum(columns["track_dir_z"])),
        "hits": int(columns["n_hits"].sum()),
    }


def _rows(path: Path, out: Path) -> Answer:
    """Convert the file in this process and add up what km3io's rows have too."""
    import h5py
    import numpy as np

    from converters.pipeline import convert_one
    from converters.request import Request

    target = out / "events.l3.h5"
    convert_one(Request(path, target))
    with h5py.File(target, "r") as file:
        events, hits = file["events"][:], file["mc_info"]["n_hit_lines"]
    likelihood = events["quality"]
    return {
        "events": len(events),
        "fits": int(np.isfinite(likelihood).sum()),
        "likelihood": float(np.nansum(likelihood)),
        "dir_z": float(np.nansum(events["dir_z"])),
        "hits": int(hits.sum()),
    }


if __name__ == "__main__":
    work = {"km3io": _km3io, "rows": _rows}[sys.argv[1]]
    with answering() as answer:
        answer(work(Path(sys.argv[2]), Path(sys.argv[3])))
