"""A progress bar on stderr: files, rate and remaining time; silent when stderr is no terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


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
        console = Console(stderr=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=not (enabled and console.is_terminal),
            transient=True,
        )
        self._files = files
        self._done = 0
        self._task = self._bars.add_task(title, total=max(size, 1))
        self._title = title

    def advance(self, size: int, failed: int) -> None:
        """Count one more file of `size` bytes; `failed` is how many have failed so far."""
        self._done += 1
        state = f"{self._title} {self._done}/{self._files}" + (f" [red]{failed} failed[/red]" if failed else "")
        self._bars.update(self._task, advance=size, description=state)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
