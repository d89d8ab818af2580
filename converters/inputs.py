"""From the arguments of `convert` to a list of jobs, before any work."""

import glob
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from converters.detect import might_be_input
from converters.registry import SUFFIXES
from legacy.errors import UsageError

_SOURCE_SUFFIXES = (".evt", ".root", ".hdf5", ".h5", ".data", ".dat", ".txt", ".csv", ".tsv", ".ecsv", ".bin", ".i3")
_COMPRESSIONS = (".gz", ".bz2", ".zst")
_BOOKS = re.compile(r"(manifest|report)(\.[0-9]+-of-[0-9]+)?\.jsonl?")
"""Manifests and reports of this program, which lie beside its products."""
_EVENT_SUFFIXES = (".evt", ".i3")
_PRODUCT_MARK = ".l3."
_FILE_SUFFIXES = {
    "hdf5": (".h5", ".hdf5"),
    "csv": (".csv",),
    "wav": (".wav",),
    "mp3": (".mp3",),
    "psd": (".json",),
    "json": (".json",),
}
_REPORT = re.compile(r"report(\.\d+-of-\d+)?\.json", re.IGNORECASE)
_ALL_FILE_SUFFIXES = [suffix for suffixes in _FILE_SUFFIXES.values() for suffix in suffixes]
UNKNOWN_INSIDE = "of no known format; `antares-legacy inspect` tells more"
LINKED_FOLDER = "is a link to a folder, which is not followed; name it as an input to convert what is in it"
NOTHING_INSIDE = "no file in this folder can be converted; `antares-legacy inspect` tells what a file is"


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
    folders
        The input folders.
    passed_over
        Files found in folders that are of no known format, and links to folders.
    problems
        Inputs that cannot become jobs, and why: folders in which nothing looks convertible, or that cannot
        be listed.
    shard
        ``K-of-N``, ``""`` for a whole run.
    """

    jobs: tuple[Job, ...]
    folder: Path
    folders: tuple[Path, ...] = ()
    passed_over: tuple[Path, ...] = ()
    problems: tuple[tuple[Path, str], ...] = ()
    shard: str = ""


def product_stem(name: str) -> str:
    """Return a file name without compression and format suffix."""
    stem = _uncompressed(name)
    for suffix in _SOURCE_SUFFIXES:
        if stem.lower().endswith(suffix) and len(stem) > len(suffix):
            return stem[: -len(suffix)]
    return stem


def named_as_events(name: str) -> bool:
    """Say if only event files have such names; one of unknown content is then damaged, and no foreign file."""
    return _uncompressed(name).lower().endswith(_EVENT_SUFFIXES)


def _uncompressed(name: str) -> str:
    return name.removesuffix(next((suffix for suffix in _COMPRESSIONS if name.endswith(suffix)), ""))


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
    if not single and not out.is_dir() and out.name.lower().endswith(tuple(_ALL_FILE_SUFFIXES)):
        raise UsageError(f"{out}: --to {to} makes files that end in {_FILE_SUFFIXES[to][0]}")
    if not single and out.exists() and not out.is_dir():
        raise UsageError(f"{out}: exists and is no folder; an output file ends in {_FILE_SUFFIXES[to][0]}")
    jobs = [Job(path, out if single else out / (product_stem(path.name) + SUFFIXES[to])) for path in files]
    root = os.path.commonpath([_absolute(folder) for folder in folders]) if folders else ""
    problems: list[tuple[Path, str]] = []
    passed_over: set[Path] = set()
    for folder in folders:
        found = list(_folder_jobs(folder, root, out, SUFFIXES[to], passed_over, problems))
        jobs.extend(found)
        if not found:
            problems.append((folder, NOTHING_INSIDE))
    jobs = _unique(jobs)
    part, name = _shard(shard)
    chosen = tuple(jobs[part[0] :: part[1]])
    others = tuple(sorted(passed_over - {job.source for job in jobs})[part[0] :: part[1]])
    place = out.parent if single else out
    _refuse_report(jobs, place)
    return Plan(chosen, place, tuple(folders), others, tuple(problems), name)


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, 0 if it cannot be told."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0


def _absolute(path: Path) -> str:
    """Return the absolute path without ``..``, which would lead out of the folder that mirrors it."""
    return os.path.abspath(path)  # noqa: PTH100  Path.absolute keeps the ..


def _expand(inputs: Sequence[str]) -> tuple[list[Path], list[Path]]:
    files: list[Path] = []
    folders: list[Path] = []
    for text in _names(inputs):
        path = Path(text)
        # Unlike the methods of Path, these answer no where a folder may not be searched or a name is too long.
        if os.path.isdir(path):  # noqa: PTH112
            folders.append(path)
        elif not os.path.exists(path) and glob.has_magic(text):  # noqa: PTH110
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


def _folder_jobs(
    folder: Path, root: str, out: Path, suffix: str, passed_over: set[Path], problems: list[tuple[Path, str]]
) -> Iterator[Job]:
    """Mirror a folder below `out`; several folders keep the names that tell them apart."""
    inside = os.path.realpath(out)

    def unlisted(error: OSError) -> None:
        problems.append((Path(error.filename), f"cannot be listed ({error.strerror}); check its permissions"))

    for parent, subfolders, names in os.walk(folder, onerror=unlisted):
        here = Path(parent)
        subfolders[:] = sorted(name for name in subfolders if os.path.realpath(here / name) != inside)
        passed_over.update(here / name for name in subfolders if (here / name).is_symlink())
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or _PRODUCT_MARK in name or _BOOKS.fullmatch(name):
                continue
            if path.suffix == ".yaml" and path.with_suffix("").is_file():
                continue  # describes the table beside it, and is read with it
            if not _worth_a_look(path):
                passed_over.add(path)
                continue
            relative = Path(_absolute(path)).relative_to(root).parent
            yield Job(path, out / relative / (product_stem(name) + suffix), named=False)


def _worth_a_look(path: Path) -> bool:
    """Say if a file found in a folder may be an input, or should have been one: damaged, or no longer there."""
    if named_as_events(path.name):
        return True
    return might_be_input(path) if path.is_file() else path.is_symlink() and not path.exists()


def _unique(jobs: list[Job]) -> list[Job]:
    """Sort by target, drop inputs named twice, refuse two inputs for one target."""
    targets: dict[str, Job] = {}
    sources = {os.path.realpath(job.source) for job in jobs}
    for job in jobs:
        if os.path.realpath(job.target) in sources:
            raise UsageError(f"{job.target}: is an input; name another output, so that the original stays")
        key = _absolute(job.target)
        other = targets.setdefault(key, job)
        if os.path.realpath(other.source) != os.path.realpath(job.source):
            raise _one_product(other, job)
        if job.named:
            targets[key] = job
    return [targets[key] for key in sorted(targets)]


def _one_product(job: Job, other: Job) -> UsageError:
    """Say what to do with two inputs that would become one product."""
    advice = "name the folder above them so that it is mirrored"
    if _absolute(job.source.parent) == _absolute(other.source.parent):
        advice = f"convert one of them by itself, with a name for its product: -o {job.target.with_name('NAME')}"
        advice += "".join(job.target.suffixes[-1:])
    return UsageError(f"{job.source} and {other.source} would both become {job.target}; {advice}")


def _refuse_report(jobs: list[Job], folder: Path) -> None:
    """Refuse a product with the name of the report of a run, which would replace it."""
    for job in jobs:
        if job.target.parent == folder and _REPORT.fullmatch(job.target.name):
            raise UsageError(
                f"{job.source}: its product {job.target} would have the name of the report of the conversion; "
                "rename the input, or name another output file"
            )


def _shard(text: str | None) -> tuple[tuple[int, int], str]:
    if text is None:
        return (0, 1), ""
    match = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    number, total = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= total:
        raise UsageError(f"--shard {text}: expected K/N with 1 <= K <= N, such as 3/10")
    return (number - 1, total), f"{number}-of-{total}"
