"""``ddl/``: statements and source texts of the database, one file per object."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from dbdump.image import DDL, Manifest, path_name
from dbdump.schema import Column, Key, KeyKind, TableKind, TableName, TableSchema, View
from legacy.atomic import PART_SUFFIX

_FOLDERS = {TableKind.TABLE: "tables", TableKind.MATERIALIZED_VIEW: "mviews"}


def write_ddl(folder: Path, manifest: Manifest) -> None:
    """Write ``ddl/<SCHEMA>/<kind>/<NAME>.sql`` for everything that the manifest has.

    Kinds are ``tables``, ``mviews``, ``views``, ``indexes``, ``comments``, ``grants``, and those of
    `dbdump.schema.Code`. The folder appears when it is complete; one that is there is replaced.

    Raises
    ------
    OSError
        It cannot be written.
    """
    place, part = folder / DDL, folder / (DDL + PART_SUFFIX)
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    files: dict[str, list[str]] = {}
    for kind, name, text in _texts(manifest):
        # Some servers have several objects of one name: overloaded functions, a package and its body.
        path = f"{path_name(name.schema)}/{path_name(kind)}/{path_name(name.name)}.sql"
        files.setdefault(path, []).append(text.strip("\n") + "\n")
    for path, texts in sorted(files.items()):
        (part / path).parent.mkdir(parents=True, exist_ok=True)
        (part / path).write_text("\n".join(texts), encoding="utf-8", newline="")
    if place.exists():
        shutil.rmtree(place)
    part.rename(place)


def _texts(manifest: Manifest) -> Iterator[tuple[str, TableName, str]]:
    for image_table in manifest.tables:
        table = image_table.schema
        yield _FOLDERS[table.kind], table.name, table.ddl or table_statement(table)
        definitions = [_ended(index.definition) for index in table.indexes if index.definition]
        grants = [
            f"GRANT {grant.privilege} ON {quoted_name(table.name)} TO {quoted(grant.grantee)};"
            for grant in table.grants
        ]
        for kind, lines in (("indexes", definitions), ("comments", list(_comments(table))), ("grants", grants)):
            if lines:
                yield kind, table.name, "\n".join(lines)
    for view in manifest.views:
        yield "views", view.name, view_statement(view)
    for code in manifest.code:
        yield code.kind, code.name, code.text


def quoted(name: str) -> str:
    """Return a name as an identifier of standard SQL."""
    return '"' + name.replace('"', '""') + '"'


def quoted_name(name: TableName) -> str:
    """Return schema and name as identifiers of standard SQL."""
    return f"{quoted(name.schema)}.{quoted(name.name)}"


def view_statement(view: View) -> str:
    """Return the statement that makes a view; its text is that of the source."""
    if view.text.lstrip()[:6].lower() == "create":
        return _ended(view.text)
    columns = f" ({', '.join(map(quoted, view.columns))})" if view.columns else ""
    comment = f"\nCOMMENT ON VIEW {quoted_name(view.name)} IS {_literal(view.comment)};" if view.comment else ""
    return f"CREATE VIEW {quoted_name(view.name)}{columns} AS\n{_ended(view.text)}{comment}"


def table_statement(table: TableSchema) -> str:
    """Return a statement put together from the facts, for a source that has none of its own."""
    lines = [_column(column) for column in table.columns] + [_key(key) for key in table.keys]
    return f"CREATE TABLE {quoted_name(table.name)} (\n  " + ",\n  ".join(lines) + "\n);"


def _column(column: Column) -> str:
    text = f"{quoted(column.name)} {column.source_type}"
    if column.computed:
        text += f" GENERATED ALWAYS AS ({column.computed})"
    elif column.default is not None:
        text += f" DEFAULT {column.default}"
    return text if column.nullable else f"{text} NOT NULL"


def _key(key: Key) -> str:
    name = f"CONSTRAINT {quoted(key.name)} " if key.name else ""
    columns = ", ".join(map(quoted, key.columns))
    match key.kind:
        case KeyKind.CHECK:
            return f"{name}CHECK ({key.expression})"
        case KeyKind.FOREIGN:
            there = ", ".join(map(quoted, key.target_columns))
            target = quoted_name(key.target) if key.target else '"?"'
            shown = f"{target} ({there})" if there else target
            return f"{name}FOREIGN KEY ({columns}) REFERENCES {shown} {key.expression}".rstrip()
        case kind:
            return f"{name}{'PRIMARY KEY' if kind == KeyKind.PRIMARY else 'UNIQUE'} ({columns})"


def _comments(table: TableSchema) -> Iterator[str]:
    name = quoted_name(table.name)
    if table.comment:
        yield f"COMMENT ON TABLE {name} IS {_literal(table.comment)};"
    for column in table.columns:
        if column.comment:
            yield f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {_literal(column.comment)};"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _ended(statement: str) -> str:
    text = statement.rstrip()
    return text if text.endswith((";", "/")) else f"{text};"
