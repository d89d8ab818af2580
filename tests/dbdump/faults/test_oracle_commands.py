"""The commands, as a user gives them, on Oracle: the double of tests/oracle_double, read by the real driver."""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dbdump.dump.run import DumpStoppedError
from dbdump.image import open_image
from dbdump.practice import write_practice_database


@pytest.fixture
def practice(oracle_over: Callable[..., Any], tmp_path: Path, secret_in_environment: str) -> Any:
    """A double of the practice database, whose password is in the environment."""
    write_practice_database(str(tmp_path / "practice.db"), days=1, oracle_names=True)
    return oracle_over(tmp_path / "practice.db")


@pytest.fixture(autouse=True)
def _no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


def test_dump_verify_and_query(practice: Any, cli: Callable[..., Any], no_secret: Callable[..., bool]) -> None:
    url, image = practice.server.url, practice.folder / "image"
    said = [cli("dbdump", "inspect", url), cli("dbdump", "plan", url), cli("dbdump", "dump", url, "-o", image)]
    assert [ran.code for ran in said] == [0, 0, 0], said
    assert "17 of 17 tables" in said[2].out + said[2].err
    for level in range(4):
        # The double hashes and adds in Python: of most tables the first levels are enough.
        some = ("--table", "LOGBOOK", "--table", "CTD", "--table", "CALIBRATION") if level > 1 else ()
        ran = cli("dbdump", "verify", image, "--url", url, "--level", level, *some)
        assert ran.code == 0, ran
        assert f"nothing wrong ({3 if some else 17} tables" in ran.err
        said.append(ran)
    said.append(cli("dbdump", "verify", image, "--offline"))
    assert said[-1].code == 0, said[-1]
    said.append(cli("dbdump", "query", image, "--csv", "select count(*) as n from ctd"))
    assert said[-1].out.split() == ["n", "576"]
    said.append(cli("dbdump", "status", image))
    assert "complete" in said[-1].out
    (snapshot,) = open_image(image).manifest.snapshots
    assert snapshot.mode == "scn"
    assert no_secret(image, practice.password, *(ran.out + ran.err for ran in said))


def test_verify_finds_what_was_changed_since(practice: Any, cli: Callable[..., Any]) -> None:
    url, image = practice.server.url, practice.folder / "image"
    assert cli("dbdump", "dump", url, "-o", image, "--include", "CTD").code == 0
    practice.server.run("UPDATE CTD SET TEMPERATURE_DEGC = 99.5 WHERE ROWID = 17")
    ran = cli("dbdump", "verify", image, "--url", url)
    assert ran.code == 1
    assert "ANTARES.CTD, column TEMPERATURE_DEGC: high: source 99.5" in ran.err


def start(program: Path, url: str, image: Path) -> subprocess.Popen[bytes]:
    command = [str(program), "-q", "dbdump", "dump", url, "-o", str(image), "--jobs", "2"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def test_killed_in_mid_dump_the_same_command_makes_the_same_image(
    practice: Any, program: Path, files: Callable[[Path], dict[str, bytes]], no_secret: Callable[..., bool]
) -> None:
    practice.dump("whole").run(size=256 << 20)
    image = practice.folder / "image"
    for rows in (1500,):
        process = start(program, practice.server.url, image)
        # The double knows when so many rows are on the wire.
        practice.server.faults.act_after(rows, lambda pid=process.pid: os.kill(pid, signal.SIGKILL))
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    process = start(program, practice.server.url, image)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors.decode()
    assert len(open_image(image).manifest.snapshots) == 1
    assert files(image) == files(practice.folder / "whole")
    assert not list(image.rglob("*.part"))
    assert no_secret(image, practice.password, errors.decode())


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ({"refuse": 12514}, "knows no such service"),
        ({"refuse": 12541}, "nothing listens there"),
        ({"tns_version": 314}, "--thick"),
        ({"encryption": True}, "--thick"),
        ({"old_verifier": True}, "--thick"),
    ],
)
def test_a_server_that_does_not_let_us_in(
    oracle: Any, fault: dict[str, Any], advice: str, cli: Callable[..., Any], secret_in_environment: str
) -> None:
    for name, value in fault.items():
        setattr(oracle.server.faults, name, value)
    ran = cli("dbdump", "dump", oracle.server.url, "-o", oracle.folder / "image")
    assert ran.code == 3
    assert advice in ran.err
    assert secret_in_environment not in ran.out + ran.err


def test_a_wrong_password(
    oracle: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, no_secret: Callable[..., bool]
) -> None:
    monkeypatch.setenv("ANTARES_LEGACY_DB_PASSWORD", "wrong-and-secret")
    image = oracle.folder / "image"
    ran = cli("dbdump", "dump", oracle.server.url, "-o", image)
    assert ran.code == 3
    assert "ORA-01017" in ran.err
    assert no_secret(image, "wrong-and-secret", ran.out, ran.err)
    monkeypatch.setenv("ANTARES_LEGACY_DB_PASSWORD", oracle.password)
    again = cli("dbdump", "dump", oracle.server.url, "-o", image)
    assert again.code == 0, again


def test_no_such_host(oracle: Any, cli: Callable[..., Any], secret_in_environment: str) -> None:
    ran = cli("dbdump", "inspect", "oracle+oracledb://reader@no-such-host.invalid:1521/?service_name=X")
    assert ran.code == 3
    assert "no-such-host.invalid" in ran.err
    assert "look at" in ran.err


def test_exit_code_and_words_of_a_table_without_the_right(
    oracle: Any, cli: Callable[..., Any], secret_in_environment: str
) -> None:
    oracle.server.faults.denied.add("U")
    ran = cli("dbdump", "dump", oracle.server.url, "-o", oracle.folder / "image")
    assert ran.code == 1
    assert "ANTARES.U" in ran.out + ran.err
    assert "1 of 2 tables" in ran.out + ran.err


def test_exit_code_of_ora_01555(oracle: Any, cli: Callable[..., Any], secret_in_environment: str) -> None:
    oracle.server.faults.fail_after(900, 1555)
    ran = cli("dbdump", "dump", oracle.server.url, "-o", oracle.folder / "image", "--jobs", 1)
    assert ran.code == 1
    assert "ORA-01555" in ran.err
    assert cli("dbdump", "dump", oracle.server.url, "-o", oracle.folder / "image").code == 0


def test_a_worker_that_is_killed_is_replaced(oracle: Any, workers_of: Callable[[int], list[int]]) -> None:
    dump, killed = oracle.dump(), []

    def kill() -> None:
        for child in workers_of(os.getpid())[:1]:
            os.kill(child, signal.SIGKILL)
            killed.append(child)

    oracle.server.faults.act_after(700, kill)
    try:
        manifest = dump.run(jobs=2, size=1 << 17)
    except DumpStoppedError as error:
        pytest.fail(f"a killed worker has stopped the dump: {error}")
    assert killed
    assert manifest.complete
    assert dump.rows(manifest, "T") == [{"N": n, "X": f"row {n}"} for n in range(2000)]
