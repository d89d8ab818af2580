"""From the numbers of DST files, flat trees and AntDST objects, to those of ``/events``."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from converters.readers.dst_flat_branches import SHOWN
from legacy.model import Column
from legacy.site import wrapped

_TURN = 2 * np.pi
NEUTRINOS = (12, 14, 16)
EARLIEST_MJD, LATEST_MJD = 50_000.0, 70_000.0
"""A time outside of them, 1995 to 2050, is none."""
_LOWEST_CODE = -(1 << 31)
_EXACT = 1 << 53
"""Beyond this, a floating-point number may stand for several integers."""


def to_integers(values: Column, lowest: int = 0) -> NDArray[np.int64]:
    """Turn numbers into integers.

    Parameters
    ----------
    values
        Integers, flags, or floating-point numbers that hold integers.
    lowest
        The least number that can be real.

    Returns
    -------
    numpy.ndarray of int64
        Same shape; -1 for everything that is no integer or less than `lowest`.
    """
    if values.dtype.kind == "f":
        good = np.isfinite(values) & (np.abs(values) <= _EXACT) & (values == np.rint(values))
        numbers = np.where(good, values, lowest - 1).astype(np.int64)
    else:
        # An unsigned number beyond the signed ones is a negative one that was stored as unsigned.
        numbers = values.astype(np.int64)
    return np.where(numbers < lowest, -1, numbers)


def positive(values: Column) -> NDArray[np.float64]:
    """Return the values, NaN where they are not finite or not above 0."""
    given = values.astype(np.float64)
    return np.where(np.isfinite(given) & (given > 0), given, np.nan)


def as_stored(values: Column) -> Column:
    """Return numbers as a product stores them: floating-point ones unchanged, all others as int64.

    Parameters
    ----------
    values
        Numbers or flags of a branch, shape (n,); an unsigned one beyond int64 becomes -1.
    """
    if values.dtype.kind == "f":
        return values
    numbers = values.astype(np.int64)
    return np.where(numbers < 0, -1, numbers) if values.dtype == np.uint64 else numbers


def event_value(column: str, values: Column, no_particle: Sequence[int] = (0,)) -> tuple[Column, int]:
    """Turn the values of a branch into a column of ``/events``.

    Parameters
    ----------
    column
        Name of the column.
    values
        As the file has them, shape (n,).
    no_particle
        Codes that stand for no particle.

    Returns
    -------
    numpy.ndarray
        The column, shape (n,).
    int
        Number of values that cannot be times.
    """
    if column == "mjd":
        given = values.astype(np.float64)
        good = (given > EARLIEST_MJD) & (given < LATEST_MJD)
        return np.where(good, given, np.nan), int(np.count_nonzero(~good))
    if column == "mc_energy":
        return positive(values), 0
    if column.startswith("weight_"):
        return values.astype(np.float64), 0
    if column == "mc_pdgid":
        codes = to_integers(values, lowest=_LOWEST_CODE)
        return np.where(np.isin(codes, no_particle), -1, codes), 0
    return to_integers(values), 0


def fit_values(fit: Mapping[str, Column]) -> dict[str, Column]:
    """Return what a fit gives to ``/events``, without its direction.

    Parameters
    ----------
    fit
        Columns of ``/reco/<name>`` that are not defective, each of length n.

    Returns
    -------
    dict
        Column of ``/events`` to values, each of length n.
    """
    columns: dict[str, Column] = {}
    for source, target in SHOWN.items():
        if source not in fit:
            continue
        if target in ("n_hits", "n_lines"):
            columns[target] = to_integers(fit[source])
        elif target == "energy":
            columns[target] = positive(fit[source])
        elif target == "angular_error":
            error = fit[source].astype(np.float64)
            columns[target] = np.where(np.isfinite(error) & (error >= 0), error, np.nan)
        else:
            columns[target] = fit[source].astype(np.float64)
    return columns


def direction(
    zenith_deg: Column, azimuth_deg: Column, convention: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Return the direction a particle came from.

    Parameters
    ----------
    zenith_deg, azimuth_deg
        Angles of the source, degrees, shape (n,).
    convention
        ``source`` if they point to where the particle came from, ``flight`` if to where it goes.

    Returns
    -------
    zenith, azimuth
        Radians; NaN where the angles are outside of the sphere.
    int
        Number of directions outside of the sphere.
    """
    zenith, azimuth = zenith_deg.astype(np.float64), azimuth_deg.astype(np.float64)
    good = (zenith >= 0) & (zenith <= 180) & (np.abs(azimuth) <= 360)
    given = ~(np.isnan(zenith) | np.isnan(azimuth))
    zenith, azimuth = np.radians(zenith), np.radians(np.where(good, azimuth, np.nan))
    if convention == "flight":
        zenith, azimuth = np.pi - zenith, azimuth + np.pi
    return np.where(good, zenith, np.nan), wrapped(azimuth, _TURN), int(np.count_nonzero(given & ~good))


def interaction(branches: Mapping[str, Column], convention: str | None) -> dict[str, Column]:
    """Return the truth that takes more than one branch.

    Parameters
    ----------
    branches
        Branches by their names in lower case.
    convention
        What the angles of the source mean, None if unknown.

    Returns
    -------
    dict
        ``mc_is_cc`` for neutrinos, and ``mc_zenith`` where the convention is known.
    """
    columns: dict[str, Column] = {}
    if "type" in branches and ("is_cc" in branches or "interaction_type" in branches):
        source = branches["is_cc"] if "is_cc" in branches else branches["interaction_type"]
        neutrino = np.isin(np.abs(to_integers(branches["type"], lowest=_LOWEST_CODE)), NEUTRINOS)
        columns["mc_is_cc"] = np.where(neutrino, (source > 0).astype(np.int64), -1)
    if convention and "cos_zenith_true" in branches:
        cosine = branches["cos_zenith_true"].astype(np.float64)
        zenith = np.arccos(np.where(np.abs(cosine) <= 1, cosine, np.nan))
        columns["mc_zenith"] = np.pi - zenith if convention == "flight" else zenith
    return columns
