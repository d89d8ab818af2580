"""What a PostgreSQL server is, and which schemas it has."""

from datetime import UTC, datetime

import psycopg

from dbdump.plan import Snapshot
from dbdump.schema import ServerFacts
from dbdump.sources.postgresql.session import Session

_SCHEMAS = """
SELECT DISTINCT n.nspname::text COLLATE "C" AS name
FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
WHERE c.relkind IN ('r', 'p', 'm', 'v') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
ORDER BY 1
"""
_RIGHTS = """
SELECT rolsuper, rolbypassrls, pg_has_role('pg_read_all_data', 'USAGE'),
       (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition AND n.nspname <> 'information_schema'
          AND n.nspname !~ '^pg_'
          AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'))),
       (SELECT count(*) FROM pg_largeobject_metadata)
FROM pg_roles WHERE rolname = current_user
"""


def facts(session: Session) -> ServerFacts:
    """Return what the server is and what this account may do."""
    info = session.connection.info
    library = psycopg.pq.version()
    return ServerFacts(
        kind="postgresql",
        version=f"PostgreSQL {info.parameter_status('server_version')}",
        driver=f"psycopg {psycopg.__version__} ({psycopg.pq.__impl__}, libpq {library // 10000}.{library % 10000})",
        database=info.dbname,
        user=info.user,
        charset=session.encoding,
        snapshots=("readonly",),
        rights=_rights(session),
    )


def _rights(session: Session) -> tuple[str, ...]:
    ((superuser, bypass, reads_all, denied, large_objects),) = session.rows(_RIGHTS)
    told: list[str] = []
    if superuser:
        told.append("superuser: sees everything")
    elif reads_all:
        told.append("member of pg_read_all_data: reads every table")
    if denied:
        told.append(f"{denied} tables cannot be read by this account")
    if not (superuser or bypass):
        told.append("tables with row security that does not let this account see all rows are not dumped")
    if large_objects:
        told.append(f"{large_objects} large objects (pg_largeobject) are not dumped: tables have their numbers only")
    return tuple(told)


def schemas(session: Session) -> tuple[str, ...]:
    """Return the schemas with tables of users, by code point."""
    return tuple(name for (name,) in session.rows(_SCHEMAS))


def unheld(session: Session) -> Snapshot:
    """Return the moment at which a dump without a snapshot begins: what it reads is of that moment, or newer."""
    ((instant, seen),) = session.rows("SELECT clock_timestamp(), pg_current_snapshot()::text")
    moment: datetime = instant
    return Snapshot("none", taken=moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), seen=seen)


def place(session: Session) -> str:
    """Return what tells this database from others: ``<system identifier>/<number of the database>``.

    The first is ``?`` where the account may not ask for it.
    """
    ((number, allowed),) = session.rows(_PLACE)
    if not allowed:
        return f"?/{number}"
    ((system,),) = session.rows("SELECT system_identifier FROM pg_control_system()")
    return f"{system}/{number}"


_PLACE = """
SELECT oid, has_function_privilege('pg_control_system()', 'EXECUTE') FROM pg_database
WHERE datname = current_database()
"""
