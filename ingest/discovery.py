"""Which files the arguments of `ingest` mean: files, folders, lists, manifests and URLs, found one by one."""

import os
import re
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ingest.products import companion_of, format_of
from ingest.storage.xrootd_url import is_xrootd, parse_xrootd_url
from legacy.errors import InputError, UsageError, printable
from legacy.manifest import iterate

MANIFEST_SUFFIX = ".jsonl"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# What stands beside the data in a folder and is none of them; the names are those that this program writes.
_NOT_DATA = (
    (re.compile(r"\..*"), "hidden files"),
    (re.compile(r".*\.(part|lock)|.*\.rucio\.upload"), "files under way"),
    (re.compile(r".*\.prov\.json"), "provenance files of products"),
    (re.compile(r"(manifest|report)(\.[0-9]+-of-[0-9]+)?\.jsonl?|antares-legacy\.yaml"), "manifests and reports"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A file that was found, before anything is known about it.

    Parameters
    ----------
    location
        Absolute path or URL.
    path
        Relative to the folder or manifest that was named, with ``/``; the base name for a file named itself.
    origin
        What named it, for messages.
    line
        What a manifest says about it, None without one.
    line_ns
        When the manifest was last written, nanoseconds since 1970; 0 without one.
    problem
        Why it must be refused.
    """

    location: str
    path: str
    origin: str = ""
    line: dict[str, object] | None = None
    line_ns: int = 0
    problem: str = ""

    @property
    def basename(self) -> str:
        """Name of the file without folders."""
        return self.location.rstrip("/").rpartition("/")[2]

    @property
    def local(self) -> bool:
        """If the file is on a mounted disk."""
        return self.location.startswith("/")


@dataclass(slots=True)
class Passed:
    """Counts what was passed over, by reason."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, location: str) -> None:
        """Count one more, and keep the first as an example."""
        self.counts[reason] += 1
        self.examples.setdefault(reason, location)

    def remarks(self) -> list[str]:
        """Return a sentence for each reason."""
        return [
            f"passed over: {count} {reason}, the first is {printable(self.examples[reason])}"
            for reason, count in self.counts.items()
        ]


def check_arguments(arguments: Sequence[str]) -> None:
    """Refuse, before any work, arguments that name nothing.

    Raises
    ------
    UsageError
        No argument, a missing file, or one that is neither file nor folder.
    """
    if not arguments:
        raise UsageError("no input; name files, folders, manifests, @list.txt or root:// URLs")
    for text in arguments:
        shown = printable(text)
        if is_xrootd(text):
            if problem := _at_url_problem(text):
                raise UsageError(problem)
            continue
        if _SCHEME.match(text):
            raise UsageError(f"{shown}: a protocol that is not read; name a root:// URL, or mount the storage")
        path = Path(text.removeprefix("@"))
        # Unlike the methods of Path, this answers no where a name is too long.
        if not os.path.exists(path):  # noqa: PTH110
            raise UsageError(f"{shown}: no such file or folder; check the name")
        if not path.is_file() and (text.startswith("@") or not path.is_dir()):
            raise UsageError(f"{shown}: neither file nor folder; name one")


def find_files(
    arguments: Sequence[str], suffix: str, passed: Passed, leave_out: Collection[str] = frozenset()
) -> Generator[Found, None, None]:
    """Find the files one by one, in the order of the arguments and sorted within folders.

    Parameters
    ----------
    arguments
        Files, folders, manifests (``*.jsonl``), ``@list.txt`` and URLs; those of folders end with ``/``.
    suffix
        Suffix of sidecar files, ``""`` when there are none.
    passed
        Told of what is in a folder and no data.
    leave_out
        Absolute paths of files of this run itself, such as its journal.

    Raises
    ------
    InputError
        A list or a manifest cannot be read.
    """
    for text in arguments:
        if text.startswith("@"):
            for named in _listed(Path(text[1:])):
                yield from _named(named, suffix, passed, leave_out, origin=text[1:])
        else:
            yield from _named(text, suffix, passed, leave_out, origin="")


def _listed(path: Path) -> Iterator[str]:
    """Yield the lines of a list; blank lines and # comments are passed over."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for line in stream:
                text = line.strip()
                if text and not text.startswith("#"):
                    yield text
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, "the list cannot be read", found=str(error), advice="write it in UTF-8") from error


def _named(text: str, suffix: str, passed: Passed, leave_out: Collection[str], origin: str) -> Iterator[Found]:
    if is_xrootd(text):
        yield from _at_url(text, passed, origin)
        return
    location = os.path.abspath(text)  # noqa: PTH100  Path.absolute keeps the ..
    if os.path.isdir(location):  # noqa: PTH112  answers no for impossible names
        yield from _Walk(location, suffix, passed, leave_out).files()
    elif text.endswith(MANIFEST_SUFFIX):
        yield from _of_manifest(Path(location))
    else:
        basename = os.path.basename(location)  # noqa: PTH119  a text
        yield Found(location, basename, origin or location, problem=_path_problem(location))


def _at_url(text: str, passed: Passed, origin: str) -> Iterator[Found]:
    """Yield a file at a URL, or all files below it when it ends with a slash."""
    if problem := _at_url_problem(text):
        yield Found(text, PurePosixPath(text).name, origin or text, problem=problem)
        return
    url = str(parse_xrootd_url(text))
    if not text.endswith("/"):
        yield Found(url, PurePosixPath(url).name, origin or url)
        return
    from ingest.storage.opened import storage_of

    for location in storage_of(url).list(url):
        path = location.removeprefix(url).lstrip("/")
        reason = next(filter(None, map(_not_data, path.split("/"))), "")
        if reason:
            passed.add(reason, location)
        else:
            yield Found(location, path, url)


def _at_url_problem(url: str) -> str:
    try:
        parse_xrootd_url(url)
    except InputError as error:
        return str(error)
    return ""


def _path_problem(path: str) -> str:
    if _CONTROL.search(path):
        return "its name has control characters; rename it"
    if ".." in path.split("/"):
        return "its path has '..'; name it without"
    return ""


def _of_manifest(path: Path) -> Iterator[Found]:
    """Yield the files of a manifest; their paths are foreign and must stay within its folder."""
    folder = str(path.parent)
    try:
        written = path.stat().st_mtime_ns
        for line in iterate(path):
            problem = _path_problem(line.path)
            if line.path in ("", ".") or line.path.endswith(("/", "/.")):
                problem = "the manifest names no file"
            elif line.path.startswith("/"):
                problem = "the manifest gives an absolute path; paths in it are relative to its own folder"
            where = f"{path} line {line.number}"
            if problem:
                yield Found(line.path, line.path, where, line.values, written, f"{where}: {problem}")
            elif is_xrootd(line.path):
                url, wrong = line.path, _at_url_problem(line.path)
                location = url if wrong else str(parse_xrootd_url(url))
                problem = f"{where}: {wrong}" if wrong else ""
                yield Found(location, PurePosixPath(url).name, where, line.values, written, problem)
            else:
                relative = os.path.normpath(line.path)
                yield Found(f"{folder.rstrip('/')}/{relative}", relative, where, line.values, written)
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", advice="check its permissions") from error


@dataclass(frozen=True, slots=True)
class _Walk:
    """Goes through one folder that was named."""

    root: str
    suffix: str
    passed: Passed
    leave_out: Collection[str]

    def files(self) -> Iterator[Found]:
        # A stack of its own: folders may be nested deeper than calls in Python.
        stack: list[Iterator[Found | str]] = [self._in_folder(self.root)]
        while stack:
            step = next(stack[-1], None)
            if step is None:
                stack.pop()
            elif isinstance(step, str):
                stack.append(self._in_folder(step))
            else:
                yield step

    def _in_folder(self, folder: str) -> Iterator[Found | str]:
        """Yield the files of a folder, and the paths of its folders, sorted by name."""
        try:
            with os.scandir(folder) as entries:
                here = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"the folder cannot be listed ({error.strerror}); check its permissions"
            yield Found(folder, os.path.relpath(folder, self.root), self.root, problem=reason)
            return
        names = {entry.name for entry in here}
        for entry in here:
            if entry.is_dir(follow_symlinks=False):
                if entry.name.startswith("."):
                    self.passed.add("hidden folders", entry.path)
                else:
                    yield entry.path
            elif reason := self._why_not(entry, names):
                self.passed.add(reason, entry.path)
            else:
                path = os.path.relpath(entry.path, self.root)
                yield Found(entry.path, path, self.root, problem=_path_problem(entry.name))

    def _why_not(self, entry: "os.DirEntry[str]", names: set[str]) -> str:
        if reason := _not_data(entry.name):
            return reason
        if entry.path in self.leave_out:
            return "files of this run itself"
        if self.suffix and entry.name.endswith(self.suffix) and entry.name.removesuffix(self.suffix) in names:
            return "sidecars"
        product = entry.name.removesuffix(companion_of(Path("x")).name[1:])
        if product != entry.name and product in names and format_of(product) == "csv":
            return "metadata files of CSV products"
        return _irregular(entry)


def _not_data(name: str) -> str:
    return next((reason for pattern, reason in _NOT_DATA if pattern.fullmatch(name)), "")


def _irregular(entry: "os.DirEntry[str]") -> str:
    """Pass over links to folders only: a link to nothing, or a device, is for `ingest` to refuse by name."""
    try:
        return "links to folders" if entry.is_dir() else ""
    except OSError:
        return ""
