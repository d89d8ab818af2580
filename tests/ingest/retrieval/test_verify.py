"""`catalog verify` on real files and the real server."""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rucio_server.fixtures import RucioServer, in_process, pointed_at

from ingest.catalogue_types import NewReplica
from ingest.item import Sums
from ingest.retrieval.selection import Selection
from ingest.retrieval.verify import Finding, Plan, Verdict, verify
from ingest.schemas import Schema
from ingest.storage.contract import FileStat

pytestmark = pytest.mark.server

Run = Callable[..., Any]


def test_all_is_well(store: Any, run_catalog: Run) -> None:
    store.put("a.l3.h5", b"first!", level=3)
    store.put("b.l3.h5", b"second", level=3)
    store.put("a.l3.h5", b"first!", rse="ANTARES_DISK")
    ran = run_catalog("verify")
    assert ran.code == 0, ran.err
    assert ran.err == "VERIFIED: 2 files, 3 replicas and 18 bytes read; size and all checksums are those in Rucio\n"
    ran = run_catalog("verify", "--json", "name=a*", "--rse", "ANTARES_DISK")
    one, summary = map(json.loads, ran.out.splitlines())
    assert one["verdict"] == "ok"
    assert one["rse"] == "ANTARES_DISK"
    assert one["pfn"].startswith("file://")
    assert summary["summary"]["verified"] is True
    assert summary["summary"]["complete"] is True
    assert summary["summary"]["replicas_read"] == 1


def test_every_kind_of_damage(store: Any, run_catalog: Run) -> None:
    store.put("fine.dat", b"fine")
    flipped = store.put("flipped.dat", b"content of a file")
    short = store.put("short.dat", b"content of a file")
    gone = store.put("gone.dat", b"content")
    folder = store.put("folder.dat", b"content")
    store.put("nowhere.dat", b"content", sha256=False)
    flipped.write_bytes(b"content of A file")
    short.write_bytes(b"content")
    gone.unlink()
    folder.unlink()
    folder.mkdir()
    ran = run_catalog("verify")
    assert ran.code == 1
    lines = {line.split(":")[2]: line for line in ran.err.splitlines() if line.count(":") > 2}
    scope = store.scope
    assert ran.err.splitlines()[-1].startswith(
        "NOT VERIFIED: 4 problems (2 corrupt, 1 missing, 1 unreadable) in 6 files"
    )
    assert lines["flipped.dat at ANTARES_INPLACE, file"].startswith(
        f"corrupt: {scope}:flipped.dat at ANTARES_INPLACE, "
    )
    assert f"file://localhost{flipped}" in ran.err
    assert "adler32 39d00632 in Rucio, 39100612 of the file" in lines["flipped.dat at ANTARES_INPLACE, file"]
    assert "size 17 in Rucio, 7 of the file" in lines["short.dat at ANTARES_INPLACE, file"]
    assert lines["gone.dat at ANTARES_INPLACE, file"].startswith("missing: ")
    assert lines["folder.dat at ANTARES_INPLACE, file"].startswith("unreadable: ")
    assert "fine.dat" not in ran.err
    summary = json.loads(run_catalog("verify", "--json").out.splitlines()[-1])["summary"]
    assert summary["verified"] is False
    assert summary["counts"]["corrupt"] == 2
    assert summary["counts"]["unproved"] == 1


def test_only_sha256_differs(store: Any, run_catalog: Run) -> None:
    """The one checksum that Rucio itself never compares."""
    store.put("a.dat", b"content")
    store.catalogue.set_metadata(store.scope, {"a.dat": {"sha256": "0" * 64}})
    ran = run_catalog("verify")
    assert ran.code == 1
    assert f"sha256 {'0' * 64} in Rucio, ed7002b439e9ac84" in ran.err


def test_without_sha256_it_cannot_be_proved(store: Any, run_catalog: Run) -> None:
    store.put("a.dat", b"content", sha256=False)
    ran = run_catalog("verify")
    assert ran.code == 0
    assert ran.err.startswith("VERIFIED IN PART: 1 files")
    assert "1 cannot be proved, Rucio has no SHA-256 of them" in ran.err
    assert json.loads(run_catalog("verify", "--json").out.splitlines()[-1])["summary"]["complete"] is False


