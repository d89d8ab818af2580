"""SQL over an image: DuckDB in memory, with a view for each table, shut in so that it sees nothing else.

It reads Parquet parts by itself. Of tables that only a SQLite file has, it gets Arrow batches through Python: its own
reader of SQLite files is an extension that would have to be downloaded.

Only a SELECT runs. No other file can be read, none written but temporary ones, no network, no extensions, and the
settings are locked (duckdb.org/docs/stable/operations_manual/securing_duckdb/overview).
"""

import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dbdump.errors import ImageError
from dbdump.image import PARQUET, Image, ImageTable, Part, Slice
from dbdump.query_stream import RowStream
from dbdump.sqlite.names import folded, literal, quoted, unique_names
from legacy.errors import AntaresLegacyError, MachineError, MissingDependencyError, UsageError, printable

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

MEMORY = "1GB"
"""What DuckDB may take; larger sorts and joins go to a temporary folder ($TMPDIR)."""
BATCH_ROWS = 10_000
_THREADS = 4
_LONGEST_MESSAGE = 400
_OWN = ("temp", "system", "memory", "pg_catalog", "information_schema")
"""Schemas and databases that DuckDB has already, and that are not for tables of others; ``main`` is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a query: names of the columns, each there once, and the rows in batches."""

    columns: tuple[str, ...]
    batches: Iterator["pa.RecordBatch"]


@dataclass(frozen=True, slots=True)
class Shut:
    """A DuckDB that sees an image and nothing else.

    Parameters
    ----------
    database
        The DuckDB.
    place
        Folder of the image, as DuckDB reads it.
    streams
        What it reads through Python.
    """

    database: "duckdb.DuckDBPyConnection"
    place: Path
    streams: list[RowStream] = field(default_factory=list)

    def numbered_rows(self, image: Image, table: ImageTable, piece: Slice) -> str:
        """Return the SELECT that reads a slice of a table, with the column ``file_row_number`` from 0 on."""
        if isinstance(piece, Part):
            return rows_of(self.place, table, piece, numbered=True)
        stream = RowStream(image.folder, table, (piece,), numbered=True)
        self.streams.append(stream)
        name = f"_rows_{len(self.streams)}"
        self.database.register(name, stream)
        return f"SELECT * FROM temp.{quoted(name)}"  # noqa: S608  a name of ours


@contextmanager
def query(image: Image, sql: str) -> Iterator[Answer]:
    """Run one SELECT over the tables of an image; the rows come while they are found.

    Tables go by their own name, where one schema alone has it, and as ``SCHEMA.TABLE``. Names are compared without
    regard to case, as DuckDB does; of two that differ in nothing else, the second gets ``_2``.

    Parameters
    ----------
    image
        Tables that are not complete are left out.
    sql
        In the dialect of DuckDB.

    Yields
    ------
    Answer

    Raises
    ------
    UsageError
        The statement is wrong, or no SELECT.
    ImageError
        A part is damaged.
    MachineError
        Memory or disk are not enough.
    """
    with open_database(image) as shut, told(image, shut.streams):
        database = shut.database
        kinds = [str(statement.type).rpartition(".")[2] for statement in database.extract_statements(sql)]
        if kinds != ["SELECT"]:
            raise UsageError("query runs one SELECT; an image is never changed")
        relation = database.sql(sql)
        # The name of this method changed between versions of DuckDB.
        make_reader = getattr(relation, "to_arrow_reader", None) or relation.fetch_arrow_reader
        reader = make_reader(BATCH_ROWS)
        yield Answer(_column_names(relation.columns), _batches(reader, shut.streams))


def _batches(reader: Iterator["pa.RecordBatch"], streams: list[RowStream]) -> Iterator["pa.RecordBatch"]:
    """Yield what the reader has; an error in mid-way comes from Arrow, not from DuckDB."""
    import pyarrow as pa

    try:
        yield from reader
    except (pa.ArrowException, OSError) as error:
        _raise_own(streams)
        raise AntaresLegacyError(f"DuckDB: {_line(error)}; the rows above are not all") from error


def _column_names(names: list[str]) -> tuple[str, ...]:
    given: list[str] = []
    for name in names:
        chosen, number = name, 1
        while chosen in given or (number > 1 and chosen in names):
            number += 1
            chosen = f"{name}_{number}"
        given.append(chosen)
    return tuple(given)


@contextmanager
def open_database(image: Image) -> Iterator["Shut"]:
    """Open a DuckDB with the tables of an image as views, shut in.

    Raises
    ------
    MissingDependencyError
        DuckDB is not installed.
    ImageError
        A part is missing or damaged.
    """
    try:
        import duckdb
    except ImportError as error:
        raise MissingDependencyError("dbdump query", "pip install 'antares-legacy[dbdump]'") from error
    _require_exact(duckdb.__version__, image)
    with tempfile.TemporaryDirectory(prefix="antares-legacy-query-") as scratch:
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": MEMORY,
            "threads": min(_THREADS, os.cpu_count() or 1),
            "temp_directory": scratch,
        }
        place = _readable_place(image, Path(scratch))
        with duckdb.connect(":memory:", config=config) as database:
            shut = Shut(database, place)
            with told(image):
                database.execute("SET TimeZone = 'UTC'")
                database.execute("SET enable_progress_bar = false")  # it would be drawn on stdout
                _make_views(shut, image)
            database.execute(f"SET allowed_directories = [{literal(f'{place / PARQUET}/')}]")
            database.execute("SET enable_external_access = false")
            database.execute("SET lock_configuration = true")
            yield shut


