"""``README.md`` inside of an image: how to read it without this program."""

from collections.abc import Iterator
from pathlib import Path

from dbdump.books.readme_text import (
    CHECK,
    FORMATS,
    LAYOUT,
    READING,
    READING_SQLITE,
    SQLITE_ALONE,
    SQLITE_BESIDE,
    TYPES,
)
from dbdump.image import README, ImageTable, Manifest, table_folder
from legacy.atomic import write_text
from legacy.errors import printable

LONGEST_LIST = 200
"""Tables in the list of contents; all are in ``catalog.sqlite``."""


def write_readme(folder: Path, manifest: Manifest) -> None:
    """Write ``README.md``; no times, so equal contents give equal bytes; raises OSError."""
    write_text(folder / README, readme(manifest))


def readme(manifest: Manifest) -> str:
    """Return the text of ``README.md``."""
    sections = [
        _what(manifest),
        "\n".join(_contents(manifest)),
        "\n".join(_missing(manifest)),
        LAYOUT,
        _reading(manifest),
        TYPES,
        SQLITE_ALONE if manifest.in_sqlite_alone else SQLITE_BESIDE,
        "\n".join(_particulars(manifest)),
        CHECK,
        FORMATS,
    ]
    return "\n\n".join(section.strip("\n") for section in sections if section) + "\n"


def _what(manifest: Manifest) -> str:
    server = manifest.server
    tables = [table for table in manifest.tables if table.is_present]
    kind = {"oracle": "Oracle", "postgresql": "PostgreSQL", "sqlite": "SQLite"}.get(server.kind, server.kind)
    charset = f"- Character set of the database: {_cell(server.charset)}. All text here is UTF-8.\n"
    lobs, size = manifest.lobs
    return f"""# Image of the database {_cell(server.database)}

This folder is a copy of a database ({kind}), as files of open formats. It was made to be read without the database
server, and without the program that made it. Nothing was rounded, converted silently or left out silently.

- Source: {_cell(server.version)}, database {_cell(server.database)}.
{charset if server.charset else ""}- Written by: {_cell(manifest.tool)}.
- When, and of which moment: `started`, `finished` and `snapshots` in `manifest.json`.
- Tables: {len(tables):,}, with {sum(table.rows for table in tables):,} rows in all.
- As text only: {len(manifest.views):,} views, {len(manifest.code):,} sequences, triggers, procedures and the like.
- Long values in files of their own: {lobs:,}, with {size:,} bytes in all."""


def _contents(manifest: Manifest) -> Iterator[str]:
    tables = [table for table in manifest.tables if table.is_present]
    yield "## Contents"
    yield ""
    yield "| table | rows | columns | files | where | comment |"
    yield "|---|---|---|---|---|---|"
    for table in tables[:LONGEST_LIST]:
        yield (
            f"| {_cell(str(table.name))} | {table.rows:,} | {len(table.schema.columns)} | {len(table.parts) or 1} "
            f"| {_place(table)} | {_cell(table.schema.comment)} |"
        )
    if len(tables) > LONGEST_LIST:
        more = len(tables) - LONGEST_LIST
        yield ""
        yield f"and {more:,} more tables: all are in the table `tables` of `catalog.sqlite`."
    yield ""
    yield "In names of files, every character but `A-Z a-z 0-9 _ . -` is written as `%` and the hexadecimal digits of"
    yield "its UTF-8 bytes. The names of the database stand unchanged in `catalog.sqlite` and `manifest.json`."


def _place(table: ImageTable) -> str:
    if table.sqlite is None:
        return f"`{table_folder(table.name)}`"
    return f"`{table.sqlite.path}`, {', '.join(map(_cell, table.sqlite.names))}"


def _missing(manifest: Manifest) -> Iterator[str]:
    missing = [table for table in manifest.tables if table.problem]
    yield "## What is missing"
    yield ""
    if not missing:
        yield "No table: every one that was asked for is here, complete."
    else:
        yield "These tables were asked for and are not here, or not complete:"
        yield ""
        yield from (f"- {_cell(str(t.name))}: {_cell(t.problem)}" for t in missing[:LONGEST_LIST])
        if len(missing) > LONGEST_LIST:
            yield f"- and {len(missing) - LONGEST_LIST:,} more: see `problem` in the table `tables` of `catalog.sqlite`"
    chosen = [f"{key} = {_cell(value)}" for key, value in sorted(manifest.options.items()) if value and key in _CHOICE]
    if chosen:
        yield ""
        yield f"What was asked for: {', '.join(chosen)}."


_CHOICE = ("schemas", "include", "exclude")


def _reading(manifest: Manifest) -> str:
    example = next((table for table in manifest.tables if table.is_present), None)
    if example is not None and example.sqlite is not None:
        return READING_SQLITE.replace("@FILE@", example.sqlite.path)
    folder = table_folder(example.name) if example else "parquet/SCHEMA/TABLE"
    return READING.replace("@FOLDER@", folder)


def _particulars(manifest: Manifest) -> Iterator[str]:
    """Yield what is not as the plain map of types says: the notes of columns."""
    notes = [
        f"- {_cell(str(table.name))}, {_cell(column.name)}: {_cell(column.lossy or column.note)}"
        for table in manifest.tables
        for column in table.columns
        if column.lossy or column.note
    ]
    odd = [
        f"- {_cell(str(table.name))}, {_cell(name)}: {count:,} values have U+FFFD or U+0080 to U+009F in them, signs "
        "of text in another character set than the database says"
        for table in manifest.tables
        for name, count in sorted(table.odd_characters.items())
        if count
    ]
    warnings = [f"- {_cell(text)}" for text in manifest.warnings]
    lines = warnings + odd + _lossy_first(manifest, notes)
    if lines:
        yield "## Particulars of this image"
        yield ""
        yield from lines[:LONGEST_LIST]
        if len(lines) > LONGEST_LIST:
            yield f"- and {len(lines) - LONGEST_LIST:,} more: see `image_columns` and `warnings` in `catalog.sqlite`"


def _lossy_first(manifest: Manifest, notes: list[str]) -> list[str]:
    lost = [column for table in manifest.tables for column in table.columns if column.lossy]
    return ["- Columns marked `lossy` in `catalog.sqlite` lost something, on request:", *notes] if lost else notes


def _cell(text: str) -> str:
    """Foreign text as one line of Markdown that starts nothing new."""
    shown = printable(text)
    for mark in "\\`*_[]<>|":
        shown = shown.replace(mark, f"\\{mark}")
    return shown
