"""A real Rucio server for tests, made by the sandbox, and a proxy before it that can fail.

``ANTARES_LEGACY_TEST_DB`` names a PostgreSQL on which databases can be made; without it the servers keep
their data in SQLite. The fixtures reach the tests through a `conftest.py` that imports them.
"""

import getpass
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from configparser import ConfigParser
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from rucio_server.databases import TEST_DATABASE, new_database
from rucio_server.proxy import FaultyProxy

from ingest.sandbox.environment import server_python
from ingest.sandbox.lifecycle import down, up
from legacy.errors import MachineError

# Ends the server when the test process ends, however it ends: its standard input is then closed.
_GUARD = """
import sys
from pathlib import Path
sys.stdin.read()
from ingest.sandbox.lifecycle import down
down(Path(sys.argv[1]))
"""
# Variables that would lead a client away from the server of the test.
_MISLEADING = ("RUCIO_", "X509_USER_PROXY")


@dataclass(slots=True)
class RucioServer:
    """A running server.

    Parameters
    ----------
    folder
        The sandbox's folder.
    url
        Of the server.
    env
        What a process needs in order to talk to it as the account ``ingest``.
    """

    folder: Path
    url: str = ""
    env: dict[str, str] = field(default_factory=dict)
    database: str = ""

    @property
    def config(self) -> Path:
        """The configuration of the client `ingest`, an administrator."""
        return self.config_of("ingest")

    def config_of(self, account: str) -> Path:
        """Return the configuration of a client: `ingest`, `alice` (plain user) or `root`."""
        return self.folder / ("client.cfg" if account == "ingest" else f"client-{account}.cfg")

    def start(self) -> None:
        """Start it, or wait until it answers."""
        sandbox = up(self.folder, database=self.database)
        self.url, self.env = sandbox.url, sandbox.exports({})

    def stop(self) -> None:
        """Stop it; the data stay, and `start` gives it the same URL."""
        down(self.folder)


@contextmanager
def running_server(folder: Path) -> Iterator[RucioServer]:
    """Start a server in `folder`, and stop it after the block or when this process is killed."""
    with new_database() as database:
        server = RucioServer(folder, database=database)
        with subprocess.Popen([sys.executable, "-c", _GUARD, str(folder)], stdin=subprocess.PIPE):
            # Leaving the block closes the pipe and waits.
            server.start()
            yield server


@pytest.fixture(scope="session")
def server_environment() -> Path:
    """Return the interpreter of the server's environment, or skip where it cannot be installed."""
    try:
        return server_python(lambda _: None)
    except MachineError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"the Rucio server cannot be installed: {error}")


@pytest.fixture(scope="session")
def rucio_server(tmp_path_factory: pytest.TempPathFactory, server_environment: Path) -> Iterator[RucioServer]:
    """Return a server for all tests of this process; tests keep apart by scopes of their own."""
    with running_server(tmp_path_factory.mktemp("rucio")) as server:
        yield server


@pytest.fixture
def own_rucio_server(tmp_path: Path, server_environment: Path) -> Iterator[RucioServer]:
    """Return a server of the test's own, to be stopped, started and killed."""
    with running_server(tmp_path / "own-rucio") as server:
        yield server


@pytest.fixture
def rucio_scope(rucio_server: RucioServer) -> str:
    """Return the name of a new, empty scope that `ingest` owns, of at most 25 characters."""
    return new_scope(rucio_server.env)


@pytest.fixture
def new_rucio_scope() -> Callable[[RucioServer], str]:
    """Return a function that makes a scope on any server."""
    return lambda server: new_scope(server.env)


def new_scope(env: Mapping[str, str]) -> str:
    """Make a scope by two plain requests: Rucio's client keeps its configuration for good, a process of its own costs.

    The form of the requests is in Rucio's REST API: ``GET /auth/userpass``, ``POST /scopes/<account>/<scope>``.
    """
    name = f"test.{secrets.token_hex(8)}"
    config = ConfigParser()
    config.read(env["RUCIO_CONFIG"], encoding="utf-8")
    client = config["client"]
    who = {"Account": client["account"], "Username": client["username"], "Password": client["password"]}
    headers = {f"X-Rucio-{key}": value for key, value in who.items()}
    with urlopen(Request(f"{client['auth_host']}/auth/userpass", headers=headers), timeout=60) as answer:
        token = {"X-Rucio-Auth-Token": answer.headers["X-Rucio-Auth-Token"]}
    url = f"{client['rucio_host']}/scopes/ingest/{name}"
    with urlopen(Request(url, method="POST", headers=token), timeout=60) as answer:
        assert answer.status == 201
    return name


def in_process(script: str, *arguments: str, env: Mapping[str, str]) -> str:
    """Run a Python script as a client with `env`; returns what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_MISLEADING)}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env={**kept, **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def point_client_at(env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Rucio's client code in this process talk to another server from now on.

    It keeps, for the life of the process: the configuration file (`get_config`), the folder of tokens (set when
    `baseclient` is imported), which host it chose, and what it knows of storages.
    """
    from rucio.client import baseclient
    from rucio.common.config import clean_cached_config
    from rucio.rse import rsemanager

    for name in [name for name in os.environ if name.startswith(_MISLEADING)]:
        monkeypatch.delenv(name)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    tokens = Path(env["TMPDIR"]) / getpass.getuser()
    monkeypatch.setattr(baseclient.BaseClient, "TOKEN_PATH_PREFIX", f"{tokens}/.rucio_")
    clean_cached_config()
    for region in (baseclient.REGION, rsemanager.RSE_REGION):
        region.backend._cache.clear()


@pytest.fixture
def rucio_environment(rucio_server: RucioServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[RucioServer]:
    """Make client code in this process talk to `rucio_server` as `ingest`."""
    with pointed_at(rucio_server.env, monkeypatch):
        yield rucio_server


@contextmanager
def pointed_at(env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point the client code of this process somewhere else for a block; nothing is remembered after it."""
    from rucio.common.config import clean_cached_config

    with monkeypatch.context() as patch:
        point_client_at(env, patch)
        yield
    clean_cached_config()


@dataclass(frozen=True, slots=True)
class Faulty:
    """A way to the server on which things go wrong when asked to."""

    proxy: FaultyProxy
    env: dict[str, str]
    config: Path


@pytest.fixture
def faulty(rucio_server: RucioServer, tmp_path: Path) -> Iterator[Faulty]:
    """Return a proxy before `rucio_server`, and the environment of a client that goes through it."""
    with faulty_way(rucio_server, tmp_path) as way:
        yield way


@contextmanager
def faulty_way(server: RucioServer, folder: Path) -> Iterator[Faulty]:
    """Open a proxy before any server; the client's configuration and tokens go into `folder`."""
    with FaultyProxy(int(server.url.rpartition(":")[2])) as proxy:
        config, tokens = folder / "through-proxy.cfg", folder / "through-proxy-tokens"
        config.write_text(server.config.read_text(encoding="utf-8").replace(server.url, proxy.url), encoding="utf-8")
        config.chmod(0o600)
        tokens.mkdir(exist_ok=True)
        yield Faulty(proxy, {**server.env, "RUCIO_CONFIG": str(config), "TMPDIR": str(tokens)}, config)


__all__ = [
    "TEST_DATABASE",
    "Faulty",
    "RucioServer",
    "faulty",
    "faulty_way",
    "in_process",
    "new_rucio_scope",
    "new_scope",
    "own_rucio_server",
    "point_client_at",
    "pointed_at",
    "rucio_environment",
    "rucio_scope",
    "rucio_server",
    "running_server",
    "server_environment",
]
