"""Takes shell text apart into commands and uses of variables; runs nothing.

It knows the parts of the POSIX shell grammar (IEEE 1003.1, chapter 2) that decide where a command begins: quotes,
comments, continued lines, here-documents, substitutions and ``case``. What it cannot follow makes it give up with
`UnclearShell` rather than guess; the syntax itself is checked by the shell (`containers.lint.syntax`).
"""

import re
from dataclasses import dataclass, field

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_GUARDS = (":-", "-", ":=", "=", ":+", "+", ":?", "?")
_DEEPEST = 40


class UnclearShell(Exception):  # noqa: N818  it is no error of the text
    """The text is more than this reader follows."""


@dataclass(frozen=True, slots=True)
class Command:
    """A simple command.

    Parameters
    ----------
    line
        Its line in the text, from 1.
    words
        Its words without their quotes; ``$NAME`` stays, ``$(...)`` becomes ``$()``.
    piped
        Its output goes into the next command.
    """

    line: int
    words: tuple[str, ...]
    piped: bool = False


@dataclass(frozen=True, slots=True)
class VariableUse:
    """A variable whose value is taken without saying what to do when it is not set."""

    line: int
    name: str


@dataclass(slots=True)
class ShellText:
    """What was found in a text.

    Parameters
    ----------
    commands
        In the order of their ends.
    uses
        Variables that are used.
    given_defaults
        Names of variables that the text sets where they are not set.
    """

    commands: list[Command] = field(default_factory=list)
    uses: list[VariableUse] = field(default_factory=list)
    given_defaults: set[str] = field(default_factory=set)


def read_shell(text: str) -> ShellText:
    """Take a shell text apart; raises UnclearShell when it cannot be followed."""
    reader = _Reader(text)
    reader.read_list("")
    return reader.found


