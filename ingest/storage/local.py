"""Files on mounted disks."""

import errno
import os
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from ingest.item import Sums
from ingest.storage.contract import FileStat, NoSuchFileError, Stop, never, offline, stopped, sums_of
from legacy.checksums import blocks_of, require_unchanged, size_and_time
from legacy.errors import InputError, MachineError, UsageError, printable

_AWAY = frozenset(
    {
        *(errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ETIMEDOUT, errno.ENODEV, errno.ESHUTDOWN),
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    }
)
"""Errors of the machine or the mount; all others are taken for errors of the file."""

_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR})

_ADVICE = {
    errno.ENOENT: "check the name; a link may lead nowhere",
    errno.EACCES: "ask its owner for the permission to read it",
    errno.EPERM: "ask its owner for the permission to read it",
    errno.ELOOP: "it is a link that leads back to itself; remove it",
    errno.EIO: "the disk cannot read it; restore it from a copy",
    errno.ESTALE: "it was replaced on the file server; run the command again",
}

_SPECIAL = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_RELEASING = frozenset({"lustre", "gpfs"})
"""File systems that can move the content of a file to tape and leave its name and size behind."""
_RELEASED_BLOCKS = 1
_RELEASED_SIZE = 65536


class LocalStorage:
    """Reads files of mounted disks; a location is an absolute path.

    Links to files are followed: the file has the path of the link. Links to folders are followed only where they lead
    out of the folder that is listed, and then only so far as to be refused by name.
    """

    def stat(self, location: str) -> FileStat:
        """Return size and time of a regular file.

        A file on Lustre or Spectrum Scale (GPFS) of more than 64 KiB that takes at most one block of 512 bytes
        on disk counts as being on tape: these file systems leave such a stub behind when they move the content. On
        other file systems that sign is not used, because sparse files show it too, and some network file systems
        report no blocks at all.

        Raises
        ------
        InputError
            There is no regular file, it may not be looked at, or its name is not UTF-8.
        MachineError
            The disk is away.
        """
        _check(location)
        with _explained(location):
            found = os.stat(location)  # noqa: PTH116  half the time of pathlib's, for each of very many files
            if stat.S_ISDIR(found.st_mode):
                with os.scandir(location):  # a folder that cannot be listed says why
                    pass
        _require_regular(location, found)
        return FileStat(found.st_size, found.st_mtime_ns, online=not is_released(found, _file_system(found.st_dev)))

    def list(self, folder: str) -> Iterator[str]:
        """Yield the paths of all files below a folder, in the order of the paths as text.

        Links to folders inside `folder` are passed over, for their files are listed anyway.

        Raises
        ------
        InputError
            `folder` cannot be listed.
        MachineError
            The disk is away.
        """
        _check(folder)
        root = folder.rstrip("/") or "/"
        inside = os.path.join(os.path.realpath(root), "")  # noqa: PTH118  pathlib drops the last separator
        with _explained(folder):
            waiting = _entries(root, inside)
        while waiting:
            path, is_folder = waiting.pop()
            if not is_folder:
                yield path
                continue
            try:
                waiting += _entries(path, inside)
            except OSError:
                yield path  # `stat` says what is wrong with it

    def blocks(self, location: str, *, recall: bool = False, stop: Stop = never) -> Generator[bytes, None, None]:
        """Yield the content of a regular file block by block.

        Raises
        ------
        InputError
            It cannot be read, is on tape and not to be recalled, or changed while it was read.
        MachineError
            The disk is away.
        ReadStoppedError
            `stop` said so.
        """
        _check(location)
        with _explained(location), _opened_file(location, recall=recall) as (descriptor, before):
            read = 0
            for block in blocks_of(descriptor, before[0]):
                if stop():
                    raise stopped(location)
                read += len(block)
                yield block
            require_unchanged(location, before, size_and_time(os.fstat(descriptor)), read)

    def read_sums(self, location: str, *, sha256: bool = True, stop: Stop = never) -> Sums:
        """Read a file once and return its size and checksums.

        Raises
        ------
        InputError
            It cannot be read, is on tape, or changed while it was read.
        MachineError
            The disk is away.
        ReadStoppedError
            `stop` said so.
        """
        return sums_of(self.blocks(location, stop=stop), sha256=sha256)

    def ask_sums(self, location: str) -> Sums:
        """Return nothing known: disks keep no checksums."""
        _check(location)
        return Sums()


