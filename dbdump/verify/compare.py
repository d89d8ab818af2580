"""Compares the aggregates that the source computed with those that the image gave.

Everything is exact but the total of floats. Adding *n* doubles in another order changes their sum by at most
``(n - 1) u`` times the sum of their magnitudes, with ``u = 2**-53`` (N. J. Higham, Accuracy and Stability of Numerical
Algorithms, section 4.2, to first order). Both sides may be that far from the true sum, so twice that is allowed, and
the sum of magnitudes is computed from the image. A change of one float below this bound is not seen by its total: the
digest of level 2 sees it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from dbdump.sources.contract import Aggregate
from dbdump.stored import Form, StoredColumn
from dbdump.verify.canon import aggregated
from dbdump.verify.report import Difference

_UNIT_ROUNDOFF = 2.0**-53
_FLOATS = ("float", "double")


@dataclass(frozen=True, slots=True)
class ImageAggregate:
    """Aggregates of a column of the image, and what its sum of floats may be wrong by.

    Parameters
    ----------
    aggregate
        As the source computes them too.
    slack
        Largest difference of `Aggregate.total` that the order of adding explains; 0 for exact types.
    """

    aggregate: Aggregate
    slack: float = 0.0


def sum_slack(values: int, magnitude: float) -> float:
    """Return by how much two sums of the same floats may differ.

    Parameters
    ----------
    values
        How many are finite.
    magnitude
        Sum of their absolute values.
    """
    return 2.0 * values * _UNIT_ROUNDOFF * magnitude


def compare(
    table: str,
    columns: Sequence[StoredColumn],
    source: Mapping[str, Aggregate],
    image: Mapping[str, ImageAggregate],
) -> tuple[list[Difference], list[str]]:
    """Return the differences of the aggregates of a table, and sentences about what could not be compared."""
    differences: list[Difference] = []
    notes: list[str] = []
    for column in aggregated(columns):
        ours, theirs = image[column.name], source.get(column.name)
        if theirs is None:
            notes.append(f"{table}, column {column.name}: the source gives no aggregates of it; not compared")
            continue
        theirs, withheld = _without_gaps(theirs, ours.aggregate)
        if withheld:
            notes.append(f"{table}, column {column.name}: the source gives no {', '.join(withheld)}; not compared")
        differences += [
            Difference(table, column.name, fact, _told(left), _told(right))
            for fact, left, right in _facts(column, theirs, ours.aggregate)
            if left != right and not _same_number(column, fact, left, right)
        ]
        total = _compare_totals(table, column, theirs.total, ours)
        if isinstance(total, str):
            notes.append(total)
        elif total is not None:
            differences.append(total)
    return differences, notes


def _without_gaps(theirs: Aggregate, ours: Aggregate) -> tuple[Aggregate, list[str]]:
    """Fill in what the source cannot compute, and name it.

    With as many NULLs and special values as the image it has values too: None does not mean that there are none.
    """
    if (theirs.nulls, theirs.special) != (ours.nulls, ours.special):
        return theirs, []
    known = {"low": (theirs.low, ours.low), "high": (theirs.high, ours.high), "total": (theirs.total, ours.total)}
    gaps = {fact: mine for fact, (their, mine) in known.items() if their is None and mine is not None}
    filled = Aggregate(
        theirs.nulls,
        gaps.get("low", theirs.low),
        gaps.get("high", theirs.high),
        gaps.get("total", theirs.total),
        theirs.special,
    )
    return filled, list(gaps)


def _facts(column: StoredColumn, theirs: Aggregate, ours: Aggregate) -> list[tuple[str, str | None, str | None]]:
    facts = [
        ("nulls", str(theirs.nulls), str(ours.nulls)),
        ("low", theirs.low, ours.low),
        ("high", theirs.high, ours.high),
    ]
    if column.arrow in _FLOATS or column.form == Form.NUMBER_TEXT:
        facts.append(("special", str(theirs.special), str(ours.special)))
    return facts


def _compare_totals(
    table: str, column: StoredColumn, theirs: str | None, ours: ImageAggregate
) -> Difference | str | None:
    """Return a difference, a sentence about why the totals cannot be compared, or None where they are the same."""
    mine = ours.aggregate.total
    if theirs == mine or _same_number(column, "total", theirs, mine):
        return None
    difference = Difference(table, column.name, "total", _told(theirs), _told(mine))
    if theirs is None or mine is None or column.arrow not in _FLOATS:
        return difference
    try:
        left, right = float(theirs), float(mine)
    except ValueError:
        return difference
    if not (math.isfinite(left) and math.isfinite(right) and math.isfinite(ours.slack)):
        return f"{table}, column {column.name}: its sum is too large for a double; totals not compared"
    return None if abs(left - right) <= ours.slack else difference


def _same_number(column: StoredColumn, fact: str, left: str | None, right: str | None) -> bool:
    """Whether two texts are the same number, written differently: ``-0.0`` and ``0.0`` are the same bound."""
    if left is None or right is None or not _is_number(column, fact):
        return False
    try:
        return Decimal(left) == Decimal(right)
    except InvalidOperation:
        return False


def _is_number(column: StoredColumn, fact: str) -> bool:
    numbers = (*_FLOATS, "int32", "int64")
    return fact == "total" or column.arrow in numbers or column.arrow.startswith("decimal128")


def _told(text: str | None) -> str:
    return "none" if text is None else text
