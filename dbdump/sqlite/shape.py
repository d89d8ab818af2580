"""How a table of the image stands in SQLite: names, types, keys; decided before anything is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dbdump.image import ImageTable
from dbdump.schema import Key, KeyKind, TableName
from dbdump.sqlite.names import unique_names
from dbdump.sqlite.parts import fits_int64
from dbdump.sqlite.restore import is_integer
from dbdump.sqlite.values import INTEGER, affinity, is_whole
from dbdump.stored import StoredColumn

MOST_COLUMNS = 2000
"""Columns of a table that SQLite takes as it is usually built (SQLITE_MAX_COLUMN)."""
RESERVED = ("_tables", "_columns", "_keys", "_indexes", "_views")
"""Tables about the tables."""


@dataclass(frozen=True, slots=True)
class SqliteColumn:
    """A column: its name in SQLite, where it comes from, and its SQLite type."""

    name: str
    stored: StoredColumn
    kind: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A table in SQLite: all columns of a table of the image, or 2000 of more; equal rowids belong together."""

    name: str
    columns: tuple[SqliteColumn, ...]


@dataclass(frozen=True, slots=True)
class SqliteTable:
    """A table of the image and what becomes of it.

    Parameters
    ----------
    table
        In the image.
    pieces
        One, or more where it has more than `MOST_COLUMNS` columns.
    by_source
        Name in SQLite for each column of the source that is in the first piece.
    left_out
        Why it is not in the file, ``""`` if it is.
    exact
        Whether the file must give back every value and the order of rows: nothing else has them.
    """

    table: ImageTable
    pieces: tuple[Piece, ...]
    by_source: Mapping[str, str] = field(default_factory=dict)
    left_out: str = ""
    exact: bool = False

    @property
    def name(self) -> str:
        """Its name in SQLite: that of the first piece."""
        return self.pieces[0].name

    @property
    def is_split(self) -> bool:
        """Whether it has more than one piece."""
        return len(self.pieces) > 1

    def columns_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return names in SQLite of columns of the source, empty if one is not in the first piece."""
        found = tuple(self.by_source.get(name, "") for name in names)
        return found if all(found) else ()

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Names in SQLite of the columns of the primary key."""
        return self.columns_of(self.table.schema.primary_key)

    @property
    def rowid_alias(self) -> str:
        """Column that SQLite takes as the number of the row (sqlite.org/lang_createtable.html#rowid), ``""`` for none.

        A table in pieces has none, and none one whose order of rows must last: there the rowids must count the rows.
        """
        key = self.primary_key
        if len(key) != 1 or self.is_split or self.exact:
            return ""
        return next((c.name for c in self.pieces[0].columns if c.name == key[0] and c.kind == INTEGER), "")


def shapes(folder: Path, tables: Sequence[ImageTable], *, exact: bool = False) -> tuple[SqliteTable, ...]:
    """Decide names and types of all tables of a file.

    Tables of one schema keep their names; where there are more schemas, all are called ``SCHEMA.TABLE``.

    Parameters
    ----------
    folder
        Of the image: the ranges of wide whole numbers are looked up in the parts.
    tables
        In the order that decides who keeps a name.
    exact
        See `SqliteTable`.

    Raises
    ------
    ImageError
        A part is not what the manifest says.
    OSError
        A part cannot be read.
    """
    several = len({table.name.schema for table in tables}) > 1
    plain = unique_names((str(t.name) if several else t.name.name for t in tables), RESERVED)
    taken = [*plain, *RESERVED]
    made = []
    for table, name in zip(tables, plain, strict=True):
        shape = replace(_shape(folder, table, name, taken), exact=exact)
        taken.extend(piece.name for piece in shape.pieces[1:])
        made.append(shape)
    return tuple(made)


def _shape(folder: Path, table: ImageTable, name: str, taken: Sequence[str]) -> SqliteTable:
    left_out = table.problem and f"not in the image: {table.problem}"
    if not left_out and not table.columns:
        left_out = "it has no columns, and SQLite has no such tables"
    names = unique_names(column.name for column in table.columns)
    columns = [
        SqliteColumn(unique, stored, _kind(folder, table, stored, looked_at=not left_out))
        for unique, stored in zip(names, table.columns, strict=True)
    ]
    groups = [columns[start : start + MOST_COLUMNS] for start in range(0, len(columns), MOST_COLUMNS)] or [[]]
    further = unique_names([name] * (len(groups) - 1), taken)
    pieces = tuple(Piece(n, tuple(group)) for n, group in zip((name, *further), groups, strict=True))
    by_source: dict[str, str] = {}
    for column in groups[0]:
        by_source.setdefault(column.stored.column, column.name)
    return SqliteTable(table, pieces, by_source, left_out)


def _kind(folder: Path, table: ImageTable, stored: StoredColumn, *, looked_at: bool) -> str:
    if looked_at and is_whole(stored.arrow):
        fits = is_integer if table.sqlite is not None else fits_int64
        return INTEGER if fits(folder, table, stored.name) else affinity(stored.arrow)
    return affinity(stored.arrow)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key in terms of SQLite."""

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]


def foreign_keys(shape: SqliteTable, known: Mapping[TableName, SqliteTable]) -> dict[Key, ForeignKey]:
    """Return the foreign keys that SQLite can check: the target is in the file, and is a key there."""
    found = {}
    for key in shape.table.schema.keys:
        target = known.get(key.target) if key.kind == KeyKind.FOREIGN and key.target is not None else None
        if target is None or target.left_out:
            continue
        names = key.target_columns or target.table.schema.primary_key
        columns, there = shape.columns_of(key.columns), target.columns_of(names)
        if columns and there and len(columns) == len(there) and _is_key(target, names):
            found[key] = ForeignKey(columns, target.name, there)
    return found


def _is_key(target: SqliteTable, names: Sequence[str]) -> bool:
    keys = (key for key in target.table.schema.keys if key.kind in (KeyKind.PRIMARY, KeyKind.UNIQUE))
    return any(set(key.columns) == set(names) for key in keys)
