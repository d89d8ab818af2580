"""The ANTARES site: local directions to the sky and back, directions to angles, and times.

Local frame: x = UTM grid east, y = UTM grid north, z = up. Zenith and azimuth are those of the source, that
is of the direction the particle came from; the azimuth runs counter-clockwise from grid east. Right ascension
and declination are ICRS. A value that is missing or impossible gives NaN in its own row, never an error.

Precision. Earth orientation comes from the IERS-B table that is installed with astropy; nothing is ever
downloaded. The table covers 1962 to the release of the installed package (``astropy-iers-data``), so all of
ANTARES' life (2006 to 2022) has full precision. Before and after it UT1 = UTC and mean polar motion are used:
for the dates of ANTARES that would be an error of up to 0.003 deg, and as long as UTC is kept within 0.9 s of
UT1 it cannot exceed 0.004 deg. Precession, nutation and the motion of the Earth are computed once a
day and interpolated linearly, which costs less than 0.005 arcsec. Refraction plays no part for neutrinos.

Astropy's settings are changed while a conversion runs and restored afterwards, so one process should not
convert in several threads at once.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from legacy.model import MISSING_INTEGER

Floats = NDArray[np.float64]

UTM_ZONE = 32
UTM_EASTING = 268221.6
"""Detector centre, m east, UTM zone 32 N, WGS84 (KM3NeT/km3astro, constants)."""
UTM_NORTHING = 4742381.9
"""Detector centre, m north, UTM zone 32 N, WGS84 (KM3NeT/km3astro, constants)."""
LATITUDE = 42.79891664
"""Detector centre, deg north, from easting and northing."""
LONGITUDE = 6.16570050
"""Detector centre, deg east, from easting and northing."""
SITE_ALTITUDE = -2475.0
"""Nominal depth of the sea floor, m; the directions do not depend on it measurably."""

# The value of km3astro's convergence_angle, whose series subtracts the term of third order in the longitude
# difference. Geometry adds it and gives -1.92656 (see grid_convergence). The 0.0017 deg between them are far
# below the resolution of the detector, and the benchmark tables, which both values reproduce to 0.0064 deg,
# hardly tell them apart.
GRID_CONVERGENCE = -1.92485
"""Angle from true north to UTM grid north at the site, deg, clockwise positive; negative: grid is west."""

_CHUNK = 100_000
# UTC begins in 1960; far in the future its leap seconds are unknown, and a later date is a broken number.
_FIRST_MJD, _LAST_MJD = 36934.0, 88069.0
_ANGLE_TOLERANCE = 1e-6
"""How far (rad, deg) rounding to single precision may carry an angle beyond its range."""
_LENGTH_TOLERANCE = 1e-6
"""How far rounding to six decimals may carry the length of a unit vector from 1."""
_UNIX_EPOCH_MJD = 40587
_SECONDS_PER_DAY = 86_400
_NANOSECONDS_PER_DAY = _SECONDS_PER_DAY * 1_000_000_000
_MILLISECONDS_PER_DAY = _SECONDS_PER_DAY * 1000
_MJD_ZERO = datetime(1858, 11, 17)  # noqa: DTZ001  printed without a zone, see iso_from_mjd
_MJD_YEAR_1, _MJD_YEAR_9999 = -678_575.0, 2_973_483.0

_Transform = Callable[[Floats, Floats, Floats], tuple[Floats, Floats]]


def grid_convergence(latitude: float, longitude: float, zone: int = UTM_ZONE) -> float:
    """Compute the convergence of the UTM grid.

    Parameters
    ----------
    latitude, longitude
        Place on WGS84, deg.
    zone
        UTM zone.

    Returns
    -------
    float
        Angle from true north to grid north, deg, clockwise positive.

    Notes
    -----
    Series in the longitude difference to the central meridian, to the fifth order: J. P. Snyder, Map
    Projections: A Working Manual, USGS Professional Paper 1395 (1987), and any textbook on the transverse
    Mercator projection. Exact to 1e-8 deg at the ANTARES site.
    """
    flattening = 1 / 298.257223563
    second_eccentricity2 = flattening * (2 - flattening) / (1 - flattening) ** 2
    phi = np.radians(latitude)
    difference = np.radians(longitude - (6 * zone - 183))
    eta2 = second_eccentricity2 * np.cos(phi) ** 2
    step2 = (difference * np.cos(phi)) ** 2
    series = 1 + step2 * (1 + 3 * eta2 + 2 * eta2**2) / 3 + step2**2 * (2 - np.tan(phi) ** 2) / 15
    return float(np.degrees(difference * np.sin(phi) * series))


def to_sky(zenith: ArrayLike, azimuth: ArrayLike, mjd: ArrayLike) -> tuple[Floats, Floats]:
    """Convert local directions to the sky.

    Parameters
    ----------
    zenith, azimuth
        Direction of the source, rad; any shapes that broadcast together with `mjd`.
    mjd
        Modified Julian Date, d, UTC.

    Returns
    -------
    ra, dec : numpy.ndarray of float64
        ICRS, deg, ``0 <= ra < 360``; scalars for scalars. NaN where an input is NaN or infinite, the zenith
        is not in 0..pi, or the date not in 1960..2100.

    Notes
    -----
    Compass bearing = 90 deg - azimuth + grid convergence; altitude = 90 deg - zenith; then astropy's AltAz to
    ICRS, which is that of IAU SOFA. Checked against the collaboration's three benchmark tables.
    """
    return _by_chunks(_local_to_icrs, (zenith, azimuth, mjd), polar=0, limits=(0.0, np.pi))


def to_local(ra: ArrayLike, dec: ArrayLike, mjd: ArrayLike) -> tuple[Floats, Floats]:
    """Convert directions on the sky to local ones; the inverse of `to_sky`.

    Parameters
    ----------
    ra, dec
        ICRS, deg; any shapes that broadcast together with `mjd`.
    mjd
        Modified Julian Date, d, UTC.

    Returns
    -------
    zenith, azimuth : numpy.ndarray of float64
        Direction of the source, rad, ``0 <= azimuth < 2 pi``; scalars for scalars. NaN where an input is NaN
        or infinite, the declination is not in -90..90, or the date not in 1960..2100.
    """
    return _by_chunks(_icrs_to_local, (ra, dec, mjd), polar=1, limits=(-90.0, 90.0))


def direction_to_angles(dir_x: ArrayLike, dir_y: ArrayLike, dir_z: ArrayLike) -> tuple[Floats, Floats]:
    """Convert directions of flight to the angles of the source.

    Parameters
    ----------
    dir_x, dir_y, dir_z
        Direction of flight, of any length but zero; any shapes that broadcast together.

    Returns
    -------
    zenith, azimuth : numpy.ndarray of float64
        Where the particle came from, rad, ``0 <= azimuth < 2 pi``; scalars for scalars. The azimuth of an
        exactly vertical direction is 0. NaN for vectors of length zero or with a component not finite.
    """
    x, y, z = np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in (dir_x, dir_y, dir_z)))
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        across = np.hypot(x, y)
        # Unlike arccos this needs no unit vector and stays exact near the vertical.
        zenith = np.arctan2(across, -z)
        azimuth = np.where(across > 0, wrapped(np.arctan2(-y, -x), 2 * np.pi), 0.0)
    good = np.isfinite(x) & np.isfinite(y) & np.isfinite(z) & ((across > 0) | (z != 0))
    return np.where(good, zenith, np.nan)[()], np.where(good, azimuth, np.nan)[()]


def unit_direction(dir_x: Floats, dir_y: Floats, dir_z: Floats) -> tuple[Floats, Floats, Floats]:
    """Bring directions to length one; those that differ from it by less than 1e-6, as rounding does, stay as they are.

    Parameters
    ----------
    dir_x, dir_y, dir_z
        Directions of any length, shape (n,).

    Returns
    -------
    dir_x, dir_y, dir_z : numpy.ndarray of float64
        Shape (n,); NaN for vectors of length zero or with a component not finite.
    """
    length = np.hypot(np.hypot(dir_x, dir_y), dir_z)
    scale = np.where(np.abs(length - 1) > _LENGTH_TOLERANCE, length, 1.0)
    scale[~np.isfinite(length) | (length == 0)] = np.nan
    return dir_x / scale, dir_y / scale, dir_z / scale


def angles_to_direction(zenith: ArrayLike, azimuth: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Convert angles of the source to directions of flight.

    Parameters
    ----------
    zenith, azimuth
        Where the particle came from, rad; any shapes that broadcast together.

    Returns
    -------
    dir_x, dir_y, dir_z : numpy.ndarray of float64
        Unit vector; scalars for scalars. NaN where an angle is NaN or infinite.
    """
    zen, azi = np.broadcast_arrays(np.asarray(zenith, dtype=np.float64), np.asarray(azimuth, dtype=np.float64))
    good = np.isfinite(zen) & np.isfinite(azi)
    zen, azi = np.where(good, zen, np.nan), np.where(good, azi, np.nan)
    across = -np.sin(zen)
    return (across * np.cos(azi))[()], (across * np.sin(azi))[()], (-np.cos(zen))[()]


