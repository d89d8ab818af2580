"""Whole dumps of servers on which a test lets things go wrong."""

import os
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dbdump.dump.options import Content, Manner
from dbdump.dump.run import Told, dump
from dbdump.image import JOURNAL, MANIFEST, PLAN, ImageTable, Manifest
from dbdump.sources.opening import Access

TESTS = Path(__file__).parents[2]
PASSWORD = "kråkebolle 17"
SMALL = 1 << 16
"""Bytes of a chunk: small tables then have several."""


def nothing(*_: object) -> None:
    return None


@dataclass
class Dump:
    """The dump of one database into one folder, which may be run again and again."""

    url: str
    password: str
    image: Path
    said: list[str] = field(default_factory=list)

    def run(self, on_chunk: Callable[..., object] = nothing, size: int = SMALL, **choices: Any) -> Manifest:
        """Dump, or go on; the choices are those of `Content` and `Manner`."""
        manner = {name: choices.pop(name) for name in Manner.__dataclass_fields__ if name in choices}
        told = Told(self.said.append, nothing, nothing, on_chunk)  # type: ignore[arg-type]
        access = Access(self.url, self.password)
        return dump(access, self.image, Content(chunk_size=size, **choices), Manner(**{"jobs": 1, **manner}), told)

    def stop_after(self, chunks: int, **choices: Any) -> None:
        """Begin a dump and end it after some chunks, as an interrupt does."""
        seen: list[object] = []

        def count(*facts: object) -> None:
            seen.append(facts)
            if len(seen) == chunks:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.run(count, **choices)
        assert not (self.image / MANIFEST).exists()

    def table(self, manifest: Manifest, name: str) -> ImageTable:
        """Return what the manifest says of a table."""
        (found,) = (table for table in manifest.tables if table.name.name == name)
        return found

    def rows(self, manifest: Manifest, name: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the image."""
        parts = self.table(manifest, name).parts
        return [row for part in parts for row in pq.read_table(self.image / part.file.path).to_pylist()]


def files_of(image: Path) -> dict[str, bytes]:
    """Return all that must not depend on how often a dump was stopped."""
    with_times = {MANIFEST, JOURNAL, PLAN, "manifest.jsonl"}
    return {
        path.relative_to(image).as_posix(): path.read_bytes()
        for path in sorted(image.rglob("*"))
        if path.is_file() and path.name not in with_times and not path.name.startswith(".")
    }


def holds_no_secret(image: Path, secret: str, *texts: str) -> bool:
    """Return whether a password is in no file of an image and in no text."""
    everything = [path.read_bytes() for path in image.rglob("*") if path.is_file()]
    return not any(secret.encode() in content for content in (*everything, *(text.encode() for text in texts)))


@pytest.fixture(scope="session")
def files() -> Callable[[Path], dict[str, bytes]]:
    """Return `files_of`."""
    return files_of


@pytest.fixture(scope="session")
def no_secret() -> Callable[..., bool]:
    """Return `holds_no_secret`."""
    return holds_no_secret


@dataclass
class Oracle:
    """A running double of tests/oracle_double, and dumps of it."""

    server: Any
    file: Path
    folder: Path
    password: str = PASSWORD

    def dump(self, name: str = "image") -> Dump:
        """Return a dump of it that has not begun."""
        return Dump(self.server.url, self.password, self.folder / name)

    def fill(self, table: str, columns: dict[str, str], rows: Sequence[Sequence[object]]) -> None:
        """Make a table; `columns` are names and Oracle's types."""

        def quoted(name: str) -> str:
            return '"' + name.replace('"', '""') + '"'

        declared = ", ".join(f"{quoted(name)} {quoted(kind)}" for name, kind in columns.items())
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute(f"CREATE TABLE {quoted(table)} ({declared})")
            database.executemany(f"INSERT INTO {quoted(table)} VALUES ({', '.join('?' * len(columns))})", rows)


@pytest.fixture
def oracle_over(tmp_path: Path) -> Iterator[Callable[..., Oracle]]:
    """Return a function that serves an SQLite file until the test ends; options go to the double."""
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    from oracle_double.server import serve

    with ExitStack() as stack:

        def begin(file: Path, **options: Any) -> Oracle:
            server = stack.enter_context(serve(file, **{"password": PASSWORD, **options}))
            return Oracle(server, file, tmp_path)

        yield begin


@pytest.fixture
def oracle(oracle_over: Callable[..., Oracle], tmp_path: Path) -> Oracle:
    """Return a double with table T of 2,000 rows and table U of 10."""
    found = oracle_over(tmp_path / "oracle.db")
    columns = {"N": "NUMBER(9)", "X": "VARCHAR2(40)"}
    found.fill("T", columns, [(n, f"row {n}") for n in range(2000)])
    found.fill("U", columns, [(n, f"row {n}") for n in range(10)])
    return found


@pytest.fixture
def secret_in_environment(monkeypatch: pytest.MonkeyPatch) -> str:
    """Put the password of the double where the console script finds it."""
    monkeypatch.setenv("ANTARES_LEGACY_DB_PASSWORD", PASSWORD)
    return os.environ["ANTARES_LEGACY_DB_PASSWORD"]


@pytest.fixture(scope="session")
def make_dump() -> type[Dump]:
    """Return `Dump`."""
    return Dump
