"""Local and sky coordinates: against the collaboration's own benchmark tables, and against geometry."""

import csv
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import GCRS, ICRS, EarthLocation, SkyCoord, UnitSphericalRepresentation, get_body
from astropy.time import Time
from astropy.utils import iers
from numpy.typing import NDArray

from legacy import site

Sample = Callable[[str], Path]
Floats = NDArray[np.float64]

TOLERANCE = 0.02
"""Degrees; the tables are of 2010, given to 0.001 deg, and made without UT1 - UTC."""


@pytest.fixture(autouse=True)
def _no_download() -> Iterator[None]:
    with iers.conf.set_temp("auto_download", False):
        yield


def unit_vectors(longitude: Floats, latitude: Floats) -> Floats:
    """Shape (3, n), from degrees."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def separation(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> Floats:
    """Angle between directions given as (longitude, latitude) in degrees."""
    chord = np.linalg.norm(unit_vectors(*first) - unit_vectors(*second), axis=0)
    return np.asarray(np.degrees(2 * np.arcsin(chord / 2)))


def local_separation(first: tuple[Floats, Floats], second: tuple[Floats, Floats]) -> Floats:
    """Angle between directions given as (zenith, azimuth) in radians."""
    (zen1, azi1), (zen2, azi2) = first, second
    return separation((np.degrees(azi1), 90 - np.degrees(zen1)), (np.degrees(azi2), 90 - np.degrees(zen2)))


class Benchmark:
    """One of the official tables."""

    def __init__(self, path: Path) -> None:
        with path.open(encoding="utf-8") as stream:
            self.rows = list(csv.DictReader(line for line in stream if not line.startswith("#")))
        self.time = Time([f"{row['date']}T{row['time']}" for row in self.rows], scale="utc")
        self.mjd: Floats = self.time.mjd
        self.local = (np.radians(self.column("zenith")), np.radians(self.column("azimuth")))

    def column(self, name: str) -> Floats:
        return np.array([float(row[name]) for row in self.rows])


@pytest.fixture(scope="module")
def systems(sample: Sample) -> Benchmark:
    return Benchmark(sample("astro/antares_coordinate_systems_benchmark.csv"))


@pytest.fixture(scope="module")
def objects(sample: Sample) -> Benchmark:
    return Benchmark(sample("astro/antares_astro_objects_benchmark.csv"))


@pytest.fixture(scope="module")
def bodies(sample: Sample) -> Benchmark:
    return Benchmark(sample("astro/antares_moon_sun_position_benchmark.csv"))


def systems_separation(systems: Benchmark) -> float:
    expected = (systems.column("RA-J2000"), systems.column("DEC-J2000"))
    return float(separation(site.to_sky(*systems.local, systems.mjd), expected).max())


def test_benchmark_local_to_sky(systems: Benchmark) -> None:
    assert len(systems.rows) == 17
    assert systems_separation(systems) < TOLERANCE


def test_benchmark_sky_to_local(systems: Benchmark) -> None:
    found = site.to_local(systems.column("RA-J2000"), systems.column("DEC-J2000"), systems.mjd)
    assert local_separation(found, systems.local).max() < TOLERANCE


def test_benchmark_galactic(systems: Benchmark) -> None:
    ra, dec = site.to_sky(*systems.local, systems.mjd)
    galactic = SkyCoord(ra, dec, unit="deg", frame="icrs").galactic
    expected = (systems.column("gal_lon"), systems.column("gal_lat"))
    assert separation((galactic.l.deg, galactic.b.deg), expected).max() < TOLERANCE


def test_benchmark_flight_directions(systems: Benchmark) -> None:
    theta, phi = np.radians(systems.column("theta")), np.radians(systems.column("phi"))
    direction = (np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta))
    assert local_separation(site.direction_to_angles(*direction), systems.local).max() < 1e-6
    np.testing.assert_allclose(site.angles_to_direction(*systems.local), direction, atol=1e-12)


def test_benchmark_objects(objects: Benchmark) -> None:
    stars = SkyCoord(
        [row["RA-J2000"] for row in objects.rows],
        [row["DEC-J2000"] for row in objects.rows],
        unit=("hourangle", "deg"),
        frame="icrs",
    )
    assert len(objects.rows) == 8
    found = site.to_local(stars.ra.deg, stars.dec.deg, objects.mjd)
    assert local_separation(found, objects.local).max() < TOLERANCE


def test_benchmark_moon_and_sun_to_sky(bodies: Benchmark) -> None:
    assert len(bodies.rows) == 8
    found = site.to_sky(*bodies.local, bodies.mjd)
    assert separation(found, (bodies.column("RA-J2000"), bodies.column("DEC-J2000"))).max() < TOLERANCE


@pytest.mark.parametrize("name", ["Moon", "Sun"])
def test_benchmark_moon_and_sun_to_local(bodies: Benchmark, name: str) -> None:
    rows = np.array([row["object"] == name for row in bodies.rows])
    place = EarthLocation.from_geodetic(site.LONGITUDE, site.LATITUDE, site.SITE_ALTITUDE)
    time = bodies.time[rows]
    # Seen from the site, without distance: the place on the sky where a star would be seen in the same spot.
    seen = get_body(name.lower(), time, place, ephemeris="builtin")
    direction = seen.represent_as(UnitSphericalRepresentation)
    frame = GCRS(obstime=time, obsgeoloc=seen.obsgeoloc, obsgeovel=seen.obsgeovel)
    star = frame.realize_frame(direction).transform_to(ICRS())
    found = site.to_local(star.ra.deg, star.dec.deg, bodies.mjd[rows])
    assert local_separation(found, (bodies.local[0][rows], bodies.local[1][rows])).max() < TOLERANCE


@pytest.mark.parametrize(("convergence", "at_least"), [(0.0, 1.0), (-site.GRID_CONVERGENCE, 3.0)])
def test_benchmark_needs_the_grid_convergence(
    systems: Benchmark, monkeypatch: pytest.MonkeyPatch, convergence: float, at_least: float
) -> None:
    monkeypatch.setattr(site, "GRID_CONVERGENCE", convergence)
    assert systems_separation(systems) > at_least


def transverse_mercator(latitude: float, longitude: float) -> tuple[float, float]:
    """UTM zone 32 by Krueger's series: independent of the code under test."""
    flattening = 1 / 298.257223563
    n = flattening / (2 - flattening)
    radius = 6378137.0 / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    alpha = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16 + 41 * n**4 / 180,
        13 * n**2 / 48 - 3 * n**3 / 5 + 557 * n**4 / 1440,
        61 * n**3 / 240 - 103 * n**4 / 140,
        49561 * n**4 / 161280,
    )
    phi, difference = np.radians(latitude), np.radians(longitude - 9)
    eccentricity = 2 * np.sqrt(n) / (1 + n)
    sine = np.sin(phi)
    conformal = np.sinh(np.arctanh(sine) - eccentricity * np.arctanh(eccentricity * sine))
    xi, eta = (
        np.arctan2(conformal, np.cos(difference)),
        np.arctanh(np.sin(difference) / np.hypot(1, conformal)),
    )
    terms = [(2 * (j + 1), a) for j, a in enumerate(alpha)]
    east = eta + sum(a * np.cos(k * xi) * np.sinh(k * eta) for k, a in terms)
    north = xi + sum(a * np.sin(k * xi) * np.cosh(k * eta) for k, a in terms)
    return 500_000 + 0.9996 * radius * east, 0.9996 * radius * north