def mjd_from_unix(timestamp: ArrayLike, nanoseconds: ArrayLike) -> Floats:
    """Convert UNIX time to Modified Julian Dates.

    Parameters
    ----------
    timestamp
        Whole seconds since 1970-01-01T00:00:00 UTC, integers.
    nanoseconds
        Nanoseconds within the second, integers; the two broadcast together.

    Returns
    -------
    numpy.ndarray of float64
        MJD, d, UTC, exact to the resolution of float64 (about 0.6 microseconds today); a scalar for scalars.
        NaN where either is -1, that is missing.
    """
    seconds, rest = np.asarray(timestamp).astype(np.int64), np.asarray(nanoseconds).astype(np.int64)
    # Whole days apart, so that the fraction is rounded once only; no intermediate can overflow.
    days = _UNIX_EPOCH_MJD + seconds // _SECONDS_PER_DAY + rest // _NANOSECONDS_PER_DAY
    within = seconds % _SECONDS_PER_DAY * 1_000_000_000 + rest % _NANOSECONDS_PER_DAY
    missing = (seconds == MISSING_INTEGER) | (rest == MISSING_INTEGER)
    return np.asarray(np.where(missing, np.nan, days + within / _NANOSECONDS_PER_DAY))[()]


def iso_from_mjd(mjd: float) -> str:
    """Write a Modified Julian Date as ISO 8601 in UTC.

    Parameters
    ----------
    mjd
        MJD, d, UTC.

    Returns
    -------
    str
        Such as ``2007-01-29T20:18:57.123Z``, rounded to the millisecond; ``""`` for NaN and for dates outside
        the years 1 to 9999.
    """
    if not _MJD_YEAR_1 <= mjd <= _MJD_YEAR_9999:
        return ""
    day = int(np.floor(mjd))
    milliseconds = round((float(mjd) - day) * _MILLISECONDS_PER_DAY)
    moment = _MJD_ZERO + timedelta(days=day, milliseconds=milliseconds)
    return moment.isoformat(timespec="milliseconds") + "Z"


