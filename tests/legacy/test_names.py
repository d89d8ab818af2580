"""What names of files say: the patterns of this program, those of a site, and the table of runs."""

import re
from pathlib import Path

import pytest
import yaml

from legacy.config import Config
from legacy.errors import MetadataError
from legacy.names import OWN_NAMES, Named, name_rules, same_channel

CHANNELS = (
    *(f"{flavour}_a_{current}" for flavour in ("numu", "anumu", "nue", "anue") for current in ("CC", "NC")),
    *(f"{flavour}_a_{current}" for flavour in ("nutau", "anutau") for current in ("CCmu", "CCshow", "NC")),
    "mupage",
)


def read(path: str, config: Config | None = None) -> Named:
    return name_rules(config).read(path)


def site(**names: object) -> Config:
    return Config(Path("antares-legacy.yaml"), {"names": names})


@pytest.mark.parametrize("channel", CHANNELS)
def test_every_channel_of_simulated_files(channel: str) -> None:
    named = read(f"/group/ANTARES/MC/v4.2/antdst/MC_066730_{channel}_reco.root")
    wanted = "mu" if channel == "mupage" else channel.replace("_a_", "_")
    assert named == Named(True, "simulated AntDST", 66730, 2012, "mc", wanted, "v4.2")


@pytest.mark.parametrize("ending", ["_ext", "_cor", "_ext_cor", "_cor_weighted"])
def test_flat_tables_keep_the_name_of_their_source(ending: str) -> None:
    assert read(f"MC_025500_anumu_a_NC_reco{ending}.root") == Named(
        True, "flat tables of simulated AntDST", 25500, 2007, "mc", "anumu_NC", ""
    )


@pytest.mark.parametrize("name", ["Antares_051870_total_rates.hdf5", "Antares_054890_gtis.pkl"])
def test_measured_files(name: str) -> None:
    named = read(name)
    assert (named.known, named.kind, named.run) == (True, "data", int(name[8:14]))


@pytest.mark.parametrize(
    "name",
    [
        "MC_66730_mupage_reco.root",  # five digits
        "MC_066730_mupage_reco.root.part",
        "xMC_066730_mupage_reco.root",
        "MC_066730_numu_CC_reco.root",
        "MC_066730_nutau_a_CC_reco.root",
        "MC_\u066066730_mupage_reco.root",  # a digit, but not of ASCII
        "Antares_051870.root",
        "",
    ],
)
def test_other_names_say_nothing(name: str) -> None:
    assert read(name) == Named()


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("/a/MC/v4.2/antdst/x.root", "v4.2"),
        ("MC/v4/x.root", "v4"),
        ("root://door//hpss/MC/v3.1.2/x.root", "v3.1.2"),
        ("/a/MC/v4.2", ""),  # the file itself is called so
        ("/a/MC/v4.2beta/x.root", ""),
        ("/a/data/v4.2/x.root", ""),
    ],
)
def test_versions_come_from_folders_of_simulation(path: str, version: str) -> None:
    assert read(path).production_version == version


@pytest.mark.parametrize(
    "folder", ["/a/MC/v4.0/old/MC/v4.2/antdst", "MC/v4.0/MC/v4.2", "/MC/v4.2/antdst/MC/v4.0", "/MC/v4.2/MC/v4.2.1"]
)
def test_folders_that_contradict_each_other_say_nothing(folder: str) -> None:
    assert read(f"{folder}/x.root") == Named()


def test_a_folder_that_is_named_twice_is_one_fact() -> None:
    assert read("/MC/v4.2/MC/v4.2/x.root").production_version == "v4.2"


def test_the_years_follow_each_other_without_gap() -> None:
    years = name_rules().years
    assert [row.year for row in years] == list(range(2007, 2023))
    assert [row.first_run for row in years[1:]] == [(row.last_run or 0) + 1 for row in years[:-1]]
    assert years[-1].last_run is None


def test_sums_of_livetime() -> None:
    """Sums of the source's own table."""
    years = name_rules().years
    assert sum(row.livetime_days for row in years if row.year <= 2012) == pytest.approx(1420.397, abs=1e-9)
    assert sum(row.livetime_days for row in years if row.year <= 2017) == pytest.approx(3104.676, abs=1e-9)
    assert sum(row.livetime_days for row in years) == pytest.approx(4541.378, abs=1e-9)