def test_metadata_are_checked(store: Any, run_catalog: Run) -> None:
    store.put("a.dat", b"content", level=9)
    store.put("b.dat", b"content", sha256=False, size=8)
    ran = run_catalog("verify")
    assert ran.code == 1
    assert f"bad metadata: {store.scope}:a.dat: level: 9 is greater than the maximum of 4" in ran.err
    assert f"bad metadata: {store.scope}:b.dat: size: the metadata say 8 bytes, Rucio's column says 7" in ran.err


def test_a_file_without_replica_at_an_rse(store: Any, run_catalog: Run) -> None:
    store.put("a.dat", b"content")
    ran = run_catalog("verify", "--rse", "ANTARES_TAPE")
    assert ran.code == 1
    assert f"no replica: {store.scope}:a.dat: Rucio knows no replica at ANTARES_TAPE" in ran.err
    ran = run_catalog("verify", "--rse", "NO_SUCH")
    assert ran.code == 2
    assert "--rse NO_SUCH" in ran.err


def test_a_replica_that_rucio_calls_bad(store: Any, rucio_server: RucioServer, run_catalog: Run) -> None:
    store.put("a.dat", b"content")
    bad = [{"scope": store.scope, "name": "a.dat", "rse": "ANTARES_INPLACE"}]
    in_process(
        f"from rucio.client import Client; Client().declare_bad_file_replicas({bad!r}, 'test')",
        env={**rucio_server.env, "RUCIO_CONFIG": str(rucio_server.config_of("root"))},
    )
    ran = run_catalog("verify")
    assert ran.code == 1
    assert f"bad state: {store.scope}:a.dat at ANTARES_INPLACE, " in ran.err
    assert "Rucio says BAD" in ran.err


def test_sample(store: Any, run_catalog: Run) -> None:
    for number in range(12):
        store.put(f"f{number:02d}.dat", b"x" * (number + 1))
    ran = run_catalog("verify", "--sample", "5", "--seed", "7", "--json")
    *read, last = map(json.loads, ran.out.splitlines())
    assert len(read) == 5
    assert last["summary"]["seed"] == 7
    assert (last["summary"]["files"], last["summary"]["files_selected"]) == (5, 12)
    assert last["summary"]["complete"] is False
    again = run_catalog("verify", "--sample", "5", "--seed", "7", "--json")
    assert {each["name"] for each in read} == {
        json.loads(line)["name"] for line in again.out.splitlines() if "summary" not in line
    }
    other = run_catalog("verify", "--sample", "5", "--json")
    assert other.code == 0
    said = run_catalog("verify", "--sample", "5").err
    assert "a random sample out of 12, --seed " in said
    assert run_catalog("verify", "--sample", "50").err.startswith("VERIFIED: 12 files")
    assert run_catalog("verify", "--seed", "5").code == 2


def test_nothing_to_verify_is_no_success(run_catalog: Run, rucio_scope: str) -> None:
    ran = run_catalog("verify")
    assert ran.code == 1
    assert ran.err == f"NOTHING VERIFIED: no file of scope {rucio_scope} was selected\n"


def test_more_files_than_one_call_takes(store: Any, run_catalog: Run) -> None:
    """Reading goes on over the border between two chunks."""
    store.folder.mkdir(parents=True)
    files = []
    for number in range(510):
        path = store.folder / f"n{number:03d}"
        path.write_bytes(b"\x00")
        files.append(
            NewReplica(path.name, 1, "00010001", "93b885adfe0da089cdf634904fd59f71", f"file://localhost{path}")
        )
    store.catalogue.add_replicas("ANTARES_INPLACE", store.scope, files[:255])
    store.catalogue.add_replicas("ANTARES_INPLACE", store.scope, files[255:])
    (store.folder / "n509").write_bytes(b"\x01")
    ran = run_catalog("verify", "--jobs", "3")
    assert ran.code == 1
    assert "NOT VERIFIED: 1 problems (1 corrupt) in 510 files, 510 replicas and 510 bytes read" in ran.err


