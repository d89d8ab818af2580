"""Fills the dictionary from what SQLite says about its tables, and from tables of facts that a test may add.

Tables of facts lie beside the others and may have these columns (all texts; what is missing is NULL):

``oracle$comments``    table_name, column_name (NULL for the table's own), comments
``oracle$partitions``  table_name, partition_name, high_value, condition (in SQLite's words: which rows), key_columns
``oracle$triggers``    trigger_name, table_name, trigger_type, triggering_event, description, trigger_body
``oracle$source``      name, type, text
``oracle$sequences``   sequence_name, min_value, max_value, increment_by, last_number
``oracle$grants``      table_name, grantee, privilege
``oracle$synonyms``    synonym_name, table_owner, table_name
``oracle$mviews``      mview_name, query (a table of that name has the rows)
``oracle$tables``      table_name, temporary, iot_type, nested, external, num_rows
``oracle$columns``     table_name, column_name, data_type, data_type_owner (another type than SQLite can declare)
``oracle$types``       type_name, typecode
``oracle$ddl``         table_name, ddl (what DBMS_METADATA.GET_DDL gives; without any it is forbidden)
"""

import sqlite3
from typing import Any

import oracle_double.rowids as rowids
from oracle_double.catalogue import DICTIONARY, FACTS, Catalogue, Column, Table, quoted
from oracle_double.columns import BLOB, CHAR, CLOB, NATIONAL, NUMBER, RAW, TIMES, VARCHAR
from oracle_double.constraints import add_constraints, add_indexes
from oracle_double.views import DBA_VIEWS, VIEWS, statement

_PLACE = quoted(DICTIONARY)
_BLOCK = 8192
_EXTENT_ROWS = 20 * rowids.ROWS_PER_BLOCK
CHARSETS = {"NLS_CHARACTERSET": "WE8ISO8859P1", "NLS_NCHAR_CHARACTERSET": "AL16UTF16"}
Row = dict[str, Any]


def create(database: sqlite3.Connection, *, dba: bool) -> None:
    """Make the views, empty."""
    for name, columns in (VIEWS | DBA_VIEWS if dba else VIEWS).items():
        database.execute(statement(name, columns))


