"""Names that every HDF5 library takes, made from whatever a source calls its fields.

PyTables refuses Python keywords and names that are no identifiers; km3pipe's tables have attributes of their
own, and a column called like one of them cannot be read there (tried with PyTables 3.11 and km3pipe 11).
"""

import keyword
import re
from collections.abc import Collection

_KM3PIPE_ATTRIBUTES = frozenset({"name", "h5loc", "split_h5", "h5singleton"})
_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_UNSAFE = re.compile(r"[^a-z0-9]+")
_MAX_LENGTH = 56


def snake_case(text: str) -> str:
    """Write a name in lower case with underscores between its words.

    Parameters
    ----------
    text
        Any text, such as ``nUsedHits``.

    Returns
    -------
    str
        Letters, digits and single underscores only, such as ``n_used_hits``.
    """
    return _UNSAFE.sub("_", _WORD_BOUNDARY.sub("_", text).lower()).strip("_")


def safe_name(text: str, taken: Collection[str] = ()) -> str:
    """Make the name of a column or table.

    Parameters
    ----------
    text
        A name of letters, digits and underscores, from `snake_case`.
    taken
        Names that are in use already.

    Returns
    -------
    str
        `text`, changed only where a library would refuse it or where it is taken.
    """
    name = text[:_MAX_LENGTH] or "unnamed"
    if name[0].isdigit():
        name = f"n_{name}"
    if keyword.iskeyword(name) or name in _KM3PIPE_ATTRIBUTES:
        name = f"{name}_"
    unique, number = name, 2
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique


def printable(text: str, length: int = 90) -> str:
    """Return at most `length` characters of `text` with everything unprintable replaced."""
    shown = "".join(character if character.isprintable() else "?" for character in text)
    return shown if len(shown) <= length else shown[: length - 3] + "..."