class _Reader:
    """Goes through the text once, from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.line = 1
        self.depth = 0
        self.heredocs: list[tuple[str, bool, bool]] = []
        self.found = ShellText()

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def take(self) -> str:
        char = self.text[self.at : self.at + 1]
        if not char:
            raise UnclearShell("the text ends within a quote")
        self.at += 1
        self.line += char == "\n"
        return char

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise UnclearShell("substitutions are nested too deeply")

    def read_list(self, end: str) -> None:
        """Read commands up to `end`: ``""`` for all of the text, else ``)`` or a backquote."""
        self.deeper()
        open_cases = 0
        while True:
            words, line = self.read_command(end)
            first = next((word for word in words if word not in _RESERVED), "")
            open_cases += (first == "case") - words.count("esac")
            separator = self.take() if self.at < len(self.text) else ""
            piped = separator == "|" and self.peek() != "|"
            if words:
                self.found.commands.append(Command(line, tuple(words), piped))
            if separator == "":
                if end:
                    raise UnclearShell("a substitution has no end")
                break
            if separator == "\n":
                self.skip_heredocs()
            elif separator == "(":
                self.read_list(")")
            elif separator == end and open_cases <= 0:
                break
        self.depth -= 1

    def read_command(self, end: str) -> tuple[list[str], int]:
        """Read words up to a separator, which is left."""
        words: list[str] = []
        line = self.line
        while self.at < len(self.text):
            char = self.peek()
            if char in " \t\r":
                self.take()
            elif self.peek(2) == "\\\n":
                self.take()
                self.take()
            elif char == "#":
                self.skip_comment()
            elif char in "\n;&|()" or (char == "`" == end):
                if self.peek(2) != "&>":
                    break
                self.take()
            elif char in "<>":
                self.read_redirection(words)
            else:
                line = line if words else self.line
                words.append(self.read_word(end))
        return words, line

    def skip_comment(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end

    def read_redirection(self, words: list[str]) -> None:
        if self.peek(3) == "<<<":
            self.at += 3
        elif self.peek(2) == "<<":
            self.at += 2
            stripped = self.peek() == "-"
            self.at += stripped
            while self.peek() in (" ", "\t"):
                self.take()
            start = self.at
            delimiter = self.read_word("")
            quoted = any(mark in self.text[start : self.at] for mark in "'\"\\")
            self.heredocs.append((delimiter, stripped, quoted))
        elif self.peek(2) in ("<(", ">("):
            self.at += 2
            self.read_list(")")
        else:
            words.append(self.take())
            while self.peek() and self.peek() in "<>&|":
                self.take()

    def skip_heredocs(self) -> None:
        """Go past the bodies of here-documents; an unquoted one is expanded, so its variables are used."""
        waiting, self.heredocs = self.heredocs, []
        for delimiter, stripped, quoted in waiting:
            while True:
                end = self.text.find("\n", self.at)
                end = len(self.text) if end < 0 else end
                body = self.text[self.at : end]
                if (body.lstrip("\t") if stripped else body) == delimiter or self.at >= len(self.text):
                    self.at = end
                    break
                self.read_body_line(end, quoted=quoted)
                if self.at < len(self.text):
                    self.take()
            if self.at < len(self.text):
                self.take()

    def read_body_line(self, end: int, *, quoted: bool) -> None:
        while self.at < end:
            char = self.take()
            if not quoted and char == "\\" and self.at < end:
                self.take()
            elif not quoted and char == "$":
                self.read_dollar(quoted=True)

    def read_word(self, end: str) -> str:
        parts: list[str] = []
        while self.at < len(self.text):
            char = self.peek()
            if char in " \t\r\n;&|()<>" or (char == "`" == end):
                break
            self.take()
            if char == "\\":
                following = self.take() if self.at < len(self.text) else ""
                parts.append("" if following == "\n" else following)
            elif char == "'":
                parts.append(self.read_single())
            elif char == '"':
                parts.append(self.read_double())
            elif char == "$":
                parts.append(self.read_dollar(quoted=False))
            elif char == "`":
                self.read_list("`")
                parts.append("$()")
            else:
                parts.append(char)
        return "".join(parts)

    def read_single(self) -> str:
        start = self.at
        while self.take() != "'":
            pass
        return self.text[start : self.at - 1]

    def read_double(self) -> str:
        parts: list[str] = []
        while (char := self.take()) != '"':
            if char == "\\":
                following = self.take()
                parts.append(following if following in '$`"\\' else "" if following == "\n" else "\\" + following)
            elif char == "$":
                parts.append(self.read_dollar(quoted=True))
            elif char == "`":
                self.read_list("`")
                parts.append("$()")
            else:
                parts.append(char)
        return "".join(parts)

    def read_dollar(self, *, quoted: bool) -> str:
        """Read what follows a ``$``."""
        self.deeper()
        value = self.read_value(quoted=quoted)
        self.depth -= 1
        return value

    def read_value(self, *, quoted: bool) -> str:
        if self.peek(2) == "((":
            self.skip_arithmetic()
            return "$()"
        char = self.peek()
        if char == "(":
            self.take()
            self.read_list(")")
            return "$()"
        if char == "{":
            self.take()
            return self.read_braces()
        if char == "'" and not quoted:
            self.take()
            while (char := self.take()) != "'":
                if char == "\\":
                    self.take()
            return "$''"
        match = _NAME.match(self.text, self.at)
        if match:
            self.at = match.end()
            self.found.uses.append(VariableUse(self.line, match[0]))
            return "$" + match[0]
        return "$"

    def read_braces(self) -> str:
        line = self.line
        if self.peek() in ("#", "!") and _NAME.match(self.text, self.at + 1):
            self.take()
        match = _NAME.match(self.text, self.at)
        name = match[0] if match else ""
        self.at += len(name)
        guarded = self.peek(2).startswith(_GUARDS)
        if name and not guarded:
            self.found.uses.append(VariableUse(line, name))
        if self.peek(2).startswith((":=", "=")):
            self.found.given_defaults.add(name)
        while (char := self.take()) != "}":
            if char == "\\":
                self.take()
            elif char == "$":
                self.read_dollar(quoted=True)
            elif char == '"':
                self.read_double()
            elif char == "`":
                self.read_list("`")
        return "${" + name + "}"

    def skip_arithmetic(self) -> None:
        depth = 0
        while True:
            char = self.take()
            depth += (char == "(") - (char == ")")
            if depth == 0:
                return


_RESERVED = frozenset({"do", "then", "else", "elif", "if", "while", "until", "!", "{", "time", "in"})
