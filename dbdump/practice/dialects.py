"""Statements that make the practice tables, in the words of each database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dbdump.practice.description import Kind, PracticeColumn, PracticeIndex, PracticeTable, PracticeView

_Size = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one kind of database calls things.

    Parameters
    ----------
    types
        Type of each kind of column, made of the numbers of its `size`.
    comments
        Whether comments stand in CREATE TABLE after ``--``, where the database has no place of its own for them.
    """

    types: Mapping[Kind, Callable[[_Size], str]]
    comments: bool = False


def _plain(name: str) -> Callable[[_Size], str]:
    return lambda _: name


def _sized(name: str) -> Callable[[_Size], str]:
    return lambda size: f"{name}({', '.join(map(str, size))})"


SQLITE = Dialect(
    {
        Kind.INTEGER: _plain("INTEGER"),
        Kind.BIGINT: _plain("BIGINT"),
        Kind.DECIMAL: _sized("NUMERIC"),
        # SQLite would make a double of it; as text all digits stay.
        Kind.NUMBER: _plain("TEXT"),
        Kind.DOUBLE: _plain("DOUBLE PRECISION"),
        Kind.TEXT: _sized("VARCHAR"),
        Kind.CHAR: _sized("CHAR"),
        Kind.MOMENT: _plain("TIMESTAMP"),
        Kind.PRECISE: _plain("TIMESTAMP(6)"),
        Kind.BOOLEAN: _plain("BOOLEAN"),
        Kind.CLOB: _plain("CLOB"),
        Kind.BLOB: _plain("BLOB"),
    },
    comments=True,
)
POSTGRESQL = Dialect(
    {
        **SQLITE.types,
        Kind.NUMBER: _plain("NUMERIC"),
        Kind.MOMENT: _plain("TIMESTAMP(0)"),
        Kind.CLOB: _plain("TEXT"),
        Kind.BLOB: _plain("BYTEA"),
    }
)
ORACLE_NAMES = Dialect(
    {
        Kind.INTEGER: _plain("NUMBER(9)"),
        Kind.BIGINT: _plain("NUMBER(18)"),
        Kind.DECIMAL: _sized("NUMBER"),
        Kind.NUMBER: _plain("NUMBER TEXT"),
        Kind.DOUBLE: _plain("BINARY_DOUBLE"),
        Kind.TEXT: _sized("VARCHAR2"),
        Kind.CHAR: _sized("CHAR"),
        Kind.MOMENT: _plain("DATE"),
        Kind.PRECISE: _plain("TIMESTAMP(6)"),
        Kind.BOOLEAN: _plain("NUMBER(1)"),
        Kind.CLOB: _plain("CLOB"),
        Kind.BLOB: _plain("BLOB"),
    }
)
"""Still an SQLite file, but with the types that an Oracle database would have: for a double of an Oracle server."""


def quoted(name: str) -> str:
    """Return a name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: tuple[str, ...]) -> str:
    """Return names with commas between them."""
    return ", ".join(map(quoted, names))


def create_table(table: PracticeTable, dialect: Dialect) -> str:
    """Return CREATE TABLE with all constraints."""
    parts = [(_column(column, dialect), column.comment) for column in table.columns]
    parts.append((f"PRIMARY KEY ({listed(table.primary_key)})", ""))
    parts += [(f"UNIQUE ({listed(columns)})", "") for columns in table.unique]
    parts += [
        (f"FOREIGN KEY ({listed(key.columns)}) REFERENCES {quoted(key.target)} ({listed(key.target_columns)})", "")
        for key in table.foreign_keys
    ]
    parts += [(f"CONSTRAINT {quoted(check.name)} CHECK ({check.expression})", "") for check in table.checks]
    lines = [
        f"    {text}{'' if number == len(parts) else ','}" + (f" -- {note}" if note and dialect.comments else "")
        for number, (text, note) in enumerate(parts, start=1)
    ]
    title = f" -- {table.comment}" if dialect.comments else ""
    return "\n".join((f"CREATE TABLE {quoted(table.name)} ({title}", *lines, ")"))


def create_index(table: PracticeTable, index: PracticeIndex) -> str:
    """Return CREATE INDEX."""
    return f"CREATE INDEX {quoted(index.name)} ON {quoted(table.name)} ({listed(index.columns)})"


def create_view(view: PracticeView) -> str:
    """Return CREATE VIEW."""
    return f"CREATE VIEW {quoted(view.name)} AS {view.select}"


def _column(column: PracticeColumn, dialect: Dialect) -> str:
    kind = dialect.types[column.kind](column.size)
    return f"{quoted(column.name)} {kind}{' NOT NULL' if column.required else ''}"
