"""What the dictionary says about some schemas, in one statement for each view; never one for each table.

Views and columns are those of Oracle's "Database Reference", as they are since 11g.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dbdump.sources.oracle.names import select
from dbdump.sources.oracle.session import Row, Session

_MOST_BINDS = 500
SYSTEM_SCHEMAS = frozenset(
    {
        *("ANONYMOUS", "APPQOSSYS", "AUDSYS", "CTXSYS", "DBSFWUSER", "DBSNMP", "DIP", "DMSYS", "DVF", "DVSYS"),
        *("EXFSYS", "GGSYS", "GSMADMIN_INTERNAL", "GSMCATUSER", "GSMROOTUSER", "GSMUSER", "LBACSYS", "MDDATA", "MDSYS"),
        *("MGMT_VIEW", "OJVMSYS", "OLAPSYS", "ORACLE_OCM", "ORDDATA", "ORDPLUGINS", "ORDSYS", "OUTLN", "OWBSYS"),
        *("OWBSYS_AUDIT", "PUBLIC", "REMOTE_SCHEDULER_AGENT", "SI_INFORMTN_SCHEMA", "SPATIAL_CSW_ADMIN_USR"),
        *("SPATIAL_WFS_ADMIN_USR", "SYS", "SYS$UMF", "SYSBACKUP", "SYSDG", "SYSKM", "SYSMAN", "SYSRAC", "SYSTEM"),
        *("TSMSYS", "WKPROXY", "WKSYS", "WK_TEST", "WMSYS", "XDB", "XS$NULL"),
    }
)
_SYSTEM_PREFIXES = ("APEX_", "FLOWS_")


@dataclass(slots=True)
class Dictionary:
    """Rows of the views, by view.

    Parameters
    ----------
    rows
        In the order in which `QUERIES` names their columns; empty for a view that cannot be read.
    missing
        Names of views that this account or this version does not have.
    """

    rows: dict[str, list[Row]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def grouped(self, view: str, *key: int) -> dict[tuple[Any, ...], list[Row]]:
        """Return the rows of a view by the values of some of their columns."""
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in self.rows.get(view, ()):
            groups[tuple(row[place] for place in key)].append(row)
        return groups


QUERIES: dict[str, tuple[str, str, str]] = {
    "ALL_TABLES": (
        "OWNER",
        "OWNER,TABLE_NAME,NUM_ROWS,BLOCKS,TEMPORARY,IOT_TYPE,NESTED,PARTITIONED",
        "",
    ),
    "ALL_TAB_COLS": (
        "OWNER",
        (
            "OWNER,TABLE_NAME,COLUMN_NAME,COLUMN_ID,DATA_TYPE,DATA_TYPE_OWNER,DATA_LENGTH,CHAR_LENGTH,CHAR_USED,"
            "DATA_PRECISION,DATA_SCALE,NULLABLE,VIRTUAL_COLUMN,HIDDEN_COLUMN,DATA_DEFAULT"
        ),
        "",
    ),
    "ALL_TAB_COMMENTS": ("OWNER", "OWNER,TABLE_NAME,COMMENTS", "COMMENTS IS NOT NULL"),
    "ALL_MVIEW_COMMENTS": ("OWNER", "OWNER,MVIEW_NAME,COMMENTS", "COMMENTS IS NOT NULL"),
    "ALL_COL_COMMENTS": ("OWNER", "OWNER,TABLE_NAME,COLUMN_NAME,COMMENTS", "COMMENTS IS NOT NULL"),
    "ALL_CONSTRAINTS": (
        "OWNER",
        (
            "OWNER,TABLE_NAME,CONSTRAINT_NAME,CONSTRAINT_TYPE,R_OWNER,R_CONSTRAINT_NAME,DELETE_RULE,INDEX_NAME,"
            "SEARCH_CONDITION"
        ),
        "CONSTRAINT_TYPE IN ('P','U','R','C')",
    ),
    "ALL_CONS_COLUMNS": ("OWNER", "OWNER,CONSTRAINT_NAME,TABLE_NAME,COLUMN_NAME,POSITION", "POSITION IS NOT NULL"),
    "ALL_INDEXES": ("TABLE_OWNER", "TABLE_OWNER,TABLE_NAME,OWNER,INDEX_NAME,UNIQUENESS,INDEX_TYPE", ""),
    "ALL_IND_COLUMNS": (
        "TABLE_OWNER",
        "INDEX_OWNER,INDEX_NAME,COLUMN_NAME,COLUMN_POSITION,DESCEND",
        "",
    ),
    "ALL_IND_EXPRESSIONS": ("TABLE_OWNER", "INDEX_OWNER,INDEX_NAME,COLUMN_POSITION,COLUMN_EXPRESSION", ""),
    "ALL_PART_TABLES": ("OWNER", "OWNER,TABLE_NAME,PARTITIONING_TYPE,SUBPARTITIONING_TYPE", ""),
    "ALL_PART_KEY_COLUMNS": ("OWNER", "OWNER,NAME,OBJECT_TYPE,COLUMN_NAME,COLUMN_POSITION", ""),
    "ALL_TAB_PARTITIONS": (
        "TABLE_OWNER",
        "TABLE_OWNER,TABLE_NAME,PARTITION_NAME,PARTITION_POSITION,NUM_ROWS,HIGH_VALUE",
        "",
    ),
    "ALL_TAB_PRIVS": ("TABLE_SCHEMA", "TABLE_SCHEMA,TABLE_NAME,GRANTEE,PRIVILEGE", ""),
    "ALL_LOBS": ("OWNER", "OWNER,TABLE_NAME,COLUMN_NAME,SEGMENT_NAME", ""),
    "ALL_EXTERNAL_TABLES": ("OWNER", "OWNER,TABLE_NAME", ""),
    "ALL_OBJECT_TABLES": ("OWNER", "OWNER,TABLE_NAME,NESTED", ""),
    "ALL_VIEWS": ("OWNER", "OWNER,VIEW_NAME,TEXT", ""),
    "ALL_MVIEWS": ("OWNER", "OWNER,MVIEW_NAME,QUERY", ""),
    "ALL_SEQUENCES": (
        "SEQUENCE_OWNER",
        "SEQUENCE_OWNER,SEQUENCE_NAME,MIN_VALUE,MAX_VALUE,INCREMENT_BY,CYCLE_FLAG,ORDER_FLAG,CACHE_SIZE,LAST_NUMBER",
        "",
    ),
    "ALL_TRIGGERS": ("OWNER", "OWNER,TRIGGER_NAME,STATUS,DESCRIPTION,WHEN_CLAUSE,TRIGGER_BODY", ""),
    "ALL_SOURCE": ("OWNER", "OWNER,NAME,TYPE,LINE,TEXT", "TYPE <> 'TRIGGER'"),
    "ALL_SYNONYMS": ("OWNER", "OWNER,SYNONYM_NAME,TABLE_OWNER,TABLE_NAME,DB_LINK", ""),
}
"""For each view: the column that holds the owner, the columns asked for, and a condition. A LONG comes last: older
servers and drivers want it so."""
_SEGMENTS = "SELECT OWNER,SEGMENT_NAME,SUM(BYTES) FROM DBA_SEGMENTS WHERE OWNER IN ({}) GROUP BY OWNER,SEGMENT_NAME"
_OWN_SEGMENTS = "SELECT SEGMENT_NAME,SUM(BYTES) FROM USER_SEGMENTS GROUP BY SEGMENT_NAME"
_DDL = (
    "SELECT OWNER,TABLE_NAME,DBMS_METADATA.GET_DDL('TABLE',TABLE_NAME,OWNER) FROM ALL_TABLES WHERE OWNER=:1 "
    "AND NESTED='NO' AND (IOT_TYPE IS NULL OR IOT_TYPE='IOT') AND TABLE_NAME NOT LIKE 'BIN$%'"
)
_OPTIONAL = frozenset({"ALL_MVIEW_COMMENTS"})


def read_dictionary(session: Session, owners: Sequence[str], user: str) -> Dictionary:
    """Ask every view about some owners; one that cannot be read is named in `Dictionary.missing`.

    Raises
    ------
    ConnectionLostError, SourceError
    """
    found = Dictionary()
    for view, (owner, columns, condition) in QUERIES.items():
        rows = _ask(session, select(columns, f"{view} WHERE {owner} IN ({{}})"), condition, owners)
        if rows is None and view not in _OPTIONAL:
            found.missing.append(view)
        found.rows[view] = rows or []
    foreign = sorted({row[4] for row in found.rows["ALL_CONSTRAINTS"] if row[4] is not None} - set(owners))
    if foreign:
        _, columns, condition = QUERIES["ALL_CONS_COLUMNS"]
        more = _ask(session, select(columns, "ALL_CONS_COLUMNS WHERE OWNER IN ({})"), condition, foreign)
        found.rows["ALL_CONS_COLUMNS"] += more or []
    found.rows["SEGMENTS"] = _segments(session, owners, user)
    found.rows["DDL"] = [row for owner in owners for row in session.allowed(_DDL, [owner]) or []]
    return found


def _ask(session: Session, statement: str, condition: str, owners: Sequence[str]) -> list[Row] | None:
    found: list[Row] = []
    for first in range(0, len(owners), _MOST_BINDS):
        some = owners[first : first + _MOST_BINDS]
        text = statement.format(binds(len(some))) + (f" AND {condition}" if condition else "")
        rows = session.allowed(text, some)
        if rows is None:
            return None
        found += rows
    return found


def _segments(session: Session, owners: Sequence[str], user: str) -> list[Row]:
    rows = _ask(session, _SEGMENTS, "", owners)
    if rows is not None:
        return rows
    own = session.allowed(_OWN_SEGMENTS) if user in owners else None
    return [(user, *row) for row in own or []]


def binds(count: int) -> str:
    """Return ``:1,:2,...``."""
    return ",".join(f":{number}" for number in range(1, count + 1))


def schemas(session: Session) -> tuple[str, ...]:
    """Return the owners of tables that this account sees, without those that Oracle itself brings."""
    owners = {row[0] for row in session.allowed("SELECT DISTINCT OWNER FROM ALL_TABLES") or []}
    brought = session.allowed("SELECT USERNAME FROM ALL_USERS WHERE ORACLE_MAINTAINED='Y'") or []
    return tuple(sorted(owner for owner in owners - {row[0] for row in brought} if not is_system(owner)))


def is_system(owner: str) -> bool:
    """Whether a schema is one of those that Oracle itself brings."""
    return owner in SYSTEM_SCHEMAS or owner.startswith(_SYSTEM_PREFIXES)


def by_position(rows: Iterable[Row], place: int) -> list[Row]:
    """Return rows sorted by the number in one of their columns."""
    return sorted(rows, key=lambda row: int(row[place] or 0))
