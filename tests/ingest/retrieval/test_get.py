"""`catalog get`: files come back whole, or not at all."""

import hashlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rucio_server.fixtures import RucioServer

from ingest.catalogue_errors import RefusedError
from ingest.catalogue_types import NewReplica, Replica
from ingest.retrieval.fetch import Fetcher
from ingest.retrieval.get import Order, get, target_of
from ingest.retrieval.selection import Found, Selection
from legacy.errors import InputError
from legacy.manifest import iterate, load

pytestmark = pytest.mark.server

Run = Callable[..., Any]


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder but manifest and lock."""
    own = ("manifest.jsonl", ".antares-legacy.lock")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in own
    }


def test_get(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("a.l3.h5", b"first!", level=3, run=45000, kind="data", n_events=5, license="CC-BY-4.0", year=2010)
    store.put("b.l3.h5", b"second", level=3, rse="ANTARES_DISK")
    store.put("raw.root", b"raw", level=0)
    out = tmp_path / "back"
    ran = run_catalog("get", "level=3", "-o", out)
    assert ran.code == 0, ran.err
    assert content(out) == {"a.l3.h5": b"first!", "b.l3.h5": b"second"}
    assert ran.err == f"2 fetched, 0 kept, 0 failed; 12 bytes fetched; manifest: {out / 'manifest.jsonl'}\n"
    entry = load(out / "manifest.jsonl")["a.l3.h5"]
    assert (entry.size, entry.run, entry.level, entry.kind, entry.n_events) == (6, 45000, 3, "data", 5)
    assert entry.sha256 == hashlib.sha256(b"first!").hexdigest()
    lines = {line.path: line.values for line in iterate(out / "manifest.jsonl")}
    assert lines["a.l3.h5"]["license"] == "CC-BY-4.0"
    assert lines["b.l3.h5"]["run"] is None


def test_what_came_can_be_compared_and_ingested_again(store: Any, run_catalog: Run, cli: Run, tmp_path: Path) -> None:
    """The manifest says of the files what Rucio says."""
    store.put(
        "a.dat", b"first!", level=3, run=45000, kind="data", n_events=5, start="2010-01-01T00:00:00Z",
        start_epoch=1262304000.0, year=2010, schema="antares-1.0", license="CC-BY-4.0",
    )  # fmt: skip
    out = tmp_path / "back"
    assert run_catalog("get", "-o", out).code == 0
    ran = run_catalog("diff", out / "manifest.jsonl")
    assert ran.code == 0, ran.out + ran.err
    assert "compared: 1 as stated" in ran.err
    ran = cli(
        "ingest", out / "manifest.jsonl", "--scope", store.scope, "--rse", "ANTARES_INPLACE", "--dry-run", "--json"
    )
    assert ran.code in (0, 1), ran.err
    assert "unknown" not in ran.err
    assert "left out" not in ran.err


def test_what_is_here_is_kept(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("a.dat", b"first!")
    store.put("b.dat", b"second")
    out = tmp_path / "back"
    assert run_catalog("get", "name=a*", "-o", out).code == 0
    before = (out / "a.dat").stat().st_ino
    ran = run_catalog("get", "-o", out, "--json")
    assert [json.loads(line).get("fate") for line in ran.out.splitlines()] == ["kept", "fetched", None]
    assert json.loads(ran.out.splitlines()[-1])["summary"] == {"fetched": 1, "kept": 1, "failed": 0, "bytes_fetched": 6}
    assert (out / "a.dat").stat().st_ino == before
    assert run_catalog("get", "name=b*", "-o", out).code == 0
    assert sorted(load(out / "manifest.jsonl")) == ["a.dat", "b.dat"], "lines of files that were not asked for stay"


def test_another_file_is_not_overwritten_unless_asked(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("a.dat", b"first!")
    out = tmp_path / "back"
    out.mkdir()
    (out / "a.dat").write_bytes(b"mine!!")
    ran = run_catalog("get", "-o", out)
    assert ran.code == 1
    assert "adler32 08a1024a in Rucio, " in ran.err
    assert "replace it with --overwrite" in ran.err
    assert content(out) == {"a.dat": b"mine!!"}
    ran = run_catalog("get", "-o", out, "--overwrite")
    assert ran.code == 0, ran.err
    assert content(out) == {"a.dat": b"first!"}


def test_overwrite_keeps_the_old_file_when_nothing_better_comes(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("a.dat", b"first!").write_bytes(b"broken")
    out = tmp_path / "back"
    out.mkdir()
    (out / "a.dat").write_bytes(b"mine!!")
    assert run_catalog("get", "-o", out, "--overwrite").code == 1
    assert content(out) == {"a.dat": b"mine!!"}


def test_a_bad_replica_and_a_good_one(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("a.dat", b"first!", rse="ANTARES_DISK").write_bytes(b"fIrst!")
    store.put("a.dat", b"first!")
    out = tmp_path / "back"
    ran = run_catalog("get", "-o", out)
    assert ran.code == 0
    assert "warning: a.dat: taken from ANTARES_INPLACE, because ANTARES_DISK: " in ran.err
    assert content(out) == {"a.dat": b"first!"}
    ran = run_catalog("get", "-o", tmp_path / "other", "--rse", "ANTARES_DISK")
    assert ran.code == 1
    assert "failed: a.dat: ANTARES_DISK: " in ran.err
    assert "adler32 08a1024a" in ran.err
    assert content(tmp_path / "other") == {}


def test_only_sha256_tells(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("a.dat", b"first!")
    store.catalogue.set_metadata(store.scope, {"a.dat": {"sha256": "0" * 64}})
    ran = run_catalog("get", "-o", tmp_path / "back")
    assert ran.code == 1
    assert "sha256" in ran.err
    assert content(tmp_path / "back") == {}


def test_a_missing_replica(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("a.dat", b"first!").unlink()
    store.put("b.dat", b"second")
    ran = run_catalog("get", "-o", tmp_path / "back")
    assert ran.code == 1
    assert "no such file" in ran.err
    assert content(tmp_path / "back") == {"b.dat": b"second"}
    assert list(load(tmp_path / "back" / "manifest.jsonl")) == ["b.dat"]
    assert run_catalog("get", "-o", tmp_path / "back", "--rse", "ANTARES_TAPE").code == 1


def test_nothing_matches(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    ran = run_catalog("get", "level=1", "-o", tmp_path / "back")
    assert (ran.code, ran.err) == (0, "no file matches; nothing was fetched\n")
    assert not (tmp_path / "back").exists()


def test_output_is_no_folder(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("a.dat", b"first!")
    (tmp_path / "file").write_text("x")
    assert run_catalog("get", "-o", tmp_path / "file").code == 2


def test_a_broken_manifest_is_found_before_any_work(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("a.dat", b"first!")
    out = tmp_path / "back"
    out.mkdir()
    (out / "manifest.jsonl").write_text("no json\n{}\n")
    ran = run_catalog("get", "-o", out)
    assert ran.code == 1
    assert "not a line of a manifest" in ran.err
    assert content(out) == {}
    assert (out / "manifest.jsonl").read_text() == "no json\n{}\n"


def test_two_gets_at_once(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    from legacy.lock import folder_lock

    store.put("a.dat", b"first!")
    out = tmp_path / "back"
    out.mkdir()
    with folder_lock(out):
        ran = run_catalog("get", "-o", out)
    assert ran.code == 3
    assert "another run is writing there" in ran.err


@pytest.mark.parametrize(
    "name",
    ["../a", "/etc/passwd", "a/../../b", "a//b", "a/./b", "..", "manifest.jsonl", ".antares-legacy.lock", "a/.x",
     "a\nb", "x" * 256, "a.part", "a\x00b", ""],
)  # fmt: skip
def test_names_that_lead_elsewhere(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "back"
    folder.mkdir()
    with pytest.raises(InputError):
        target_of(folder, name)
    assert list(folder.iterdir()) == []


def test_a_link_that_leads_elsewhere(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "back", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    (folder / "a").symlink_to(elsewhere)
    with pytest.raises(InputError, match="leads elsewhere"):
        target_of(folder, "a/b")
    assert target_of(folder, "c/d") == folder / "c" / "d"
    (folder / "file").write_text("x")
    with pytest.raises(InputError, match="a file lies where its folder must be"):
        target_of(folder, "file/b")


def test_traversal_from_the_server(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    """Rucio itself accepts such a name."""
    path = store.folder / "innocent"
    store.put("innocent", b"evil")
    known = store.catalogue.files(store.scope, ["innocent"])["innocent"]
    replica = NewReplica("a/../../evil", known.size, known.adler32, known.md5, f"file://localhost{path}")
    store.catalogue.add_replicas("ANTARES_INPLACE", store.scope, [replica])
    ran = run_catalog("get", "-o", tmp_path / "deep" / "back")
    assert ran.code == 1
    assert "'a/../../evil' cannot be the name of a file here" in ran.err
    assert content(tmp_path / "deep") == {"back/innocent": b"evil"}


def test_names_with_folders(store: Any, run_catalog: Run, tmp_path: Path) -> None:
    store.put("2010/run1/a.dat", b"first!")
    store.put("2010/run2/a.dat", b"second")
    out = tmp_path / "back"
    assert run_catalog("get", "-o", out).code == 0
    assert content(out) == {"2010/run1/a.dat": b"first!", "2010/run2/a.dat": b"second"}


def test_killed_and_run_again(
    store: Any, rucio_server: RucioServer, program: Path, run_catalog: Run, tmp_path: Path
) -> None:
    """Kill -9 while files are copied; the same command finishes, and nothing half-done has a final name."""
    big = os.urandom(1 << 20) * 24
    for number in range(6):
        store.put(f"big{number}.dat", big + bytes([number]))
    out = tmp_path / "back"
    command = [str(program), "catalog", "get", "-o", str(out), "--scope", store.scope, "--jobs", "1"]
    running = subprocess.Popen(command, env={**os.environ, **rucio_server.env}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(out.glob("big*.dat")) and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    came = {path.name for path in out.glob("big*.dat")}
    assert 0 < len(came) < 6
    assert all(path.read_bytes()[:-1] == big for path in out.glob("big*.dat"))
    ran = run_catalog("get", "-o", out, "--json")
    assert ran.code == 0, ran.err
    fates = {one["name"]: one["fate"] for one in map(json.loads, ran.out.splitlines()[:-1])}
    assert {name for name, fate in fates.items() if fate == "kept"} >= came
    assert sorted(content(out)) == [f"big{number}.dat" for number in range(6)], "no temporary file stays"
    assert len(load(out / "manifest.jsonl")) == 6


def test_terminated_between_files(store: Any, tmp_path: Path) -> None:
    for number in range(4):
        store.put(f"f{number}.dat", b"content")
    seen: list[str] = []
    selection = Selection(store.catalogue, store.scope, None, lambda _: None)
    fetcher = Fetcher(store.catalogue, store.scope, ())
    order = Order(tmp_path / "back", rse="", overwrite=False, jobs=1)
    fetched = get(selection, order, fetcher, lambda: bool(seen), lambda got: seen.append(got.found.file.name))
    assert 1 <= fetched.counts.total() < 4
    assert sorted(load(tmp_path / "back" / "manifest.jsonl")) == sorted(seen)


def test_rucio_s_own_client(store: Any, tmp_path: Path) -> None:
    """The way for protocols that are not read here; taken on a mounted disk, the only one that needs no server."""
    lies = store.put("dir/a.dat", b"first!", rse="ANTARES_DISK")
    target = tmp_path / "a.dat"
    store.catalogue.download(store.scope, "dir/a.dat", "ANTARES_DISK", target)
    assert target.read_bytes() == b"first!"
    assert [path.name for path in tmp_path.glob("*") if path.name.startswith(".")] == []
    found = Found(store.catalogue.files(store.scope, ["dir/a.dat"])["dir/a.dat"], {"sha256": "0" * 64})
    fetcher = Fetcher(store.catalogue, store.scope, ())
    replica = store.catalogue.replicas(store.scope, ["dir/a.dat"])["dir/a.dat"][0]
    distant = Replica(replica.rse, "davs://door.example:443/antares/a.dat", replica.state)
    with pytest.raises(InputError, match=r"is not the file.*sha256 0000"):
        fetcher.fetch(found, distant, tmp_path / "b.dat", replace=False)
    good = Found(found.file, {})
    assert fetcher.fetch(good, distant, tmp_path / "b.dat", replace=False).size == 6
    with pytest.raises(RefusedError, match="leads out"):
        store.catalogue.download(store.scope, "a/../../b", "ANTARES_DISK", tmp_path / "c.dat")
    lies.write_bytes(b"fIrst!")
    with pytest.raises(RefusedError):
        fetcher.fetch(good, distant, tmp_path / "c.dat", replace=False)
    assert sorted(path.name for path in tmp_path.glob("*.dat")) == ["a.dat", "b.dat"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
