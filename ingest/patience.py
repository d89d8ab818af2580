"""Wait for a server that is away for a while, but not for ever, and never for one that has refused."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from legacy.errors import MachineError

Answer = TypeVar("Answer")
Say = Callable[[str], None]

FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
"""Seconds."""


class ServerAwayError(MachineError):
    """The server did not answer within the time that the user is ready to wait."""


class InterruptedWaitError(MachineError):
    """The run was asked to stop while it waited for the server."""


class TransientError(Exception):
    """Something that may be over soon.

    Parameters
    ----------
    reason
        What happened, for people.
    away
        True when the server could not be reached or cut its answer: worth waiting for as long as allowed.
        False when it answered that it failed, which may be the fault of the request: a few tries only.
    """

    def __init__(self, reason: str, *, away: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.away = away


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to go on trying.

    Parameters
    ----------
    seconds
        Longest wait for a server that is away.
    tries
        Number of times that a request is made which the server answers with a failure of its own.
    stop
        Set when the run is asked to end; waiting ends at once then.
    """

    seconds: float = 600.0
    tries: int = 4
    stop: threading.Event = field(default_factory=threading.Event)

    def insist(self, call: Callable[[], Answer], say: Say, server: str) -> Answer:
        """Make a call until it succeeds, is refused, or patience ends.

        Parameters
        ----------
        call
            Raises `TransientError` for what may be over soon; anything else it raises goes through.
        say
            Told once when waiting begins and once when it is over.
        server
            Name of the server, for messages.

        Raises
        ------
        ServerAwayError
            The server stayed away for `seconds`.
        InterruptedWaitError
            `stop` was set while waiting.
        TransientError
            The server answered `tries` times that it failed.
        """
        began: float | None = None
        failures = 0
        while True:
            try:
                answer = call()
            except TransientError as error:
                failures += 1
                if not error.away and failures >= self.tries:
                    raise
                if began is None:
                    began = time.monotonic()
                    say(f"{server}: {error.reason}; trying again for up to {self.seconds:.0f} s")
                self._wait(failures, began, error.reason, server)
                continue
            if began is not None:
                say(f"{server}: answers again after {time.monotonic() - began:.0f} s")
            return answer

    def _wait(self, failures: int, began: float, reason: str, server: str) -> None:
        # Full jitter: many batch jobs that lost one server must not come back at one moment.
        longest = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(failures - 1, 10))
        delay = random.uniform(longest / 2, longest)  # noqa: S311  no secret
        if time.monotonic() + delay - began > self.seconds:
            waited = time.monotonic() - began
            message = (
                f"{server}: {reason} (waited {waited:.0f} s); when it answers again, run the same command to go on"
            )
            raise ServerAwayError(message)
        if self.stop.wait(delay):
            raise InterruptedWaitError(f"{server}: stopped while waiting ({reason}); run the same command to go on")
