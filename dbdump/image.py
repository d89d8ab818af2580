"""The image on disk: names of its files, and `manifest.json`, which says all that is in it.

::

    manifest.json      this module: source, moment, every table with its columns and parts, what could not be dumped
    README.md          how to read the image without this program
    datapackage.json   the tables as a Frictionless data package
    catalog.sqlite     the schema as tables: opens in Datasette
    ddl/               statements and source texts of the database
    parquet/<SCHEMA>/<TABLE>/part-00000.parquet ...
    lobs/ab/ab12...    values longer than the threshold, named by their SHA-256
    sqlite/<SCHEMA>.sqlite   with ``--format both`` beside the parts; with ``--format sqlite`` in their place
    checksums.sha256   of all files above but manifest.json
    manifest.jsonl     the files as `antares-legacy ingest` takes them
    plan.json, journal.jsonl   what a later run needs to go on
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dbdump.encoding import digest_of, from_plain, sealed, to_plain
from dbdump.errors import ImageError
from dbdump.plan import Snapshot
from dbdump.schema import Code, ServerFacts, TableName, TableSchema, View
from dbdump.stored import StoredColumn
from legacy.atomic import write_text
from legacy.errors import nearest, printable

IMAGE_VERSION = "1.0"
MANIFEST, PLAN, JOURNAL, CHECKSUMS = "manifest.json", "plan.json", "journal.jsonl", "checksums.sha256"
README, DATAPACKAGE, CATALOG, FILES = "README.md", "datapackage.json", "catalog.sqlite", "manifest.jsonl"
PARQUET, LOBS, SQLITE, DDL = "parquet", "lobs", "sqlite", "ddl"
_LARGEST_MANIFEST = 1 << 30
_LONGEST_NAME = 200
"""Bytes of a name on disk: file systems take 255, and a suffix follows."""
_PLAIN = re.compile(r"[A-Za-z0-9_.-]")


def path_name(name: str) -> str:
    """Return a name of the source as a name of a file or folder: percent-encoded but for ``[A-Za-z0-9_.-]``.

    A first dot is encoded too, so that no name hides, or leads out of its folder; the empty name becomes ``%``. What
    would be too long for a file system is cut, and ends with ``%x`` and a part of its SHA-256.
    """
    text = "".join(c if _PLAIN.match(c) else "".join(f"%{byte:02X}" for byte in c.encode()) for c in name)
    if len(text) > _LONGEST_NAME:
        text = text[: _LONGEST_NAME - 34] + "%x" + hashlib.sha256(name.encode()).hexdigest()[:32]
    return "%2E" + text[1:] if text.startswith(".") else text or "%"


def table_folder(name: TableName) -> str:
    """Return the folder of the parts of a table, relative to the image."""
    return f"{PARQUET}/{path_name(name.schema)}/{path_name(name.name)}"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file of the image: path relative to it with ``/``, bytes, and checksums in lower-case hex."""

    path: str
    size: int
    sha256: str
    md5: str
    adler32: str


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file: its rows, and the chunk of the plan that it holds."""

    file: FileFacts
    rows: int
    chunk: int


@dataclass(frozen=True, slots=True)
class Span:
    """Rows of a table in a SQLite file: number of the first one (from 1), how many, and the chunk that they are of."""

    first: int
    rows: int
    chunk: int


@dataclass(frozen=True, slots=True)
class SqliteRows:
    """The rows of a table where a SQLite file alone has them (``--format sqlite``).

    Parameters
    ----------
    path
        One of `Manifest.sqlite`.
    names
        Of the table there; more than one where it has more columns than SQLite takes. The n-th row has the rowid n.
    spans
        One for each part that was read, in the order of rows.
    digest
        Order-free digest of all rows and columns (`dbdump.verify.canon`), computed from this file when it was made.
    """

    path: str
    names: tuple[str, ...]
    spans: tuple[Span, ...]
    digest: str


Slice = Part | Span
"""Some rows of a table, one after the other."""


@dataclass(frozen=True, slots=True)
class ImageTable:
    """A table of the image.

    Parameters
    ----------
    schema
        The table in the source.
    columns
        The columns of the image.
    parts
        In the order of rows; at least one for a complete table, else what was read of it.
    problem
        Why it is not complete, ``""`` for a complete table.
    odd_characters
        For columns of text with U+FFFD or U+0080 to U+009F in them, how many values have such: signs of a wrong
        character set.
    proof
        How it is known that the table did not change while it was read, ``""`` where a snapshot says so.
    sqlite
        Where the rows are when there are no `parts`.
    """

    schema: TableSchema
    columns: tuple[StoredColumn, ...]
    parts: tuple[Part, ...] = ()
    problem: str = ""
    odd_characters: Mapping[str, int] = field(default_factory=dict)
    proof: str = ""
    sqlite: SqliteRows | None = None

    @property
    def name(self) -> TableName:
        """Schema and name of the table."""
        return self.schema.name

    @property
    def rows(self) -> int:
        """Number of rows in the image."""
        return sum(piece.rows for piece in self.slices)

    @property
    def slices(self) -> tuple[Slice, ...]:
        """All rows in their order, in the pieces in which they are read."""
        return self.parts if self.sqlite is None else self.sqlite.spans

    @property
    def is_present(self) -> bool:
        """Whether rows of it can be in the image: a table that could not be read has nothing."""
        return bool(self.parts) or self.sqlite is not None


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that `manifest.json` says; `digest` is the SHA-256 of the rest.

    Parameters
    ----------
    image_version, image_id, tool
        Version of this layout, a random identifier, and the program with its version.
    started, finished
        ISO 8601 UTC.
    complete
        Whether every table of the plan is in the image.
    server
        The source; no host and no password.
    snapshots
        The moments of which the image shows the source: one, or more where a dump went on after an end.
    prove
        ``counts``, ``rowscn`` or ``off``: what was done without a snapshot.
    options
        What the user chose, as text.
    tables, views, code
        The contents.
    sqlite
        The SQLite files, when asked for; with ``--format sqlite`` the rows themselves.
    lobs
        Number and bytes of the files below ``lobs/``.
    warnings
        Sentences for people.
    checksums
        SHA-256 of ``checksums.sha256``.
    digest
        SHA-256 of this manifest with an empty `digest`, as `write_manifest` writes it.
    """

    image_id: str
    tool: str
    started: str
    finished: str
    complete: bool
    server: ServerFacts
    snapshots: tuple[Snapshot, ...]
    prove: str
    options: Mapping[str, str]
    tables: tuple[ImageTable, ...]
    views: tuple[View, ...] = ()
    code: tuple[Code, ...] = ()
    sqlite: tuple[FileFacts, ...] = ()
    lobs: tuple[int, int] = (0, 0)
    warnings: tuple[str, ...] = ()
    checksums: str = ""
    digest: str = ""
    image_version: str = IMAGE_VERSION

    @property
    def in_sqlite_alone(self) -> bool:
        """Whether the rows are in the SQLite files, and there are no parts."""
        return any(table.sqlite is not None for table in self.tables)

    def size_of(self, table: ImageTable) -> int:
        """Return the bytes of a table's files; of a SQLite file its share by rows, as nothing tells it better."""
        if table.sqlite is None:
            return sum(part.file.size for part in table.parts)
        path = table.sqlite.path
        size = next(file.size for file in self.sqlite if file.path == path)
        rows = sum(one.rows for one in self.tables if one.sqlite is not None and one.sqlite.path == path)
        return size * table.rows // max(rows, 1)


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was opened: its folder and manifest."""

    folder: Path
    manifest: Manifest

    def table(self, text: str) -> ImageTable:
        """Return a table by ``SCHEMA.TABLE`` or, where no other schema has one, by its name; case counts last.

        Raises
        ------
        ImageError
            There is none, or more than one.
        """
        tables = self.manifest.tables
        exact = [table for table in tables if text in (str(table.name), table.name.name)]
        folded = text.casefold()
        found = exact or [t for t in tables if folded in (str(t.name).casefold(), t.name.name.casefold())]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(str(table.name) for table in found)
            raise ImageError(f"{self.folder}: more than one table is called '{printable(text)}': {names}")
        advice = nearest(text, [str(table.name) for table in tables])
        raise ImageError(f"{self.folder}: no table is called '{printable(text)}'; {printable(advice)}")

    def path(self, file: FileFacts) -> Path:
        """Return where a file of the image lies; `open_image` has seen that the path stays in the image."""
        return self.folder / file.path

    def lob_path(self, sha256: str) -> Path:
        """Return where a value lies that is longer than the threshold."""
        if not re.fullmatch("[0-9a-f]{64}", sha256):
            raise ImageError(f"{self.folder}: '{printable(sha256)[:80]}' is no SHA-256; run dbdump verify --offline")
        return self.folder / LOBS / sha256[:2] / sha256


def manifest_text(manifest: Manifest) -> str:
    """Return a manifest as it stands in its file, with its digest computed."""
    return sealed(to_plain(manifest))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` in one step; raises OSError."""
    write_text(folder / MANIFEST, manifest_text(manifest))


