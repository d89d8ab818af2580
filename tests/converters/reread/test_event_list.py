"""The reader of event lists and its second reader give the same values."""

import runpy
from pathlib import Path

import pytest

from converters.readers.event_list import EventListReader
from converters.reread.event_list import reread
from converters.source import ReadOptions

assert_agreement = runpy.run_path(str(Path(__file__).parent / "table_agreement.py"))["assert_agreement"]

LISTS = {
    "ra first": ("318.1\t38.3\t47\t0.4\t55127.2894\n10.0\t-20.25\t13\t1.0\t54138.3105\n", None),
    "dec first": ("-60.0 26.5 33 0.8 54138.5830\n19.5 360.0 21 1.0 54138.3105\n", None),
    "names": ("My list\n# Decl [deg], RA [deg], Beta, x, MJD\n1,2,0.5,9,54138.5\n\n# end\n3,4,0.6,9,54138.25\n", None),
    "units in names": ("dec_deg ra/deg nhit beta_degrees mjd_utc\n1 2 5 9 54138.5\n3 4 6 9 54138.25\n", None),
    "names given": ("2 1 54138.5 7 0.5\r\n360 3 54138.25 8 0.25\r\n", ("ra", "decl", "mjd", "-", "beta")),
    "without times": ("1;2;30\n", ("ra", "dec", "n_hits")),
    "byte order mark": ("\xef\xbb\xbf200.5 -1 13.0 1e-1 54138\n", None),
}


@pytest.mark.parametrize("name", LISTS)
def test_both_readers_agree(tmp_path, name):
    text, columns = LISTS[name]
    path = tmp_path / "events.dat"
    path.write_bytes(text.encode("latin-1"))
    assert assert_agreement(EventListReader(), reread, path, ReadOptions(columns=columns)) > 2


def test_both_readers_agree_on_the_public_list(shared_data):
    path = shared_data / "antares-public-2007-2017" / "ANTARES.data"
    assert assert_agreement(EventListReader(), reread, path, ReadOptions()) > 8754 * 6
    with EventListReader().open(path, ReadOptions()) as file:
        given = [one for batch in file.batches() for one in batch.events["internal_id"].tolist()]
    assert given == [expected.events["internal_id"] for expected in reread(path, ReadOptions())]
