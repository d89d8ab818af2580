"""From an expression to what Rucio can search for.

Rucio's filters are a list of alternatives, each a set of conditions, and they are weaker than our expressions:
JSON keys and columns cannot be mixed (but for ``name``), one condition a key and operator, texts that look like
numbers, times or truth values are converted (``'5.1'`` becomes 5.1 and ``structural`` ``strucTrueal`` ...), ``*``
and ``%`` cannot be escaped, and SQLite compares patterns without regard to case. What is made here therefore
finds all files that match, and perhaps some more; the caller evaluates the expression on what is found.
Read from Rucio 41.5, ``rucio.core.did_meta_plugins.filter_engine``, and tried.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote_plus

from ingest.item import Scalar
from ingest.retrieval.expression import AllOf, Comparison, Expression, Moment, Pattern
from ingest.retrieval.keys import TIME_TOLERANCE
from legacy.errors import UsageError

MAX_ALTERNATIVES = 200
MAX_QUERY = 3500
"""Characters of the filters of one search in its address; web servers refuse addresses above 8 kB."""

_SUFFIX = {"=": "", "!=": ".ne", "<": ".lt", "<=": ".lte", ">": ".gt", ">=": ".gte"}
_EXACT_IN_FLOAT = 2**53
"""Rucio compares JSON numbers as double precision."""
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_TAKEN = frozenset("delete items keys meta metadata next registry save to_dict update values".split())  # noqa: SIM905
"""Keys that Rucio's query builder takes for attributes of its own table."""
_NOT_LITERAL = re.compile(r"[^A-Za-z0-9_.:/+ -]+|true|TRUE|false|FALSE|True|False")
_PLAIN = re.compile(r"(?!None$)[A-Za-z][A-Za-z0-9_.:/+ -]*")

Filter = dict[str, Scalar]
EVERYTHING: Filter = {"name": "*"}


@dataclass(frozen=True, slots=True)
class Search:
    """One question to Rucio: alternatives that can be asked together."""

    filters: tuple[Filter, ...]


def searches_of(expression: Expression) -> list[Search]:
    """Return the questions whose answers together hold every file that matches.

    Parameters
    ----------
    expression
        As `ingest.retrieval.expression.parse` returns it.

    Returns
    -------
    list of Search
        Alternatives on JSON keys and on columns in different questions, none too long for an address.

    Raises
    ------
    UsageError
        The expression has too many alternatives.
    """
    number = _count(expression)
    if number > MAX_ALTERNATIVES:
        raise UsageError(
            f"the expression stands for {number} alternatives, at most {MAX_ALTERNATIVES}; "
            "use ranges instead of lists, or ask in several commands"
        )
    on_json: list[Filter] = []
    on_columns: list[Filter] = []
    for alternative in _alternatives(expression):
        found = _filter(alternative, column=False)
        # `name` alone is asked of the columns: files without metadata have no row in the JSON table.
        if set(found) - {"name", "name.ne"}:
            on_json.append(_short(found))
        else:
            on_columns.append(_short(_filter(alternative, column=True)) or EVERYTHING)
    if EVERYTHING in on_columns:
        return [Search((EVERYTHING,))]
    return [Search(tuple(some)) for filters in (on_columns, on_json) for some in _grouped(filters)]


def _count(expression: Expression) -> int:
    """Return the number of alternatives without making them."""
    if isinstance(expression, Comparison):
        return 1
    if isinstance(expression, AllOf):
        product = 1
        for part in expression.parts:
            product *= _count(part)
        return product
    return sum(_count(part) for part in expression.parts)


def _alternatives(expression: Expression) -> list[tuple[Comparison, ...]]:
    """Return the disjunctive normal form."""
    if isinstance(expression, Comparison):
        return [(expression,)]
    if isinstance(expression, AllOf):
        found: list[tuple[Comparison, ...]] = [()]
        for part in expression.parts:
            found = [(*before, *after) for before in found for after in _alternatives(part)]
        return found
    return [alternative for part in expression.parts for alternative in _alternatives(part)]


def _filter(comparisons: Sequence[Comparison], *, column: bool) -> Filter:
    """Return the conditions of one alternative that Rucio can check, of one plugin and ``name``."""
    found: Filter = {}
    for comparison in comparisons:
        name = comparison.key.name
        if name != "name" and comparison.key.column != column:
            continue
        if not _KEY.fullmatch(name) or name in _TAKEN:
            continue
        for key, value in _conditions(comparison):
            if key not in found or _is_tighter(key, value, found[key]):
                found[key] = value
    return found


def _is_tighter(key: str, value: Scalar, other: Scalar) -> bool:
    # Rucio takes one condition for a key and operator. Of two values for = or != any one will do.
    if isinstance(value, str) or isinstance(other, str):
        return False
    if key.endswith((".gt", ".gte")):
        return value > other
    return key.endswith((".lt", ".lte")) and value < other


def _conditions(comparison: Comparison) -> Iterator[tuple[str, Scalar]]:
    name, operator, value = comparison.key.name, comparison.operator, comparison.value
    if isinstance(value, Pattern):
        text = _text(value)
        if text and (operator == "=" or (operator == "!=" and "*" not in text)):
            yield name + _SUFFIX[operator], text
    elif isinstance(value, Moment):
        epoch = comparison.key.epoch
        if operator == "=":
            yield f"{epoch}.gte", value.seconds - 2 * TIME_TOLERANCE
            yield f"{epoch}.lte", value.seconds + 2 * TIME_TOLERANCE
        elif operator != "!=":
            yield epoch + _SUFFIX[operator], value.seconds
    elif isinstance(value, bool) or abs(value) <= _EXACT_IN_FLOAT:
        yield name + _SUFFIX[operator], value


def _text(pattern: Pattern) -> str:
    """Return a text that Rucio takes as it is, or a wider pattern; ``""`` when nothing is left of it."""
    text = re.sub(r"\*+", "*", "*".join(_NOT_LITERAL.sub("*", part) for part in pattern.parts))
    if "*" not in text and not _PLAIN.fullmatch(text):
        text += "*"
    return "" if text == "*" else text


def _length(filters: Sequence[Filter]) -> int:
    return len(quote_plus(str(list(filters))))


def _short(conditions: Filter) -> Filter:
    """Leave out the longest conditions of an alternative that is too long for an address."""
    while _length([conditions]) > MAX_QUERY:
        longest = max(conditions, key=lambda key: len(str(conditions[key])))
        conditions = {key: value for key, value in conditions.items() if key != longest}
    return conditions


def _grouped(filters: Sequence[Filter]) -> Iterator[list[Filter]]:
    group: list[Filter] = []
    for each in filters:
        if group and _length([*group, each]) > MAX_QUERY:
            yield group
            group = []
        group.append(each)
    if group:
        yield group
