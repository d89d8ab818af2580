"""What a text list says about the units of its columns, against those that are read: degrees, and days in UTC.

Nothing is converted: a list that names other units is refused. Units are looked for where lists have them: in
brackets after a name (``RA [deg]``), at its end (``ra_deg``), in a line of units below the names, and in the head of
ECSV text (``- {name: ra, unit: rad, ...}``).
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from converters.readers.event_list_columns import BRACKETS, Layout, known_as, split, unit_at_the_end
from converters.readers.safe_names import printable
from legacy.errors import InputError

_ANGLES = frozenset({"ra", "dec", "angular_error"})
_OTHER_ANGLE = re.compile(
    r"(?<![a-z])(m?rad(ians?)?|h|hrs?|hours?|hour_?angle|[hd]:?m:?s|arc[ -]?(min|sec)(ute|ond)?s?|mas|gon)(?![a-z])"
)
_OTHER_TIME = re.compile(r"(?<![a-z])(tai|tt|td[bt]|tc[bg]|gps|ut1|local|ces?t|s|sec(onds?)?|h|hours?)(?![a-z])")
_MARKS = frozenset("'\"")
_UNIT = re.compile(r"deg(rees?)?|d(ays?)?|utc|mjd|-|hits?")
_MANY, _HOURS_OF_A_DAY = 20, 24.0
_ECSV = re.compile(r"name: *['\"]?([^,'\"}]+?)['\"]? *,.*?unit: *['\"]?([^,'\"}]+)")


def check_units(path: Path, header: Sequence[str], layout: Layout) -> None:
    """Refuse a list that says other units than degrees and UTC of a column that is read.

    Parameters
    ----------
    path
        The list, for the message.
    header
        Lines before the first event.
    layout
        What its columns are.

    Raises
    ------
    InputError
        It says so.
    """
    for column, unit in _stated(header, layout):
        if _is_other(column, unit):
            raise InputError(
                path,
                "the list says another unit",
                where="the lines before the first event",
                expected="days in UTC" if column == "mjd" else "degrees",
                found=f"{column} in '{printable(unit.strip(), 40)}'",
                advice="convert the numbers and correct the name; or, if only the name is wrong, say so with --columns",
            )


def _is_other(column: str, unit: str) -> bool:
    """Say if the words in a bracket name a unit that the column must not have."""
    words = unit.lower().strip()
    if column == "mjd":
        return _OTHER_TIME.search(words) is not None
    return column in _ANGLES and (words in _MARKS or _OTHER_ANGLE.search(words) is not None)


def _stated(header: Sequence[str], layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield columns and what the list says about their units."""
    for line in header:
        if found := _ECSV.search(line):
            yield known_as(found[1]), found[2]
            continue
        cells = _cells(line)
        names = [known_as(title) for title, _ in cells]
        if len(cells) == len(layout.names) and {"ra", "dec"} <= set(names):
            yield from zip(names, (unit for _, unit in cells), strict=True)
            yield from zip(names, (unit_at_the_end(title) for title, _ in cells), strict=True)
        elif _are_units(cells):
            placed = layout.names if len(cells) == len(layout.names) else ("angular_error",) * len(cells)
            yield from zip(placed, (title or unit for title, unit in cells), strict=True)


def _cells(line: str) -> list[tuple[str, str]]:
    """Split a line into names and what stands in brackets after each."""
    units: list[str] = []

    def mark(match: re.Match[str]) -> str:
        units.append(match[0].strip()[1:-1])
        return f"\0{len(units) - 1} "

    marked = re.sub(rf" *(?:{BRACKETS.pattern})", mark, line.lstrip("# ").replace("\0", " "))
    words = [word.strip() for word in marked.split("\t")] if "\t" in marked else split(marked)
    parts = [word.partition("\0") for word in words]
    return [(title.strip(), units[int(number.split()[0])] if number else "") for title, _, number in parts]


def _are_units(cells: Sequence[tuple[str, str]]) -> bool:
    """Say if a line has nothing but units."""
    words = [(title or unit).lower() for title, unit in cells]
    known = [_UNIT.fullmatch(word) or _OTHER_ANGLE.fullmatch(word) or _OTHER_TIME.fullmatch(word) for word in words]
    return any(words) and all(found or not word for found, word in zip(known, words, strict=True))


def may_be_hours(largest_ra: float, n_events: int) -> bool:
    """Say if so many right ascensions are so small that they may be hours or radians."""
    return n_events >= _MANY and largest_ra <= _HOURS_OF_A_DAY
