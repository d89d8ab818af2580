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
def atomic_files(*targets: Path) -> Iterator[tuple[Path, ...]]:
    """Write files that belong together under temporary names, and rename them when all are complete.

    Parameters
    ----------
    targets
        The final names, all in one folder, in the order of renaming: a reader that finds the last one finds
        the others too. Existing files are replaced.

    Yields
    ------
    tuple of pathlib.Path
        The temporary names, in the same order.

    Raises
    ------
    OSError
        Writing, syncing or renaming failed. Nothing remains under the temporary names then, and nothing is
        renamed before everything is on disk.
    """
    parts = tuple(part_path(target) for target in targets)
    try:
        yield parts
        for part in parts:
            sync(part)
        for part, target in zip(parts, targets, strict=True):
            part.replace(target)
        sync(targets[-1].parent)
    except BaseException:
        for part in parts:
            part.unlink(missing_ok=True)
        raise


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Write one file as `atomic_files` does; yields its temporary name."""
    with atomic_files(target) as (part,):
        yield part


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, written to disk; raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(target: Path, text: str) -> None:
    """Write a small text file in one step; raises OSError."""
    with atomic_file(target) as part:
        part.write_text(text, encoding="utf-8")