def _require_exact(version: str, image: Image) -> None:
    """Refuse a DuckDB before 2.0 for instants with nanoseconds: it cuts them silently (tried: 1.2, 1.4, 1.5)."""
    if version.split(".", maxsplit=1)[0] in ("0", "1"):
        for table in image.manifest.tables:
            for column in table.columns:
                if column.arrow == "timestamp[ns, tz=UTC]":
                    raise MachineError(
                        f"DuckDB {version} would cut the nanoseconds of {printable(f'{table.name}, {column.name}')}; "
                        "install a newer one with: pip install 'duckdb>=2.0'"
                    )


def _readable_place(image: Image, scratch: Path) -> Path:
    """Return the folder of the image by a name that DuckDB does not take for a pattern."""
    folder = image.folder.absolute()
    if not any(c in str(folder) for c in "*?["):
        return folder
    link = scratch / "image"
    link.symlink_to(folder, target_is_directory=True)
    return link


def _make_views(shut: Shut, image: Image) -> None:
    database = shut.database
    tables = [table for table in image.manifest.tables if table.is_present and table.columns and not table.problem]
    names = sorted({table.name.schema for table in tables})
    views = []
    for schema, given in zip(names, unique_names(names, _OWN, reserved=""), strict=True):
        database.execute(f"CREATE SCHEMA IF NOT EXISTS {quoted(given)}")
        own = [table for table in tables if table.name.schema == schema]
        unique = unique_names((table.name.name for table in own), reserved="")
        views += [(given, name, table) for table, name in zip(own, unique, strict=True)]
    held = Counter(folded(name) for _, name, _ in views)
    for given, name, table in views:
        alone = held[folded(name)] == 1 and folded(given) != "main"
        for place in (given, "main") if alone else (given,):
            _make_view(shut, image, table, (place, name))


def _make_view(shut: Shut, image: Image, table: ImageTable, name: tuple[str, str]) -> None:
    database, (schema, view) = shut.database, name
    if table.sqlite is None:
        database.execute(f"CREATE VIEW {quoted(schema)}.{quoted(view)} AS {rows_of(shut.place, table)}")
        return
    stream = RowStream(image.folder, table, table.sqlite.spans)
    shut.streams.append(stream)
    database.execute(f"USE {quoted(schema)}")
    database.from_arrow(stream).create_view(view)
    database.execute("USE main")


def rows_of(place: Path, table: ImageTable, part: Part | None = None, *, numbered: bool = False) -> str:
    """Return the SELECT that reads the parts of a table, or one, by their full paths.

    Parameters
    ----------
    place
        Folder of the image, as DuckDB reads it.
    table, part
        What is read; all parts without `part`.
    numbered
        Whether to add the column ``file_row_number``, from 0 in each part.
    """
    parts = table.parts if part is None else (part,)
    paths = ", ".join(literal(str(place / each.file.path)) for each in parts)
    number = ", file_row_number = true" if numbered else ""
    return f"SELECT * FROM read_parquet([{paths}], hive_partitioning = false{number})"  # noqa: S608  literals


@contextmanager
def told(image: Image, streams: list[RowStream] | None = None) -> Iterator[None]:
    """Turn DuckDB's errors into ours, in one line.

    Parameters
    ----------
    image
        Whose tables are asked.
    streams
        What DuckDB reads through Python: an error there is the one to tell.

    Raises
    ------
    UsageError, ImageError, MachineError, AntaresLegacyError
        By the kind of the error.
    """
    import duckdb

    try:
        with _own_first(streams or []):
            yield
    except (duckdb.OutOfMemoryException, duckdb.FatalException) as error:
        raise MachineError(f"DuckDB: {_line(error)}; ask for fewer rows, or give more room in $TMPDIR") from error
    except duckdb.PermissionException as error:
        raise UsageError(f"query reads the tables of the image and nothing else: {_line(error)}") from error
    except duckdb.IOException as error:
        raise ImageError(f"{image.folder}: {_line(error)}; run dbdump verify --offline") from error
    except duckdb.ProgrammingError as error:
        raise UsageError(f"SQL: {_line(error)}{_incomplete(image, str(error))}") from error
    except duckdb.Error as error:
        raise AntaresLegacyError(f"DuckDB: {_line(error)}; correct the statement") from error


@contextmanager
def _own_first(streams: list[RowStream]) -> Iterator[None]:
    import duckdb

    try:
        yield
    except duckdb.Error:
        _raise_own(streams)
        raise


def _raise_own(streams: list[RowStream]) -> None:
    for stream in streams:
        if stream.error is not None:
            raise stream.error


def _incomplete(image: Image, message: str) -> str:
    """Say what a table is that is not there: one that was not dumped, or none."""
    for table in image.manifest.tables:
        if table.problem and table.name.name in message:
            return printable(f"; {table.name} is not complete in this image: {table.problem}")
    return "; 'SHOW ALL TABLES' lists the tables" if "Table with name" in message else ""


def _line(error: Exception) -> str:
    text = " ".join(re.split("LINE |Possible solutions", str(error))[0].split())
    return printable(text)[:_LONGEST_MESSAGE].rstrip("; ")
