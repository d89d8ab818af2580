"""The SQL of a SQLite file: tables with keys, indexes, and the tables about the tables."""

from collections.abc import Iterable, Sequence

from dbdump.sqlite.names import quoted
from dbdump.sqlite.shape import ForeignKey, Piece, SqliteTable

ABOUT = """
CREATE TABLE _tables (name TEXT PRIMARY KEY, source_schema TEXT, source_name TEXT, kind TEXT, comment TEXT,
    rows INTEGER, note TEXT);
CREATE TABLE _columns (table_name TEXT REFERENCES _tables (name), position INTEGER, name TEXT, source_column TEXT,
    source_type TEXT, sqlite_type TEXT, arrow_type TEXT, form TEXT, unit TEXT, nullable INTEGER, default_value TEXT,
    comment TEXT, note TEXT, lossy TEXT, PRIMARY KEY (table_name, position));
CREATE TABLE _keys (table_name TEXT REFERENCES _tables (name), kind TEXT, name TEXT, columns TEXT, target TEXT,
    target_columns TEXT, expression TEXT, note TEXT);
CREATE TABLE _indexes (table_name TEXT REFERENCES _tables (name), name TEXT, columns TEXT,
    is_unique INTEGER, definition TEXT, note TEXT);
CREATE TABLE _views (source_schema TEXT, source_name TEXT, text TEXT, comment TEXT);
"""


def create_tables(shape: SqliteTable, references: Iterable[ForeignKey], *, with_key: bool) -> list[str]:
    """Return the statements that make a table; the keys are in the first piece.

    Parameters
    ----------
    shape
        The table.
    references
        Its foreign keys.
    with_key
        Whether to declare the primary key, which SQLite then checks.
    """
    first, *others = shape.pieces
    keys = [f"PRIMARY KEY ({_list(shape.primary_key)})"] if with_key and shape.primary_key else []
    keys += [
        f"FOREIGN KEY ({_list(key.columns)}) REFERENCES {quoted(key.target)} ({_list(key.target_columns)})"
        for key in references
    ]
    # INT and INTEGER are one type, but only INTEGER makes a primary key the number of the row.
    plain = set(shape.primary_key) - {shape.rowid_alias}
    return [_create(first, plain, keys), *(_create(piece, set(), []) for piece in others)]


def _create(piece: Piece, plain: set[str], keys: Sequence[str]) -> str:
    lines = [f"{quoted(c.name)} {'INT' if c.kind == 'INTEGER' and c.name in plain else c.kind}" for c in piece.columns]
    return f"CREATE TABLE {quoted(piece.name)} (\n  " + ",\n  ".join([*lines, *keys]) + "\n)"


def insert(piece: Piece, with_text: Sequence[int]) -> str:
    """Return the statement that stores rows of a piece.

    Parameters
    ----------
    piece
        The table in SQLite.
    with_text
        Numbers of columns some of whose values in this batch are text instead; for each, its texts are one more
        parameter.
    """
    texts = {column: len(piece.columns) + 1 + number for number, column in enumerate(with_text)}
    values = [
        f"coalesce(?{texts[number]}, ?{number + 1})" if number in texts else f"?{number + 1}"
        for number in range(len(piece.columns))
    ]
    return f"INSERT INTO {quoted(piece.name)} VALUES ({', '.join(values)})"  # noqa: S608  names are quoted


def create_index(name: str, table: str, columns: Sequence[str], *, unique: bool) -> str:
    """Return the statement that makes an index."""
    return f"CREATE {'UNIQUE ' if unique else ''}INDEX {quoted(name)} ON {quoted(table)} ({_list(columns)})"


def _list(names: Iterable[str]) -> str:
    return ", ".join(quoted(name) for name in names)