def open_image(folder: Path) -> Image:
    """Read the manifest of an image.

    Raises
    ------
    ImageError
        There is none, it was changed since it was written, or it is not one of ours.
    OSError
        It cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        advice = (
            "its dump is not finished: run the same dump command again"
            if (folder / PLAN).is_file()
            else ("give the folder that dbdump dump -o wrote")
        )
        raise ImageError(f"{folder}: no {MANIFEST}; {advice}")
    if path.stat().st_size > _LARGEST_MANIFEST:
        raise ImageError(f"{path}: more than {_LARGEST_MANIFEST >> 20} MiB; no manifest of ours is that long")
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        manifest = from_plain(Manifest, plain)
    except (ValueError, RecursionError) as error:
        raise ImageError(f"{path}: not a manifest of a dump: {printable(str(error))[:200]}") from error
    if digest_of(plain) != manifest.digest:
        raise ImageError(f"{path}: it was changed after it was written: its digest is another; restore it from a copy")
    _check_paths(path, manifest)
    return Image(folder, manifest)


def _check_paths(path: Path, manifest: Manifest) -> None:
    files = [part.file for table in manifest.tables for part in table.parts] + list(manifest.sqlite)
    for file in files:
        if file.path.startswith("/") or ".." in file.path.split("/") or "\0" in file.path:
            raise ImageError(f"{path}: '{printable(file.path)}' leads out of the image")
    known = {file.path for file in manifest.sqlite}
    for table in manifest.tables:
        if table.sqlite is not None and (table.sqlite.path not in known or not table.sqlite.names):
            raise ImageError(f"{path}: it names no SQLite file for the rows of {printable(str(table.name))}")
