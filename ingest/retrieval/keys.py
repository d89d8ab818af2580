"""The words that an expression may use: keys of the metadata schema, and a few columns of Rucio."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

KeyKind = Literal["integer", "number", "boolean", "text", "time"]

COLUMNS: Mapping[str, KeyKind] = {"name": "text", "bytes": "integer", "adler32": "text", "md5": "text"}
"""Columns of Rucio that can be searched; everything else is JSON metadata."""

TIME_TOLERANCE = 0.0005
"""Seconds within which two times are equal; times in manifests are rounded to the millisecond."""

_KINDS: Mapping[str, KeyKind] = {"integer": "integer", "number": "number", "boolean": "boolean", "string": "text"}
_YEAR_OR_MONTH = re.compile(r"[0-9]{4}(-[0-9]{2})?")


@dataclass(frozen=True, slots=True)
class Key:
    """One word that can be compared.

    Parameters
    ----------
    name
        The word.
    kind
        What its values are. A ``time`` is a text in ISO 8601 beside which the seconds since 1970 are stored
        under ``<name>_epoch``.
    column
        True for a column of Rucio, False for JSON metadata.
    choices
        The only values that the schema allows, empty when there is no list.
    """

    name: str
    kind: KeyKind
    column: bool = False
    choices: tuple[str, ...] = field(default=())

    @property
    def epoch(self) -> str:
        """Name of the key that holds a time as seconds since 1970."""
        return f"{self.name}_epoch"


def keys_of(types: Mapping[str, str], properties: Mapping[str, Any]) -> dict[str, Key]:
    """Return all words that an expression may use.

    Parameters
    ----------
    types
        JSON type of each key of the schema.
    properties
        The rules of each key, as in the schema.
    """
    found = {name: Key(name, kind, column=True) for name, kind in COLUMNS.items()}
    for name, json_type in types.items():
        kind = _KINDS[json_type]
        if kind == "text" and types.get(f"{name}_epoch") in ("number", "integer"):
            kind = "time"
        found[name] = Key(name, kind, choices=tuple(map(str, properties.get(name, {}).get("enum", ()))))
    return found


def seconds_of(text: str) -> float:
    """Return a time as seconds since 1970-01-01T00:00:00Z, without leap seconds.

    Parameters
    ----------
    text
        ISO 8601; UTC when it names no zone. A year, a month or a date stands for its first moment.

    Raises
    ------
    ValueError
        It is no time.
    """
    if _YEAR_OR_MONTH.fullmatch(text):
        text = f"{text}-01-01"[:10]
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
