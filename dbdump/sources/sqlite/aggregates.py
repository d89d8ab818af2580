"""Facts about all values of a table, computed by SQLite; nothing here shares code with the reading of rows.

What SQL cannot do exactly (sums of many digits, texts of numbers, code points of UTF-16) is done by Python functions
that SQLite calls for each value.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

from dbdump.plan import TablePlan
from dbdump.sources.contract import Aggregate
from dbdump.sources.sqlite.access import access
from dbdump.sources.sqlite.database import Database, column, count_filled, select, translated
from dbdump.sources.sqlite.lobs import is_text_lob
from dbdump.stored import Form, StoredColumn

_EXACT_SUM, _TEXT_FACTS, _TEXT_LENGTH, _TEXT_BYTES = (
    "antares_exact_sum",
    "antares_text_facts",
    "antares_text_length",
    "antares_text_bytes",
)
_EXACT = Context(prec=2000, Emax=MAX_EMAX, Emin=MIN_EMIN)
_LARGEST_DOUBLE = "1.7976931348623157e308"
_SHOWN_CHARACTERS = 100
_PER_STATEMENT = 200
"""Expressions in one statement; SQLite answers with at most 2000 values."""


@dataclass(frozen=True, slots=True)
class _Question:
    """What SQL asks about one column, and what its answers mean."""

    stored: StoredColumn
    expressions: tuple[str, ...]
    meaning: Callable[[Sequence[Any], int], Aggregate]


def aggregates(database: Database, plan: TablePlan) -> Mapping[str, Aggregate]:
    """Return `Aggregate` by column of the image, as `dbdump.verify.canon` defines it."""
    _register(database)
    questions = [_question(database, plan, stored) for stored in plan.columns if stored.form != Form.LOB_FILE]
    found: dict[str, Aggregate] = {}
    for group in _groups(questions):
        expressions = [expression for question in group for expression in question.expressions]
        statement = select(["count(*)", *expressions], access(plan.schema).source)
        with translated(database.path, plan.name):
            rows, *answers = database.connection.execute(statement).fetchone()
        for question in group:
            width = len(question.expressions)
            found[question.stored.name] = question.meaning(answers[:width], rows)
            answers = answers[width:]
    return found


def _groups(questions: Sequence[_Question]) -> list[list[_Question]]:
    groups: list[list[_Question]] = [[]]
    for question in questions:
        if sum(len(other.expressions) for other in groups[-1]) >= _PER_STATEMENT:
            groups.append([])
        groups[-1].append(question)
    return groups


def _question(database: Database, plan: TablePlan, stored: StoredColumn) -> _Question:
    value = column(stored.column)
    match stored.form:
        case Form.LOB_SIZE if is_text_lob(plan, stored):
            return _whole_numbers(stored, _bytes_of_text(database, value))
        case Form.LOB_SIZE:
            return _whole_numbers(stored, f"length({value})")
        case Form.LOB if stored.arrow == "string":
            return _only_total(stored, value, _characters(value))
        case Form.LOB:
            return _only_total(stored, value, f"length({value})")
        case Form.RAW:
            return _only_total(stored, value, f"length(CAST({value} AS BLOB))")
        case Form.STORAGE_CLASS:
            return _texts(database, stored, f"typeof({value})")
        case Form.NUMBER_TEXT:
            return _number_texts(stored, value)
        case Form.TEXT if stored.arrow == "binary":
            blob, text, other = f"length({value})", _bytes_of_text(database, value), f"{_TEXT_LENGTH}({value})"
            size = f"CASE typeof({value}) WHEN 'blob' THEN {blob} WHEN 'text' THEN {text} ELSE {other} END"
            return _only_total(stored, value, size)
        case Form.TEXT:
            return _unusual_texts(stored, value)
        case _:
            return _plain(database, stored, value)


def _plain(database: Database, stored: StoredColumn, value: str) -> _Question:
    if stored.arrow.startswith("decimal128("):
        return _decimals(stored, value)
    match stored.arrow:
        case "int64":
            return _whole_numbers(stored, value)
        case "double":
            return _doubles(stored, value)
        case "bool":
            return _only_total(stored, value, value)
        case "string":
            return _texts(database, stored, value)
        case _:
            return _only_total(stored, value, f"length({value})")


def _whole_numbers(stored: StoredColumn, value: str) -> _Question:
    """Sum halves of 32 bits: SQLite's sum() of integers fails when it passes 64 bits."""
    whole = f"CAST({value} AS INTEGER)"
    expressions = (
        count_filled(value),
        f"min({value})",
        f"max({value})",
        f"sum({whole} >> 32)",
        f"sum({whole} & {2**32 - 1})",
    )

    def meaning(answers: Sequence[Any], rows: int) -> Aggregate:
        filled, low, high, upper, lower = answers
        if not filled:
            return Aggregate(rows, None, None, None)
        return Aggregate(rows - filled, str(int(low)), str(int(high)), str((upper << 32) + lower))

    return _Question(stored, expressions, meaning)


