"""Statements put together from what the catalogue says; PostgreSQL keeps none."""

from collections.abc import Iterator

from dbdump.schema import Column, Key, KeyKind, TableKind, TableSchema, View
from dbdump.sources.postgresql.pages import sql_name
from dbdump.sources.postgresql.session import literal, quoted


def table_ddl(table: TableSchema, query: str) -> str:
    """Return the statements that make a table, its indexes and comments.

    Parameters
    ----------
    table
        The facts.
    query
        Of a materialized view.
    """
    return "\n".join([*_create(table, query), *_indexes(table), *_comments(table)]) + "\n"


def _create(table: TableSchema, query: str) -> Iterator[str]:
    name = sql_name(table.name)
    if table.kind == TableKind.MATERIALIZED_VIEW:
        yield f"CREATE MATERIALIZED VIEW {name} AS\n{query.rstrip().rstrip(';')};"
        return
    lines = [*(_column(column) for column in table.columns), *(_key(key) for key in table.keys)]
    body = ",\n".join(f"    {line}" for line in lines)
    end = ""
    if table.organisation.startswith("partitioned by "):
        end = " PARTITION BY " + table.organisation.removeprefix("partitioned by ")
    yield f"CREATE TABLE {name} (\n{body}\n){end};" if lines else f"CREATE TABLE {name} (){end};"
    if table.organisation.startswith("inherits from "):
        yield f"-- {_one_line(table.organisation)}"
    for part in table.partitions:
        yield f"-- partition {_one_line(part.name)} {_one_line(part.bounds)}"


def _column(column: Column) -> str:
    parts = [quoted(column.name), column.source_type]
    if column.computed:
        parts.append(f"GENERATED ALWAYS AS ({column.computed}) STORED")
    elif column.default is not None and column.default.startswith("GENERATED "):
        parts.append(column.default)
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if not column.nullable:
        parts.append("NOT NULL")
    return " ".join(parts)


def _key(key: Key) -> str:
    columns = ", ".join(map(quoted, key.columns))
    start = f"CONSTRAINT {quoted(key.name)}"
    match key.kind:
        case KeyKind.CHECK:
            exclusion = key.expression.startswith("EXCLUDE ")
            return f"{start} {'' if exclusion else 'CHECK '}{key.expression}"
        case KeyKind.FOREIGN:
            goal = sql_name(key.target) if key.target else ""
            target = f"{goal} ({', '.join(map(quoted, key.target_columns))})"
            return f"{start} FOREIGN KEY ({columns}) REFERENCES {target} {key.expression}".rstrip()
        case kind:
            return f"{start} {'PRIMARY KEY' if kind == KeyKind.PRIMARY else 'UNIQUE'} ({columns})"


def _indexes(table: TableSchema) -> Iterator[str]:
    for index in table.indexes:
        yield f"{index.definition};"


def _comments(table: TableSchema) -> Iterator[str]:
    name = sql_name(table.name)
    if table.comment:
        yield f"COMMENT ON {str(table.kind).upper()} {name} IS {literal(table.comment)};"
    for column in table.columns:
        if column.comment:
            yield f"COMMENT ON COLUMN {name}.{quoted(column.name)} IS {literal(column.comment)};"


def view_ddl(view: View) -> str:
    """Return the statements that make a view and its comment."""
    columns = ", ".join(map(quoted, view.columns))
    name = sql_name(view.name)
    text = f"CREATE VIEW {name}{f' ({columns})' if columns else ''} AS\n{view.text.rstrip().rstrip(';')};\n"
    return text + (f"COMMENT ON VIEW {name} IS {literal(view.comment)};\n" if view.comment else "")


def _one_line(text: str) -> str:
    return " ".join(text.split())
