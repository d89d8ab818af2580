"""The practice database in a PostgreSQL server."""

from typing import TYPE_CHECKING

from dbdump.errors import SourceError
from dbdump.practice.description import Extent, PracticeTable
from dbdump.practice.dialects import POSTGRESQL, create_index, create_table, create_view
from dbdump.practice.rows import blocks_of
from dbdump.practice.tables import SEQUENCES, TABLES, VIEWS
from legacy.errors import MissingDependencyError, UsageError, printable

if TYPE_CHECKING:
    import psycopg
    from sqlalchemy.engine import URL


def write_postgresql(url: "URL", password: str | None, extent: Extent) -> None:
    """Write all tables into the first schema of the search path, in one transaction.

    Raises
    ------
    UsageError
        A table of one of our names is there already.
    SourceError
        The server cannot be reached, or does not let us make tables.
    MissingDependencyError
        The driver is not installed.
    """
    try:
        import psycopg
        from psycopg.conninfo import make_conninfo
    except ModuleNotFoundError as error:
        raise MissingDependencyError("PostgreSQL", "pip install 'antares-legacy[dbdump]'") from error
    place = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database, "password": password}
    options = {name: value if isinstance(value, str) else value[-1] for name, value in url.query.items()}
    known = {name: str(value) for name, value in place.items() if value is not None}
    try:
        # An option such as host=/folder of a socket wins over what stands before it.
        with psycopg.connect(make_conninfo(**{**known, **options})) as connection:
            _fill(connection, extent)
    except psycopg.errors.DuplicateTable as error:
        said = printable(str(error).partition("\n")[0])
        raise UsageError(f"{said}; give a database or schema without these tables, or drop them") from error
    except psycopg.Error as error:
        said = printable(str(error).partition("\n")[0])
        raise SourceError(f"PostgreSQL: {said}; check host, database, account and its right to make tables") from error


def _fill(connection: "psycopg.Connection[tuple[object, ...]]", extent: Extent) -> None:
    from psycopg import sql

    with connection.cursor() as cursor:
        for sequence in SEQUENCES:
            statement = sql.SQL("CREATE SEQUENCE {} START WITH {}")
            cursor.execute(statement.format(sql.Identifier(sequence.name), sql.Literal(sequence.start)))
        for table in TABLES:
            cursor.execute(create_table(table, POSTGRESQL).encode())
            _copy(cursor, table, extent)
            for index in table.indexes:
                cursor.execute(create_index(table, index).encode())
            _comment(cursor, table)
        for view in VIEWS:
            cursor.execute(create_view(view).encode())
            statement = sql.SQL("COMMENT ON VIEW {} IS {}")
            cursor.execute(statement.format(sql.Identifier(view.name), sql.Literal(view.comment)))


def _copy(cursor: "psycopg.Cursor[tuple[object, ...]]", table: PracticeTable, extent: Extent) -> None:
    from psycopg import sql

    with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(sql.Identifier(table.name))) as copy:
        for block in blocks_of(table.name)(extent):
            for row in zip(*block, strict=True):
                copy.write_row(row)


def _comment(cursor: "psycopg.Cursor[tuple[object, ...]]", table: PracticeTable) -> None:
    from psycopg import sql

    name = sql.Identifier(table.name)
    cursor.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(name, sql.Literal(table.comment)))
    for column in table.columns:
        statement = sql.SQL("COMMENT ON COLUMN {}.{} IS {}")
        cursor.execute(statement.format(name, sql.Identifier(column.name), sql.Literal(column.comment)))
