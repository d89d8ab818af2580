"""The Oracle double, proved with the real driver: log-in, statements, large values, speed."""

import contextlib
import sys
import threading
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import oracledb
import pyarrow as pa
import pytest

# The double is a folder of modules; with --import-mode=importlib pytest puts nothing on the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from oracle_double import fixtures
from oracle_double.client import PASSWORD, Start, connected, fill, make, one, rows
from oracle_double.faults import Faults
from oracle_double.fixtures import oracle_process

oracle_double = fixtures.oracle_double


def at(time: str) -> datetime:
    return datetime.fromisoformat(f"2008-05-30T{time}")


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A table of 1,000 rows."""
    path = make(tmp_path / "many.sqlite", "create table env (id NUMBER(10) primary key, v NUMBER(8,3), s VARCHAR2(40))")
    fill(path, "env", [{"id": n, "v": n / 8, "s": f"row {n}"} for n in range(1000)])
    return path


class TestLogin:
    def test_password_and_version(self, many: Path, oracle_double: Start) -> None:
        server = oracle_double(many, version="12.2.0.1.0")
        with connected(server) as connection:
            assert connection.thin
            assert connection.service_name == "antares"
            connection.ping()
        with pytest.raises(oracledb.DatabaseError, match="ORA-01017"):
            oracledb.connect(user="antares", password="lion", dsn=server.dsn)
        with pytest.raises(oracledb.DatabaseError, match="ORA-01017"):
            oracledb.connect(user="somebody", password=PASSWORD, dsn=server.dsn)
        assert PASSWORD not in server.url

    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (Faults(refuse=12514), "DPY-6001"),
            (Faults(refuse=12519), "DPY-6000"),
            (Faults(tns_version=314), "DPY-3010"),
            (Faults(encryption=True), "DPY-3001"),
            (Faults(old_verifier=True), "DPY-3015"),
        ],
    )
    def test_sent_away(self, many: Path, oracle_double: Start, fault: Faults, expected: str) -> None:
        server = oracle_double(many, faults=fault)
        with pytest.raises(oracledb.Error, match=expected):
            oracledb.connect(user="antares", password=PASSWORD, dsn=server.dsn)

    def test_unknown_service(self, many: Path, oracle_double: Start) -> None:
        server = oracle_double(many)
        with pytest.raises(oracledb.Error, match="DPY-6001"):
            oracledb.connect(user="antares", password=PASSWORD, dsn=f"127.0.0.1:{server.port}/OTHER")

    def test_several_at_once(self, many: Path, oracle_double: Start) -> None:
        server, found = oracle_double(many), []

        def work() -> None:
            with connected(server) as connection:
                found.append(len(rows(connection, "SELECT * FROM env")))

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=30)
        assert found == [1000] * 4
        assert server.statements.count("SELECT * FROM env") == 4


class TestStatements:
    def test_binds(self, many: Path, oracle_double: Start) -> None:
        with connected(oracle_double(many)) as connection:
            assert rows(connection, "SELECT id FROM env WHERE id BETWEEN :1 AND :2", [5, 6]) == [(5,), (6,)]
            again = "SELECT id FROM env WHERE id = :n OR s = :s OR id = :n + 1"
            assert rows(connection, again, {"n": 3, "s": "row 9"}) == [(3,), (4,), (9,)]
            values = [None, "é", b"\0\1", 12.5, at("01:02:03"), Decimal("1234567890123456789.5")]
            statement = "SELECT :1, :2, :3, :4, :5, TO_CHAR(:6, 'TM9') FROM DUAL"
            assert rows(connection, statement, values) == [(*values[:5], "1234567890123456789.5")]

    @pytest.mark.parametrize(("array", "first"), [(1, 0), (7, 3), (1000, 1000), (5000, 2)])
    def test_batches(self, many: Path, oracle_double: Start, array: int, first: int) -> None:
        server = oracle_double(many)
        with connected(server) as connection, connection.cursor() as cursor:
            cursor.arraysize, cursor.prefetchrows = array, first
            cursor.execute("SELECT id FROM env ORDER BY id")
            assert [row[0] for row in cursor] == list(range(1000))
            batches = connection.fetch_df_batches("SELECT id FROM env ORDER BY id", size=array)
            assert sum(pa.table(batch).num_rows for batch in batches) == 1000

    def test_executed_again(self, many: Path, oracle_double: Start) -> None:
        with connected(oracle_double(many)) as connection:
            for count in (10, 20, 0, 30):
                assert len(rows(connection, "SELECT id FROM env WHERE id < :1", [count])) == count

    def test_small_packets(self, many: Path, oracle_double: Start) -> None:
        """Requests of many packets, and replies cut anywhere."""
        text = "z" * 3000
        with connected(oracle_double(many, sdu=512)) as connection:
            assert rows(connection, f"SELECT '{text}' || :1 FROM DUAL", [text]) == [(text * 2,)]
            assert rows(connection, "SELECT * FROM env ORDER BY id")[-1] == (999, 124.875, "row 999")
            with pytest.raises(oracledb.DatabaseError, match="ORA-00942"):
                rows(connection, f"SELECT '{text}' FROM nowhere")

    @pytest.mark.parametrize(
        ("statement", "error"),
        [
            ("SELECT * FROM nowhere", "ORA-00942"),
            ('SELECT * FROM "OTHER"."ENV"', "ORA-00942"),
            ("SELECT nothing FROM env", "ORA-00904"),
            ("SELECT FOO(id) FROM env", "ORA-00904"),
            ("SELECT id FROM env WHERE", "ORA-00900.*SELECT id FROM env WHERE"),
            ("SELECT id FROM env CONNECT BY PRIOR id = v", "ORA-00900"),
            ("FROB THE DATABASE", "ORA-00900.*FROB THE DATABASE"),
            ("SELECT 1 / 0 FROM DUAL", "ORA-01476"),
            ("SELECT TO_NUMBER('x') FROM DUAL", "ORA-01722"),
            ("SELECT * FROM env AS OF SCN 999999999", "ORA-08181"),
            ("BEGIN dbms_output.put_line('x'); END;", "ORA-06550"),
            ("SELECT * FROM env FOR UPDATE", "ORA-01031"),
        ],
    )
    def test_errors(self, many: Path, oracle_double: Start, statement: str, error: str) -> None:
        with connected(oracle_double(many)) as connection:
            with pytest.raises(oracledb.DatabaseError, match=error):
                rows(connection, statement)
            assert one(connection, "1 + 1") == 2

    def test_transactions(self, many: Path, oracle_double: Start) -> None:
        with connected(oracle_double(many)) as connection, connection.cursor() as cursor:
            cursor.executemany("INSERT INTO env (id, s) VALUES (:1, :2)", [(2000 + n, "new") for n in range(3)])
            assert cursor.rowcount == 3
            connection.rollback()
            assert rows(connection, "SELECT COUNT(*) FROM env") == [(1000,)]
            cursor.execute("INSERT INTO env (id) VALUES (:1)", [3000])
            connection.commit()
            assert rows(connection, "SELECT COUNT(*) FROM env") == [(1001,)]

    def test_read_only_transaction_holds_a_snapshot(self, many: Path, oracle_double: Start) -> None:
        server = oracle_double(many)
        with connected(server) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
            server.run("delete from env")
            assert rows(connection, "SELECT COUNT(*) FROM env") == [(1000,)]
            connection.commit()
            assert rows(connection, "SELECT COUNT(*) FROM env") == [(0,)]

    def test_session_settings_are_accepted(self, many: Path, oracle_double: Start) -> None:
        with connected(oracle_double(many)) as connection, connection.cursor() as cursor:
            connection.module, connection.action, connection.client_identifier = "dump", "rows", "me"
            connection.current_schema = "ANTARES"
            cursor.execute("ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'")
            assert rows(connection, "SELECT COUNT(*) FROM env") == [(1000,)]
            assert one(connection, "SYS_CONTEXT('USERENV', 'SESSION_USER')") == "ANTARES"


class TestLobs:
    def test_by_locator(self, tmp_path: Path, oracle_double: Start) -> None:
        path = make(tmp_path / "l.sqlite", "create table l (id NUMBER, t CLOB, n NCLOB, b BLOB)")
        text, data = "é€😀" * 1_000_000, bytes(range(256)) * 20_000
        fill(path, "l", [{"id": 1, "t": text, "n": "Ω", "b": data}, {"id": 2, "t": "", "b": b""}, {"id": 3}])
        with connected(oracle_double(path)) as connection:
            first, empty, null = rows(connection, "SELECT t, n, b FROM l ORDER BY id", lobs=True)
            clob, nclob, blob = first
            assert clob.size() == 4_000_000  # 16-bit units
            assert clob.read(1, 4) == "é€😀"
            assert clob.read() == text
            assert (nclob.read(), blob.size(), blob.read(257, 3)) == ("Ω", len(data), b"\0\1\2")
            assert blob.read() == data
            assert [empty[0].read(), empty[1], empty[2].read()] == ["", None, b""]
            assert null == (None, None, None)

    def test_inline(self, tmp_path: Path, oracle_double: Start) -> None:
        path = make(tmp_path / "l.sqlite", "create table l (id NUMBER, t CLOB, b BLOB)")
        text, data = "é" * 3_000_000, bytes(range(256)) * 20_000
        fill(path, "l", [{"id": 1, "t": text, "b": data}, {"id": 2, "t": "short", "b": b"\0"}, {"id": 3}])
        with connected(oracle_double(path)) as connection:
            assert rows(connection, "SELECT t, b FROM l ORDER BY id") == [(text, data), ("short", b"\0"), (None, None)]
            table = pa.table(connection.fetch_df_all("SELECT t, b FROM l ORDER BY id"))
            assert table["T"].to_pylist() == [text, "short", None]
            assert table["B"].to_pylist() == [data, b"\0", None]

    def test_national(self, tmp_path: Path, oracle_double: Start) -> None:
        path = make(tmp_path / "l.sqlite", "create table l (n NCLOB)")
        fill(path, "l", [{"n": "日本 😀"}])
        with connected(oracle_double(path)) as connection:
            assert rows(connection, "SELECT n FROM l") == [("日本 😀",)]
            assert pa.table(connection.fetch_df_all("SELECT n FROM l"))["N"].to_pylist() == ["日本 😀"]

    def test_some_inline_and_some_by_locator(self, tmp_path: Path, oracle_double: Start) -> None:
        path = make(tmp_path / "l.sqlite", "create table l (id NUMBER, t CLOB)")
        fill(path, "l", [{"id": 1, "t": "short"}, {"id": 2, "t": "l" * 50_000}])
        length = "DBMS_LOB.GETLENGTH(t)"
        statement = f"SELECT CASE WHEN {length} <= 100 THEN t END A, CASE WHEN {length} > 100 THEN t END B FROM l"
        with connected(oracle_double(path)) as connection, connection.cursor() as cursor:
            cursor.outputtypehandler = lambda cursor, info: (
                cursor.var(oracledb.DB_TYPE_LONG, arraysize=cursor.arraysize) if info.name == "A" else None
            )
            cursor.execute(f"{statement} ORDER BY id", fetch_lobs=True)
            (short, none), (nothing, long) = cursor.fetchall()
            assert (short, none, nothing, long.read()) == ("short", None, None, "l" * 50_000)


def test_speed_mode_sends_the_same(many: Path, oracle_double: Start) -> None:
    server = oracle_double(many, speed=True)
    statement = "SELECT * FROM env WHERE id < :1 ORDER BY id"
    found = []
    for limit in (1000, 1000, 10):
        with connected(server) as connection:
            batches = connection.fetch_df_batches(statement, parameters=[limit], size=300)
            found.append(pa.concat_tables([pa.table(batch) for batch in batches]))
    assert found[0].equals(found[1])
    assert [table.num_rows for table in found] == [1000, 1000, 10]


def test_process(many: Path, tmp_path: Path) -> None:
    with oracle_process(many, tmp_path, "--speed") as port:
        dsn = f"127.0.0.1:{port}/ANTARES"
        with contextlib.closing(oracledb.connect(user="antares", password=PASSWORD, dsn=dsn)) as connection:
            assert len(rows(connection, "SELECT * FROM env")) == 1000
