"""Simulated particles for the second reader of offline ROOT files, in plain Python."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from converters.reread.contract import Value

Row = dict[str, Value]
Lists = Mapping[str, Any]
"""One event: for each branch a number, a list, or a list of lists."""

_NAN = float("nan")
_YEAR_2000, _YEAR_2100 = 946_684_800, 4_102_444_800
_BILLION = 10**9
_LISTED, _COMMENT_LETTERS = 32, 32
_USR_OF_TRACKS = {"bx": 0, "by": 0, "ichan": 1, "cc": 1, "energy_lost_in_can": 0, "generation_counter": 1}
"""1 for whole numbers."""
_W2LIST = {"bx": 7, "by": 8, "ichan": 9, "cc": 10}

_CORSIKA = {
    1: 22, 2: -11, 3: 11, 5: -13, 6: 13, 7: 111, 8: 211, 9: -211, 10: 130, 11: 321, 12: -321, 13: 2112, 14: 2212,
    15: -2212, 16: 310, 17: 221, 18: 3122, 19: 3222, 20: 3212, 21: 3112, 22: 3322, 23: 3312, 24: 3334, 25: -2112,
    26: -3122, 27: -3222, 28: -3212, 29: -3112, 30: -3322, 31: -3312, 32: -3334, 66: 12, 67: -12, 68: 14, 69: -14,
    131: -15, 132: 15, 133: 16, 134: -16,
}  # fmt: skip


def angles(x: float, y: float, z: float) -> tuple[float, float] | None:
    """Return zenith and azimuth of the place that something flying along (x, y, z) comes from."""
    if not all(map(math.isfinite, (x, y, z))) or x == y == z == 0:
        return None
    across = math.hypot(x, y)
    return math.atan2(across, -z), math.atan2(-y, -x) % (2 * math.pi) if across > 0 else 0.0


def element(values: Sequence[float], position: int) -> float:
    """Return an element, NaN behind the end."""
    return values[position] if position < len(values) else _NAN


def particles(event: Lists, *, documented_weights: bool, corsika_primaries: bool) -> list[Row]:
    """Return the rows of /mc_tracks.

    Parameters
    ----------
    event
        One event.
    documented_weights
        True if positions in w2list are those of GENHEN and gSeaGen.
    corsika_primaries
        True if primaries have CORSIKA codes.
    """
    found = [_particle(event, place, corsika=corsika_primaries) for place in range(len(event.get("mc_trks.id", ())))]
    neutrinos = [row for row in found if row["pdgid"] in (12, 14, 16, -12, -14, -16)]
    if neutrinos and documented_weights:
        row, weights = neutrinos[0], event.get("w2list", ())
        for name, position in _W2LIST.items():
            given = row[name]
            if given in (-1, b"") or given != given:
                row[name] = _number(element(weights, position), whole=bool(_USR_OF_TRACKS[name]))
    return found


def _number(value: float, *, whole: bool) -> float | int:
    if not whole:
        return value
    return int(value) if abs(value) < 2**31 and value == int(value) else -1


def _particle(event: Lists, place: int, *, corsika: bool) -> Row:
    def get(name: str, missing: float) -> Any:
        return event[f"mc_trks.{name}"][place] if f"mc_trks.{name}" in event else missing

    comment = event["mc_trks.comment"][place].encode() if "mc_trks.comment" in event else b""
    code = get("type", -1)
    row: Row = {
        "origin": b"mc_trks",
        "id": get("id", -1),
        "source_code": code,
        "pdgid": code or -1,
        "energy": get("E", _NAN),
        "time": get("t", _NAN),
        "length": get("len", _NAN),
        "status": get("status", -1),
        "mother_id": get("mother_id", -1),
        "is_charm": -1,
        "grandmother_id": -1,
        "comment": comment if len(comment) <= _COMMENT_LETTERS else b"",
    }
    row.update({f"{kind}_{axis}": get(f"{kind}.{axis}", _NAN) for kind in ("pos", "dir") for axis in "xyz"})
    if corsika and comment in (b"track_primary:", b"center_on_can:"):
        row["pdgid"] = _from_corsika(code)
    row.update({name: -1 if whole else _NAN for name, whole in _USR_OF_TRACKS.items()})
    met = set()
    pairs = zip(get("usr_names", 0) or (), get("usr", 0) or (), strict=False)
    for name, value in pairs:
        if name in _USR_OF_TRACKS and name not in met:
            row[name] = _number(value, whole=bool(_USR_OF_TRACKS[name]))
        met.add(name)
    return row


def _from_corsika(code: int) -> int:
    nucleons, protons = divmod(code, 100)
    if code not in _CORSIKA and 2 <= nucleons <= 60 and 1 <= protons <= nucleons:
        return 10**9 + 10_000 * protons + 10 * nucleons
    return _CORSIKA.get(code, -1)


def truth(rows: Sequence[Row]) -> Row:
    """Return the columns mc_* of /events, from the rows of /mc_tracks."""
    row: Row = {"mc_energy": _NAN, "mc_zenith": _NAN, "mc_azimuth": _NAN, "mc_bjorken_y": _NAN}
    row |= {"mc_pdgid": -1, "mc_is_cc": -1}
    shown = _true_particle(rows)
    if shown is None:
        return row
    row["mc_energy"], row["mc_pdgid"], row["mc_bjorken_y"] = shown["energy"], shown["pdgid"], shown["by"]
    row["mc_is_cc"] = {2: 1, 3: 0}.get(int(shown["cc"]), -1)
    origin = angles(float(shown["dir_x"]), float(shown["dir_y"]), float(shown["dir_z"]))
    if origin is not None:
        row["mc_zenith"], row["mc_azimuth"] = origin
    return row


def _true_particle(particles: Sequence[Row]) -> Row | None:
    """Choose the first neutrino, else the first particle if it is a primary, else the most energetic muon."""
    for particle in particles:
        if abs(int(particle["pdgid"])) in (12, 14, 16):
            return particle
    if not particles:
        return None
    code = abs(int(particles[0]["pdgid"]))
    if code != 13 and not 81 <= code <= 100:
        return particles[0]
    muons = [particle for particle in particles if abs(int(particle["pdgid"])) == 13]
    return max(muons, key=_energy, default=None)


def _energy(particle: Row) -> float:
    energy = float(particle["energy"])
    return -math.inf if math.isnan(energy) else energy


def info_row(event: Lists) -> Row:
    """Return the row of /mc_info."""
    row: Row = {
        "n_hit_lines": len(event.get("hits.id", ())),
        "n_mc_hits": len(event.get("mc_hits.id", ())),
        "total_hits": -1,
    }
    raw = bytes(event.get("header_uuid[16]", ()))
    text = raw.hex() if any(raw) else ""
    row["header_uuid"] = re.sub(r"(.{8})(.{4})(.{4})(.{4})(.{12})", r"\1-\2-\3-\4-\5", text).encode()
    seconds, rest = event.get("mc_event_time.fSec", -1), event.get("mc_event_time.fNanoSec", -1)
    good = _YEAR_2000 <= seconds < _YEAR_2100 and 0 <= rest < _BILLION
    row["mc_event_t_sec"], row["mc_event_t_nanosec"] = (seconds, rest) if good else (-1, -1)
    for name, first in (("w", 4), ("w2list", 0), ("w3list", 0)):
        for position in range(first, _LISTED):
            row[f"{name}_{position:02d}"] = element(event.get(name, ()), position)
    return row
