"""What could become a wrong number without a word: names that collide, codes that mean something else, stale frames.

Every file is read by both readers, which must agree.
"""

import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).parent
build = runpy.run_path(str(HERE / "i3_builder.py"))
reading = runpy.run_path(str(HERE / "i3_reading.py"))
Read, write = reading["Read"], reading["write"]
frame, particle, double = build["frame"], build["particle"], build["double"]


def one_event(tmp_path, objects, version=6, **options):
    return Read(write(tmp_path / "x.i3", frame("P", objects, version)), **options)


def test_no_other_key_takes_the_name_of_a_fit_of_antares(tmp_path):
    objects = {"Aafit": particle(5, zenith=0.1), "AafitFinalFit": particle(5, zenith=0.9)}
    read = one_event(tmp_path, {**objects, "AafitLambdaFinalFit": double(-5.25)})
    assert read.column("reco") == [b"aafit"]
    assert read.column("zenith") == [0.9]
    assert read.tables["/reco/aafit"]["quality"].tolist() == [-5.25]
    assert read.tables["/reco/aafit_2"]["zenith"].tolist() == [0.1]
    assert "quality" not in read.tables["/reco/aafit_2"].dtype.names
    alone = one_event(tmp_path, {"Aafit": objects["Aafit"]})
    assert alone.column("reco") == [b"aafit_2"]
    assert not any("Lambda" in remark for remark in alone.facts.remarks)


@pytest.mark.parametrize(
    ("table", "data"),
    [
        ("/reco/unnamed", particle(5)),
        ("/mc_tracks", build["chunked_tree"]([("1", [{"code": 13}])])),
        ("/i3_triggers", build["triggers"]([(1, 1)])),
        ("/i3_hit_counts", build["series"]({(1, 1): [(1, 1.0)]})),
        ("/i3_scalars", double(1.5)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_object_with_an_empty_key_is_not_lost(tmp_path, table, data):
    read = one_event(tmp_path, {"": data})
    assert len(read.tables[table]) == 1
