"""The journal: what it remembers, whose it is, and that one run at a time has it."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ingest import journal_lock as lock_module
from ingest.item import Sums
from ingest.journal import Journal, Purpose, Record, State, digest
from ingest.journal_lock import journal_lock
from ingest.storage.contract import FileStat
from legacy.errors import MachineError, UsageError

PURPOSE = Purpose("https://rucio", "antares", "DISK")
RECORD = Record(
    "/data/a", "a", FileStat(10, 123456789012345678), Sums(10, "0000000a", "a" * 32, "", "ingest"), State.HASHED
)


def test_records_come_back_as_they_were(tmp_path: Path) -> None:
    done = replace(RECORD, location="/data/b", name="b", state=State.DONE, pfn="file://x/b", metadata="d")
    with Journal(tmp_path / "deep" / "j", PURPOSE) as journal:
        journal.put([RECORD, done])
    with Journal(tmp_path / "deep" / "j", PURPOSE) as journal:
        assert journal.get(["/data/a", "/data/b", "/data/c"]) == {"/data/a": RECORD, "/data/b": done}


def test_a_record_is_replaced(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", PURPOSE) as journal:
        journal.put([RECORD])
        journal.put([replace(RECORD, state=State.FAILED, error="why")])
        assert journal.get(["/data/a"])["/data/a"].state == State.FAILED
        assert journal.counts() == {"failed": 1}
        assert [record.error for record in journal.failures()] == ["why"]


def test_a_refusal_leaves_the_checksums_of_an_earlier_run(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", PURPOSE) as journal:
        journal.put([RECORD])
        journal.put([Record("/data/a", "a", FileStat(-1, 0), Sums(), State.REFUSED, error="gone")])
        (record,) = journal.get(["/data/a"]).values()
    assert (record.state, record.error) == (State.REFUSED, "gone")
    assert record.knows(RECORD.stat)
    assert record.sums == RECORD.sums


def test_times_that_sqlite_cannot_hold(tmp_path: Path) -> None:
    stat = FileStat(10, 2**63 + 5)
    with Journal(tmp_path / "j", PURPOSE) as journal:
        journal.put([replace(RECORD, stat=stat)])
        assert not journal.get(["/data/a"])["/data/a"].knows(stat)


@pytest.mark.parametrize(
    ("stat", "known"),
    [(RECORD.stat, True), (FileStat(11, RECORD.stat.mtime_ns), False), (FileStat(10, RECORD.stat.mtime_ns + 1), False)],
)
def test_checksums_hold_for_the_same_size_and_time_only(stat: FileStat, known: bool) -> None:
    assert RECORD.knows(stat) is known
    assert not replace(RECORD, sums=Sums(10)).knows(RECORD.stat)


@pytest.mark.parametrize(
    ("purpose", "word"),
    [
        (replace(PURPOSE, server="https://other"), "server https://rucio"),
        (replace(PURPOSE, scope="other"), "scope antares"),
        (replace(PURPOSE, rse="TAPE"), "rse DISK"),
    ],
)
def test_a_journal_of_another_place_is_refused(tmp_path: Path, purpose: Purpose, word: str) -> None:
    Journal(tmp_path / "j", PURPOSE).close()
    with pytest.raises(UsageError, match=word):
        Journal(tmp_path / "j", purpose)


def test_a_file_that_is_no_journal(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"something else entirely, long enough to be looked at" * 100)
    with pytest.raises(UsageError, match="no journal"):
        Journal(tmp_path / "j", PURPOSE)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match="--journal"):
        Journal(tmp_path / "file" / "j", PURPOSE)


def test_reading_only_changes_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", PURPOSE) as journal:
        journal.put([RECORD])
    before = (tmp_path / "j").read_bytes()
    with Journal(tmp_path / "j", PURPOSE, read_only=True) as journal:
        assert journal.get(["/data/a"]) == {"/data/a": RECORD}
        with pytest.raises(MachineError):
            journal.put([RECORD])
    assert (tmp_path / "j").read_bytes() == before


def test_the_journal_has_no_write_ahead_log(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", PURPOSE) as journal:
        journal.put([RECORD])
        assert sorted(path.name for path in tmp_path.iterdir()) == ["j"]
    with sqlite3.connect(tmp_path / "j") as base:
        assert base.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    base.close()


def test_what_waits_is_written_when_the_block_ends(tmp_path: Path) -> None:
    with Journal(tmp_path / "j", PURPOSE) as journal:
        journal.put([RECORD], now=False)
    with Journal(tmp_path / "j", PURPOSE, read_only=True) as journal:
        assert journal.counts() == {"hashed": 1}


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys, time
        from pathlib import Path
        from ingest.item import Sums
        from ingest.journal import Journal, Purpose, Record, State
        from ingest.storage.contract import FileStat
        journal = Journal(Path(sys.argv[1]), Purpose("https://rucio", "antares", "DISK"))
        for number in range(100000):
            journal.put([Record(f"/{number}", "n", FileStat(1, 1), Sums(1, "", "", "", "ingest"), State.HASHED)])
            sys.stdout.write(f"{number}\\n"); sys.stdout.flush()
        """
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "j")], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 20:
            break
    process.send_signal(signal.SIGKILL)
    said = 21 + sum(1 for line in process.stdout if line.endswith("\n"))
    process.stdout.close()
    process.wait()
    with Journal(tmp_path / "j", PURPOSE) as journal:
        assert journal.counts()["hashed"] >= said


