"""Reads an Apptainer definition file into header, sections and build arguments; changes nothing in it.

The grammar is that of Apptainer's documentation of definition files (version 1.4): ``Keyword: value`` lines, then
sections that begin with ``%name`` at the start of a line; ``%arguments`` holds defaults of ``{{ NAME }}``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from legacy.errors import InputError

SCRIPT_SECTIONS = frozenset({"pre", "setup", "post", "runscript", "startscript", "test"})
TEXT_SECTIONS = frozenset({"files", "environment", "labels", "help", "arguments"})
APP_SECTIONS = frozenset({"apprun", "applabels", "appinstall", "appenv", "apphelp", "appfiles", "appstart", "apptest"})
APP_SCRIPTS = frozenset({"apprun", "appinstall", "appstart", "apptest"})
_SECTION = re.compile(r"%(?P<name>[A-Za-z]+)(?P<rest>[^\n]*)")
_KEYWORD = re.compile(r"(?P<key>[A-Za-z]+)\s*:\s*(?P<value>.*)")
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
LARGEST = 1 << 20
"""Bytes of the largest definition file that is read."""


@dataclass(frozen=True, slots=True)
class Section:
    """One section.

    Parameters
    ----------
    name
        The word after ``%``.
    app
        Name of the SCIF app, ``""`` outside ``%app...`` sections.
    options
        What follows on the same line: an interpreter (``-c /bin/bash``), or a stage (``from build``).
    text
        The lines below.
    line
        Number of the line of the ``%``, from 1.
    """

    name: str
    app: str
    options: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition file.

    Parameters
    ----------
    path
        The file.
    text
        All of it.
    header
        Keywords in lower case.
    sections
        In the order of the file, also unknown ones.
    """

    path: Path
    text: str
    header: Mapping[str, str]
    sections: tuple[Section, ...]

    def section(self, name: str, app: str = "") -> Section | None:
        """Return the section `name` (of `app`), None if there is none."""
        return next((found for found in self.sections if (found.name, found.app) == (name, app)), None)

    @property
    def apps(self) -> tuple[str, ...]:
        """Names of the SCIF apps that can be run, in order."""
        return tuple(section.app for section in self.sections if section.name == "apprun")

    @property
    def arguments(self) -> Mapping[str, str]:
        """Build arguments and their defaults."""
        section = self.section("arguments")
        lines = section.text.splitlines() if section else []
        pairs = (line.strip().partition("=") for line in lines if line.strip() and not line.strip().startswith("#"))
        return {key.strip(): value.strip() for key, _, value in pairs}

    @property
    def variables(self) -> frozenset[str]:
        """Names that stand between ``{{`` and ``}}`` anywhere in the file."""
        return frozenset(_VARIABLE.findall(self.text))

    def filled(self, values: Mapping[str, str]) -> str:
        """Return the text with every ``{{ NAME }}`` replaced; names neither in `values` nor declared stay."""
        known = {**self.arguments, **values}
        return _VARIABLE.sub(lambda match: known.get(match[1], match[0]), self.text)


def read_definition(path: Path) -> Definition:
    """Read a definition file.

    Raises
    ------
    InputError
        It cannot be read as text, is too large, or has a line before the first section that is no keyword.
    """
    try:
        if not path.is_file():  # a pipe would be waited for without end
            raise InputError(path, "no such file, or no regular file", advice="give the name of a definition file")
        size = path.stat().st_size
        if size > LARGEST:
            raise InputError(path, "is too large for a definition file", found=f"{size} bytes")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(path, "is not UTF-8 text", where=f"byte {error.start}") from error
    return parse_definition(text, path)


def parse_definition(text: str, path: Path) -> Definition:
    """Take the text of a definition file apart; raises InputError as `read_definition` does."""
    header: dict[str, str] = {}
    sections: list[Section] = []
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _SECTION.match(line)]
    for number, line in enumerate(lines[: starts[0] if starts else len(lines)], start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _KEYWORD.fullmatch(line.strip())
        if not match:
            raise InputError(path, "has a line that is no keyword", where=f"line {number}", found=line.strip()[:60])
        header[match["key"].lower()] = match["value"].strip()
    for start, end in pairwise([*starts, len(lines)]):
        sections.append(_section(lines[start], start + 1, "\n".join(lines[start + 1 : end])))
    return Definition(path, text, header, tuple(sections))


def _section(heading: str, line: int, text: str) -> Section:
    match = _SECTION.match(heading)
    if match is None:
        raise ValueError(f"no section begins in line {line}")
    name, rest = match["name"].lower(), match["rest"].strip()
    app = ""
    if name in APP_SECTIONS:
        app, _, rest = rest.partition(" ")
    return Section(name, app, rest.strip(), text, line)
