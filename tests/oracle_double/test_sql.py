"""Oracle's SQL, run in SQLite."""

from pathlib import Path
from typing import Any

import pytest
from oracle_double import rowids
from oracle_double.client import Start, connected, error_of, fill, make, one, rows


class TestSql:
    @pytest.mark.parametrize(
        ("expression", "expected"),
        [
            ("NVL(NULL, 3)", 3),
            ("NVL2('', 1, 2)", 2),
            ("'a' || NULL || 1", "a1"),
            ("DECODE(2, 1, 'one', 2, 'two', 'many')", "two"),
            ("DECODE(NULL, NULL, 'null')", "null"),
            ("CASE 3 WHEN 3 THEN 'x' END", "x"),
            ("TO_CHAR(0.5, 'TM9')", ".5"),
            ("TO_CHAR(-12.50, 'TM9', 'NLS_NUMERIC_CHARACTERS=''.,''')", "-12.5"),
            ("TO_CHAR(255, 'XX')", "FF"),
            ("TO_CHAR(7, 'FM000')", "007"),
            ("TO_CHAR(NULL, 'TM9')", None),
            ("TO_NUMBER('FFFFFFFFFFFFFFF', 'XXXXXXXXXXXXXXX')", 2**60 - 1),
            ("RAWTOHEX(STANDARD_HASH('a', 'MD5'))", "0CC175B9C0F1B6A831C399E269772661"),
            ("RAWTOHEX(UTL_RAW.CAST_TO_RAW('é'))", "C3A9"),
            ("LENGTH('é') || '/' || LENGTHB('é')", "1/2"),
            ("LENGTH('')", None),
            ("SUBSTR('abcdef', -3, 2)", "de"),
            ("INSTR('abc', 'c')", 3),
            ("TRIM(' a ')", "a"),
            ("LPAD('7', 3, '0')", "007"),
            ("MOD(-7, 3)", -1),
            ("TRUNC(-1.75, 1)", -1.7),
            ("FLOOR(-1.5)", -2),
            ("EXTRACT(DAY FROM DATE '2008-05-30')", 30),
            ("EXTRACT(SECOND FROM TO_DSINTERVAL('+1 02:03:04.5'))", 4.5),
            ("EXTRACT(MONTH FROM TO_YMINTERVAL('-2-03'))", -3),
            ("TO_CHAR(DATE '2008-05-30', 'FMSYYYY-MM-DD')", "2008-5-30"),
            ("TO_CHAR(DATE '2008-05-30', 'SYYYY')", " 2008"),
            ("TO_CHAR(DATE '0001-01-01', 'J')", "1721424"),
            ("DATE '1582-10-15' - DATE '1582-10-04'", 1),
            ("TO_CHAR(TO_DATE('30.05.2008', 'DD.MM.YYYY') + 1.5, 'YYYY-MM-DD HH24')", "2008-05-31 12"),
            ("CAST(1.255 AS NUMBER(5,2))", 1.26),
            ("CAST('abcdef' AS VARCHAR2(3))", "abc"),
            ("COUNT(*)", 1),
        ],
    )
    def test_functions(self, many: Path, oracle_double: Start, expression: str, expected: Any) -> None:
        with connected(oracle_double(many)) as connection:
            found = one(connection, expression)
        assert found == expected
        assert type(found) is type(expected)

    @pytest.mark.parametrize(
        ("expression", "kind"),
        [
            ("id + 1", ("NUMBER", 0, -127)),
            ("CAST(v AS NUMBER(12,3))", ("NUMBER", 12, 3)),
            ("CAST(s AS VARCHAR2(7))", ("VARCHAR", None, None)),
            ("CAST(DATE '2008-05-30' AS TIMESTAMP(9))", ("TIMESTAMP", 0, 9)),
            ("SUBSTR(s, 1, 2)", ("VARCHAR", None, None)),
            ("SUM(v)", ("NUMBER", 0, -127)),
            ("MAX(v)", ("NUMBER", 8, 3)),
            ("STANDARD_HASH(s, 'MD5')", ("RAW", None, None)),
            ("MIN(ROWID)", ("ROWID", None, None)),
        ],
    )
    def test_types_of_expressions(
        self, many: Path, oracle_double: Start, expression: str, kind: tuple[Any, ...]
    ) -> None:
        with connected(oracle_double(many)) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {expression} X FROM env WHERE 1 = 0 GROUP BY id, v, s")
            (info,) = cursor.description
        assert (info.type_code.name.removeprefix("DB_TYPE_"), info.precision, info.scale) == kind
        assert info.name == "X"

    def test_queries(self, many: Path, oracle_double: Start) -> None:
        with connected(oracle_double(many)) as connection:

            def ids(statement: str) -> list[int]:
                return [row[0] for row in rows(connection, statement)]

            assert ids("SELECT id FROM env WHERE id < 3 MINUS SELECT id FROM env WHERE id = 1") == [0, 2]
            assert ids('SELECT e.id FROM "ANTARES"."ENV" e WHERE e.id < 2 ORDER BY e.id DESC') == [1, 0]
            assert ids("SELECT id FROM env ORDER BY id OFFSET 2 ROWS FETCH FIRST 2 ROWS ONLY") == [2, 3]
            assert ids("SELECT id FROM env WHERE ROWNUM <= 2") == [0, 1]
            assert ids("WITH few AS (SELECT id FROM env WHERE id < 2) SELECT f.id FROM few f") == [0, 1]
            joined = "SELECT a.id FROM env a LEFT JOIN env b ON b.id = a.id + 999 WHERE b.id IS NOT NULL"
            assert ids(joined) == [0]
            assert ids("SELECT id FROM env WHERE s IN (SELECT s FROM env WHERE id = 5)") == [5]
            groups = "SELECT MIN(k) FROM (SELECT id k, NTILE(4) OVER (ORDER BY id) g FROM env) GROUP BY g ORDER BY g"
            assert ids(groups) == [0, 250, 500, 750]
            assert len(ids("SELECT id FROM env SAMPLE BLOCK (10)")) == pytest.approx(100, abs=30)
            assert ids("SELECT COUNT(*) FROM env -- a comment with :bind and 'quote\n") == [1000]

    def test_exact_sums(self, tmp_path: Path, oracle_double: Start) -> None:
        path = make(tmp_path / "s.sqlite", 'create table s (v "NUMBER TEXT")')
        fill(path, "s", [{"v": "0.1"}, {"v": "0.2"}, {"v": "12345678901234567890"}, {"v": "9"}, {"v": None}])
        with connected(oracle_double(path)) as connection:
            statement = "SELECT TO_CHAR(SUM(v), 'TM9'), TO_CHAR(MIN(v), 'TM9'), TO_CHAR(MAX(v), 'TM9'), COUNT(v) FROM s"
            assert rows(connection, statement) == [("12345678901234567899.3", ".1", "12345678901234567890", 4)]
            found = rows(connection, "SELECT TO_CHAR(v, 'TM9') FROM s WHERE v > 0.15 ORDER BY v DESC")
            assert found == [("12345678901234567890",), ("9",), (".2",)]

    def test_row_addresses(self, many: Path, oracle_double: Start) -> None:
        with connected(oracle_double(many)) as connection:
            found = [row[0] for row in rows(connection, "SELECT ROWID FROM env ORDER BY id")]
            assert found == sorted(found)
            assert {len(text) for text in found} == {18}
            low, high = found[100], found[900]
            between = "SELECT COUNT(*) FROM env WHERE ROWID >= CHARTOROWID(:1) AND ROWID < :2"
            assert rows(connection, between, [low, high]) == [(800,)]
            edges = rows(connection, "SELECT ROWIDTOCHAR(MIN(ROWID)), MAX(ROWID) FROM env")
            assert edges == [(found[0], found[-1])]

    def test_extents_cover_all_rows(self, many: Path, oracle_double: Start) -> None:
        with connected(oracle_double(many, dba=True)) as connection:
            extents = rows(
                connection, "SELECT relative_fno, block_id, blocks FROM dba_extents WHERE segment_name = 'ENV'"
            )
            ((table,),) = rows(connection, "SELECT data_object_id FROM dba_objects WHERE object_name = 'ENV'")
            total = 0
            create = "DBMS_ROWID.ROWID_CREATE(1, {}, {}, {}, {})"
            for file, block, blocks in extents:
                low = create.format(table, file, block, 0)
                high = create.format(table, file, block + blocks - 1, 32767)
                ((count,),) = rows(connection, f"SELECT COUNT(*) FROM env WHERE ROWID BETWEEN {low} AND {high}")
                total += count
        assert len(extents) > 1
        assert total == 1000

    def test_partitions(self, many: Path, oracle_double: Start) -> None:
        make(
            many,
            'create table "oracle$partitions" (table_name, partition_name, high_value, condition, key_columns)',
            """insert into "oracle$partitions" values ('ENV', 'P1', '300', 'id < 300', 'ID'),
               ('ENV', 'P2', 'MAXVALUE', 'id >= 300', 'ID')""",
        )
        with connected(oracle_double(many)) as connection:
            assert rows(connection, 'SELECT COUNT(*) FROM "ENV" PARTITION ("P2") AS OF SCN 5 e') == [(700,)]
            statement = "SELECT partition_name, high_value, num_rows FROM all_tab_partitions ORDER BY 1"
            assert rows(connection, statement) == [("P1", "300", 300), ("P2", "MAXVALUE", 700)]
            assert "ORA-02149" in error_of(connection, "SELECT * FROM env PARTITION (P9)")

    def test_odd_names(self, tmp_path: Path, oracle_double: Start) -> None:
        names = ['With "quote"', "a/b c", "Ωmega", "select", "100%", "it's"]
        statements = ['create table "{0}" ("{0}" NUMBER(3))'.format(name.replace('"', '""')) for name in names]
        path = make(tmp_path / "odd.sqlite", *statements)
        with connected(oracle_double(path)) as connection:
            for name in names:
                spelled = '"' + (name.upper() if name == "select" else name).replace('"', '""') + '"'
                if '"' in name:
                    continue  # Oracle itself has no such names
                assert rows(connection, f"SELECT {spelled} FROM {spelled}") == []

    def test_other_owners(self, many: Path, tmp_path: Path, oracle_double: Start) -> None:
        other = make(tmp_path / "other.sqlite", "create table ctd (t NUMBER(5,2))")
        fill(other, "ctd", [{"t": 13.25}])
        with connected(oracle_double(many, schemas={"MARINE": other})) as connection:
            assert rows(connection, 'SELECT t FROM "MARINE"."CTD"') == [(13.25,)]
            owners = "SELECT DISTINCT owner FROM all_tables WHERE owner <> 'SYS' ORDER BY owner"
            assert rows(connection, owners) == [("ANTARES",), ("MARINE",)]
            assert "ORA-00942" in error_of(connection, "SELECT t FROM ctd")


@pytest.mark.parametrize("number", [0, 1, 49, 50, 2599, 2600, 10**9, rowids.ROWS_PER_BLOCK * 52**6 - 1])
def test_row_addresses_there_and_back(number: int) -> None:
    text = rowids.of_row(number)
    assert rowids.row_of(text) == number
    assert rowids.build(rowids.parts(text)) == text
    assert number == 0 or rowids.of_row(number - 1) < text