class Filling:
    """Fills the views of a database from the tables of a catalogue.

    Parameters
    ----------
    database
        A connection that has the owners' files and the dictionary attached as `catalogue` says.
    catalogue
        What tables there are.
    version
        Of the server, such as ``19.3.0.0.0``.
    """

    def __init__(self, database: sqlite3.Connection, catalogue: Catalogue, version: str) -> None:
        self.database = database
        self.catalogue = catalogue
        self._version = version
        self._names = {
            row[0] for row in database.execute(f"SELECT name FROM {_PLACE}.sqlite_master WHERE type = 'table'")
        }

    def fill(self) -> None:
        """Make the dictionary say what is there now."""
        self.catalogue.refresh()
        with self.database:
            self.database.execute("BEGIN")
            for name in self._names:
                self.database.execute(f"DELETE FROM {_PLACE}.{quoted(name)}")
            self._fixed()
            for owner, place in self.catalogue.owners.items():
                self._owner(owner, place)
            self.database.execute(
                f"INSERT INTO {_PLACE}.ALL_TAB_COLUMNS SELECT * FROM {_PLACE}.ALL_TAB_COLS WHERE HIDDEN_COLUMN = 'NO'"
            )

    def add(self, view: str, **row: Any) -> None:
        """Add a row to a view, if the double has that."""
        if view in self._names:
            names = ", ".join(quoted(name.upper()) for name in row)
            marks = ", ".join("?" * len(row))
            self.database.execute(f"INSERT INTO {_PLACE}.{quoted(view)} ({names}) VALUES ({marks})", list(row.values()))

    def facts(self, place: str, name: str) -> list[Row]:
        """Return the rows of a table of facts; none where it is missing."""
        table = f"{quoted(place)}.{quoted(FACTS + name)}"
        try:
            cursor = self.database.execute(f"SELECT * FROM {table}")
        except sqlite3.OperationalError:
            return []
        names = [column[0].lower() for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor]

    def _fixed(self) -> None:
        banner = f"Oracle Database 19c Enterprise Edition Release {self._version} - Production"
        self.add("DUAL", dummy="X")
        self.add("V$VERSION", banner=banner, banner_full=banner, con_id=0)
        self.add("V$DATABASE", dbid=1, name="ANTARES", open_mode="READ WRITE", log_mode="NOARCHIVELOG")
        self.add("V$INSTANCE", instance_name="ANTARES", version=self._version, status="OPEN")
        self.add("V$PARAMETER", name="compatible", value=".".join(self._version.split(".")[:3]))
        self.add("V$PARAMETER", name="undo_retention", value="900")
        product = "Oracle Database 19c Enterprise Edition"
        self.add("PRODUCT_COMPONENT_VERSION", product=product, version=self._version, version_full=self._version)
        for name, value in CHARSETS.items():
            self.add("NLS_DATABASE_PARAMETERS", parameter=name, value=value)
        self.add("NLS_SESSION_PARAMETERS", parameter="NLS_NUMERIC_CHARACTERS", value=".,")
        for privilege in ("CREATE SESSION", "FLASHBACK ANY TABLE", "SELECT ANY TABLE"):
            self.add("SESSION_PRIVS", privilege=privilege)
        for number, (name, oracle) in enumerate((("SYS", "Y"), ("SYSTEM", "Y"))):
            self.add("ALL_USERS", username=name, user_id=number, oracle_maintained=oracle, common="YES")
        self.add("ALL_TABLES", owner="SYS", table_name="DUAL", temporary="N", nested="NO", partitioned="NO", num_rows=1)

    def _owner(self, owner: str, place: str) -> None:
        number = 100 + list(self.catalogue.owners).index(owner)
        self.add("ALL_USERS", username=owner, user_id=number, oracle_maintained="N", common="NO")
        kinds = dict(self.database.execute(f"SELECT name, type FROM {quoted(place)}.sqlite_master"))
        definitions = dict(self.database.execute(f"SELECT name, sql FROM {quoted(place)}.sqlite_master"))
        extra = {row["table_name"]: row for row in self.facts(place, "tables")}
        materialized = {row["mview_name"]: row for row in self.facts(place, "mviews")}
        partitions = self.facts(place, "partitions")
        for table in self.catalogue.tables():
            if table.owner != owner:
                continue
            stored = table.place.split('"."', 1)[1][:-1].replace('""', '"')
            self._columns(table, place, stored)
            if kinds[stored] == "view":
                self._view(table, definitions[stored])
                continue
            parts = [row for row in partitions if row["table_name"] == table.name]
            self._table(table, extra.get(table.name, {}), parts)
            add_constraints(self, table, definitions[stored])
            add_indexes(self, table, place, stored)
            if table.name in materialized:
                query = materialized[table.name]["query"]
                self.add(
                    "ALL_MVIEWS", owner=owner, mview_name=table.name, container_name=table.name, query=query,
                    query_len=len(query),
                )  # fmt: skip
        self._comments(owner, place)
        self._code(owner, place)

    def _table(self, table: Table, extra: Row, partitions: list[Row]) -> None:
        names = {"owner": table.owner, "table_name": table.name}
        (rows,) = self.database.execute(f"SELECT count(*) FROM {table.place}").fetchone()
        blocks = rows // rowids.ROWS_PER_BLOCK + 1
        known = {**names, "status": "VALID", "num_rows": extra.get("num_rows", rows), "blocks": blocks}
        known |= {"partitioned": "YES" if partitions else "NO", "temporary": extra.get("temporary") or "N"}
        known |= {"iot_type": extra.get("iot_type"), "nested": extra.get("nested") or "NO", "secondary": "N"}
        known |= {"tablespace_name": "USERS", "dropped": "NO", "external": extra.get("external") or "NO"}
        self.add("ALL_TABLES", **known)
        if table.owner == next(iter(self.catalogue.owners)):
            self.add("USER_TABLES", **{name: value for name, value in known.items() if name != "owner"})
        self._object(table.owner, table.name, "TABLE")
        if extra.get("external") == "YES":
            self.add("ALL_EXTERNAL_TABLES", **names, type_name="ORACLE_LOADER")
        self._partitions(table, partitions)
        self._segment(table, blocks)

    def _partitions(self, table: Table, partitions: list[Row]) -> None:
        for position, part in enumerate(partitions, 1):
            rows = f"SELECT count(*) FROM {table.place} WHERE {part['condition']}"
            (count,) = self.database.execute(rows).fetchone()
            self.add(
                "ALL_TAB_PARTITIONS", table_owner=table.owner, table_name=table.name, composite="NO",
                partition_name=part["partition_name"], high_value=part["high_value"], partition_position=position,
                num_rows=count, blocks=count // rowids.ROWS_PER_BLOCK + 1, subpartition_count=0,
                high_value_length=len(part["high_value"] or ""),
            )  # fmt: skip
        if partitions:
            count = len(partitions)
            named = {"owner": table.owner, "table_name": table.name}
            self.add("ALL_PART_TABLES", **named, partitioning_type="RANGE", subpartitioning_type="NONE",
                     partition_count=count)  # fmt: skip
            for position, column in enumerate((partitions[0].get("key_columns") or "").split(","), 1):
                self.add("ALL_PART_KEY_COLUMNS", owner=table.owner, name=table.name, object_type="TABLE",
                         column_name=column.strip(), column_position=position)  # fmt: skip

    def _segment(self, table: Table, blocks: int) -> None:
        segment: Row = {"segment_name": table.name, "segment_type": "TABLE", "tablespace_name": "USERS"}
        segment |= {"blocks": blocks, "bytes": blocks * _BLOCK}
        if table.owner == next(iter(self.catalogue.owners)):
            self.add("USER_SEGMENTS", **segment)
        self.add("DBA_SEGMENTS", owner=table.owner, **segment)
        if "DBA_EXTENTS" not in self._names:
            return
        try:
            last = self.database.execute(f"SELECT max(rowid) FROM {table.place}").fetchone()[0] or 0
        except sqlite3.OperationalError:
            return  # WITHOUT ROWID: an index-organised table has no extents of its own
        for number, first in enumerate(range(0, last + 1, _EXTENT_ROWS)):
            start = rowids.block_of_row(first)
            size = rowids.block_of_row(first + _EXTENT_ROWS) - start
            self.add(
                "DBA_EXTENTS", owner=table.owner, segment_name=table.name, segment_type="TABLE", extent_id=number,
                file_id=rowids.FILE, relative_fno=rowids.FILE, block_id=start, blocks=size, bytes=size * _BLOCK,
            )  # fmt: skip

    def _object(self, owner: str, name: str, kind: str) -> None:
        (number,) = self.database.execute(f"SELECT count(*) + 70000 FROM {_PLACE}.ALL_OBJECTS").fetchone()
        known = {"owner": owner, "object_name": name, "object_id": number, "object_type": kind}
        known["data_object_id"] = rowids.OBJECT if kind == "TABLE" else None
        self.add("ALL_OBJECTS", **known, status="VALID", temporary="N", generated="N", oracle_maintained="N",
                 created="2008-05-30 12:00:00")  # fmt: skip
        self.add("DBA_OBJECTS", **known)

    def _view(self, table: Table, definition: str) -> None:
        text = definition[definition.upper().index(" AS ") + 4 :].strip()
        self.add("ALL_VIEWS", owner=table.owner, view_name=table.name, text=text, text_length=len(text),
                 text_vc=text[:4000], read_only="N")  # fmt: skip
        self._object(table.owner, table.name, "VIEW")

    def _columns(self, table: Table, place: str, stored: str) -> None:
        facts = {row["column_name"]: row for row in self.facts(place, "columns") if row["table_name"] == table.name}
        rows = self.database.execute(f"PRAGMA {quoted(place)}.table_xinfo({quoted(stored)})").fetchall()
        (definition,) = self.database.execute(
            f"SELECT sql FROM {quoted(place)}.sqlite_master WHERE name = ?", [stored]
        ).fetchone()
        for (position, _, _, required, default, key, hidden), (name, column) in zip(
            rows, table.columns.items(), strict=True
        ):
            generated = _generated(definition, column.name) if hidden in (2, 3) else None
            known = _column(name, column) | {
                "owner": table.owner, "table_name": table.name, "column_id": position + 1,
                "internal_column_id": position + 1, "nullable": "N" if required or key else "Y",
                "data_default": generated or default, "virtual_column": "YES" if generated else "NO",
                "default_length": len(generated or default) if generated or default else None,
            }  # fmt: skip
            more = facts.get(name, {})
            known |= {key: more[key] for key in ("data_type", "data_type_owner") if more.get(key)}
            self.add("ALL_TAB_COLS", **known)
            if column.type.code in (CLOB, BLOB):
                self.add("ALL_LOBS", owner=table.owner, table_name=table.name, column_name=name, chunk=_BLOCK,
                         segment_name=f"SYS_LOB{position:010}$$", in_row="YES", securefile="NO")  # fmt: skip

    def _comments(self, owner: str, place: str) -> None:
        given = {(row["table_name"], row.get("column_name")): row["comments"] for row in self.facts(place, "comments")}
        materialized = {row["mview_name"] for row in self.facts(place, "mviews")}
        for table in self.catalogue.tables():
            if table.owner != owner:
                continue
            comment = given.get((table.name, None))
            self.add("ALL_TAB_COMMENTS", owner=owner, table_name=table.name, table_type="TABLE", comments=comment)
            if table.name in materialized:
                self.add("ALL_MVIEW_COMMENTS", owner=owner, mview_name=table.name, comments=comment)
            for column in table.columns:
                self.add("ALL_COL_COMMENTS", owner=owner, table_name=table.name, column_name=column,
                         comments=given.get((table.name, column)))  # fmt: skip

    def _code(self, owner: str, place: str) -> None:
        for row in self.facts(place, "triggers"):
            self.add("ALL_TRIGGERS", owner=owner, table_owner=owner, status="ENABLED", base_object_type="TABLE",
                     action_type="PL/SQL", **row)  # fmt: skip
        for row in self.facts(place, "source"):
            for number, line in enumerate(row["text"].splitlines(keepends=True), 1):
                self.add("ALL_SOURCE", owner=owner, name=row["name"], type=row["type"], line=number, text=line)
            self._object(owner, row["name"], row["type"])
        for row in self.facts(place, "sequences"):
            known = {"min_value": 1, "max_value": "9999999999999999999999999999", "increment_by": 1, "last_number": 1}
            self.add("ALL_SEQUENCES", sequence_owner=owner, cycle_flag="N", order_flag="N", cache_size=20,
                     **(known | row))  # fmt: skip
            self._object(owner, row["sequence_name"], "SEQUENCE")
        for row in self.facts(place, "grants"):
            self.add("ALL_TAB_PRIVS", grantor=owner, table_schema=owner, grantable="NO", type="TABLE", **row)
        for row in self.facts(place, "synonyms"):
            self.add("ALL_SYNONYMS", owner=owner, **row)
        for row in self.facts(place, "types"):
            self.add("ALL_TYPES", owner=owner, **row)


