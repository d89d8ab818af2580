"""Keeps a worker from taking more of the network than it may."""

import time
from collections.abc import Callable


class Pace:
    """Waits so that the mean rate since its start stays below a limit.

    Parameters
    ----------
    rate
        Bytes per second, 0 for no limit.
    clock, sleep
        For tests.
    """

    def __init__(
        self, rate: float, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._start, self._size = clock(), 0

    def took(self, size: int) -> None:
        """Count bytes that were read, and wait if they came too fast."""
        if not self._rate:
            return
        self._size += size
        early = self._start + self._size / self._rate - self._clock()
        if early > 0:
            self._sleep(early)
        else:  # what was not used is not saved up for a burst
            self._start, self._size = self._clock(), 0