def _by_chunks(
    transform: _Transform,
    inputs: tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    polar: int,
    limits: tuple[float, float],
) -> tuple[Floats, Floats]:
    """Apply `transform` to the usable rows, so many at a time.

    The input number `polar` must lie within `limits`.
    """
    arrays = np.broadcast_arrays(*(np.asarray(values, dtype=np.float64) for values in inputs))
    shape = arrays[0].shape
    rows = [array.ravel() for array in arrays]
    angle, day = rows[polar], rows[2]
    usable = np.isfinite(rows[0]) & np.isfinite(rows[1]) & (day >= _FIRST_MJD) & (day <= _LAST_MJD)
    usable &= (angle >= limits[0] - _ANGLE_TOLERANCE) & (angle <= limits[1] + _ANGLE_TOLERANCE)
    first, second = np.full(day.size, np.nan), np.full(day.size, np.nan)
    for start in range(0, day.size, _CHUNK):
        chosen = start + np.flatnonzero(usable[start : start + _CHUNK])
        if len(chosen):
            first[chosen], second[chosen] = transform(rows[0][chosen], rows[1][chosen], day[chosen])
    return first.reshape(shape)[()], second.reshape(shape)[()]


def _local_to_icrs(zenith: Floats, azimuth: Floats, mjd: Floats) -> tuple[Floats, Floats]:
    from astropy import units
    from astropy.coordinates import ICRS

    bearing = np.pi / 2 - azimuth + np.radians(GRID_CONVERGENCE)
    altitude = np.pi / 2 - np.clip(zenith, 0, np.pi)
    with _offline():
        local = _horizontal_frame(mjd).realize_frame(_unit_vectors(bearing, altitude, units.rad))
        sky = local.transform_to(ICRS())
        return wrapped(sky.ra.to_value(units.deg), 360.0), sky.dec.to_value(units.deg)


