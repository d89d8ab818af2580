"""Up, down and status of a sandbox."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.sandbox.configuration import client_configuration, server_configuration, versioning_configuration
from ingest.sandbox.content import ACCOUNTS, ROOT, new_content, storage_folders
from ingest.sandbox.database import SQLITE, checked_database, same_database, secrets_of, shown
from ingest.sandbox.environment import server_python
from ingest.sandbox.folder import (
    SandboxFolder,
    State,
    held_lock,
    lock_of,
    open_folder,
    read_state,
    write_private,
    write_state,
)
from ingest.sandbox.process import (
    Process,
    answers,
    clean_environment,
    fill,
    read_process,
    start,
    stop,
    wait_for,
)
from legacy.errors import MachineError, UsageError

Say = Callable[[str], None]
_LOOPBACK = "127.0.0.1"


def _silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A sandbox as it is now.

    Parameters
    ----------
    folder
        Its files.
    running
        The server runs and answers.
    url
        Of the server; ``""`` before the first start.
    pid
        Of the server; 0 when it is stopped.
    database
        For people, without password.
    storages
        Prefix of each RSE.
    """

    folder: SandboxFolder
    running: bool
    url: str
    pid: int
    database: str
    storages: Mapping[str, Path]

    def exports(self, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
        """Return the environment variables that a client needs.

        Parameters
        ----------
        environment
            Of the client as it is. Only when it names a proxy, that one is told to leave this machine alone.
        """
        needed = {"RUCIO_CONFIG": str(self.folder.client()), "TMPDIR": str(self.folder.tokens)}
        if any(environment.get(name) for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")):
            excepted = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
            if _LOOPBACK not in excepted.split(","):
                excepted = ",".join(filter(None, (excepted, _LOOPBACK)))
            needed |= {"no_proxy": excepted, "NO_PROXY": excepted}
        return needed

    def to_dict(self) -> dict[str, object]:
        """Return the sandbox for JSON."""
        return {
            "running": self.running,
            "folder": str(self.folder.path),
            "url": self.url,
            "pid": self.pid or None,
            "database": self.database,
            "storages": {name: str(prefix) for name, prefix in self.storages.items()},
            "client_configuration": str(self.folder.client()),
            "log": str(self.folder.log),
        }


def status(folder: Path) -> Sandbox | None:
    """Return the sandbox in a folder, None when there is none; raises MachineError."""
    place = SandboxFolder(folder.absolute())
    state = read_state(place)
    return None if state is None else _sandbox(place, state, read_process(place))


def up(folder: Path, *, database: str = "", port: int = 0, say: Say = _silent) -> Sandbox:
    """Start a sandbox, make it when there is none, or leave it when it runs.

    Parameters
    ----------
    folder
        Of the sandbox; made when missing.
    database
        ``sqlite``, ``postgresql+psycopg://...``, or ``""``: the one it has, or SQLite.
    port
        Where to serve; 0: the port that it had, or a free one.
    say
        Told what happens, for people.

    Returns
    -------
    Sandbox
        It answers.

    Raises
    ------
    UsageError
        The folder holds something else, or the sandbox in it has another database or port.
    MachineError
        The environment, the database or the server failed; the message names the log.
    """
    if database:
        checked_database(database)
    place = open_folder(folder)
    try:
        with held_lock(lock_of(place), lambda: say(f"waiting for another process that works on {place.path}")):
            return _up(place, database, port, say)
    except OSError as error:
        reason = f"{error.filename or place.path}: {error.strerror or error}"
        raise MachineError(f"{reason}; the sandbox needs space and permission to write in {place.path}") from None


def down(folder: Path, *, say: Say = _silent) -> bool:
    """Stop a sandbox; returns False when none ran. Raises MachineError."""
    place = SandboxFolder(folder.absolute())
    # What the sandbox remembers may be damaged; that must not keep its server alive.
    if not place.state.exists():
        return False
    with held_lock(lock_of(place), lambda: say(f"waiting for another process that works on {place.path}")):
        process = read_process(place)
        if process is not None:
            stop(process, say)
        place.process.unlink(missing_ok=True)
    return process is not None


def _up(place: SandboxFolder, database: str, port: int, say: Say) -> Sandbox:
    state = _checked_state(read_state(place) or State(), database)
    process = read_process(place)
    if process is not None:
        if port and port != process.port:
            raise UsageError(f"the sandbox runs on port {process.port}; stop it with `sandbox down` to change the port")
        if state.complete:
            say(f"the Rucio server runs already at {process.url}")
            return _sandbox(place, state, wait_for(process, place, secrets_of(state.database)))
        # An earlier start was interrupted before the sandbox was filled.
        stop(process, say)
    write_state(place, state)
    python = server_python(say)
    _write_server_files(place, state, python)
    process = _start(place, state, python, port or state.port, say)
    state = state.changed(port=process.port)
    write_state(place, state)
    _write_client_files(place, state, process)
    if not state.complete:
        try:
            _fill(place, state, python, say)
        except BaseException:
            stop(process)
            raise
        state = state.changed(complete=True)
        write_state(place, state)
    say(f"the Rucio server answers at {process.url} (process {process.pid})")
    return _sandbox(place, state, process)


def _checked_state(state: State, database: str) -> State:
    """Return the state with the database that was asked for; once filled, only its password can change."""
    if not database or database == state.database:
        return state
    if state.complete and not same_database(database, state.database):
        message = f"the sandbox keeps its data in {shown(state.database)}, not in {shown(database)}"
        raise UsageError(f"{message}; name another folder with --dir for another database")
    return state.changed(database=database)


def _start(place: SandboxFolder, state: State, python: Path, port: int, say: Say) -> Process:
    if state.complete:
        say("starting the Rucio server")
    else:
        say(f"starting a new Rucio server; its database: {shown(state.database)}")
    return start(
        python,
        place,
        port=port,
        create=not state.complete,
        environment=clean_environment(place.path / "rucio.cfg", place.tokens),
        hidden=[*secrets_of(state.database), *state.passwords.values()],
    )


def _fill(place: SandboxFolder, state: State, python: Path, say: Say) -> None:
    say("making scope, storages and accounts")
    environment = clean_environment(place.client(ROOT), place.tokens)
    fill(python, place, environment, new_content(place.path, state.passwords))


def _write_server_files(place: SandboxFolder, state: State, python: Path) -> None:
    """Write what the server reads, and make the folders."""
    for folder in (place.tokens, place.path / "log", *storage_folders(place.path).values()):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    library = next((python.parents[1] / "lib").glob("python3.*/site-packages/rucio/db/sqla/migrate_repo"), None)
    if library is None:
        message = "the server's environment is broken, Rucio is not in it; remove the folder and try again"
        raise MachineError(f"{python.parents[1]}: {message}")
    write_private(place.path / "rucio.cfg", server_configuration(state.database, state.passwords[ROOT]))
    write_private(place.path / "alembic.ini", versioning_configuration(state.database, library))


def _write_client_files(place: SandboxFolder, state: State, process: Process) -> None:
    for account in (ROOT, *ACCOUNTS):
        text = client_configuration(process.url, account, state.passwords[account])
        write_private(place.client(account), text)


def _sandbox(place: SandboxFolder, state: State, process: Process | None) -> Sandbox:
    return Sandbox(
        folder=place,
        running=process is not None and answers(process.port),
        url=process.url if process else (f"http://{_LOOPBACK}:{state.port}" if state.port else ""),
        pid=process.pid if process else 0,
        database=str(place.path / "rucio.db") if state.database == SQLITE else shown(state.database),
        storages=storage_folders(place.path),
    )
