"""From the rows of the dictionary to the schema."""

from typing import Any

import pytest

from dbdump.schema import Family, Grant, Index, Key, KeyKind, Partition, TableKind, TableName
from dbdump.sources.oracle.dictionary import QUERIES, Dictionary, is_system
from dbdump.sources.oracle.reflection import database_schema

A = "ANTARES"


def table_row(name: str, **facts: Any) -> tuple[Any, ...]:
    given = {"rows": 5, "blocks": 2, "temporary": "N", "iot": None, "nested": "NO", "partitioned": "NO"} | facts
    return (A, name, *given.values())


def column_row(table: str, name: str, number: int | None, kind: str = "NUMBER", **facts: Any) -> tuple[Any, ...]:
    given: dict[str, Any] = {
        "owner": None,
        "length": 22,
        "characters": 0,
        "used": None,
        "precision": None,
        "scale": None,
        "nullable": "Y",
        "virtual": "NO",
        "hidden": "NO",
        "default": None,
    } | facts
    return (A, table, name, number, kind, *given.values())


def dictionary(**rows: list[tuple[Any, ...]]) -> Dictionary:
    found = Dictionary({view: [] for view in (*QUERIES, "SEGMENTS", "DDL")})
    found.rows |= rows
    return found


@pytest.fixture
def environment() -> Dictionary:
    return dictionary(
        ALL_TABLES=[table_row("ENV"), table_row("LINES", rows=None, blocks=None)],
        ALL_TAB_COLS=[
            column_row("ENV", "T", 2, "DATE", nullable="N", default="SYSDATE "),
            column_row("ENV", "ID", 1, precision=10, scale=0, nullable="N"),
            column_row("ENV", "F", 3, default='"ID"*2', virtual="YES"),
            column_row("ENV", "SYS_NC00004$", None, "RAW", hidden="YES"),
            column_row("ENV", "POS", 4, "POSITION", owner=A),
            column_row("LINES", "ID", 1, precision=3, scale=0),
            column_row("V_ENV", "ID", 1, precision=10, scale=0),
        ],
        ALL_TAB_COMMENTS=[(A, "ENV", "rates; it's 15 min"), (A, "V_ENV", "a view")],
        ALL_COL_COMMENTS=[(A, "ENV", "T", "time, UTC")],
        ALL_CONSTRAINTS=[
            (A, "ENV", "PK_ENV", "P", None, None, None, "PK_ENV", None),
            (A, "ENV", "FK_ENV", "R", A, "PK_LINES", "CASCADE", None, None),
            (A, "ENV", "FK_FAR", "R", "OTHER", "PK_FAR", "NO ACTION", None, None),
            (A, "ENV", "SYS_C1", "C", None, None, None, None, '"T" IS NOT NULL'),
            (A, "ENV", "CK", "C", None, None, None, None, "id > 0"),
            (A, "LINES", "PK_LINES", "P", None, None, None, "PK_LINES", None),
        ],
        ALL_CONS_COLUMNS=[
            (A, "PK_ENV", "ENV", "T", 2),
            (A, "PK_ENV", "ENV", "ID", 1),
            (A, "FK_ENV", "ENV", "ID", 1),
            (A, "FK_FAR", "ENV", "ID", 1),
            (A, "PK_LINES", "LINES", "ID", 1),
            ("OTHER", "PK_FAR", "FAR", "KEY", 1),
        ],
        ALL_INDEXES=[
            (A, "ENV", A, "PK_ENV", "UNIQUE", "NORMAL"),
            (A, "ENV", A, "IX_T", "NONUNIQUE", "FUNCTION-BASED NORMAL"),
            (A, "ENV", A, "IX_F", "UNIQUE", "FUNCTION-BASED NORMAL"),
            (A, "ENV", A, "SYS_IL1", "UNIQUE", "LOB"),
        ],
        ALL_IND_COLUMNS=[
            (A, "PK_ENV", "ID", 1, "ASC"),
            (A, "IX_T", "SYS_NC00005$", 1, "DESC"),
            (A, "IX_F", "SYS_NC00006$", 1, "ASC"),
            (A, "IX_F", "ID", 2, "ASC"),
        ],
        ALL_IND_EXPRESSIONS=[(A, "IX_T", 1, '"T"'), (A, "IX_F", 1, 'TRUNC("T")')],
        ALL_PART_TABLES=[(A, "ENV", "RANGE", "NONE")],
        ALL_PART_KEY_COLUMNS=[(A, "ENV", "TABLE", "T", 1)],
        ALL_TAB_PARTITIONS=[
            (A, "ENV", "P2009", 2, None, "TO_DATE(' 2010-01-01')"),
            (A, "ENV", "P2008", 1, 5, "TO_DATE(' 2009-01-01')"),
        ],
        ALL_TAB_PRIVS=[(A, "ENV", "READER", "SELECT"), (A, "ENV", "READER", "SELECT"), (A, "ENV", "ANNA", "FLASHBACK")],
        ALL_LOBS=[(A, "ENV", "C", "SYS_LOB1")],
        SEGMENTS=[(A, "ENV", 1000), (A, "SYS_LOB1", 500)],
        ALL_VIEWS=[(A, "V_ENV", "select id from env\n")],
    )


