"""What may go wrong, on demand and while the server runs."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from oracle_double.errors import OracleError


class Disconnected(Exception):  # noqa: N818 - it is an order, not an error
    """The connection is to end without a word."""


@dataclass(slots=True)
class _Event:
    rows: int
    left: int
    action: Callable[[], None]
    times: int


@dataclass(slots=True)
class Faults:
    """Faults of a server; they may be changed at any time.

    Parameters
    ----------
    refuse
        Number of the listener's error for new connections, 0 to let them in (12514 no such service, 12519 no
        handler free).
    tns_version
        Version of TNS that the server speaks; below 315 it is too old for the thin driver (DPY-3010).
    encryption
        Whether it demands native network encryption (DPY-3001).
    old_verifier
        Whether the account has a password of Oracle 10g (DPY-3015).
    denied
        Tables that the account sees and may not read (ORA-01031).
    flashback
        Whether the account may ask for the system change number and read AS OF SCN.
    expired
        Whether every AS OF SCN gives ORA-01555.
    seconds_per_row
        How long each row of a table takes.
    """

    refuse: int = 0
    tns_version: int = 0
    encryption: bool = False
    old_verifier: bool = False
    denied: set[str] = field(default_factory=set)
    flashback: bool = True
    expired: bool = False
    seconds_per_row: float = 0.0
    _events: list[_Event] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def disconnect_after(self, rows: int, times: int = 1) -> None:
        """Cut the connection when so many more rows of tables were sent, and again after as many, `times` in all."""
        self._add(rows, _disconnect, times)

    def fail_after(self, rows: int, code: int, text: str = "", times: int = 1) -> None:
        """Give an error when so many more rows were sent: 1555 snapshot too old, 3113 end of file, ..."""
        self._add(rows, _failing(code, text), times)

    def act_after(self, rows: int, action: Callable[[], None]) -> None:
        """Call a function, which may drop a table or add a row, when so many more rows were sent."""
        self._add(rows, action, 1)

    def clear(self) -> None:
        """Forget what was to happen after some rows."""
        with self._lock:
            self._events.clear()

    def allowance(self, wanted: int) -> int:
        """Return how many of some rows may be sent before something happens."""
        with self._lock:
            return min([wanted, *(event.left for event in self._events)])

    def sent(self, rows: int) -> None:
        """Count rows that were sent; do what is to be done after them. Raises Disconnected, OracleError."""
        with self._lock:
            for event in self._events:
                event.left -= rows
            due = [event for event in self._events if event.left <= 0]
            for event in due:
                event.left, event.times = event.rows, event.times - 1
            self._events = [event for event in self._events if event.times > 0]
        for event in due:
            event.action()

    def _add(self, rows: int, action: Callable[[], None], times: int) -> None:
        with self._lock:
            self._events.append(_Event(rows, rows, action, times))


def _disconnect() -> None:
    raise Disconnected


def _failing(code: int, text: str) -> Callable[[], None]:
    known = {
        1555: 'snapshot too old: rollback segment number 9 with name "_SYSSMU9" too small',
        3113: "end-of-file on communication channel",
        22924: "snapshot too old",
    }

    def fail() -> None:
        raise OracleError(code, text or known.get(code, "an error that a test asked for"))

    return fail
