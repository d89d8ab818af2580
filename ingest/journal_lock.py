"""One run at a time on one journal, also when the runs are on different machines.

The kernel's lock ends with its process and is enough on one machine. On network file systems it may not be
seen by other machines, so the lock file also names host and process, and the holder touches it again and
again: a lock that was not touched for a while belongs to a run that is dead.
"""

import fcntl
import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from legacy.clock import now
from legacy.errors import MachineError, printable

HEARTBEAT = 30.0
"""Seconds between two touches of the lock file."""
STALE_AFTER = 300.0
"""Seconds without a touch after which a lock of another machine counts as left behind."""
_MAX_BYTES = 4096


@contextmanager
def journal_lock(journal: Path) -> Iterator[None]:
    """Hold the lock of a journal while the block runs.

    Parameters
    ----------
    journal
        The journal; the lock lies beside it, with ``.lock`` added to its name.

    Raises
    ------
    MachineError
        Another run holds it, or the folder cannot be written.
    """
    path = journal.with_name(journal.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        message = f"{error.filename or path}: {error.strerror}; check permissions, or give --journal FILE"
        raise MachineError(message) from error
    try:
        _take(descriptor, path, journal)
        ended = threading.Event()
        beat = threading.Thread(target=_beat, args=(descriptor, ended), name="journal-lock", daemon=True)
        beat.start()
        try:
            yield
        finally:
            ended.set()
            beat.join()
            os.ftruncate(descriptor, 0)  # nobody holds it; the file stays, removing it would race with a new run
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, journal: Path) -> None:
    holder = os.pread(descriptor, _MAX_BYTES, 0)
    host, who = _described(holder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise MachineError(f"{journal}: in use by {who}; wait for it, or give another --journal") from None
    except OSError as error:
        message = f"{path}: this file system has no locks ({error.strerror}); give --journal FILE on another one"
        raise MachineError(message) from error
    if host and host != socket.gethostname() and _age(descriptor, path) < STALE_AFTER:
        raise MachineError(
            f"{journal}: in use by {who}; if that run is dead, wait {STALE_AFTER / 60:.0f} minutes or remove {path}"
        )
    mine = {"host": socket.gethostname(), "pid": os.getpid(), "since": now()}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(mine).encode(), 0)


def _described(holder: bytes) -> tuple[str, str]:
    """Return host and description of who wrote the lock file."""
    try:
        content = json.loads(holder)
        host, pid, since = str(content["host"]), int(content["pid"]), str(content["since"])
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return "", "another run"
    return host, printable(f"process {pid} on {host}, since {since}")


def _age(descriptor: int, path: Path) -> float:
    """Return the seconds since the last touch, by the clock of the file server alone."""
    probe = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        probe.touch()
        return probe.stat().st_mtime - os.fstat(descriptor).st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _beat(descriptor: int, ended: threading.Event) -> None:
    while not ended.wait(HEARTBEAT):
        try:
            os.utime(descriptor)
        except OSError:  # the storage is gone: the journal beside this file says so to the user
            return
