"""Metadata that lie beside the files: a sidecar for each, or one CSV file for all.

They are for files that are kept as they are, such as raw data. docs/metadata.md describes both formats.
"""

import csv
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol, TextIO

from ingest.schemas import MEASURED, Schema
from ingest.scratch import scratch_table
from ingest.settings import Settings
from ingest.stated import CHECKSUMS, SUM_KEYS, Stated, sort_out, unknown_key_problem
from legacy.config import parse_yaml
from legacy.errors import AntaresLegacyError, InputError, MetadataError, nearest, printable

_LARGEST_SIDECAR = 64 << 10
_LONGEST_ROW = 64 << 10
_TABLE = """
CREATE TABLE rows (
    key TEXT PRIMARY KEY, line INTEGER NOT NULL, cells TEXT NOT NULL,
    again INTEGER NOT NULL DEFAULT 0, used INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID
"""
_ADD = "INSERT INTO rows (key, line, cells) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET again = excluded.line"
_LOCATING = ("path", "name")
BY = "sidecar"
_Execute = Callable[..., sqlite3.Cursor]


class Sidecars(Protocol):
    """Knows more about files than they do."""

    def find(self, location: str, basename: str) -> Stated | None:
        """Return what is stated about a file, None when nothing is."""
        ...

    def remarks(self) -> list[str]:
        """Return what the user should know at the end of the run."""
        ...


@contextmanager
def open_sidecars(settings: Settings, schema: Schema) -> Iterator[Sidecars]:
    """Open what the settings name.

    Raises
    ------
    MetadataError
        The CSV file has no column ``path`` or ``name``, an unknown column, or is no CSV.
    InputError
        The CSV file cannot be read.
    MachineError
        There is no room for temporary data.
    """
    table = settings.sidecar_csv
    if table is None:
        yield SidecarFiles(settings.sidecar_suffix, schema)
        return
    with scratch_table(_TABLE) as connection:
        columns = _columns(table, schema)
        connection.executemany(_ADD, _rows(table, columns))
        yield CsvSidecar(table, columns, schema, connection.execute)


class SidecarFiles:
    """One JSON or YAML file beside each file, named like it with a suffix.

    Parameters
    ----------
    suffix
        What follows the file's name; ``""`` when there are no sidecars.
    schema
        The metadata schema.
    """

    def __init__(self, suffix: str, schema: Schema) -> None:
        self._suffix = suffix
        self._schema = schema
        self._without = 0

    def find(self, location: str, basename: str) -> Stated | None:  # noqa: ARG002  part of the protocol
        """Return what the sidecar of a file states, None when it has none."""
        if not self._suffix:
            return None
        path = Path(location + self._suffix)
        if not location.startswith("/") or not path.is_file():
            self._without += 1
            return None
        try:
            raw = _content(path)
            written = path.stat().st_mtime_ns
        except AntaresLegacyError as error:
            return Stated(problems=(str(error),))
        except OSError as error:
            return Stated(problems=(f"its sidecar {path.name} cannot be read ({error.strerror})",))
        stated = sort_out(raw, self._schema, BY, written)
        wrong = [*stated.problems, *(unknown_key_problem(key, self._schema) for key in stated.unknown)]
        problems = tuple(f"its sidecar {path.name}: {problem}" for problem in wrong)
        return replace(stated, problems=problems, unknown=())

    def remarks(self) -> list[str]:
        """Say how many files have no sidecar."""
        if not self._without:
            return []
        return [f"{self._without} files have no sidecar *{self._suffix}; they have only the metadata of the settings"]


