"""Faults on demand, as the driver sees them."""

from pathlib import Path

import oracledb
import pytest
from oracle_double.client import Start, connected, error_of, rows
from oracle_double.faults import Faults


class TestFaults:
    def test_disconnected_in_mid_fetch(self, many: Path, oracle_double: Start) -> None:
        server = oracle_double(many)
        server.faults.disconnect_after(250)
        with connected(server) as connection, connection.cursor() as cursor:
            cursor.arraysize = cursor.prefetchrows = 100
            cursor.execute("SELECT id FROM env ORDER BY id")
            assert len(cursor.fetchmany(200)) == 200
            with pytest.raises(oracledb.Error, match="DPY-4011"):
                cursor.fetchall()
        with connected(server) as connection:
            assert len(rows(connection, "SELECT id FROM env")) == 1000

    def test_disconnected_again_and_again(self, many: Path, oracle_double: Start) -> None:
        server = oracle_double(many)
        server.faults.disconnect_after(10, times=2)
        for _ in range(2):
            with connected(server) as connection:
                assert "DPY-4011" in error_of(connection, "SELECT id FROM env")
        with connected(server) as connection:
            assert len(rows(connection, "SELECT id FROM env")) == 1000

    @pytest.mark.parametrize("arrow", [False, True])
    def test_snapshot_too_old(self, many: Path, oracle_double: Start, arrow: bool) -> None:
        server = oracle_double(many)
        server.faults.fail_after(250, 1555)
        with connected(server) as connection:
            rows(connection, "SELECT table_name FROM all_tables")  # the dictionary does not count
            ways = {
                True: lambda: list(connection.fetch_df_batches("SELECT id FROM env", size=100)),
                False: lambda: rows(connection, "SELECT id FROM env"),
            }
            with pytest.raises(oracledb.DatabaseError, match="ORA-01555"):
                ways[arrow]()
            assert len(rows(connection, "SELECT id FROM env")) == 1000
            server.faults.expired = True
            assert "ORA-01555" in error_of(connection, "SELECT id FROM env AS OF SCN 1000001")

    def test_end_of_file(self, many: Path, oracle_double: Start) -> None:
        server = oracle_double(many)
        server.faults.fail_after(5, 3113)
        with connected(server) as connection:
            assert "DPY-4011" in error_of(connection, "SELECT id FROM env")

    def test_slow_rows_can_be_interrupted(self, many: Path, oracle_double: Start) -> None:
        server = oracle_double(many)
        server.faults.seconds_per_row = 0.05
        with connected(server) as connection:
            connection.call_timeout = 200
            assert "DPY-4024" in error_of(connection, "SELECT id FROM env")
            server.faults.seconds_per_row, connection.call_timeout = 0.0, 0
            assert len(rows(connection, "SELECT id FROM env")) == 1000

    def test_table_dropped_and_row_added_in_mid_run(self, many: Path, oracle_double: Start) -> None:
        server = oracle_double(many)
        server.faults.act_after(500, lambda: server.run("insert into env (id) values (5000)"))
        server.faults.act_after(1500, lambda: server.run("drop table env"))
        with connected(server) as connection:
            before = rows(connection, "SELECT MAX(ORA_ROWSCN) FROM env")
            assert len(rows(connection, "SELECT id FROM env")) == 1000
            assert rows(connection, "SELECT MAX(ORA_ROWSCN) FROM env") > before
            assert len(rows(connection, "SELECT id FROM env")) == 1001
            assert "ORA-00942" in error_of(connection, "SELECT id FROM env")
            assert rows(connection, "SELECT table_name FROM all_tables WHERE owner = 'ANTARES'") == []

    def test_denied(self, many: Path, oracle_double: Start) -> None:
        server = oracle_double(many, faults=Faults(denied={"ENV"}, flashback=False))
        with connected(server) as connection:
            assert "ORA-01031" in error_of(connection, "SELECT id FROM env")
            assert rows(connection, "SELECT table_name FROM all_tables WHERE owner = 'ANTARES'") == [("ENV",)]
            assert "ORA-00942" in error_of(connection, "SELECT current_scn FROM v$database")
            assert "ORA-00942" in error_of(connection, "SELECT * FROM dba_segments")
