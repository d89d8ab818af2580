"""The folder of a sandbox: where everything lies, and what it remembers between two starts."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

from ingest.sandbox.content import ACCOUNTS, INGEST, ROOT
from ingest.sandbox.database import SQLITE
from legacy.atomic import atomic_file
from legacy.errors import MachineError, UsageError, printable

_STATE, _LOCK = "sandbox.json", "lock"
_LOCK_PATIENCE = 600.0
# Rucio's paths of files are URLs, and its clients write tokens below the folder.
_NOT_IN_PATHS = set("?#%;&\\'\"")


@dataclass(frozen=True, slots=True)
class SandboxFolder:
    """Names of the files of a sandbox."""

    path: Path

    @property
    def state(self) -> Path:
        """What the sandbox remembers: port, database, passwords."""
        return self.path / _STATE

    @property
    def process(self) -> Path:
        """Who serves; written by the server."""
        return self.path / "process.json"

    @property
    def log(self) -> Path:
        """What the server said since its last start."""
        return self.path / "server.log"

    @property
    def tokens(self) -> Path:
        """Where clients keep their tokens: Rucio trusts a token it finds, whatever server gave it."""
        return self.path / "tmp"

    def client(self, account: str = INGEST) -> Path:
        """Return the ``rucio.cfg`` of a client."""
        return self.path / ("client.cfg" if account == INGEST else f"client-{account}.cfg")


def _passwords() -> dict[str, str]:
    return {account: secrets.token_urlsafe(24) for account in (ROOT, *ACCOUNTS)}


@dataclass(frozen=True, slots=True)
class State:
    """What a sandbox remembers.

    Parameters
    ----------
    database
        ``sqlite`` or a URL; it may hold a password.
    port
        0 as long as none was chosen.
    complete
        The database holds scope, storages and accounts.
    passwords
        Of each account.
    """

    database: str = SQLITE
    port: int = 0
    complete: bool = False
    passwords: dict[str, str] = field(default_factory=_passwords, repr=False)

    def changed(self, *, database: str = "", port: int = 0, complete: bool = False) -> Self:
        """Return a copy with what is given changed."""
        return replace(
            self,
            database=database or self.database,
            port=port or self.port,
            complete=complete or self.complete,
        )


def default_folder() -> Path:
    """Return the folder of a sandbox when none is named: below ``XDG_STATE_HOME``."""
    return _xdg("XDG_STATE_HOME", ".local/state") / "antares-legacy" / "sandbox"


def cache_folder() -> Path:
    """Return where environments of servers are kept: below ``XDG_CACHE_HOME``."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "antares-legacy"


def _xdg(variable: str, default: str) -> Path:
    # The XDG base directory specification: paths that are not absolute are to be ignored.
    given = Path(os.environ.get(variable, ""))
    return given if given.is_absolute() else Path.home() / default


def open_folder(path: Path) -> SandboxFolder:
    """Make the folder of a sandbox, or check that it is one; only its owner may enter it.

    Raises
    ------
    UsageError
        The folder holds something else, or Rucio cannot use its name.
    MachineError
        It cannot be made or written.
    """
    path = path.absolute()
    if not path.as_posix().isprintable() or _NOT_IN_PATHS & set(path.as_posix()) or " " in path.as_posix():
        raise UsageError(f"{printable(str(path))}: Rucio cannot use this name; choose a plainer one with --dir")
    try:
        path.mkdir(parents=True, exist_ok=True)
        names = {entry.name for entry in path.iterdir()}
        if names - {_LOCK, _STATE + ".part"} and _STATE not in names:
            raise UsageError(f"{path}: holds other things, and no sandbox; choose an empty folder with --dir")
        path.chmod(0o700)
        if not os.access(path, os.W_OK):
            raise PermissionError(13, "no permission to write")
    except OSError as error:
        reason = error.strerror or error
        raise MachineError(f"{path}: no sandbox can be made there ({reason}); choose a folder with --dir") from None
    return SandboxFolder(path.resolve())


def read_state(folder: SandboxFolder) -> State | None:
    """Return what the sandbox remembers, None when there is no sandbox.

    Raises
    ------
    MachineError
        The file is damaged.
    """
    try:
        told = json.loads(folder.state.read_text(encoding="utf-8"))
        return State(
            database=str(told["database"]),
            port=int(told["port"]),
            complete=bool(told["complete"]),
            passwords={str(name): str(word) for name, word in told["passwords"].items()},
        )
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        message = f"{folder.state}: cannot be read; stop the sandbox, remove its folder and begin anew"
        raise MachineError(message) from None


def write_state(folder: SandboxFolder, state: State) -> None:
    """Remember; raises OSError."""
    write_private(folder.state, json.dumps(asdict(state), indent=1))


def write_private(target: Path, text: str) -> None:
    """Write a file that only its owner can read; raises OSError."""
    with atomic_file(target) as part:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_text(text, encoding="utf-8")


@contextmanager
def held_lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock on a file while the block runs; the kernel drops it when the process ends.

    Parameters
    ----------
    path
        The file; made when missing.
    waiting
        Called once when another process holds the lock.

    Raises
    ------
    MachineError
        The other process holds it for more than ten minutes.
    OSError
        The file cannot be made.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        end, told = time.monotonic() + _LOCK_PATIENCE, False
        while not _locked(descriptor):
            if not told:
                waiting()
                told = True
            if time.monotonic() > end:
                raise MachineError(f"{path}: another process has held this lock for ten minutes; find it and end it")
            time.sleep(0.1)
        yield
    finally:
        os.close(descriptor)


def lock_of(folder: SandboxFolder) -> Path:
    """Return the file whose lock `up` and `down` hold."""
    return folder.path / _LOCK


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
