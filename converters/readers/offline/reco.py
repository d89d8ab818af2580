"""Reconstructed tracks: the tables ``/reco/*`` and what ``/events`` shows of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converters.readers.offline.baskets import Integers, Vectors
from converters.readers.offline.branches import Chunk
from converters.readers.offline.fits import JGANDALF, NO_FIT, Algorithms, Best, best_tracks
from converters.readers.offline.tables import (
    ANGULAR_ERROR_AT,
    MAX_FITINF,
    N_HITS_AT,
    STAGES_WIDTH,
    fit_parameters,
    fit_table,
)
from converters.readers.offline.tally import Tally
from legacy.model import Column, Table
from legacy.site import direction_to_angles, unit_direction

_COPIED = {
    "id": "id",
    "rec_type": "rec_type",
    "type": "type",
    "status": "status",
    "mother_id": "mother_id",
    "counter": "counter",
    "pos_x": "pos.x",
    "pos_y": "pos.y",
    "pos_z": "pos.z",
    "dir_x": "dir.x",
    "dir_y": "dir.y",
    "dir_z": "dir.z",
    "t": "t",
    "E": "E",
    "len": "len",
    "lik": "lik",
}
"""Column of ``/reco`` by name of the source's field."""

_NO_VALUE = 1e300
"""Jpp marks a likelihood that was not computed with the largest negative number (seen in orca6_sample.root)."""
_MAX_HITS = 1_000_000_000
NONE = b"none"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fits:
    """The reconstructed tracks of a chunk of events.

    Parameters
    ----------
    chunk
        All values.
    stages, parameters
        rec_stages and fitinf of every track.
    best
        The best track of each algorithm in each event.
    algorithms
        Names of the algorithms.
    """

    chunk: Chunk
    stages: Vectors
    parameters: Vectors
    best: Best
    algorithms: Algorithms

    @classmethod
    def of(cls, chunk: Chunk, algorithms: Algorithms, tally: Tally) -> "Fits":
        """Choose the best tracks; raises TooManyAlgorithmsError."""
        total = chunk.objects("trks")
        none = Vectors(np.empty(0), np.zeros(total, dtype=np.int64))
        stages = chunk.vectors.get("trks.rec_stages", none)
        every = np.arange(total)
        codes = algorithms.codes(chunk.member("trks.rec_type", every, "i8", -1), stages)
        likelihood = chunk.member("trks.lik", every, "f8", np.nan)
        best = best_tracks(chunk.owners("trks"), chunk.n_events, codes, stages.counts, likelihood)
        unfilled = int(np.count_nonzero(codes == NO_FIT))
        tally.unfilled += unfilled
        tally.fits += total - unfilled
        return cls(chunk, stages, chunk.vectors.get("trks.fitinf", none), best, algorithms)

    def tables(self, tally: Tally) -> list[Table]:
        """Return ``/reco/<algorithm>`` for each algorithm met in this chunk."""
        found = []
        for code in np.unique(self.best.code).tolist():
            name = self.algorithms.names[code]
            rows = self.best.of(code)
            found.append(self._table(name, self.best.track[rows], self.best.event[rows], tally))
            tally.kept[name] += len(rows)
        return found

    def _table(self, algorithm: str, tracks: Integers, events: Integers, tally: Tally) -> Table:
        spec = fit_table(algorithm)
        rows = spec.blank(len(tracks))
        rows["group_id"] = self.chunk.first + events
        for column, source in _COPIED.items():
            kind = spec.column(column).dtype
            missing = -1 if kind == "i8" else np.nan
            rows[column] = self.chunk.member(f"trks.{source}", tracks, kind, missing)
        rows["n_rec_stages"] = self.stages.counts[tracks]
        rows["rec_stages"] = self._stage_texts(tracks, tally)
        if (hit_ids := self.chunk.vectors.get("trks.hit_ids")) is not None:
            rows["n_hit_ids"] = hit_ids.counts[tracks]
        longest = int(self.parameters.counts[tracks].max(initial=0))
        for position, column in enumerate(fit_parameters(algorithm)[:longest]):
            rows[column] = self.parameters.at(tracks, position)
        beyond = np.maximum(self.parameters.counts[tracks] - MAX_FITINF, 0).sum()
        tally.lose("trks.fitinf", f"values beyond number {MAX_FITINF - 1} of a track", int(beyond))
        return Table(spec, rows)

    def _stage_texts(self, tracks: Integers, tally: Tally) -> list[bytes]:
        """Write the stages of chosen tracks as text, such as ``1 2 3``."""
        values, starts, counts = self.stages.values, self.stages.starts[tracks], self.stages.counts[tracks]
        known: dict[bytes, bytes] = {}
        texts = []
        for start, count in zip(starts.tolist(), counts.tolist(), strict=True):
            stages = values[start : start + count]
            key = stages.tobytes()
            if key not in known:
                known[key] = " ".join(map(str, stages.tolist())).encode()
            texts.append(known[key])
        too_long = sum(len(text) > STAGES_WIDTH for text in texts)
        tally.lose("trks.rec_stages", "lists too long for the column", too_long)
        return [text if len(text) <= STAGES_WIDTH else b"" for text in texts]

    def event_columns(self, wanted: str | None, tally: Tally) -> tuple[dict[str, Column], Column]:
        """Return the columns of ``/events`` that show a fit.

        Parameters
        ----------
        wanted
            Name of the only algorithm to show, None for the best of all.
        tally
            Notes what became missing.

        Returns
        -------
        tuple
            The columns, and the time of the shown track, ns after the event's own time, NaN without fit.
        """
        shown = self._shown(wanted)
        tracks, events = self.best.track[shown], self.best.event[shown]

        def spread(values: Floats) -> Floats:
            column = np.full(self.chunk.n_events, np.nan)
            column[events] = values
            return column

        names = np.array([name.encode() for name in self.algorithms.names], dtype="S16")
        reco = np.full(self.chunk.n_events, NONE, dtype="S16")
        reco[events] = names[self.best.code[shown]]
        columns: dict[str, Column] = {"reco": reco}
        values = self._geometry(tracks, tally) | self._qualities(tracks, tally) | self._precision(shown)
        columns |= {name: spread(column) for name, column in values.items()}
        columns["n_hits"] = self._n_hits(shown, spread(self._of_gandalf(shown, N_HITS_AT)))
        return columns, spread(self._floats("t", tracks))

    def _shown(self, wanted: str | None) -> Integers:
        if wanted is None:
            return self.best.shown(self.chunk.n_events, None)
        if wanted not in self.algorithms.names:
            return np.empty(0, dtype=np.int64)
        return self.best.shown(self.chunk.n_events, self.algorithms.names.index(wanted))

    def _floats(self, name: str, tracks: Integers) -> Floats:
        return self.chunk.member(f"trks.{name}", tracks, "f8", np.nan)

    def _geometry(self, tracks: Integers, tally: Tally) -> dict[str, Floats]:
        """Return position and direction of chosen tracks."""
        columns = {f"pos_{axis}": self._floats(f"pos.{axis}", tracks) for axis in "xyz"}
        direction = [self._floats(f"dir.{axis}", tracks) for axis in "xyz"]
        zenith, azimuth = direction_to_angles(*direction)
        pointless = np.isnan(zenith)
        tally.miss("trks.dir", "no direction: length zero or not finite", pointless)
        columns |= zip(("dir_x", "dir_y", "dir_z"), unit_direction(*direction), strict=True)
        return columns | {"zenith": zenith, "azimuth": azimuth}

    def _qualities(self, tracks: Integers, tally: Tally) -> dict[str, Floats]:
        """Return energy and quality of chosen tracks, without the values that stand for none."""
        energy, quality = self._floats("E", tracks), self._floats("lik", tracks)
        no_energy, no_quality = energy == 0, np.abs(quality) >= _NO_VALUE
        tally.miss("trks.E", "0: the fit has no energy", no_energy)
        tally.miss("trks.lik", "largest number there is: not computed", no_quality)
        return {
            "energy": np.where(no_energy, np.nan, energy),
            "quality": np.where(no_quality, np.nan, quality),
        }

    def _of_gandalf(self, shown: Integers, position: int) -> Floats:
        """Return a parameter of the shown tracks if it is Gandalf's and positive."""
        gandalf = self.best.code[shown] == self.algorithms.names.index(JGANDALF)
        values = self.parameters.at(self.best.track[shown], position)
        return np.where(gandalf & np.isfinite(values) & (values > 0), values, np.nan)

    def _precision(self, shown: Integers) -> dict[str, Floats]:
        return {"angular_error": np.degrees(self._of_gandalf(shown, ANGULAR_ERROR_AT))}

    def _n_hits(self, shown: Integers, used: Floats) -> Integers:
        """Return the hits used by the fit; without a fit those that the source has, if it has any."""
        n_hits = np.full(self.chunk.n_events, -1, dtype=np.int64)
        good = used < _MAX_HITS
        n_hits[good] = used[good].astype(np.int64)
        without = self.chunk.counts["hits"] > 0
        without[self.best.event[shown]] = False
        n_hits[without] = self.chunk.counts["hits"][without]
        return n_hits
