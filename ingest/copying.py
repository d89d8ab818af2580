"""Copy a file to its place at an RSE: checked on the way, complete or not there, and never over another file."""

import ctypes
import errno
import fcntl
import os
import secrets
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from hashlib import blake2s
from pathlib import Path

from ingest.item import Sums
from ingest.storage.contract import Stop, measured, never
from ingest.storage.opened import storage_of
from legacy.checksums import Digest
from legacy.errors import InputError, MachineError, printable

_LEFT_BEHIND_AFTER = 86400.0
"""Seconds without a write after which a temporary file of another machine belongs to nobody."""
_LONGEST_START = 180
"""Bytes of the final name in the temporary one; a name may have 255 in all on most file systems."""
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV})
_NO_LOCKS = frozenset({errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL})
_AT_FDCWD, _RENAME_NOREPLACE = -100, 1  # linux/fcntl.h, linux/fs.h


def copy_in(
    source: Path | str,
    target: Path,
    expected: Sums | None = None,
    *,
    sha256: bool = True,
    recall: bool = False,
    stop: Stop = never,
) -> Sums:
    """Copy a file and compute its checksums in the same read.

    The copy is written under a temporary name in the folder of the target, brought to the disk, and only then
    linked to its final name; the name thus appears at once and complete, and a file that has it already is
    never replaced. File systems without links get a rename that does not overwrite (Linux ``renameat2``).
    A killed copy leaves at most its temporary file, which the next copy to the same target removes.

    Parameters
    ----------
    source
        A regular file: an absolute path, or a URL that can be read.
    target
        Absolute path; missing folders are made. Modes follow the umask.
    expected
        What the file must be, as far as known; anything else is an error and not copied.
    sha256
        False leaves SHA-256 out.
    recall
        True copies also what is on tape only.
    stop
        Asked between blocks; True gives the copy up.

    Returns
    -------
    Sums
        Of the file. Where the target exists with the same content nothing is written.

    Raises
    ------
    InputError
        The source cannot be read, changes, or is not what was expected; or the target is another file.
    MachineError
        The target cannot be written: disk full, no permission; or the storage of the source is away.
    ReadStoppedError
        `stop` said so.
    """
    source = str(source)
    if _exists(target):
        return _kept(source, target, expected, sha256=sha256, stop=stop)
    with _explained_target(target):
        _make_folder(target.parent)
        _remove_left_behind(target)
    with _temporary(target) as (part, descriptor):
        sums = _copy(source, target, descriptor, sha256=sha256, recall=recall, stop=stop)
        _require_expected(source, expected, sums)
        with _explained_target(target):
            os.fsync(descriptor)
            if os.fstat(descriptor).st_size != sums.size:
                raise MachineError(f"{_shown(target)}: the disk kept another number of bytes than were written")
            placed = _place(part, target)
        if not placed:  # somebody else was faster
            return _kept(source, target, sums, sha256=sha256, stop=stop)
    with _explained_target(target):
        _sync_folder(target.parent)
    return sums


def differences(expected: Sums, found: Sums) -> list[tuple[str, str, str]]:
    """Return what both know and differ in: what it is, as expected, as found."""
    pairs = [
        ("size", str(expected.size) if expected.size >= 0 else "", str(found.size)),
        ("adler32", expected.adler32, found.adler32),
        ("md5", expected.md5, found.md5),
        ("sha256", expected.sha256, found.sha256),
    ]
    return [(kind, wanted, got) for kind, wanted, got in pairs if wanted and got and wanted != got]


def _exists(target: Path) -> bool:
    try:
        return stat.S_ISREG(target.lstat().st_mode) or _refuse_special(target)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise _target_error(target, error) from error


def _refuse_special(target: Path) -> bool:
    raise InputError(target, "is there already and no regular file", advice="remove it, or find out who made it")


def _kept(source: str, target: Path, expected: Sums | None, *, sha256: bool, stop: Stop) -> Sums:
    """Return the sums of an existing target with the content of the source; anything else is an error."""
    size = storage_of(source).stat(source).size
    size_there = storage_of(str(target)).stat(str(target)).size
    if size_there != size:
        raise _other(target, f"{size_there} bytes", f"{size} bytes")
    there = storage_of(str(target)).read_sums(str(target), sha256=sha256, stop=stop)
    if expected is None or not (expected.adler32 and expected.md5):  # too little known to spare the second read
        ours = storage_of(source).read_sums(source, sha256=sha256, stop=stop)
        _require_expected(source, expected, ours)
        expected = ours
    for kind, wanted, got in differences(expected, there):
        raise _other(target, f"{kind} {got}", f"{kind} {wanted}")
    return there


