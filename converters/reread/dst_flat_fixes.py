"""Known mistakes of flat DST trees, found and undone a second time: one value at a time, in plain Python.

The mistakes are facts of the public programs that write such trees (mchadolias/preprocess-antares-dst).
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

Numbers = Mapping[str, float | int]
_LEPTON_CODES = (12, 14, 16)
_OF_BBFIT = ("angerr_deg", "zenith_deg", "cos_zenith", "azimuth_deg", "nusedlines", "nusedhits")
_FITS = ("aafit", "bbfit", "gridfit", "bbfit_shower", "showerdusj", "showertantra")
_NO_AMPLITUDE = ("gridfit", "showerdusj", "showertantra")
_CONSTANT = {"bjorken_y_true": 0.5} | {f"{fit}_bjy": 0 for fit in _FITS} | {f"{f}_totalamp": 0 for f in _NO_AMPLITUDE}


@dataclass(frozen=True, slots=True)
class Repairs:
    """What is undone in a file.

    Parameters
    ----------
    names
        Branches that are to be changed.
    first
        For each name in lower case the first branch of that name.
    """

    names: frozenset[str]
    first: Mapping[str, str]

    def repaired(self, event: Numbers) -> Numbers:
        """Return the numbers of an event after all repairs."""
        if not self.names:
            return event
        return {name: self._value(name, value, event) if name in self.names else value for name, value in event.items()}

    def _value(self, name: str, value: float | int, event: Numbers) -> float | int:
        own = name.lower()
        if own == "azimuthdeg_true":
            return value * (180.0 / math.pi)
        if own in ("is_neutrino", "is_cc"):
            code = event[self.first["type"]]
            neutrino = abs(code) in _LEPTON_CODES
            if own == "is_neutrino":
                return int(neutrino)
            return int(value) if neutrino else -1
        if own == "datamcratio":
            return value if math.isfinite(value) and value != 0 else math.nan
        if own in ("w2", "w3", "w_honda", "w_muon"):
            ratio = event[self.first["datamcratio"]]
            if not math.isfinite(ratio) or ratio == 0:
                return math.nan
            return float(value) / ratio / (0.8 if event[self.first["run_id"]] < 30412 else 1.0)
        return math.nan if isinstance(value, float) else -1


NO_REPAIRS = Repairs(frozenset(), {})


def find_repairs(names: Iterable[str], events: Callable[[list[str]], Iterable[Numbers]]) -> Repairs:
    """Look through all events for the known mistakes.

    Parameters
    ----------
    names
        The branches with one number per event.
    events
        Gives the events, with the branches named.
    """
    first: dict[str, str] = {}
    for name in names:
        first.setdefault(name.lower(), name)
    scaled = {"w_non_osc", "weight_one_year", "datamcratio", "run_id"} <= set(first)
    wrong = {name: "" for name in names if _suspect(name.lower(), first, scaled=scaled)}
    partners = {name: first.get(name.lower().replace("bbfit_shower_", "bbfit_", 1), "") for name in wrong}
    alike: set[str] = set()
    for event in events(sorted({*wrong, *filter(None, partners.values())})):
        for name in wrong:
            other = event.get(partners[name], math.nan)
            if _contradicts(name.lower(), event[name], other):
                wrong[name] = "no"
            elif event[name] == other:
                alike.add(name)
    found = {name for name, no in wrong.items() if not no}
    # The six are bound to bbfit together or not at all.
    free = any(no and _is_of_bbfit(name.lower()) for name, no in wrong.items())
    found -= {name for name in found if _is_of_bbfit(name.lower()) and (free or name not in alike)}
    return Repairs(frozenset(found), first)


def _is_of_bbfit(own: str) -> bool:
    return own.startswith("bbfit_shower_") and own.removeprefix("bbfit_shower_") in _OF_BBFIT


def _suspect(own: str, first: Mapping[str, str], *, scaled: bool) -> bool:
    if own in ("is_neutrino", "is_cc"):
        return "type" in first
    if own in ("w2", "w3", "w_honda", "w_muon"):
        return scaled
    return own in ("azimuthdeg_true", "datamcratio") or own in _CONSTANT or _is_of_bbfit(own)


def _contradicts(own: str, value: float | int, other: float | int) -> bool:
    """Say if a value shows that the program that wrote it did not make the mistake."""
    if own in _CONSTANT:
        return not (math.isnan(value) or value == _CONSTANT[own])
    if own == "azimuthdeg_true":
        return not isinstance(value, float) or (math.isfinite(value) and abs(value) > 2 * math.pi * (1 + 1e-6))
    if own in ("is_neutrino", "is_cc", "datamcratio"):
        return isinstance(value, float) == (own != "datamcratio")
    return _is_of_bbfit(own) and not math.isnan(value) and not math.isnan(other) and value != other