def test_table(environment: Dictionary) -> None:
    found = database_schema(environment)
    env, lines = found.tables
    assert env.name == TableName(A, "ENV")
    assert [(c.name, c.source_type, c.nullable) for c in env.columns] == [
        ("ID", "NUMBER(10)", False),
        ("T", "DATE", False),
        ("F", "NUMBER", True),
        ("POS", "ANTARES.POSITION", True),
    ]
    assert (env.column("T").default, env.column("T").comment) == ("SYSDATE", "time, UTC")
    assert (env.column("F").computed, env.column("F").default) == ('"ID"*2', None)
    assert env.column("POS").family == Family.AS_TEXT
    assert env.comment == "rates; it's 15 min"
    assert (env.rows, env.size) == (5, 1500)
    assert (lines.rows, lines.size) == (None, None)


def test_keys(environment: Dictionary) -> None:
    env = database_schema(environment).tables[0]
    assert env.primary_key == ("ID", "T")
    assert env.keys == (
        Key(KeyKind.PRIMARY, "PK_ENV", ("ID", "T")),
        Key(KeyKind.FOREIGN, "FK_ENV", ("ID",), TableName(A, "LINES"), ("ID",), "ON DELETE CASCADE"),
        Key(KeyKind.FOREIGN, "FK_FAR", ("ID",), TableName("OTHER", "FAR"), ("KEY",)),
        Key(KeyKind.CHECK, "CK", expression="id > 0"),
    )


def test_indexes_partitions_grants_views(environment: Dictionary) -> None:
    found = database_schema(environment)
    env = found.tables[0]
    assert env.indexes == (
        Index("IX_F", ('TRUNC("T")', "ID"), True, True, "FUNCTION-BASED NORMAL index"),
        Index("IX_T", ("T",), False, False, "FUNCTION-BASED NORMAL index"),
    )
    assert env.partitions == (
        Partition("P2008", "TO_DATE(' 2009-01-01')", 5),
        Partition("P2009", "TO_DATE(' 2010-01-01')", None),
    )
    assert env.grants == (Grant("ANNA", "FLASHBACK"), Grant("READER", "SELECT"))
    (view,) = found.views
    assert (view.name, view.text, view.columns, view.comment) == (
        TableName(A, "V_ENV"),
        "select id from env",
        ("ID",),
        "a view",
    )


def test_ddl_that_is_put_together(environment: Dictionary) -> None:
    found = database_schema(environment)
    assert found.tables[0].ddl == (
        'CREATE TABLE "ANTARES"."ENV" (\n'
        '  "ID" NUMBER(10) NOT NULL,\n'
        '  "T" DATE DEFAULT SYSDATE NOT NULL,\n'
        '  "F" NUMBER GENERATED ALWAYS AS ("ID"*2) VIRTUAL,\n'
        '  "POS" ANTARES.POSITION,\n'
        '  CONSTRAINT "PK_ENV" PRIMARY KEY ("ID", "T"),\n'
        '  CONSTRAINT "FK_ENV" FOREIGN KEY ("ID") REFERENCES "ANTARES"."LINES" ("ID") ON DELETE CASCADE,\n'
        '  CONSTRAINT "FK_FAR" FOREIGN KEY ("ID") REFERENCES "OTHER"."FAR" ("KEY"),\n'
        '  CONSTRAINT "CK" CHECK (id > 0)\n'
        ")\n"
        'PARTITION BY RANGE ("T") (\n'
        "  PARTITION \"P2008\" VALUES LESS THAN (TO_DATE(' 2009-01-01')),\n"
        "  PARTITION \"P2009\" VALUES LESS THAN (TO_DATE(' 2010-01-01'))\n"
        ");\n"
        'CREATE UNIQUE INDEX "ANTARES"."IX_F" ON "ANTARES"."ENV" (TRUNC("T"), "ID");\n'
        'CREATE INDEX "ANTARES"."IX_T" ON "ANTARES"."ENV" ("T");\n'
        "COMMENT ON TABLE \"ANTARES\".\"ENV\" IS 'rates; it''s 15 min';\n"
        'COMMENT ON COLUMN "ANTARES"."ENV"."T" IS \'time, UTC\';\n'
        'GRANT FLASHBACK ON "ANTARES"."ENV" TO "ANNA";\n'
        'GRANT SELECT ON "ANTARES"."ENV" TO "READER";\n'
    )
    assert any("DBMS_METADATA" in warning for warning in found.warnings)


