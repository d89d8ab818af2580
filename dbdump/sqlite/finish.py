"""What follows the load of a SQLite file: indexes, the tables about the tables, checks."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from dbdump.schema import Key, KeyKind, View
from dbdump.sqlite.load import Loaded
from dbdump.sqlite.names import quoted, unique_names
from dbdump.sqlite.shape import RESERVED, ForeignKey, SqliteTable
from dbdump.sqlite.statements import ABOUT, create_index
from legacy.errors import MachineError, printable


@dataclass(frozen=True, slots=True)
class Filled:
    """A table that was loaded: its shape, its foreign keys in SQLite, and what was met."""

    shape: SqliteTable
    references: Mapping[Key, ForeignKey]
    loaded: Loaded


@dataclass(frozen=True, slots=True)
class _WantedIndex:
    table: str
    name: str
    columns: tuple[str, ...]
    unique: bool
    definition: str
    left_out: str = ""


def finish(path: Path, tables: Sequence[Filled], views: Sequence[View]) -> list[str]:
    """Make indexes and the tables about the tables, and check the file; return what people should know.

    Raises
    ------
    MachineError
        SQLite cannot write, or finds its own file damaged.
    """
    with _opened(path) as database:
        index_notes = _make_indexes(database, tables)
        _describe(database, tables, views, index_notes)
        database.execute("PRAGMA journal_mode = off")
        problems = [str(row[0]) for row in database.execute("PRAGMA integrity_check(3)")]
        if problems != ["ok"]:
            raise MachineError(f"{path}: SQLite finds damage in its new file: {printable('; '.join(problems))}")
        return [f"{table}: {note}" for table, _, note in index_notes if note] + _broken_references(database, tables)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            for pragma in (
                "journal_mode = off",
                "synchronous = off",
                "locking_mode = exclusive",
                "cache_size = -65536",
            ):
                database.execute(f"PRAGMA {pragma}")
            yield database
    except sqlite3.OperationalError as error:
        message = f"{path}: SQLite cannot write: {printable(str(error))[:300]}; look at the free space of the disk"
        raise MachineError(message) from error


def _make_indexes(database: sqlite3.Connection, tables: Sequence[Filled]) -> list[tuple[str, _WantedIndex, str]]:
    """Make all indexes; return for each one its table, what it is, and what is different from the source."""
    wanted = [index for table in tables if not table.shape.left_out for index in _wanted(table.shape)]
    taken = [piece.name for table in tables for piece in table.shape.pieces]
    names = unique_names((index.name for index in wanted), [*taken, *RESERVED])
    return [
        (index.table, replace(index, name=name), index.left_out or _make_index(database, index, name))
        for index, name in zip(wanted, names, strict=True)
    ]


def _make_index(database: sqlite3.Connection, index: _WantedIndex, name: str) -> str:
    try:
        database.execute(create_index(name, index.table, index.columns, unique=index.unique))
    except sqlite3.IntegrityError:
        # A constraint that the source does not enforce, or an index over a part of the rows only.
        database.execute(create_index(name, index.table, index.columns, unique=False))
        return f"index {name} is not unique in SQLite: the rows have equal values of {', '.join(index.columns)}"
    return ""


def _wanted(shape: SqliteTable) -> Iterator[_WantedIndex]:
    schema = shape.table.schema
    for key in schema.keys:
        if key.kind == KeyKind.UNIQUE:
            name = key.name or f"{shape.name}_unique"
            yield _index(shape, name, shape.columns_of(key.columns), unique=True)
    known = {key.name for key in schema.keys if key.kind in (KeyKind.UNIQUE, KeyKind.PRIMARY)}
    for index in schema.indexes:
        if index.name not in known:
            columns = () if index.expressions else shape.columns_of(index.columns)
            yield _index(shape, index.name, columns, unique=index.unique, definition=index.definition)


def _index(
    shape: SqliteTable, name: str, columns: tuple[str, ...], *, unique: bool, definition: str = ""
) -> _WantedIndex:
    left_out = "" if columns else f"index {printable(name)} is not made: it is over expressions or parted columns"
    return _WantedIndex(shape.name, name, columns, unique, definition, left_out)


def _describe(
    database: sqlite3.Connection,
    tables: Sequence[Filled],
    views: Sequence[View],
    indexes: Sequence[tuple[str, _WantedIndex, str]],
) -> None:
    for statement in ABOUT.split(";"):
        database.execute(statement)
    database.execute("BEGIN")
    for table in tables:
        _insert(database, "_tables", _table_rows(table))
        _insert(database, "_columns", _column_rows(table))
        _insert(database, "_keys", _key_rows(table))
    rows = [
        (table, index.name, json.dumps(index.columns), index.unique, index.definition, note)
        for table, index, note in indexes
    ]
    _insert(database, "_indexes", rows)
    _insert(database, "_views", [(view.name.schema, view.name.name, view.text, view.comment) for view in views])
    database.execute("COMMIT")


def _insert(database: sqlite3.Connection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)  # noqa: S608


def _table_rows(table: Filled) -> list[tuple[object, ...]]:
    shape, schema = table.shape, table.shape.table.schema
    rows = None if shape.left_out else table.loaded.rows
    split = f"columns go on in {', '.join(piece.name for piece in shape.pieces[1:])}, with equal rowids"
    notes = [shape.left_out, split if shape.is_split else "", *said(table)]
    source = (schema.name.schema, schema.name.name, str(schema.kind), schema.comment)
    first = (shape.name, *source, rows, "; ".join(note for note in notes if note))
    return [first, *((piece.name, *source, rows, f"columns of {shape.name}") for piece in shape.pieces[1:])]


def _column_rows(table: Filled) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for piece in table.shape.pieces:
        for number, column in enumerate(piece.columns, start=1):
            stored, source = column.stored, table.shape.table.schema.column(column.stored.column)
            nan = table.loaded.nan[column.name]
            note = "; ".join(filter(None, (stored.note, f"{nan} values are the text NaN" if nan else "")))
            facts = (column.name, source.name, source.source_type, column.kind, stored.arrow, str(stored.form))
            more = (stored.unit, source.nullable, source.default, source.comment, note, stored.lossy)
            rows.append((piece.name, number, *facts, *more))
    return rows


def _key_rows(table: Filled) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for key in table.shape.table.schema.keys:
        note = ""
        if key.kind == KeyKind.PRIMARY:
            note = table.loaded.key_problem or ("" if table.shape.primary_key else "not declared in SQLite")
        elif key.kind == KeyKind.FOREIGN and key not in table.references:
            note = "not declared in SQLite: its target is not a key in this file"
        elif key.kind == KeyKind.CHECK:
            note = "not declared in SQLite: the condition is in the language of the source"
        target = str(key.target) if key.target else None
        facts = (str(key.kind), key.name, json.dumps(key.columns), target, json.dumps(key.target_columns))
        rows.append((table.shape.name, *facts, key.expression, note))
    return rows


def said(table: Filled) -> list[str]:
    """Return what people should know about the rows of a table."""
    loaded, notes = table.loaded, []
    if loaded.key_problem:
        notes.append(f"the primary key is not declared, the rows do not keep it: {loaded.key_problem}")
    notes += [f"{count} values of {column} are the text NaN" for column, count in sorted(loaded.nan.items())]
    if loaded.files:
        notes.append(f"{loaded.files} values are too long for a row and stay files below lobs/")
    return notes


def _broken_references(database: sqlite3.Connection, tables: Sequence[Filled]) -> list[str]:
    notes = []
    for table in tables:
        if table.references and not table.shape.left_out:
            found: Counter[str] = Counter()
            try:
                for row in database.execute(f"PRAGMA foreign_key_check({quoted(table.shape.name)})"):
                    found[str(row[2])] += 1
            except sqlite3.OperationalError as error:  # the target lost its key: its rows do not keep it
                notes.append(f"{table.shape.name}: foreign keys cannot be checked: {printable(str(error))}")
            notes += [f"{table.shape.name}: {n} rows refer to no row of {name}" for name, n in sorted(found.items())]
    return notes
