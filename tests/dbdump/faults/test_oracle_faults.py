"""Whole dumps of Oracle, which is the double of tests/oracle_double, while things go wrong."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dbdump.dump.journal import read_progress
from dbdump.dump.run import DumpStoppedError

ROWS = [{"N": n, "X": f"row {n}"} for n in range(2000)]


def statements(oracle: Any, words: str) -> list[str]:
    return [text for text in oracle.server.statements if words in text.upper()]


def test_a_stopped_dump_rejoins_its_scn(oracle: Any, files: Callable[[Path], dict[str, bytes]]) -> None:
    whole, dump = oracle.dump("whole"), oracle.dump()
    whole.run()
    dump.stop_after(3)
    manifest = dump.run()
    assert manifest.complete
    assert [snapshot.mode for snapshot in manifest.snapshots] == ["scn"]
    assert all(
        f"AS OF SCN {manifest.snapshots[0].token}" in text for text in statements(oracle, 'FROM "ANTARES"."T"')[-2:]
    )
    assert dump.rows(manifest, "T") == ROWS
    assert files(dump.image) == files(whole.image)


def test_when_the_scn_is_gone_a_new_one_is_taken_and_what_is_there_is_counted(oracle: Any) -> None:
    dump = oracle.dump()
    oracle.server.faults.fail_after(1100, 1555)
    with pytest.raises(DumpStoppedError, match=r"ORA-01555"):
        dump.run()
    manifest = dump.run()
    assert any("the snapshot of the earlier run is gone" in text for text in dump.said)
    assert [snapshot.mode for snapshot in manifest.snapshots] == ["scn", "scn"]
    assert "still have as many rows" in dump.table(manifest, "T").proof
    assert dump.rows(manifest, "T") == ROWS


def test_with_a_new_scn_a_changed_table_is_read_again(oracle: Any) -> None:
    dump = oracle.dump()
    oracle.server.faults.fail_after(1100, 1555)
    with pytest.raises(DumpStoppedError, match=r"ORA-01555"):
        dump.run(include=("T",))
    chunk = next(iter(read_progress(dump.image).done.values()))
    gone = pq.read_table(dump.image / chunk.parts[0].file.path)["N"].to_pylist()[7]
    oracle.server.run(f"DELETE FROM T WHERE N = {gone}")
    manifest = dump.run(include=("T",))
    assert any("ANTARES.T has changed since the earlier run" in text for text in dump.said)
    assert len(dump.rows(manifest, "T")) == 1999


def test_ora_01555_ends_the_run_with_advice_and_the_next_goes_on(oracle: Any) -> None:
    dump = oracle.dump()
    oracle.server.faults.fail_after(900, 1555)
    with pytest.raises(DumpStoppedError, match=r"ANTARES\.T.*ORA-01555.*UNDO_RETENTION.*the same command") as stopped:
        dump.run()
    assert stopped.value.exit_code == 1
    assert read_progress(dump.image).done
    manifest = dump.run()
    assert manifest.complete
    assert len(manifest.snapshots) == 2
    assert dump.rows(manifest, "T") == ROWS


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_lost_connection_is_made_again(oracle: Any, jobs: int) -> None:
    dump = oracle.dump()
    oracle.server.faults.disconnect_after(700, times=2)
    manifest = dump.run(jobs=jobs)
    assert manifest.complete
    assert len(manifest.snapshots) == 1
    assert dump.rows(manifest, "T") == ROWS
    _all_sessions_end(oracle)


def _all_sessions_end(oracle: Any) -> None:
    deadline = time.monotonic() + 60
    while oracle.server.connections and time.monotonic() < deadline:
        time.sleep(0.02)
    assert oracle.server.connections == 0


def test_a_lost_connection_without_a_snapshot(oracle: Any) -> None:
    dump = oracle.dump()
    oracle.server.faults.disconnect_after(700)
    manifest = dump.run(snapshot="none")
    assert manifest.complete
    assert dump.table(manifest, "T").proof == "it had 2000 rows before and after"
    assert dump.rows(manifest, "T") == ROWS


def test_a_server_that_is_away_for_a_while_is_waited_for(oracle: Any) -> None:
    dump, faults = oracle.dump(), oracle.server.faults

    def away() -> None:
        faults.refuse = 12541
        threading.Timer(1.2, setattr, (faults, "refuse", 0)).start()

    faults.act_after(699, away)
    faults.disconnect_after(700)
    manifest = dump.run(patience=20)
    assert manifest.complete
    assert dump.rows(manifest, "T") == ROWS


def test_after_the_patience_the_run_ends_and_the_same_command_goes_on(oracle: Any) -> None:
    dump, faults = oracle.dump(), oracle.server.faults
    faults.act_after(699, lambda: setattr(faults, "refuse", 12541))
    faults.disconnect_after(700)
    with pytest.raises(DumpStoppedError, match="run the same command later") as stopped:
        dump.run(patience=1)
    assert stopped.value.exit_code == 3
    assert read_progress(dump.image).done
    faults.refuse = 0
    manifest = dump.run()
    assert manifest.complete
    assert len(manifest.snapshots) == 1
    assert dump.rows(manifest, "T") == ROWS


@pytest.mark.parametrize(
    ("prove", "change", "problem"),
    [
        ("counts", "INSERT INTO T VALUES (2000, 'late')", "2000 rows before"),
        ("rowscn", "INSERT INTO T VALUES (2000, 'late')", "2000 rows before"),
        ("rowscn", "UPDATE T SET X = 'other' WHERE N = 3", "rows were changed while it was dumped"),
    ],
)
def test_without_a_snapshot_a_change_is_told_and_the_table_is_read_again(
    oracle: Any, prove: str, change: str, problem: str
) -> None:
    dump = oracle.dump()
    oracle.server.faults.act_after(1500, lambda: oracle.server.run(change))
    manifest = dump.run(snapshot="none", prove=prove)
    assert not manifest.complete
    assert problem in dump.table(manifest, "T").problem
    assert not dump.table(manifest, "U").problem
    again = dump.run(snapshot="none", prove=prove)
    assert again.complete
    assert dump.rows(again, "T")[3]["X"] == ("other" if "UPDATE" in change else "row 3")
    assert dump.table(again, "T").rows == (2000 if "UPDATE" in change else 2001)
    assert dump.table(again, "T").proof


def test_a_read_only_transaction_is_read_by_one_session(oracle: Any) -> None:
    dump, most = oracle.dump(), [0]
    oracle.server.faults.act_after(900, lambda: oracle.server.run("INSERT INTO T VALUES (2000, 'late')"))

    def count(*_: object) -> None:
        most[0] = max(most[0], oracle.server.connections)

    manifest = dump.run(count, snapshot="readonly", jobs=3)
    assert manifest.complete
    assert most == [1]
    assert dump.rows(manifest, "T") == ROWS


@pytest.mark.parametrize(("jobs", "allowed", "expected"), [(3, 3, 3), (2, 1, 1), (2, 0, 3)])
def test_no_more_sessions_than_allowed(oracle: Any, jobs: int, allowed: int, expected: int) -> None:
    most, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.002):
            most[0] = max(most[0], oracle.server.connections)

    watcher = threading.Thread(target=watch)
    watcher.start()
    oracle.server.faults.seconds_per_row = 2e-4
    try:
        assert oracle.dump().run(jobs=jobs, max_sessions=allowed).complete
    finally:
        ended.set()
        watcher.join()
    assert most == [expected]


def test_a_table_without_the_right_is_named_and_the_others_are_dumped(oracle: Any) -> None:
    dump = oracle.dump()
    oracle.server.faults.denied.add("T")
    manifest = dump.run()
    assert not manifest.complete
    assert "the account needs SELECT on it" in dump.table(manifest, "T").problem
    assert dump.rows(manifest, "U") == ROWS[:10]
    oracle.server.faults.denied.clear()
    again = dump.run()
    assert again.complete
    assert dump.rows(again, "T") == ROWS


def test_a_table_that_is_dropped_in_mid_run(oracle: Any) -> None:
    dump = oracle.dump()
    oracle.server.faults.act_after(900, lambda: oracle.server.run("DROP TABLE U"))
    manifest = dump.run()
    assert not manifest.complete
    assert "ANTARES.U" in dump.table(manifest, "U").problem
    assert dump.rows(manifest, "T") == ROWS


def test_without_the_right_to_flashback_counts_are_proved(oracle: Any) -> None:
    dump = oracle.dump()
    oracle.server.faults.flashback = False
    manifest = dump.run(jobs=2)
    assert manifest.complete
    assert manifest.snapshots[0].mode in ("readonly", "none")
    assert dump.rows(manifest, "T") == ROWS
