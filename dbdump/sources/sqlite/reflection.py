"""The schema of an SQLite file: its catalogue is asked in a few statements, however many tables there are."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbdump.errors import SourceError, TableError
from dbdump.schema import (
    Code,
    Column,
    DatabaseSchema,
    Family,
    Index,
    Key,
    KeyKind,
    TableName,
    TableSchema,
    View,
)
from dbdump.sources.sqlite.database import SCHEMA, Database, column, quoted, select, translated
from dbdump.sources.sqlite.ddl import generated_columns
from dbdump.sources.sqlite.declared import parse
from dbdump.sources.sqlite.estimates import estimate
from legacy.errors import printable

_TABLE_LIST_SINCE = (3, 37, 0)
_MASTER = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master ORDER BY name"
_OF_TABLES = "FROM sqlite_master AS m JOIN"
_COLUMNS = f"""
SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden
{_OF_TABLES} pragma_table_xinfo(m.name) AS x
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY m.name, x.cid
"""
_INDEXES = f"""
SELECT m.name, i.name, i."unique", i.origin, i.partial, x.name, x.cid
{_OF_TABLES} pragma_index_list(m.name) AS i JOIN pragma_index_xinfo(i.name) AS x
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL %' AND x."key" = 1 ORDER BY m.name, i.name, x.seqno
"""
_FOREIGN_KEYS = f"""
SELECT m.name, f.id, f."table", f."from", f."to", f.on_update, f.on_delete
{_OF_TABLES} pragma_foreign_key_list(m.name) AS f
WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL %' ORDER BY m.name, f.id, f.seq
"""
_EXPRESSION = "<expression>"
"""Stands for an expression in an index; its text is in the definition."""


@dataclass(slots=True)
class _Facts:
    """What the catalogue says, by name of the table."""

    columns: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    indexes: dict[str, dict[str, list[Any]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    foreign: dict[str, dict[int, list[Any]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    index_ddl: dict[str, str] = field(default_factory=dict)


def reflect(database: Database) -> DatabaseSchema:
    """Return all that the file says about itself.

    Raises
    ------
    SourceError
        Its catalogue cannot be read.
    """
    master = database.rows(_MASTER)
    facts = _facts(database, master)
    kinds = _kinds(database, master)
    tables, warnings = [], []
    for kind, name, _, ddl in master:
        if kind != "table" or name.startswith("sqlite_"):
            continue
        what = kinds[name][0]
        if what == "virtual":
            warnings.append(f"{printable(name)} is a virtual table: its statement is kept, its rows are not dumped")
        elif what == "shadow":
            warnings.append(f"{printable(name)} belongs to a virtual table and is not dumped")
        else:
            tables.append(_table(database, facts, name, ddl, kinds[name][1]))
    views, unreadable = _views(database, master)
    code = [*_triggers(master), *_virtual(master, kinds), *_sequences(database, master)]
    return DatabaseSchema(
        tables=tuple(sorted(tables, key=lambda table: table.name)),
        views=tuple(sorted(views, key=lambda view: view.name)),
        code=tuple(sorted(code, key=lambda item: (item.kind, item.name))),
        warnings=(*warnings, *unreadable),
    )


def column_names(database: Database, table: TableName) -> tuple[str, ...]:
    """Return the names of the columns that a table has now, none where it is gone."""
    statement = "SELECT name FROM pragma_table_xinfo(?, ?) ORDER BY cid"
    return tuple(name for (name,) in database.rows(statement, (table.name, SCHEMA), table))


def _facts(database: Database, master: Iterable[Any]) -> _Facts:
    facts = _Facts()
    for table, *rest in database.rows(_COLUMNS):
        facts.columns[table].append(rest)
    for table, index, *rest in database.rows(_INDEXES):
        facts.indexes[table][index].append(rest)
    for table, number, *rest in database.rows(_FOREIGN_KEYS):
        facts.foreign[table][number].append(rest)
    facts.index_ddl = {name: ddl for kind, name, _, ddl in master if kind == "index"}
    return facts


def _kinds(database: Database, master: Iterable[Any]) -> Mapping[str, tuple[str, str]]:
    """Return ``table``, ``virtual`` or ``shadow``, and the organisation, of each table.

    SQLite before 3.37 tells neither: shadow tables are tables there.
    """
    kinds = {
        name: ("virtual" if ddl.upper().startswith("CREATE VIRTUAL") else "table", "")
        for kind, name, _, ddl in master
        if kind == "table"
    }
    if sqlite3.sqlite_version_info >= _TABLE_LIST_SINCE:
        statement = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = ?"
        for name, kind, without, strict in database.rows(statement, (SCHEMA,)):
            words = ["without rowid"] * without + ["strict"] * strict
            kinds[name] = (kind, ", ".join(words))
        return kinds
    return {name: (kind, _probed_organisation(database, name, kind)) for name, (kind, _) in kinds.items()}


def _probed_organisation(database: Database, name: str, kind: str) -> str:
    """Ask for the rowid by a name that no column has: only a table without rowids does not know it."""
    if kind != "table" or name.startswith("sqlite_"):
        return ""
    names = {column.lower() for column in column_names(database, TableName(SCHEMA, name))}
    alias = next((word for word in ("rowid", "oid", "_rowid_") if word not in names), None)
    if alias is None:
        return ""
    try:
        database.connection.execute(select((f"t.{alias}",), f"{quoted(name)} AS t", "LIMIT 0"))
    except sqlite3.OperationalError:
        return "without rowid"
    return ""


def _table(database: Database, facts: _Facts, name: str, ddl: str, organisation: str) -> TableSchema:
    computed = generated_columns(ddl)
    columns = tuple(_column(row, computed) for row in facts.columns[name])
    table = TableName(SCHEMA, name)
    keys = [*_primary(facts, name), *_unique(facts, name), *_foreign(facts, name)]
    schema = TableSchema(
        table,
        columns,
        keys=tuple(keys),
        indexes=tuple(_indexes(facts, name)),
        ddl=ddl,
        organisation=organisation,
    )
    try:
        rows, size = estimate(database, schema)
    except TableError:
        rows, size = None, None  # damaged: the dump says so for this table, the others go on
    return TableSchema(
        table,
        columns,
        keys=schema.keys,
        indexes=schema.indexes,
        rows=rows,
        size=size,
        ddl=ddl,
        organisation=organisation,
    )


def _column(row: Sequence[Any], computed: Mapping[str, str]) -> Column:
    name, source_type, not_null, default, _, hidden = row
    declared = parse(source_type)
    return Column(
        name=name,
        source_type=source_type,
        family=Family.DYNAMIC,
        precision=declared.precision,
        scale=declared.scale,
        length=declared.length,
        nullable=not not_null,
        default=default,
        computed=computed.get(name.lower(), "generated") if hidden else "",
        declared=declared.family,
    )


def _primary(facts: _Facts, name: str) -> list[Key]:
    parts = sorted((row[4], row[0]) for row in facts.columns[name] if row[4])
    return [Key(KeyKind.PRIMARY, "", tuple(column for _, column in parts))] if parts else []


def _unique(facts: _Facts, name: str) -> list[Key]:
    rows = [parts for parts in facts.indexes[name].values() if parts[0][1] == "u"]
    return [Key(KeyKind.UNIQUE, "", tuple(part[3] for part in parts)) for parts in rows]


def _foreign(facts: _Facts, name: str) -> list[Key]:
    keys = []
    for parts in facts.foreign[name].values():
        target, _, _, on_update, on_delete = parts[0]
        # Names are compared without regard to case, and without columns the primary key is meant.
        real = next((known for known in facts.columns if known.lower() == target.lower()), target)
        columns = tuple(part[2] for part in parts)
        if None in columns:
            primary = _primary(facts, real) if real in facts.columns else []
            columns = primary[0].columns if primary else ()
        actions = (("ON UPDATE", on_update), ("ON DELETE", on_delete))
        keys.append(
            Key(
                KeyKind.FOREIGN,
                "",
                tuple(part[1] for part in parts),
                TableName(SCHEMA, real),
                columns,
                " ".join(f"{event} {action}" for event, action in actions if action != "NO ACTION"),
            )
        )
    return keys


def _indexes(facts: _Facts, name: str) -> list[Index]:
    found = []
    for index, parts in facts.indexes[name].items():
        unique, origin, partial, _, _ = parts[0]
        if origin != "c":
            continue
        columns = tuple(_EXPRESSION if part[4] == -2 else part[3] or "rowid" for part in parts)
        # One with a WHERE would say something else without it, so it counts as one with expressions.
        special = bool(partial) or any(part[4] < 0 for part in parts)
        found.append(Index(index, columns, bool(unique), special, facts.index_ddl.get(index, "")))
    return found


def _views(database: Database, master: Iterable[Any]) -> tuple[list[View], list[str]]:
    views, warnings = [], []
    for kind, name, _, ddl in master:
        if kind != "view":
            continue
        try:
            columns = column_names(database, TableName(SCHEMA, name))
        except (SourceError, TableError) as error:
            columns = ()
            warnings.append(f"view {printable(name)}: its text is kept, but it does not work in the source: {error}")
        views.append(View(TableName(SCHEMA, name), ddl, columns))
    return views, warnings


def _triggers(master: Iterable[Any]) -> list[Code]:
    return [Code("triggers", TableName(SCHEMA, name), ddl) for kind, name, _, ddl in master if kind == "trigger"]


def _virtual(master: Iterable[Any], kinds: Mapping[str, tuple[str, str]]) -> list[Code]:
    return [
        Code("virtual_tables", TableName(SCHEMA, name), ddl)
        for kind, name, _, ddl in master
        if kind == "table" and kinds[name][0] == "virtual"
    ]


def _sequences(database: Database, master: Iterable[Any]) -> list[Code]:
    """AUTOINCREMENT is the nearest that SQLite has to sequences."""
    if not any(name == "sqlite_sequence" for _, name, _, _ in master):
        return []
    with translated(database.path):
        rows = database.connection.execute(
            select((column("name"), column("seq")), "sqlite_sequence AS t", "WHERE t.name IS NOT NULL ORDER BY 1")
        ).fetchall()
    return [
        Code("sequences", TableName(SCHEMA, str(name)), f"-- AUTOINCREMENT of {quoted(str(name))}: last value {last}")
        for name, last in rows
    ]
