"""The two readers of offline ROOT files against each other: every value of every table, on every sample."""

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from converters.events import complete
from converters.readers.offline_root import OfflineRootReader
from converters.reread.offline_root import reread
from converters.source import ReadOptions
from legacy.errors import CorruptInputError
from legacy.model import Table

Sample = Callable[[str], Path]

COMPUTED = frozenset(["zenith", "azimuth", "mc_zenith", "mc_azimuth", "angular_error"])
"""Both sides calculate: equal but for the last digits. Everything else is equal to the last bit."""
SETTLED = frozenset(["group_id", "event_id", "internal_id", "mjd", "ra", "dec"])
EVENT_TABLES = ("/events", "/event_info")

MERGED = (
    "KM3NeT_00000049_00011291.mc.gsg_neutrinos.km3sim_sirene_merged.jterbr.jppmuon_jppshower_static."
    "offline.v9.2.sample.root"
)
SAMPLES = (
    "dst/mcv5.1.km3_numuCC.ALL.dst.bdt.10events.root",
    "dst/mcv6.gsg_numu-CCHEDIS_1e2-1e8GeV.sirene.jte.jchain.aashower.dst.bdt_trk.bdt_casc.10events.root",
    "dst/orca4_sample.root",
    "dst/orca6_sample.root",
    "gseagen/DAT000001.gSeaGen.1.aa.root",
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root",
    "mupage/mcv8.1.mupage_tuned_100G.sirene.jterbr00013288.10.root",
    "offline/" + MERGED,
    "offline/empty_events.root",
    "offline/km3net_offline.root",
    "offline/mcv5.0.DAT004340.propa.sirene.jte.jchain.aanet.4340.root",
    "offline/mcv5.0.gsg_elec-CC_10-100GeV.km3sim.JDK.jte.jmergefit.orca.909.evtsample.root",
    "offline/mcv5.0.gsg_elec-CC_10-100GeV.km3sim.JDK.jte.jmergefit.orca.aanet.909.evtsample.root",
    "offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root",
    "offline/mcv5.11r2.gsg_muonCChigherE-CC_50-5000GeV.km3_AAv1.jterbr00004695.jchain.aanet.498.root",
    "offline/mcv6.0.gsg_muon_highE-CC_50-500GeV.km3sim.jterbr00008357.jorcarec.aanet.905.root",
    "offline/mcv6.gsg_nue-CCHEDIS_1e4-1e6GeV.sirene.jte.jchain.aanet.1.root",
    "offline/multiHead.root",
    "offline/muon_cc_events.root",
    "offline/numucc.root",
    "offline/usr-sample.root",
)


def rows_of(table: Table) -> dict[int, list[dict[str, object]]]:
    """Return the rows of each event, by ``group_id``."""
    found: dict[int, list[dict[str, object]]] = {}
    for row in table.array.tolist():
        values = dict(zip(table.array.dtype.names, row, strict=True))
        found.setdefault(values["group_id"], []).append(values)
    return found


def events_of(path: Path, options: ReadOptions) -> Iterator[tuple[int, dict[str, list[dict[str, object]]]]]:
    """Yield number and rows, by table, of each event as the first reader and the pipeline make them."""
    with OfflineRootReader().open(path, options) as file:
        for batch in file.batches():
            events, info, _ = complete(batch, file.facts)
            tables = {table.spec.path: rows_of(table) for table in (events, info, *batch.tables)}
            for number in range(batch.first, batch.first + batch.n_events):
                yield number, {name: rows[number] for name, rows in tables.items() if number in rows}


def same(name: str, found: object, wanted: object) -> bool:
    if isinstance(wanted, float) and isinstance(found, float):
        if math.isnan(wanted) or math.isnan(found):
            return math.isnan(wanted) and math.isnan(found)
        if name in COMPUTED:
            return math.isclose(found, wanted, rel_tol=1e-14, abs_tol=1e-14)
    return type(found) is type(wanted) and found == wanted


def assert_same_row(where: str, found: Mapping[str, object], wanted: Mapping[str, object]) -> int:
    assert set(found) - SETTLED == set(wanted) - SETTLED, where
    for name in set(wanted) - SETTLED:
        assert same(name, found[name], wanted[name]), f"{where}.{name}: {found[name]!r} and {wanted[name]!r}"
    return len(wanted)


def filled(row: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, object]:
    """Leave out what neither the source nor the second reader has."""
    missing = {name for name, value in row.items() if value in (-1, b"") or value != value}
    return {name: value for name, value in row.items() if name in wanted or name not in missing}


def compare(path: Path, options: ReadOptions) -> tuple[int, int]:
    """Fail at the first difference; return the numbers of events and of values compared."""
    second = reread(path, options)
    events = values = 0
    for number, tables in events_of(path, options):
        expected = next(second)
        wanted = {"/events": (expected.events,), "/event_info": (expected.event_info,)} | dict(expected.tables)
        assert set(tables) == {name for name, rows in wanted.items() if rows}, f"event {number}"
        for name, rows in tables.items():
            assert len(rows) == len(wanted[name]), f"{name}, event {number}"
            for row, other in zip(rows, wanted[name], strict=True):
                kept = filled(row, other) if name in EVENT_TABLES else row
                values += assert_same_row(f"{name}, event {number}", kept, other)
        events += 1
    assert next(second, None) is None, "the second reader found more events"
    return events, values


@pytest.mark.parametrize("name", SAMPLES)
def test_both_readers_agree(sample: Sample, name: str) -> None:
    events, values = compare(sample(name), ReadOptions())
    assert values >= 60 * events


@pytest.mark.parametrize("reco", ["jprefit", "jshower", "rec_type_101", "none"])
def test_both_readers_agree_on_a_chosen_fit(sample: Sample, reco: str) -> None:
    name = "jmergefit.orca.909.evtsample" if reco == "jshower" else "genhen_anumuNC.sirene.jte.jchain.aashower.sample"
    path = sample(next(known for known in SAMPLES if name in known))
    events, _ = compare(path, ReadOptions(reco=reco))
    assert events == 10


def test_second_reader_refuses_damage(sample: Sample, tmp_path: Path) -> None:
    cut = tmp_path / "cut.root"
    cut.write_bytes(sample("offline/numucc.root").read_bytes()[:100_000])
    with pytest.raises(CorruptInputError, match="damaged ROOT file"):
        list(reread(cut, ReadOptions()))
