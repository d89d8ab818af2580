"""From the branches of a file of objects to columns: blocks of events, and the rows of a fit."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.readers.antdst.members import LIST, Leaf
from converters.readers.antdst.resolve import FitPlan
from converters.readers.dst_flat_values import EARLIEST_MJD, LATEST_MJD, positive, to_integers
from converters.readers.rootfile import parsing
from converters.readers.safe_names import printable
from legacy.errors import CorruptInputError
from legacy.model import Column
from legacy.site import wrapped

Integers = NDArray[np.int64]
_TURN = 2 * np.pi
_DEGREES = 360.0
_MANY_FITS = 10
_ROUNDED = 1 + 1e-6
"""Single precision rounds pi up."""
_EPOCH_MJD, _DAY = 40_587, 86_400
"""MJD of 1970-01-01; seconds."""
NO_PARTICLE = (0, -1, -999, -9999)
"""Codes that stand for no particle: none of them is that of a particle in a file of real data."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The numbers of a list, for consecutive events.

    Parameters
    ----------
    values
        The numbers of all events in a row.
    counts
        How many each event has.
    """

    values: Column
    counts: Integers


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive events.

    Parameters
    ----------
    first, n_events
        Number of the first event, and number of events.
    numbers, lists
        By path of the branch.
    """

    first: int
    n_events: int
    numbers: Mapping[str, Column]
    lists: Mapping[str, Lists]


def blocks(path: Path, tree: Any, wanted: Mapping[str, Leaf], step: int) -> Iterator[Block]:
    """Read branches, some events at a time.

    Parameters
    ----------
    path
        The file, for messages.
    tree
        uproot's tree.
    wanted
        The branches, by their paths.
    step
        Number of events in a block.

    Raises
    ------
    CorruptInputError
        A part of the file cannot be read, or a branch has fewer entries than the tree.
    """
    entries = int(tree.num_entries)
    for first in range(0, entries, step):
        stop = min(first + step, entries)
        numbers: dict[str, Column] = {}
        lists: dict[str, Lists] = {}
        for name, leaf in wanted.items():
            where = f"branch {printable(name)}, from entry {first} on"
            with parsing(path, where):
                if leaf.form == LIST:
                    lists[name] = found = _lists(leaf, first, stop)
                    length = len(found.counts)
                else:
                    numbers[name] = leaf.branch.array(entry_start=first, entry_stop=stop, library="np")
                    length = len(numbers[name])
            if length != stop - first:
                raise CorruptInputError(
                    path,
                    "a branch ends too early",
                    where=where,
                    expected=f"{stop - first} entries",
                    found=str(length),
                    advice="fetch it again and compare its checksum",
                )
        yield Block(first, stop - first, numbers, lists)


def _lists(leaf: Leaf, first: int, stop: int) -> Lists:
    import awkward

    array = leaf.branch.array(entry_start=first, entry_stop=stop, library="ak")
    counts = np.asarray(awkward.num(array, axis=1), dtype=np.int64)
    return Lists(awkward.to_numpy(awkward.flatten(array, axis=1)), counts)


@dataclass(frozen=True, slots=True)
class FitRows:
    """The rows of a fit in a block.

    Parameters
    ----------
    events
        Number of the event in the block, for each row.
    columns
        Values by column.
    empty
        Events that were left out because all their numbers are 0 or missing.
    repeated
        Further elements of the list with the same key, which were left out.
    """

    events: Integers
    columns: Mapping[str, Column]
    empty: int = 0
    repeated: int = 0


def fit_rows(path: Path, fit: FitPlan, block: Block) -> FitRows:
    """Return the rows of a fit.

    Raises
    ------
    CorruptInputError
        The members of a list have different lengths.
    """
    if fit.key is None:
        columns = {name: block.numbers[leaf.path] for name, leaf in fit.columns.items()}
        return _without_empty(np.arange(block.n_events), columns, 0)
    keys = block.lists[fit.key.path]
    for leaf in fit.columns.values():
        if not np.array_equal(block.lists[leaf.path].counts, keys.counts):
            raise CorruptInputError(
                path,
                "members of one list have different lengths",
                where=f"branches {printable(fit.key.path)} and {printable(leaf.path)}",
                advice="if the file is whole, name another list in the mapping (--antdst-mapping)",
            )
    chosen = np.flatnonzero(keys.values == fit.code)
    owners = np.repeat(np.arange(block.n_events), keys.counts)[chosen]
    events, place = np.unique(owners, return_index=True)
    columns = {name: block.lists[leaf.path].values[chosen[place]] for name, leaf in fit.columns.items()}
    return _without_empty(events, columns, len(chosen) - len(events))


def _without_empty(events: Integers, columns: Mapping[str, Column], repeated: int) -> FitRows:
    filled = np.zeros(len(events), dtype=bool)
    for values in columns.values():
        filled |= (values == values) & (values != 0)
    kept = {name: values[filled] for name, values in columns.items()}
    return FitRows(events[filled], kept, int(np.count_nonzero(~filled)), repeated)


