"""End a run between two chunks when it is asked to stop, not in the middle of one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ingest.patience import Say

EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}


class Stop:
    """Remembers which signal has asked for the end.

    Attributes
    ----------
    event
        Set when it came.
    signal
        The signal, None before.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal: signal.Signals | None = None

    @property
    def exit_code(self) -> int:
        """Exit code for a run that was stopped; 0 when nothing asked for it."""
        return EXIT_CODES[self.signal] if self.signal else 0


@contextmanager
def stopping(say: Say, at_once: Callable[[int], object] | None = None) -> Iterator[Stop]:
    """Take SIGINT and SIGTERM as a request while the block runs; a second one ends it at once.

    Parameters
    ----------
    say
        Told what happens now.
    at_once
        Called with the exit code at the second signal; by default the signal does what it did before.
    """
    stop = Stop()
    before = {number: signal.getsignal(number) for number in EXIT_CODES}

    def ask(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if stop.signal is not None and at_once is not None:
            at_once(EXIT_CODES[signal.Signals(number)])
        stop.signal = signal.Signals(number)
        stop.event.set()
        if at_once is not None:
            say("finishing what is under way; once more to stop at once")
            return
        for each, handler in before.items():
            signal.signal(each, handler)
        say("finishing what is under way; once more to stop at once")

    for number in EXIT_CODES:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
