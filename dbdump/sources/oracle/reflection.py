"""From the rows of the dictionary to `dbdump.schema`; pure."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from dbdump.schema import (
    Column,
    DatabaseSchema,
    Grant,
    Index,
    Key,
    KeyKind,
    Partition,
    TableKind,
    TableName,
    TableSchema,
    View,
)
from dbdump.sources.oracle.code import codes_of
from dbdump.sources.oracle.ddl import table_ddl
from dbdump.sources.oracle.dictionary import Dictionary, by_position
from dbdump.sources.oracle.selecting import INDEX_ORGANISED
from dbdump.sources.oracle.session import Row
from dbdump.sources.oracle.types import Declared, as_column

_BLOCK = 8192
_NOT_NULL = re.compile(r'\s*"[^"]+" IS NOT NULL\s*', re.IGNORECASE)
_KINDS = {"P": KeyKind.PRIMARY, "U": KeyKind.UNIQUE, "R": KeyKind.FOREIGN, "C": KeyKind.CHECK}
_DROPPED = "BIN$"


def database_schema(found: Dictionary) -> DatabaseSchema:
    """Return all that rows of the dictionary say."""
    warnings = [
        f"the dictionary view {view} cannot be read by this account; what it tells is missing" for view in found.missing
    ]
    names, left_out = _table_names(found)
    warnings += left_out
    facts = _Facts(found)
    tables = tuple(facts.table(row) for row in sorted(names, key=lambda row: (row[0], row[1])))
    warnings += facts.warnings(tables)
    if not found.rows.get("DDL") and tables:
        warnings.append("DBMS_METADATA gives no DDL to this account; DDL is put together from the dictionary")
    return DatabaseSchema(tables, facts.views(), codes_of(found), tuple(warnings))


def _table_names(found: Dictionary) -> tuple[list[Row], list[str]]:
    """Return the rows of ALL_TABLES that are dumped, and sentences about those that are not."""
    external = {tuple(row[:2]) for row in found.rows["ALL_EXTERNAL_TABLES"]}
    kept: list[Row] = []
    warnings: list[str] = []
    dropped = 0
    for row in found.rows["ALL_TABLES"]:
        name = f"{row[0]}.{row[1]}"
        if str(row[1]).startswith(_DROPPED):
            dropped += 1
        elif tuple(row[:2]) in external:
            warnings.append(f"{name} is an external table: its rows are in files on the server, and are left out")
        elif row[4] == "Y":
            warnings.append(f"{name} is a temporary table: its rows are those of one session, and are left out")
        elif row[6] == "YES" or (row[5] or "IOT") != "IOT":
            continue  # part of another table, whose rows bring it
        else:
            kept.append(row)
    if dropped:
        warnings.append(f"{dropped} dropped tables in the recycle bin ({_DROPPED}...) are left out")
    warnings += [
        f"{row[0]}.{row[1]} is a table of objects, and is left out"
        for row in found.rows["ALL_OBJECT_TABLES"]
        if row[2] != "YES"
    ]
    return kept, warnings


class _Facts:
    """The rows of the dictionary, by what they belong to."""

    def __init__(self, found: Dictionary) -> None:
        self.columns = found.grouped("ALL_TAB_COLS", 0, 1)
        self.comments = {tuple(row[:2]): str(row[2]) for row in found.rows["ALL_TAB_COMMENTS"]}
        self.comments |= {tuple(row[:2]): str(row[2]) for row in found.rows["ALL_MVIEW_COMMENTS"]}
        self.column_comments = {tuple(row[:3]): str(row[3]) for row in found.rows["ALL_COL_COMMENTS"]}
        self.constraints = found.grouped("ALL_CONSTRAINTS", 0, 1)
        self.key_columns = found.grouped("ALL_CONS_COLUMNS", 0, 1)
        self.indexes = found.grouped("ALL_INDEXES", 0, 1)
        self.index_columns = found.grouped("ALL_IND_COLUMNS", 0, 1)
        self.index_expressions = {tuple(row[:3]): str(row[3]) for row in found.rows["ALL_IND_EXPRESSIONS"]}
        self.partitions = found.grouped("ALL_TAB_PARTITIONS", 0, 1)
        self.partitioning = {tuple(row[:2]): str(row[2]) for row in found.rows["ALL_PART_TABLES"]}
        self.partition_keys = found.grouped("ALL_PART_KEY_COLUMNS", 0, 1)
        self.grants = found.grouped("ALL_TAB_PRIVS", 0, 1)
        self.lobs = found.grouped("ALL_LOBS", 0, 1)
        self.segments = {tuple(row[:2]): int(row[2]) for row in found.rows["SEGMENTS"] if row[2] is not None}
        self.queries = {tuple(row[:2]): str(row[2]) for row in found.rows["ALL_MVIEWS"]}
        self.ddl = {tuple(row[:2]): str(row[2]).strip() for row in found.rows["DDL"]}
        self.view_rows = found.rows["ALL_VIEWS"]

    def table(self, row: Row) -> TableSchema:
        """Return all about one table."""
        owner, name, rows, blocks, _, iot, *_ = row
        place = (owner, name)
        table = TableSchema(
            TableName(owner, name),
            tuple(self._column(found) for found in self._visible(place)),
            TableKind.MATERIALIZED_VIEW if place in self.queries else TableKind.TABLE,
            keys=self._keys(place),
            indexes=self._indexes(place),
            partitions=self._partitions(place),
            grants=tuple(sorted({Grant(str(g[2]), str(g[3])) for g in self.grants[place]}, key=_grant_order)),
            comment=self.comments.get(place, ""),
            rows=None if rows is None else int(rows),
            size=self._size(place, blocks),
            organisation=INDEX_ORGANISED if iot == "IOT" else "",
        )
        ddl = self.ddl.get(place) or table_ddl(table, self._partitioned_by(place))
        if place in self.queries:
            ddl += f"\n\n-- The query of the materialized view:\n{self.queries[place].strip()}\n"
        return replace(table, ddl=ddl)

    def views(self) -> tuple[View, ...]:
        """Return the views, sorted."""
        found = []
        for owner, name, text in sorted(self.view_rows, key=lambda row: (row[0], row[1])):
            columns = tuple(str(row[2]) for row in self._visible((owner, name)))
            comment = self.comments.get((owner, name), "")
            found.append(View(TableName(owner, name), str(text or "").strip(), columns, comment))
        return tuple(found)

    def warnings(self, tables: Sequence[TableSchema]) -> list[str]:
        """Return sentences about tables that are dumped and have something unusual."""
        return [
            f"{table.name}: no column of it can be seen; it is dumped as a table without columns"
            for table in tables
            if not table.columns
        ] + [
            f"{row[0]}.{row[1]}: the column {row[2]} is invisible in Oracle, and is dumped as the others are"
            for table in tables
            for row in self.columns.get((table.name.schema, table.name.name), [])
            if _is_invisible(row)
        ]

    def _visible(self, place: tuple[Any, ...]) -> list[Row]:
        rows = self.columns.get(place, [])
        shown = [row for row in rows if row[13] != "YES" and row[3] is not None]
        return [*by_position(shown, 3), *(row for row in rows if _is_invisible(row))]

    def _column(self, row: Row) -> Column:
        (
            owner,
            table,
            name,
            _,
            kind,
            kind_owner,
            size,
            characters,
            used,
            precision,
            scale,
            nullable,
            virtual,
            _,
            text,
        ) = row
        declared = Declared(
            str(kind), kind_owner, _int(size), _int(characters), used == "C", _int(precision), _int(scale)
        )
        expression = str(text).strip() if text is not None else None
        facts = {
            "nullable": nullable != "N",
            "default": None if virtual == "YES" else expression,
            "comment": self.column_comments.get((owner, table, name), ""),
            "computed": (expression or "") if virtual == "YES" else "",
        }
        return as_column(str(name), declared, facts)

    def _keys(self, place: tuple[Any, ...]) -> tuple[Key, ...]:
        keys = [self._key(row) for row in self.constraints.get(place, [])]
        order = list(KeyKind)
        return tuple(
            sorted((key for key in keys if key is not None), key=lambda key: (order.index(key.kind), key.name))
        )

    def _key(self, row: Row) -> Key | None:
        owner, _, name, letter, target_owner, target, rule, _, condition = row
        kind = _KINDS[letter]
        if kind == KeyKind.CHECK:
            text = str(condition or "").strip()
            return None if _NOT_NULL.fullmatch(text) else Key(kind, str(name), expression=text)
        columns = self._key_columns(owner, name)
        if kind != KeyKind.FOREIGN:
            return Key(kind, str(name), columns)
        rows = self.key_columns.get((target_owner, target), [])
        action = f"ON DELETE {rule}" if rule not in (None, "NO ACTION") else ""
        if not rows:
            return Key(kind, str(name), columns, expression=action)
        table = TableName(str(target_owner), str(rows[0][2]))
        return Key(kind, str(name), columns, table, self._key_columns(target_owner, target), action)

    def _key_columns(self, owner: Any, name: Any) -> tuple[str, ...]:
        return tuple(str(row[3]) for row in by_position(self.key_columns.get((owner, name), []), 4))

    def _indexes(self, place: tuple[Any, ...]) -> tuple[Index, ...]:
        of_keys = {row[7] for row in self.constraints.get(place, []) if row[3] in ("P", "U")}
        found = []
        for _, _, owner, name, unique, kind in self.indexes.get(place, []):
            if name not in of_keys and kind not in ("LOB", "IOT - TOP", "CLUSTER"):
                found.append(self._index(owner, name, unique, kind))
        return tuple(sorted(found, key=lambda index: index.name))

    def _index(self, owner: Any, name: Any, unique: Any, kind: Any) -> Index:
        entries, expressions = [], False
        for row in by_position(self.index_columns.get((owner, name), []), 3):
            expression = self.index_expressions.get((owner, name, row[3]))
            plain = str(row[2]) if expression is None else expression.strip().strip('"')
            # A descending column is an expression to Oracle, and is none to anybody else.
            is_column = expression is None or expression.strip() == f'"{plain}"'
            expressions |= not is_column
            entries.append(plain if is_column else str(expression).strip())
        return Index(
            str(name), tuple(entries), unique == "UNIQUE", expressions, f"{kind} index" if kind != "NORMAL" else ""
        )

    def _partitions(self, place: tuple[Any, ...]) -> tuple[Partition, ...]:
        rows = by_position(self.partitions.get(place, []), 3)
        return tuple(Partition(str(row[2]), str(row[5] or "").strip(), _int(row[4])) for row in rows)

    def _partitioned_by(self, place: tuple[Any, ...]) -> str:
        if place not in self.partitioning:
            return ""
        keys = [row for row in self.partition_keys.get(place, []) if str(row[2]).strip() == "TABLE"]
        names = ", ".join(f'"{row[3]}"' for row in by_position(keys, 4))
        return f"{self.partitioning[place]} ({names})"

    def _size(self, place: tuple[Any, ...], blocks: Any) -> int | None:
        owner = place[0]
        own = self.segments.get(place)
        if own is None:
            return None if blocks is None else int(blocks) * _BLOCK
        return own + sum(self.segments.get((owner, row[3]), 0) for row in self.lobs.get(place, []))


def _is_invisible(row: Row) -> bool:
    """Whether somebody made a column invisible; those that Oracle itself hides have names that begin with SYS_."""
    return bool(row[13] == "YES" and row[12] != "YES" and not str(row[2]).startswith("SYS_"))


def _grant_order(grant: Grant) -> tuple[str, str]:
    return grant.grantee, grant.privilege


def _int(value: Any) -> int | None:
    return None if value is None else int(value)
