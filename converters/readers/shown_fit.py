"""The fit that ``/events`` shows: which one it is, and how its values get there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from legacy.errors import InputError, nearest
from legacy.model import Column

NO_FIT = "none"
"""What ``/events.reco`` and ``--reco`` say when no fit is shown."""


def choose_fit(path: Path, fits: Sequence[str], asked: str | None, preferred: Sequence[str] = ()) -> str:
    """Return the name of the fit that ``/events`` shows, `NO_FIT` for none.

    Parameters
    ----------
    path
        The source, for the message.
    fits
        Names of the fits that can be shown.
    asked
        What the user asked for, else None.
    preferred
        Which fits are shown rather than the first, in this order.

    Raises
    ------
    InputError
        The fit asked for is not in the file.
    """
    if asked is None:
        return next((name for name in (*preferred, *fits) if name in fits), NO_FIT)
    if asked != NO_FIT and asked not in fits:
        advice = nearest(asked, [*fits, NO_FIT])
        raise InputError(path, f"has no fit called {asked}", found=", ".join(fits) or "no fits", advice=advice)
    return asked


def show_fit(
    events: dict[str, Column], name: str, columns: Mapping[str, Column], rows: NDArray[np.bool_] | NDArray[np.int64]
) -> None:
    """Fill columns of ``/events`` with the values of a fit, as missing where an event has no such fit.

    Parameters
    ----------
    events
        Columns of ``/events``, each of length n; ``reco`` is one of them. They are changed.
    name
        The fit.
    columns
        Column of ``/events`` to values of the fit, each of length m.
    rows
        The m events that have the fit: their places, shape (m,), or a mask, shape (n,).
    """
    for column, values in columns.items():
        missing = np.nan if values.dtype.kind == "f" else -1
        events[column] = np.full(len(events["reco"]), missing, dtype=values.dtype)
        events[column][rows] = values
    events["reco"][rows] = name.encode()
