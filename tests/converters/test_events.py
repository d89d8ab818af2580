"""Columns that follow from others: directions, times and the sky."""

from dataclasses import replace

import numpy as np
import pytest

from converters.events import complete, why_no_sky
from converters.layout import EVENTS_TABLE
from converters.source import Batch, SourceFacts
from legacy.model import Column

ANTARES_DATA = SourceFacts(format="test", kind="data", detector="antares")

# Two rows of the collaboration's own benchmark (antares_coordinate_systems_benchmark.csv of km3net-testdata):
# azimuth and zenith of the source and right ascension and declination J2000, deg, at 2007-10-04T03:03:03.
MOMENT = 1191466983
AZIMUTH, ZENITH = np.array([277.07, 153.33]), np.array([45.0, 94.77])
RA, DEC = np.array([70.613, 313.434]), np.array([-1.852, 14.424])


def measured() -> dict[str, Column]:
    return {
        "zenith": np.radians(ZENITH),
        "azimuth": np.radians(AZIMUTH),
        "timestamp": np.full(2, MOMENT),
        "nanoseconds": np.zeros(2, dtype=np.int64),
    }


def test_real_data_of_antares_have_sky_coordinates() -> None:
    events = complete(Batch(5, 2, measured()), ANTARES_DATA)[0].array
    assert events["group_id"].tolist() == [5, 6]
    assert np.abs(events["ra"] - RA).max() < 0.02
    assert np.abs(events["dec"] - DEC).max() < 0.02
    assert np.abs(events["mjd"] - (40587 + MOMENT / 86400)).max() < 1e-9


def test_directions_follow_from_angles_and_back() -> None:
    events = complete(Batch(0, 2, measured()), ANTARES_DATA)[0].array
    names = ("dir_x", "dir_y", "dir_z")
    assert np.allclose(events["dir_z"], -np.cos(np.radians(ZENITH)))
    again = complete(Batch(0, 2, {name: events[name] for name in names}), ANTARES_DATA)[0].array
    assert np.allclose(again["zenith"], np.radians(ZENITH))
    assert np.allclose(again["azimuth"], np.radians(AZIMUTH))


def test_infinite_numbers_are_missing_in_events_only() -> None:
    columns = measured() | {"weight_w3": np.array([np.inf, 2.0]), "mc_energy": np.array([-np.inf, np.nan])}
    events, info, _ = (table.array for table in complete(Batch(0, 2, columns), ANTARES_DATA))
    assert np.array_equal(events["weight_w3"], [np.nan, 2], equal_nan=True)
    assert np.isnan(events["mc_energy"]).all()
    assert info["weight_w3"].tolist() == [np.inf, 2]


@pytest.mark.parametrize(
    ("facts", "left_out", "reason"),
    [
        (replace(ANTARES_DATA, kind="mc"), "", "real data only"),
        (replace(ANTARES_DATA, detector=""), "", "--detector antares"),
        (replace(ANTARES_DATA, detector="orca"), "", "--detector antares"),
        (ANTARES_DATA, "timestamp", "no event times"),
        (ANTARES_DATA, "zenith", "no direction"),
    ],
)
def test_no_sky_where_it_would_be_a_guess(facts: SourceFacts, left_out: str, reason: str) -> None:
    columns = {name: values for name, values in measured().items() if name != left_out}
    events = complete(Batch(0, 2, columns), facts)[0].array
    assert np.isnan(events["ra"]).all()
    assert np.isnan(events["dec"]).all()
    filled = frozenset(c.name for c in EVENTS_TABLE.columns if c.present(events[c.name]).any())
    assert reason in why_no_sky(filled, facts)


def test_coordinates_of_the_source_itself_stay() -> None:
    given = {"ra": np.array([318.1, 0.0]), "dec": np.array([38.3, -5.0]), "mjd": np.array([55127.2894, 54138.3105])}
    events = complete(Batch(0, 2, given), replace(ANTARES_DATA, kind="mc"))[0].array
    for name, values in given.items():
        assert events[name].tolist() == values.tolist()
