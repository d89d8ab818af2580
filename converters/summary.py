"""Facts about all events of a product, gathered while they pass: for the manifest and ``/header``."""

from dataclasses import dataclass, field

import numpy as np

from converters.source import SourceFacts
from legacy.model import StructuredArray
from legacy.site import iso_from_mjd

_NEUTRINOS = {12: "nue", 14: "numu", 16: "nutau"}
_MUON = 13
_CURRENTS = {1: "_CC", 0: "_NC"}


FACTS = ("n_events", "run", "run_last", "start", "stop", "kind", "channel", "detector", "generator")
"""What a product says about itself as text, ``""`` where unknown; the manifest repeats it."""


@dataclass(slots=True)
class Summary:
    """Ranges and kinds met so far; feed it with `add`."""

    n_events: int = 0
    _runs: list[int] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)
    _particles: set[int] = field(default_factory=set)
    _currents: set[int] = field(default_factory=set)

    def add(self, events: StructuredArray) -> None:
        """Take note of rows of ``/events``."""
        self.n_events += len(events)
        runs = events["run_id"][events["run_id"] >= 0]
        times = events["mjd"][np.isfinite(events["mjd"])]
        if len(runs):
            self._runs = [min([*self._runs, int(runs.min())]), max([*self._runs, int(runs.max())])]
        if len(times):
            self._times = [min([*self._times, float(times.min())]), max([*self._times, float(times.max())])]
        self._particles.update(set(events["mc_pdgid"].tolist()))
        self._currents.update(set(events["mc_is_cc"].tolist()))

    @property
    def run_range(self) -> tuple[int | None, int | None]:
        """First and last run number."""
        return (self._runs[0], self._runs[1]) if self._runs else (None, None)

    @property
    def time_range(self) -> tuple[str | None, str | None]:
        """First and last event time, ISO 8601 UTC."""
        return (iso_from_mjd(self._times[0]), iso_from_mjd(self._times[1])) if self._times else (None, None)

    @property
    def channel(self) -> str:
        """Simulated particles and interaction, such as ``numu_CC``, ``anumu+numu_NC`` or ``mu``."""
        names = []
        for code in sorted(self._particles):
            if abs(code) in _NEUTRINOS:
                names.append(("a" if code < 0 else "") + _NEUTRINOS[abs(code)])
            elif abs(code) == _MUON:
                names.append("mu")
        known = self._currents - {-1}
        suffix = _CURRENTS[known.pop()] if len(known) == 1 and any(n != "mu" for n in names) else ""
        return "+".join(sorted(set(names))) + suffix if names else ""

    def facts(self, source: SourceFacts) -> dict[str, str]:
        """Return the values of `FACTS`."""
        values = (
            self.n_events,
            *self.run_range,
            *self.time_range,
            source.kind,
            self.channel,
            source.detector,
            source.generator,
        )
        return {name: "" if value is None else str(value) for name, value in zip(FACTS, values, strict=True)}