@contextmanager
def _opened_file(location: str, *, recall: bool) -> Iterator[tuple[int, tuple[int, int]]]:
    """Open a regular file; yields the descriptor, and the file's size and time of modification in nanoseconds."""
    # Opening a named pipe would wait for a writer; that of a device could do anything.
    found = os.stat(location)  # noqa: PTH116  half the time of pathlib's, for each of very many files
    _require_regular(location, found)
    if not recall and is_released(found, _file_system(found.st_dev)):
        raise offline(location)
    descriptor = os.open(location, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        opened = os.fstat(descriptor)
        _require_regular(location, opened)
        yield descriptor, size_and_time(opened)
    finally:
        os.close(descriptor)


def is_released(found: os.stat_result, file_system: str) -> bool:
    """Tell whether a file looks like the stub of one whose content is on tape.

    Parameters
    ----------
    found
        Its state. Lustre reports one block of 512 bytes for a stub, Spectrum Scale none; both may keep small
        files in the inode, so these never count.
    file_system
        Name of the type of the file system, as the kernel lists it.
    """
    return file_system in _RELEASING and found.st_blocks <= _RELEASED_BLOCKS and found.st_size > _RELEASED_SIZE


@cache
def _file_system(device: int) -> str:
    """Return the type of the file system on a device, ``""`` when the kernel does not list it."""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # not Linux, or a container without /proc: nothing is known then
    for line in mounts.splitlines():
        # proc(5): id, parent, major:minor, ..., "-", type, source, options
        left, _, right = line.partition(" - ")
        if left.split(" ")[2:3] == [wanted]:
            return right.partition(" ")[0]
    return ""


def _check(location: str) -> None:
    if not location.startswith("/"):
        raise UsageError(f"'{printable(location)}' is no absolute path; give one that begins with '/'")
    if "\0" in location:
        raise InputError(location, "no file has such a name", advice="correct the manifest that names it")
    try:
        location.encode()
    except UnicodeEncodeError:
        raise InputError(
            location, "the name is not UTF-8, which Rucio demands", advice="rename it, or make a link to it"
        ) from None


def _entries(folder: str, inside: str) -> list[tuple[str, bool]]:
    """Return the paths in a folder, last first, each with whether it is a folder to enter."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_symlink() and _leads_inside(entry, inside):
                continue
            found.append((entry.path, entry.is_dir(follow_symlinks=False)))
    # The slash puts what is in a folder where its path belongs among the others.
    found.sort(key=lambda pair: f"{pair[0]}/" if pair[1] else pair[0], reverse=True)
    return found


def _leads_inside(entry: os.DirEntry[str], inside: str) -> bool:
    """Tell whether a link leads to a folder whose files are listed anyway."""
    try:
        is_folder = entry.is_dir()
    except OSError:
        return False
    return is_folder and os.path.join(os.path.realpath(entry.path), "").startswith(inside)  # noqa: PTH118


def _require_regular(location: str, found: os.stat_result) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    kind = _SPECIAL.get(stat.S_IFMT(found.st_mode), "no regular file")
    where = "a link to " if os.path.islink(location) else ""  # noqa: PTH114
    advice = "give the folder itself as an input" if stat.S_ISDIR(found.st_mode) else "remove it, or leave it out"
    raise InputError(location, f"is {where}{kind}, not a file", advice=advice)


@contextmanager
def _explained(location: str) -> Iterator[None]:
    """Turn errors of the system into ours."""
    try:
        yield
    except OSError as error:
        raise _our_error(location, error) from error


def _our_error(location: str, error: OSError) -> InputError | MachineError:
    said = (error.strerror or str(error)).lower()
    if error.errno in _AWAY:
        return MachineError(f"{printable(location)}: {said}; check the mount and the limits of this machine")
    kind = NoSuchFileError if error.errno in _MISSING else InputError
    return kind(location, said, advice=_ADVICE.get(error.errno or 0, "check the disk and the path"))
