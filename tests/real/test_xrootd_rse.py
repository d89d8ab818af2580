"""A real xrootd server as storage of a real Rucio: files go in, are proved, and come back."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rucio_server.fixtures import RucioServer, in_process
from xrootd_server.door import Altered, put
from xrootd_server.site import MAKE_RSES, Site, content_of, files_in, put_three, rule

from ingest.catalogue import Catalogue
from ingest.catalogue_types import NewReplica
from ingest.storage.opened import storage_of
from ingest.storage.pfn import same_pfn
from ingest.storage.xrootd import Limits, XrootdStorage

pytestmark = pytest.mark.real

Run = Callable[..., Any]


def verdicts(ran: Any) -> dict[str, str]:
    return {line["name"]: line["verdict"] for line in map(json.loads, ran.out.splitlines()[:-1])}


@pytest.mark.parametrize("kind", ["inplace", "single"])
def test_files_behind_a_door_are_registered_where_they_are(
    site: Site, ingest: Run, catalog: Run, catalogue: Catalogue, rucio_scope: str, tmp_path: Path, kind: str
) -> None:
    contents = put_three(site.door)
    rse, folder = getattr(site, kind), site.door.url("raw") + "/"
    planned = ingest(folder, "--dry-run", rse=rse)
    assert planned.code == 0, planned.err
    assert "3 register" in planned.err
    assert catalogue.search(rucio_scope, [{"name": "*"}], "all") == []

    done = ingest(folder, rse=rse)
    assert done.code == 0, done.err
    assert "3 registered" in done.err
    known = catalogue.listed(rucio_scope, list(contents), rse)
    for name, content in contents.items():
        file, replicas = known[name]
        assert (file.size, file.adler32) == (len(content), f"{zlib.adler32(content):08x}")
        assert file.md5 == hashlib.md5(content).hexdigest()
        # Rucio writes the slashes of the RSE's prefix, not ours.
        assert len(replicas) == 1
        assert same_pfn(replicas[0].pfn, site.door.url(f"raw/2010/{name}"))

    again = ingest(folder, rse=rse)
    assert again.code == 0, again.err
    assert "3 known already, nothing to do" in again.err
    # Without what the journal remembers, all is compared with what Rucio says.
    fresh = ingest(folder, "--journal", tmp_path / "other.journal", rse=rse)
    assert fresh.code == 0, fresh.err
    assert "3 known already, nothing to do" in fresh.err
    assert catalog("verify").code == 0
    assert catalog("diff", folder).code == 0
    back = catalog("get", "-o", tmp_path / "back")
    assert back.code == 0, back.err
    assert files_in(tmp_path / "back") == contents


def test_another_name_of_the_host(site: Site, ingest: Run, catalogue: Catalogue, rucio_scope: str) -> None:
    put_three(site.door)
    # Rucio takes a PFN only with the name that its protocol has.
    refused = ingest(site.door.url("raw") + "/", rse=site.alias)
    assert refused.code == 1
    assert f"expected root://localhost:{site.door.port}/" in refused.err
    assert catalogue.search(rucio_scope, [{"name": "*"}], "all") == []
    url = f"root://LocalHost:{site.door.port}//data/raw/"
    done = ingest(url, rse=site.alias)
    assert done.code == 0, done.err
    again = ingest(url.replace("root:", "xroot:"), rse=site.alias)
    assert again.code == 0, again.err
    assert "3 known already" in again.err


def test_files_of_a_mounted_disk_get_the_names_of_its_door(
    site: Site, ingest: Run, catalog: Run, catalogue: Catalogue, rucio_scope: str, tmp_path: Path
) -> None:
    contents = put_three(site.door)
    mount = site.door.root  # what the door gives out lies here too
    config = rule(tmp_path, mount, site.door.url())
    done = ingest(mount / "raw", "--config", config, rse=site.inplace)
    assert done.code == 0, done.err
    (replica,) = catalogue.replicas(rucio_scope, ["run1.root"])["run1.root"]
    assert same_pfn(replica.pfn, site.door.url("raw/2010/run1.root"))
    assert "3 known already" in ingest(mount / "raw", "--config", config, rse=site.inplace).err
    assert catalog("verify").code == 0
    assert catalog("verify", "--config", config).code == 0

    site.door.stop()
    ran = catalog("verify")
    assert ran.code == 3
    assert (
        f"unreachable: {rucio_scope}:run0.root at {site.inplace}, root://127.0.0.1:{site.door.port}//data//" in ran.err
    )
    assert "NOT VERIFIED: 3 problems (3 unreachable) in 3 files" in ran.err
    ran = catalog("get", "-o", tmp_path / "back")
    assert ran.code == 3
    assert "its storage cannot be reached" in ran.err
    # Over the mount nobody needs the door.
    assert catalog("verify", "--config", config).code == 0
    ran = catalog("get", "-o", tmp_path / "back", "--config", config)
    assert ran.code == 0, ran.err
    assert files_in(tmp_path / "back") == contents
    ran = ingest(site.door.url("raw") + "/", rse=site.inplace)
    assert ran.code == 3
    assert f"root://127.0.0.1:{site.door.port}/" in ran.err
    assert "check the name of the door, and that it is up" in ran.err


def test_damage_behind_the_door(site: Site, ingest: Run, catalog: Run, tmp_path: Path) -> None:
    contents = put_three(site.door)
    assert ingest(site.door.url("raw") + "/", rse=site.inplace).code == 0
    folder = site.door.root / "raw" / "2010"
    (folder / "run0.root").write_bytes(bytes([9]) * 1000)
    (folder / "run1.root").unlink()
    ran = catalog("verify", "--json")
    assert ran.code == 1
    assert verdicts(ran) == {"run0.root": "corrupt", "run1.root": "missing", "run2.root": "ok"}
    ran = catalog("get", "-o", tmp_path / "back")
    assert ran.code == 1
    assert f"failed: run0.root: {site.inplace}: " in ran.err
    assert "adler32" in ran.err
    assert "no such file" in ran.err
    assert files_in(tmp_path / "back") == {"run2.root": contents["run2.root"]}
    (folder / "run0.root").write_bytes(bytes(5000))
    ran = catalog("get", "-o", tmp_path / "back")
    assert "expected 1000 bytes; found 5000 bytes" in ran.err
    assert files_in(tmp_path / "back") == {"run2.root": contents["run2.root"]}


@pytest.fixture
def on_tape(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], Altered]:
    """Return a function that makes the door say of some files that they are on tape."""

    def shelve(part: str, version: bytes = b"dCache 9.2.21") -> Altered:
        storage = storage_of(site.door.url())
        assert isinstance(storage, XrootdStorage)
        flags = storage._client.flags.StatInfoFlags
        genuine = storage._client.FileSystem(site.door.url())
        # A plain server has no tape: only the flag and the version are made up.
        altered, plain = Altered(genuine, flags.OFFLINE, version), genuine
        monkeypatch.setattr(storage, "_door", lambda url: altered if part in url.path else plain)
        return altered

    return shelve


def test_a_file_on_tape(
    site: Site,
    ingest: Run,
    catalog: Run,
    catalogue: Catalogue,
    rucio_scope: str,
    tmp_path: Path,
    on_tape: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = content_of(7)
    url = put(site.door, "tape/run7.root", content)
    on_tape("tape/")
    manifest = tmp_path / "raw.jsonl"
    adler32, md5 = f"{zlib.adler32(content):08x}", hashlib.md5(content).hexdigest()
    manifest.write_text(json.dumps({"path": url, "size": len(content), "md5": md5, "run": 7}) + "\n")
    monkeypatch.setattr(storage_of(url), "_opened", None)  # whoever reads it fails
    done = ingest(manifest, "--json", rse=site.inplace)
    assert done.code == 0, done.err
    line = json.loads(done.out.splitlines()[0])
    assert (line["hashed_by"], line["adler32"], line["md5"], line["sha256"]) == ("door", adler32, md5, None)
    file = catalogue.files(rucio_scope, ["run7.root"])["run7.root"]
    assert (file.adler32, file.md5) == (adler32, md5)
    ran = catalog("verify", "--json")
    assert verdicts(ran) == {"run7.root": "not read"}
    ran = catalog("get", "-o", tmp_path / "back", "--online-only")
    assert ran.code == 1
    assert f"1 of 1 files ({len(content)} bytes) are on tape only; they are left out" in ran.err
    assert files_in(tmp_path / "back") == {}
    monkeypatch.delattr(storage_of(url), "_opened")
    ran = catalog("get", "-o", tmp_path / "back")
    assert ran.code == 0, ran.err
    assert f"1 of 1 files ({len(content)} bytes) are on tape only; recalling them may take hours" in ran.err
    assert files_in(tmp_path / "back") == {"run7.root": content}


def test_a_file_on_tape_without_checksums(site: Site, ingest: Run, on_tape: Run) -> None:
    put(site.door, "tape/run7.root", content_of(7))
    on_tape("tape/", b"v5.6.0")  # such a door might recall the file to compute its checksum
    refused = ingest(site.door.url("tape") + "/", rse=site.inplace)
    assert refused.code == 1
    assert "on tape, and neither its door nor a manifest gives a checksum" in refused.err


def test_disk_is_preferred_to_tape(
    site: Site, ingest: Run, catalog: Run, catalogue: Catalogue, rucio_scope: str, tmp_path: Path, on_tape: Run
) -> None:
    put(site.door, "tape/a.dat", content_of(1))
    assert ingest(site.door.url("tape") + "/", rse=site.inplace).code == 0
    put(site.door, "disk/a.dat", content_of(1))
    assert ingest(site.door.url("disk") + "/", rse=site.single).code == 0
    on_tape("tape/")
    ran = catalog("get", "-o", tmp_path / "back", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out.splitlines()[0])["rse"] == site.single
    assert "on tape" not in ran.err


def test_a_door_that_takes_its_time_to_recall(site: Site, on_tape: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    url = put(site.door, "tape/a.dat", content_of(1))
    on_tape("tape/")
    storage = storage_of(url)
    monkeypatch.setattr(storage, "_limits", Limits(answer=3, opening=2, recall=30, block=3))
    process = site.door.process
    assert process is not None
    genuine, asked = storage._client.File, []  # type: ignore[attr-defined]

    class Slow:
        """A file whose server hangs while it is opened for the first time, as one that waits for a tape."""

        def __init__(self) -> None:
            self.file = genuine()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def open(self, *arguments: object, **options: object) -> Any:
            asked.append(time.monotonic())
            process.send_signal(signal.SIGSTOP if len(asked) == 1 else signal.SIGCONT)
            try:
                return self.file.open(*arguments, **options)
            finally:
                process.send_signal(signal.SIGCONT)

    monkeypatch.setattr(storage._client, "File", Slow)  # type: ignore[attr-defined]
    assert b"".join(storage.blocks(url, recall=True)) == content_of(1)
    assert len(asked) > 1


def test_killed_while_files_come_and_run_again(
    site: Site, rucio_server: RucioServer, ingest: Run, catalog: Run, rucio_scope: str, program: Path, tmp_path: Path
) -> None:
    big = os.urandom(1 << 20) * 24
    for number in range(6):
        put(site.door, f"big/big{number}.dat", big + bytes([number]))
    assert ingest(site.door.url("big") + "/", rse=site.inplace).code == 0
    out = tmp_path / "back"
    command = [str(program), "catalog", "get", "-o", str(out), "--scope", rucio_scope, "--jobs", "1"]
    with subprocess.Popen(command, env={**os.environ, **rucio_server.env}, stderr=subprocess.DEVNULL) as getting:
        deadline = time.monotonic() + 60
        while not list(out.glob("big*.dat")) and time.monotonic() < deadline:
            time.sleep(0.005)
        getting.send_signal(signal.SIGKILL)
    came = {path.name for path in out.glob("big*.dat")}
    assert 0 < len(came) < 6
    ran = catalog("get", "-o", out, "--json")
    assert ran.code == 0, ran.err
    fates = {line["name"]: line["fate"] for line in map(json.loads, ran.out.splitlines()[:-1])}
    assert {name for name, fate in fates.items() if fate == "kept"} == came
    assert files_in(out) == {f"big{number}.dat": big + bytes([number]) for number in range(6)}


def test_a_door_that_dies_while_files_come(
    site: Site, ingest: Run, catalog: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = put(site.door, "big.dat", bytes(64 << 20))
    assert ingest(url, rse=site.inplace).code == 0
    storage = storage_of(url)
    monkeypatch.setattr(storage, "_limits", Limits(answer=3, opening=3, block=3))
    genuine = storage._blocks  # type: ignore[attr-defined]

    def dying(*arguments: Any) -> Iterator[bytes]:
        for block in genuine(*arguments):
            yield block
            site.door.stop()

    monkeypatch.setattr(storage, "_blocks", dying)
    ran = catalog("get", "-o", tmp_path / "back")
    assert ran.code == 3
    assert f"failed: big.dat: {site.inplace}: " in ran.err
    assert files_in(tmp_path / "back") == {}


def test_a_black_hole_is_asked_once(
    site: Site, catalog: Run, catalogue: Catalogue, rucio_server: RucioServer, rucio_scope: str, tmp_path: Path
) -> None:
    """A door that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        rse = f"HOLE{port}"
        root = {**rucio_server.env, "RUCIO_CONFIG": str(rucio_server.config_of("root"))}
        in_process(MAKE_RSES, json.dumps([(rse, True, "127.0.0.1", port, "//data/")]), env=root)
        files = [NewReplica(f"{number}.dat", 5, "00000001", "0" * 32) for number in range(12)]
        catalogue.add_replicas(rse, rucio_scope, files)
        started = time.monotonic()
        ran = catalog("get", "-o", tmp_path / "back", "--jobs", "1")
        assert ran.code == 3
        assert ran.err.count("its storage cannot be reached") == 12
        assert time.monotonic() - started < 60