class Tape:
    """A storage with one file on tape: no storage of a test machine can have one."""

    def __init__(self, kept: Sums) -> None:
        self.kept = kept

    def stat(self, location: str) -> FileStat:
        return FileStat(7, 0, online=False)

    def ask_sums(self, location: str) -> Sums:
        return self.kept

    def read_sums(self, location: str, **_: object) -> Sums:
        raise AssertionError("a file on tape was read")


@pytest.mark.parametrize(
    ("kept", "verdict", "said"),
    [
        (Sums(7, adler32="0bcb02fc", by="door"), Verdict.NOT_READ, "its storage keeps the same checksum"),
        (Sums(7, adler32="0bcb02fd", by="door"), Verdict.CORRUPT, "adler32 0bcb02fc in Rucio, 0bcb02fd of the storage"),
        (Sums(), Verdict.NOT_READ, "its storage keeps no checksum"),
    ],
)
def test_tape_is_not_recalled(
    kept: Sums, verdict: Verdict, said: str, store: Any, schema: Schema, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a.dat", b"content")
    monkeypatch.setattr("ingest.retrieval.verify.storage_of", lambda _: Tape(kept))
    findings: list[Finding] = []
    selection = Selection(store.catalogue, store.scope, None, lambda _: None)
    plan = Plan(rse="", sample=None, seed=0, jobs=1, rules=())
    proof = verify(selection, plan, schema, lambda: False, lambda finding, _: findings.append(finding))
    assert [finding.verdict for finding in findings] == [verdict]
    assert said in findings[0].details[0]
    assert proof.exit_code == (1 if verdict is Verdict.CORRUPT else 0)
    assert proof.to_text().startswith("NOT VERIFIED" if verdict is Verdict.CORRUPT else "VERIFIED IN PART")


def test_a_door_that_is_away(store: Any, rucio_server: RucioServer, run_catalog: Run, tmp_path: Path) -> None:
    """Also where the client library for doors is not installed: this machine cannot read the replica then."""
    rse = f"DOOR{secrets.randbelow(10**9)}"
    domains = {area: {"read": 1, "write": 1, "delete": 1} for area in ("lan", "wan")}
    protocol = {
        "scheme": "root", "hostname": "127.0.0.1", "port": 9, "prefix": "//antares/",
        "impl": "rucio.rse.protocols.xrootd.Default", "domains": domains,
    }  # fmt: skip
    in_process(
        f"from rucio.client import Client; c = Client(); c.add_rse({rse!r}); c.add_protocol({rse!r}, {protocol!r})",
        env={**rucio_server.env, "RUCIO_CONFIG": str(rucio_server.config_of("root"))},
    )
    size, adler32, md5, _ = (7, "0bcb02fc", "9a0364b9e99bb480dd25e1f0284c8555", "")
    store.catalogue.add_replicas(rse, store.scope, [NewReplica("far.dat", size, adler32, md5)])
    ran = run_catalog("verify")
    assert ran.code == 3
    assert f"unreachable: {store.scope}:far.dat at {rse}, root://127.0.0.1:9//antares/" in ran.err
    assert "NOT VERIFIED: 1 problems (1 unreachable) in 1 files" in ran.err
    out = tmp_path / "back"
    ran = run_catalog("get", "-o", out)
    assert ran.code == 3
    assert f"failed: far.dat: {rse}: " in ran.err
    assert not list(out.glob("*.dat"))


def test_server_away(
    cli: Run, rucio_environment: RucioServer, store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "site.yaml"
    config.write_text(f"ingest:\n  scope: {store.scope}\n  patience: 1\n")
    text = Path(os.environ["RUCIO_CONFIG"]).read_text().replace(rucio_environment.url, "http://127.0.0.1:9")
    (tmp_path / "rucio.cfg").write_text(text)
    with pointed_at({**rucio_environment.env, "RUCIO_CONFIG": str(tmp_path / "rucio.cfg")}, monkeypatch):
        for arguments in (
            ["find"],
            ["status"],
            ["verify"],
            ["get", "-o", str(tmp_path / "o")],
            ["diff", str(tmp_path)],
        ):
            ran = cli("catalog", *arguments, "--config", config)
            assert ran.code == 3, ran.err
            assert "run the same command to go on" in ran.err
            assert "http://127.0.0.1:9: no answer" in ran.err
