"""The reader of flat DST trees and its second reader give the same values, for made-up files of every variant."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from converters.readers.dst_flat import DstFlatReader
from converters.reread.dst_flat import reread
from converters.source import ReadOptions

HERE = Path(__file__).parent
assert_agreement = runpy.run_path(str(HERE / "table_agreement.py"))["assert_agreement"]
sel = runpy.run_path(str(HERE.parent / "readers" / "sel_tree.py"))


def variants(kind, n_events=30):
    branches = sel["arrays"](kind, n_events)
    odd = dict(branches)
    odd["RunQuality"] = np.where(np.arange(n_events) < 7, -1.0, odd["RunQuality"])
    odd["MJD"] = np.where(np.arange(n_events) % 5 == 0, 0.0, odd["MJD"])
    odd["aafit_lambda"] = np.where(np.arange(n_events) % 4 == 0, np.nan, odd["aafit_lambda"])
    odd["aafit_zenith_deg"] = np.where(np.arange(n_events) % 6 == 1, 400.0, odd["aafit_zenith_deg"])
    odd["event_id"] = np.full(n_events, 2**64 - 1, dtype=np.uint64)
    odd["frame_index"] = np.where(np.arange(n_events) % 3 == 0, 2.5, odd["frame_index"])
    odd["bbfit_flag"] = np.where(np.arange(n_events) % 3, 1.0, np.nan)
    odd["tT2_active"] = np.where(np.arange(n_events) % 3, 1.0, np.nan)
    odd |= {
        "aafit_newThing": branches["aafit_pos_x"],
        "NNFitTrack_Theta": np.where(np.arange(n_events) % 2, 33.0, np.nan).astype(np.float32),
        "w_non_osc": branches["w3"] * 2,
        "lambda": branches["w3"],
        "Year": np.full(n_events, 2012, dtype=np.int32),
        "big": np.full(n_events, 2**63 + 5, dtype=np.uint64),
    }
    without = {
        n: v for n, v in branches.items() if not n.startswith("aafit") and n not in ("run_id", "type", "bbfit_flag")
    }
    return {"new": branches, "old": sel["old_spelling"](branches), "odd": odd, "without": without}


@pytest.mark.parametrize(
    ("kind", "variant", "zenith"),
    [
        ("numu", "new", None),
        ("numu", "odd", "source"),
        ("numu", "odd", "flight"),
        ("numu", "without", "flight"),
        ("mupage", "old", "source"),
        ("data", "new", None),
        ("data", "odd", "source"),
        ("data", "without", None),
    ],
)
def test_both_readers_agree(tmp_path, kind, variant, zenith):
    path = sel["write"](tmp_path / "x.root", variants(kind)[variant])
    assert assert_agreement(DstFlatReader(), reread, path, ReadOptions(zenith=zenith)) > 30 * 50


@pytest.mark.parametrize("fix", [False, True])
def test_both_readers_agree_on_types_that_are_no_integers(tmp_path, fix):
    branches = sel["arrays"]("numu", 6)
    branches["type"] = np.array([14.0, np.nan, 14.5, -14.0, 0.0, np.inf])
    path = sel["write"](tmp_path / "x.root", branches)
    assert assert_agreement(DstFlatReader(), reread, path, ReadOptions(fix_known_defects=fix)) > 6 * 50


def test_both_readers_agree_on_the_fit_shown(tmp_path):
    path = sel["write"](tmp_path / "x.root", variants("data")["new"])
    for reco in ("aafit", "bbfit", "gridfit", "bbfit_shower", "dusj", "tantra", "none"):
        assert_agreement(DstFlatReader(), reread, path, ReadOptions(reco=reco, zenith="source"))


@pytest.mark.parametrize(
    ("kind", "variant"),
    [("numu", "new"), ("numu", "odd"), ("mupage", "old"), ("mupage", "scaled"), ("data", "without")],
)
def test_both_readers_agree_on_known_defects(tmp_path, kind, variant):
    if variant == "scaled":
        ratio = np.where(np.arange(30) % 7 == 0, np.inf, 1.25).astype("f4")
        early = np.where(np.arange(30) % 2, 30411, 30412).astype(np.int32)
        branches = sel["weighted"](sel["arrays"](kind, 30) | {"DataMCRatio": ratio, "run_id": early})
    else:
        branches = variants(kind)[variant]
    path = sel["write"](tmp_path / "x.root", branches)
    options = ReadOptions(fix_known_defects=True, zenith="source", reco="gridfit")
    assert assert_agreement(DstFlatReader(), reread, path, options) > 30 * 50
    with pytest.raises(AssertionError):
        assert_agreement(DstFlatReader(), lambda p, _: reread(p, ReadOptions(reco="gridfit")), path, options)


def test_comparison_finds_a_difference(tmp_path):
    branches = variants("numu")["new"]
    path = sel["write"](tmp_path / "x.root", branches)
    other = dict(branches)
    other["showertantra_height"] = other["showertantra_height"] + 1e-9
    changed = sel["write"](tmp_path / "y.root", other)
    with pytest.raises(AssertionError, match=r"/reco/tantra\.height"):
        assert_agreement(DstFlatReader(), lambda _, options: reread(changed, options), path, ReadOptions())
