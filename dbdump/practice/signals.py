"""Time series of the deep sea as they might be: currents, bioluminescence, water masses.

Everything follows from the seed and the number of days.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

START = np.datetime64("2009-03-10T00:00:00")
"""First moment, UTC: spring, when bioluminescence at the site is strongest."""
EVENT_DAY = 4.25
"""When the strong burst begins, days after `START`."""
_DAY = 86400
_INERTIAL_DAYS = 0.7339
"""Period of inertial oscillations at 42.8 degrees north: pi / (7.2921e-5 rad/s * sin(latitude)), in days."""
_EVENT_KHZ, _EVENT_DAYS, _RISE_DAYS = 1100.0, 1.4, 0.06
_BURSTS_PER_DAY = 1.3
LONGEST_DAYS = 10_000
"""More days than ANTARES took data."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of one optical module in kHz, and the share of time in bursts."""

    mean: "NDArray[Any]"
    median: "NDArray[Any]"
    baseline: "NDArray[Any]"
    fraction: "NDArray[Any]"


def random(seed: int, *stream: int) -> np.random.Generator:
    """Return random numbers of their own for one series."""
    return np.random.Generator(np.random.PCG64([seed, *stream]))


def moments(days: int, step: int) -> "NDArray[Any]":
    """Return times every `step` seconds as datetime64[s]."""
    return START + np.arange(0, days * _DAY, step).astype("timedelta64[s]")


def days_since_start(times: "NDArray[Any]") -> "NDArray[Any]":
    """Return times in days since `START`."""
    return (times - START) / np.timedelta64(_DAY, "s")


def current(times: "NDArray[Any]", seed: int, depth: float = 2475.0) -> tuple["NDArray[Any]", "NDArray[Any]"]:
    """Return the currents to east and north in cm/s: a slow flow, inertial oscillations, and the event."""
    day = days_since_start(times)
    phase, drift = random(seed, 10).uniform(0, 2 * np.pi, 2)
    above = (2475.0 - depth) / 500.0
    strength = 3.0 + 1.5 * above + 9.0 * _decay(day, EVENT_DAY - 0.5, 3.0)
    turn = 2 * np.pi * day / _INERTIAL_DAYS + phase + 0.6 * above
    slow = 2 * np.pi * day / 21.0 + drift
    east = 4.0 * np.cos(slow) - 3.0 + strength * np.cos(turn)
    north = 2.5 * np.sin(slow) - 1.5 - strength * np.sin(turn)  # clockwise, as in the northern hemisphere
    return east, north


def rates(times: "NDArray[Any]", seed: int, module: int, height: float) -> Rates:
    """Return the rates of a module: 40K and steady light, and bursts that grow with the current."""
    generator = random(seed, 20, module)
    day = days_since_start(times)
    size = len(day)
    season = 1 + 0.25 * np.cos(2 * np.pi * (day - 20) / 365.25)
    steady = 52.0 + generator.uniform(-3, 3) + 9.0 * season + _wander(generator, size, 1.5)
    baseline = steady + 70.0 * _decay(day, EVENT_DAY, 2.5) + generator.normal(0, 0.4, size)
    east, north = current(times, seed)
    stir = np.clip(np.hypot(east, north) / 6.0, 0.4, 2.5)
    light = _EVENT_KHZ * _decay(day, EVENT_DAY, _EVENT_DAYS) + _small_bursts(day, seed)
    bursts = light * stir * (1 + height / 1500.0) * generator.lognormal(0, 0.15, size)
    bursts += generator.gamma(1.2, 3.0, size) * season
    fraction = np.clip(1 - np.exp(-bursts / 90.0) + generator.normal(0, 0.005, size), 0.0, 1.0)
    median = baseline * 1.03 + bursts * np.clip(fraction - 0.5, 0, None)
    return Rates(baseline + bursts, median, baseline, fraction)


def water(times: "NDArray[Any]", seed: int, depth: float) -> tuple["NDArray[Any]", "NDArray[Any]", "NDArray[Any]"]:
    """Return temperature in degC, practical salinity and pressure in dbar; the event brings new deep water."""
    generator = random(seed, 30, int(depth))
    day = days_since_start(times)
    new_water = 1 / (1 + np.exp(-(day - EVENT_DAY) / 0.4))
    inertial = np.sin(2 * np.pi * day / _INERTIAL_DAYS)
    temperature = 13.185 + 0.035 * new_water + 0.003 * inertial + generator.normal(0, 0.0008, len(day))
    salt = 38.476 + 0.009 * new_water + 0.0006 * inertial + generator.normal(0, 0.0004, len(day))
    # Pressure grows a little faster than depth: 2475 m are 2510 dbar here. The tide has 10 cm.
    tide = 0.1 * np.sin(2 * np.pi * day / 0.5175)
    return temperature, salt, depth * 1.01414 + tide + generator.normal(0, 0.01, len(day))


def missing(generator: np.random.Generator, size: int, share: float) -> "NDArray[Any]":
    """Return which values are missing: single ones, and one in some places a row of them."""
    gaps = generator.random(size) < share
    for begin in np.flatnonzero(generator.random(size) < share / 20):
        gaps[begin : begin + 12] = True
    return gaps


def running(times: "NDArray[Any]") -> "NDArray[Any]":
    """Return when the detector has power: not in six hours of the third day, nor again every 45 days."""
    return ~((days_since_start(times) - 2.5) % 45 < 0.25)


def _decay(day: "NDArray[Any]", begin: float, length: float) -> "NDArray[Any]":
    """Return a quick rise at `begin`, then an exponential decay; 1 at most."""
    since = np.clip(day - begin, 0, None)
    return np.asarray((1 - np.exp(-since / _RISE_DAYS)) * np.exp(-since / length))


def _small_bursts(day: "NDArray[Any]", seed: int) -> "NDArray[Any]":
    """Return bursts that all modules see, in kHz: they come by chance and last some hours."""
    generator = random(seed, 40)
    begins = np.cumsum(generator.exponential(1 / _BURSTS_PER_DAY, int(LONGEST_DAYS * _BURSTS_PER_DAY)))
    heights = generator.lognormal(3.6, 0.9, len(begins))
    lengths = generator.uniform(0.08, 0.4, len(begins))
    total = np.zeros(len(day))
    for begin, height, length in zip(begins, heights, lengths, strict=True):
        if len(day) == 0 or begin > day[-1]:
            break
        first, last = np.searchsorted(day, (begin, begin + 12 * length))
        total[first:last] += height * _decay(day[first:last], begin, length)
    return total


def _wander(generator: np.random.Generator, size: int, spread: float) -> "NDArray[Any]":
    """Return a slow random walk that keeps near zero: an average of noise over two days."""
    width = 193
    noise = generator.normal(0, spread * np.sqrt(width), size + width - 1)
    summed = np.cumsum(np.concatenate(([0.0], noise)))
    return np.asarray((summed[width:] - summed[:-width]) / width)
