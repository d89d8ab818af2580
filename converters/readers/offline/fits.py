"""Which program made a reconstructed track, and which track of an event is the best.

Numbers of programs and stages: KM3NeT's public data format definitions, version 3.6 (rec_type 4000 Jpp, 101
aanet, 200 Dusj; stages 1 to 99 Jpp's muon chain: 1 prefit, 2 simplex, 3 Gandalf, 4 energy, 5 start; 100 to
199 Jpp's shower chain; 200 to 299 Dusj; 300 to 399 the aanet shower fit). The numbers of ANTARES' own fits
are not public: such tracks stay under their number.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from converters.readers.offline.baskets import Integers, Vectors

JGANDALF = "jgandalf"
_KNOWN = ("dusj", "aashower", "jshower", JGANDALF, "jsimplex", "jprefit")
"""In the order in which the rules are tried."""
_JPP, _AANET, _DUSJ = 4000, 101, 200
_PREFIT, _SIMPLEX, _GANDALF = 1, 2, 3
_LARGEST_NAMED = 9_999_999
"""A longer number does not fit into the column reco."""
_MAX_ALGORITHMS = 64

NO_FIT = -1


class TooManyAlgorithmsError(ValueError):
    """More programs than any real file names."""


@dataclass(slots=True)
class Algorithms:
    """Names of the programs met so far; a program's code is its position."""

    names: list[str] = field(default_factory=lambda: list(_KNOWN))

    def code(self, rec_type: int) -> int:
        """Return the code of a program that has no name of its own; raises TooManyAlgorithmsError."""
        name = f"rec_type_{rec_type}" if 0 <= rec_type <= _LARGEST_NAMED else "rec_type_other"
        if name not in self.names:
            if len(self.names) >= _MAX_ALGORITHMS:
                raise TooManyAlgorithmsError(f"more than {_MAX_ALGORITHMS} different rec_type")
            self.names.append(name)
        return self.names.index(name)

    def codes(self, rec_type: Integers, stages: Vectors) -> Integers:
        """Say which program made each track.

        Parameters
        ----------
        rec_type
            Number of the program, shape (n,).
        stages
            rec_stages of each of the n tracks.

        Returns
        -------
        numpy.ndarray of int64
            Shape (n,): position in `names`; `NO_FIT` for a track that was never filled (neither program nor
            stages), which stands for an event without fit.

        Raises
        ------
        TooManyAlgorithmsError
            A damaged file.
        """
        owners = np.repeat(np.arange(len(rec_type)), stages.counts)
        values = stages.values.astype(np.int64)

        def has(low: int, high: int) -> NDArray[np.bool_]:
            found = np.zeros(len(rec_type), dtype=bool)
            found[owners[(values >= low) & (values <= high)]] = True
            return found

        jpp = rec_type == _JPP
        rules = (
            (rec_type == _DUSJ) | has(200, 299),
            (rec_type == _AANET) & has(300, 399),
            jpp & has(100, 199),
            jpp & has(_GANDALF, _GANDALF),
            jpp & has(_SIMPLEX, _SIMPLEX),
            jpp & has(_PREFIT, _PREFIT),
        )
        codes = np.select(rules, list(range(len(_KNOWN))), default=len(_KNOWN)).astype(np.int64)
        other = codes == len(_KNOWN)
        for number in np.unique(rec_type[other]).tolist():
            codes[other & (rec_type == number)] = self.code(number)
        codes[(rec_type == 0) & (stages.counts == 0)] = NO_FIT
        return codes


def best_of_each(group: Integers, n_groups: int, length: Integers, likelihood: NDArray[np.float64]) -> Integers:
    """Choose the best track of each group: the longest rec_stages, then the highest likelihood.

    Parameters
    ----------
    group
        Group of each track, 0 to `n_groups` - 1; shape (n,).
    n_groups
        Number of groups.
    length
        Number of stages of each track, shape (n,).
    likelihood
        NaN counts as lowest; of equal tracks the first one wins; shape (n,).

    Returns
    -------
    numpy.ndarray of int64
        Positions of the best tracks, in the order of their groups; groups without track have none.
    """
    likelihood = np.where(np.isnan(likelihood), -np.inf, likelihood)
    longest = np.full(n_groups, -1, dtype=np.int64)
    np.maximum.at(longest, group, length)
    rivals = np.flatnonzero(length == longest[group])
    highest = np.full(n_groups, -np.inf)
    np.maximum.at(highest, group[rivals], likelihood[rivals])
    rivals = rivals[likelihood[rivals] == highest[group[rivals]]]
    chosen = np.full(n_groups, -1, dtype=np.int64)
    chosen[group[rivals[::-1]]] = rivals[::-1]  # the last assignment stays: the first track
    return chosen[chosen >= 0]


@dataclass(frozen=True, slots=True)
class Best:
    """The best track of each algorithm in each event.

    Parameters
    ----------
    track
        Positions among all tracks, in the order of events.
    event
        Which event of the chunk each belongs to.
    code
        Algorithm of each, see `Algorithms`.
    length, likelihood
        What they were chosen by.
    """

    track: Integers
    event: Integers
    code: Integers
    length: Integers
    likelihood: NDArray[np.float64]

    def of(self, code: int) -> Integers:
        """Return the positions, in these arrays, of one algorithm's tracks."""
        return np.flatnonzero(self.code == code)

    def shown(self, n_events: int, wanted: int | None) -> Integers:
        """Return the positions, in these arrays, of the one track that each event shows.

        Parameters
        ----------
        n_events
            Number of events of the chunk.
        wanted
            Code of the only algorithm to show, None for all.
        """
        candidates = np.arange(len(self.track)) if wanted is None else self.of(wanted)
        # Of equal tracks the first one in the file is to win, whichever its algorithm.
        candidates = candidates[np.argsort(self.track[candidates], kind="stable")]
        best = best_of_each(self.event[candidates], n_events, self.length[candidates], self.likelihood[candidates])
        return candidates[best]


def best_tracks(
    event: Integers, n_events: int, codes: Integers, length: Integers, likelihood: NDArray[np.float64]
) -> Best:
    """Choose the best track of each algorithm in each event.

    Parameters
    ----------
    event, codes, length, likelihood
        Event (0 to `n_events` - 1), algorithm, number of stages and likelihood of each track, shape (n,).
    n_events
        Number of events.
    """
    fits = np.flatnonzero(codes != NO_FIT)
    kinds = int(codes.max(initial=0)) + 1
    chosen = best_of_each(event[fits] * kinds + codes[fits], n_events * kinds, length[fits], likelihood[fits])
    track = fits[chosen]
    return Best(track, event[track], codes[track], length[track], likelihood[track])