def _icrs_to_local(ra: Floats, dec: Floats, mjd: Floats) -> tuple[Floats, Floats]:
    from astropy import units
    from astropy.coordinates import ICRS

    with _offline():
        sky = ICRS(_unit_vectors(ra, np.clip(dec, -90, 90), units.deg))
        local = sky.transform_to(_horizontal_frame(mjd))
        bearing, altitude = local.az.to_value(units.rad), local.alt.to_value(units.rad)
    return np.pi / 2 - altitude, wrapped(np.pi / 2 - bearing + np.radians(GRID_CONVERGENCE), 2 * np.pi)


def _unit_vectors(longitude: Floats, latitude: Floats, unit: Any) -> Any:
    from astropy.coordinates import UnitSphericalRepresentation

    return UnitSphericalRepresentation(lon=longitude * unit, lat=latitude * unit)


def _horizontal_frame(mjd: Floats) -> Any:
    """Return astropy's AltAz frame of the site; to be called inside `_offline`."""
    from astropy import units
    from astropy.coordinates import AltAz, EarthLocation
    from astropy.time import Time
    from astropy.utils import iers

    time = Time(mjd, format="mjd", scale="utc")
    # Left to itself, astropy gives up UT1 - UTC of all rows when a single one lies outside of the table.
    offset, status = _earth_orientation().ut1_utc(time, return_status=True)
    covered = status == iers.FROM_IERS_B
    time.delta_ut1_utc = np.where(covered, offset.to_value(units.s), 0.0)
    place = EarthLocation.from_geodetic(
        LONGITUDE * units.deg, LATITUDE * units.deg, SITE_ALTITUDE * units.m, ellipsoid="WGS84"
    )
    return AltAz(obstime=time, location=place)


@contextmanager
def _offline() -> Iterator[None]:
    """Keep astropy from the network and from warning about what the module's documentation says already."""
    from astropy import units
    from astropy.coordinates.erfa_astrom import ErfaAstromInterpolator, erfa_astrom
    from astropy.utils import iers
    from astropy.utils.exceptions import AstropyWarning
    from erfa import ErfaWarning

    with warnings.catch_warnings(), iers.conf.set_temp("auto_download", False):
        warnings.simplefilter("ignore", AstropyWarning)
        warnings.simplefilter("ignore", ErfaWarning)
        with (
            iers.earth_orientation_table.set(_earth_orientation()),
            erfa_astrom.set(ErfaAstromInterpolator(1 * units.day)),
        ):
            yield


@cache
def _earth_orientation() -> Any:
    from astropy.utils import iers

    return iers.IERS_B.open(iers.IERS_B_FILE)


def wrapped(angle: Floats, turn: float) -> Floats:
    """Bring angles into ``0 <= angle < turn``; `turn` is a whole turn in their unit."""
    rest = np.mod(angle, turn)
    # A tiny negative angle is rounded up to a whole turn.
    return np.asarray(np.where(rest >= turn, 0.0, rest))
