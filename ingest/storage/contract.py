"""What a storage system must be able to do to have its files ingested and verified."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from ingest.item import Sums
from legacy.checksums import Checksums, Digest
from legacy.errors import InputError, MachineError, printable

Stop = Callable[[], bool]
"""Asked between blocks; True ends the reading of a file at once."""


class NoSuchFileError(InputError):
    """There is nothing of this name."""


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

    All methods raise `legacy.errors.InputError` for what is wrong with one file (no permission, cut;
    `NoSuchFileError` when it is missing), and `legacy.errors.MachineError` when the storage itself cannot be reached.
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

    def blocks(self, location: str, *, recall: bool = False, stop: Stop = ...) -> Generator[bytes, None, None]:
        """Yield the content of a file block by block; of one that grows, at most one byte more than it had.

        Close the iterator when it is not read to the end.

        Parameters
        ----------
        location
            The file.
        recall
            True reads it from tape too, which may take hours until the first block.
        stop
            Asked before each block.

        Raises
        ------
        InputError
            Also when the file is on tape only, and after the last block when it changed while it was read.
        ReadStoppedError
            `stop` said so.
        """
        ...

    def read_sums(self, location: str, *, sha256: bool = True, stop: Stop = ...) -> Sums:
        """Read the file once and return its size and checksums; raises like `blocks`."""
        ...

    def ask_sums(self, location: str) -> Sums:
        """Return the checksums that the storage keeps itself (no read), all unknown where it keeps none."""
        ...


def never() -> bool:
    """Stop at no time."""
    return False


def sums_of(blocks: Generator[bytes, None, None], *, sha256: bool) -> Sums:
    """Return size and checksums of what an iterator yields, and close it."""
    with closing(blocks), Digest(sha256=sha256) as digest:
        for block in blocks:
            digest.update(block)
        return measured(digest.result())


def measured(found: Checksums) -> Sums:
    """Return checksums that were computed here."""
    return Sums(found.size, found.adler32, found.md5, found.sha256, by="ingest")


def offline(location: str) -> InputError:
    """Return the error for a file that would have to be recalled from tape to be read."""
    return InputError(
        location,
        "is on tape only, and is not recalled to be read",
        advice="have the site stage it first; its checksums may also come from a manifest",
    )


def stopped(location: str) -> ReadStoppedError:
    """Return the error for reading that was given up."""
    return ReadStoppedError(f"{printable(location)}: stopped while reading; run the same command to go on")
