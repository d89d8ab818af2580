"""Simulated particles: rows of ``/mc_tracks``, and the one that ``/events`` shows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from converters.readers.i3.codes import pdg_codes
from converters.readers.i3.rows import EventRows
from legacy.model import Column, StructuredArray, TableSpec
from legacy.site import angles_to_direction

_NEUTRINOS = (12, 14, 16)
_MUON = 13


def particle_rows(
    events: Sequence[EventRows], first: int, spec: TableSpec
) -> tuple[StructuredArray, NDArray[np.float64]]:
    """Return the simulated particles of some events.

    Parameters
    ----------
    events
        What each event gave.
    first
        ``group_id`` of the first of them.
    spec
        The table.

    Returns
    -------
    numpy.ndarray
        Rows of ``/mc_tracks``.
    numpy.ndarray of float64
        Shape (n, 2): zenith and azimuth of the origin of each row, rad, as the source has them.
    """
    given = [(n, *one) for n, event in enumerate(events, first) for one in event.particles]
    rows = spec.blank(len(given))
    angles = np.array([(p.zenith, p.azimuth) for _, _, p, _ in given], dtype=np.float64).reshape(-1, 2)
    if not given:
        return rows, angles
    places = np.array([(p.x, p.y, p.z) for _, _, p, _ in given], dtype=np.float64)
    rows["group_id"] = [n for n, _, _, _ in given]
    rows["origin"] = [key.encode() for _, key, _, _ in given]
    rows["mother_id"] = [mother for _, _, _, mother in given]
    directions = angles_to_direction(angles[:, 0], angles[:, 1])
    for axis, name in enumerate("xyz"):
        rows[f"pos_{name}"] = places[:, axis]
        rows[f"dir_{name}"] = directions[axis]
    for column, values in {
        "id": [p.minor for _, _, p, _ in given],
        "source_code": [p.code for _, _, p, _ in given],
        "energy": [p.energy for _, _, p, _ in given],
        "time": [p.time for _, _, p, _ in given],
        "length": [p.length for _, _, p, _ in given],
        "bx": [p.bjorken_x for _, _, p, _ in given],
        "by": [p.bjorken_y for _, _, p, _ in given],
        "status": [p.fit_status for _, _, p, _ in given],
        "major_id": [b"%d" % p.major if p.major >= 0 else b"" for _, _, p, _ in given],
        "shape": [p.shape for _, _, p, _ in given],
        "location": [p.location for _, _, p, _ in given],
        "speed": [p.speed for _, _, p, _ in given],
    }.items():
        rows[column] = values
    versions = np.array([p.version for _, _, p, _ in given], dtype=np.int64)
    rows["pdgid"] = pdg_codes(rows["source_code"].copy(), versions)
    return rows, angles


def chosen_rows(rows: StructuredArray, first: int, n_events: int) -> NDArray[np.int64]:
    """Choose the particle that each event shows.

    Parameters
    ----------
    rows
        Rows of ``/mc_tracks`` of consecutive events.
    first, n_events
        ``group_id`` of the first event and number of events.

    Returns
    -------
    numpy.ndarray of int64
        Shape (n_events,): the first neutrino; else the first particle, which is the primary, unless it is a muon; else
        the most energetic muon; -1 without any.
    """
    events, kind = rows["group_id"] - first, np.abs(rows["pdgid"])
    chosen = np.full(n_events, -1, dtype=np.int64)
    muons = np.flatnonzero(kind == _MUON)
    muons = muons[np.argsort(-np.nan_to_num(rows["energy"][muons], nan=-np.inf), kind="stable")]
    _, beginning = np.unique(events, return_index=True)
    primaries = beginning[kind[beginning] != _MUON]
    # The preferred particle is written last; assignment in reverse order leaves the first of each event.
    for candidates in (muons, primaries, np.flatnonzero(np.isin(kind, _NEUTRINOS))):
        chosen[events[candidates[::-1]]] = candidates[::-1]
    return chosen


def truth_columns(
    rows: StructuredArray, angles: NDArray[np.float64], events: Sequence[EventRows], first: int
) -> dict[str, Column]:
    """Return the columns ``mc_*`` of ``/events``; angles outside of the sphere and infinite numbers are missing."""
    chosen = chosen_rows(rows, first, len(events))
    known = chosen >= 0
    seen = np.full((len(events), 2), np.nan)
    seen[known] = angles[chosen[known]]
    zenith, azimuth = on_the_sphere(seen[:, 0], seen[:, 1])

    def spread(name: str, missing: float) -> Column:
        values: Column = np.full(len(events), missing, dtype=rows.dtype[name])
        values[known] = rows[name][chosen[known]]
        values[~np.isfinite(values)] = missing
        return values

    return {
        "mc_energy": spread("energy", np.nan),
        "mc_pdgid": spread("pdgid", -1),
        "mc_zenith": zenith,
        "mc_azimuth": azimuth,
        "mc_is_cc": np.array([event.current for event in events], dtype=np.int64),
        "mc_bjorken_y": spread("by", np.nan),
    }


def on_the_sphere(
    zenith: NDArray[np.float64], azimuth: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return angles with the azimuth from 0 to 2 pi; NaN for both where one is impossible."""
    with np.errstate(invalid="ignore"):
        good = (zenith >= 0) & (zenith <= np.pi) & (np.abs(azimuth) <= 2 * np.pi)
    turned = np.where(azimuth < 0, azimuth + 2 * np.pi, azimuth)
    return np.where(good, zenith, np.nan), np.where(good, turned, np.nan)
