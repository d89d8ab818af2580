"""The other books of an image against its manifest: SQLite images, `catalog.sqlite`, `datapackage.json`."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from dbdump.image import CATALOG, CHECKSUMS, DATAPACKAGE, FILES, MANIFEST, Image, ImageTable
from dbdump.verify.files import COPY, Files
from dbdump.verify.report import Fault
from legacy.checksums import sha256_of
from legacy.errors import printable

_LARGEST_PACKAGE = 1 << 30
_INTEGRITY_LINES = 3
_AGAIN = "run the same dump again, which writes it anew"


def check_books(image: Image, files: Files) -> list[Fault]:
    """Return what is wrong with the books; files that are known to be damaged are not opened."""
    faults: list[Fault] = []
    for file in image.manifest.sqlite:
        if files.is_good(file.path):
            faults += _database(image, file.path, _sqlite_problems)
    if files.is_good(CATALOG):
        faults += _database(image, CATALOG, _catalog_problems)
    if files.is_good(DATAPACKAGE):
        faults += [Fault(DATAPACKAGE, problem, COPY) for problem in _package_problems(image)]
    faults += [Fault(FILES, problem, _AGAIN) for problem in _list_problems(image, files)]
    missing = [name for name in (CATALOG, DATAPACKAGE) if name not in files.present and name not in files.faults]
    return faults + [Fault(name, "it is missing", COPY) for name in missing]


def _database(image: Image, path: str, check: Any) -> list[Fault]:
    try:
        with closing(_open(image.folder / path)) as database:
            answers = database.execute(f"PRAGMA integrity_check({_INTEGRITY_LINES})").fetchall()
            if answers != [("ok",)]:
                told = "; ".join(str(answer) for (answer,) in answers)
                return [Fault(path, f"SQLite finds it damaged: {printable(told)[:300]}", COPY)]
            return [Fault(path, problem, COPY) for problem in check(image, database)]
    except sqlite3.Error as error:
        return [Fault(path, f"SQLite cannot read it: {printable(str(error))[:200]}", COPY)]


def _open(path: Path) -> sqlite3.Connection:
    # Immutable: SQLite makes no lock and no journal, so a sealed image on a read-only disk can be read.
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)


def _sqlite_problems(image: Image, database: sqlite3.Connection) -> Iterator[str]:
    """Count the rows of every table of a SQLite image; `_tables` says which is which."""
    rows = database.execute("SELECT name, source_schema, source_name, note FROM _tables").fetchall()
    named = {(schema, source): (name, note) for name, schema, source, note in rows}
    schemas = {schema for schema, _ in named}
    for table in image.manifest.tables:
        if table.name.schema not in schemas or table.problem or not table.columns:
            continue
        name, note = named.get((table.name.schema, table.name.name), (None, None))
        if name is None:
            yield f"it has no table {table.name}"
            continue
        quoted = '"' + str(name).replace('"', '""') + '"'
        try:
            ((count,),) = database.execute(f"SELECT count(*) FROM {quoted}").fetchall()  # noqa: S608  quoted
        except sqlite3.OperationalError:
            yield f"it has no table {table.name}" + (f" ({note})" if note else "")
            continue
        if count != table.rows:
            yield f"table {table.name} has {count:,} rows, the manifest says {table.rows:,}"


def _catalog_problems(image: Image, database: sqlite3.Connection) -> Iterator[str]:
    """Compare tables, columns and parts with the manifest."""
    tables = {(schema, name): (number, rows) for number, schema, name, rows in database.execute(_TABLES)}
    for table in image.manifest.tables:
        number, rows = tables.pop((table.name.schema, table.name.name), (None, None))
        if number is None:
            yield f"it has no table {table.name}"
            continue
        if rows != (table.rows if table.is_present else None):
            yield f"table {table.name} has {rows} rows in it, the manifest says {table.rows}"
        if database.execute(_COLUMNS, (number,)).fetchall() != [(one.name, one.arrow) for one in table.columns]:
            yield f"the columns of table {table.name} are not those of the manifest"
        parts = [(part.file.path, part.rows, part.file.size, part.file.sha256) for part in table.parts]
        if database.execute(_PARTS, (number,)).fetchall() != parts:
            yield f"the parts of table {table.name} are not those of the manifest"
    for schema, name in sorted(tables):
        yield f"it has a table {schema}.{name}, the manifest has not"


_TABLES = "SELECT table_id, schema_name, table_name, rows FROM tables"
_COLUMNS = "SELECT name, arrow_type FROM image_columns WHERE table_id = ? ORDER BY position"
_PARTS = "SELECT path, rows, bytes, sha256 FROM parts WHERE table_id = ? ORDER BY position"


def _list_problems(image: Image, files: Files) -> Iterator[str]:
    """Compare the list for the ingest with the files: Rucio would refuse what has other checksums."""
    if FILES not in files.present:
        yield "it is missing"
        return
    sums = dict(files.sums)
    for name in (MANIFEST, CHECKSUMS):
        if name in files.present:
            sums[name] = sha256_of(image.folder / name)
    with (image.folder / FILES).open(encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            try:
                entry = json.loads(line)
                path, facts = entry["path"], (entry["size"], entry["sha256"])
            except (ValueError, KeyError, TypeError, RecursionError):
                yield f"line {number} is no entry of a file"
                return
            found = sums.pop(path, None)
            if files.is_good(path) and facts != (files.present[path], found):
                yield f"it has another size or SHA-256 for {path} than the file"
    for path in sorted(sums):
        yield f"{path} is not in it"


def _package_problems(image: Image) -> Iterator[str]:
    """Compare the resources of the data package with the tables: paths, names of columns, rows."""
    path = image.folder / DATAPACKAGE
    if path.stat().st_size > _LARGEST_PACKAGE:
        yield "more than 1 GiB: no data package of ours is that long"
        return
    try:
        package = json.loads(path.read_text(encoding="utf-8"))
        resources = {_place(resource): resource for resource in package["resources"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        yield f"not a data package: {printable(str(error))[:200]}"
        return
    dumped = [table for table in image.manifest.tables if table.is_present]
    for table in dumped:
        name = table.sqlite.names[0] if table.sqlite else ""
        files = (table.sqlite.path,) if table.sqlite else tuple(part.file.path for part in table.parts)
        resource = resources.get((files, name))
        if resource is None:
            yield f"table {table.name} is not in it with its files"
        else:
            yield from _resource_problems(table, resource)
    if len(resources) != len(dumped):
        yield f"it has {len(resources)} resources, the manifest {len(dumped)} tables"


def _place(resource: Any) -> tuple[tuple[str, ...], str]:
    """Return the files of a resource, and the table in them where they are databases."""
    path, dialect = resource["path"], resource.get("dialect", {})
    return (tuple(path) if isinstance(path, list) else (path,)), dialect.get("table", "")


def _resource_problems(table: ImageTable, resource: Any) -> Iterator[str]:
    try:
        names = [field["name"] for field in resource["schema"]["fields"]]
    except (KeyError, TypeError):
        yield f"table {table.name} has no fields in it"
        return
    if names != [column.name for column in table.columns]:
        yield f"the fields of table {table.name} are not the columns of the manifest"
    if resource.get("rowCount") != table.rows:
        yield f"table {table.name} has {resource.get('rowCount')} rows in it, the manifest says {table.rows}"
