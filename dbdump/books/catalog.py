"""``catalog.sqlite``: the schema of the source and the contents of the image as tables."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from dbdump.image import CATALOG, ImageTable, Manifest, table_folder
from dbdump.schema import TableName, TableSchema
from legacy.atomic import atomic_file

_TABLES = """
CREATE TABLE source (kind TEXT, version TEXT, database_name TEXT, charset TEXT);
CREATE TABLE tables (
    table_id INTEGER PRIMARY KEY, schema_name TEXT NOT NULL, table_name TEXT NOT NULL, kind TEXT NOT NULL,
    comment TEXT, rows INTEGER, bytes INTEGER, folder TEXT, organisation TEXT, problem TEXT,
    UNIQUE (schema_name, table_name));
CREATE TABLE columns (
    table_id INTEGER NOT NULL REFERENCES tables, position INTEGER NOT NULL, name TEXT NOT NULL, source_type TEXT,
    family TEXT, digits INTEGER, scale INTEGER, length INTEGER, nullable INTEGER, default_value TEXT, computed TEXT,
    comment TEXT, values_with_odd_characters INTEGER, PRIMARY KEY (table_id, name));
CREATE TABLE image_columns (
    table_id INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, source_column TEXT NOT NULL,
    arrow_type TEXT, form TEXT, unit TEXT, note TEXT, lossy TEXT, PRIMARY KEY (table_id, name),
    FOREIGN KEY (table_id, source_column) REFERENCES columns (table_id, name));
CREATE TABLE keys (
    key_id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL REFERENCES tables, kind TEXT NOT NULL, name TEXT,
    target_schema TEXT, target_table TEXT, target_table_id INTEGER REFERENCES tables, expression TEXT);
CREATE TABLE key_columns (
    key_id INTEGER NOT NULL REFERENCES keys, position INTEGER NOT NULL, column_name TEXT, target_column TEXT,
    PRIMARY KEY (key_id, position));
CREATE TABLE indexes (
    index_id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL REFERENCES tables, name TEXT, is_unique INTEGER,
    over_expressions INTEGER, definition TEXT);
CREATE TABLE index_columns (
    index_id INTEGER NOT NULL REFERENCES indexes, position INTEGER NOT NULL, column_or_expression TEXT,
    PRIMARY KEY (index_id, position));
CREATE TABLE partitions (
    table_id INTEGER NOT NULL REFERENCES tables, position INTEGER NOT NULL, name TEXT, bounds TEXT,
    estimated_rows INTEGER, PRIMARY KEY (table_id, position));
CREATE TABLE grants (table_id INTEGER NOT NULL REFERENCES tables, grantee TEXT, privilege TEXT);
CREATE TABLE parts (
    table_id INTEGER NOT NULL REFERENCES tables, position INTEGER NOT NULL, path TEXT NOT NULL UNIQUE, rows INTEGER,
    bytes INTEGER, sha256 TEXT, md5 TEXT, adler32 TEXT, chunk INTEGER, PRIMARY KEY (table_id, position));
CREATE TABLE views (view_id INTEGER PRIMARY KEY, schema_name TEXT, view_name TEXT, text TEXT, comment TEXT);
CREATE TABLE view_columns (
    view_id INTEGER NOT NULL REFERENCES views, position INTEGER NOT NULL, name TEXT, PRIMARY KEY (view_id, position));
CREATE TABLE code (kind TEXT, schema_name TEXT, name TEXT, text TEXT);
CREATE TABLE database_files (path TEXT PRIMARY KEY, bytes INTEGER, sha256 TEXT);
CREATE TABLE warnings (position INTEGER PRIMARY KEY, text TEXT);
CREATE VIEW column_list AS
    SELECT t.schema_name, t.table_name, c.position, c.name, c.source_type, i.arrow_type, i.form, i.unit, i.note,
        c.comment
    FROM columns c JOIN tables t USING (table_id)
    LEFT JOIN image_columns i ON i.table_id = c.table_id AND i.name = c.name
    ORDER BY t.schema_name, t.table_name, c.position
"""

_Row = tuple[object, ...]


def write_catalog(folder: Path, manifest: Manifest) -> None:
    """Write ``catalog.sqlite``; no times, so equal contents give equal bytes with the same version of SQLite.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    with atomic_file(folder / CATALOG) as part:
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(part, isolation_level=None)) as database:
            for pragma in ("journal_mode = off", "synchronous = off", "foreign_keys = on"):
                database.execute(f"PRAGMA {pragma}")
            database.execute("BEGIN")
            for statement in _TABLES.split(";"):
                database.execute(statement)
            _fill(database, manifest)
            database.execute("COMMIT")


