"""Serve the image of a database with Datasette, read only.

    serve.py IMAGE [--host ADDRESS] [--port NUMBER] [--catalog-only]

Datasette shows SQLite. An image of Parquet files alone is therefore written as one SQLite file first, into a
temporary folder (TMPDIR) that is gone when the server ends. The image itself is never written to.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

PROGRAMS = Path("/opt/antares-legacy/bin")
CATALOG = "catalog.sqlite"
_LAST_PORT = 65535


def served_files(image: Path) -> tuple[Path, ...]:
    """Return the SQLite files of an image: its catalog, and its databases where it has any."""
    return (image / CATALOG, *sorted((image / "sqlite").glob("*.sqlite")))


def write_sqlite(image: Path, target: Path) -> int:
    """Write all tables of an image as one SQLite file; returns the exit code of the program that does it."""
    command = [str(PROGRAMS / "antares-legacy"), "dbdump", "to-sqlite", str(image), "-o", str(target)]
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode  # noqa: S603  our own words


def datasette_command(files: Sequence[Path], host: str, port: int) -> list[str]:
    """Return the command that serves `files`; as immutable files they are opened without any lock or journal."""
    command = [str(PROGRAMS / "datasette"), "serve", "--host", host, "--port", str(port)]
    for file in files:
        command += ["--immutable", str(file)]
    return command


def _ended(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001
    # As an exception, so that the temporary folder is removed on the way out.
    raise SystemExit(128 + number)


def _serve(command: Sequence[str]) -> int:
    server = subprocess.Popen(command)  # noqa: S603  our own words
    try:
        return server.wait()
    finally:
        if server.poll() is None:
            server.terminate()
            server.wait()


def main() -> int:
    """Read the arguments and serve until a signal comes; returns the exit code."""
    parser = argparse.ArgumentParser(description="Serve the image of a database over HTTP, read only.")
    parser.add_argument("image", type=Path, help="folder that dbdump wrote")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at; 0.0.0.0 is for all of the network")
    parser.add_argument("--port", type=int, default=8001, help="port to listen at; 0 for any that is free")
    parser.add_argument("--catalog-only", action="store_true", help="do not write Parquet tables as SQLite")
    given = parser.parse_args()
    if not (given.image / CATALOG).is_file():
        parser.error(f"{given.image}: no image of a database; expected a folder with {CATALOG}, which dbdump writes")
    if not 0 <= given.port <= _LAST_PORT:
        parser.error(f"--port {given.port}: no such port; expected 0 to {_LAST_PORT}")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _ended)
    files = served_files(given.image)
    with tempfile.TemporaryDirectory(prefix="db-image.") as folder:
        if len(files) == 1 and not given.catalog_only:
            sys.stderr.write("writing the tables as SQLite, once for this server\n")
            tables = Path(folder, f"{given.image.resolve().name}.sqlite")
            code = write_sqlite(given.image, tables)
            if code != 0:
                return code
            files = (*files, tables)
        return _serve(datasette_command(files, given.host, given.port))


if __name__ == "__main__":
    sys.exit(main())
