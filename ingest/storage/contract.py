"""What a storage system must be able to do to have its files ingested and verified."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ingest.item import Sums
from legacy.checksums import Checksums
from legacy.errors import InputError, MachineError

Stop = Callable[[], bool]
"""Asked between blocks; True ends the reading of a file at once."""


class ReadStoppedError(MachineError):
    """The reading of a file was given up because the run was asked to end; nothing is wrong with the file."""


@dataclass(frozen=True, slots=True)
class FileStat:
    """What a storage system says about a file without reading it.

    Parameters
    ----------
    size
        Bytes.
    mtime_ns
        Time of the last change, nanoseconds since 1970; storage that knows seconds gives whole seconds.
    online
        False for a file that is on tape only: reading it would recall it.
    """

    size: int
    mtime_ns: int
    online: bool = True


class Storage(Protocol):
    """Reads files of one kind of location: mounted disks, or a protocol such as ``root``.

    All methods raise `legacy.errors.InputError` for what is wrong with one file (missing, no permission,
    cut), and `legacy.errors.MachineError` when the storage itself cannot be reached.
    """

    def stat(self, location: str) -> FileStat:
        """Return size and time of a file; raises `InputError` where there is no regular file."""
        ...

    def list(self, folder: str) -> Iterator[str]:
        """Yield the locations of all files below a folder, sorted.

        What cannot be ingested is yielded too, and refused by `stat` with the reason: special files, links that lead
        nowhere, folders that may not be read. Only a problem with `folder` itself is raised.
        """
        ...

    def read_sums(self, location: str, *, sha256: bool = True, stop: Stop = ...) -> Sums:
        """Read the file once and return its size and checksums.

        Raises
        ------
        InputError
            Also when the file is on tape only, or changed while it was read.
        ReadStoppedError
            `stop` said so.
        """
        ...

    def ask_sums(self, location: str) -> Sums:
        """Return the checksums that the storage keeps itself (no read), all unknown where it keeps none."""
        ...


def never() -> bool:
    """Stop at no time."""
    return False


def measured(found: Checksums) -> Sums:
    """Return checksums that were computed here."""
    return Sums(found.size, found.adler32, found.md5, found.sha256, by="ingest")


def offline(location: str) -> InputError:
    """Return the error for a file that would have to be recalled from tape to be read."""
    return InputError(
        location,
        "is on tape only, and is not recalled to be read",
        advice="take its checksums from a manifest, or have the site stage it first",
    )


def stopped(location: str) -> ReadStoppedError:
    """Return the error for reading that was given up."""
    return ReadStoppedError(f"{location}: stopped while reading; run the same command to go on")
