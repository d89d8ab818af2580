"""Opening an SQLite file for reading, quoting names, and telling its errors as ours."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dbdump.errors import ConnectionLostError, SourceError, TableDeniedError, TableError, TableGoneError
from dbdump.schema import TableName
from legacy.errors import UsageError, printable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

SCHEMA = "main"
"""The only schema of a file."""
_PATIENCE_SECONDS = 30.0
"""How long a writer may keep the file locked before we give up."""
_UNDECODABLE = "Could not decode to UTF-8"
"""How Python's sqlite3 begins its message; it has no code of its own."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open file.

    Parameters
    ----------
    path
        Its real path: SQLite keeps the write-ahead log beside it.
    connection
        Without transactions of its own making.
    encoding
        Of all text in it: ``UTF-8``, ``UTF-16le`` or ``UTF-16be``.
    """

    path: Path
    connection: sqlite3.Connection
    encoding: str

    @property
    def utf8(self) -> bool:
        """Whether bytes of text in the file are UTF-8."""
        return self.encoding == "UTF-8"

    def rows(self, statement: str, values: Sequence[object] = (), table: TableName | None = None) -> list[Any]:
        """Return all rows of a small answer, with errors translated."""
        with translated(self.path, table):
            return self.connection.execute(statement, tuple(values)).fetchall()


def quoted(name: str) -> str:
    """Return a name as SQL has it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def column(name: str) -> str:
    """Return a column of the table `t` of a statement.

    Without the ``t.`` SQLite takes a name in double quotes that is no column for a text.
    """
    return f"t.{quoted(name)}"


def select(expressions: Sequence[str], source: str, rest: str = "") -> str:
    """Return a SELECT; the names in it come from `quoted` and `column`, the values are bound."""
    return f"SELECT {', '.join(expressions)} FROM {source} {rest}"  # noqa: S608  see above


def table_source(name: TableName, hint: str = "") -> str:
    """Return what stands after FROM for a table, which is `t` in the statement."""
    return f"{quoted(SCHEMA)}.{quoted(name.name)} AS t {hint}".rstrip()


def count_filled(value: str) -> str:
    """Return the number of values that are not NULL; count(value) itself would read long ones from the file."""
    return f"count(CASE typeof({value}) WHEN 'null' THEN NULL ELSE 1 END)"


def open_database(url: "URL") -> Database:
    """Open the file that an SQLAlchemy URL names, read only.

    Raises
    ------
    UsageError
        The URL cannot be that of a file, or has options.
    SourceError
        There is no such file, it is no SQLite database, or it is damaged.
    """
    path = _path_of(url)
    with translated(path):
        connection = sqlite3.connect(
            path.as_uri() + "?mode=ro",
            uri=True,
            timeout=_PATIENCE_SECONDS,
            isolation_level=None,
            check_same_thread=False,  # a generator of batches may end in another thread than it began
        )
    try:
        with translated(path):
            # The schema of a foreign file may name functions; none of them may do more than compute.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            (encoding,) = connection.execute("PRAGMA encoding").fetchone()
    except BaseException:
        connection.close()
        raise
    return Database(path, connection, encoding)


def _path_of(url: "URL") -> Path:
    name = url.database or ""
    if name in ("", ":memory:") or name.startswith("file:"):
        raise UsageError(f"'{printable(name)}' is no file; write the URL like sqlite:///file.sqlite")
    if url.query:
        options = printable(", ".join(sorted(url.query)))
        raise UsageError(f"the URL of an SQLite file takes no options here (found {options}); leave them out")
    if "\0" in name:
        raise UsageError(f"'{printable(name)}' cannot be the name of a file; check the URL")
    try:
        path = Path(name).resolve(strict=True)
        size = path.stat().st_size if path.is_file() else None
    except OSError as error:
        raise SourceError(f"{printable(name)}: cannot be opened: {error.strerror}; check the URL") from error
    if size is None:
        raise SourceError(f"{printable(name)}: is no file; give the path of an SQLite database")
    if size == 0:
        # SQLite takes it for a database without tables.
        raise SourceError(f"{printable(name)}: the file is empty, and so no SQLite database; check the URL")
    return path


def undecodable(error: sqlite3.Error) -> bool:
    """Whether a text of the file is not in the encoding that it should have."""
    return str(error).startswith(_UNDECODABLE)


@contextmanager
def translated(path: Path, table: TableName | None = None) -> Iterator[None]:
    """Raise errors of `sqlite3` as those of `dbdump.errors`; with `table`, damage concerns that table only."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translation(path, table, error) from error


def _translation(path: Path, table: TableName | None, error: sqlite3.Error) -> SourceError | TableError:
    where, said = printable(str(table or path)), printable(str(error))
    # The name of an extended code begins with that of the primary one.
    code = str(getattr(error, "sqlite_errorname", ""))
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return ConnectionLostError(f"{where}: another program is writing to the file ({said}); try again later")
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")):
        advice = (
            "if its writer was interrupted (a file -journal or -wal lies beside it) or the folder cannot be written, "
            "copy the file with all that lies beside it into a folder of yours, open the copy once with the program "
            "sqlite3, and dump that"
        )
        return SourceError(f"{where}: cannot be opened only for reading ({said}); {advice}")
    if code.startswith("SQLITE_NOTADB"):
        return SourceError(f"{where}: is no SQLite database, or an encrypted one; check the URL")
    if code.startswith("SQLITE_CORRUPT"):
        advice = "get another copy, or save what is left with: sqlite3 FILE .recover"
        return (TableError if table else SourceError)(f"{where}: the file is damaged or cut off ({said}); {advice}")
    if said.startswith(("no such table", "no such column")):
        return TableGoneError(
            f"{where}: is not there any more, or has other columns ({said}); run the same dump command again"
        )
    if code.startswith(("SQLITE_AUTH", "SQLITE_PERM")):
        return TableDeniedError(f"{where}: may not be read ({said})")
    if code.startswith(("SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_PROTOCOL")):
        return ConnectionLostError(f"{where}: reading failed ({said}); try again")
    advice = "see https://www.sqlite.org/rescode.html for what that means"
    return (TableError if table else SourceError)(f"{where}: SQLite says: {said} ({code or 'no code'}); {advice}")
