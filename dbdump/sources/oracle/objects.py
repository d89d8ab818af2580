"""Objects, VARRAYs and nested tables as JSON text: attributes by name, collections as arrays.

The driver gives a NUMBER of an object with a fraction as a double, whatever it is asked for. Up to 15 digits that is
exact; a text of more says that it may not be, and is refused.
"""

import json
import math
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

_DEEPEST, _EXACT_DIGITS = 100, 15


def to_json(value: Any) -> str | None:
    """Return an object of the driver as JSON text, None for NULL.

    Numbers are JSON numbers with all their digits, bytes are lower-case hex, times ISO 8601.

    Raises
    ------
    ValueError
        It holds something that has no exact text here, or is nested too deeply.
    """
    return None if value is None else "".join(_pieces(value, 0))


def _pieces(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError(f"an object is nested more than {_DEEPEST} levels deep")
    if hasattr(value, "type") and hasattr(value.type, "iscollection"):
        if value.type.iscollection:
            yield from _listed("[", "]", ((("",), item) for item in value.aslist()), depth)
        else:
            named = (
                ((json.dumps(a.name, ensure_ascii=False), ":"), getattr(value, a.name)) for a in value.type.attributes
            )
            yield from _listed("{", "}", named, depth)
    else:
        yield _scalar(value)


def _listed(first: str, last: str, entries: Iterator[tuple[tuple[str, ...], Any]], depth: int) -> Iterator[str]:
    yield first
    for number, (label, value) in enumerate(entries):
        if number:
            yield ","
        yield from label
        yield from _pieces(value, depth + 1)
    yield last


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, (bool, str, int)):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        if math.isfinite(value) and len(Decimal(repr(value)).as_tuple().digits) > _EXACT_DIGITS:
            raise ValueError(f"an object holds the number {value!r}, of which the driver may have lost digits")
        return json.dumps(value)
    if isinstance(value, bytes):
        return json.dumps(value.hex())
    if isinstance(value, (datetime, date)):
        return json.dumps(value.isoformat())
    if isinstance(value, timedelta):
        return json.dumps(f"{value.days * 86400 + value.seconds}.{value.microseconds:06}")
    raise ValueError(f"an object holds a value of the kind {type(value).__name__}, which has no exact text here")
