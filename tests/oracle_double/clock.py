"""System change numbers: what stands for Oracle's clock of changes."""

import hashlib
import sqlite3
import threading

_FIRST = 1_000_000


class Clock:
    """Counts the changes of the owners' files.

    Parameters
    ----------
    database
        A connection of its own that sees them all.
    lock
        Of the server.
    """

    def __init__(self, database: sqlite3.Connection, lock: "threading.RLock") -> None:
        self._database = database
        self._lock = lock
        self._scn = _FIRST
        self._seen: tuple[int, ...] = ()
        self._tables: dict[str, tuple[bytes, int]] = {}

    def close(self) -> None:
        """Let the database go."""
        with self._lock:
            self._database.close()

    def now(self) -> int:
        """Return the current system change number; it grows with every change and every question."""
        with self._lock:
            self._scn += 1
            return self._scn

    def of_table(self, place: str) -> int:
        """Return the number of the last change of a table that was noticed: its content was another."""
        with self._lock:
            digest = hashlib.sha256()
            for row in self._database.execute(f"SELECT * FROM {place}"):
                digest.update(repr(row).encode())
            known = self._tables.get(place)
            if known is None or known[0] != digest.digest():
                self._tables[place] = (digest.digest(), self._scn if known is None else self.now())
            return self._tables[place][1]
