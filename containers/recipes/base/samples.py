"""Write small files into a folder, for the tests of the images.

    samples.py FOLDER KIND...        kinds: evt, dst (needs uproot), list

The values are made up: no file of the experiment may be shared without its permission. Layouts are those that the
readers of antares-legacy document.
"""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

EVENTS = 3
RUN = 45678


def write_evt(folder: Path) -> None:
    """Write an `.evt` file of GENHEN's kind: header, then events with a neutrino, its muon, weights and hits."""
    header = [
        f"start_run: {RUN}",
        "cut_nu: 0.100E+03 0.100E+09-0.100E+01 0.100E+01",
        "physics: GENHEN 7.1-120213 140220 1233",
        "spectrum: -1.40",
        "can: -405.93 508.68 706.21",
        "end_event:",
    ]
    lines = [*header, *(line for n in range(EVENTS) for line in _event(n + 1))]
    (folder / "genhen.evt").write_text("\n".join(lines) + "\n", encoding="ascii")


def _event(number: int) -> list[str]:
    place = f"{10.5 * number:.3f} {-20.25 * number:.3f} {100.0 + number:.3f}"
    energy = 10.0 ** (number + 1)
    return [
        f"start_event: {number} 1",
        f"neutrino: 1 {place} 0.6 0.0 0.8 {energy:.6E} 0.0 0.25 0.5 14 14 2",
        f"track_in: 1 {place} 0.6 0.0 0.8 {0.75 * energy:.6E} 0.0 5",
        "weights: 0.1433E+10 0.4326E+10 0.5304E+06",
        f"hit: 1 {100 + number} 0.8756E+00 259.31 -3 2 1 261.10",
        f"hit: 2 {200 + number} 0.1101E+01 327.77 -3 2 1 330.11",
        "total_hits: 2",
        "end_event:",
    ]


def write_dst(folder: Path) -> None:
    """Write a ROOT file with a flat tree ``sel``, as the public extraction of AntDST files makes it."""
    import numpy as np
    import uproot

    number = np.arange(EVENTS)
    branches = {
        "MJD": 56000.0 + number,
        "run_id": np.full(EVENTS, RUN, dtype=np.int32),
        "event_id": (number + 1).astype(np.uint64),
        "aafit_flag": np.ones(EVENTS, dtype=np.bool_),
        "aafit_lambda": -5.0 - 0.1 * number,
        "aafit_zenith_deg": 120.0 + number,
        "aafit_azimuth_deg": 30.0 * number,
        "aafit_angerr_deg": np.full(EVENTS, 0.4),
        "aafit_nusedhits": 20.0 + number,
    }
    with uproot.recreate(folder / "dst.root") as file:
        tree = file.mktree("sel", {name: values.dtype for name, values in branches.items()})
        tree.extend(branches)


def write_list(folder: Path) -> None:
    """Write a list of events as the public ones are: right ascension, declination, hits, error, time."""
    rows = [f"{10.0 * n:.3f} {-30.0 + n:.3f} {40 + n} {0.3 + 0.1 * n:.2f} {55000.5 + n:.6f}" for n in range(EVENTS)]
    text = "\n".join(["# RA Decl Nhit beta MJD", *rows]) + "\n"
    (folder / "list.txt").write_text(text, encoding="ascii")


KINDS: Mapping[str, Callable[[Path], None]] = {"evt": write_evt, "dst": write_dst, "list": write_list}


def main() -> None:
    """Write files of the kinds named into the folder named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for kind in sys.argv[2:]:
        KINDS[kind](folder)


if __name__ == "__main__":
    main()
