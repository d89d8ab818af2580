"""Directions and angles, and times in three forms: what needs no orientation of the Earth."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from astropy.coordinates import angular_separation
from astropy.time import Time

from legacy import site


def test_angles_need_no_astropy() -> None:
    program = """
        import sys
        from legacy import site

        site.direction_to_angles(0.1, 0.2, 0.3)
        site.angles_to_direction(0.1, 0.2)
        site.iso_from_mjd(55_000.0)
        site.mjd_from_unix(1, 2)
        assert not [name for name in sys.modules if name.startswith(("astropy", "erfa"))]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, timeout=120)


@pytest.mark.parametrize(
    ("direction", "zenith", "azimuth"),
    [
        ((0, 0, -1), 0, 0),
        ((0, 0, 1), 180, 0),
        ((-0.0, 0.0, 1), 180, 0),
        ((0, 0, 1.0000001), 180, 0),
        ((-1, 0, 0), 90, 0),
        ((0, -1, 0), 90, 90),
        ((1, 0, 0), 90, 180),
        ((0, 1, 0), 90, 270),
        ((-3, -3, 0), 90, 45),
        ((0, -1e-9, -1.0000001), 5.7e-8, 90),
        ((-1, 1e-300, 0), 90, 0),
        ((2e150, 0, 2e150), 135, 180),
    ],
)
def test_direction_to_angles(direction: tuple[float, float, float], zenith: float, azimuth: float) -> None:
    found = site.direction_to_angles(*direction)
    assert np.degrees(found) == pytest.approx((zenith, azimuth), abs=1e-7)
    assert 0 <= found[1] < 2 * np.pi


@pytest.mark.parametrize("direction", [(0, 0, 0), (np.nan, 0, 1), (0, 0, np.nan), (np.inf, 0, 0), (0, 1, np.inf)])
def test_direction_without_angles(direction: tuple[float, float, float]) -> None:
    assert np.isnan(site.direction_to_angles(*direction)).all()


def test_directions_of_single_precision() -> None:
    random = np.random.default_rng(20070129)
    zenith, azimuth = np.arccos(random.uniform(-1, 1, 500)), random.uniform(0, 2 * np.pi, 500)
    direction = [part.astype("f4") for part in site.angles_to_direction(zenith, azimuth)]
    found = site.direction_to_angles(*direction)
    assert found[0].dtype == np.float64
    apart = angular_separation(found[1], np.pi / 2 - found[0], azimuth, np.pi / 2 - zenith)
    assert np.degrees(apart).max() < 1e-5


def test_angles_to_direction() -> None:
    direction = np.stack(site.angles_to_direction([0.0, np.pi / 2, np.nan, 1.0], [0.0, 0.0, 1.0, np.inf]))
    np.testing.assert_allclose(direction[:, :2].T, [(0, 0, -1), (-1, 0, 0)], atol=1e-15)
    assert np.isnan(direction[:, 2:]).all()
    assert np.linalg.norm(site.angles_to_direction(0.7, 4.0)) == pytest.approx(1)


@pytest.mark.parametrize(
    ("timestamp", "nanoseconds", "mjd"),
    [
        (0, 0, 40587.0),
        (1170101937, 0, 54129.84649305556),
        (86399, 999_999_999, 40587 + (86_400_000_000_000 - 1) / 86_400_000_000_000),
        (1577836800, 0, 58849.0),
        (0, 86_400_000_000_000, 40588.0),
    ],
)
def test_mjd_from_unix(timestamp: int, nanoseconds: int, mjd: float) -> None:
    found = site.mjd_from_unix(timestamp, nanoseconds)
    assert np.ndim(found) == 0
    assert found == mjd


def test_mjd_from_unix_is_exact_to_float64() -> None:
    random = np.random.default_rng(1)
    seconds, rest = random.integers(0, 2**31, 500), random.integers(0, 10**9, 500)
    found = site.mjd_from_unix(seconds.astype("u4"), rest.astype("i4"))
    # Python's division of integers is correctly rounded.
    exact = [
        (int(s) * 10**9 + int(n) + 40587 * 86_400 * 10**9) / (86_400 * 10**9)
        for s, n in zip(seconds, rest, strict=True)
    ]
    assert np.abs((found - exact) / np.spacing(found)).max() <= 1


def test_mjd_from_unix_missing() -> None:
    found = site.mjd_from_unix(np.array([-1, 5, 86400]), np.array([0, -1, 0]))
    assert np.isnan(found).tolist() == [True, True, False]
    extreme = np.iinfo("i8")
    assert np.isfinite(site.mjd_from_unix([extreme.max, extreme.min], [extreme.max, extreme.min])).all()


@pytest.mark.parametrize(
    ("mjd", "text"),
    [
        (54129.84649305556, "2007-01-29T20:18:57.000Z"),
        (58849.0, "2020-01-01T00:00:00.000Z"),
        (np.float64(58848.999999999), "2020-01-01T00:00:00.000Z"),
        (54129.5 + 0.123 / 86400, "2007-01-29T12:00:00.123Z"),
        (-678575.0, "0001-01-01T00:00:00.000Z"),
        (np.nan, ""),
        (np.inf, ""),
        (-1e300, ""),
        (2_973_484.0, ""),
    ],
)
def test_iso_from_mjd(mjd: float, text: str) -> None:
    assert site.iso_from_mjd(mjd) == text


def test_iso_from_mjd_last_moment() -> None:
    assert site.iso_from_mjd(2_973_483.0) == "9999-12-31T00:00:00.000Z"
    assert site.iso_from_mjd(np.nextafter(2_973_484.0, 0)) == ""


def test_iso_agrees_with_astropy() -> None:
    for mjd in np.random.default_rng(20070129).uniform(53_800, 59_640, 20).tolist():
        expected = Time(mjd, format="mjd", scale="utc", precision=3).isot
        assert site.iso_from_mjd(mjd) == f"{expected}Z"
