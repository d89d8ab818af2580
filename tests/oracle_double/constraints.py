"""Fills the dictionary's views about constraints and indexes."""

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from oracle_double.catalogue import Table, quoted, shown
from oracle_double.ddl import Constraint, constraints, index_parts
from oracle_double.lexer import Kind, tokens_of

if TYPE_CHECKING:
    from oracle_double.dictionary import Filling


def named(table: Table, definition: str) -> list[Constraint]:
    """Return the constraints of a table, those without a name with one such as Oracle gives."""
    numbers = itertools.count(sum(map(ord, table.name)) * 100 + 1000)
    return [
        one if one.name else replace(one, name=f"SYS_C{next(numbers):08}")
        for one in constraints(definition)
    ]  # fmt: skip


def add_constraints(filling: "Filling", table: Table, definition: str) -> None:
    """Add what ALL_CONSTRAINTS and ALL_CONS_COLUMNS say of a table, and the indexes of its keys."""
    given = constraints(definition)
    generated = {one.name for one in named(table, definition)} - {one.name for one in given}
    for one in named(table, definition):
        target_owner, target = _target(filling, table, one)
        filling.add(
            "ALL_CONSTRAINTS", owner=table.owner, constraint_name=one.name, constraint_type=one.kind,
            table_name=table.name, search_condition=one.condition or None, search_condition_vc=one.condition or None,
            r_owner=target_owner, r_constraint_name=target, delete_rule=one.delete_rule or None, status="ENABLED",
            deferrable="NOT DEFERRABLE", deferred="IMMEDIATE", validated="VALIDATED",
            generated="GENERATED NAME" if one.name in generated else "USER NAME",
            index_name=one.name if one.kind in "PU" else None,
        )  # fmt: skip
        mentioned = one.columns if one.kind != "C" else _mentioned(table, one.condition)
        for position, column in enumerate(mentioned, 1):
            filling.add(
                "ALL_CONS_COLUMNS", owner=table.owner, constraint_name=one.name, table_name=table.name,
                column_name=column, position=position if one.kind != "C" else None,
            )  # fmt: skip
        if one.kind in "PU":
            _index(filling, table, one.name, list(one.columns), unique=True)


def _mentioned(table: Table, condition: str) -> tuple[str, ...]:
    """Return the columns of a table that a condition speaks of."""
    names = {token.text for token in tokens_of(condition) if token.kind in (Kind.WORD, Kind.NAME)}
    return tuple(column for column in table.columns if column in names)


def _target(filling: "Filling", table: Table, one: Constraint) -> tuple[str | None, str | None]:
    if one.kind != "R":
        return None, None
    owner, _, name = one.target.rpartition(".")
    owner = owner or table.owner
    other = filling.catalogue.find(owner, name, owner)
    if other is None:
        return owner, None
    place, stored = other.place[1:-1].split('"."', 1)
    query = f"SELECT sql FROM {quoted(place)}.sqlite_master WHERE name = ?"
    (definition,) = filling.database.execute(query, [stored.replace('""', '"')]).fetchone()
    for candidate in named(other, definition):
        if candidate.kind in "PU" and (candidate.columns == one.target_columns or not one.target_columns):
            return owner, candidate.name
    return owner, None


def add_indexes(filling: "Filling", table: Table, place: str, stored: str) -> None:
    """Add what ALL_INDEXES and its sisters say of the indexes that were made by CREATE INDEX."""
    for _, name, unique, origin, _ in filling.database.execute(
        f"PRAGMA {quoted(place)}.index_list({quoted(stored)})"
    ).fetchall():
        if origin != "c":
            continue
        query = f"SELECT sql FROM {quoted(place)}.sqlite_master WHERE name = ?"
        (definition,) = filling.database.execute(query, [name]).fetchone()
        parts = filling.database.execute(f"PRAGMA {quoted(place)}.index_xinfo({quoted(name)})").fetchall()
        descending = [bool(down) for _, _, _, down, _, key in parts if key]
        # Like Oracle's own, a column that goes down is an expression with the name of the column.
        columns = ["" if column is None or down else shown(column) for _, _, column, down, _, key in parts if key]
        written = index_parts(definition)
        texts = [
            written[place] if column is None else quoted(shown(column))
            for place, (_, _, column, _, _, key) in enumerate(parts)
            if key
        ]
        _index(filling, table, shown(name), columns, unique=bool(unique), texts=texts, descending=descending)


def _index(
    filling: "Filling",
    table: Table,
    name: str,
    columns: list[str],
    *,
    unique: bool,
    texts: list[str] | None = None,
    descending: list[bool] | None = None,
) -> None:
    filling.add(
        "ALL_INDEXES", owner=table.owner, index_name=name, table_owner=table.owner, table_name=table.name,
        index_type="NORMAL" if all(columns) else "FUNCTION-BASED NORMAL", table_type="TABLE", status="VALID",
        uniqueness="UNIQUE" if unique else "NONUNIQUE", compression="DISABLED", partitioned="NO", temporary="N",
        generated="N", dropped="NO", visibility="VISIBLE",
    )  # fmt: skip
    known = {"index_owner": table.owner, "index_name": name, "table_owner": table.owner, "table_name": table.name}
    for place, column in enumerate(columns):
        down = "DESC" if descending and descending[place] else "ASC"
        filling.add(
            "ALL_IND_COLUMNS", **known, column_name=column or f"SYS_NC{place + 1:05}$", column_position=place + 1,
            column_length=22, char_length=0, descend=down,
        )  # fmt: skip
        if not column and texts:
            filling.add("ALL_IND_EXPRESSIONS", **known, column_expression=texts[place], column_position=place + 1)
