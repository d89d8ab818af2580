"""What was done with each file, on disk, so that a killed run goes on where it stopped.

One SQLite file with a rollback journal: it will lie on network file systems, where write-ahead logs do not
work. It keeps checksums (nothing is read twice) and the last state of each file. It never replaces the
question to Rucio: a file is skipped because Rucio holds it, not because a journal says so.
"""

import hashlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from ingest.item import Scalar, Sums
from ingest.storage.contract import FileStat
from legacy.errors import MachineError, UsageError

VERSION = 1
_BIGGEST = 2**63 - 1
"""What SQLite can hold; some files claim to be of the year 2300."""
COMMIT_SECONDS = 1.0
"""A killed run repeats at most this much hashing of small files; a large file is written down at once."""

_SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE files (
    location TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
    adler32 TEXT NOT NULL, md5 TEXT NOT NULL, sha256 TEXT NOT NULL, hashed_by TEXT NOT NULL,
    state TEXT NOT NULL, pfn TEXT NOT NULL, metadata TEXT NOT NULL, error TEXT NOT NULL, updated TEXT NOT NULL
);
CREATE INDEX files_state ON files (state);
"""
_UPSERT = """
INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%fZ'))
ON CONFLICT (location) DO UPDATE SET name = excluded.name, state = excluded.state, pfn = excluded.pfn,
    metadata = excluded.metadata, error = excluded.error, updated = excluded.updated, (size, mtime_ns, adler32, md5,
    sha256, hashed_by) = (SELECT excluded.size, excluded.mtime_ns, excluded.adler32, excluded.md5, excluded.sha256,
    excluded.hashed_by WHERE excluded.hashed_by <> '' UNION ALL SELECT size, mtime_ns, adler32, md5, sha256, hashed_by
    WHERE excluded.hashed_by = '')
"""
"""A record without checksums leaves those of an earlier run: a file that was refused need not be read once more."""


class State(StrEnum):
    """How far a file is: hashed, done (read back from Rucio and equal), or why it is not."""

    HASHED = "hashed"
    DONE = "done"
    FAILED = "failed"
    CONFLICT = "conflict"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Record:
    """One file as the journal knows it.

    Parameters
    ----------
    location, name
        Where it lies, and its DID without the scope.
    stat
        Size and time when it was hashed.
    sums
        Its checksums then.
    state
        How far it is.
    pfn
        Where Rucio has it, once done.
    metadata
        `digest` of the metadata that were read back, once done.
    error
        Why it is not done.
    """

    location: str
    name: str
    stat: FileStat
    sums: Sums
    state: State
    pfn: str = ""
    metadata: str = ""
    error: str = ""

    def knows(self, stat: FileStat) -> bool:
        """Tell whether the checksums still hold for a file of this size and time."""
        return bool(self.sums.by) and (stat.size, stat.mtime_ns) == (self.stat.size, self.stat.mtime_ns)


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a journal belongs to: the files of one scope at one RSE of one server."""

    server: str
    scope: str
    rse: str


