"""One order for the events of several SeaTray tables."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def merge_events(tables: Sequence[Integers]) -> tuple[Integers, tuple[Integers, ...]]:
    """Put the events of several tables into one order that keeps the order of each.

    Rows of two tables with the same key are the same event. A key that a table repeats is another event each
    time: its n-th row belongs to the n-th row with that key in the other tables.

    Parameters
    ----------
    tables
        Keys of each table's rows, shape (n, 3).

    Returns
    -------
    numpy.ndarray
        Shape (events, 3): key of each event.
    tuple of numpy.ndarray
        For each table the number of the event that each row belongs to.
    """
    keys = np.concatenate(tables)
    sizes = np.cumsum([len(table) for table in tables])[:-1]
    repeats = np.concatenate([_occurrences(_labels(table)) for table in tables])
    parts = np.split(_labels(np.column_stack((keys, repeats))), sizes)
    order = parts[0]
    position = np.full(len(keys), -1, dtype=np.int64)
    for part in parts[1:]:
        position[order] = np.arange(len(order))
        here = position[part]
        unknown = here < 0
        # An event that only this table has follows the last one before it that is known already.
        anchors = np.maximum.accumulate(here)[unknown] if len(here) else here
        places = np.concatenate((np.arange(len(order)), anchors))
        late = np.concatenate((np.zeros(len(order), dtype=bool), np.ones(len(anchors), dtype=bool)))
        order = np.concatenate((order, part[unknown]))[np.lexsort((late, places))]
    position[order] = np.arange(len(order))
    events = np.empty((len(order), keys.shape[1]), dtype=np.int64)
    groups = tuple(position[part] for part in parts)
    events[np.concatenate(groups)] = keys
    return events, groups


def _labels(keys: Integers) -> Integers:
    """Give each distinct row of `keys`, shape (n, k), a number."""
    order = np.lexsort(keys.T[::-1])
    ordered = keys[order]
    changes = np.zeros(len(keys), dtype=np.int64)
    changes[1:] = np.any(ordered[1:] != ordered[:-1], axis=1)
    labels = np.empty(len(keys), dtype=np.int64)
    labels[order] = np.cumsum(changes)
    return labels


def _occurrences(labels: Integers) -> Integers:
    """Say for each label how often it occurred before."""
    order = np.argsort(labels, kind="stable")
    ordered = labels[order]
    numbers = np.arange(len(labels))
    starts = np.zeros(len(labels), dtype=np.int64)
    starts[1:] = np.where(ordered[1:] != ordered[:-1], numbers[1:], 0)
    counts = np.empty(len(labels), dtype=np.int64)
    counts[order] = numbers - np.maximum.accumulate(starts) if len(labels) else starts
    return counts
