"""Folders for the time of one run, also when the run before was killed."""

import fcntl
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from legacy.errors import MachineError

_PREFIX = "engine."
_YOUNG = 60.0  # seconds; a folder may be made and not yet locked


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Make a folder below `parent` and remove it at the end, together with what killed runs left there.

    The folder is locked while it is in use; the kernel drops the lock when the process ends.

    Raises
    ------
    OSError
        The folder cannot be made.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        remove_tree(folder)
        os.close(descriptor)


@contextmanager
def own_scratch_folder() -> Iterator[Path]:
    """Make a folder on the local disk for the time of one run, as `scratch_folder` does.

    Raises
    ------
    MachineError
        Its place is in the hands of another user: anybody can make a folder of that name.
    OSError
        The folder cannot be made.
    """
    parent = Path(tempfile.gettempdir(), f"antares-legacy-{os.geteuid()}")
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = parent.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o022:
        raise MachineError(f"{parent} can be changed by other users; remove it, or set TMPDIR to a folder of your own")
    with scratch_folder(parent) as folder:
        yield folder


def remove_tree(folder: Path) -> None:
    """Remove a folder that other programs filled; some take the right to write from folders."""

    def allow(function: object, path: str, error: object) -> None:  # noqa: ARG001
        with suppress(OSError):
            Path(path).parent.chmod(0o700)
            if not Path(path).is_symlink():  # what a link leads to is not ours
                Path(path).chmod(0o700)
            if Path(path).is_dir() and not Path(path).is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                Path(path).unlink()

    shutil.rmtree(folder, onerror=allow)


def _sweep(parent: Path) -> None:
    for left in parent.glob(f"{_PREFIX}*"):
        try:
            descriptor = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - os.fstat(descriptor).st_mtime > _YOUNG:
                remove_tree(left)
        except BlockingIOError:
            continue
        finally:
            os.close(descriptor)
