"""Which simulated particle the columns ``mc_*`` of ``/events`` show.

The first ``neutrino``; in events without one the primary (``track_primary``); else the most energetic muon.
"""

import numpy as np
from numpy.typing import NDArray

from legacy.model import Column, StructuredArray
from legacy.site import direction_to_angles

_CHARGED_CURRENT, _NEUTRAL_CURRENT = 2, 3
_MUON = 13


def chosen_tracks(tracks: StructuredArray, first: int, n_events: int) -> NDArray[np.int64]:
    """Choose a row of ``/mc_tracks`` for each event.

    Parameters
    ----------
    tracks
        Rows of ``/mc_tracks`` of consecutive events, in file order.
    first, n_events
        ``group_id`` of the first event and number of events.

    Returns
    -------
    numpy.ndarray of int64
        Shape (n_events,): position in `tracks`, -1 where the event has none of the three.
    """
    events = tracks["group_id"] - first
    chosen = np.full(n_events, -1, dtype=np.int64)
    muons = np.flatnonzero(np.abs(tracks["pdgid"]) == _MUON)
    by_energy = muons[np.argsort(-np.nan_to_num(tracks["energy"][muons], nan=-np.inf), kind="stable")]
    # The preferred particle is written last; assignment in reverse order leaves the first of each event.
    for candidates in (
        by_energy,
        np.flatnonzero(tracks["origin"] == b"track_primary"),
        np.flatnonzero(tracks["origin"] == b"neutrino"),
    ):
        chosen[events[candidates[::-1]]] = candidates[::-1]
    return chosen


def truth_columns(tracks: StructuredArray, first: int, n_events: int) -> dict[str, Column]:
    """Return the columns ``mc_*`` of ``/events``, each of length `n_events`."""
    chosen = chosen_tracks(tracks, first, n_events)
    known = chosen >= 0
    rows = tracks[chosen[known]]
    zenith, azimuth = direction_to_angles(rows["dir_x"], rows["dir_y"], rows["dir_z"])
    interaction = np.select([rows["cc"] == _CHARGED_CURRENT, rows["cc"] == _NEUTRAL_CURRENT], [1, 0], default=-1)

    def spread(values: Column, missing: float) -> Column:
        column = np.full(n_events, missing, dtype=values.dtype)
        column[known] = values
        return column

    return {
        "mc_energy": spread(rows["energy"], np.nan),
        "mc_pdgid": spread(rows["pdgid"], -1),
        "mc_zenith": spread(zenith, np.nan),
        "mc_azimuth": spread(azimuth, np.nan),
        "mc_is_cc": spread(interaction.astype(np.int64), -1),
        "mc_bjorken_y": spread(rows["by"], np.nan),
    }
