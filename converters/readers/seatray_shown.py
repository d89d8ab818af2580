"""What ``/events`` shows of a fit of SeaTray: the same from its HDF5 tables and from its frames."""

from collections.abc import Mapping

import numpy as np

from legacy.model import Column

_ORIGIN = {"x": -8221.6, "y": -2381.9, "z": 2475.0}
"""From UTM zone 32 N coordinates less 260000 and 4740000 m, and the height above the sea, to the detector's:
its site is 268221.6 E, 4742381.9 N (KM3NeT/km3astro: constants.py), the nominal sea floor 2475 m deep."""
_DIRECT = {"quality": "quality", "energy": "energy", "nUsedHits": "n_hits", "nUsedLines": "n_lines"}


def fit_columns(fit: Mapping[str, Column], *, antares: bool) -> dict[str, Column]:
    """Return the columns of ``/events`` that a fit gives.

    Parameters
    ----------
    fit
        Columns of the fit by their names in the source, each of length n.
    antares
        True if the positions are those of ANTARES.

    Returns
    -------
    dict
        Column of ``/events`` to values, each of length n.
    """
    columns: dict[str, Column] = {}
    zenith, azimuth = (fit[name].astype(np.float64) for name in ("zenith", "azimuth"))
    good = (zenith >= 0) & (zenith <= np.pi) & (np.abs(azimuth) <= 2 * np.pi)
    columns["zenith"] = np.where(good, zenith, np.nan)
    # As everywhere in /events from 0 to 2 pi; /reco has the source's own number.
    columns["azimuth"] = np.where(good, np.where(azimuth < 0, azimuth + 2 * np.pi, azimuth), np.nan)
    if antares and set(_ORIGIN) <= set(fit):
        columns |= {f"pos_{axis}": fit[axis].astype(np.float64) + shift for axis, shift in _ORIGIN.items()}
    for field, target in _DIRECT.items():
        wanted = "f" if target in ("energy", "quality") else "i"
        if field in fit and fit[field].dtype.kind == wanted:
            values = fit[field].astype(f"{wanted}8")
            columns[target] = values if wanted == "f" else np.where(values < 0, -1, values)
    return columns


def shown_fields(antares: bool) -> dict[str, str]:
    """Return for each field that ``/events`` shows the column there."""
    shown = {"zenith": "zenith, dir_*", "azimuth": "azimuth, dir_*", **_DIRECT}
    if antares:
        shown |= {axis: f"pos_{axis}, {shift:+} m" for axis, shift in _ORIGIN.items()}
    return {field: f"/events.{target}" for field, target in shown.items()}
