"""Find the bad files of a chunk: Rucio refuses all of a call for one of them, and does not say which."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from ingest.catalogue_errors import FailingServerError, RefusedError
from ingest.patience import ServerAwayError

Entry = TypeVar("Entry")

_HOPELESS = 8
"""Single files that a server must fail on, with no success between, before the server counts as broken."""


def send_all(entries: Sequence[Entry], send: Callable[[Sequence[Entry]], object]) -> list[tuple[Entry, RefusedError]]:
    """Send entries in as few calls as possible, and return those that were refused, each with the reason.

    Parameters
    ----------
    entries
        What to send.
    send
        Sends some of them, all or none; raises `RefusedError` when it cannot.

    Raises
    ------
    ServerAwayError
        The server failed on every single entry that was tried: the entries are not to blame.
    """
    refused: list[tuple[Entry, RefusedError]] = []
    failing = 0
    waiting: list[Sequence[Entry]] = [entries] if entries else []
    while waiting:
        some = waiting.pop()
        try:
            send(some)
        except RefusedError as error:
            if len(some) > 1:
                middle = len(some) // 2
                waiting += [some[middle:], some[:middle]]
                continue
            refused.append((some[0], error))
            failing += isinstance(error, FailingServerError)
            if failing >= min(_HOPELESS, len(entries)) > 1:
                raise ServerAwayError(
                    f"{error}; every file fails: look into the server's log, then run again"
                ) from error
        else:
            failing = 0
    return refused
