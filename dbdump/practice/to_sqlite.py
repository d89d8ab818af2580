"""The practice database as an SQLite file."""

import re
import sqlite3
from pathlib import Path

from dbdump.practice.description import Extent, PracticeTable
from dbdump.practice.dialects import Dialect, create_index, create_table, create_view, quoted
from dbdump.practice.rows import blocks_of
from dbdump.practice.tables import SEQUENCES, TABLES, VIEWS
from legacy.atomic import atomic_file
from legacy.errors import MachineError, UsageError, printable

COMMENTS, SEQUENCE_FACTS = "oracle$comments", "oracle$sequences"
"""Side tables with what only Oracle has, for the double of an Oracle server."""
_PLAIN = re.compile(r"[a-z][a-z0-9_$#]*")


def write_sqlite(path: Path, extent: Extent, dialect: Dialect) -> None:
    """Write the file; it appears when it is complete.

    Raises
    ------
    UsageError
        There is a file of that name.
    MachineError
        It cannot be written.
    """
    if path.exists():
        raise UsageError(f"{printable(str(path))}: is there already; give another name, or remove it")
    try:
        with atomic_file(path) as part:
            part.unlink(missing_ok=True)  # of a run that was killed
            connection = sqlite3.connect(part, isolation_level=None)
            try:
                _fill(connection, extent, dialect)
            finally:
                connection.close()
    except (OSError, sqlite3.Error) as error:
        raise MachineError(
            f"{printable(str(path))}: cannot be written: {error}; check folder and free space"
        ) from error


def _fill(connection: sqlite3.Connection, extent: Extent, dialect: Dialect) -> None:
    # The file is renamed when it is whole, so nothing is gained by a journal.
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for table in TABLES:
        connection.execute(create_table(table, dialect))
        _insert(connection, table, extent)
        for index in table.indexes:
            connection.execute(create_index(table, index))
    for view in VIEWS:
        connection.execute(create_view(view))
    if not dialect.comments:
        _write_facts(connection)
    connection.execute("COMMIT")


def _insert(connection: sqlite3.Connection, table: PracticeTable, extent: Extent) -> None:
    places = ", ".join("?" * len(table.columns))
    statement = f"INSERT INTO {quoted(table.name)} VALUES ({places})"  # noqa: S608  a name of ours
    for block in blocks_of(table.name)(extent):
        connection.executemany(statement, zip(*block, strict=True))


def _write_facts(connection: sqlite3.Connection) -> None:
    """Write what SQLite has no place for, with names as Oracle shows them: without quotes they are in capitals."""
    rows: list[tuple[str, str | None, str]] = []
    for table in TABLES:
        rows.append((_shown(table.name), None, table.comment))
        rows += [(_shown(table.name), _shown(column.name), column.comment) for column in table.columns]
    rows += [(_shown(view.name), None, view.comment) for view in VIEWS]
    connection.execute(f"CREATE TABLE {quoted(COMMENTS)} (table_name TEXT NOT NULL, column_name TEXT, comments TEXT)")
    connection.executemany(f"INSERT INTO {quoted(COMMENTS)} VALUES (?, ?, ?)", rows)  # noqa: S608  a name of ours
    sequences = [(_shown(sequence.name), str(sequence.start)) for sequence in SEQUENCES]
    connection.execute(f"CREATE TABLE {quoted(SEQUENCE_FACTS)} (sequence_name TEXT NOT NULL, last_number TEXT)")
    connection.executemany(f"INSERT INTO {quoted(SEQUENCE_FACTS)} VALUES (?, ?)", sequences)  # noqa: S608  as above


def _shown(name: str) -> str:
    return name.upper() if _PLAIN.fullmatch(name) else name
