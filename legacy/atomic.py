"""Files that appear under their final name only when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PART_SUFFIX = ".part"


def part_path(target: Path) -> Path:
    """Return the name under which a file is written before it is complete."""
    return target.with_name(target.name + PART_SUFFIX)


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Write a file under a temporary name and rename it when the block ends without an error.

    Parameters
    ----------
    target
        The final name. An existing file is replaced in one step.

    Yields
    ------
    pathlib.Path
        The temporary name, in the same folder; what it holds is synced to disk before the renaming.

    Raises
    ------
    OSError
        Writing, syncing or renaming failed; nothing remains under either name then.
    """
    part = part_path(target)
    try:
        yield part
        publish(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def publish(part: Path, target: Path) -> None:
    """Sync `part` to disk and give it its final name; raises OSError."""
    _sync(part)
    part.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(target: Path, text: str) -> None:
    """Write a small text file in one step; raises OSError."""
    with atomic_file(target) as part:
        part.write_text(text, encoding="utf-8")
