"""Properties of sea water, from the formulas that oceanography agreed on."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

_REFERENCE = 4.2914
"""Conductivity of water of salinity 35 at 15 degC (IPTS-68) and no pressure, S/m."""


def salinity(conductivity: "NDArray[Any]", temperature: "NDArray[Any]", pressure: "NDArray[Any]") -> "NDArray[Any]":
    """Return the practical salinity (PSS-78; UNESCO technical papers in marine science 44, 1983).

    Parameters
    ----------
    conductivity
        S/m.
    temperature
        degC, IPTS-68.
    pressure
        dbar, without that of the air.
    """
    import numpy as np

    ratio, t, p = conductivity / _REFERENCE, temperature, pressure
    by_pressure = 1 + p * (2.070e-5 + p * (-6.370e-10 + p * 3.989e-15)) / (
        1 + t * (3.426e-2 + t * 4.464e-4) + (4.215e-1 - 3.107e-3 * t) * ratio
    )
    by_temperature = 0.6766097 + t * (2.00564e-2 + t * (1.104259e-4 + t * (-6.9698e-7 + t * 1.0031e-9)))
    root = np.sqrt(ratio / (by_pressure * by_temperature))
    main = 0.0080 + root * (-0.1692 + root * (25.3851 + root * (14.0941 + root * (-7.0261 + root * 2.7081))))
    small = 0.0005 + root * (-0.0056 + root * (-0.0066 + root * (-0.0375 + root * (0.0636 - root * 0.0144))))
    return np.asarray(main + (t - 15) / (1 + 0.0162 * (t - 15)) * small)


def conductivity(salinity_psu: "NDArray[Any]", temperature: "NDArray[Any]", pressure: "NDArray[Any]") -> "NDArray[Any]":
    """Return the conductivity in S/m that gives a practical salinity: `salinity` inverted by the secant method."""
    import numpy as np

    low, high = np.full_like(temperature, 4.0), np.full_like(temperature, 5.5)
    at_low, at_high = (salinity(guess, temperature, pressure) - salinity_psu for guess in (low, high))
    for _ in range(8):
        difference = np.where(at_high == at_low, 1.0, at_high - at_low)
        low, high, at_low = high, high - at_high * (high - low) / difference, at_high
        at_high = salinity(high, temperature, pressure) - salinity_psu
    return high


def sound_velocity(temperature: "NDArray[Any]", salinity_psu: "NDArray[Any]", depth: float) -> "NDArray[Any]":
    """Return the velocity of sound in m/s (K. V. Mackenzie, J. Acoust. Soc. Am. 70, 807, 1981).

    Parameters
    ----------
    temperature
        degC.
    salinity_psu
        Practical salinity.
    depth
        m.
    """
    t, s, d = temperature, salinity_psu - 35, depth
    plain = 1448.96 + t * (4.591 + t * (-5.304e-2 + t * 2.374e-4)) + 1.340 * s
    return plain + d * (1.630e-2 + 1.675e-7 * d) - t * (1.025e-2 * s + 7.139e-13 * d**3)