def test_site_coordinates_agree() -> None:
    east, north = transverse_mercator(site.LATITUDE, site.LONGITUDE)
    assert (east, north) == pytest.approx((site.UTM_EASTING, site.UTM_NORTHING), abs=0.01)


def test_grid_convergence_is_that_of_the_projection() -> None:
    step = 1e-5
    (east1, north1), (east2, north2) = (
        transverse_mercator(site.LATITUDE + shift, site.LONGITUDE) for shift in (-step, step)
    )
    # True north, seen in the grid, leans to the east where grid north leans to the west.
    leaning = np.degrees(np.arctan2(east2 - east1, north2 - north1))
    assert site.grid_convergence(site.LATITUDE, site.LONGITUDE) == pytest.approx(-leaning, abs=1e-7)


def test_grid_convergence_vanishes_on_the_central_meridian() -> None:
    assert site.grid_convergence(42.8, 9.0) == 0
    assert site.grid_convergence(42.8, 12.0, zone=33) == pytest.approx(-site.grid_convergence(42.8, 18.0, zone=33))


def test_constant_is_the_grid_convergence_within_the_resolution() -> None:
    exact = site.grid_convergence(site.LATITUDE, site.LONGITUDE)
    assert exact == pytest.approx(-1.92656, abs=1e-5)
    assert pytest.approx(exact, abs=0.002) == site.GRID_CONVERGENCE


