"""Simulated particles of an event of an `.i3` file, for the second reader."""

import math
from typing import Any

from converters.reread.contract import Value

_BELOW_33 = {
    1: 22, 2: -11, 3: 11, 5: -13, 6: 13, 7: 111, 8: 211, 9: -211, 10: 130, 11: 321, 12: -321, 13: 2112, 14: 2212,
    15: -2212, 16: 310, 17: 221, 18: 3122, 19: 3222, 20: 3212, 21: 3112, 22: 3322, 23: 3312, 24: 3334, 25: -2112,
    26: -3122, 27: -3222, 28: -3212, 29: -3112, 30: -3322, 31: -3312, 32: -3334,
}  # fmt: skip
_NOT_RDMC = (10, 13, *range(16, 33))
_RDMC = {33: -15, 34: 15, 201: 12, 202: 14, 203: 16, 204: -12, 205: -14, 206: -16}
_RDMC_MASSES = (4, 7, 9, 11, 12, 14, 16, 19, 20, 23, 24, 27, 28, 31, 32, 35, 40, 39, 40, 45, 48, 51, 52, 55, 56)
"""Nucleons of the nuclei 3002 to 3026: from helium to iron."""
_VERSIONS_3_4 = {
    35: 411, 36: -411, 37: 421, 38: -421, 39: 431, 40: -431, 41: 4122, 42: 24, 43: -24, 44: 23,
    66: 12, 67: -12, 68: 14, 69: -14, 131: -15, 132: 15, 133: 16, 134: -16,
}  # fmt: skip


def truth(
    particles: list[tuple[str, dict[str, Any], int]], current: int
) -> tuple[tuple[dict[str, Value], ...], dict[str, Value]]:
    """Return the rows of ``/mc_tracks`` and the columns ``mc_*`` of ``/events``.

    Parameters
    ----------
    particles
        Origin, particle and number of the mother, in order.
    current
        1 charged, 0 neutral current, -1 unknown.
    """
    rows = tuple(_row(*one) for one in particles)
    shown = _chosen(rows)
    columns: dict[str, Value] = {
        "mc_energy": math.nan,
        "mc_pdgid": -1,
        "mc_zenith": math.nan,
        "mc_azimuth": math.nan,
        "mc_is_cc": current,
        "mc_bjorken_y": math.nan,
    }
    if shown >= 0:
        columns["mc_pdgid"] = rows[shown]["pdgid"]
        for column, name in (("mc_energy", "energy"), ("mc_bjorken_y", "by")):
            value = float(rows[shown][name])
            columns[column] = value if math.isfinite(value) else math.nan
        zenith, azimuth = particles[shown][1]["zenith"], particles[shown][1]["azimuth"]
        if 0 <= zenith <= math.pi and abs(azimuth) <= 2 * math.pi:
            columns["mc_zenith"] = zenith
            columns["mc_azimuth"] = azimuth + 2 * math.pi if azimuth < 0 else azimuth
    return rows, columns


def _row(origin: str, p: dict[str, Any], mother: int) -> dict[str, Value]:
    row: dict[str, Value] = {"origin": origin.encode(), "id": p["minor"], "source_code": p["type"]}
    row["pdgid"] = _pdg(p["type"], p["version"])
    row |= {f"pos_{axis}": p[axis] for axis in "xyz"}
    zenith, azimuth = p["zenith"], p["azimuth"]
    good = math.isfinite(zenith) and math.isfinite(azimuth)
    row["dir_x"] = -math.sin(zenith) * math.cos(azimuth) if good else math.nan
    row["dir_y"] = -math.sin(zenith) * math.sin(azimuth) if good else math.nan
    row["dir_z"] = -math.cos(zenith) if good else math.nan
    row |= {name: p[name] for name in ("energy", "time", "length", "shape", "location", "speed")}
    row |= {"bx": p["bjorken_x"], "by": p["bjorken_y"], "status": p["fit_status"], "mother_id": mother}
    row["major_id"] = b"" if p["major"] == -1 else b"%d" % p["major"]
    # A level-3 file has these columns too; such frames do not have their values.
    row |= {"energy_lost_in_can": math.nan, "ichan": -1, "cc": -1, "is_charm": -1, "grandmother_id": -1}
    return row


def _pdg(code: int, version: int) -> int:
    """Translate a type; -1 for what the PDG does not number: losses of energy, lasers, hypothetical particles."""
    if version > 4:
        return code if 0 < abs(code) <= 2 * 10**9 else -1
    if version < 3:
        if 3002 <= code <= 3026:
            return 10**9 + 10**4 * (code - 3000) + 10 * _RDMC_MASSES[code - 3002]
        return _RDMC.get(code, -1) if code > 32 or code in _NOT_RDMC else _BELOW_33.get(code, -1)
    if code <= 32:
        return _BELOW_33.get(code, -1)
    mass, charge = divmod(code, 100)
    if 2 <= mass <= 60 and 1 <= charge <= mass:
        return 10**9 + 10**4 * charge + 10 * mass
    return _VERSIONS_3_4.get(code, -1)


def _chosen(rows: tuple[dict[str, Value], ...]) -> int:
    """Return the first neutrino, else the first particle that is no muon, else the most energetic muon; -1 for none."""
    codes = [row["pdgid"] for row in rows]
    for place, code in enumerate(codes):
        if code in (12, -12, 14, -14, 16, -16):
            return place
    if codes and codes[0] not in (13, -13):
        return 0
    muons = [place for place, code in enumerate(codes) if code in (13, -13)]
    energies = [rows[place]["energy"] for place in muons]
    finite = [-math.inf if isinstance(e, bytes) or e != e else e for e in energies]
    return muons[finite.index(max(finite))] if muons else -1
