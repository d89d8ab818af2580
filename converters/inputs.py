"""From the arguments of `convert` to a list of jobs, before any work."""

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.detect import might_be_input
from converters.registry import SUFFIXES
from legacy.errors import UsageError

_SOURCE_SUFFIXES = (".evt", ".root", ".hdf5", ".h5", ".data", ".dat", ".txt", ".csv", ".tsv")
_PRODUCT_MARK = ".l3."
_FILE_SUFFIXES = {"hdf5": (".h5", ".hdf5"), "csv": (".csv",)}


@dataclass(frozen=True, slots=True)
class Job:
    """One input and the product it becomes.

    Parameters
    ----------
    source, target
        The files.
    named
        True if the user named the file; False if it was found in a folder, where files that cannot be
        converted are passed over.
    """

    source: Path
    target: Path
    named: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs of a run.

    Parameters
    ----------
    jobs
        In the order of their targets, so that every shard sees the same order.
    folder
        Where manifest and report lie.
    empty_folders
        Input folders in which nothing looks convertible.
    shard
        ``K-of-N``, ``""`` for a whole run.
    """

    jobs: tuple[Job, ...]
    folder: Path
    empty_folders: tuple[Path, ...] = ()
    shard: str = ""


def product_stem(name: str) -> str:
    """Return a file name without compression and format suffix."""
    stem = name.removesuffix(".gz")
    for suffix in _SOURCE_SUFFIXES:
        if stem.lower().endswith(suffix) and len(stem) > len(suffix):
            return stem[: -len(suffix)]
    return stem


def make_plan(inputs: Sequence[str], out: Path, to: str, shard: str | None) -> Plan:
    """Find all inputs and name their products.

    Parameters
    ----------
    inputs
        Files, folders, glob patterns, ``@list.txt``.
    out
        A folder, or a file name for a single input.
    to
        Kind of product.
    shard
        ``K/N`` or None.

    Raises
    ------
    UsageError
        Nothing to do, two inputs for one target, or an output that cannot be.
    """
    files, folders = _expand(inputs)
    single = _is_file_name(out, to)
    if single and (folders or len(files) != 1):
        raise UsageError(f"{out}: a file name as output takes one input file; name a folder for more")
    if not single and out.exists() and not out.is_dir():
        raise UsageError(f"{out}: exists and is no folder; an output file ends in {_FILE_SUFFIXES[to][0]}")
    jobs = [Job(path, out if single else out / (product_stem(path.name) + SUFFIXES[to])) for path in files]
    root = Path(os.path.commonpath([folder.absolute() for folder in folders])) if folders else Path()
    empty = []
    for folder in folders:
        found = list(_folder_jobs(folder, root, out, SUFFIXES[to]))
        jobs.extend(found)
        if not found:
            empty.append(folder)
    jobs = _unique(jobs)
    part, name = _shard(shard)
    return Plan(tuple(jobs[part[0] :: part[1]]), out.parent if single else out, tuple(empty), name)


def _expand(inputs: Sequence[str]) -> tuple[list[Path], list[Path]]:
    files: list[Path] = []
    folders: list[Path] = []
    for text in _names(inputs):
        path = Path(text)
        if path.is_dir():
            folders.append(path)
        elif not path.exists() and glob.has_magic(text):
            matches = sorted(glob.glob(text, recursive=True))  # noqa: PTH207  the pattern can be absolute
            if not matches:
                raise UsageError(f"{text}: no file matches")
            for match in map(Path, matches):
                (folders if match.is_dir() else files).append(match)
        else:
            files.append(path)
    if not files and not folders:
        raise UsageError("no input; name files, folders, patterns or @list.txt")
    return files, folders


def _names(inputs: Sequence[str]) -> Iterator[str]:
    """Yield the inputs, those of a list file line by line; blank lines and # comments are passed over."""
    for text in inputs:
        if not text.startswith("@"):
            yield text
            continue
        try:
            lines = Path(text[1:]).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{text[1:]}: the list of inputs cannot be read ({error})") from error
        yield from (line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))


def _is_file_name(out: Path, to: str) -> bool:
    return not out.is_dir() and out.name.lower().endswith(_FILE_SUFFIXES[to])


def _folder_jobs(folder: Path, root: Path, out: Path, suffix: str) -> Iterator[Job]:
    """Mirror a folder below `out`; several folders keep the names that tell them apart."""
    inside = out.absolute()
    for parent, subfolders, names in os.walk(folder):
        here = Path(parent)
        subfolders[:] = sorted(name for name in subfolders if (here / name).absolute() != inside)
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or _PRODUCT_MARK in name or not path.is_file() or not might_be_input(path):
                continue
            relative = path.absolute().relative_to(root).parent
            yield Job(path, out / relative / (product_stem(name) + suffix), named=False)


def _unique(jobs: list[Job]) -> list[Job]:
    """Sort by target, drop inputs named twice, refuse two inputs for one target."""
    targets: dict[str, Job] = {}
    for job in jobs:
        key = os.path.normpath(job.target.absolute())
        other = targets.setdefault(key, job)
        if os.path.realpath(other.source) != os.path.realpath(job.source):
            raise UsageError(
                f"{other.source} and {job.source} would both become {job.target}; convert them into different "
                "folders, or name the folder above them so that it is mirrored"
            )
        if job.named:
            targets[key] = job
    return [targets[key] for key in sorted(targets)]


def _shard(text: str | None) -> tuple[tuple[int, int], str]:
    if text is None:
        return (0, 1), ""
    number, _, total = text.partition("/")
    if not (number.isdigit() and total.isdigit() and 1 <= int(number) <= int(total)):
        raise UsageError(f"--shard {text}: expected K/N with 1 <= K <= N, such as 3/10")
    return (int(number) - 1, int(total)), f"{int(number)}-of-{int(total)}"
