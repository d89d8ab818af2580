"""What is computed with the tables, and that nothing is computed beyond them."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.supplementary.response import (
    PowerLaw,
    acceptance_at,
    background_below,
    expected_events,
    read_table,
)
from legacy.errors import InputError, UsageError

DAY = 86400


def by_steps(low: float, high: float, index: float, norm: float) -> float:
    """Integrate a power law over the table of the six bins, by small steps."""
    edges = [1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2]
    areas = [5.153940e-12, 1.614220e-10, 4.891220e-09, 1.245090e-07, 9.157530e-07, 4.372520e-06]
    energies = np.logspace(math.log10(low), math.log10(high), 200_001)
    middle, width = np.sqrt(energies[1:] * energies[:-1]), np.diff(energies)
    area = np.array(areas)[np.clip(np.searchsorted(edges, np.log10(middle)) - 1, 0, 5)]
    return float(np.sum(area * 1e4 * norm * middle**-index * width))


@pytest.mark.parametrize(("low", "high"), [(10, 10**2.2), (20, 100), (30, 31), (10, 10.5)])
@pytest.mark.parametrize("index", [1.0, 2.0, 2.5])
def test_expected_events(low: float, high: float, index: float, aeff: Path) -> None:
    livetime = 3125 * DAY
    found = expected_events(read_table(aeff), PowerLaw(1e-8, index, low, high), livetime)
    assert found == pytest.approx(by_steps(low, high, index, 1e-8) * livetime, rel=1e-4)


def test_one_bin_by_hand(aeff: Path) -> None:
    # E^-2 over 100 to 10^2.2 GeV: 1/100 - 1/158.489 per cm^2 and s; 4.37252e-6 m^2 = 4.37252e-2 cm^2.
    flux = PowerLaw(1.0, 2.0, 100, 10**2.2)
    assert expected_events(read_table(aeff), flux, 1.0) == pytest.approx(4.37252e-2 * (0.01 - 1 / 10**2.2), rel=1e-9)
    shifted = PowerLaw(1e-4, 2.0, 100, 10**2.2, reference=100)
    assert expected_events(read_table(aeff), shifted, 1.0) == pytest.approx(4.37252e-2 * (0.01 - 1 / 10**2.2), rel=1e-9)


@pytest.mark.parametrize(("low", "high"), [(9.9, 100), (10, 160), (1, 1e8), (200, 300), (1, 5)])
def test_nothing_is_extrapolated(low: float, high: float, aeff: Path) -> None:
    with pytest.raises(UsageError, match="nothing is extrapolated"):
        expected_events(read_table(aeff), PowerLaw(1e-8, 2, low, high), DAY)


def test_a_gap_is_not_bridged(write: Callable[..., Path]) -> None:
    table = read_table(write("1 2 1e-6\n3 4 1e-3\n", "content: effective-area\n"))
    for low, high in ((20, 2000), (200, 500), (20, 200), (200, 2000)):
        with pytest.raises(UsageError, match="gap"):
            expected_events(table, PowerLaw(1, 2, low, high), 1)
    assert expected_events(table, PowerLaw(1, 2, 20, 90), 1) > 0
    assert expected_events(table, PowerLaw(1, 2, 1000, 9000), 1) > 0


@pytest.mark.parametrize("livetime", [-1.0, math.nan, math.inf])
def test_livetimes_that_cannot_be(livetime: float, aeff: Path) -> None:
    with pytest.raises(UsageError, match="livetime"):
        expected_events(read_table(aeff), PowerLaw(1, 2, 20, 90), livetime)


@pytest.mark.parametrize(
    "numbers", [(-1, 2, 10, 20), (1, 2, 20, 10), (1, 2, 0, 10), (1, math.nan, 10, 20), (1, 2, 10, math.inf)]
)
def test_fluxes_that_cannot_be(numbers: tuple[float, float, float, float]) -> None:
    with pytest.raises(UsageError, match="expected"):
        PowerLaw(*numbers)


class GivenFlux:
    """A flux whose integrals are whatever a test wants."""

    def __init__(self, low: float, high: float, integrals: object) -> None:
        self.energy_min, self.energy_max, self._integrals = low, high, integrals

    def integral(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        return self._integrals  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("flux", "problem"),
    [
        (GivenFlux(20, 30, 1.0), "shape"),
        (GivenFlux(20, 30, np.ones((2, 2))), "shape"),
        (GivenFlux(20, 30, np.array([1.0, math.nan])), "25.1189 to 30 GeV is nan"),
        (GivenFlux(20, 30, np.array([-1.0, 1.0])), "is -1"),
        (GivenFlux(20, 30, np.array([1.0, math.inf])), "is inf"),
        (GivenFlux(150, 110, np.array([1.0])), "expected 0 < energy_min < energy_max"),
        (GivenFlux(math.nan, 110, np.array([1.0])), "expected 0 < energy_min < energy_max"),
        (PowerLaw(1.0, 400.0, 20, 30, reference=1e4), "expected a finite number"),
    ],
)
def test_what_a_flux_must_not_give(flux: object, problem: str, aeff: Path) -> None:
    with pytest.raises(UsageError, match=problem):
        expected_events(read_table(aeff), flux, 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("index", [1 + 1e-13, 1 + 1e-11, 1 - 1e-9, 1 + 1e-6])
def test_an_index_near_one(index: float) -> None:
    # To first order in e = index - 1: ln(b/a) - e (ln^2 b - ln^2 a) / 2.
    a, b, e = math.log(10), math.log(150), index - 1
    expected = (b - a) - e * (b * b - a * a) / 2 + e * e * (b**3 - a**3) / 6
    found = PowerLaw(1.0, index, 10, 150).integral(np.array([10.0]), np.array([150.0]))
    assert found[0] == pytest.approx(expected, rel=1e-12)


def test_by_quadrature(aeff: Path) -> None:
    quad = pytest.importorskip("scipy.integrate").quad
    bins = ((1.0, 1.2, 5.153940e-12), (1.2, 1.4, 1.614220e-10), (1.4, 1.6, 4.891220e-09))
    bins += ((1.6, 1.8, 1.245090e-07), (1.8, 2.0, 9.157530e-07), (2.0, 2.2, 4.372520e-06))
    total = 0.0
    for low, high, area in bins:
        part = quad(lambda e: 3e-9 * (e / 50) ** -2.3, max(10**low, 15), min(10**high, 140), epsrel=1e-12)
        total += area * 1e4 * part[0]
    found = expected_events(read_table(aeff), PowerLaw(3e-9, 2.3, 15, 140, reference=50), 3125 * DAY)
    assert found == pytest.approx(total * 3125 * DAY, rel=1e-10)


def test_the_wrong_table(aeff: Path, psf: Path) -> None:
    with pytest.raises(UsageError, match="holds psf; expected effective-area"):
        expected_events(read_table(psf), PowerLaw(1, 2, 20, 90), 1)
    with pytest.raises(UsageError, match="expected background"):
        background_below(read_table(aeff), 0)


def test_the_public_background(public: Callable[[str], Path]) -> None:
    table = read_table(public("background.txt"))
    assert background_below(table, 20) == pytest.approx(7893.0656496, abs=1e-6)
    for declination in (-89.4, 52.9, 90, math.nan):
        with pytest.raises(UsageError, match="nothing is extrapolated"):
            background_below(table, declination)


def test_the_background_follows_the_event_list(shared_data: Path, public: Callable[[str], Path]) -> None:
    folder = shared_data / "antares-public-2007-2017"
    declinations = np.loadtxt(folder / "ANTARES.data")[:, 1]
    table = read_table(public("background.txt"))
    for declination in (-60, -40, -20, 0, 20, 40, 52.8):
        events = np.count_nonzero(declinations <= declination)
        assert background_below(table, declination) == pytest.approx(events, abs=90)


def test_a_background_without_a_range(write: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="names no range"):
        background_below(read_table(write("1 2 3\n", "content: background\n")), 0)


def test_the_public_acceptance(public: Callable[[str], Path]) -> None:
    source = public("acc.txt")
    table, numbers = read_table(source), np.loadtxt(source)
    assert acceptance_at(table, -89, 1.5) == numbers[0, 0]
    assert acceptance_at(table, 90, 3.0) == numbers[15, 19]
    assert acceptance_at(table, 0, 2.0) == numbers[5, 10]
    assert acceptance_at(table, 30, 2.0) == numbers[5, 15]  # the sine of 30 deg is 0.5, if only nearly in a computer
    assert acceptance_at(table, -30, 2.0) == numbers[5, 5]
    for column, edge in enumerate(np.linspace(-1, 1, 21)[:-1]):
        assert acceptance_at(table, math.degrees(math.asin(round(edge, 1))), 2.0) == numbers[5, column]
    assert acceptance_at(table, math.degrees(math.asin(-0.05)), 2.5) == numbers[10, 9]
    for declination, index in ((100, 2.0), (0, 2.05), (0, 3.1), (math.nan, 2.0)):
        with pytest.raises(UsageError, match="is not in the table"):
            acceptance_at(table, declination, index)


def test_edges_in_degrees(write: Callable[..., Path]) -> None:
    edges = list(range(-90, 91, 10))
    description = f"content: acceptance\naxes: {{spectral_index: [2.0], declination_edges: {edges}}}\n"
    table = read_table(write(" ".join(str(n) for n in range(18)), description))
    assert [acceptance_at(table, edge, 2.0) for edge in edges] == [*range(18), 17]


def test_a_changed_product_gives_no_number(aeff: Path, cli: Callable[..., object]) -> None:
    out = aeff.parent / "out"
    assert cli("convert", aeff, "-o", out, "--to", "json").code == 0
    text = (out / "aeff.json").read_text()
    for change in ("NaN", "-1.0"):
        (out / "aeff.json").write_text(text.replace("1.24509e-07", change))
        with pytest.raises(InputError, match="no possible effective-area table"):
            read_table(out / "aeff.json")


@pytest.mark.parametrize("to", ["csv", "json"])
def test_products_give_the_same_numbers(to: str, aeff: Path, cli: Callable[..., object]) -> None:
    out = aeff.parent / "out"
    assert cli("convert", aeff, "-o", out, "--to", to).code == 0
    product = out / {"csv": "aeff.l3.csv", "json": "aeff.json"}[to]
    flux = PowerLaw(1e-8, 2.0, 20, 100)
    assert expected_events(read_table(product), flux, DAY) == expected_events(read_table(aeff), flux, DAY)
