"""A lock on an output folder: one run at a time, or several shards beside each other."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from legacy.errors import MachineError

LOCK_NAME = ".antares-legacy.lock"


@contextmanager
def folder_lock(folder: Path, *, shard: str = "") -> Iterator[None]:
    """Hold the lock of `folder` while the block runs.

    The kernel drops the lock when the process ends, however it ends.

    Parameters
    ----------
    folder
        An existing folder.
    shard
        Name of the shard (``3-of-10``): different shards may run at once, but not beside a whole run.

    Raises
    ------
    MachineError
        Another run holds the lock.
    OSError
        The folder cannot be written to.
    """
    with _locked(folder / LOCK_NAME, shared=bool(shard), owner="another run"):
        if not shard:
            yield
            return
        with _locked(folder / f"{LOCK_NAME}.{shard}", shared=False, owner=f"another run of shard {shard}"):
            yield


@contextmanager
def _locked(path: Path, *, shared: bool, owner: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            message = f"{path.parent}: {owner} is writing there; wait for it, or choose another folder"
            raise MachineError(message) from None
        yield
    finally:
        os.close(descriptor)