def test_digests_differ_where_metadata_differ() -> None:
    assert digest({"a": 1, "b": "x"}) == digest({"b": "x", "a": 1})
    assert len({digest({"a": value}) for value in (1, 2, "1", True, 1.5)}) == 5


def test_a_second_run_in_another_process_is_refused(tmp_path: Path) -> None:
    script = "import sys\nfrom pathlib import Path\nfrom ingest.journal_lock import journal_lock\n"
    script += "with journal_lock(Path(sys.argv[1])):\n    print('have it')\n"
    with journal_lock(tmp_path / "j"):
        ran = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "j")], capture_output=True, text=True, check=False
        )
        assert ran.returncode == 1
        assert f"process {os.getpid()} on {socket.gethostname()}" in ran.stderr
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "j")], capture_output=True, text=True, check=False
    )
    assert ran.stdout == "have it\n", ran.stderr


def write_lock(path: Path, host: str, age: float) -> Path:
    lock = path.with_name(path.name + ".lock")
    lock.write_text(json.dumps({"host": host, "pid": 1, "since": "2026-01-01T00:00:00Z"}))
    then = time.time() - age
    os.utime(lock, (then, then))
    return lock


def test_a_lock_of_a_dead_process_here_is_taken_over(tmp_path: Path) -> None:
    lock = write_lock(tmp_path / "j", socket.gethostname(), 0)
    with journal_lock(tmp_path / "j"):
        assert json.loads(lock.read_text())["pid"] == os.getpid()


def test_a_fresh_lock_of_another_machine_is_respected(tmp_path: Path) -> None:
    lock = write_lock(tmp_path / "j", "worker042", 10)
    with pytest.raises(MachineError, match=f"worker042.*remove {lock}"), journal_lock(tmp_path / "j"):
        pass


def test_a_lock_that_nobody_touches_is_taken_over(tmp_path: Path) -> None:
    lock = write_lock(tmp_path / "j", "worker042", lock_module.STALE_AFTER + 60)
    with journal_lock(tmp_path / "j"):
        assert json.loads(lock.read_text())["pid"] == os.getpid()
    assert lock.read_text() == ""


def test_the_holder_touches_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_module, "HEARTBEAT", 0.02)
    with journal_lock(tmp_path / "j"):
        lock = tmp_path / "j.lock"
        os.utime(lock, (0, 0))
        deadline = time.monotonic() + 60
        while lock.stat().st_mtime == 0:
            assert time.monotonic() < deadline
            time.sleep(0.01)
