"""The environment of the server: what happens when it cannot be made, or was left half made."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest.sandbox.environment import REQUIREMENTS, VARIABLE, environment_folder, server_python
from legacy.errors import MachineError

pytestmark = pytest.mark.server


def up(run_program: Callable[..., object], tmp_path: Path, **env: str | None):  # type: ignore[no-untyped-def]
    return run_program("sandbox", "up", "--dir", tmp_path / "sandbox", env={VARIABLE: str(tmp_path / "venv"), **env})


def test_without_a_network(run_program: Callable[..., object], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    nowhere = {"PIP_INDEX_URL": f"http://127.0.0.1:{port}/", "PIP_EXTRA_INDEX_URL": None, "PIP_FIND_LINKS": None}
    nowhere |= {"PIP_RETRIES": "0", "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": None}
    # What an installation that was killed leaves does not stand in the way.
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "antares-legacy-begun").touch()
    (tmp_path / "venv" / "half").touch()
    done = up(run_program, tmp_path, **nowhere)
    assert (done.code, done.out) == (3, "")
    said = done.err.splitlines()
    assert re.search(r"making an environment .* \(once", said[0])
    assert "ERROR: " in said[-1]
    assert f"{tmp_path / 'venv'}.log" in said[-1]
    assert Path(f"{tmp_path / 'venv'}.log").read_text()
    assert not (tmp_path / "venv" / "half").exists()


def test_a_killed_installation_leaves_nothing_that_looks_finished(tmp_path: Path, program: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        index = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        env = {**os.environ, VARIABLE: str(tmp_path / "venv"), "PIP_INDEX_URL": index, "PIP_CONFIG_FILE": os.devnull}
        with subprocess.Popen(
            [str(program), "sandbox", "up", "--dir", str(tmp_path / "sandbox")],
            env=env,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            silent.settimeout(60)
            connection, _ = silent.accept()
            os.killpg(process.pid, signal.SIGKILL)
            connection.close()
    names = {path.name for path in (tmp_path / "venv").iterdir()}
    assert "antares-legacy-begun" in names
    assert "antares-legacy-complete" not in names


def test_a_broken_environment(run_program: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "antares-legacy-complete").write_text("\n".join(REQUIREMENTS) + "\n")
    done = up(run_program, tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "remove the folder and try again" in done.err.splitlines()[-1]


def test_a_foreign_folder_is_left_alone(run_program: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "thesis.tex").touch()
    done = up(run_program, tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "holds something else" in done.err.splitlines()[-1]
    assert (tmp_path / "venv" / "thesis.tex").exists()


def test_two_first_uses_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server_environment: Path
) -> None:
    """The second finds the finished environment; a link to the real one stands for what the first makes."""
    from ingest.sandbox.folder import held_lock

    finished = environment_folder()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "venv"))
    said: list[str] = []

    def finish(text: str) -> None:
        said.append(text)
        (tmp_path / "venv").symlink_to(finished)
        lock.__exit__(None, None, None)

    lock = held_lock(tmp_path / "venv.lock", lambda: None)
    lock.__enter__()
    assert server_python(finish) == tmp_path / "venv" / "bin" / "python"
    assert len(said) == 1
    assert "waiting" in said[0]


def test_where_it_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    version = f"py{sys.version_info.major}.{sys.version_info.minor}"
    assert environment_folder() == tmp_path / "antares-legacy" / f"rucio-server-41.5.1-{version}"


def test_a_place_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "venv"))
    with pytest.raises(MachineError, match=VARIABLE):
        server_python(lambda _: None)
