"""Hits of an event of an `.i3` file, counted by the second reader."""

import math
from collections.abc import Callable
from typing import Any

_MOST = 10_000_000

Channels = list[tuple[tuple[int, int, int], list[tuple[float, float]]]]


class Found:
    """What was found in an event so far: channels by key, and the pulses that masks and unions are made from."""

    def __init__(self) -> None:
        self.channels: dict[str, Channels | None] = {}
        self.pulses = 0


def counted(key: str, get: Callable[[str], Any], found: Found) -> tuple[int, int, float, int] | None:
    """Count modules, hits, charge and lines of an object of hits; None if it is not there.

    Parameters
    ----------
    key
        Its key.
    get
        Returns the decoded object of a key, None without one.
    found
        The same for all keys of an event.
    """
    value = get(key)
    if value is None:
        return None
    channels = _channels(key, get, found)
    if channels is not None:
        channels = [(om, pulses) for om, pulses in channels if len(pulses) > 0]
        charges = [charge for _, pulses in channels for _, charge in pulses]
        try:
            total = math.fsum(charges)
        except (OverflowError, ValueError):
            total = math.nan
        return len(channels), len(charges), total, len({om[0] for om, _ in channels})
    if isinstance(value, dict):
        return sum(bits > 0 for bits in value["pulses"]), sum(map(int.bit_count, value["pulses"])), math.nan, -1
    return -1, -1, math.nan, -1


def _channels(key: str, get: Callable[[str], Any], found: Found, depth: int = 0) -> Channels | None:
    if key not in found.channels:
        if depth > 100:
            return None
        found.channels[key] = None  # what leads back to itself stands for nothing
        value = get(key)
        if isinstance(value, dict):
            source = _allowed(_channels(value["source"], get, found, depth + 1), found)
            found.channels[key] = None if source is None else _masked(value, source)
        elif value and isinstance(value[0], str):
            found.channels[key] = _joined(value, get, found, depth + 1)
        else:
            found.channels[key] = value
    return found.channels[key]


def _allowed(channels: Channels | None, found: Found) -> Channels | None:
    found.pulses += sum(len(pulses) for _, pulses in channels or ())
    return channels if found.pulses <= _MOST else None


def _joined(keys: list[str], get: Callable[[str], Any], found: Found, depth: int) -> Channels | None:
    merged: dict[tuple[int, int, int], list[tuple[float, float]]] = {}
    for key in dict.fromkeys(keys):
        part = _allowed(_channels(key, get, found, depth), found)
        if part is None:
            return None
        for om, pulses in part:
            merged[om] = merged.get(om, []) + pulses
    return [(om, sorted(merged[om], key=lambda pulse: pulse[0])) for om in sorted(merged)]


def _masked(mask: dict[str, Any], source: Channels) -> Channels | None:
    found: Channels = []
    fields = list(mask["pulses"])
    if mask["modules"].bit_count() != len(fields) or mask["modules"].bit_length() > len(source):
        return None
    for (om, pulses), bits in zip((source[n] for n in _places(mask["modules"])), fields, strict=True):
        if bits.bit_length() > len(pulses):
            return None
        found.append((om, [pulses[n] for n in _places(bits)]))
    return found


def _places(bits: int) -> list[int]:
    """Return the places of the bits that are set, byte by byte."""
    data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    return [8 * n + bit for n, byte in enumerate(data) for bit in range(8) if byte >> bit & 1]
