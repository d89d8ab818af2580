"""A door with RSEs at a real Rucio server that it serves, and what the tests put there."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rucio_server.fixtures import RucioServer, in_process
from xrootd_server.door import Door, put, running

from ingest.catalogue import Catalogue
from ingest.patience import Patience

Run = Callable[..., Any]

MAKE_RSES = """
import json, sys
from rucio.client import Client
client = Client()
access = {"read": 1, "write": 1, "delete": 1}
for rse, deterministic, host, port, prefix in json.loads(sys.argv[1]):
    client.add_rse(rse, deterministic=deterministic)
    client.add_protocol(rse, {
        "scheme": "root", "impl": "rucio.rse.protocols.xrootd.Default", "hostname": host, "port": port,
        "prefix": prefix, "domains": {"lan": access, "wan": access},
    })
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A door, and the RSEs that it serves.

    Parameters
    ----------
    door
        The server.
    inplace, single, alias
        Non-deterministic: prefix with two slashes, with one, and with another name of the host.
    computed, broken
        Deterministic: prefix with two slashes, and with one.
    """

    door: Door
    inplace: str
    single: str
    alias: str
    computed: str
    broken: str


@pytest.fixture(scope="module")
def whole_site(rucio_server: RucioServer) -> Iterator[Site]:
    with running() as door:
        if os.geteuid() == 0:
            shutil.chown(door.root, "nobody")  # as whom the server writes
        kinds = ("INPLACE", "SINGLE", "ALIAS", "COMPUTED", "BROKEN")
        site = Site(door, *(f"DOOR{door.port}_{kind}" for kind in kinds))
        rses = [
            (site.inplace, False, "127.0.0.1", door.port, "//data/"),
            (site.single, False, "127.0.0.1", door.port, "/data"),
            (site.alias, False, "localhost", door.port, "//data"),
            (site.computed, True, "127.0.0.1", door.port, "//data/rse/"),
            (site.broken, True, "127.0.0.1", door.port, "/data/rse"),
        ]
        root = {**rucio_server.env, "RUCIO_CONFIG": str(rucio_server.config_of("root"))}
        in_process(MAKE_RSES, json.dumps(rses), env=root)
        yield site


@pytest.fixture
def site(whole_site: Site) -> Iterator[Site]:
    """The site with an empty door."""
    yield whole_site
    for path in whole_site.door.root.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    whole_site.door.start()  # nothing happens while it runs


@pytest.fixture
def catalogue(rucio_environment: RucioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    found = Catalogue(Patience(seconds=20), lambda _: None)
    found.connect()
    return found


@pytest.fixture
def ingest(cli: Run, catalogue: Catalogue, rucio_scope: str) -> Run:
    def run(*arguments: object, rse: str) -> Any:
        return cli("ingest", *arguments, "--scope", rucio_scope, "--rse", rse)

    return run


@pytest.fixture
def catalog(cli: Run, catalogue: Catalogue, rucio_scope: str) -> Run:
    def run(command: str, *arguments: object) -> Any:
        return cli("catalog", command, *arguments, "--scope", rucio_scope)

    return run


def content_of(number: int) -> bytes:
    return bytes([number]) * (1000 + number)


def put_three(door: Door) -> dict[str, bytes]:
    contents = {f"run{number}.root": content_of(number) for number in range(3)}
    for name, content in contents.items():
        put(door, f"raw/2010/{name}", content)
    return contents


def files_in(folder: Path) -> dict[str, bytes]:
    own = ("manifest.jsonl", ".antares-legacy.lock")
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name not in own]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def rule(folder: Path, local: Path, url: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(f"ingest:\n  pfn:\n    - local: {local}\n      url: {url}\n")
    return path
