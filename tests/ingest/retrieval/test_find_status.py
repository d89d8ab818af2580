"""`catalog find` and `catalog status` on the real server."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.catalogue_download import DownloadingCatalogue

pytestmark = pytest.mark.server

Run = Callable[..., Any]


@pytest.fixture
def three(store: Any) -> Any:
    """Return a scope with three files, two of them in a dataset, that in a container."""
    store.put("b.l3.h5", b"second", run=45001, level=3, kind="data", n_events=7)
    store.put("a.l3.h5", b"first!", run=45000, level=3, kind="data", n_events=5)
    store.put("raw.root", b"raw", run=45000, level=0, kind="data")
    store.dataset("level3", "a.l3.h5", "b.l3.h5")
    store.dataset("empty")
    store.catalogue.add_collections(store.scope, ["all"], "container")
    store.catalogue.attach(store.scope, {"all": ["level3", "empty"]})
    return store


def test_find(three: Any, run_catalog: Run) -> None:
    ran = run_catalog("find")
    assert ran.code == 0, ran.err
    assert ran.out == "".join(f"{three.scope}:{name}\n" for name in ("a.l3.h5", "b.l3.h5", "raw.root"))
    assert ran.err == "3 files, 15 bytes\n"
    ran = run_catalog("find", "run>=45000 and level=3 and n_events<6")
    assert ran.out == f"{three.scope}:a.l3.h5\n"
    assert ran.err == "1 files, 6 bytes\n"


def test_find_as_a_table(three: Any, run_catalog: Run) -> None:
    head, *lines = run_catalog("find", "--long").out.splitlines()
    assert head.split() == ["bytes", "run", "level", "kind", "events", "adler32", "name"]
    assert lines[0].split() == ["6", "45000", "3", "data", "5", "08a1024a", f"{three.scope}:a.l3.h5"]
    assert lines[2].split() == ["3", "45000", "0", "data", "-", "0292014b", f"{three.scope}:raw.root"]


def test_find_as_json(three: Any, run_catalog: Run) -> None:
    found = json.loads(run_catalog("find", "--json", "level=3").out)
    assert [each["name"] for each in found] == ["a.l3.h5", "b.l3.h5"]
    assert found[0]["scope"] == three.scope
    assert found[0]["bytes"] == 6
    assert found[0]["adler32"] == "08a1024a"
    assert len(found[0]["md5"]) == 32
    assert found[0]["metadata"]["run"] == 45000
    assert json.loads(run_catalog("find", "--json", "level=4").out) == []


def test_nothing_matches(three: Any, run_catalog: Run) -> None:
    ran = run_catalog("find", "level=2")
    assert (ran.code, ran.out, ran.err) == (0, "", "no file matches\n")


def test_an_empty_scope(run_catalog: Run, rucio_scope: str) -> None:
    for command in ("find", "status"):
        ran = run_catalog(command)
        assert ran.code == 0
        assert "no file matches" in ran.err


def test_wrong_scope(cli: Run, three: Any) -> None:
    for arguments in (["find"], ["status"], ["verify"], ["get", "-o", "x"], ["diff", "."]):
        ran = cli("catalog", *arguments, "--scope", f"{three.scope[:-1]}~x"[:25].replace("~", "-"))
        assert ran.code == 2, ran.err
        assert "Rucio has no scope" in ran.err
        assert ran.out == ""


def test_the_scope_is_antares_unless_said_otherwise(
    cli: Run, rucio_environment: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cli("-v", "catalog", "find")
    assert ran.code == 0
    assert "no file matches" in ran.err  # in scope antares, which the server of the tests has, empty


def test_the_scope_of_the_configuration(cli: Run, three: Any, tmp_path: Path) -> None:
    config = tmp_path / "site.yaml"
    config.write_text(f"ingest:\n  scope: {three.scope}\n")
    ran = cli("catalog", "find", "level=0", "--config", config)
    assert ran.out == f"{three.scope}:raw.root\n"


def test_several_words(run_catalog: Run) -> None:
    ran = run_catalog("find", "level=3", "and", "run=1")
    assert ran.code == 2
    assert "put it in single quotes: 'level=3 and run=1'" in ran.err


def test_wrong_expression(run_catalog: Run) -> None:
    for command in (["find"], ["status"], ["verify"], ["get", "-o", "x"]):
        ran = run_catalog(*command, "levl=3")
        assert ran.code == 2
        assert "unknown key 'levl'; did you mean 'level'?" in ran.err
        assert ran.err.endswith("\n  levl=3\n  ^\n")


def test_the_server_is_named_only_on_request(cli: Run, three: Any, run_catalog: Run) -> None:
    assert "account ingest" not in run_catalog("find").err
    assert "account ingest, authentication by userpass" in cli("-v", "catalog", "find", "--scope", three.scope).err


def test_status(three: Any, run_catalog: Run) -> None:
    three.catalogue.add_rule(three.scope, "level3", "ANTARES_INPLACE")
    three.put("c.l3.h5", b"third", level=3)
    three.catalogue.attach(three.scope, {"level3": ["c.l3.h5"]})
    three.put("a.l3.h5", b"first!", rse="ANTARES_DISK")
    ran = run_catalog("status")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert f"{three.scope}:empty  0 files, 0 bytes" in lines
    assert f"{three.scope}:level3  3 files, 17 bytes" in lines
    assert "    ANTARES_INPLACE  3 files, 17 bytes, complete" in lines
    assert "    ANTARES_DISK  1 files, 6 bytes, INCOMPLETE: 2 files missing" in lines
    assert any(line.startswith("    rule: 1 at ANTARES_INPLACE, ") for line in lines)
    assert f"{three.scope}:all  container of 2" in lines
    loose = lines.index("(in no dataset)  1 files, 3 bytes")
    assert lines[loose + 1] == "    ANTARES_INPLACE  1 files, 3 bytes, complete"
    assert lines[loose + 2] == f"    {three.scope}:raw.root"
    assert ran.err == "4 files, 20 bytes; 2 datasets, 1 containers, 1 files in no dataset\n"


def test_status_of_some_files(three: Any, run_catalog: Run) -> None:
    ran = run_catalog("status", "run=45000 and level=3")
    assert f"{three.scope}:level3  2 files, 12 bytes, 1 of them match" in ran.out
    assert ":empty" not in ran.out
    assert "no dataset" not in ran.out + ran.err
    found = json.loads(run_catalog("status", "level=0", "--json").out)
    assert found["datasets"] == []
    assert found["loose_names"] == ["raw.root"]
    assert found["loose"]["holdings"][0]["available_files"] == 1
    assert (found["files"], found["bytes"]) == (1, 3)


def test_more_loose_files_than_are_shown(three: Any, catalogue: DownloadingCatalogue, run_catalog: Run) -> None:
    three.declare({f"loose{number:02d}": {} for number in range(12)})
    ran = run_catalog("status", "name=loose*")
    assert "    ... and 2 more (--json lists all)" in ran.out
    assert f"{three.scope}:loose09" in ran.out
    assert f"{three.scope}:loose10" not in ran.out
