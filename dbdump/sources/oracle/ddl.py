"""DDL of a table, put together from the dictionary where DBMS_METADATA gives none."""

from dbdump.schema import Column, Index, Key, KeyKind, TableSchema
from dbdump.sources.oracle.names import literal


def table_ddl(table: TableSchema, partitioned_by: str = "") -> str:
    """Return statements that make a table with its keys, indexes and comments; storage is left out.

    Parameters
    ----------
    table
        What the dictionary says.
    partitioned_by
        Kind and columns of its partitions, such as ``RANGE ("T")``; ``""`` without.
    """
    name = f"{_name(table.name.schema)}.{_name(table.name.name)}"
    lines = [_column(column) for column in table.columns]
    lines += [_key(key) for key in table.keys]
    tail = " ORGANIZATION INDEX" if table.organisation else ""
    statements = [
        f"CREATE TABLE {name} (\n  " + ",\n  ".join(lines) + f"\n){tail}{_partitions(table, partitioned_by)};"
    ]
    statements += [_index(table, index) for index in table.indexes]
    if table.comment:
        statements.append(f"COMMENT ON TABLE {name} IS {literal(table.comment)};")
    statements += [
        f"COMMENT ON COLUMN {name}.{_name(column.name)} IS {literal(column.comment)};"
        for column in table.columns
        if column.comment
    ]
    statements += [f"GRANT {grant.privilege} ON {name} TO {_name(grant.grantee)};" for grant in table.grants]
    return "\n".join(statements) + "\n"


def _name(text: str) -> str:
    return f'"{text}"'


def _column(column: Column) -> str:
    parts = [_name(column.name), column.source_type]
    if column.computed:
        parts.append(f"GENERATED ALWAYS AS ({column.computed}) VIRTUAL")
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if not column.nullable:
        parts.append("NOT NULL")
    return " ".join(parts)


def _key(key: Key) -> str:
    columns = ", ".join(map(_name, key.columns))
    head = f"CONSTRAINT {_name(key.name)} " if key.name else ""
    match key.kind:
        case KeyKind.CHECK:
            return f"{head}CHECK ({key.expression})"
        case KeyKind.FOREIGN:
            target = f'"{key.target.schema}"."{key.target.name}"' if key.target else "unknown"
            there = ", ".join(map(_name, key.target_columns))
            action = f" {key.expression}" if key.expression else ""
            return f"{head}FOREIGN KEY ({columns}) REFERENCES {target} ({there}){action}"
        case KeyKind.UNIQUE:
            return f"{head}UNIQUE ({columns})"
        case _:
            return f"{head}PRIMARY KEY ({columns})"


def _index(table: TableSchema, index: Index) -> str:
    names = {column.name for column in table.columns}
    columns = ", ".join(_name(entry) if entry in names else entry for entry in index.columns)
    kind = "UNIQUE INDEX" if index.unique else "BITMAP INDEX" if index.definition.startswith("BITMAP") else "INDEX"
    schema = _name(table.name.schema)
    return f"CREATE {kind} {schema}.{_name(index.name)} ON {schema}.{_name(table.name.name)} ({columns});"


def _partitions(table: TableSchema, partitioned_by: str) -> str:
    if not partitioned_by or not table.partitions:
        return ""
    words = {"RANGE": "VALUES LESS THAN", "LIST": "VALUES"}.get(partitioned_by.split(" ")[0])
    parts = [
        f"PARTITION {_name(part.name)}" + (f" {words} ({part.bounds})" if words and part.bounds else "")
        for part in table.partitions
    ]
    return f"\nPARTITION BY {partitioned_by} (\n  " + ",\n  ".join(parts) + "\n)"
