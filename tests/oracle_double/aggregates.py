"""Aggregates that SQLite does not have: exact numbers, times, floats with NaN, LISTAGG."""

import math
from collections.abc import Callable
from decimal import Decimal

import oracle_double.moments as moments
from oracle_double.values import EXACT, WIDE, SqlValue, as_decimal, as_float, keep, value_text


class _Extreme:
    """Keeps the value with the largest key."""

    def __init__(self, key: Callable[[SqlValue], object], *, largest: bool) -> None:
        self._key, self._largest = key, largest
        self._best: SqlValue = None
        self._best_key: object = None

    def step(self, value: SqlValue) -> None:
        if value is None:
            return
        key = self._key(value)
        better = self._best is None or (key > self._best_key if self._largest else key < self._best_key)  # type: ignore[operator]
        if better:
            self._best, self._best_key = value, key

    def finalize(self) -> SqlValue:
        return self._best


def _instant(value: SqlValue) -> object:
    moment = moments.parse(value_text(value))
    if moment is None:
        raise ValueError(f"ORA-01861: literal does not match format string: {value!r}")
    return moments.seconds(moments.to_utc(moment))


def _with_nan(value: SqlValue) -> object:
    # To Oracle, NaN is more than anything else.
    number = as_float(value)
    return (math.isnan(number), 0.0 if math.isnan(number) else number)


class _NumberSum:
    def __init__(self) -> None:
        self._total, self._count = Decimal(0), 0

    def step(self, value: SqlValue) -> None:
        if value is not None:
            self._total = WIDE.add(self._total, as_decimal(value))
            self._count += 1

    def finalize(self) -> SqlValue:
        return keep(self._total) if self._count else None


class _NumberMean(_NumberSum):
    def finalize(self) -> SqlValue:
        return keep(EXACT.divide(self._total, Decimal(self._count))) if self._count else None


class _FloatSum:
    def __init__(self) -> None:
        self._total, self._count = 0.0, 0

    def step(self, value: SqlValue) -> None:
        if value is not None:
            self._total += as_float(value)
            self._count += 1

    def finalize(self) -> SqlValue:
        return self._shown(self._total) if self._count else None

    @staticmethod
    def _shown(value: float) -> SqlValue:
        return "NaN" if math.isnan(value) else value  # SQLite makes NULL of it


class _FloatMean(_FloatSum):
    def finalize(self) -> SqlValue:
        return self._shown(self._total / self._count) if self._count else None


class _List:
    def __init__(self) -> None:
        self._found: list[tuple[SqlValue, str]] = []
        self._separator = ""

    def step(self, value: SqlValue, separator: str | None, key: SqlValue) -> None:
        if value is not None:
            self._found.append((key, value_text(value)))
        self._separator = separator or ""

    def finalize(self) -> SqlValue:
        ordered = sorted(self._found, key=lambda found: (isinstance(found[0], str), found[0]))
        return self._separator.join(text for _, text in ordered) or None


def _extreme(key: Callable[[SqlValue], object], *, largest: bool) -> type:
    class Extreme(_Extreme):
        def __init__(self) -> None:
            super().__init__(key, largest=largest)

    return Extreme


AGGREGATES: list[tuple[str, int, type]] = [
    ("min_number", 1, _extreme(as_decimal, largest=False)),
    ("max_number", 1, _extreme(as_decimal, largest=True)),
    ("sum_number", 1, _NumberSum),
    ("avg_number", 1, _NumberMean),
    ("min_time", 1, _extreme(_instant, largest=False)),
    ("max_time", 1, _extreme(_instant, largest=True)),
    ("min_float", 1, _extreme(_with_nan, largest=False)),
    ("max_float", 1, _extreme(_with_nan, largest=True)),
    ("sum_float", 1, _FloatSum),
    ("avg_float", 1, _FloatMean),
    ("listagg", 3, _List),
]