def digest(metadata: Mapping[str, Scalar]) -> str:
    """Return a short text that differs where metadata differ."""
    text = json.dumps(dict(metadata), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Journal:
    """The journal of one or many runs; one run at a time (see `ingest.journal_lock`). Threads may share it.

    Parameters
    ----------
    path
        The file; made if it does not exist, its folder too.
    purpose
        What it must belong to.
    read_only
        True never changes it; it must exist then.

    Raises
    ------
    UsageError
        It belongs to another server, scope or RSE, or is no journal.
    MachineError
        It cannot be written.
    """

    def __init__(self, path: Path, purpose: Purpose, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        self._lock = threading.Lock()
        with _explained(path):
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            address = f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}"
            self._base = sqlite3.connect(address, uri=True, timeout=30, check_same_thread=False, isolation_level=None)
            if not read_only:
                self._base.execute("PRAGMA journal_mode = DELETE")
                self._base.execute("PRAGMA synchronous = FULL")
            self._prepare(purpose)
        self._open_since: float | None = None

    def _prepare(self, purpose: Purpose) -> None:
        wanted = {"version": str(VERSION), "server": purpose.server, "scope": purpose.scope, "rse": purpose.rse}
        if not self._base.execute("SELECT 1 FROM sqlite_master WHERE name = 'about'").fetchone():
            self._base.execute("BEGIN IMMEDIATE")
            for statement in filter(str.strip, _SCHEMA.split(";")):
                self._base.execute(statement)
            self._base.executemany("INSERT INTO about VALUES (?, ?)", wanted.items())
            self._base.execute("COMMIT")
        found = dict(self._base.execute("SELECT key, value FROM about"))
        for key, value in wanted.items():
            if found.get(key) != value:
                raise UsageError(
                    f"{self.path}: this journal belongs to {key} {found.get(key)}, not {value}; "
                    "give another file with --journal"
                )

    def get(self, locations: Iterable[str]) -> dict[str, Record]:
        """Return the records of those locations that have one."""
        found: dict[str, Record] = {}
        with self._lock, _explained(self.path):
            for location in locations:
                row = self._base.execute("SELECT * FROM files WHERE location = ?", (_text(location),)).fetchone()
                if row:
                    found[location] = _record(row)
        return found

    def put(self, records: Iterable[Record], *, now: bool = True) -> None:
        """Write records, replacing those of the same locations.

        Parameters
        ----------
        records
            What to write.
        now
            False may wait up to `COMMIT_SECONDS` until it is on disk.
        """
        rows = [_row(record) for record in records]
        with self._lock, _explained(self.path):
            if self._open_since is None:
                self._base.execute("BEGIN IMMEDIATE")
                self._open_since = time.monotonic()
            self._base.executemany(_UPSERT, rows)
            if now or time.monotonic() - self._open_since > COMMIT_SECONDS:
                self._commit()

    def _commit(self) -> None:
        if self._open_since is not None:
            self._base.execute("COMMIT")
            self._open_since = None

    def counts(self) -> dict[str, int]:
        """Return the number of files by state, of all runs."""
        with self._lock, _explained(self.path):
            return dict(self._base.execute("SELECT state, count(*) FROM files GROUP BY state ORDER BY state"))

    def failures(self) -> Iterator[Record]:
        """Yield the files that are not done and need a person, by location."""
        states = (State.FAILED, State.CONFLICT, State.REFUSED)
        with self._lock, _explained(self.path):
            rows = self._base.execute("SELECT * FROM files WHERE state IN (?, ?, ?) ORDER BY location", states)
            found = [_record(row) for row in rows]
        yield from found

    def close(self) -> None:
        """Write what waits, and close."""
        with self._lock, _explained(self.path):
            self._commit()
            self._base.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _row(record: Record) -> tuple[str | int, ...]:
    stat, sums = record.stat, record.sums
    return (
        *(
            _text(record.location),
            _text(record.name),
            stat.size,
            max(-_BIGGEST, min(stat.mtime_ns, _BIGGEST)),
            sums.adler32,
            sums.md5,
            sums.sha256,
            sums.by,
        ),
        *(record.state, record.pfn, record.metadata, _text(record.error)),
    )


def _text(name: str) -> str:
    """Return a name as SQLite can hold it: files may have names that are no UTF-8."""
    return name.encode(errors="backslashreplace").decode()


def _record(row: tuple[str | int, ...]) -> Record:
    location, name, size, mtime_ns, adler32, md5, sha256, by, state, pfn, metadata, error, _ = row
    return Record(
        location=str(location),
        name=str(name),
        stat=FileStat(int(size), int(mtime_ns)),
        sums=Sums(int(size), str(adler32), str(md5), str(sha256), str(by)),
        state=State(str(state)),
        pfn=str(pfn),
        metadata=str(metadata),
        error=str(error),
    )


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into one clear line."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            message = f"{path}: no journal of ours, or a damaged one ({error}); give another file with --journal"
            raise UsageError(message) from error
        message = f"{path}: the journal cannot be used ({error}); check free space and permissions"
        raise MachineError(message) from error
    except OSError as error:
        message = f"{error.filename or path}: {error.strerror or error}; check permissions, or give --journal FILE"
        raise MachineError(message) from error
