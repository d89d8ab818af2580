"""A folder for the intermediate files of an export, beside its target; a later export removes what a kill has left."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

from legacy.errors import MachineError
from legacy.lock import LOCK_NAME, folder_lock

PREFIX = ".to-netcdf-"
_TRIES = 3


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """Make a folder that is removed at the end; those that killed exports have left are removed at the beginning.

    An export holds the lock of its folder as long as it runs, and the kernel drops the lock with the process: so a
    folder whose lock is free is nobody's.

    Parameters
    ----------
    folder
        Where the files of the export go.

    Raises
    ------
    MachineError, OSError
        It cannot be written to.
    """
    _remove_dead(folder)
    with ExitStack() as lock:
        place = _locked(folder, lock)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _locked(folder: Path, lock: ExitStack) -> Path:
    for _ in range(_TRIES):
        place = Path(mkdtemp(prefix=PREFIX, dir=folder))
        try:
            lock.enter_context(folder_lock(place))
        except (MachineError, FileNotFoundError):
            continue  # another export took it for a dead one before it was locked
        return place
    raise MachineError(f"{folder}: exports that begin at one moment disturb each other there; run the command again")


def _remove_dead(folder: Path) -> None:
    for place in folder.glob(f"{PREFIX}*"):
        if place.is_symlink() or not place.is_dir() or not _is_ours(place):
            continue
        try:
            with folder_lock(place):
                shutil.rmtree(place, ignore_errors=True)
        except (MachineError, FileNotFoundError):
            continue


def _is_ours(place: Path) -> bool:
    return (place / LOCK_NAME).is_file() or not any(place.iterdir())
