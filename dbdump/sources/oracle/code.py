"""Sequences, triggers, PL/SQL, types and synonyms: what is only text."""

from collections.abc import Iterator
from typing import Any

from dbdump.schema import Code, TableName
from dbdump.sources.oracle.dictionary import Dictionary, by_position
from dbdump.sources.oracle.session import Row

_TYPES = ("TYPE", "TYPE BODY")


def codes_of(found: Dictionary) -> tuple[Code, ...]:
    """Return all code that the dictionary shows, sorted."""
    codes = [
        *(_sequence(row) for row in found.rows["ALL_SEQUENCES"]),
        *(_trigger(row) for row in found.rows["ALL_TRIGGERS"]),
        *_sources(found),
        *(_synonym(row) for row in found.rows["ALL_SYNONYMS"]),
    ]
    return tuple(sorted(codes, key=lambda code: (code.name, code.kind)))


def _sequence(row: Row) -> Code:
    owner, name, low, high, step, cycle, order, cache, last = row
    options = [
        f"START WITH {last}",
        f"INCREMENT BY {step}",
        f"MINVALUE {low}",
        f"MAXVALUE {high}",
        "CYCLE" if cycle == "Y" else "NOCYCLE",
        "ORDER" if order == "Y" else "NOORDER",
        f"CACHE {cache}" if cache else "NOCACHE",
    ]
    return Code("sequences", TableName(owner, name), f'CREATE SEQUENCE "{owner}"."{name}" {" ".join(options)};\n')


def _trigger(row: Row) -> Code:
    owner, name, status, description, condition, body = row
    when = f"WHEN ({condition})\n" if condition else ""
    text = f"CREATE OR REPLACE TRIGGER {str(description or '').strip()}\n{when}{str(body or '').strip()}\n/\n"
    if status == "DISABLED":
        text += f'ALTER TRIGGER "{owner}"."{name}" DISABLE;\n'
    return Code("triggers", TableName(owner, name), text)


def _sources(found: Dictionary) -> Iterator[Code]:
    """Yield one text for each name: a package and its body, a type and its body, share one."""
    lines = found.grouped("ALL_SOURCE", 0, 1, 2)
    texts: dict[tuple[str, TableName], str] = {}
    for owner, name, kind in sorted(lines):
        folder = "types" if kind in _TYPES else "source"
        place = (folder, TableName(str(owner), str(name)))
        texts[place] = texts.get(place, "") + _source(lines[owner, name, kind])
    for (folder, table_name), text in texts.items():
        yield Code(folder, table_name, text)


def _source(rows: list[Row]) -> str:
    text: Any = "".join(str(row[4] or "\n") for row in by_position(rows, 3))
    return f"CREATE OR REPLACE {text.rstrip()}\n/\n"


def _synonym(row: Row) -> Code:
    owner, name, target_owner, target, link = row
    table = f'"{target_owner}"."{target}"' if target_owner else f'"{target}"'
    there = f"{table}@{link}" if link else table
    return Code("synonyms", TableName(owner, name), f'CREATE SYNONYM "{owner}"."{name}" FOR {there};\n')