def test_ddl_of_the_server_is_preferred(environment: Dictionary) -> None:
    environment.rows["DDL"] = [(A, "ENV", "\n  CREATE TABLE its own")]
    found = database_schema(environment)
    assert found.tables[0].ddl == "CREATE TABLE its own"
    assert found.tables[1].ddl.startswith('CREATE TABLE "ANTARES"."LINES"')
    assert not found.warnings


def test_tables_without_rows_of_their_own_are_named() -> None:
    found = database_schema(
        dictionary(
            ALL_TABLES=[
                table_row("TMP", temporary="Y"),
                table_row("EXT"),
                table_row("BIN$abc=="),
                table_row("NESTED", nested="YES"),
                table_row("OVER", iot="IOT_OVERFLOW"),
                table_row("IOT", iot="IOT"),
                table_row("MV"),
            ],
            ALL_TAB_COLS=[column_row("IOT", "ID", 1), column_row("MV", "ID", 1)],
            ALL_EXTERNAL_TABLES=[(A, "EXT")],
            ALL_OBJECT_TABLES=[(A, "OBJ", "NO"), (A, "NESTED2", "YES")],
            ALL_MVIEWS=[(A, "MV", "select 1 from dual")],
        )
    )
    assert [table.name.name for table in found.tables] == ["IOT", "MV"]
    assert [table.organisation for table in found.tables] == ["index-organised", ""]
    assert found.tables[1].kind == TableKind.MATERIALIZED_VIEW
    assert "select 1 from dual" in found.tables[1].ddl
    text = "\n".join(found.warnings)
    for word in ("ANTARES.TMP", "ANTARES.EXT", "1 dropped", "ANTARES.OBJ"):
        assert word in text
    assert "NESTED" not in text


def test_invisible_columns_are_not_lost() -> None:
    rows = [
        column_row("T", "A", 1),
        column_row("T", "B", None, "DATE", hidden="YES"),
        column_row("T", "SYS_NC00003$", None, hidden="YES"),
        column_row("T", "SYS_STU1", None, hidden="YES", virtual="YES", default='"A"+1'),
    ]
    found = database_schema(dictionary(ALL_TABLES=[table_row("T")], ALL_TAB_COLS=rows))
    assert [column.name for column in found.tables[0].columns] == ["A", "B"]
    assert any("ANTARES.T: the column B is invisible" in warning for warning in found.warnings)


def test_code() -> None:
    found = database_schema(
        dictionary(
            ALL_SEQUENCES=[(A, "SEQ", 1, 10**28 - 1, 1, "N", "Y", 20, 41)],
            ALL_TRIGGERS=[(A, "TRG", "DISABLED", "TRG before insert on ENV", "new.id > 0", "begin null; end;")],
            ALL_SOURCE=[
                (A, "PKG", "PACKAGE BODY", 1, "package body PKG as\n"),
                (A, "PKG", "PACKAGE", 2, "end;"),
                (A, "PKG", "PACKAGE", 1, "package PKG as\n"),
                (A, "POS", "TYPE", 1, "type POS as object (x number)"),
            ],
            ALL_SYNONYMS=[(A, "S", "OTHER", "FAR", None), (A, "R", None, "X", "LINK")],
        )
    )
    texts = {(code.kind, code.name.name): code.text for code in found.code}
    assert texts["sequences", "SEQ"] == (
        'CREATE SEQUENCE "ANTARES"."SEQ" START WITH 41 INCREMENT BY 1 MINVALUE 1 '
        "MAXVALUE 9999999999999999999999999999 NOCYCLE ORDER CACHE 20;\n"
    )
    assert texts["triggers", "TRG"] == (
        "CREATE OR REPLACE TRIGGER TRG before insert on ENV\nWHEN (new.id > 0)\nbegin null; end;\n/\n"
        'ALTER TRIGGER "ANTARES"."TRG" DISABLE;\n'
    )
    assert texts["source", "PKG"] == (
        "CREATE OR REPLACE package PKG as\nend;\n/\nCREATE OR REPLACE package body PKG as\n/\n"
    )
    assert texts["types", "POS"] == "CREATE OR REPLACE type POS as object (x number)\n/\n"
    assert texts["synonyms", "S"] == 'CREATE SYNONYM "ANTARES"."S" FOR "OTHER"."FAR";\n'
    assert texts["synonyms", "R"] == 'CREATE SYNONYM "ANTARES"."R" FOR "X"@LINK;\n'


def test_a_view_of_the_dictionary_that_is_denied_is_a_warning() -> None:
    found = dictionary(ALL_TABLES=[table_row("ENV")])
    found.missing.append("ALL_TRIGGERS")
    warnings = database_schema(found).warnings
    assert any("ALL_TRIGGERS" in warning for warning in warnings)
    assert any("ANTARES.ENV: no column" in warning for warning in warnings)


def test_oracles_own_schemas() -> None:
    assert is_system("SYS")
    assert is_system("APEX_040200")
    assert not is_system("ANTARES")
