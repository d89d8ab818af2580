"""Progress on stderr: files, rate and remaining time; silent when stderr is no terminal."""

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress


class FileProgress:
    """Shows how far a run over many files is.

    Parameters
    ----------
    title
        What is going on.
    files, size
        Number of files and bytes in all.
    enabled
        False shows nothing, as does a stderr that is no terminal.
    """

    def __init__(self, title: str, files: int, size: int, *, enabled: bool) -> None:
        self._bars = _bars() if enabled and sys.stderr.isatty() else None
        self._files = files
        self._size = max(size, 1)
        self._done = 0
        self._title = title

    def advance(self, size: int, failed: int) -> None:
        """Count one more file of `size` bytes; `failed` is how many have failed so far."""
        self._done += 1
        state = f"{self._title} {self._done}/{self._files}" + (f" [red]{failed} failed[/red]" if failed else "")
        if self._bars is not None:
            self._bars.update(self._bars.task_ids[0], advance=size, description=state)

    def __enter__(self) -> Self:
        if self._bars is not None:
            self._bars.add_task(self._title, total=self._size)
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()


class StreamProgress:
    """Shows how a run goes on whose end is not known: files, files per second, bytes per second.

    Parameters
    ----------
    title
        What is going on.
    enabled
        False shows nothing, as does a stderr that is no terminal.
    """

    def __init__(self, title: str, *, enabled: bool) -> None:
        self._line = _line() if enabled and sys.stderr.isatty() else None
        self._title = title
        self._files = self._failed = self._size = 0

    def advance(self, files: int, size: int, failed: int) -> None:
        """Count more files, their bytes, and how many of them failed."""
        self._files += files
        self._size += size
        self._failed += failed
        if self._line is not None:
            failures = f" [red]{self._failed} failed[/red]" if self._failed else ""
            elapsed = self._line.tasks[0].elapsed or 0.0
            rate = f"{self._files / elapsed:.0f} files/s" if elapsed else ""
            state = f"{self._title} {self._files} files{failures} {rate}"
            self._line.update(self._line.task_ids[0], completed=self._size, description=state)

    def __enter__(self) -> Self:
        if self._line is not None:
            self._line.add_task(self._title, total=None)
            self._line.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line is not None:
            self._line.stop()


def _line() -> "Progress":
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TransferSpeedColumn

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TransferSpeedColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _bars() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
