"""What a build shows on stderr while it runs: the step, the time, the last line of output."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

_PAUSE = 0.2
"""Seconds between two lines that are shown: apt and pip write many."""


class BuildProgress:
    """Shows how far a build is; silent when stderr is no terminal.

    Parameters
    ----------
    enabled
        False shows nothing.
    """

    def __init__(self, *, enabled: bool) -> None:
        self._display = _display() if enabled and sys.stderr.isatty() else None
        self._shown = 0.0

    def step(self, title: str) -> None:
        """Begin a step; its time counts from here."""
        if self._display is not None:
            for task in self._display.task_ids:
                self._display.remove_task(task)
            self._display.add_task(_escaped(title), total=None, line="")

    def line(self, text: str) -> None:
        """Show a line of output, which must be fit for a terminal."""
        moment = time.monotonic()
        if self._display is not None and self._display.task_ids and moment - self._shown > _PAUSE:
            self._shown = moment
            self._display.update(self._display.task_ids[0], line=_escaped(text.strip()))

    def above(self, text: str) -> bool:
        """Write a line above the display; return False when there is none, and the line is still to be written."""
        if self._display is None:
            return False
        self._display.console.print(text, markup=False, highlight=False, soft_wrap=True)
        return True

    def __enter__(self) -> Self:
        if self._display is not None:
            self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._display is not None:
            self._display.stop()


def _escaped(text: str) -> str:
    """Keep rich from reading brackets as its own marks."""
    return text.replace("[", r"\[")


def _display() -> "Progress":
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", table_column=Column(no_wrap=True)),
        TimeElapsedColumn(),
        TextColumn("{task.fields[line]}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
        console=Console(stderr=True),
        transient=True,
    )