def _column(name: str, column: Column) -> Row:
    kind = column.type
    text = kind.code in (VARCHAR, CHAR)
    scale = kind.scale if kind.code == NUMBER and kind.scale != -127 else None
    precision = kind.precision or None if kind.code == NUMBER else None
    if kind.code in TIMES and kind.name != "DATE":
        scale = kind.scale
    elif kind.name.startswith("INTERVAL"):
        precision, scale = kind.precision, kind.scale
    if kind.code == NUMBER and kind.scale != -127 and precision == 38 and scale == 0:
        precision = None  # INTEGER has a scale and no precision in the dictionary
    charset = {0: None, 1: "CHAR_CS", NATIONAL: "NCHAR_CS"}[kind.form]
    return {
        "column_name": name, "data_type": kind.name, "data_precision": precision, "data_scale": scale,
        "data_type_owner": "PUBLIC" if kind.name == "XMLTYPE" else None, "character_set_name": charset,
        "data_length": kind.size if text or kind.code in (RAW, NUMBER) else kind.size or 0,
        "char_length": kind.length if text else 0, "hidden_column": "NO", "identity_column": "NO",
        "char_used": ("C" if kind.by_characters else "B") if text else None, "default_on_null": "NO",
        "user_generated": "YES",
    }  # fmt: skip


def _generated(definition: str, name: str) -> str | None:
    """Return the expression of a generated column from the text of its table."""
    upper = definition.upper()
    for spelled in (quoted(name).upper(), name.upper()):
        at = upper.find(f"{spelled} ")
        start = upper.find(" AS (", at)
        if at >= 0 and start >= 0:
            depth = 0
            for place in range(start + 4, len(definition)):
                depth += (definition[place] == "(") - (definition[place] == ")")
                if not depth:
                    return definition[start + 5 : place]
    return None
