"""The end of the work on an image: every file is read once more, then nothing in it can be written any more."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dbdump.books.checksums import image_files, known_files, write_file_list
from dbdump.errors import ImageError
from dbdump.image import (
    CHECKSUMS,
    FILES,
    JOURNAL,
    LOBS,
    MANIFEST,
    PLAN,
    Image,
    Manifest,
    open_image,
)
from legacy.atomic import PART_SUFFIX, write_text
from legacy.checksums import sha256_of
from legacy.errors import UsageError, printable
from legacy.lock import LOCK_NAME, folder_lock

_SHOWN = 5
_CHANGED = "is not as it was written"
_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_OWN = frozenset({MANIFEST, CHECKSUMS, FILES, PLAN, JOURNAL})

Advance = Callable[[int], object]
"""Is told how many bytes were read, after each file."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed image: how many files and bytes were read, and which files in its folder are not part of it."""

    files: int
    size: int
    foreign: tuple[str, ...]


def is_sealed(folder: Path) -> bool:
    """Whether an image was sealed: nobody may write to its folder."""
    return folder.is_dir() and not folder.stat().st_mode & _WRITE_BITS


def require_not_sealed(folder: Path) -> None:
    """Make sure that an image may be written to; root could do it anyway.

    Raises
    ------
    UsageError
        It is sealed.
    """
    if is_sealed(folder):
        raise UsageError(
            f"{folder}: this image is sealed and is not changed; dump into another folder, or open it again with "
            f"chmod -R u+w {printable(str(folder))}"
        )


def files_to_read(folder: Path) -> tuple[int, int]:
    """Return number and bytes of the files that `seal` will read, for its progress.

    Raises
    ------
    ImageError
        It is no image, or a file is missing.
    """
    paths = list(image_files(folder, open_image(folder).manifest))
    return len(paths), sum((folder / path).stat().st_size for path in paths)


def quiet(size: int, /) -> None:
    """Tell nobody."""


def seal(folder: Path, progress: Advance = quiet) -> Sealed:
    """Read and compare every file of a complete image, and make it read-only.

    ``checksums.sha256`` and ``manifest.jsonl`` are written anew where they are missing. Files become 0444, folders
    0555. Links are left alone. To do it twice is harmless: the second time nothing is written.

    Parameters
    ----------
    folder
        Of the image.
    progress
        Is told how many bytes were read.

    Raises
    ------
    ImageError
        The image is not complete, or a file is missing or is not what the manifest says.
    MachineError
        A dump is running.
    OSError
        A file cannot be read or written, or belongs to somebody else.
    """
    with _alone(folder):
        image = open_image(folder)
        manifest = image.manifest
        _require_complete(image)
        paths = list(image_files(folder, manifest))
        _require_sizes(folder, manifest, paths)
        sums = _read_all(folder, manifest, paths, progress)
        text = "".join(f"{sums[path]}  {path}\n" for path in paths)
        _require_described(folder, manifest, sums, text)
        _write_missing(folder, manifest, text)
        foreign = tuple(_foreign(folder, {*paths, *_OWN}))
        _make_read_only(folder)
        size = sum((folder / path).stat().st_size for path in paths)
    return Sealed(len(paths), size, foreign)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    if is_sealed(folder) or not folder.is_dir():
        yield
        return
    with folder_lock(folder):
        yield


def _require_complete(image: Image) -> None:
    missing = [f"{table.name}: {table.problem}" for table in image.manifest.tables if table.problem]
    if missing or not image.manifest.complete:
        shown = printable("; ".join(missing[:_SHOWN]))
        raise ImageError(
            f"{image.folder}: not complete, so it is not sealed: {shown}; run the same dump command again, or leave "
            "these tables out with --exclude"
        )


def _require_sizes(folder: Path, manifest: Manifest, paths: list[str]) -> None:
    wrong = [
        f"{file.path} has {found} bytes instead of {file.size}"
        for file in known_files(manifest).values()
        if (found := (folder / file.path).stat().st_size) != file.size
    ]
    lobs = [path for path in paths if path.startswith(f"{LOBS}/")]
    found_lobs = (len(lobs), sum((folder / path).stat().st_size for path in lobs))
    if found_lobs != manifest.lobs:
        wrong.append(
            f"{LOBS}/ has {found_lobs[0]} files of {found_lobs[1]} bytes instead of {manifest.lobs[0]} of "
            f"{manifest.lobs[1]}"
        )
    _require_none(folder, wrong)


def _read_all(folder: Path, manifest: Manifest, paths: list[str], progress: Advance) -> dict[str, str]:
    """Return the SHA-256 of every file, each compared with what the manifest or its name says."""
    expected = {path: file.sha256 for path, file in known_files(manifest).items()}
    expected |= {path: path.rpartition("/")[2] for path in paths if path.startswith(f"{LOBS}/")}
    sums = {}
    for path in paths:
        sums[path] = sha256_of(folder / path)
        progress((folder / path).stat().st_size)
    _require_none(folder, [f"{path} {_CHANGED}" for path in paths if sums[path] != expected.get(path, sums[path])])
    return sums


def _require_described(folder: Path, manifest: Manifest, sums: dict[str, str], text: str) -> None:
    """Compare the files that describe the image, which the manifest knows by ``checksums.sha256`` only."""
    if hashlib.sha256(text.encode()).hexdigest() == manifest.checksums:
        return
    path = folder / CHECKSUMS
    if not path.is_file() or sha256_of(path) != manifest.checksums:
        _require_none(folder, [f"{CHECKSUMS} or one of the files that describe the image {_CHANGED}"])
    lines = path.read_text(encoding="utf-8").splitlines()
    written = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    names = sorted(written.keys() | sums.keys())
    wrong = [f"{n} {_CHANGED}" if n in sums else f"{n} is missing" for n in names if written.get(n) != sums.get(n)]
    _require_none(folder, wrong)


def _require_none(folder: Path, wrong: list[str]) -> None:
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        shown = printable("; ".join(wrong[:_SHOWN]))
        raise ImageError(f"{folder}: not sealed: {shown}{more}; restore the files, or run the same dump command again")


def _write_missing(folder: Path, manifest: Manifest, text: str) -> None:
    """Write what can be made anew of an image that is whole; nothing as a rule."""
    path = folder / CHECKSUMS
    if not path.is_file() or sha256_of(path) != manifest.checksums:
        write_text(path, text)
    if not (folder / FILES).is_file():
        write_file_list(folder, manifest)


def _foreign(folder: Path, known: set[str]) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders.sort()
        for file in sorted(files):
            path = (Path(place) / file).relative_to(folder).as_posix()
            if path not in known and not file.startswith(LOCK_NAME):
                yield printable(path) + (" (left by a run that ended early)" if file.endswith(PART_SUFFIX) else "")


def _make_read_only(folder: Path) -> None:
    for place, _, files in os.walk(folder, topdown=False):
        for file in files:
            path = Path(place) / file
            if not path.is_symlink():
                path.chmod(0o444)
        Path(place).chmod(0o555)
