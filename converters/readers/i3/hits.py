"""Hits of an event, counted and summed: of a series, of a mask on one, or of a union of several."""

import math
from typing import NamedTuple, TypeVar, cast

from converters.readers.i3.classes.masks import PULSE_MASK, Mask
from converters.readers.i3.classes.pulses import PULSE_UNION, SERIES, Channel
from converters.readers.i3.objects import Objects, Tally

T = TypeVar("T")

SERIES_CLASSES = frozenset({*(kind.name for kind in SERIES), PULSE_MASK.name, PULSE_UNION.name})
_DEEPEST = 100
_MOST_PULSES = 10_000_000
"""Most pulses that the masks and unions of an event may be made from: they can name each other over and over."""


class HitCount(NamedTuple):
    """How many hits there are.

    Parameters
    ----------
    modules, hits
        Number of optical modules with hits, and of hits, -1 where it cannot be said.
    charge
        Sum of the charges, photoelectrons; NaN where it cannot be said.
    lines
        Number of different strings of the modules, -1 where it cannot be said.
    """

    modules: int
    hits: int
    charge: float
    lines: int


class HitCounter:
    """Counts the hits of one event.

    Parameters
    ----------
    objects
        All objects of the event.
    tally
        Notes what cannot be decoded.
    """

    def __init__(self, objects: Objects, tally: Tally) -> None:
        self._objects = objects
        self._tally = tally
        self._channels: dict[str, list[Channel] | None] = {}
        self._pulses = 0

    def count(self, key: str) -> HitCount | None:
        """Count the hits of an object; None if it is not there, cannot be read, or is of another class."""
        value = self._value(key)
        if value is None:
            return None
        channels = self._resolved(key, value)
        if channels is not None:
            hit = [channel for channel in channels if channel.pulses]  # a series can list modules without hits
            charges = [charge for channel in hit for _, charge in channel.pulses]
            return HitCount(len(hit), len(charges), _sum(charges), len({channel.key.string for channel in hit}))
        if isinstance(value, Mask):  # its source cannot be read, but its own bits can be counted
            pulses = value.pulses
            return HitCount(len(pulses) - pulses.count(0), sum(map(int.bit_count, pulses)), math.nan, -1)
        return HitCount(-1, -1, math.nan, -1)

    def _value(self, key: str) -> Mask | list[Channel] | list[str] | None:
        item = self._objects.items.get(key)
        if item is None or item.variant.name not in SERIES_CLASSES:
            return None
        found: Mask | list[Channel] | list[str] | None = item.value(self._tally)
        return found

    def _resolved(self, key: str, value: Mask | list[Channel] | list[str], depth: int = 0) -> list[Channel] | None:
        """Return the pulses that an object stands for; None if its sources cannot be read or lead back to it."""
        if key in self._channels:
            return self._channels[key]
        if depth > _DEEPEST:
            return None
        self._channels[key] = None
        if isinstance(value, Mask):
            source = self._source(value.source, depth + 1)
            found = None if source is None else _chosen(value, source)
        elif self._objects.items[key].variant.name == PULSE_UNION.name:
            found = self._union(cast("list[str]", value), depth + 1)
        else:
            found = cast("list[Channel]", value)
        self._channels[key] = found
        return found

    def _source(self, key: str, depth: int) -> list[Channel] | None:
        """Return what a mask or union is made from, None also if an event's are made from too much."""
        value = self._value(key)
        found = None if value is None else self._resolved(key, value, depth)
        if found is None:
            return None
        self._pulses += sum(len(channel.pulses) for channel in found)
        return found if self._pulses <= _MOST_PULSES else None

    def _union(self, sources: list[str], depth: int) -> list[Channel] | None:
        merged: dict[tuple[int, int, int], Channel] = {}
        for source in dict.fromkeys(sources):
            channels = self._source(source, depth)
            if channels is None:
                return None
            for channel in channels:
                merged.setdefault(channel.key, Channel(channel.key, [])).pulses.extend(channel.pulses)
        ordered = [merged[key] for key in sorted(merged)]
        return [Channel(channel.key, sorted(channel.pulses, key=lambda pulse: pulse.time)) for channel in ordered]


def _chosen(mask: Mask, source: list[Channel]) -> list[Channel] | None:
    """Return the pulses that a mask leaves; None if mask and source do not fit together."""
    fields = iter(mask.pulses)
    chosen: list[Channel] = []
    for channel in _at(mask.modules, source):
        bits = next(fields, 0)
        if bits >> len(channel.pulses):
            return None
        chosen.append(Channel(channel.key, _at(bits, channel.pulses)))
    return chosen if mask.modules.bit_count() == len(mask.pulses) == len(chosen) else None


def _at(bits: int, items: list[T]) -> list[T]:
    """Return the items whose bits are set; as text, since to shift the bits anew for each takes the square of time."""
    if bits == (1 << len(items)) - 1:
        return items
    return [item for item, bit in zip(items, reversed(f"{bits:b}"), strict=False) if bit == "1"]


def _sum(charges: list[float]) -> float:
    try:
        return math.fsum(charges)
    except (OverflowError, ValueError):  # infinities of both signs, or a sum beyond the largest number
        return math.nan
