"""Which column of a text list is what: names, permitted values, and how the order is found out.

Ranges (facts): a right ascension is 0 to 360 degrees, a declination -90 to 90; the public list of 2007 to 2017
has 13 to 263 hits, errors of 0.1 to 1.0 degrees and times from MJD 54138 to 58118.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from legacy.errors import NotConvertibleError, UsageError, nearest

IGNORED = "-"

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
BRACKETS = re.compile(r"\[[^\]]*\]|\([^)]*\)|\{[^}]*\}")


@dataclass(frozen=True, slots=True)
class ListColumn:
    """A column that is known.

    Parameters
    ----------
    name
        The column of ``/events``.
    text
        What it is, for messages.
    low, high
        Least and greatest value that is possible.
    whole
        True for integers.
    """

    name: str
    text: str
    low: float
    high: float
    whole: bool = False

    def value(self, word: str) -> float | None:
        """Return the value of a word, None if it is no number or not possible here."""
        found = number(word)
        if found is None or not self.low <= found <= self.high:
            return None
        return None if self.whole and found != int(found) else found

    @property
    def expected(self) -> str:
        """What a message says about permitted values."""
        return f"{self.text} from {self.low:g} to {self.high:g}"


COLUMNS = {
    column.name: column
    for column in (
        ListColumn("ra", "right ascension, degrees,", 0, 360),
        ListColumn("dec", "declination, degrees,", -90, 90),
        ListColumn("n_hits", "number of hits", 1, 1_000_000, whole=True),
        ListColumn("angular_error", "angular error, degrees,", 0, 180),
        ListColumn("mjd", "Modified Julian Date", 50_000, 70_000),
    )
}
_SPELLINGS = {
    "ra": "ra",
    "r.a.": "ra",
    "raj2000": "ra",
    "dec": "dec",
    "decl": "dec",
    "decl.": "dec",
    "dec.": "dec",
    "dej2000": "dec",
    "decj2000": "dec",
    "declination": "dec",
    "nhit": "n_hits",
    "nhits": "n_hits",
    "n_hit": "n_hits",
    "n_hits": "n_hits",
    "beta": "angular_error",
    "angular_error": "angular_error",
    "mjd": "mjd",
}
_UNIT_AT_THE_END = re.compile(
    r"(?P<base>.+)[_/](?P<unit>deg|degrees?|d|days?|utc|m?rad|radians?|h|hrs?|hours?|hms|arcmin|arcsec|tai|tt|tdb|gps)"
)
_MAX_PUBLIC_ERROR = 10.0


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of a list are.

    Parameters
    ----------
    names
        Column of ``/events`` for each column of the list, ``-`` for one that is ignored.
    titles
        What the list itself calls them, ``""`` where it does not.
    origin
        How this is known.
    from_values
        True if it follows from the values alone.
    """

    names: tuple[str, ...]
    titles: tuple[str, ...]
    origin: str
    from_values: bool = False


def number(word: str) -> float | None:
    """Return the value of a decimal number, None if the word is none or it is too large.

    ``nan``, ``inf`` and ``1_000`` are Python's numbers and nobody else's.
    """
    if not _NUMBER.fullmatch(word):
        return None
    value = float(word)
    return value if math.isfinite(value) else None


def split(line: str) -> list[str]:
    """Split a line at its commas or semicolons, else at spaces and tabs."""
    for separator in (",", ";"):
        if separator in line:
            return [word.strip() for word in line.split(separator)]
    return line.split()


def known_as(title: str) -> str:
    """Return the column that a list calls `title`, whatever unit stands at its end; `IGNORED` for none."""
    word = title.strip().lower()
    found = _UNIT_AT_THE_END.fullmatch(word)
    return _SPELLINGS.get(word) or _SPELLINGS.get(found["base"] if found else "", IGNORED)


def unit_at_the_end(title: str) -> str:
    """Return the unit at the end of a name such as ``ra_deg``, ``""`` without one."""
    found = _UNIT_AT_THE_END.fullmatch(title.strip().lower())
    return found["unit"] if found else ""


def columns_asked_for(names: Sequence[str]) -> Layout:
    """Return the layout that the user named.

    Parameters
    ----------
    names
        Words such as ``ra``, ``decl``, ``nhit``, ``beta``, ``mjd``, ``-``.

    Raises
    ------
    UsageError
        A name is unknown or repeated, or one of RA and Dec is missing.
    """
    found: list[str] = []
    for name in names:
        column = IGNORED if name == IGNORED else _SPELLINGS.get(name.strip().lower())
        if column is None:
            known = ["ra", "dec", "decl", "nhit", "n_hits", "beta", "angular_error", "mjd", IGNORED]
            raise UsageError(f"--columns: unknown column '{name}'; {nearest(name, known)}")
        if column != IGNORED and column in found:
            raise UsageError(f"--columns: '{name}' is named twice")
        found.append(column)
    if not {"ra", "dec"} <= set(found):
        raise UsageError("--columns: an event list needs both ra and dec")
    return Layout(tuple(found), ("",) * len(found), "named by the user")


def columns_from_names(header: Sequence[str], width: int) -> Layout | None:
    """Look for a line that names the columns.

    Parameters
    ----------
    header
        Lines before the first event.
    width
        Number of columns.

    Returns
    -------
    Layout or None
        None if no line names RA and Dec among `width` names, each at most once.
    """
    for line in reversed(header):
        titles = split(BRACKETS.sub(" ", line.lstrip("# ")))
        names = [known_as(title) for title in titles]
        known = [name for name in names if name != IGNORED]
        if len(titles) == width and {"ra", "dec"} <= set(known) and len(known) == len(set(known)):
            return Layout(tuple(names), tuple(titles), "named by the list itself")
    return None


def columns_to_try(path: Path, words: Sequence[str], line: int) -> tuple[Layout, Layout]:
    """Return both orders in which a list without names can have the five public columns.

    Parameters
    ----------
    path
        The list, for the message.
    words
        Values of its first event.
    line
        Number of that line.

    Raises
    ------
    InputError
        The values are not those of the public columns.
    """
    tail = ("n_hits", "angular_error", "mjd")
    fits = len(words) == 5 and all(
        COLUMNS[name].value(word) is not None for name, word in zip(tail, words[2:], strict=True)
    )
    if not fits or float(words[3]) > _MAX_PUBLIC_ERROR:
        # Any table of numbers may look like a list of events: one in a folder is passed over, one that is named is not.
        raise NotConvertibleError(
            path,
            "the columns of this list are not known",
            where=f"line {line}",
            expected="RA, Dec, number of hits, angular error and MJD, or a line with the names of the columns",
            found=" ".join(words)[:80],
            advice="name them, such as --columns ra,dec,nhit,beta,mjd with - for a column to ignore",
        )
    titles = ("",) * 5
    return (
        Layout(("ra", "dec", *tail), titles, "only in this order has every event a possible direction", True),
        Layout(("dec", "ra", *tail), titles, "only in this order has every event a possible direction", True),
    )
