"""Which paths of the host a program in an image sees, by the arguments it is given."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from containers.engine.contract import Bind
from legacy.errors import UsageError

_OUTPUT_OPTIONS = frozenset({"-o", "--output", "--report", "--journal", "--prometheus"})
"""Options of our programs whose value is written to."""
# The home of root is not among them: engines give every program an empty one.
_OF_THE_IMAGE = ("boot", "dev", "etc", "opt", "proc", "run", "scif", "sys", "usr", "var")
_HIDES = frozenset(map(Path, ("/", *(f"/{name}" for name in _OF_THE_IMAGE))))
_PROGRAMS = (
    *(Path(folder, name) for folder in ("/", "/usr") for name in ("bin", "lib", "lib64", "libexec", "sbin")),
    Path("/.singularity.d"),
    Path("/opt/antares-legacy"),
)
"""Nothing below these folders may be replaced by what the host has there."""
_KERNEL = (Path("/dev"), Path("/proc"), Path("/sys"))
_FILE_URL = re.compile(r"(?:sqlite:///|file://)(?P<path>/.*)")


@dataclass(frozen=True, slots=True)
class _Named:
    """A path that stands among the arguments."""

    text: str
    written: bool


def run_binds(arguments: Sequence[str], folder: Path, asked: Iterable[str] = ()) -> tuple[Bind, ...]:
    """Return what a program has to see besides its working folder.

    Parameters
    ----------
    arguments
        Its arguments. What exists is an input and is not writable where it lies outside of `folder`; the values of
        ``-o`` and of other options for files that are written are outputs, whose folder is writable.
    folder
        The working folder, which the engine binds itself.
    asked
        Binds of the user, ``HOST:INSIDE`` or ``HOST:INSIDE:rw``.

    Raises
    ------
    UsageError
        A bind is malformed, names what is not there, or would hide programs of the image.
    """
    _require_harmless(folder, f"the working folder is {folder}; go to the folder of your data")
    binds: dict[str, Bind] = {}
    for named in _paths(arguments):
        for bind in _binds_of(named, folder):
            known = binds.get(bind.inside)
            if known is None or bind.writable:
                binds[bind.inside] = bind
    for text in asked:
        bind = parse_bind(text)
        binds[bind.inside] = bind
    # A folder before what lies in it: the other way round it would cover it.
    return tuple(binds[inside] for inside in sorted(binds, key=lambda path: (len(PurePosixPath(path).parts), path)))


def parse_bind(text: str) -> Bind:
    """Take ``HOST:INSIDE`` or ``HOST:INSIDE:rw`` apart; raises UsageError."""
    host, _, rest = text.partition(":")
    inside, _, mode = rest.partition(":")
    if not host or not inside.startswith("/") or mode not in ("", "ro", "rw"):
        raise UsageError(f"--bind {text}: write it as HOST:INSIDE or HOST:INSIDE:rw, INSIDE beginning with /")
    path = Path(host).absolute()
    if not path.exists():
        raise UsageError(f"--bind {text}: {path} does not exist")
    place = PurePosixPath(inside)
    if ".." in place.parts:
        raise UsageError(f"--bind {text}: INSIDE must not contain '..'")
    _require_harmless(Path(place), f"--bind {text}: choose another INSIDE, such as /mnt")
    return Bind(path.resolve(), str(place), mode == "rw")


def _paths(arguments: Sequence[str]) -> Iterator[_Named]:
    """Yield what may be a path: arguments, values of options, what follows ``@``, files of URLs."""
    before = ""
    for argument in arguments:
        option, sign, value = argument.partition("=")
        text, written = argument, before in _OUTPUT_OPTIONS
        if argument.startswith("-") and sign:
            text, written = value, option in _OUTPUT_OPTIONS
        elif argument.startswith("-o") and not argument.startswith("--") and len(argument) > 2:
            text, written = argument[2:], True
        elif text.startswith("@"):
            text = text[1:]
        url = _FILE_URL.match(text)
        if url:
            text = url["path"].partition("?")[0]
        if text and not text.startswith("-") and "\0" not in text:
            yield _Named(text, written)
        before = argument


def _binds_of(named: _Named, folder: Path) -> Iterator[Bind]:
    path = _normal(folder / named.text)
    if _among(path, _KERNEL):
        return
    if not _exists(path):
        if not named.written:
            return
        while not _exists(path) and path != path.parent:
            path = path.parent  # it is the program that makes what is missing
    elif named.written and not path.is_dir():
        path = path.parent  # a file is replaced by another of its name, and that is a change of its folder
    real = path.resolve()
    # In the working folder, what a link points at is what is missing inside.
    for host, inside in ((real, real),) if path.is_relative_to(folder) else ((real, path), (real, real)):
        if not inside.is_relative_to(folder):
            _require_harmless(inside, _advice(named, inside))
            yield Bind(host, str(inside), named.written)


def _advice(named: _Named, inside: Path) -> str:
    if inside == Path("/"):
        return f"{named.text}: make its folder first"
    return f"to have {named.text} seen at another place, use --bind {inside}:/mnt and name it by that place"


def _normal(path: Path) -> Path:
    """Return a path without ``.`` and ``..``; as the shell reads it, not following links."""
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            parts = parts[:-1]
        else:
            parts.append(part)
    return Path("/", *parts)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a name that is too long, or in a folder that may not be read: no path to bind
        return False


def _among(path: Path, folders: Iterable[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)


def _require_harmless(inside: Path, advice: str) -> None:
    if inside in _HIDES or _among(inside, _PROGRAMS):
        raise UsageError(f"{inside} would hide what the image has there; {advice}")
