"""What a build or a test tells while it runs, and its log."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from legacy.errors import printable

SHOWN = 20
"""Lines of output that are shown when a build fails."""
# Users and passwords in the addresses of proxies and indexes; what stands before the digest of an image is its name.
_ACCOUNT = re.compile(r"(?<=://)[^\s/]+@(?!sha256:)")


def _nothing(text: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Told:
    """Who is told what; the default is nobody.

    Parameters
    ----------
    say
        Told what everybody wants to know: the beginning and the end of a step.
    line
        Told every line of output of a program.
    step
        Told the name of what is going on, for a display of progress.
    """

    say: Callable[[str], None] = _nothing
    line: Callable[[str], None] = _nothing
    step: Callable[[str], None] = _nothing


@dataclass(slots=True)
class Log:
    """Writes every line of output to a file, and remembers the last ones.

    Parameters
    ----------
    stream
        The open file.
    told
        Told each line as well.
    """

    stream: TextIO
    told: Told
    last: deque[str] = field(default_factory=lambda: deque(maxlen=SHOWN))

    def hear(self, line: str) -> None:
        """Take one line; users and passwords in addresses are left out."""
        line = _ACCOUNT.sub("****@", line)
        self.stream.write(line + "\n")
        self.stream.flush()
        shown = printable(line)
        if shown.strip():
            self.last.append(shown)
            self.told.line(shown)

    def begin(self, title: str) -> None:
        """Mark where the output of a part begins."""
        self.last.clear()
        self.stream.write(f"== {title}\n")
        self.stream.flush()
        self.told.step(title)


@contextmanager
def log_file(path: Path, told: Told) -> Iterator[Log]:
    """Begin a new log; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        yield Log(stream, told)