def _other(target: Path, found: str, wanted: str) -> InputError:
    return InputError(
        target,
        "is there already with other content",
        expected=wanted,
        found=found,
        advice="find out which file is right; nothing was overwritten",
    )


def _copy(source: str, target: Path, descriptor: int, *, sha256: bool, recall: bool, stop: Stop) -> Sums:
    reading = storage_of(source).blocks(source, recall=recall, stop=stop)
    with closing(reading), Digest(sha256=sha256) as digest:
        for block in reading:
            digest.update(block)
            with _explained_target(target):
                _write(descriptor, block)
        return measured(digest.result())


def _write(descriptor: int, block: bytes) -> None:
    rest = memoryview(block)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _require_expected(source: str, expected: Sums | None, found: Sums) -> None:
    for kind, wanted, got in differences(expected or Sums(), found):
        raise InputError(
            source,
            "is not the file that was expected",
            expected=f"{kind} {wanted}",
            found=f"{kind} {got}",
            advice="restore the file, or make its manifest anew",
        )


@contextmanager
def _temporary(target: Path) -> Iterator[tuple[Path, int]]:
    """Make a file beside the target that no other process has, locked as long as this one lives."""
    with _explained_target(target):
        part, descriptor = _new_part(target)
    try:
        yield part, descriptor
    finally:
        # Removed before the lock goes, so that nobody finds it without its owner.
        part.unlink(missing_ok=True)
        os.close(descriptor)


def _new_part(target: Path) -> tuple[Path, int]:
    while True:
        part = target.with_name(f"{_part_start(target)}{_machine()}-{secrets.token_hex(6)}")
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            _lock(descriptor, wait=True)
            if os.fstat(descriptor).st_nlink:
                return part, descriptor
        except BaseException:
            part.unlink(missing_ok=True)
            os.close(descriptor)
            raise
        # Another process took it for left behind in the moment before it was locked.
        os.close(descriptor)


def _part_start(target: Path) -> str:
    start = target.name.encode()[:_LONGEST_START].decode(errors="ignore")
    return f".{start}.part-"


def _machine() -> str:
    return blake2s(socket.gethostname().encode(), digest_size=4).hexdigest()


def _lock(descriptor: int, *, wait: bool) -> bool:
    """Take the lock; False where the file system has none. Without `wait`, BlockingIOError when another has it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        return False
    return True


@lru_cache(maxsize=65536)
def _parts_found(folder: Path) -> tuple[str, ...]:
    """Return the temporary files in a folder; looked up once, as what is left behind is older than the run."""
    with os.scandir(folder) as entries:
        return tuple(entry.name for entry in entries if entry.name.startswith(".") and ".part-" in entry.name)


def _remove_left_behind(target: Path) -> None:
    """Remove temporary files of copies to this target whose process is dead."""
    start = _part_start(target)
    for name in _parts_found(target.parent):
        if not name.startswith(start):
            continue
        path = target.with_name(name)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue  # gone meanwhile, or somebody else's
        try:
            if _is_left_behind(descriptor, mine=name.startswith(start + _machine())):
                path.unlink(missing_ok=True)
        finally:
            os.close(descriptor)


def _is_left_behind(descriptor: int, *, mine: bool) -> bool:
    """Tell whether nobody writes a temporary file any more.

    The kernel takes the lock from a process that dies. A lock of another machine need not be seen here, so there
    the file must also be old.
    """
    try:
        locks = _lock(descriptor, wait=False)
    except BlockingIOError:
        return False
    if mine and locks:
        return True
    return time.time() - os.fstat(descriptor).st_mtime > _LEFT_BEHIND_AFTER


def _place(part: Path, target: Path) -> bool:
    """Give a complete file its final name; False when something has that name."""
    try:
        os.link(part, target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _rename(part, target)
    return True


def _rename(part: Path, target: Path) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, "cannot rename without overwriting", str(target))
    paths = os.fsencode(part), os.fsencode(target)
    if libc.renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_NOREPLACE) == 0:
        return True
    number = ctypes.get_errno()
    if number == errno.EEXIST:
        return False
    raise OSError(number, os.strerror(number), str(target))


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each on the disk before anything is in it."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        _sync_folder(each.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP}:  # some file systems cannot, and need not
            raise
    finally:
        os.close(descriptor)


@contextmanager
def _explained_target(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _target_error(target, error) from error


def _target_error(target: Path, error: OSError) -> InputError | MachineError:
    said = (error.strerror or str(error)).lower()
    if error.errno == errno.ENAMETOOLONG:
        return InputError(target, said, advice="shorten the template of the names")
    return MachineError(
        f"{_shown(target)}: {said}; nothing is left of the copy, run the command again when that is solved"
    )


def _shown(target: Path) -> str:
    return printable(str(target))
