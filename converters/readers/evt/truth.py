"""Which simulated particle the columns ``mc_*`` of ``/events`` show.

The first ``neutrino``; in events without one the primary (``track_primary``); else the most energetic muon.
"""

import numpy as np

from converters.readers.shown_particle import choose_particles, particle_columns
from legacy.model import Column, StructuredArray

_PREFERRED = (b"neutrino", b"track_primary")


def truth_columns(tracks: StructuredArray, first: int, n_events: int) -> dict[str, Column]:
    """Return the columns ``mc_*`` of ``/events``, each of length `n_events`.

    Parameters
    ----------
    tracks
        Rows of ``/mc_tracks`` of consecutive events, in file order.
    first, n_events
        ``group_id`` of the first event and number of events.
    """
    preferred = (np.flatnonzero(tracks["origin"] == origin) for origin in _PREFERRED)
    return particle_columns(tracks, choose_particles(tracks, first, n_events, *preferred))