def _fill(database: sqlite3.Connection, manifest: Manifest) -> None:
    server = manifest.server
    _insert(database, "source", [(server.kind, server.version, server.database, server.charset)])
    tables = sorted(manifest.tables, key=lambda table: table.name)
    numbers = {table.name: number for number, table in enumerate(tables, start=1)}
    _insert(database, "tables", [_table_row(number, table) for number, table in enumerate(tables, start=1)])
    for table in tables:
        _fill_table(database, numbers[table.name], table)
    _fill_keys(database, tables, numbers)
    _fill_indexes(database, tables, numbers)
    views = list(enumerate(manifest.views, start=1))
    _insert(database, "views", [(n, view.name.schema, view.name.name, view.text, view.comment) for n, view in views])
    names = [(n, place, name) for n, view in views for place, name in enumerate(view.columns, start=1)]
    _insert(database, "view_columns", names)
    _insert(database, "code", [(code.kind, code.name.schema, code.name.name, code.text) for code in manifest.code])
    _insert(database, "database_files", [(file.path, file.size, file.sha256) for file in manifest.sqlite])
    _insert(database, "warnings", list(enumerate(manifest.warnings, start=1)))


def _table_row(number: int, table: ImageTable) -> _Row:
    schema, rows = table.schema, table.rows if table.is_present else None
    size = sum(part.file.size for part in table.parts) if table.parts else None
    place = table_folder(schema.name) if table.parts else table.sqlite.path if table.sqlite else None
    facts = (schema.name.schema, schema.name.name, str(schema.kind), schema.comment)
    return (number, *facts, rows, size, place, schema.organisation, table.problem)


def _fill_table(database: sqlite3.Connection, number: int, table: ImageTable) -> None:
    schema = table.schema
    _insert(database, "columns", _column_rows(number, schema, table))
    stored = [
        (number, place, c.name, c.column, c.arrow, str(c.form), c.unit, c.note, c.lossy)
        for place, c in enumerate(table.columns, start=1)
    ]
    _insert(database, "image_columns", stored)
    partitions = [(number, place, p.name, p.bounds, p.rows) for place, p in enumerate(schema.partitions, start=1)]
    _insert(database, "partitions", partitions)
    _insert(database, "grants", [(number, grant.grantee, grant.privilege) for grant in schema.grants])
    parts = [
        (number, place, p.file.path, p.rows, p.file.size, p.file.sha256, p.file.md5, p.file.adler32, p.chunk)
        for place, p in enumerate(table.parts, start=1)
    ]
    _insert(database, "parts", parts)


def _column_rows(number: int, schema: TableSchema, table: ImageTable) -> list[_Row]:
    rows: list[_Row] = []
    for place, c in enumerate(schema.columns, start=1):
        facts = (c.name, c.source_type, str(c.family), c.precision, c.scale, c.length, c.nullable)
        rows.append(
            (number, place, *facts, c.default, c.computed, c.comment, table.odd_characters.get(c.name, 0)),
        )
    return rows


def _fill_keys(database: sqlite3.Connection, tables: Sequence[ImageTable], numbers: dict[TableName, int]) -> None:
    found = [(numbers[table.name], key) for table in tables for key in table.schema.keys]
    rows: list[_Row] = []
    columns: list[_Row] = []
    for key_id, (number, key) in enumerate(found, start=1):
        target = (key.target.schema, key.target.name, numbers.get(key.target)) if key.target else (None, None, None)
        rows.append((key_id, number, str(key.kind), key.name, *target, key.expression))
        there: Sequence[str | None] = key.target_columns or [None] * len(key.columns)
        pairs = zip(key.columns, there, strict=False)
        columns += [(key_id, place, *pair) for place, pair in enumerate(pairs, start=1)]
    _insert(database, "keys", rows)
    _insert(database, "key_columns", columns)


def _fill_indexes(database: sqlite3.Connection, tables: Sequence[ImageTable], numbers: dict[TableName, int]) -> None:
    found = [(numbers[table.name], index) for table in tables for index in table.schema.indexes]
    rows: list[_Row] = []
    columns: list[_Row] = []
    for index_id, (number, index) in enumerate(found, start=1):
        rows.append((index_id, number, index.name, index.unique, index.expressions, index.definition))
        columns += [(index_id, place, name) for place, name in enumerate(index.columns, start=1)]
    _insert(database, "indexes", rows)
    _insert(database, "index_columns", columns)


def _insert(database: sqlite3.Connection, table: str, rows: Sequence[_Row]) -> None:
    if rows:
        marks = ", ".join("?" * len(rows[0]))
        database.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608  only names of this module
