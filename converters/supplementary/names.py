"""What the names and units of columns say, against what a table must hold: another unit is refused, not converted."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from converters.supplementary.model import COLUMNS, Column, Content
from legacy.errors import CorruptInputError


def _no_log_of_gev(name: str) -> bool:
    prefixes = set(re.findall(r"(?<![A-Za-z])([kMGTPEZ]?)eV(?![A-Za-z])", name))
    return bool(prefixes) and (prefixes != {"G"} or not re.search(r"(?i)log", name))


def _no_square_metres(name: str) -> bool:
    return re.search(r"(?<![A-Za-z])[cdkm]m(?![A-Za-z])|barn", name) is not None


def _no_degrees(name: str) -> bool:
    return re.search(r"(?i)\bm?rad\b|radian|arc|log|cos", name) is not None


def _no_fraction(name: str) -> bool:
    return re.search(r"(?i)%|per ?cent|density|/ *sr", name) is not None


_ENERGY = (_no_log_of_gev, "log10 of the energy in GeV")
_CONTRARY: Mapping[Content, tuple[tuple[Callable[[str], bool], str], ...]] = {
    Content.EFFECTIVE_AREA: (_ENERGY, _ENERGY, (_no_square_metres, "square metres")),
    Content.PSF: ((_no_degrees, "degrees"), (_no_fraction, "the part of all events within the angle, 0 to 1")),
}
"""For each column: whether its name in the source says another unit than that expected."""


def check_names(path: Path, content: Content, names: Sequence[str]) -> None:
    """Refuse numbers whose own names say that they are in another unit than their description has them.

    Parameters
    ----------
    path
        For messages.
    content
        What the description says.
    names
        Names of the columns in the source; empty if it has none.

    Raises
    ------
    CorruptInputError
        A name such as ``AEFF/cm2`` or ``E/TeV``.
    """
    rules = _CONTRARY.get(content, ())
    if len(names) != len(rules):
        return
    for number, (name, (contrary, expected)) in enumerate(zip(names, rules, strict=True), start=1):
        if contrary(name):
            raise CorruptInputError(
                path,
                "the name of a column says another unit",
                where=f"column {number}",
                expected=expected,
                found=f"'{name[:60]}'",
                advice="convert the numbers, or correct the name",
            )


def check_ecsv(path: Path, content: Content, head: Mapping[str, Any], names: Sequence[str]) -> None:
    """Refuse annotated text with other columns, another order or other units than those of the products.

    Raises
    ------
    CorruptInputError
        The head or the line of names says something else.
    """
    columns = COLUMNS[content]
    wanted = [column.name for column in columns]
    if list(names) != wanted:
        raise _other(path, "names", wanted, list(names))
    given = head.get("datatype", [])
    if not isinstance(given, list) or not all(isinstance(item, dict) for item in given):
        raise _other(path, "head", wanted, type(given).__name__)
    if given and [item.get("name") for item in given] != wanted:
        raise _other(path, "head", wanted, [item.get("name") for item in given])
    for column, item in zip(columns, given, strict=False):
        _check_unit(path, column, item.get("unit", ""))


def _check_unit(path: Path, column: Column, unit: object) -> None:
    # Other programs write m2 for m**2, and blanks for points.
    if re.sub(r"[*. ]", "", str(unit)) != re.sub(r"[*. ]", "", column.unit):
        raise _other(path, f"unit of {column.name}", column.unit or "none", unit)


def _other(path: Path, where: str, expected: object, found: object) -> CorruptInputError:
    return CorruptInputError(
        path,
        "other columns than those of its content",
        where=where,
        expected=str(expected),
        found=str(found)[:200],
        advice="names, order and units must be those of the products; convert the original again",
    )