@pytest.mark.parametrize(
    ("run", "year"), [(25415, None), (25416, 2007), (31050, 2007), (31051, 2008), (89982, 2022), (None, None)]
)
def test_years_of_runs(run: int | None, year: int | None) -> None:
    assert name_rules().year_of(run) == year


def test_every_channel_of_a_pattern_has_a_name() -> None:
    assert set(yaml.safe_load(OWN_NAMES.read_text())["channels"]) == set(CHANNELS)


def test_a_site_adds_patterns_which_are_tried_first() -> None:
    config = site(
        files=[{"name": "raw", "pattern": r"Antares_(?P<run>\d+)\.root", "kind": "data"}],
        folders=[{"name": "reprocessing", "pattern": r"/rbr_(?P<production_version>v\d+)/"}],
        channels={"mupage": "muons"},
    )
    assert read("/rbr_v9/Antares_051870.root", config) == Named(True, "raw", 51870, 2010, "data", "", "v9")
    assert read("MC_066730_mupage_reco.root", config).channel == "muons"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"files": [{"name": "raw", "pattern": "("}]}, "names.files: the pattern of 'raw' is no regular expression"),
        ({"files": [{"name": "raw", "pattern": "(?P<rum>1)"}]}, "a group 'rum'"),
        ({"files": [{"name": "raw", "pattern": "x", "kind": "dada"}]}, "write data or mc"),
        ({"file": []}, "unknown key 'file'"),
        ({"files": [{"pattern": "x"}]}, "names.files"),
    ],
)
def test_wrong_patterns_are_named(names: dict[str, object], said: str) -> None:
    with pytest.raises(MetadataError, match=re.escape(said)):
        name_rules(site(**names))


def test_a_pattern_whose_run_is_no_number_is_named() -> None:
    config = site(files=[{"name": "raw", "pattern": "(?P<run>.*)"}])
    with pytest.raises(MetadataError, match="takes 'x' for a run"):
        read("x", config)


def test_the_base_name_wins_over_its_folders() -> None:
    config = site(
        folders=[
            {"name": "runs", "pattern": r"/run(?P<run>\d+)/(?P<kind>data|mc)/(?P<production_version>v\d+)/"},
        ]
    )
    named = read("/run000001/data/v9/MC_066730_mupage_reco.root", config)
    assert (named.run, named.year, named.kind, named.production_version) == (66730, 2012, "mc", "v9")
    assert read("/run000001/data/v9/x.root", config).run == 1


@pytest.mark.parametrize(("name", "kind"), [("MC_12.root", "mc"), ("data_12.root", "data")])
def test_a_kind_of_a_name_is_one_of_the_two(name: str, kind: str) -> None:
    config = site(files=[{"name": "raw", "pattern": r"(?P<kind>\w+)_(?P<run>\d+)\.root"}])
    assert read(name, config).kind == kind
    with pytest.raises(MetadataError, match="takes 'test' for a kind"):
        read("test_12.root", config)


@pytest.mark.parametrize(("digits", "run"), [("0" * 200 + "66730", 66730), ("9" * 18, 10**18 - 1), ("9" * 19, None)])
def test_runs_that_no_file_can_hold_are_none(digits: str, run: int | None) -> None:
    config = site(files=[{"name": "raw", "pattern": r"(?P<run>\d+)\.root"}])
    named = read(f"{digits}.root", config)
    assert (named.known, named.run) == (run is not None, run)


@pytest.mark.parametrize(
    ("stated", "name", "same"),
    [
        ("nutau_CC", "nutau_CCmu", True),
        ("anutau_CC", "anutau_CCshow", True),
        ("mu", "mu", True),
        ("nutau_CC", "anutau_CCmu", False),
        ("nutau_NC", "nutau_CCmu", False),
        ("numu_CC", "numu_CCmu", False),
    ],
)
def test_channels_with_a_decay_of_the_tau(stated: str, name: str, same: bool) -> None:
    assert same_channel(stated, name) == same
