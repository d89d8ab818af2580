"""The shell texts of a recipe: sections of the definition, and script files beside it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from containers.definition import APP_SCRIPTS, SCRIPT_SECTIONS, Definition, Section
from containers.lint.shell_words import Command, ShellText, UnclearShell, read_shell

ENVIRONMENT_SECTIONS = frozenset({"environment", "appenv"})
TEST_SECTIONS = frozenset({"test", "apptest"})
STRICT_SECTIONS = frozenset({"setup", "post", "test", "appinstall", "apptest"})
"""Sections in which a failing command must end the script."""
_ARGUMENT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_RESERVED = frozenset({"do", "then", "else", "elif", "if", "while", "until", "!", "{", "time"})
_WRAPPERS = frozenset({"exec", "env", "command", "nice", "nohup", "sudo", "eatmydata", "stdbuf", "setsid", "ionice"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=")


@dataclass(frozen=True, slots=True)
class Script:
    """A shell text.

    Parameters
    ----------
    path
        The file it is in.
    name
        ``%post``, ``%apptest inspect``, or the name of a file.
    kind
        Name of the section; ``file`` for a file of its own, ``test`` for ``test.sh``.
    interpreter
        Base name of the program that runs it, such as ``sh``.
    text
        The text, with every ``{{ NAME }}`` replaced by a word.
    first
        Number of its first line in the file.
    """

    path: Path
    name: str
    kind: str
    interpreter: str
    text: str
    first: int

    @property
    def is_shell(self) -> bool:
        """It is written in a shell language that this lint can follow."""
        return self.interpreter in {"sh", "dash", "bash"}

    def line(self, number: int) -> int:
        """Return the line in the file of line `number` of the text."""
        return self.first + number - 1


def section_scripts(definition: Definition) -> tuple[Script, ...]:
    """Return the sections of a definition that a shell runs."""
    names = SCRIPT_SECTIONS | APP_SCRIPTS | ENVIRONMENT_SECTIONS
    return tuple(_of_section(definition.path, section) for section in definition.sections if section.name in names)


def file_scripts(folder: Path) -> tuple[Script, ...]:
    """Return the shell scripts that lie in the folder of a recipe; those that are no text are left out."""
    found: list[Script] = []
    for path in sorted(folder.glob("*.sh")):
        if path.is_file() and path.stat().st_size <= 1 << 20:
            text = path.read_text(encoding="utf-8", errors="replace")
            kind = "test" if path.name == "test.sh" else "file"
            found.append(Script(path, path.name, kind, _interpreter("", text), text, 1))
    return tuple(found)


def _of_section(path: Path, section: Section) -> Script:
    name = f"%{section.name} {section.app}".rstrip()
    text = _ARGUMENT.sub(lambda match: match[1], section.text)
    return Script(path, name, section.name, _interpreter(section.options, text), text, section.line + 1)


def _interpreter(options: str, text: str) -> str:
    """Return what runs a script: ``-c PROGRAM`` of the section's first line, a ``#!`` line, or sh."""
    words = options.split()
    if "-c" in words[:-1]:
        return Path(words[words.index("-c") + 1]).name
    for line in text.splitlines():
        if line.strip():
            shebang = line.strip().removeprefix("#!").split() if line.strip().startswith("#!") else []
            names = [Path(word).name for word in shebang if not word.startswith("-")]
            return next((name for name in names if name != "env"), "sh")
    return "sh"


@cache
def shell_text(script: Script) -> ShellText | None:
    """Take a script apart; None when it is no shell script, or cannot be followed."""
    if not script.is_shell:
        return None
    try:
        return read_shell(script.text)
    except UnclearShell:
        return None


def commands(script: Script) -> Iterator[tuple[Command, tuple[str, ...]]]:
    """Yield every command of a script, with its words from the program's name on."""
    text = shell_text(script)
    for command in text.commands if text else ():
        words = program_words(command.words)
        if words:
            yield command, words


def program_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words from the program's name on: without reserved words, assignments and ``exec``, ``env``..."""
    at, wrapped = 0, False
    while at < len(words):
        word = words[at]
        name = word.rpartition("/")[2]
        if name == "timeout":
            at += 1
            while at < len(words) and (words[at].startswith("-") or words[at][:1].isdigit()):
                at += 1
            continue
        if name == "command" and words[at + 1 : at + 2] in {("-v",), ("-V",)}:
            return words[at:]  # it only asks whether there is such a program
        wrapped = wrapped or name in _WRAPPERS
        skipped = word in _RESERVED or name in _WRAPPERS or _ASSIGNMENT.match(word)
        if not skipped and not (wrapped and word.startswith("-")):
            return (name, *words[at + 1 :])
        at += 1
    return ()
