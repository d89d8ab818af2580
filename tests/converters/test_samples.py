"""Every real sample file, from end to end: converted, checked against the data model, compared with its source."""

from collections.abc import Callable
from pathlib import Path

import pytest

from converters.pipeline import convert_one
from converters.request import Request
from converters.validate import check

Sample = Callable[[str], Path]

EVENTS = {
    "evt/example_numuCC.evt": 109,
    "evt/example_numuNC.evt": 1,
    "evt/KM3Sim.evt": 10,
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.evt": 82,
    "mupage/mcv5.0.mupage_1G.5.evt": 20,
    "evt/corant_5.1.9.evt": 3,
    "evt/example_corant_propa.evt": 1,
    "seatray/antares.h5": 19,
    "gseagen/DAT000001.gSeaGen.1.aa.root": 8,
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root": 82,
    "mupage/mcv8.1.mupage_tuned_100G.sirene.jterbr00013288.10.root": 10,
    "dst/mcv5.1.km3_numuCC.ALL.dst.bdt.10events.root": 10,
    "dst/mcv6.gsg_numu-CCHEDIS_1e2-1e8GeV.sirene.jte.jchain.aashower.dst.bdt_trk.bdt_casc.10events.root": 10,
    "dst/orca4_sample.root": 2500,
    "dst/orca6_sample.root": 2499,
    "offline/KM3NeT_00000049_00011291.mc.gsg_neutrinos.km3sim_sirene_merged.jterbr.jppmuon_jppshower_static.offline."
    "v9.2.sample.root": 30,
    "offline/empty_events.root": 0,
    "offline/km3net_offline.root": 10,
    "offline/mcv5.0.DAT004340.propa.sirene.jte.jchain.aanet.4340.root": 3,
    "offline/mcv5.0.gsg_elec-CC_10-100GeV.km3sim.JDK.jte.jmergefit.orca.909.evtsample.root": 10,
    "offline/mcv5.0.gsg_elec-CC_10-100GeV.km3sim.JDK.jte.jmergefit.orca.aanet.909.evtsample.root": 10,
    "offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root": 10,
    "offline/mcv5.11r2.gsg_muonCChigherE-CC_50-5000GeV.km3_AAv1.jterbr00004695.jchain.aanet.498.root": 307,
    "offline/mcv6.0.gsg_muon_highE-CC_50-500GeV.km3sim.jterbr00008357.jorcarec.aanet.905.root": 140,
    "offline/mcv6.gsg_nue-CCHEDIS_1e4-1e6GeV.sirene.jte.jchain.aanet.1.root": 31,
    "offline/multiHead.root": 10,
    "offline/muon_cc_events.root": 1000,
    "offline/numucc.root": 10,
    "offline/usr-sample.root": 3,
}


def converted_and_compared(source: Path, folder: Path) -> tuple[int, int]:
    """Convert a file and compare it with its source; return the numbers of events and of compared values."""
    outcome = convert_one(Request(source, folder / "product.l3.h5"))
    assert outcome.entry is not None
    verdict = check(folder / "product.l3.h5", source)
    assert verdict.problems == ()
    assert verdict.remarks == (), "columns that the second reader does not give"
    assert verdict.events == outcome.entry.n_events
    return outcome.entry.n_events, verdict.values_compared


@pytest.mark.parametrize("name", EVENTS)
def test_every_value_is_that_of_the_source(name: str, sample: Sample, tmp_path: Path) -> None:
    events, values = converted_and_compared(sample(name), tmp_path)
    assert events == EVENTS[name]
    assert values >= 10 * events


def test_the_public_list(shared_data: Path, tmp_path: Path) -> None:
    events, values = converted_and_compared(shared_data / "antares-public-2007-2017" / "ANTARES.data", tmp_path)
    assert (events, values) == (8754, 8754 * 7)