def random_directions(count: int) -> tuple[Floats, Floats, Floats]:
    random = np.random.default_rng(20070129)
    zenith = np.arccos(random.uniform(-1, 1, count))
    return zenith, random.uniform(0, 2 * np.pi, count), random.uniform(53_800, 59_640, count)


def test_round_trip() -> None:
    zenith, azimuth, mjd = random_directions(2000)
    ra, dec = site.to_sky(zenith, azimuth, mjd)
    assert ra.min() >= 0
    assert ra.max() < 360
    assert local_separation(site.to_local(ra, dec, mjd), (zenith, azimuth)).max() < 1e-6


@pytest.mark.parametrize("zenith", [0.0, np.pi, float(np.float32(np.pi))])
def test_round_trip_at_the_poles(zenith: float) -> None:
    ra, dec = site.to_sky(zenith, 1.0, 55_000.0)
    assert np.degrees(abs(site.to_local(ra, dec, 55_000.0)[0] - zenith)) < 1e-5


def test_a_star_turns_once_in_a_sidereal_day() -> None:
    times = 55_000 + np.arange(0, 0.997, 1 / 48)
    zenith, azimuth = site.to_local(266.4, -29.0, times)
    assert zenith.shape == times.shape
    # It culminates in the south, on its way from east to west: downwards in a counter-clockwise azimuth.
    south = int(zenith.argmin())
    assert azimuth[south] == pytest.approx(np.radians(270), abs=0.2)
    assert np.roll(azimuth, -1)[south] < azimuth[south] < np.roll(azimuth, 1)[south]


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = random_directions(50)
    whole = site.to_sky(*rows)
    monkeypatch.setattr(site, "_CHUNK", 7)
    np.testing.assert_allclose(site.to_sky(*rows), whole, rtol=0, atol=1e-11)


def test_a_row_beyond_the_earth_orientation_table_does_not_change_the_others() -> None:
    alone = site.to_sky(1.0, 2.0, 55_000.0)
    together = site.to_sky(1.0, 2.0, [55_000.0, 80_000.0])
    assert np.isfinite(together).all()
    assert (together[0][0], together[1][0]) == pytest.approx(alone, abs=1e-11)


def test_error_without_earth_orientation_is_what_the_documentation_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = random_directions(2000)
    table = site._earth_orientation()
    assert table["MJD"][0].value < 53_800
    assert table["MJD"][-1].value > 59_640
    full = site.to_sky(*rows)
    monkeypatch.setattr(site, "_earth_orientation", lambda: table[:3000])
    assert 0.001 < separation(site.to_sky(*rows), full).max() < 0.003


def test_interpolation_error_is_what_the_documentation_says(systems: Benchmark) -> None:
    from astropy.coordinates import AltAz
    from astropy.coordinates.erfa_astrom import ErfaAstrom, erfa_astrom

    zenith, azimuth, mjd = random_directions(300)
    with site._offline(), erfa_astrom.set(ErfaAstrom()):
        bearing = np.pi / 2 - azimuth + np.radians(site.GRID_CONVERGENCE)
        frame = site._horizontal_frame(mjd)
        assert isinstance(frame, AltAz)
        exact = frame.realize_frame(
            UnitSphericalRepresentation(bearing * units.rad, (np.pi / 2 - zenith) * units.rad)
        ).transform_to(ICRS())
    found = site.to_sky(zenith, azimuth, mjd)
    assert separation(found, (exact.ra.deg, exact.dec.deg)).max() < 0.005 / 3600


