"""Weights of ANTARES' simulations, from the map in which its SeaTray keeps them.

km3pipe, which reads such frames through SeaTray itself, turns them into ANTARES' w2 and w3 by these factors
(tamasgal/km3pipe: io/i3.py): SeaTray has cm2, and by its own units (icetray: I3Units.h) times in ns; ANTARES has m2 and
the year of its generator.
"""

from collections.abc import Sequence

import numpy as np

from converters.readers.i3.plan import Weights
from legacy.model import Column, StructuredArray

WEIGHT_KEY = "I3MCWeightDict"
_SECONDS_PER_YEAR = 3.156e7
_M2_PER_CM2 = 1e-4
_NS_PER_SECOND = 1e9
_FACTORS = {
    "OneWeight": ("weight_w2", _M2_PER_CM2 * _SECONDS_PER_YEAR),
    "GlobalWeight": ("weight_w3", _SECONDS_PER_YEAR * _NS_PER_SECOND),
}
WEIGHTS_REMARK = (
    f"weight_w2 is OneWeight x {_M2_PER_CM2:g} m2/cm2 x {_SECONDS_PER_YEAR:g} s/yr, weight_w3 is GlobalWeight (per ns) "
    f"x {_NS_PER_SECOND:g} ns/s x {_SECONDS_PER_YEAR:g} s/yr, as km3pipe has them; /mc_info has the source's own"
)


def weight_columns(rows: StructuredArray, weights: Sequence[Weights], first: int, n_events: int) -> dict[str, Column]:
    """Return ``weight_w2`` and ``weight_w3`` of ``/events``, as far as the file has what they are made of.

    Parameters
    ----------
    rows
        Rows of ``/mc_info`` of consecutive events.
    weights
        Which of its columns have which entry of which map.
    first, n_events
        ``group_id`` of the first event and number of events.

    Returns
    -------
    dict
        GeV m2 sr s/yr and 1/yr; NaN where an event does not have the entry or it is infinite.
    """
    columns: dict[str, Column] = {}
    for named in (named for weight in weights if weight.key == WEIGHT_KEY for named in weight.values):
        if named.source in _FACTORS:
            target, factor = _FACTORS[named.source]
            columns[target] = np.full(n_events, np.nan)
            with np.errstate(over="ignore"):
                values = rows[named.column] * factor
            columns[target][rows["group_id"] - first] = np.where(np.isfinite(values), values, np.nan)
    return columns
