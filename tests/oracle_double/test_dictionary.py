"""The dictionary, as SQLAlchemy's reflection and others ask for it."""

from pathlib import Path

import sqlalchemy as sa
from oracle_double.client import PASSWORD, Start, connected, error_of, make, one, rows

SITE = """
create table site (
    name VARCHAR2(10) not null, "Depth m" NUMBER(5,1) default 3.5 constraint deep check ("Depth m" > 0),
    env_id NUMBER(10) constraint site_env references env (id) on delete cascade,
    twice NUMBER generated always as (env_id * 2), constraint site_u unique (name, env_id)
)
"""


class TestReflection:
    def test_sqlalchemy(self, many: Path, oracle_double: Start) -> None:
        make(
            many,
            SITE,
            "create index site_i on site (upper(name), env_id desc)",
            "create index env_s on env (s)",
            "create view few as select id, s from env where id < 10",
            'create table "oracle$comments" (table_name, column_name, comments)',
            """insert into "oracle$comments" values ('ENV', NULL, 'Environment'), ('ENV', 'S', 'what')""",
            'create table "oracle$sequences" (sequence_name, last_number)',
            """insert into "oracle$sequences" values ('NUMBERS', 77)""",
        )
        server = oracle_double(many)
        engine = sa.create_engine(sa.make_url(server.url).set(password=PASSWORD))
        with engine.connect() as connection:
            found = sa.inspect(connection)
            assert found.get_table_names() == ["env", "site"]
            assert found.get_view_names() == ["few"]
            assert found.get_view_definition("few") == "select id, s from env where id < 10"
            assert found.get_sequence_names() == ["numbers"]
            columns = {column["name"]: column for column in found.get_multi_columns()[(None, "site")]}
            assert (columns["name"]["nullable"], columns["Depth m"]["default"]) == (False, "3.5")
            assert repr(columns["Depth m"]["type"]) == "NUMBER(precision=5, scale=1, asdecimal=True)"
            assert columns["twice"]["computed"]["sqltext"] == "env_id * 2"
            assert found.get_multi_pk_constraint()[(None, "env")]["constrained_columns"] == ["id"]
            (key,) = found.get_multi_foreign_keys()[(None, "site")]
            assert (key["name"], key["referred_table"], key["options"]) == ("site_env", "env", {"ondelete": "CASCADE"})
            assert found.get_multi_unique_constraints()[(None, "site")][0]["column_names"] == ["name", "env_id"]
            assert found.get_multi_check_constraints()[(None, "site")] == [{"name": "deep", "sqltext": '"Depth m" > 0'}]
            indexes = {index["name"]: index for index in found.get_multi_indexes()[(None, "site")]}
            assert indexes["site_i"]["expressions"] == ["upper(name)", '"ENV_ID"']
            assert found.get_multi_indexes()[(None, "env")][0]["column_names"] == ["s"]
            assert found.get_multi_table_comment()[(None, "env")] == {"text": "Environment"}
            assert connection.execute(sa.text("SELECT COUNT(*) FROM env WHERE id < :n"), {"n": 7}).scalar() == 7
        engine.dispose()

    def test_code_and_grants(self, many: Path, oracle_double: Start) -> None:
        make(
            many,
            'create table "oracle$source" (name, type, text)',
            """insert into "oracle$source" values ('F', 'FUNCTION', 'function f\nreturn number;')""",
            'create table "oracle$grants" (table_name, grantee, privilege)',
            """insert into "oracle$grants" values ('ENV', 'READER', 'SELECT')""",
            'create table "oracle$triggers" (trigger_name, table_name, trigger_type, trigger_body)',
            """insert into "oracle$triggers" values ('TR', 'ENV', 'BEFORE EACH ROW', 'begin null; end;')""",
            'create table "oracle$ddl" (table_name, ddl)',
            """insert into "oracle$ddl" values ('ENV', 'CREATE TABLE "ENV" (...)')""",
        )
        with connected(oracle_double(many)) as connection:
            lines = rows(connection, "SELECT line, text FROM all_source WHERE name = 'F' ORDER BY line")
            assert lines == [(1, "function f\n"), (2, "return number;")]
            assert rows(connection, "SELECT grantee, privilege FROM all_tab_privs") == [("READER", "SELECT")]
            assert rows(connection, "SELECT trigger_body FROM all_triggers") == [("begin null; end;",)]
            assert one(connection, "DBMS_METADATA.GET_DDL('TABLE', 'ENV')") == 'CREATE TABLE "ENV" (...)'
            assert "ORA-31603" in error_of(
                connection, "SELECT DBMS_METADATA.GET_DDL('TABLE', 'X', 'ANTARES') FROM DUAL"
            )
