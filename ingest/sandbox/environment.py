"""The Python environment of the server, made on first use.

`rucio` (the server) and `rucio-clients` (which this program uses) own the same import name, so the server has
an environment of its own. All sandboxes share it.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from ingest.sandbox.folder import cache_folder, held_lock
from legacy.errors import MachineError, printable

SERVER_VERSION = "41.5.1"
REQUIREMENTS = (f"rucio=={SERVER_VERSION}", "waitress==3.0.2", "psycopg[binary]==3.2.13")
"""What the environment holds; the only place that pins it. PostgreSQL's driver is as new as Rucio allows."""
VARIABLE = "ANTARES_LEGACY_SANDBOX_VENV"
"""Environment variable that names another place for the environment."""
_STAMP = "antares-legacy-complete"
_BEGUN = "antares-legacy-begun"
_EVERY = 20


def environment_folder() -> Path:
    """Return where the environment of the server is or will be."""
    given = os.environ.get(VARIABLE, "")
    if given:
        return Path(given).absolute()
    return cache_folder() / f"rucio-server-{SERVER_VERSION}-py{sys.version_info.major}.{sys.version_info.minor}"


def server_python(say: Callable[[str], None]) -> Path:
    """Return the interpreter of the server's environment; makes the environment when it is missing.

    Parameters
    ----------
    say
        Told what happens while the environment is made, which takes a minute or two.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    MachineError
        The environment cannot be made, does not work, or something else lies in its place.
    """
    folder = environment_folder()
    python = folder / "bin" / "python"
    if not _complete(folder):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            lock = folder.with_name(folder.name + ".lock")
            with held_lock(lock, lambda: say(f"waiting for another process that makes {folder}")):
                if not _complete(folder):
                    _make(folder, python, say)
        except OSError as error:
            message = f"{folder}: the server's environment cannot be made ({error.strerror or error}); "
            raise MachineError(message + f"name another place in {VARIABLE}") from None
    if not os.access(python, os.X_OK):
        message = f"{folder}: the server's environment is broken, its Python is gone; remove the folder and try again"
        raise MachineError(message)
    return python


def _complete(folder: Path) -> bool:
    try:
        return (folder / _STAMP).read_text(encoding="utf-8") == _stamp()
    except OSError:
        return False


def _stamp() -> str:
    return "\n".join(REQUIREMENTS) + "\n"


def _make(folder: Path, python: Path, say: Callable[[str], None]) -> None:
    """Make the environment; the stamp comes last, since a venv cannot be renamed: its scripts name its path."""
    if folder.exists() and any(folder.iterdir()):
        if not any((folder / name).exists() for name in (_STAMP, _BEGUN)):
            raise MachineError(f"{folder}: holds something else; remove it, or name another place in {VARIABLE}")
        shutil.rmtree(folder)
    folder.mkdir(exist_ok=True)
    (folder / _BEGUN).touch()
    log = folder.with_name(folder.name + ".log")
    say(f"making an environment for the Rucio server in {folder} (once; a minute or two, 250 MB)")
    with log.open("wb", buffering=0) as stream:
        for command, counted in (
            ([sys.executable, "-I", "-m", "venv", str(folder)], ""),
            ([str(python), "-I", "-m", "pip", *_INSTALL, *REQUIREMENTS], "Collecting "),
        ):
            if not _run(command, stream.write, counted, say):
                raise MachineError(
                    f"{folder}: the server's environment cannot be made: {_why(log)}; all that was said is in {log}"
                )
    (folder / _STAMP).write_text(_stamp(), encoding="utf-8")
    (folder / _BEGUN).unlink()
    say("the environment is ready")


_INSTALL = ("--disable-pip-version-check", "--no-input", "install", "--progress-bar", "off", "--retries", "2")


def _run(command: list[str], keep: Callable[[bytes], object], counted: str, say: Callable[[str], None]) -> bool:
    """Run a command, keep what it says, tell how far it is; returns whether it succeeded."""
    with subprocess.Popen(  # noqa: S603  our own commands, nothing of a shell
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            number = 0
            for line in process.stdout or ():
                keep(line)
                if counted and line.startswith(counted.encode()):
                    number += 1
                    if number % _EVERY == 0:
                        say(f"  {number} packages found")
                elif line.startswith(b"Installing collected"):
                    say(f"  installing {number} packages")
        except BaseException:
            process.kill()
            raise
    return process.returncode == 0


def _why(log: Path) -> str:
    """Return the last error in a log, or its last line."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR:", "Error:"))]
    return printable((errors or lines or ["nothing was said"])[-1][:300])
