"""Empty PostgreSQL databases for servers under test."""

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from ingest.sandbox.environment import server_python

TEST_DATABASE = "ANTARES_LEGACY_TEST_DB"
"""Environment variable: ``postgresql+psycopg://user@host:port/database`` of an account that may make databases."""

# The project itself needs no PostgreSQL driver; the server's environment has one. The URL may hold a password
# and therefore comes on standard input.
_EXECUTE = """
import sys, psycopg
url, statement = sys.stdin.read().split("\\n")
with psycopg.connect(url, autocommit=True) as connection:
    connection.execute(statement)
"""


@contextmanager
def new_database() -> Iterator[str]:
    """Yield the URL of an empty database that is dropped afterwards; ``""`` when the tests use SQLite."""
    maintenance = os.environ.get(TEST_DATABASE, "")
    if not maintenance:
        yield ""
        return
    name = f"antares_{secrets.token_hex(6)}"
    execute(maintenance, f'CREATE DATABASE "{name}"')
    try:
        yield urlsplit(maintenance)._replace(path=f"/{name}").geturl()
    finally:
        execute(maintenance, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def execute(url: str, statement: str) -> None:
    """Run one SQL statement in a PostgreSQL database."""
    plain = url.replace("postgresql+psycopg:", "postgresql:", 1)
    python = server_python(lambda _: None)
    done = subprocess.run(
        [str(python), "-I", "-c", _EXECUTE],
        input=f"{plain}\n{statement}",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
