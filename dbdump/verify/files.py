"""The files of an image against what it says of them: there, whole, and no others."""

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from dbdump.image import CHECKSUMS, FILES, JOURNAL, LOBS, MANIFEST, PLAN, FileFacts, Image
from dbdump.verify.report import Fault
from dbdump.verify.rows import RESTORE
from legacy.atomic import PART_SUFFIX
from legacy.checksums import sha256_of
from legacy.lock import LOCK_NAME

NOT_LISTED = frozenset({MANIFEST, CHECKSUMS, PLAN, JOURNAL, FILES, LOCK_NAME})
"""Files that `checksums.sha256` does not have: they change with each run, or hold its sum."""
COPY = "restore it from a copy"
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_LARGEST_LIST = 4 << 30
OnBytes = Callable[[int, int], None]
"""Takes the bytes of a file that was read, and how many faults there are so far."""


@dataclass(slots=True)
class Files:
    """What was found about the files of an image.

    Parameters
    ----------
    present
        Size of every file that is there, by its path.
    faults
        What is wrong, by path.
    sums
        SHA-256 of every file that was hashed, by its path.
    size
        Bytes that were hashed.
    """

    present: dict[str, int] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)
    size: int = 0

    def fault(self, path: str, problem: str, advice: str) -> None:
        """Note what is wrong with a file; the first fault of a file explains the others."""
        self.faults.setdefault(path, Fault(path, problem, advice))

    def is_good(self, path: str) -> bool:
        """Whether a file is there and nothing is wrong with it."""
        return path in self.present and path not in self.faults


def sizes(folder: Path) -> tuple[int, int]:
    """Return number and bytes of the files below a folder, for a progress bar; raises OSError."""
    files = Files()
    _list(folder, "", files)
    return len(files.present), sum(files.present.values())


def check_files(image: Image, only: Collection[str] | None, jobs: int, on_bytes: OnBytes | None) -> Files:
    """Compare names, sizes and SHA-256 of all files with `checksums.sha256` and the manifest.

    Parameters
    ----------
    image
        Opened.
    only
        Paths to look at, None for all.
    jobs
        Files that are hashed at once.
    on_bytes
        Called after each file.

    Raises
    ------
    OSError
        The folder cannot be read.
    """
    files = Files()
    _list(image.folder, "", files)
    listed = _listed(image, files)
    known = {file.path: file for file in _known(image)}
    wanted = _wanted(listed, known, files)
    if only is None:
        _compare_names(files, wanted)
    else:
        wanted = {path: sha256 for path, sha256 in wanted.items() if path in only}
        for path in sorted(set(only) - files.present.keys()):
            files.fault(path, "it is missing", _advice(path))
    _compare_sizes(files, [file for path, file in known.items() if only is None or path in only])
    todo = {path: sha256 for path, sha256 in wanted.items() if files.is_good(path)}
    _compare_sums(image.folder, files, todo, jobs, on_bytes)
    return files


def _list(folder: Path, below: str, files: Files) -> None:
    with os.scandir(folder / below) as entries:
        for entry in sorted(entries, key=lambda one: one.name):
            path = f"{below}/{entry.name}" if below else entry.name
            state = entry.stat(follow_symlinks=False)
            if stat.S_ISDIR(state.st_mode):
                _list(folder, path, files)
            elif stat.S_ISREG(state.st_mode):
                files.present[path] = state.st_size
            else:
                files.fault(path, "it is no plain file", "an image has no links and devices; put the file itself there")


def _known(image: Image) -> Iterator[FileFacts]:
    for table in image.manifest.tables:
        yield from (part.file for part in table.parts)
    yield from image.manifest.sqlite


def _listed(image: Image, files: Files) -> Mapping[str, str]:
    """Read `checksums.sha256`, whose own sum is in the manifest."""
    path = image.folder / CHECKSUMS
    if CHECKSUMS not in files.present:
        files.fault(CHECKSUMS, "it is missing", f"{COPY}, or make it again with dbdump seal")
        return {}
    if files.present[CHECKSUMS] > _LARGEST_LIST:
        files.fault(CHECKSUMS, "more than 4 GiB: no list of ours is that long", COPY)
        return {}
    if sha256_of(path) != image.manifest.checksums:
        files.fault(CHECKSUMS, "it was changed: its SHA-256 is not the one in manifest.json", COPY)
    found: dict[str, str] = {}
    with path.open(encoding="utf-8", errors="surrogateescape") as stream:
        for number, line in enumerate(stream, 1):
            match = _LINE.fullmatch(line.rstrip("\n"))
            if match is None or _leads_out(match[2]):
                files.fault(CHECKSUMS, f"line {number} is no checksum of a file of the image", COPY)
                continue
            found[match[2].removeprefix("./")] = match[1]
    return found


def _leads_out(path: str) -> bool:
    return path.startswith("/") or ".." in path.split("/") or "\0" in path


def _wanted(listed: Mapping[str, str], known: Mapping[str, FileFacts], files: Files) -> dict[str, str]:
    wanted = dict(listed)
    for path, file in known.items():
        if path in listed and listed[path] != file.sha256:
            files.fault(CHECKSUMS, f"it has another SHA-256 for {path} than manifest.json", COPY)
        elif path not in listed and CHECKSUMS not in files.faults:
            files.fault(CHECKSUMS, f"{path} is not in it", COPY)
        wanted[path] = file.sha256
    return wanted


def _compare_names(files: Files, wanted: Mapping[str, str]) -> None:
    for path in sorted(wanted.keys() - files.present.keys()):
        files.fault(path, "it is missing", _advice(path))
    if CHECKSUMS in files.faults and not wanted:
        return
    for path in sorted(files.present.keys() - wanted.keys() - NOT_LISTED):
        if path.endswith(PART_SUFFIX):
            files.fault(path, "a leftover of a run that was killed", "delete it, or run the same dump again")
        else:
            files.fault(path, "it does not belong to the image", "find out where it comes from, and move it away")


def _advice(path: str) -> str:
    return RESTORE if path.endswith(".parquet") else COPY


def _compare_sizes(files: Files, known: Collection[FileFacts]) -> None:
    for file in known:
        size = files.present.get(file.path)
        if size is not None and size != file.size:
            word = "cut short" if size < file.size else "too long"
            problem = f"{word}: {size:,} bytes, the manifest says {file.size:,}"
            files.fault(file.path, problem, _advice(file.path))


def _compare_sums(folder: Path, files: Files, wanted: Mapping[str, str], jobs: int, on_bytes: OnBytes | None) -> None:
    paths = sorted(wanted)
    pool = ThreadPoolExecutor(max(jobs, 1), thread_name_prefix="sha256")
    try:
        for path, found in zip(paths, pool.map(lambda one: _sum(folder / one), paths), strict=True):
            if isinstance(found, OSError):
                files.fault(path, f"it cannot be read: {found.strerror or found}", _advice(path))
                continue
            files.sums[path] = found
            if found != wanted[path] or (path.startswith(f"{LOBS}/") and found != path.rpartition("/")[2]):
                problem = "its content was changed: its SHA-256 is not the one it had when it was written"
                files.fault(path, problem, _advice(path))
            files.size += files.present[path]
            if on_bytes is not None:
                on_bytes(files.present[path], len(files.faults))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _sum(path: Path) -> str | OSError:
    try:
        return sha256_of(path)
    except OSError as error:
        return error
