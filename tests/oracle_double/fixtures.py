"""Fixtures that start the double; they reach the tests through a `conftest.py` that imports them."""

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from oracle_double.client import PASSWORD
from oracle_double.server import OracleDouble, serve


@pytest.fixture
def oracle_double() -> Iterator[Callable[..., OracleDouble]]:
    """Return a function that serves an SQLite file until the test ends: ``oracle_double(path, **options)``.

    Options are those of `oracle_double.server.OracleDouble`; the password is ``tiger`` unless one is given.
    """
    with contextlib.ExitStack() as stack:

        def start(path: Path, **options: Any) -> OracleDouble:
            return stack.enter_context(serve(path, **{"password": PASSWORD, **options}))

        yield start


@contextlib.contextmanager
def oracle_process(path: Path, folder: Path, *options: str) -> Iterator[int]:
    """Run the double in a process of its own for the time of a block; yield the port.

    The process ends with this one, however that ends: its standard input is then closed.
    """
    password = folder / "oracle-password"
    password.write_text(f"{PASSWORD}\n")
    command = [sys.executable, str(Path(__file__).parent), "--db", str(path), "--password-file", str(password)]
    with subprocess.Popen(
        [*command, "--guard", *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()
            process.wait(timeout=20)
