"""The reader of SeaTray HDF5 files and its second reader give the same values."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from converters.readers.seatray_hdf5 import SeatrayHdf5Reader
from converters.reread.seatray_hdf5 import reread
from converters.source import ReadOptions

HERE = Path(__file__).parent
assert_agreement = runpy.run_path(str(HERE / "table_agreement.py"))["assert_agreement"]
tableio = runpy.run_path(str(HERE.parent / "readers" / "tableio_file.py"))

KEYS = [(1, 2, 3), (1, 2, 4), (1, 3, 1), (2, 1, 9), (2, 1, 10), (2, 7, 1)]
ODD_FIELDS = [
    ("name", "f4"),
    ("lambda", "<i2"),
    ("group_id", "u1"),
    ("Type", "<i4"),
    ("type", "<i4"),
    ("2ndHalfNNFit", "f8"),
    ("_v_x", "?"),
    ("text", "S5"),
    ("vector", "f8", (3,)),
]


def test_both_readers_agree_on_the_sample(sample):
    compared = assert_agreement(SeatrayHdf5Reader(), reread, sample("seatray/antares.h5"), ReadOptions())
    assert compared >= 19 * (33 + 12)


@pytest.mark.parametrize("reco", [None, "gridfit", "bbfit_track", "none"])
def test_both_readers_agree_on_several_tables(tmp_path, reco):
    one, two, three, four, five, six = KEYS
    grid = tableio["rows"]([six, None, two, two], seed=3)
    grid["nUsedHits"] = -1
    grid["zenith"][2] = 9
    odd = np.zeros(2, dtype=[*tableio["KEY"], *ODD_FIELDS])
    odd["Run"], odd["Event"], odd["TriggerCounter"], odd["exists"], odd["text"] = 2, 1, [9, 10], 1, b"x"
    path = tableio["write"](
        tmp_path / "x.h5",
        {
            "AafitFinalFit": tableio["rows"]([one, None, three, five]),
            "BBFitTrack": tableio["rows"]([one, two, two, four, five], seed=2),
            "GridFit_FinalFitResult": grid,
            "MCOdd": odd,
        },
    )
    tableio["write_hits"](path, "GridFit_FinalFitResult", [3, 0, 0, 5])
    assert assert_agreement(SeatrayHdf5Reader(), reread, path, ReadOptions(reco=reco)) > 100


def test_both_readers_agree_on_fits_that_failed(tmp_path):
    fits = tableio["rows"](KEYS, [*tableio["FIT"], ("fit_status", "<i4")])
    fits["fit_status"] = [0, 10, -1, 60, 0, 1]
    fits["azimuth"][0] = -2.5
    fits["energy"][:3], fits["x"][4], fits["quality"][2] = np.inf, -np.inf, np.nan
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": fits})
    tableio["write_hits"](path, "AafitFinalFit", [3, 4, 0, 5, 1, 1])
    assert assert_agreement(SeatrayHdf5Reader(), reread, path, ReadOptions()) > 50


@pytest.mark.parametrize("detector", [None, "antares"])
def test_both_readers_agree_on_another_detector(tmp_path, detector):
    path = tableio["write"](tmp_path / "x.h5", {"LineFit": tableio["rows"](KEYS), "Other": tableio["rows"](KEYS[2:])})
    assert_agreement(SeatrayHdf5Reader(), reread, path, ReadOptions(detector=detector))


def test_comparison_finds_a_difference(tmp_path):
    fits = tableio["rows"](KEYS)
    path = tableio["write"](tmp_path / "x.h5", {"AafitFinalFit": fits})
    fits["quality"][4] += 1e-12
    other = tableio["write"](tmp_path / "y.h5", {"AafitFinalFit": fits})
    with pytest.raises(AssertionError, match=r"event 4, /events\.quality"):
        assert_agreement(SeatrayHdf5Reader(), lambda _, options: reread(other, options), path, ReadOptions())
