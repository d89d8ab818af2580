"""The server of the containerised database, on this machine: what it serves, what it refuses, how it ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from containers.catalogue import RECIPES

SCRIPT = RECIPES / "db-image" / "serve.py"
# The programs of an image are at a fixed place; here they are those of this environment.
STARTER = (
    "import runpy, sys, pathlib; names = runpy.run_path(sys.argv.pop(1)); "
    "names['main'].__globals__['PROGRAMS'] = pathlib.Path(sys.executable).parent; sys.exit(names['main']())"
)


@pytest.fixture(scope="module")
def image(run_program: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("database")
    database = folder / "practice.sqlite"
    assert run_program("dbdump", "practice", database, "--days", 1).code == 0
    done = run_program("dbdump", "dump", f"sqlite:///{database}", "-o", folder / "image", "--jobs", 1)
    assert done.code == 0, done.err
    return folder / "image"


def start(*arguments: object, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", STARTER, str(SCRIPT), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)


def ask(address: str, process: "subprocess.Popen[str]") -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + 60
    while True:
        try:
            with opener.open(address, timeout=30) as answer:
                return json.load(answer)
        except (ConnectionError, urllib.error.URLError):
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.1)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_tables_are_served_and_nothing_remains(image: Path, tmp_path: Path) -> None:
    port = free_port()
    server = start(image, "--port", port, env={**os.environ, "TMPDIR": str(tmp_path)})
    try:
        names = {database["name"] for database in ask(f"http://127.0.0.1:{port}/-/databases.json", server)}
        assert names == {"catalog", "image"}
        answer = ask(f"http://127.0.0.1:{port}/image.json?_shape=arrays&sql=select+count(*)+from+instrument", server)
        assert answer["rows"][0][0] > 0
        assert list(tmp_path.iterdir()), "the tables lie in TMPDIR while they are served"
    finally:
        server.send_signal(signal.SIGTERM)
        said, _ = server.communicate(timeout=30)
    assert server.returncode == 128 + signal.SIGTERM, said
    assert not list(tmp_path.iterdir())


def test_only_the_catalog_and_ctrl_c(image: Path) -> None:
    port = free_port()
    server = start(image, "--port", port, "--catalog-only", start_new_session=True)
    try:
        names = {database["name"] for database in ask(f"http://127.0.0.1:{port}/-/databases.json", server)}
    finally:
        os.killpg(server.pid, signal.SIGINT)  # a terminal interrupts all of its programs
        said, _ = server.communicate(timeout=30)
    assert names == {"catalog"}
    assert server.returncode == 128 + signal.SIGINT, said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("arguments", "word"), [(("/nowhere",), "catalog.sqlite"), ((".", "--port", "70000"), "catalog")]
)
def test_wrong_use(arguments: tuple[str, ...], word: str) -> None:
    process = start(*arguments)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert word in said


def test_no_such_port(image: Path) -> None:
    process = start(image, "--port", 70000)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "70000" in said


def test_an_image_with_databases_is_served_as_it_is(script: Callable[[str], ModuleType], tmp_path: Path) -> None:
    module = script("db-image/serve.py")
    (tmp_path / "sqlite").mkdir()
    for name in ("catalog.sqlite", "sqlite/b.sqlite", "sqlite/a.sqlite", "sqlite/a.sqlite.part"):
        (tmp_path / name).touch()
    files = module.served_files(tmp_path)
    assert [file.name for file in files] == ["catalog.sqlite", "a.sqlite", "b.sqlite"]
    command = module.datasette_command(files, "127.0.0.1", 8001)
    assert command.count("--immutable") == 3
    assert "127.0.0.1" in command
