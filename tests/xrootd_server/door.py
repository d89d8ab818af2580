"""A real xrootd server on the loopback interface for tests, started as the tests need it."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from ingest.storage.xrootd import XrootdStorage

CONFIGURATION = """\
all.role server
all.export /data
oss.localroot {folder}/root
all.adminpath {folder}/admin
all.pidpath {folder}/admin
xrd.port {port}
xrd.network nodnr
{checksum}
"""


@dataclass(slots=True)
class Door:
    """A running server."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def root(self) -> Path:
        """The folder that the server gives out as /data."""
        return self.folder / "root" / "data"

    def url(self, path: str = "") -> str:
        """Return the URL of a file or folder below it."""
        return f"root://127.0.0.1:{self.port}//data" + (f"/{path}" if path else "")

    def start(self) -> None:
        """Start it, and wait until it listens."""
        # The server refuses to run as root.
        user = {"user": "nobody"} if os.geteuid() == 0 else {}
        log = self.folder / "admin" / "log"
        command = ["xrootd", "-c", str(self.folder / "xrootd.cfg"), "-l", str(log)]
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            # Once more when it has ended: any process of the machine may have the port for a moment.
            if self.process is None or self.process.poll() is not None:
                self.process = subprocess.Popen(
                    command,
                    cwd=self.folder,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    **user,  # type: ignore[call-overload]
                )
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        pytest.fail(log.read_text() if log.exists() else "xrootd wrote no log")

    def stop(self) -> None:
        """Kill it."""
        if self.process:
            self.process.kill()
            self.process.wait()


@contextmanager
def running(checksum: str = "xrootd.chksum max 2 adler32") -> Iterator[Door]:
    """Run a server with an empty folder; skip where none is installed, fail when CI=true."""
    missing = [
        name for name, there in (("xrootd", shutil.which("xrootd")), ("XRootD", find_spec("XRootD"))) if not there
    ]
    if missing:
        # The command is Debian's xrootd-server, the module the package of the extra `xrootd`.
        what = f"not installed: {' and '.join(missing)}; see tests/real/xrootd.sh"
        pytest.fail(what) if os.environ.get("CI") == "true" else pytest.skip(what)
    # Not in pytest's own folders, which nobody else may enter.
    with tempfile.TemporaryDirectory(prefix="antares-legacy-xrootd-") as name, socket.socket() as probe:
        folder = Path(name)
        probe.bind(("127.0.0.1", 0))
        door = Door(folder, probe.getsockname()[1])
        probe.close()
        (folder / "admin").mkdir()
        door.root.mkdir(parents=True)
        text = CONFIGURATION.format(folder=folder, port=door.port, checksum=checksum)
        (folder / "xrootd.cfg").write_text(text)
        if os.geteuid() == 0:
            for path in (folder, folder / "admin"):
                shutil.chown(path, "nobody")
        door.start()
        XrootdStorage()._client.EnvPutInt("ConnectionRetry", 1)  # one refusal is enough here
        try:
            yield door
        finally:
            door.stop()


def put(door: Door, name: str, content: bytes) -> str:
    """Write a file behind the door, and return its URL."""
    path = door.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return door.url(name)


class Altered:
    """A server's true answers about files, with some flags set and another version."""

    def __init__(self, genuine: Any, flags: int, version: bytes) -> None:
        self.genuine, self.flags, self.version = genuine, flags, version
        self.asked: list[int] = []

    def stat(self, path: str, timeout: int) -> tuple[Any, Any]:
        status, info = self.genuine.stat(path, timeout=timeout)
        info.flags |= self.flags
        return status, info

    def query(self, code: int, argument: str, timeout: int) -> tuple[Any, Any]:
        self.asked.append(code)
        status, answer = self.genuine.query(code, argument, timeout=timeout)
        return status, self.version if argument == "version" else answer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.genuine, name)
