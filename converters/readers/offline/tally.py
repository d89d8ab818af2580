"""What a reader counts on its way, so that nothing is lost silently."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class Tally:
    """Counts of one file.

    Parameters
    ----------
    objects
        Number of hits, tracks ... by branch of Evt.
    fits, unfilled
        Number of reconstructed tracks, and of tracks that were never filled.
    kept
        Number of tracks in ``/reco`` by algorithm.
    named, unnamed
        Number of values that events have under a name of the author's, and without one.
    missing
        Values that make no sense and became missing, by field and reason.
    lost
        Values that found no place, by field and reason.
    """

    objects: Counter[str] = field(default_factory=Counter)
    fits: int = 0
    unfilled: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    named: int = 0
    unnamed: int = 0
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)

    def miss(self, source_field: str, reason: str, which: NDArray[np.bool_]) -> None:
        """Note which values became missing."""
        if count := int(np.count_nonzero(which)):
            self.missing[source_field, reason] += count

    def lose(self, source_field: str, reason: str, count: int) -> None:
        """Note how many values found no place."""
        if count:
            self.lost[source_field, reason] += count
