"""``datapackage.json``: the tables as a Frictionless data package, version 2 (datapackage.org/standard)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dbdump.image import DATAPACKAGE, FileFacts, ImageTable, Manifest, SqliteRows, path_name
from dbdump.schema import Key, KeyKind, TableName
from dbdump.stored import StoredColumn
from legacy.atomic import write_text

_PROFILES = "https://datapackage.org/profiles/2.0"
_MEDIA_TYPE = "application/vnd.apache.parquet"
_SQLITE_MEDIA_TYPE = "application/vnd.sqlite3"
_TYPES = {
    "int64": "integer",
    "int32": "integer",
    "bool": "boolean",
    "float": "number",
    "double": "number",
    "string": "string",
    "binary": "string",
    "date32[day]": "date",
    "time64[us]": "time",
}


def write_datapackage(folder: Path, manifest: Manifest) -> None:
    """Write ``datapackage.json``; no times, so equal contents give equal bytes; raises OSError."""
    text = json.dumps(data_package(manifest), ensure_ascii=False, indent=2) + "\n"
    write_text(folder / DATAPACKAGE, text)


def data_package(manifest: Manifest) -> dict[str, Any]:
    """Return the descriptor of an image.

    Tables that were not dumped have no file, so they are no resources; the property ``missing`` names them.
    """
    tables = [table for table in manifest.tables if table.is_present]
    names = _resource_names(tables)
    files = {file.path: file for file in manifest.sqlite}
    server = manifest.server
    package: dict[str, Any] = {
        "$schema": f"{_PROFILES}/datapackage.json",
        "name": _plain(f"{server.kind}-{server.database}") or "database",
        "title": f"Image of the database {server.database}",
        "description": f"Tables of a database ({server.version}), read only once and unchanged; see README.md.",
        "resources": [_resource(table, names, files) for table in tables],
    }
    missing = [{"table": str(table.name), "problem": table.problem} for table in manifest.tables if table.problem]
    return package | ({"missing": missing} if missing else {})


def _resource_names(tables: list[ImageTable]) -> dict[TableName, str]:
    """Names of resources are lower case and plain, and each is there once."""
    names: dict[TableName, str] = {}
    used: set[str] = set()
    for table in tables:
        first = name = _plain(f"{path_name(table.name.schema)}.{path_name(table.name.name)}")
        number = 1
        while name in used:
            number += 1
            name = f"{first}-{number}"
        used.add(name)
        names[table.name] = name
    return names


def _plain(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in text.lower())


def _resource(table: ImageTable, names: Mapping[TableName, str], files: Mapping[str, FileFacts]) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "name": names[table.name],
        "type": "table",
        "title": str(table.name),
        "description": table.schema.comment,
        **(_sqlite_facts(table.sqlite, files[table.sqlite.path]) if table.sqlite else _part_facts(table)),
        "rowCount": table.rows,
        "schema": _schema(table, names),
    }
    return {key: value for key, value in resource.items() if value != ""}


def _sqlite_facts(rows: SqliteRows, file: FileFacts) -> dict[str, Any]:
    """Return where the rows are in a database; the dialect of the standard names the table there."""
    further = {"further": list(rows.names[1:])} if len(rows.names) > 1 else {}
    return {
        "path": file.path,
        "format": "sqlite",
        "mediatype": _SQLITE_MEDIA_TYPE,
        "dialect": {"$schema": f"{_PROFILES}/tabledialect.json", "table": rows.names[0], **further},
        "bytes": file.size,
        "hash": f"sha256:{file.sha256}",
        "rowDigest": rows.digest,
    }


def _part_facts(table: ImageTable) -> dict[str, Any]:
    files = [part.file for part in table.parts]
    facts: dict[str, Any] = {
        "path": [file.path for file in files],
        "format": "parquet",
        "mediatype": _MEDIA_TYPE,
        "bytes": sum(file.size for file in files),
        "hash": f"sha256:{files[0].sha256}",
        # The standard has one hash for a resource: of several files each has its own here.
        "parts": [
            {"path": p.file.path, "bytes": p.file.size, "hash": f"sha256:{p.file.sha256}", "rowCount": p.rows}
            for p in table.parts
        ],
    }
    if len(files) > 1:
        del facts["hash"]
    return facts


def _schema(table: ImageTable, names: Mapping[TableName, str]) -> dict[str, Any]:
    stored = {column.name for column in table.columns}
    schema: dict[str, Any] = {
        "$schema": f"{_PROFILES}/tableschema.json",
        "fields": [_field(table, column) for column in table.columns],
    }
    primary = [key for key in table.schema.keys if key.kind == KeyKind.PRIMARY and stored.issuperset(key.columns)]
    if primary:
        schema["primaryKey"] = list(primary[0].columns)
    unique = [key for key in table.schema.keys if key.kind == KeyKind.UNIQUE and stored.issuperset(key.columns)]
    if unique:
        schema["uniqueKeys"] = [list(key.columns) for key in unique]
    foreign = [_foreign_key(table, key, names) for key in table.schema.keys if _is_shown(key, stored, names)]
    return schema | ({"foreignKeys": foreign} if foreign else {})


def _is_shown(key: Key, stored: set[str], names: Mapping[TableName, str]) -> bool:
    known = key.kind == KeyKind.FOREIGN and key.target in names and stored.issuperset(key.columns)
    return known and len(key.columns) == len(key.target_columns)


def _foreign_key(table: ImageTable, key: Key, names: Mapping[TableName, str]) -> dict[str, Any]:
    reference: dict[str, Any] = {"fields": list(key.target_columns)}
    if key.target is not None and key.target != table.name:  # without a resource, the table itself is meant
        reference = {"resource": names[key.target]} | reference
    return {"fields": list(key.columns), "reference": reference}


def _field(table: ImageTable, stored: StoredColumn) -> dict[str, Any]:
    source = table.schema.column(stored.column)
    is_value = stored.name == stored.column
    field: dict[str, Any] = {
        "name": stored.name,
        "type": _TYPES.get(stored.arrow, "number" if stored.arrow.startswith("decimal128") else "datetime"),
        "description": source.comment if is_value else "",
        "constraints": {"required": True} if is_value and not source.nullable else "",
        "arrowType": stored.arrow,
        "sourceType": source.source_type,
        "sourceColumn": stored.column,
        "form": str(stored.form),
        "unit": stored.unit,
        "note": stored.note,
        "lossy": stored.lossy,
    }
    return {key: value for key, value in field.items() if value != ""}
