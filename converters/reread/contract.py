"""What a second reader yields: one event at a time, plain Python values, nothing vectorised."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from converters.source import ReadOptions

Value = float | int | bytes


@dataclass(frozen=True, slots=True)
class Expected:
    """One event, as read by the independent path.

    Parameters
    ----------
    events
        Values of columns of ``/events``, by name. A missing value is NaN, -1 or ``b""``; a column that is
        derived from others (mjd, ra, dec, internal_id, group_id) need not be there.
    event_info
        The same for ``/event_info``.
    tables
        For every other table its rows in order, without ``group_id``.
    """

    events: Mapping[str, Value] = field(default_factory=dict)
    event_info: Mapping[str, Value] = field(default_factory=dict)
    tables: Mapping[str, tuple[Mapping[str, Value], ...]] = field(default_factory=dict)


Rereader = Callable[[Path, ReadOptions], Iterator[Expected]]
"""Every module of this package has a function ``reread`` of this type."""
