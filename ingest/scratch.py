"""Tables on disk for what grows with the number of files, so that the memory does not."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from legacy.errors import MachineError


@contextmanager
def scratch_table(statement: str) -> Iterator[sqlite3.Connection]:
    """Open a temporary database with one table; SQLite keeps it in memory until it grows, and removes it.

    Parameters
    ----------
    statement
        The ``CREATE TABLE``.

    Raises
    ------
    MachineError
        The folder for temporary files is full or cannot be written to; also for what the block does.
    """
    try:
        # The empty name is a private file; whoever reads the items may do so in another thread than it was made.
        connection = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute(statement)
            connection.execute("BEGIN")
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        message = f"temporary data cannot be kept ({error}); make room where TMPDIR points, or set it to another folder"
        raise MachineError(message) from error


class SeenNames:
    """Which file has had which name in this run."""

    TABLE = "CREATE TABLE seen (name TEXT PRIMARY KEY, location TEXT NOT NULL) WITHOUT ROWID"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, name: str, location: str) -> str:
        """Take note of a file; returns the location that had the name before, ``""`` if none had."""
        # Names of files need not be UTF-8, and SQLite's texts must be.
        name, location = (text.encode(errors="backslashreplace").decode() for text in (name, location))
        done = self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (name, location))
        if done.rowcount:
            return ""
        found = self._connection.execute("SELECT location FROM seen WHERE name = ?", (name,)).fetchone()
        return str(found[0])
