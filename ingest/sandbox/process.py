"""The server's process: is it there, is it ours, does it answer; start it and end it."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.sandbox.folder import SandboxFolder
from legacy.errors import MachineError, printable

_HERE = Path(__file__).resolve().parent
_SERVER, _BOOTSTRAP = _HERE / "server.py", _HERE / "bootstrap.py"
_PORT_TAKEN = 98
_START_PATIENCE, _STOP_PATIENCE, _BOOTSTRAP_PATIENCE = 180.0, 15.0, 180.0
_REASON = "reason: "
# A proxy cannot reach this machine's loopback interface, and settings for other servers or interpreters are
# not for this one.
_FOREIGN = ("RUCIO_", "PYTHON", "X509_", "ANTARES_LEGACY_", "VIRTUAL_ENV")


@dataclass(frozen=True, slots=True)
class Process:
    """A process, told apart from a later one with the same number.

    Parameters
    ----------
    pid
        Its number.
    started
        Clock ticks between boot and its start: field 22 of ``/proc/PID/stat``, see proc(5).
    boot
        Which boot that was, from ``/proc/sys/kernel/random/boot_id``.
    port
        Where it serves.
    """

    pid: int
    started: int
    boot: str
    port: int

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://127.0.0.1:{self.port}"

    def alive(self) -> bool:
        """Return True while the process runs."""
        try:
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
            fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            return False
        # A process that has ended and that nobody has asked about is a zombie (Z).
        return boot == self.boot and fields[0] not in ("Z", "X") and int(fields[19]) == self.started


def read_process(folder: SandboxFolder) -> Process | None:
    """Return the server's process, None when none runs."""
    try:
        told = json.loads(folder.process.read_text(encoding="utf-8"))
        process = Process(int(told["pid"]), int(told["started"]), str(told["boot"]), int(told["port"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return process if process.alive() else None


def answers(port: int, timeout: float = 5.0) -> bool:
    """Return True when a Rucio server answers on a port of this machine; `timeout` in seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("GET", "/ping")
        answer = connection.getresponse()
        return answer.status == http.client.OK and b"version" in answer.read(10_000)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def clean_environment(configuration: Path, tokens: Path) -> dict[str, str]:
    """Return the environment for a process of the server's side."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) and not name.lower().endswith("_proxy")
    }
    return {**kept, "RUCIO_CONFIG": str(configuration), "TMPDIR": str(tokens)}


def start(
    python: Path, folder: SandboxFolder, *, port: int, create: bool, environment: Mapping[str, str], hidden: list[str]
) -> Process:
    """Start the server and wait until it answers.

    Parameters
    ----------
    python
        Interpreter of the server's environment.
    folder
        The sandbox.
    port
        Where to serve; 0 for a free port.
    create
        Make the database first.
    environment
        Of the server, see `clean_environment`.
    hidden
        Texts that are not to stand in a message.

    Returns
    -------
    Process

    Raises
    ------
    MachineError
        The port is taken, the server ended, or it does not answer in three minutes.
    OSError
        The log cannot be written.
    """
    if folder.log.exists():
        folder.log.replace(folder.log.with_suffix(".log.1"))
    folder.process.unlink(missing_ok=True)
    command = [str(python), "-I", str(_SERVER), str(port), *(["create"] if create else [])]
    with os.fdopen(os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as log:
        try:
            left = subprocess.run(  # noqa: S603  our own script, nothing of a shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder.path,
                env=dict(environment),
                start_new_session=True,
                check=False,
                timeout=_START_PATIENCE,
            ).returncode
        except (OSError, subprocess.TimeoutExpired) as error:
            what = f"the server cannot be started ({error}); its environment is {python.parents[1]}"
            raise MachineError(what) from None
    if left == _PORT_TAKEN:
        what = f"port {port}" if port else "every port from 20000 to 29999 that was tried"
        raise MachineError(f"{what} belongs to another program; end that one, or name another port with --port")
    process = read_process(folder)
    if left or process is None:
        raise MachineError(_ended(folder, hidden))
    return wait_for(process, folder, hidden)


def wait_for(process: Process, folder: SandboxFolder, hidden: list[str]) -> Process:
    """Wait until a server that has been started answers; returns it. Raises MachineError."""
    end = time.monotonic() + _START_PATIENCE
    while not answers(process.port):
        if not process.alive():
            raise MachineError(_ended(folder, hidden))
        if time.monotonic() > end:
            stop(process)
            raise MachineError(f"the server did not answer in {_START_PATIENCE:.0f} s; what it said is in {folder.log}")
        time.sleep(0.05)
    return process


def fill(python: Path, folder: SandboxFolder, environment: Mapping[str, str], content: Mapping[str, object]) -> None:
    """Run ``bootstrap.py``.

    Parameters
    ----------
    python, folder
        As for `start`.
    environment
        Names the configuration of the account root.
    content
        See `ingest.sandbox.content.new_content`.

    Raises
    ------
    MachineError
        It failed.
    """
    with os.fdopen(os.open(folder.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as log:
        try:
            subprocess.run(  # noqa: S603  our own script, nothing of a shell
                [str(python), "-I", str(_BOOTSTRAP)],
                input=json.dumps(content).encode(),
                stdout=log,
                stderr=log,
                cwd=folder.path,
                env=dict(environment),
                check=True,
                timeout=_BOOTSTRAP_PATIENCE,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            kind = "failed" if isinstance(error, subprocess.CalledProcessError) else "did not end"
            raise MachineError(
                f"filling the new server {kind}; what was said is in {folder.log}; try again, it begins anew"
            ) from None


def stop(process: Process, say: Callable[[str], None] = lambda _: None) -> None:
    """End the server: SIGTERM, and SIGKILL when it has not ended after 15 s.

    Raises
    ------
    MachineError
        The process belongs to another user, or does not end.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            if process.alive():
                os.kill(process.pid, number)
        except ProcessLookupError:
            return
        except PermissionError:
            raise MachineError(f"process {process.pid} belongs to another user, who must end it") from None
        end = time.monotonic() + _STOP_PATIENCE
        while time.monotonic() < end:
            if not process.alive():
                return
            time.sleep(0.02)
        if number == signal.SIGTERM:
            say(f"the server has not ended after {_STOP_PATIENCE:.0f} s and is killed")
    raise MachineError(f"process {process.pid} does not end; the machine's storage may hang")


def _ended(folder: SandboxFolder, hidden: list[str]) -> str:
    """Say why the server ended, as far as its log tells."""
    try:
        with folder.log.open("rb") as stream:
            stream.seek(max(0, folder.log.stat().st_size - 20_000))
            lines = stream.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    reasons = [line.removeprefix(_REASON) for line in lines if line.startswith(_REASON)]
    reason = reasons[-1][:300] if reasons else "it did not say why"
    for secret in hidden:
        reason = reason.replace(secret, "***")
    return f"the server ended at its start: {printable(reason)}; all that it said is in {folder.log}"
