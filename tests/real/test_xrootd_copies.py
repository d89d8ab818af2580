"""Copies to an RSE behind a real xrootd server, which Rucio's client writes with xrdcp."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xrootd_server.door import Door, put
from xrootd_server.site import Site, content_of, files_in, rule

from ingest.catalogue import Catalogue

pytestmark = pytest.mark.real

Run = Callable[..., Any]


@pytest.fixture
def xrdcp() -> None:
    missing = [command for command in ("xrdcp", "xrdfs") if shutil.which(command) is None]
    if missing:  # they are in Debian's xrootd-client
        what = f"not installed: {' and '.join(missing)}; see tests/real/xrootd.sh"
        pytest.fail(what) if os.environ.get("CI") == "true" else pytest.skip(what)


def copies_at(door: Door) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (door.root / "rse").rglob("*") if path.is_file()}


@pytest.fixture
def local(tmp_path: Path) -> tuple[Path, dict[str, bytes]]:
    folder = tmp_path / "local"
    folder.mkdir()
    contents = {f"run{number}.root": content_of(number) for number in range(3)}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder, contents


@pytest.mark.usefixtures("xrdcp")
def test_copies_to_a_door(
    site: Site, ingest: Run, catalog: Run, local: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    folder, contents = local
    planned = ingest(folder, "--mode", "copy", "--dry-run", rse=site.computed)
    assert planned.code == 0, planned.err
    assert not (site.door.root / "rse").exists()
    done = ingest(folder, "--mode", "copy", rse=site.computed)
    assert done.code == 0, done.err
    assert copies_at(site.door) == contents
    again = ingest(folder, "--mode", "copy", rse=site.computed)
    assert "3 known already" in again.err
    assert catalog("verify").code == 0
    assert catalog("get", "-o", tmp_path / "back").code == 0
    assert files_in(tmp_path / "back") == contents


@pytest.mark.usefixtures("xrdcp")
def test_a_copy_that_is_there_already(
    site: Site,
    ingest: Run,
    catalogue: Catalogue,
    rucio_scope: str,
    local: tuple[Path, dict[str, bytes]],
) -> None:
    """What a run leaves that is killed between copying and declaring, and what somebody else left."""
    folder, contents = local
    targets = catalogue.paths(site.computed, rucio_scope, list(contents))
    there = {name: site.door.root / pfn.partition("//data/")[2] for name, pfn in targets.items()}
    for path in there.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        for above in (path.parent, *path.parent.parents):
            if above == site.door.root:
                break
            above.chmod(0o777)
    there["run0.root"].write_bytes(contents["run0.root"])
    there["run1.root"].write_bytes(bytes([3]) * len(contents["run1.root"]))
    inode = there["run0.root"].stat().st_ino
    done = ingest(folder, "--mode", "copy", rse=site.computed)
    assert done.code == 1
    assert "is there already with other content; expected adler32" in done.err
    assert there["run0.root"].stat().st_ino == inode
    assert there["run1.root"].read_bytes() == bytes([3]) * len(contents["run1.root"])
    assert there["run2.root"].read_bytes() == contents["run2.root"]
    assert sorted(catalogue.replicas(rucio_scope, list(contents), site.computed)) == ["run0.root", "run2.root"]


@pytest.mark.usefixtures("xrdcp")
def test_a_copy_that_the_door_refuses(site: Site, ingest: Run, local: tuple[Path, dict[str, bytes]]) -> None:
    if os.geteuid():
        pytest.skip("the server runs as the owner of the files, whom no permission stops")
    (site.door.root / "rse").mkdir()  # of root, and the server is nobody
    done = ingest(local[0], "--mode", "copy", rse=site.computed)
    assert done.code == 1
    assert "permission denied" in done.err.lower()
    site.door.stop()
    done = ingest(local[0], "--mode", "copy", rse=site.computed)
    assert done.code == 3
    assert "check the name of the door, and that it is up" in done.err


def test_copies_to_a_mounted_door_need_no_program(
    site: Site,
    ingest: Run,
    catalogue: Catalogue,
    local: tuple[Path, dict[str, bytes]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, contents = local
    monkeypatch.setenv("PATH", str(tmp_path))
    done = ingest(folder, "--mode", "copy", rse=site.computed)
    assert done.code == 3
    assert "need xrdcp and xrdfs" in done.err
    assert "apt install xrootd-client" in done.err
    config = rule(tmp_path, site.door.root, site.door.url())
    done = ingest(folder, "--mode", "copy", "--config", config, rse=site.computed)
    assert done.code == 0, done.err
    assert copies_at(site.door) == contents


def test_a_prefix_that_xrdcp_cannot_write_to(site: Site, ingest: Run, local: tuple[Path, dict[str, bytes]]) -> None:
    done = ingest(local[0], "--mode", "copy", rse=site.broken)
    assert done.code == 2
    assert "two slashes" in done.err


def test_what_lies_at_the_computed_path_can_be_registered(
    site: Site, ingest: Run, catalogue: Catalogue, rucio_scope: str
) -> None:
    for rse in (site.broken, site.computed):
        name = f"{rse}.dat"
        (pfn,) = catalogue.paths(rse, rucio_scope, [name]).values()
        url = put(site.door, pfn.partition("/data/")[2], content_of(4))
        done = ingest(url, rse=rse)
        assert done.code == 0, done.err
        assert "1 known already" in ingest(url, rse=rse).err
    elsewhere = put(site.door, "elsewhere.dat", content_of(5))
    refused = ingest(elsewhere, rse=site.computed)
    assert refused.code == 1
    assert "is deterministic and expects this file at" in refused.err
