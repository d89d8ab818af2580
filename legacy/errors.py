"""Every error that antares-legacy raises on purpose, and the exit code each one means.

The library raises, the command line prints one line and exits: 1 an input or a check failed, 2 wrong use,
3 the environment or a server failed.
"""

from pathlib import Path


class AntaresLegacyError(Exception):
    """Base of all errors that have a clear message for the user."""

    exit_code = 1


class UsageError(AntaresLegacyError):
    """The command was used in a way that cannot work; nothing was done."""

    exit_code = 2


class MachineError(AntaresLegacyError):
    """The machine, not the input, is the problem: disk full, no permission to write, a lock held."""

    exit_code = 3


class MissingDependencyError(MachineError):
    """An optional package is needed and not installed.

    Parameters
    ----------
    what
        What needed it, as a user would say it.
    install
        The command that installs it.
    """

    def __init__(self, what: str, install: str) -> None:
        super().__init__(f"{what} needs a package that is not installed; install it with: {install}")


class InputError(AntaresLegacyError):
    """An input file cannot be read as what it claims to be.

    The message says file, place, what was expected, what was found, and what to do.

    Parameters
    ----------
    path
        The file.
    problem
        What is wrong, in a few words.
    where
        Place in the file, such as ``byte 1234`` or ``tree E``.
    expected, found
        What the format demands there, and what stands there instead.
    advice
        The next step for the user.
    """

    def __init__(
        self,
        path: Path | str,
        problem: str,
        *,
        where: str = "",
        expected: str = "",
        found: str = "",
        advice: str = "",
    ) -> None:
        self.path = Path(path)
        self._shown = str(path)
        self.problem = problem
        self.where = where
        self.expected = expected
        self.found = found
        self.advice = advice
        super().__init__(self._message())

    def _message(self) -> str:
        # A Path would make root:/door of root://door.
        parts = [f"{self._shown}: {self.problem}"]
        if self.where:
            parts.append(f"at {self.where}")
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.found:
            parts.append(f"found {self.found}")
        if self.advice:
            parts.append(self.advice)
        return printable("; ".join(parts))

    def __reduce__(self) -> tuple[object, ...]:
        # Worker processes send their errors home; the default would call __init__ with the message alone.
        return (
            _rebuild_input_error,
            (type(self), self._shown, self.problem, self.where, self.expected, self.found, self.advice),
        )


def printable(text: str) -> str:
    """Return `text` as one line that a terminal can show.

    Names and contents of files are foreign: control characters, line breaks and bytes that are no UTF-8 are
    written as escapes.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _rebuild_input_error(
    kind: type[InputError], path: str, problem: str, where: str, expected: str, found: str, advice: str
) -> InputError:
    return kind(path, problem, where=where, expected=expected, found=found, advice=advice)


class UnknownFormatError(InputError):
    """The content of the file is of no known format."""


class NotConvertibleError(InputError):
    """The format is known, but this program cannot turn it into a product."""


class CorruptInputError(InputError):
    """The file is of a known format and damaged."""


class ProductError(InputError):
    """A product exists already and does not match, or does not follow the data model."""


class MetadataError(AntaresLegacyError):
    """A metadata or configuration file has an unknown key or an impossible value."""


def nearest(word: str, known: "list[str]") -> str:
    """Sentence naming the nearest known word, or all of them.

    Parameters
    ----------
    word
        What the user wrote.
    known
        What would have been accepted.

    Returns
    -------
    str
        ``did you mean 'x'?`` or ``known are: a, b, c``.
    """
    from difflib import get_close_matches

    close = get_close_matches(word, known, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    return "known are: " + ", ".join(sorted(known))
