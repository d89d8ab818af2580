"""Copies %files and %appfiles into the folder of the emulation; no name may lead out of the context or the folder."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

from containers.definition import Definition, Section
from legacy.errors import InputError

_APP = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


def app_name(name: str) -> str:
    """Return the name of an app if it can be that of a folder; raises InputError otherwise."""
    if not _APP.fullmatch(name):
        raise InputError(name, "is no name of an app", expected="letters, digits, '.', '_' and '-'")
    return name


def copy_files(definition: Definition, context: Path, target: Path) -> None:
    """Copy what %files and %appfiles name.

    Raises
    ------
    InputError
        A file is missing, a name leads out of the context or the folder, or a stage is named.
    """
    for section in definition.sections:
        if section.name == "appinstall":
            inside(definition, section, target, f"scif/apps/{app_name(section.app)}").mkdir(parents=True, exist_ok=True)
        if section.name not in {"files", "appfiles"}:
            continue
        if section.options:
            raise InputError(definition.path, "copies from another stage", where=f"line {section.line}")
        below = f"scif/apps/{app_name(section.app)}/" if section.app else ""
        for sources, place in _lines(definition, section, context):
            folder = len(sources) > 1 or place.endswith("/") or (target / below / place).is_dir()
            for source in sources:
                name = f"{place}/{source.name}" if folder else place
                _copy(definition, section, source, target, below + name)


def _lines(definition: Definition, section: Section, context: Path) -> Iterator[tuple[list[Path], str]]:
    for number, line in enumerate(section.text.splitlines(), start=section.line + 1):
        words = shlex.split(line, comments=True)
        if not words:
            continue
        where = f"line {number}"
        if len(words) > 2:
            raise InputError(definition.path, "names more than a file and a place", where=where, found=line.strip())
        if Path(words[0]).is_absolute() or ".." in Path(words[0]).parts:
            raise InputError(
                definition.path, "names a file outside of the build", where=where, found=words[0],
                advice="supply it with --source",
            )  # fmt: skip
        found = sorted(context.glob(words[0].rstrip("/")))
        for path in found:
            if not path.resolve().is_relative_to(context.resolve()):
                raise InputError(definition.path, "names a link out of the build", where=where, found=words[0])
        if not found:
            raise InputError(definition.path, "names a file that is not there", where=where, found=words[0])
        yield found, words[-1].lstrip("/") + ("/" if words[-1].endswith("/") and words[-1] != "/" else "")


def inside(definition: Definition, section: Section, target: Path, place: str) -> Path:
    """Return a path below `target`; raises InputError when it leads out of it, be it over a link."""
    path = target / place
    root = target.resolve()
    # The last part too: a file is written through a link that has its name.
    if ".." in Path(place).parts or not path.resolve().is_relative_to(root):
        where = f"line {section.line}"
        raise InputError(definition.path, f"%{section.name} leads out of the image", where=where, found=place)
    return path


def _copy(definition: Definition, section: Section, source: Path, target: Path, place: str) -> None:
    """Copy a file or a folder to `place`; every single name is checked, since links in the base may lead anywhere."""
    if not source.is_dir():
        copied = inside(definition, section, target, place)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copied, follow_symlinks=True)
        return
    inside(definition, section, target, place).mkdir(parents=True, exist_ok=True)
    for entry in sorted(source.iterdir()):
        if not entry.is_symlink():
            _copy(definition, section, entry, target, f"{place}/{entry.name}")
            continue
        link = inside(definition, section, target, place) / entry.name
        link.unlink(missing_ok=True)
        link.symlink_to(entry.readlink())


def write_inside(target: Path, name: str, text: str, mode: int) -> Path:
    """Write a file below `target` that replaces whatever had its name; raises InputError for a link on the way."""
    path = target / name
    if not path.parent.resolve().is_relative_to(target.resolve()):
        raise InputError(target, "has a link where a folder belongs", where=str(path.parent))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.touch(mode)
    path.write_text(text, encoding="utf-8")
    return path