def _decimals(stored: StoredColumn, value: str) -> _Question:
    """Sum whole numbers of the last digit where doubles tell them exactly, and the other values in Python.

    A double below 2^48 / 10^s is nearest to one number of s digits only, and its product with 10^s rounds to the
    digits of that number.
    """
    scale = int(stored.arrow.removesuffix(")").split(",")[1])
    # Some bits less than a double holds, for the errors of 10^s and of the product.
    fits = f"abs(CAST({value} AS REAL)) < {2.0**48 / 10.0**scale!r}"
    whole = f"CAST(round({value} * 1e{scale}) AS INTEGER)"
    expressions = (
        count_filled(value),
        f"min({value})",
        f"max({value})",
        f"sum(CASE WHEN {fits} THEN {whole} >> 32 END)",
        f"sum(CASE WHEN {fits} THEN {whole} & {2**32 - 1} END)",
        f"{_EXACT_SUM}({value}) FILTER (WHERE NOT ({fits}))",
    )

    def meaning(answers: Sequence[Any], rows: int) -> Aggregate:
        filled, low, high, upper, lower, rest = answers
        if not filled:
            return Aggregate(rows, None, None, None)
        units = ((upper or 0) << 32) + (lower or 0)
        total = _EXACT.add(_EXACT.scaleb(Decimal(units), -scale), Decimal(rest or 0))
        first, last = (_canonical(_shortest(end)) for end in (low, high))
        return Aggregate(rows - filled, first, last, _canonical(total))

    return _Question(stored, expressions, meaning)


def _doubles(stored: StoredColumn, value: str) -> _Question:
    finite = f"CASE WHEN +{value} BETWEEN -{_LARGEST_DOUBLE} AND {_LARGEST_DOUBLE} THEN {value} END"
    expressions = (count_filled(value), f"count({finite})", f"min({finite})", f"max({finite})", f"total({finite})")

    def meaning(answers: Sequence[Any], rows: int) -> Aggregate:
        filled, used, low, high, total = answers
        if not used:
            return Aggregate(rows - filled, None, None, None, filled)
        first, last, whole = (repr(float(answer)) for answer in (low, high, total))
        return Aggregate(rows - filled, first, last, whole, filled - used)

    return _Question(stored, expressions, meaning)


def _texts(database: Database, stored: StoredColumn, value: str) -> _Question:
    """UTF-8 sorts by bytes as by code points; UTF-16 does not."""
    if not database.utf8:
        return _unusual_texts(stored, value)
    plain = f"{value} COLLATE BINARY"
    expressions = (count_filled(value), f"min({plain})", f"max({plain})", f"sum({_characters(value)})")

    def meaning(answers: Sequence[Any], rows: int) -> Aggregate:
        filled, low, high, total = answers
        if not filled:
            return Aggregate(rows, None, None, None)
        return Aggregate(rows - filled, low[:_SHOWN_CHARACTERS], high[:_SHOWN_CHARACTERS], str(total))

    return _Question(stored, expressions, meaning)


def _unusual_texts(stored: StoredColumn, value: str) -> _Question:
    def meaning(answers: Sequence[Any], rows: int) -> Aggregate:
        filled, told = answers
        if not filled:  # without any row SQLite does not even ask the function
            return Aggregate(rows, None, None, None)
        low, high, total = json.loads(told)
        return Aggregate(rows - filled, low, high, total)

    return _Question(stored, (count_filled(value), f"{_TEXT_FACTS}({value})"), meaning)


