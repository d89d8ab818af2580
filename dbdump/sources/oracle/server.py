"""What the server is, and what this account may do there: a few small questions."""

from dataclasses import dataclass

from dbdump.errors import SourceError
from dbdump.schema import ServerFacts
from dbdump.sources.oracle.session import Session

_WHO = (
    "SELECT SYS_CONTEXT('USERENV','SESSION_USER'),SYS_CONTEXT('USERENV','CURRENT_SCHEMA'),"
    "SYS_CONTEXT('USERENV','DB_NAME') FROM DUAL"
)
_TIME = "SELECT TO_CHAR(SYS_EXTRACT_UTC(SYSTIMESTAMP),'YYYY-MM-DD\"T\"HH24:MI:SS') FROM DUAL"
_SCN = ("SELECT CURRENT_SCN FROM V$DATABASE", "SELECT DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER FROM DUAL")
_FLASHBACK = "FLASHBACK ANY TABLE"


@dataclass(frozen=True, slots=True)
class Identity:
    """Account, its current schema, and the name of the database."""

    user: str
    schema: str
    database: str


def identity(session: Session) -> Identity:
    """Return who we are; raises what the driver raises."""
    user, schema, database = session.rows(_WHO)[0]
    return Identity(str(user), str(schema), str(database))


def charsets(session: Session) -> tuple[str, str]:
    """Return the character set of the database, and the national one."""
    rows = session.allowed("SELECT PARAMETER,VALUE FROM NLS_DATABASE_PARAMETERS") or []
    found = {str(name): str(value) for name, value in rows}
    return found.get("NLS_CHARACTERSET", ""), found.get("NLS_NCHAR_CHARACTERSET", "")


def server_time(session: Session) -> str:
    """Return the server's time in UTC, ISO 8601."""
    rows = session.allowed(_TIME)
    if not rows:
        raise SourceError(f"{session.place}: the server does not tell its time")
    return f"{rows[0][0]}Z"


def current_scn(session: Session) -> int | None:
    """Return the system change number of now, None where this account may not ask for it."""
    for statement in _SCN:
        rows = session.allowed(statement)
        if rows and rows[0][0] is not None:
            return int(rows[0][0])
    return None


def may_flash_back(session: Session, user: str) -> tuple[bool, str]:
    """Return whether tables can be read as they were, and a sentence about which."""
    privileges = {row[0] for row in session.allowed("SELECT PRIVILEGE FROM SESSION_PRIVS") or []}
    if _FLASHBACK in privileges:
        return True, "may read every table as of a system change number"
    own = session.allowed("SELECT COUNT(*) FROM ALL_TABLES WHERE OWNER=:1", [user])
    if own and own[0][0]:
        return True, "may read its own tables as of a system change number; others need FLASHBACK granted on them"
    granted = session.allowed("SELECT COUNT(*) FROM ALL_TAB_PRIVS WHERE PRIVILEGE='FLASHBACK'")
    if granted and granted[0][0]:
        return True, "may read those tables as of a system change number on which FLASHBACK is granted"
    return False, "may not read tables as of a system change number: FLASHBACK is granted on none"


def rights(session: Session) -> tuple[str, ...]:
    """Return sentences about what the account may see of the dictionary."""
    segments = session.allowed("SELECT COUNT(*) FROM DBA_SEGMENTS WHERE OWNER='SYS' AND SEGMENT_NAME='OBJ$'")
    if segments is None:
        return ("sees ALL_ views only: sizes of tables of other accounts are estimates from statistics",)
    return ("sees DBA_ views: sizes are exact",)


def server_facts(session: Session, who: Identity) -> ServerFacts:
    """Return what `inspect` and the manifest tell about the server."""
    import oracledb

    banner = session.allowed("SELECT BANNER FROM V$VERSION")
    charset, national = charsets(session)
    able, sentence = may_flash_back(session, who.user)
    if able and current_scn(session) is None:
        able, sentence = False, "may not ask for the system change number (V$DATABASE, DBMS_FLASHBACK)"
    return ServerFacts(
        kind="oracle",
        version=str(banner[0][0]) if banner else f"Oracle Database {session.connection.version}",
        driver=f"oracledb {oracledb.__version__} {'thick' if session.thick else 'thin'}",
        database=who.database,
        user=who.user,
        charset=f"{charset}, national {national}" if national else charset,
        snapshots=("scn", "readonly") if able else ("readonly",),
        rights=(sentence, *rights(session)),
    )
