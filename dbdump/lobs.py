"""Large values as files of their own, named by their content: equal ones are stored once."""

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from legacy.atomic import PART_SUFFIX

DEFAULT_THRESHOLD = 256 << 10
"""Bytes above which a value becomes a file."""


@dataclass(frozen=True, slots=True)
class StoredLob:
    """Name (SHA-256 in lower-case hex) and bytes of a value in the store."""

    sha256: str
    size: int


class LobStore:
    """The folder ``lobs/`` of an image: ``lobs/ab/ab12...``, for all tables.

    Parameters
    ----------
    folder
        Made when the first value comes.
    threshold
        Values of more bytes (text in UTF-8) become files.
    """

    def __init__(self, folder: Path, threshold: int = DEFAULT_THRESHOLD) -> None:
        self.folder = folder
        self.threshold = threshold

    def put(self, pieces: Iterable[bytes]) -> StoredLob:
        """Store a value that comes in pieces; whole on disk under its name when this returns.

        Raises
        ------
        OSError
            The file cannot be written; nothing of it remains.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        part = self.folder / f"{os.getpid()}{PART_SUFFIX}"
        digest, size = hashlib.sha256(), 0
        try:
            with part.open("wb") as stream:
                for piece in pieces:
                    digest.update(piece)
                    stream.write(piece)
                    size += len(piece)
                stream.flush()
                os.fsync(stream.fileno())
            name = digest.hexdigest()
            target = self.path(name)
            target.parent.mkdir(exist_ok=True)
            part.replace(target)  # also over an equal one: a file that is there may have been damaged
        finally:
            part.unlink(missing_ok=True)
        return StoredLob(name, size)

    def path(self, sha256: str) -> Path:
        """Return where a value lies."""
        return self.folder / sha256[:2] / sha256
