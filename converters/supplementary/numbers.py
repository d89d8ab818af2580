"""Numbers out of text: rows of equal length, separated by blanks, tabs, commas or semicolons."""

import math
import re
from pathlib import Path

import numpy as np

from converters.supplementary.model import Floats
from legacy.errors import CorruptInputError, InputError

LARGEST_FILE = 64 << 20
"""Bytes. Published tables have kilobytes."""
_SEPARATOR = re.compile(r"[\s,;]+")
_EMPTY_CELL = re.compile(r"^\s*[,;]|[,;]\s*[,;]")
_COMMA_INSIDE = re.compile(r"\d,[-+.\d]")
_OTHER_SEPARATOR = re.compile(r"[\d.](?:\s*;\s*|\s+)[-+.\d]")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def read_text(path: Path) -> str:
    """Read a text file of reasonable size.

    Raises
    ------
    InputError
        It cannot be read.
    CorruptInputError
        It is too large, or no text.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise CorruptInputError(path, "larger than 64 MB", expected="a table of a publication")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", advice="check name and permissions") from error
    except UnicodeDecodeError as error:
        raise CorruptInputError(path, "no text", where=f"byte {error.start}", expected="numbers") from error


def parse_rows(path: Path, text: str) -> Floats:
    """Return the numbers of a text.

    Lines that begin with ``#`` and empty lines are passed over; so is a first line without any number, the names
    of the columns.

    Parameters
    ----------
    path
        For messages.
    text
        The text.

    Returns
    -------
    numpy.ndarray
        Shape (rows, columns).

    Raises
    ------
    CorruptInputError
        No row, a row of another length, or something that is no finite number.
    """
    rows: list[list[float]] = []
    width = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not width and not _has_number(line):
            width = len(_names(line))
            continue
        cells = _cells(path, number, line)
        if width and len(cells) != width:
            raise CorruptInputError(
                path,
                "a row of another length",
                where=f"line {number}",
                expected=f"{width} columns",
                found=str(len(cells)),
                advice="is the file cut? fetch it again",
            )
        width = len(cells)
        rows.append([_number(path, number, cell) for cell in cells])
    if not rows:
        raise CorruptInputError(path, "has no row of numbers", expected="a table")
    return np.array(rows, dtype=np.float64)


def column_names(text: str, width: int) -> tuple[str, ...]:
    """Return the names of the columns: the first line without numbers, or a last comment with as many words.

    Parameters
    ----------
    text
        The text.
    width
        Number of columns.

    Returns
    -------
    tuple of str
        Empty if the text has no names.
    """
    comment = ""
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            comment = line.lstrip(" \t#")
        elif line.strip():
            names = _names(comment if _has_number(line) else line)
            return names if len(names) == width else ()
    return ()


def _names(line: str) -> tuple[str, ...]:
    """Take names of columns apart; between tabs, commas or semicolons they may hold blanks."""
    parts = re.split(r"[\t,;]", line) if re.search(r"[\t,;]", line.strip()) else line.split()
    return tuple(part.strip() for part in parts if part.strip())


def _has_number(line: str) -> bool:
    return any(_is_number(cell) for cell in _SEPARATOR.split(line.strip()))


def _cells(path: Path, number: int, line: str) -> list[str]:
    """Take a row apart; raises CorruptInputError where a cell is empty, or a comma may be that of a decimal."""
    if _EMPTY_CELL.search(line):
        raise CorruptInputError(path, "an empty cell", where=f"line {number}", advice="nothing is taken for 0; fill it")
    if _COMMA_INSIDE.search(line) and _OTHER_SEPARATOR.search(line):
        raise CorruptInputError(
            path,
            "commas within numbers, or two kinds of separators",
            where=f"line {number}",
            expected="decimal points",
            found=f"'{line.strip()[:40]}'",
            advice="write numbers with a point, and one kind of separator",
        )
    return [cell for cell in _SEPARATOR.split(line.strip()) if cell]


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None or cell.lower().strip("+-") in ("nan", "inf", "infinity")


def _number(path: Path, line: int, cell: str) -> float:
    value = float(cell) if _NUMBER.fullmatch(cell) else math.nan
    if not math.isfinite(value):
        raise CorruptInputError(
            path, "not a finite number", where=f"line {line}", found=f"'{cell[:40]}'", advice="correct the table"
        )
    return value
