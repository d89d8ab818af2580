"""URLs and passwords: what is refused, and that a password shows nowhere."""

import contextlib
import os
import termios
import time
from pathlib import Path

import pytest

from dbdump.sources.opening import PASSWORD_VARIABLE, Access, OpenOptions, connect, parse_url, resolve
from legacy.errors import UsageError

ORACLE = "oracle+oracledb://reader@dbhost:1521/?service_name=ANTARES"


@pytest.fixture(autouse=True)
def no_password_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (PASSWORD_VARIABLE, "PGPASSWORD", "PGPASSFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("nonsense", "cannot be understood"),
        ("", "cannot be understood"),
        ("postgresql://u@h:port/d", "cannot be understood"),
        ("mysql://reader@host/db", "kind 'mysql' cannot be dumped"),
        ("oracle://reader:tiger@host/X", "holds a password"),
        ("postgresql://reader:@host/X", "holds a password"),
    ],
)
def test_urls_that_are_refused(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        resolve(OpenOptions(url))
    assert "tiger" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("url", [ORACLE, "postgresql://u@h/d", "postgresql+psycopg://u@h:5432/d?sslmode=require"])
def test_urls_of_servers(url: str) -> None:
    assert parse_url(url).username in {"reader", "u"}


def test_the_password_comes_from_a_file_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "of the environment")
    assert resolve(OpenOptions(ORACLE)).password == "of the environment"
    path = tmp_path / "password"
    path.write_text("of the file \r\nmore\n")
    assert resolve(OpenOptions(ORACLE, path)).password == "of the file "
    with pytest.raises(UsageError, match="cannot be read"):
        resolve(OpenOptions(ORACLE, tmp_path / "none"))
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="cannot be read"):
        resolve(OpenOptions(ORACLE, path))


def test_nobody_is_asked_where_there_is_no_terminal() -> None:
    def ask(text: str) -> str:
        raise AssertionError(text)

    assert resolve(OpenOptions(ORACLE, ask=ask)).password is None


def test_a_terminal_is_asked_and_shows_nothing(tmp_path: Path, program: Path) -> None:
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        url = "postgresql://reader@127.0.0.1:1/none"
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
        os.execve(program, [str(program), "dbdump", "inspect", url], environment)
    said = b""
    while b"Password of reader" not in said:
        said += os.read(terminal, 1000)
    # What is typed before the echo is off is thrown away.
    deadline = time.monotonic() + 60
    while termios.tcgetattr(terminal)[3] & termios.ECHO and time.monotonic() < deadline:
        time.sleep(0.02)
    os.write(terminal, b"secret\n")
    with contextlib.suppress(OSError):  # the end of a terminal is an error
        while piece := os.read(terminal, 1000):
            said += piece
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 3
    assert b"secret" not in said
    assert b"127.0.0.1" in said


def test_sqlite_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PASSWORD_VARIABLE, "secret")
    assert resolve(OpenOptions("sqlite:///x.sqlite")).password is None


def test_the_password_does_not_show() -> None:
    assert "secret" not in repr(Access(ORACLE, "secret"))


def test_sqlite_is_opened(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "a.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (id integer primary key)")
    connection.close()
    source = connect(Access(f"sqlite:///{path}"))
    assert source.facts().kind == "sqlite"
    source.close()
