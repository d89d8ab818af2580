"""What names add to the manifest, and what happens when name and content differ."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.named_entry import named_entry
from legacy.manifest import ManifestEntry
from legacy.names import Named

ENTRY = ManifestEntry(
    path="x.l3.h5",
    size=1,
    adler32="00000001",
    md5="0" * 32,
    sha256="0" * 64,
    n_events=1,
    run=None,
    run_last=None,
    level=3,
    kind="mc",
    channel="",
    detector="antares",
    generator="",
    production_version="",
    start=None,
    stop=None,
    source="x",
    source_sha256="0" * 64,
    provenance_id="",
)


def changed(**values: object) -> ManifestEntry:
    return ManifestEntry(**{**{name: getattr(ENTRY, name) for name in ENTRY.__slots__}, **values})  # type: ignore[arg-type]


def test_what_the_content_does_not_say_comes_from_the_name() -> None:
    named = Named(True, "x", 66730, 2012, "mc", "numu_CC", "v4.2")
    assert named_entry(ENTRY, named) == (
        changed(run=66730, run_last=66730, channel="numu_CC", production_version="v4.2"),
        (),
    )


@pytest.mark.parametrize(
    ("content", "named", "said"),
    [
        ({"run": 5, "run_last": 7}, Named(True, run=6), None),
        ({"run": 5, "run_last": 7}, Named(True, run=8), "run 8, its content 5 to 7"),
        ({"run": 5, "run_last": 5}, Named(True, run=8), "run 8, its content 5:"),
        ({"kind": "data"}, Named(True, kind="mc"), "kind mc, its content data"),
        ({"channel": "numu_CC"}, Named(True, channel="anumu_CC"), "channel anumu_CC"),
        ({"channel": "nutau_CC"}, Named(True, channel="nutau_CCmu"), None),
        ({"channel": "anutau_CC"}, Named(True, channel="anutau_CCshow"), None),
        ({"channel": "nutau_CC"}, Named(True, channel="anutau_CCmu"), "channel"),
        ({"channel": "mu"}, Named(True, channel="mupage"), "channel"),
    ],
)
def test_the_content_is_believed(content: dict[str, object], named: Named, said: str | None) -> None:
    entry = changed(**content)
    complete, problems = named_entry(entry, named)
    assert [getattr(complete, key) for key in content] == list(content.values())
    assert [said in text for text in problems if said] == ([True] if said else [])
    assert bool(problems) == bool(said)


def test_convert_writes_it_into_the_manifest_and_warns(
    cli: Callable[..., Any], sample: Callable[[str], Path], tmp_path: Path
) -> None:
    source = tmp_path / "MC" / "v4.2" / "MC_066730_anumu_a_NC_reco.root"
    source.parent.mkdir(parents=True)
    source.symlink_to(sample("offline/mcv5.1.genhen_anumuNC.sirene.jte.jchain.aashower.sample.root"))
    ran = cli("convert", source, "-o", tmp_path / "out")
    (line,) = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert entry["production_version"] == "v4.2"
    assert "its name says run 66730" in ran.err
    assert entry["run"] != 66730
