"""Corrections of known mistakes in flat DST trees, made only when asked for.

The mistakes are facts of the public programs that write such trees (mchadolias/preprocess-antares-dst:
extract_dst/src/ExtractAntDSTInfo.cc, and corrections/src/CorrectTree.cc for the weights). Each correction looks
for its mistake in all events of the file first: a tree made by a program that was repaired is left alone.
What cannot be known from the file is not corrected.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from converters.readers.dst_flat_branches import UNFILLED, WRONG_FIT, Place
from converters.readers.dst_flat_values import NEUTRINOS, to_integers
from converters.readers.safe_names import printable
from legacy.model import Column

FIXES: Mapping[str, str] = {
    "azimuthdeg_true": "radians turned into degrees",
    "bjorken_y_true": "the constant 0.5 is missing now",
    "never_filled": "0 of a branch that is never filled is missing now",
    "bbfit_shower": "values that are those of bbfit are missing now",
    "data_mc_ratio": "0 and infinity, ratios to no simulated livetime, are missing now",
    "is_neutrino": "taken from the type of each event",
    "is_cc": "muons have no current: missing now",
    "scaled_weights": "divided by DataMCRatio, and by 0.8 for runs below 30412: the generator's weight again",
}
"""Every correction by its name, which provenance records, and what it does."""

FIRST_WHOLE_RUN = 30412
EARLY_RUNS = 0.8
"""Factor on the weights of runs below `FIRST_WHOLE_RUN`, for data that are missing there."""
DEGREES = 180.0 / np.pi
_FULL_TURN = 2 * np.pi * (1 + 1e-6)
_WEIGHTS = frozenset({"w2", "w3", "w_honda", "w_muon"})
_MARKS_OF_SCALING = frozenset({"w_non_osc", "weight_one_year", "datamcratio", "run_id"})
_BY_NAME = {"azimuthdeg_true": "azimuthdeg_true", "bjorken_y_true": "bjorken_y_true", "datamcratio": "data_mc_ratio"}
_BY_TYPE = frozenset({"is_neutrino", "is_cc"})
_CONSTANTS = {"bjorken_y_true": 0.5, "never_filled": 0.0}


@dataclass(frozen=True, slots=True)
class Fix:
    """What becomes of one branch.

    Parameters
    ----------
    branch
        Its name in the tree.
    rule
        A key of `FIXES`.
    partner
        The branch that it is compared with or computed from, ``""`` if that is not in the tree.
    refused
        Why the branch is left as it is, ``""`` if it is corrected.
    """

    branch: str
    rule: str
    partner: str = ""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Fixes:
    """The corrections of one file.

    Parameters
    ----------
    fixes
        By branch.
    run
        The branch with the run numbers.
    """

    fixes: Mapping[str, Fix]
    run: str = ""

    @property
    def needed(self) -> frozenset[str]:
        """Branches that must be read to find out which corrections apply, and to apply them."""
        names = {name for fix in self.fixes.values() for name in (fix.branch, fix.partner)}
        return frozenset(names | {self.run}) - {""}

    def settled(self, steps: Iterable[Mapping[str, Column]]) -> "Fixes":
        """Return the same corrections, those refused that do not fit the numbers of the file.

        Parameters
        ----------
        steps
            All events: arrays of at least the branches in `needed`.
        """
        evidence = {name: _Evidence(fix) for name, fix in self.fixes.items()}
        for arrays in steps:
            for found in evidence.values():
                found.add(arrays)
        verdicts = {name: f.verdict() for name, f in evidence.items()}
        # One assignment binds all six branches: one of them with values of its own shows that none is bound, even
        # where small counts happen to be equal in all events.
        own = next((name for name, f in evidence.items() if f.has_own_values), "")
        for name, fix in self.fixes.items():
            if own and fix.rule == "bbfit_shower" and not verdicts[name]:
                verdicts[name] = f"{printable(own)} has values of its own, so this branch is not bound to bbfit either"
        return replace(self, fixes={name: replace(f.fix, refused=verdicts[name]) for name, f in evidence.items()})

    @property
    def applied(self) -> frozenset[str]:
        """Branches that are corrected."""
        return frozenset(name for name, fix in self.fixes.items() if not fix.refused)

    def corrected(self, arrays: Mapping[str, Column]) -> dict[str, Column]:
        """Return the corrected branches among `arrays`, and only those."""
        return {name: _corrected(self.fixes[name], arrays, self.run) for name in self.applied}

    def described(self, places: Iterable[Place]) -> tuple[Place, ...]:
        """Return the places of the branches, with the units, types and notes that they have after correction."""
        return tuple(_described(place, self.fixes.get(place.branch)) for place in places)

    def remarks(self) -> tuple[str, ...]:
        """Say what was corrected: one sentence for each correction that applies."""
        found = []
        for rule, text in FIXES.items():
            names = [printable(f.branch) for f in self.fixes.values() if f.rule == rule and not f.refused]
            if names:
                found.append(f"known defect corrected as asked, {rule}: {', '.join(names)}: {text}")
        return tuple(found)


NO_FIXES = Fixes({})


def candidates(places: Iterable[Place]) -> Fixes:
    """Return the corrections that the names of the branches suggest.

    Parameters
    ----------
    places
        Where each branch of the tree goes.
    """
    kept = [place for place in places if place.role != "dropped"]
    lower: dict[str, str] = {}
    for place in kept:
        lower.setdefault(place.branch.lower(), place.branch)
    scaled = set(lower) >= _MARKS_OF_SCALING
    fixes = {}
    for place in kept:
        rule, partner = _rule(place, scaled=scaled)
        if rule:
            fixes[place.branch] = Fix(place.branch, rule, lower.get(partner, ""))
    return Fixes(fixes, lower["run_id"] if scaled else "")


def _rule(place: Place, *, scaled: bool) -> tuple[str, str]:
    """Return the name of the correction for a branch, and in lower case the branch that it needs besides."""
    name = place.branch.lower()
    if place.note == UNFILLED:
        return "never_filled", ""
    if place.note == WRONG_FIT:
        return "bbfit_shower", name.replace("bbfit_shower_", "bbfit_", 1)
    form = place.column.dtype[0] if place.column else ""  # a program that writes other types is another one
    if form == "f" and name in _BY_NAME:
        return _BY_NAME[name], ""
    if form == "i" and name in _BY_TYPE:
        return name, "type"
    if scaled and name in _WEIGHTS:
        return "scaled_weights", "datamcratio"
    return "", ""


class _Evidence:
    """Looks for a mistake in the numbers of a branch."""

    def __init__(self, fix: Fix) -> None:
        self.fix = fix
        self._largest = 0.0
        self._odd = 0
        self._alike = 0

    def add(self, arrays: Mapping[str, Column]) -> None:
        """Take note of some events."""
        values = arrays[self.fix.branch]
        if self.fix.rule == "azimuthdeg_true":
            finite = np.abs(values[np.isfinite(values)])
            self._largest = max(self._largest, float(finite.max(initial=0)))
        elif self.fix.rule in _CONSTANTS:
            known = _CONSTANTS[self.fix.rule]
            self._odd += int(np.count_nonzero((values != known) & (values == values)))
        elif self.fix.rule == "bbfit_shower" and self.fix.partner:
            other = arrays[self.fix.partner]
            both = (values == values) & (other == other)
            alike = int(np.count_nonzero(both & (values == other)))
            self._alike += alike
            self._odd += int(np.count_nonzero(both)) - alike

    @property
    def has_own_values(self) -> bool:
        """True if a branch of the bright point has values that bbfit does not have."""
        return self.fix.rule == "bbfit_shower" and self._odd > 0

    def verdict(self) -> str:
        """Say why the branch must be left as it is, ``""`` if it is to be corrected."""
        rule = self.fix.rule
        if rule == "azimuthdeg_true" and self._largest > _FULL_TURN:
            return f"the values reach {self._largest:g}: no radians"
        if rule in _CONSTANTS and self._odd:
            return f"{self._odd} values are not {_CONSTANTS[rule]:g}: it was filled after all"
        if rule == "bbfit_shower" and self._odd:
            return f"{self._odd} values are not those of bbfit"
        if rule == "bbfit_shower" and not self._alike:
            return "there are no values of bbfit to compare with"
        if rule in _BY_TYPE and not self.fix.partner:
            return "there is no branch type"
        return ""


def _corrected(fix: Fix, arrays: Mapping[str, Column], run: str) -> Column:
    values = arrays[fix.branch]
    if fix.rule == "azimuthdeg_true":
        return np.asarray(values.astype(np.float64) * DEGREES)
    if fix.rule in _CONSTANTS or fix.rule == "bbfit_shower":
        return _missing(values)
    if fix.rule == "data_mc_ratio":
        return np.where(np.isfinite(values) & (values != 0), values, np.nan)
    if fix.rule == "scaled_weights":
        return _unscaled(values, arrays[fix.partner], arrays[run])
    neutrino = np.isin(np.abs(to_integers(arrays[fix.partner], lowest=-(1 << 31))), NEUTRINOS)
    if fix.rule == "is_neutrino":
        return neutrino.astype(np.int64)
    return np.where(neutrino, values.astype(np.int64), -1)


def _missing(values: Column) -> Column:
    if values.dtype.kind == "f":
        return np.full_like(values, np.nan)
    return np.full(values.shape, -1, dtype=np.int64)


def _unscaled(values: Column, ratios: Column, runs: Column) -> Column:
    divisor = ratios.astype(np.float64)
    known = np.isfinite(divisor) & (divisor != 0)
    quotients = values.astype(np.float64) / np.where(known, divisor, np.nan)
    return np.asarray(quotients / np.where(runs < FIRST_WHOLE_RUN, EARLY_RUNS, 1.0))


def _described(place: Place, fix: Fix | None) -> Place:
    if fix is None:
        return place
    if fix.refused:
        return replace(place, note="; ".join(filter(None, (place.note, f"not corrected: {fix.refused}"))))
    changed: dict[str, Any] = {"note": f"corrected as asked, see (fix) {printable(place.branch, 40)}"}
    if place.column is not None:
        column = replace(place.column, description=_NEW_DESCRIPTIONS.get(fix.rule, place.column.description))
        if fix.rule == "azimuthdeg_true":
            column = replace(column, unit="deg", dtype="f8")
        elif fix.rule == "scaled_weights":
            column = column.with_dtype("f8")
        changed["column"] = column
    return replace(place, **changed)


_NEW_DESCRIPTIONS = {
    "azimuthdeg_true": "Azimuth of the primary, convention not public; corrected: the source has radians",
    "bjorken_y_true": "Missing: the source has the constant 0.5",
    "is_neutrino": "1 neutrino, 0 another particle; corrected: from the type",
    "is_cc": "1 charged current, 0 neutral current, from the file's name; -1 for muons, corrected",
    "data_mc_ratio": "Livetime of data over that of the simulation; missing where that is not known",
}


def changes(before: Column, after: Column) -> int:
    """Count the values that a correction has changed.

    Parameters
    ----------
    before, after
        Of equal shape.
    """
    same = (before == after) | ((before != before) & (after != after))
    return int(np.count_nonzero(~same))
