"""What HDF5 writes into: a file whose faults, and the signals that arrive meanwhile, wait until HDF5 can bear them.

HDF5 keeps chunks and metadata back and writes them when an object or the file is closed. A write that fails then
(a full disk, a quota) is printed and forgotten, the library keeps the object open for ever, and the process crashes
when it ends. So HDF5 never hears of a fault here: it is remembered, what can no longer be written stays in memory,
and the writer asks after every block. Between two questions that is a few megabytes.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Self

_HELD = (signal.SIGINT, signal.SIGTERM)


class SteadyFile:
    """A new file for ``h5py.File`` that never fails while HDF5 is at work.

    Parameters
    ----------
    path
        Its name; an existing file is replaced.

    Raises
    ------
    OSError
        It cannot be made; at the end of the ``with`` block, if something could not be written.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        self._position = 0
        self._fault: OSError | None = None
        self._unwritten: list[tuple[int, bytes]] = []

    def check(self) -> None:
        """Raise the OSError of the first write that failed, if one did."""
        if self._fault is not None:
            raise self._fault

    def write(self, data: Any) -> int:
        """Write all of `data` at the position; after a fault, keep it in memory."""
        view = memoryview(data).cast("B")
        if self._fault is None:
            try:
                done = 0
                while done < len(view):
                    done += os.pwrite(self._descriptor, view[done:], self._position + done)
            except OSError as error:
                self._fault = error
        if self._fault is not None:
            self._unwritten.append((self._position, bytes(view)))
        self._position += len(view)
        return len(view)

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what was written at the position, and with zeros where nothing was."""
        view = memoryview(buffer).cast("B")
        found = b""
        while len(found) < len(view):
            part = os.pread(self._descriptor, len(view) - len(found), self._position + len(found))
            if not part:
                break
            found += part
        view[:] = found.ljust(len(view), b"\0")
        for place, data in self._unwritten:
            first, last = max(place, self._position), min(place + len(data), self._position + len(view))
            if first < last:
                view[first - self._position : last - self._position] = data[first - place : last - place]
        self._position += len(view)
        return len(view)

    def read(self, size: int) -> bytes:
        """Return `size` bytes at the position; h5py knows a file by this method."""
        buffer = bytearray(size)
        self.readinto(buffer)
        return bytes(buffer)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position, as in every file."""
        ends = (os.fstat(self._descriptor).st_size, *(place + len(data) for place, data in self._unwritten))
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: max(ends)}[whence]
        self._position = start + offset
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def truncate(self, size: int) -> int:
        """Set the size of the file."""
        if self._fault is None:
            try:
                os.ftruncate(self._descriptor, size)
            except OSError as error:
                self._fault = error
        return size

    def flush(self) -> None:
        """Do nothing: nothing is kept back but what cannot be written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            os.close(self._descriptor)
        except OSError as error:  # some file systems say only now that they were full
            self._fault = self._fault or error
        if kind is None:
            self.check()


class Held:
    """Signals that wait."""

    def __init__(self) -> None:
        self.met: list[int] = []

    def note(self, number: int, _: FrameType | None) -> None:
        """Remember a signal."""
        self.met.append(number)

    def check(self) -> None:
        """Raise InterruptedError if a signal waits; `held_signals` gives it to its handler then."""
        if self.met:
            raise InterruptedError(f"stopped by signal {self.met[0]}")


@contextmanager
def held_signals() -> Iterator[Held]:
    """Keep Ctrl-C and SIGTERM waiting until the end of the block.

    An exception out of a signal handler would else be raised within a method of `SteadyFile`, and be a fault of it.

    Yields
    ------
    Held
        To be asked from time to time.
    """
    held = Held()
    before: dict[signal.Signals, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():  # only there are handlers set, and run
            for number in _HELD:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    before[number] = signal.signal(number, held.note)
        yield held
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for met in held.met:
            signal.raise_signal(met)
