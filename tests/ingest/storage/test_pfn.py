"""Names that Rucio gives to places, and back; the names that come back unchanged are asked of a real server."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalogue import Catalogue
from ingest.catalogue_types import NewReplica
from ingest.patience import Patience
from ingest.storage.pfn import PATH_LENGTH, PfnRule, location_of, pfn_of, within_prefix
from legacy.errors import InputError

HPSS = PfnRule("/sps/antares", "root://door.example:1094//hpss/antares")
RAW = PfnRule("/sps/antares/raw", "root://door.example//hpss/raw")
DAV = PfnRule("/dcache", "davs://dav.example:2880/pnfs/antares")
RULES = (HPSS, RAW, DAV)


@pytest.mark.parametrize(
    ("location", "rules", "rse", "pfn"),
    [
        ("/a/b", (), {}, "file://localhost/a/b"),
        ("/a//b/", (), {}, "file://localhost/a/b"),
        ("/a/with space%20", (), {"host": ""}, "file://localhost/a/with space%20"),
        ("/a/b", RULES, {"host": "disk1.example"}, "file://disk1.example/a/b"),
        ("/sps/antares/x", RULES, {}, "file://localhost/sps/antares/x"),
        (
            "/sps/antares/x",
            RULES,
            {"scheme": "root", "host": "door.example", "port": 1094},
            "root://door.example:1094//hpss/antares/x",
        ),
        (
            "/sps/antares/raw/x",
            RULES,
            {"scheme": "root", "host": "door.example", "port": 1094},
            "root://door.example:1094//hpss/raw/x",
        ),
        (
            "/sps/antares/rawer/x",
            RULES,
            {"scheme": "root", "host": "DOOR.example", "port": 0},
            "root://door.example//hpss/antares/rawer/x",
        ),
        (
            "root://door.example//hpss/x",
            (),
            {"scheme": "root", "host": "door.example", "port": 1094},
            "root://door.example:1094//hpss/x",
        ),
        (
            "xroot://door.example//hpss/x",
            (),
            {"scheme": "root", "host": "door.example", "port": 1094},
            "root://door.example:1094//hpss/x",
        ),
        ("root://door.example//hpss/raw/x", RULES, {}, "file://localhost/sps/antares/raw/x"),
        (
            "/dcache/x",
            RULES,
            {"scheme": "davs", "host": "dav.example", "port": 2880},
            "davs://dav.example:2880/pnfs/antares/x",
        ),
        ("/sps/antares/x", RULES, {"scheme": "root", "host": ""}, "root://door.example:1094//hpss/antares/x"),
    ],
)
def test_pfn_of(location: str, rules: tuple[PfnRule, ...], rse: dict[str, object], pfn: str) -> None:
    assert pfn_of(location, rules, **rse) == pfn  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("location", "rse", "said"),
    [
        ("/elsewhere/x", {"scheme": "root", "host": "door.example", "port": 1094}, "has no name at an RSE"),
        ("/sps/antaresx/x", {"scheme": "root", "host": "door.example", "port": 1094}, "has no name at an RSE"),
        ("root://door.example//other/x", {}, "has no name at an RSE"),
        ("/sps/antares/x", {"scheme": "root", "host": "other.example", "port": 1094}, "is behind root://door.example"),
        (
            "/sps/antares/x",
            {"scheme": "root", "host": "door.example", "port": 1095},
            "expected root://door.example:1095",
        ),
        ("/sps/antares/x", {"scheme": "roots", "host": "door.example", "port": 1094}, "has no name at an RSE"),
        ("/a/../b", {}, "'..' in its path"),
        ("/a/./b", {}, "'..' in its path"),
        ("/a#b", {}, "has '#' in its path"),
        ("/a?b", {}, r"has '\?' in its path"),
        ("/a\nb", {}, r"has '\\n' in its path"),
        ("/a\tb", {}, r"has '\\t' in its path"),
        ("/a\udcffb", {}, "Rucio does not keep"),
        ("/" + "a" * PATH_LENGTH, {}, "too long"),
        ("/dcache/with space", {"scheme": "davs", "host": "dav.example", "port": 2880}, "has ' ' in its path"),
        ("relative/x", {}, "neither an absolute path nor a URL"),
        ("root://user:secret@door.example//x", {}, "neither an absolute path nor a URL"),
        ("root://door.example:port//x", {}, "neither an absolute path nor a URL"),
        ("root://door.example", {}, "neither an absolute path nor a URL"),
    ],
)
def test_no_pfn(location: str, rse: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        pfn_of(location, RULES, **rse)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pfn", "location"),
    [
        ("file://localhost/a/b", "/a/b"),
        ("file:///a/b", "/a/b"),
        ("file://localhost/a%20b/c d", "/a%20b/c d"),
        ("root://door.example:1094//hpss/antares/x", "/sps/antares/x"),
        ("root://door.example:1094//hpss/antares//x", "/sps/antares/x"),
        ("root://door.example:1094/hpss/raw/x", "/sps/antares/raw/x"),
        ("root://door.example:1094//hpss/antaresx/x", "root://door.example:1094//hpss/antaresx/x"),
        ("root://other.example:1094//hpss/antares/x", "root://other.example:1094//hpss/antares/x"),
        ("root://other.example:1094/pnfs//x", "root://other.example:1094//pnfs/x"),
        ("davs://dav.example:2880/pnfs/antares/x", "/dcache/x"),
    ],
)
def test_location_of(pfn: str, location: str) -> None:
    assert location_of(pfn, RULES) == location


@pytest.mark.parametrize(
    ("pfn", "said"),
    [
        ("file://disk9.example/a/b", "another machine"),
        ("davs://dav.example:2880/pnfs/other/x", "over davs"),
        ("srm://srm.example/x", "over srm"),
        ("root://door.example:1094//hpss/antares/../../etc/passwd", "'..' in its path"),
        ("file://localhost/../etc/passwd", "'..' in its path"),
        ("garbage", "neither"),
        ("", "neither"),
    ],
)
def test_no_location(pfn: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        location_of(pfn, RULES)


@pytest.mark.parametrize(
    ("pfn", "prefix", "within"),
    [
        ("file://localhost/a/b", "/", True),
        ("file://localhost/a/b", "/a/", True),
        ("file://localhost/a/b", "/a", True),
        ("file://localhost/ab/c", "/a/", False),
        ("file://localhost/a/b", "/a/b", False),
        ("root://door.example:1094//pnfs//x", "//pnfs/", True),
    ],
)
def test_within_prefix(pfn: str, prefix: str, within: bool) -> None:
    assert within_prefix(pfn, prefix) is within


@given(st.lists(st.text(min_size=1, max_size=8).filter(lambda part: "/" not in part), min_size=1, max_size=6))
def test_there_and_back(parts: list[str]) -> None:
    for prefix, rse in (
        ("/x", {}),
        ("/sps/antares", {"scheme": "root", "host": "door.example", "port": 1094}),
    ):
        location = "/".join((prefix, *parts))
        try:
            pfn = pfn_of(location, RULES, **rse)  # type: ignore[arg-type]
        except InputError:
            continue
        assert location_of(pfn, RULES) == location


@pytest.fixture
def registered(rucio_environment: object, rucio_scope: str) -> Callable[[list[str]], list[str]]:
    """Register PFNs in place and return what the server then says they are."""
    catalogue = Catalogue(Patience(seconds=20), lambda text: None)
    catalogue.connect()

    def register(pfns: list[str]) -> list[str]:
        names = [f"file{number}" for number in range(len(pfns))]
        new = [NewReplica(name, 1, "00000001", "0" * 32, pfn) for name, pfn in zip(names, pfns, strict=True)]
        catalogue.add_replicas("ANTARES_INPLACE", rucio_scope, new)
        found = catalogue.replicas(rucio_scope, names)
        return [found[name][0].pfn for name in names]

    return register


@pytest.mark.server
def test_the_server_keeps_the_names(registered: Callable[[list[str]], list[str]]) -> None:
    odd = ["plain", "with space", "per%20cent", "100%", "pl+us", "co:lon", "at@x", "a&b;c=d,e", "(x)[b]{c}", "t~^`!$*|"]
    odd += [
        "back\\slash",
        "quote'\"",
        "<angle>",
        "üñï",
        "日本",
        "u\u0308",
        ".hidden",
        "dot.",
        "end ",
        "%2e%2e",
        "n\u00a0b",
    ]
    locations = [f"/antares/{name}/file" for name in odd]
    pfns = [pfn_of(location) for location in locations]
    assert registered(pfns) == pfns
    assert [location_of(pfn) for pfn in pfns] == locations


@pytest.mark.server
@pytest.mark.parametrize("name", ["ha#sh", "qu?es=1", "new\nline", "tab\tx"])
def test_the_names_that_are_refused_would_be_lost(name: str, registered: Callable[[list[str]], list[str]]) -> None:
    with pytest.raises(InputError):
        pfn_of(f"/antares/{name}")
    assert registered([f"file://localhost/antares/{name}"]) != [f"file://localhost/antares/{name}"]