def _content(path: Path) -> dict[str, object]:
    with path.open("rb") as stream:
        raw = stream.read(_LARGEST_SIDECAR + 1)
    if len(raw) > _LARGEST_SIDECAR:
        raise InputError(path, "larger than 64 kB", expected="keys and values of one file")
    if path.name.endswith(".json"):
        try:
            content = json.loads(raw.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise InputError(path, "not JSON", found=str(error), advice="correct it") from error
    else:
        content = _without_dates(parse_yaml(raw, str(path)))
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise InputError(path, "no keys with values", expected="an object such as {level: 0, run: 51870}")
    return content


def _without_dates(content: object) -> object:
    """Write the dates that YAML makes of unquoted text as text again."""
    if not isinstance(content, dict):
        return content
    return {key: _as_text(value) for key, value in content.items()}


def _as_text(value: object) -> object:
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat() + "Z"
    return value.isoformat() if isinstance(value, date) else value


def _columns(path: Path, schema: Schema) -> list[str]:
    """Return the names of the columns."""
    columns = next((cells for _, cells in _cells(path)), [])
    known = [*_LOCATING, *(key for key in schema.types if key not in MEASURED), *SUM_KEYS]
    for name in columns:
        if name not in known and ";" in name:
            raise MetadataError(f"{path}: the columns are separated by ';'; save it with commas")
        if name not in known:
            raise MetadataError(f"{path}: unknown column '{printable(name)[:80]}'; {nearest(name, known)}")
    if len(set(columns)) < len(columns):
        raise MetadataError(f"{path}: a column is there twice; give each once")
    if not set(_LOCATING) & set(columns):
        raise MetadataError(f"{path}: no column 'path' or 'name'; the first line names the columns")
    return columns


def _rows(path: Path, columns: list[str]) -> Iterator[tuple[str, int, str]]:
    """Yield key, line number and cells of each row; the key is the location of the file, or its base name."""
    folder = os.path.abspath(path.parent)  # noqa: PTH100  Path.absolute keeps the ..
    by_path = "path" in columns
    place = columns.index("path" if by_path else "name")
    rows = _cells(path)
    next(rows)
    for number, cells in rows:
        if len(cells) != len(columns):
            found = f"line {number} has {len(cells)} cells, the first line {len(columns)}"
            raise MetadataError(f"{path}: {found}; correct it, put texts with commas in quotes")
        key = cells[place]
        if not key:
            raise MetadataError(f"{path}: line {number} does not say which file it is about; fill in {columns[place]}")
        if by_path and "://" not in key:
            key = os.path.normpath(os.path.join(folder, key))  # noqa: PTH118  texts, and no ..
        yield key, number, json.dumps(cells, ensure_ascii=False)


def _cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of every row that is not empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(_bounded(stream, path), strict=True)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, [cell.strip() for cell in cells]
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})", advice="check its name and permissions") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise MetadataError(f"{path}: no CSV in UTF-8 ({printable(str(error))}); save it as CSV with commas") from error


def _bounded(stream: TextIO, path: Path) -> Iterator[str]:
    number = 0
    while line := stream.readline(_LONGEST_ROW + 1):
        number += 1
        if len(line) > _LONGEST_ROW:
            raise MetadataError(f"{path}: line {number} is longer than 64 kB; is it a CSV file?")
        yield line


class CsvSidecar:
    """One CSV file with a row for each file; see `open_sidecars`."""

    def __init__(self, path: Path, columns: list[str], schema: Schema, execute: _Execute) -> None:
        self._path = path
        self._columns = columns
        self._schema = schema
        self._execute = execute
        self._written = path.stat().st_mtime_ns

    def find(self, location: str, basename: str) -> Stated | None:
        """Return what the row of a file states, None when it has no row."""
        key = location if "path" in self._columns else basename
        row = self._execute("SELECT line, cells, again FROM rows WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        self._execute("UPDATE rows SET used = 1 WHERE key = ?", (key,))
        where = f"{self._path.name} line {row[0]}"
        if row[2]:
            return Stated(problems=(f"{where} and line {row[2]} are both about it; keep one",))
        raw, wrong = self._converted(json.loads(row[1]))
        stated = sort_out(raw, self._schema, BY, self._written)
        problems = tuple(f"{where}: {problem}" for problem in (*wrong, *stated.problems))
        return replace(stated, problems=problems)

    def _converted(self, cells: list[str]) -> tuple[dict[str, object], list[str]]:
        raw: dict[str, object] = {}
        wrong: list[str] = []
        for key, text in zip(self._columns, cells, strict=True):
            if not text or key in _LOCATING:
                continue
            try:
                raw[key] = (
                    text if key in CHECKSUMS else _size(text) if key == "size" else self._schema.convert(key, text)
                )
            except ValueError as error:
                wrong.append(str(error))
        return raw, wrong

    def remarks(self) -> list[str]:
        """Say how many rows are about no file of the run, and name one."""
        count, first = self._execute("SELECT COUNT(*), MIN(line) FROM rows WHERE used = 0").fetchone()
        if not count:
            return []
        return [f"{self._path.name}: {count} rows are about no file of this run, the first is line {first}"]


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(f"size: expected a whole number of bytes, found '{printable(text)[:60]}'")
    return int(text)