@pytest.mark.parametrize("today", ["2026-01-01", "2040-01-01"])
def test_works_without_network_and_leaves_astropy_as_it_was(today: str) -> None:
    # On the later day every installed table has expired, and astropy would look for a new one.
    program = f"""
        import socket
        import warnings

        warnings.simplefilter("error")
        attempts = []

        def refuse(*arguments, **options):
            attempts.append(arguments)
            raise OSError("no network")

        socket.socket.connect = refuse
        socket.create_connection = refuse
        socket.getaddrinfo = refuse

        import numpy as np
        from astropy.time import Time
        from astropy.utils import iers

        iers.LeapSeconds._today = classmethod(lambda cls: Time("{today}", scale="tai", format="iso"))

        from legacy import site

        ra, dec = site.to_sky([0.5, 1.0, 2.0], [1.0, 2.0, 3.0], [54_200.0, 61_400.0, 70_000.0])
        assert np.isfinite(ra).all() and np.isfinite(dec).all()
        assert np.isfinite(site.to_local(ra, dec, 70_000.0)).all()
        assert not attempts, attempts

        from astropy.coordinates.erfa_astrom import ErfaAstromInterpolator, erfa_astrom

        assert iers.conf.auto_download is True
        assert iers.earth_orientation_table._value is None
        assert not isinstance(erfa_astrom.get(), ErfaAstromInterpolator)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=120)


BAD = [np.nan, np.inf, -np.inf, 1e300]


@pytest.mark.parametrize("convert", [site.to_sky, site.to_local])
@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("bad", BAD)
def test_bad_values_spoil_their_own_row_only(
    convert: Callable[..., tuple[Floats, Floats]], position: int, bad: float
) -> None:
    rows = [np.array([0.3, 0.4]), np.array([0.5, 0.6]), np.array([55_000.0, 56_000.0])]
    good = convert(*rows)
    rows[position][1] = bad
    first, second = convert(*rows)
    assert (first[0], second[0]) == pytest.approx((good[0][0], good[1][0]), abs=1e-11)
    longitude = 1 if convert is site.to_sky else 0
    if position != longitude or not np.isfinite(bad):
        assert np.isnan(first[1])
        assert np.isnan(second[1])


@pytest.mark.parametrize(
    ("convert", "row"),
    [
        (site.to_sky, (-0.1, 1.0, 55_000.0)),
        (site.to_sky, (3.2, 1.0, 55_000.0)),
        (site.to_sky, (1.0, 1.0, 0.0)),
        (site.to_sky, (1.0, 1.0, 99_999.0)),
        (site.to_local, (10.0, 95.0, 55_000.0)),
        (site.to_local, (10.0, -90.1, 55_000.0)),
    ],
)
def test_impossible_values_are_nan(
    convert: Callable[..., tuple[Floats, Floats]], row: tuple[float, float, float]
) -> None:
    assert np.isnan(convert(*row)).all()


@pytest.mark.parametrize("convert", [site.to_sky, site.to_local])
def test_shapes(convert: Callable[..., tuple[Floats, Floats]]) -> None:
    scalar = convert(0.5, 1.0, 55_000.0)
    assert all(np.ndim(value) == 0 for value in scalar)
    assert all(value.shape == (0,) for value in convert([], [], []))
    table = convert(np.full((2, 3), 0.5), 1.0, np.full(3, 55_000.0))
    assert all(value.shape == (2, 3) for value in table)
    np.testing.assert_allclose(table[0], scalar[0], atol=1e-12)
    assert all(value.shape == (2,) for value in convert(np.full(2, np.nan, "f4"), 1, 55_000))


def test_directions_of_another_length_than_one() -> None:
    x, y, z = np.array([[0.0, 0.0, 2.0], [0.6, 0.0, 0.8000005], [3e200, 4e200, 0.0], [0.0] * 3, [np.nan, 0.0, 1.0]]).T
    found = np.transpose(site.unit_direction(x, y, z))
    expected = [[0.0, 0.0, 1.0], [0.6, 0.0, 0.8000005], [0.6, 0.8, 0.0], [np.nan] * 3, [np.nan] * 3]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert found[1, 2] == 0.8000005, "rounded numbers stay as they are"
