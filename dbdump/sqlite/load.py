"""Rows into SQLite, by one writer, as fast as it goes: Arrow batches through the ADBC driver, checks afterwards.

On a machine with 2 cores, a million rows of 8 columns: 520,000 to 690,000 rows/s; `sqlite3.Connection.executemany` with
Python values, 230,000 to 370,000.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dbdump.image import Image, ImageTable, Slice, Span
from dbdump.sqlite.lob_values import lob_columns, with_values
from dbdump.sqlite.parts import batches, open_part
from dbdump.sqlite.restore import restored
from dbdump.sqlite.shape import ForeignKey, Piece, SqliteTable
from dbdump.sqlite.statements import create_tables, insert
from dbdump.sqlite.values import special_texts, sqlite_values
from legacy.errors import MachineError, MissingDependencyError, printable

if TYPE_CHECKING:
    import pyarrow as pa
    from adbc_driver_manager.dbapi import Cursor

RowPicker = Callable[[ImageTable, Slice, int], "pa.Array | None"]
"""Which rows of a part to take, by how many came from the parts before: numbers from 0, ascending; None for all."""

_PRAGMAS = ("synchronous = off", "locking_mode = exclusive", "cache_size = -65536", "foreign_keys = off")


class Advance(Protocol):
    """Is told about rows that were stored."""

    def __call__(self, rows: int, /) -> object:
        """Count more rows."""


@dataclass(slots=True)
class Loaded:
    """What was met while a table was loaded.

    Parameters
    ----------
    rows
        Stored ones.
    key_problem
        Why the primary key is not declared, ``""`` if it is or there is none.
    nan
        Values that are NaN, by name of the column in SQLite.
    files
        Values that stayed files.
    """

    rows: int = 0
    key_problem: str = ""
    nan: Counter[str] = field(default_factory=Counter)
    files: int = 0


class KeyBrokenError(Exception):
    """The rows do not keep the primary key."""


@contextmanager
def loader(path: Path) -> Iterator["Cursor"]:
    """Open a new SQLite file for loading.

    The journal is in memory: a table whose key does not hold is taken back; a run that dies leaves a file under a
    temporary name, which nobody reads.
    """
    try:
        from adbc_driver_manager import Error
        from adbc_driver_sqlite.dbapi import connect
    except ImportError as error:
        raise MissingDependencyError("a SQLite image", "pip install 'antares-legacy[dbdump]'") from error
    try:
        with connect(str(path.absolute()), autocommit=True) as connection, connection.cursor() as cursor:
            for pragma in ("journal_mode = memory", *_PRAGMAS):
                cursor.execute(f"PRAGMA {pragma}")
                cursor.fetchall()
            yield cursor
    except Error as error:
        message = printable(str(error))[:300]
        raise MachineError(f"{path}: SQLite cannot write: {message}; look at the free space of the disk") from error


def load_table(
    cursor: "Cursor",
    image: Image,
    shape: SqliteTable,
    references: Sequence[ForeignKey],
    pick: RowPicker | None,
    progress: Advance,
) -> Loaded:
    """Make a table and store all of its rows; without its primary key where they do not keep it.

    Raises
    ------
    ImageError
        A part or a file of a value is damaged.
    MachineError
        SQLite cannot write.
    """
    from adbc_driver_manager import IntegrityError

    problem = ""
    for with_key in (True, False):
        cursor.execute("BEGIN")
        loaded = Loaded(key_problem=problem)
        try:
            for statement in create_tables(shape, references, with_key=with_key):
                cursor.execute(statement)
            for part in shape.table.slices:
                _load_part(cursor, image, shape, part, pick, loaded, with_key=with_key, progress=progress)
        except (IntegrityError, KeyBrokenError) as error:
            cursor.execute("ROLLBACK")
            if not with_key:
                raise
            progress(-loaded.rows)
            problem = printable(str(error))[:200]
            continue
        cursor.execute("COMMIT")
        break
    return loaded


def _load_part(
    cursor: "Cursor",
    image: Image,
    shape: SqliteTable,
    part: Slice,
    pick: RowPicker | None,
    loaded: Loaded,
    *,
    with_key: bool,
    progress: Advance,
) -> None:
    table = shape.table
    lobs = () if shape.exact else lob_columns(table)
    for batch in _picked(image, table, part, pick, loaded.rows):
        for filled, files in with_values(image, batch, lobs) if lobs else [(batch, 0)]:
            loaded.files += files
            first = 0
            for piece in shape.pieces:
                key = shape.rowid_alias if with_key else ""
                columns = filled.columns[first : first + len(piece.columns)]
                _store(cursor, piece, columns, key, loaded, exact=shape.exact)
                first += len(piece.columns)
            loaded.rows += filled.num_rows
            progress(filled.num_rows)


def _picked(
    image: Image, table: ImageTable, part: Slice, pick: RowPicker | None, taken: int
) -> Iterator["pa.RecordBatch"]:
    """Yield the rows of a part that are wanted."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pick(table, part, taken) if pick else None
    if wanted is not None and not len(wanted):
        return
    last = wanted[-1].as_py() if wanted is not None else part.rows
    first = 0
    with closing(_batches(image, table, part)) as found:
        for batch in found:
            if wanted is None:
                yield batch
            elif first <= last:
                here = pc.and_(pc.greater_equal(wanted, first), pc.less(wanted, first + batch.num_rows))
                rows = pc.subtract(wanted.filter(here), pa.scalar(first, wanted.type))
                if len(rows):
                    yield batch.take(rows)
            else:
                return
            first += batch.num_rows


def _batches(image: Image, table: ImageTable, part: Slice) -> "Generator[pa.RecordBatch, None, None]":
    if isinstance(part, Span):
        yield from restored(image.folder, table, part, [column.name for column in table.columns])
        return
    with open_part(image.folder, table, part) as opened:
        yield from batches(opened, image.folder / part.file.path, table)


def _store(
    cursor: "Cursor", piece: Piece, columns: Sequence["pa.Array"], key: str, loaded: Loaded, *, exact: bool
) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    values, texts = [], []
    for number, (column, array) in enumerate(zip(piece.columns, columns, strict=True)):
        if column.name == key and array.null_count:
            # SQLite would not complain: it makes a number of its own for such a row.
            raise KeyBrokenError(f"NULL in {piece.name}.{key}")
        values.append(sqlite_values(array, column.kind))
        if pa.types.is_floating(array.type):
            special = special_texts(array, exact=exact)
            if special is not None:
                texts.append((number, special))
                count = pc.sum(pc.is_nan(array), min_count=0).as_py()
                loaded.nan.update({column.name: count} if count else {})
    statement = insert(piece, [number for number, _ in texts])
    arrays = [*values, *(special for _, special in texts)]
    cursor.executemany(statement, pa.record_batch(arrays, names=[str(number) for number in range(len(arrays))]))
