"""Folders of builds under way, and results that get their names only when they are complete."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from containers.workplace import Workplace
from legacy.atomic import part_path, sync
from legacy.errors import MachineError
from legacy.lock import folder_lock

_MOUNTS = Path("/proc/self/mountinfo")


@contextmanager
def image_lock(place: Workplace, name: str) -> Iterator[None]:
    """Keep other runs from building the same image.

    Raises
    ------
    MachineError
        Another run does.
    OSError
        The folder of images cannot be written to.
    """
    folder = place.images / ".locks" / name
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        try:
            stack.enter_context(folder_lock(folder))
        except MachineError:
            message = f"{name} is in the hands of another run for {place.images}; wait for it, or use another folder"
            raise MachineError(message) from None
        yield


@contextmanager
def build_folder(place: Workplace, name: str) -> Iterator[Path]:
    """Make a private folder for a build, and remove it afterwards.

    What a killed build of the same image left behind is removed first. A folder is locked while its build runs, since
    another build, for another folder of images, may use the same folder of work; the kernel drops the lock when the
    process ends.
    """
    place.builds.mkdir(parents=True, exist_ok=True)
    with _flock(place.builds, wait=True):  # nobody sweeps between the making of a folder and its lock
        for left in place.builds.glob(f"{name}.????????"):
            with suppress(BlockingIOError), _flock(left, wait=False):
                remove(left)
        folder = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=place.builds))
        stack = ExitStack()
        stack.enter_context(_flock(folder, wait=False))
    with stack:
        try:
            yield folder
        finally:
            remove(folder)


@contextmanager
def _flock(folder: Path, *, wait: bool) -> Iterator[None]:
    """Hold the lock of a folder; raises BlockingIOError when another process has it and `wait` is not set."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """Make a file or a folder under a temporary name, and rename it when the block ends well.

    Yields
    ------
    pathlib.Path
        The temporary name; nothing has it.
    """
    part = part_path(target)
    remove(part)
    try:
        yield part
        if part.is_file():
            sync(part)
        if target.is_dir():  # a folder cannot be renamed over another
            remove(target)
        part.replace(target)
        sync(target.parent)
    finally:
        remove(part)


def remove(path: Path) -> None:
    """Remove a file or a folder with all that is in it; nothing happens if there is none.

    Raises
    ------
    MachineError
        Something is mounted in the folder, and would be emptied.
    OSError
        It cannot be removed.
    """
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    if not path.is_dir():
        return
    mounted = [point for point in _mount_points() if point.is_relative_to(path.resolve())]
    if mounted:
        raise MachineError(f"{mounted[0]} is a mount left by a build; unmount it (umount -l), then remove {path}")
    for folder, names, _ in os.walk(path):
        for child in (Path(folder, name) for name in names):
            # An ordinary user cannot empty a read-only folder.
            if not child.is_symlink() and not os.access(child, os.R_OK | os.W_OK | os.X_OK):
                child.chmod(0o700)
    shutil.rmtree(path)


def _mount_points() -> tuple[Path, ...]:
    if not _MOUNTS.is_file():
        return ()
    with _MOUNTS.open(encoding="utf-8", errors="surrogateescape") as stream:
        # The fifth word is the place; blanks in it are written as \040 (proc(5)).
        return tuple(Path(_unescaped(line.split(" ")[4])) for line in stream)


def _unescaped(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text