def _number_texts(stored: StoredColumn, value: str) -> _Question:
    """Texts for their bounds, numbers for their sum; an infinite one, which only a double can be, has no part in it."""
    finite = f"CASE WHEN +{value} BETWEEN -{_LARGEST_DOUBLE} AND {_LARGEST_DOUBLE} THEN {value} END"
    expressions = (count_filled(value), f"{_TEXT_FACTS}({value})", f"count({finite})", f"{_EXACT_SUM}({finite})")

    def meaning(answers: Sequence[Any], rows: int) -> Aggregate:
        filled, told, numbers, total = answers
        if not filled:
            return Aggregate(rows, None, None, None)
        low, high, _ = json.loads(told)
        exact = _canonical(Decimal(total)) if numbers else None
        return Aggregate(rows - filled, low, high, exact, filled - numbers)

    return _Question(stored, expressions, meaning)


def _only_total(stored: StoredColumn, value: str, size: str) -> _Question:
    def meaning(answers: Sequence[Any], rows: int) -> Aggregate:
        filled, total = answers
        return Aggregate(rows - filled, None, None, str(total) if filled else None)

    return _Question(stored, (count_filled(value), f"sum({size})"), meaning)


def _characters(value: str) -> str:
    """SQLite's length() of a text ends at its first NUL."""
    return f"CASE WHEN instr({value}, char(0)) THEN {_TEXT_LENGTH}({value}) ELSE length({value}) END"


def _bytes_of_text(database: Database, value: str) -> str:
    return f"length(CAST({value} AS BLOB))" if database.utf8 else f"{_TEXT_BYTES}({value})"


def _register(database: Database) -> None:
    connection = database.connection
    # The type stubs know only aggregates of one integer.
    kinds: tuple[tuple[str, int, Any], ...] = ((_EXACT_SUM, 1, _ExactSum), (_TEXT_FACTS, 1, _TextFacts))
    for name, arguments, kind in kinds:
        connection.create_aggregate(name, arguments, kind)
    connection.create_function(_TEXT_LENGTH, 1, lambda value: _over(value, len), deterministic=True)
    connection.create_function(_TEXT_BYTES, 1, lambda value: _over(value, lambda text: len(text.encode())))


def _over(value: str | float | None, measure: Callable[[str], int]) -> int | None:
    return None if value is None else measure(_text(value))


class _ExactSum:
    """Sum of numbers, doubles by the shortest decimal number of each; as decimal text."""

    def __init__(self) -> None:
        self._total: Decimal | None = None

    def step(self, *arguments: Any) -> None:
        """Add a value."""
        (value,) = arguments
        if value is not None:
            self._total = _EXACT.add(self._total or Decimal(0), _shortest(value))

    def finalize(self) -> str | None:
        """Return the sum."""
        return None if self._total is None else str(self._total)


class _TextFacts:
    """Smallest, largest and number of characters of the texts of values, as JSON."""

    def __init__(self) -> None:
        self._low: str | None = None
        self._high: str | None = None
        self._total = 0

    def step(self, *arguments: Any) -> None:
        """Look at a value."""
        (value,) = arguments
        if value is None:
            return
        text = _text(value)
        self._low = text if self._low is None else min(self._low, text)
        self._high = text if self._high is None else max(self._high, text)
        self._total += len(text)

    def finalize(self) -> str:
        """Return the three facts."""
        ends = [end if end is None else end[:_SHOWN_CHARACTERS] for end in (self._low, self._high)]
        return json.dumps([*ends, None if self._low is None else str(self._total)])


def _shortest(value: float) -> Decimal:
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def _text(value: str | float) -> str:
    """Return the text of a value of any kind; of a double all digits of its shortest form."""
    if isinstance(value, float):
        import numpy as np

        if value in (float("inf"), float("-inf")):
            return "Infinity" if value > 0 else "-Infinity"
        return np.format_float_positional(value, unique=True, trim="-")
    return str(value)


def _canonical(value: Decimal) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
