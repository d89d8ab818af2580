"""The simulated particle that ``/events`` shows: which one it is, and the columns that it gives."""

import numpy as np
from numpy.typing import NDArray

from legacy.model import Column, StructuredArray
from legacy.site import direction_to_angles

_MUON = 13
_CHARGED_CURRENT, _NEUTRAL_CURRENT = 2, 3
"""Of ``/mc_tracks.cc``, as `.evt` and offline files number interactions."""


def choose_particles(
    tracks: StructuredArray, first: int, n_events: int, *preferred: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Choose a row of ``/mc_tracks`` for each event.

    Parameters
    ----------
    tracks
        Rows of ``/mc_tracks`` of consecutive events, in file order.
    first, n_events
        ``group_id`` of the first event and number of events.
    preferred
        Ascending positions in `tracks` of the particles that are shown rather than a muon: one array for each kind,
        the best kind first.

    Returns
    -------
    numpy.ndarray of int64
        Shape (n_events,): position of the first particle of the best kind that the event has; else of the most
        energetic muon; -1 without any.
    """
    events = tracks["group_id"] - first
    chosen = np.full(n_events, -1, dtype=np.int64)
    muons = np.flatnonzero(np.abs(tracks["pdgid"]) == _MUON)
    by_energy = muons[np.argsort(-np.nan_to_num(tracks["energy"][muons], nan=-np.inf), kind="stable")]
    # The preferred particle is written last; assignment in reverse order leaves the first of each event.
    for candidates in (by_energy, *reversed(preferred)):
        chosen[events[candidates[::-1]]] = candidates[::-1]
    return chosen


def particle_columns(tracks: StructuredArray, chosen: NDArray[np.int64]) -> dict[str, Column]:
    """Return the columns ``mc_*`` of ``/events``.

    Parameters
    ----------
    tracks
        Rows of ``/mc_tracks``.
    chosen
        What `choose_particles` returned, shape (n,).

    Returns
    -------
    dict
        Column to values, each of length n; angles in radians, of where the particle came from.
    """
    known = chosen >= 0
    shown = tracks[chosen[known]]
    zenith, azimuth = direction_to_angles(shown["dir_x"], shown["dir_y"], shown["dir_z"])
    current = np.select([shown["cc"] == _CHARGED_CURRENT, shown["cc"] == _NEUTRAL_CURRENT], [1, 0], default=-1)

    def spread(values: Column, missing: float) -> Column:
        column = np.full(len(chosen), missing, dtype=values.dtype)
        column[known] = values
        return column

    return {
        "mc_energy": spread(shown["energy"], np.nan),
        "mc_pdgid": spread(shown["pdgid"], -1),
        "mc_zenith": spread(zenith, np.nan),
        "mc_azimuth": spread(azimuth, np.nan),
        "mc_is_cc": spread(current.astype(np.int64), -1),
        "mc_bjorken_y": spread(shown["by"], np.nan),
    }