def event_times(seconds: Column, nanoseconds: Column) -> tuple[Integers, Integers, int]:
    """Turn the two members of a time into columns of ``/events``; a time that cannot be one is missing as a whole.

    A time that was never filled is 0, which would be 1970.

    Parameters
    ----------
    seconds, nanoseconds
        Since 1970-01-01 UTC, as the file has them, shape (n,).

    Returns
    -------
    timestamp, nanoseconds
        s and ns; both -1 where either is impossible.
    int
        Number of values that cannot be times.
    """
    whole, rest = to_integers(seconds), to_integers(nanoseconds)
    first, last = (int(mjd - _EPOCH_MJD) * _DAY for mjd in (EARLIEST_MJD, LATEST_MJD))
    good = (whole > first) & (whole < last) & (rest >= 0) & (rest < 1_000_000_000)
    return np.where(good, whole, -1), np.where(good, rest, -1), int(np.count_nonzero(~good))


def shown(rows: FitRows, units: Mapping[str, str], convention: str | None) -> tuple[dict[str, Column], int]:
    """Return what a fit gives to ``/events``.

    Parameters
    ----------
    rows
        The rows of the fit, n of them.
    units
        Unit of each column.
    convention
        ``source`` or ``flight``, None if it is not known what the angles mean.

    Returns
    -------
    dict
        Column of ``/events`` to values, each of length n.
    int
        Number of directions outside of the sphere.
    """
    found: dict[str, Column] = {}
    for name in ("quality", "pos_x", "pos_y", "pos_z"):
        if name in rows.columns:
            found[name] = rows.columns[name].astype(np.float64)
    for name, target in (("nusedhits", "n_hits"), ("nusedlines", "n_lines")):
        if name in rows.columns:
            found[target] = to_integers(rows.columns[name])
    if "energy" in rows.columns:
        found["energy"] = positive(rows.columns["energy"])
    if "angerr" in rows.columns:
        error = rows.columns["angerr"].astype(np.float64)
        error = np.degrees(error) if units["angerr"] == "rad" else error
        found["angular_error"] = np.where(np.isfinite(error) & (error >= 0), error, np.nan)
    absurd = 0
    if convention and {"zenith", "azimuth"} <= set(rows.columns):
        zenith, azimuth = (in_radians(rows.columns[name], units[name]) for name in ("zenith", "azimuth"))
        given = (zenith == zenith) & (azimuth == azimuth)
        origin = zenith_of_origin(zenith, convention)
        good = (origin == origin) & (np.abs(azimuth) <= _TURN * _ROUNDED)
        found["zenith"] = np.where(good, origin, np.nan)
        found["azimuth"] = wrapped(np.where(good, azimuth, np.nan) + (np.pi if convention == "flight" else 0.0), _TURN)
        absurd = int(np.count_nonzero(given & ~good))
    return found, absurd


def largest_angle(columns: Mapping[str, Column]) -> float:
    """Return the largest size of the zenith and azimuth angles of some fits, as the file has them; 0 without any."""
    found = [np.abs(columns[name]) for name in ("zenith", "azimuth") if name in columns]
    return max((float(np.max(sizes[np.isfinite(sizes)], initial=0)) for sizes in found), default=0.0)


def unit_doubt(unit: str, largest: float, fits: int) -> str:
    """Say why the unit that a mapping gives for angles may be wrong, ``""`` without a doubt.

    Parameters
    ----------
    unit
        ``rad`` or ``deg``.
    largest
        Largest size of an angle.
    fits
        Number of fits; a few degrees only are no proof for a few fits.
    """
    if unit == "deg" and fits >= _MANY_FITS and 0 < largest <= _TURN * _ROUNDED:
        return f"no angle is larger than {largest:.2f} in {fits} fits, and the mapping has degrees: are they radians?"
    if unit == "rad" and _TURN * _ROUNDED < largest <= _DEGREES:
        return f"angles go up to {largest:g}, and the mapping has radians: are they degrees?"
    return ""


def in_radians(values: Column, unit: str) -> NDArray[np.float64]:
    """Return angles in radians; `unit` is that of `values`, rad or deg."""
    given = values.astype(np.float64)
    return np.radians(given) if unit == "deg" else given


def zenith_of_origin(zenith: NDArray[np.float64], convention: str) -> NDArray[np.float64]:
    """Return the zenith angle of where a particle came from, radians; NaN outside of 0 to pi.

    Parameters
    ----------
    zenith
        As the source has it, radians.
    convention
        ``source`` or ``flight``: what it means there.
    """
    good = np.where((zenith >= 0) & (zenith <= np.pi * _ROUNDED), np.minimum(zenith, np.pi), np.nan)
    return np.pi - good if convention == "flight" else good
