"""The process of the practice server: detaches, makes the database when asked to, and serves.

A script, started by its path with the interpreter of the server's own environment; it imports nothing of
this program. Arguments: the port (0: a free one) and, for a new database, the word ``create``. The working
folder is that of the sandbox; ``RUCIO_CONFIG`` names the configuration of the server.

It ends with one line ``reason: ...`` on stderr when it cannot serve.
"""

import contextlib
import errno
import json
import os
import random
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

PORT_TAKEN = 98
"""Exit code when the port belongs to another program."""
PORTS = range(20000, 30000)
"""Where a free port is looked for: below the ports that Linux gives to outgoing connections (32768 and up),
so that the port is still free after a pause."""
PROCESS_FILE = Path("process.json")
CLAIM_FILE = Path("database-claimed")
SQLITE_FILE = Path("rucio.db")


def listening_socket(port: int) -> socket.socket:
    """Return a socket bound to a port of the loopback interface; raises OSError."""
    wanted = [port] if port else random.SystemRandom().sample(PORTS, 100)
    for candidate in wanted:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", candidate))
            # Bound sockets with SO_REUSEADDR may share a port; only listening claims it.
            bound.listen(64)
        except OSError as error:
            bound.close()
            if error.errno != errno.EADDRINUSE or candidate == wanted[-1]:
                raise
        else:
            return bound
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def started(pid: int) -> int:
    """Return when a process started, in clock ticks since boot: field 22 of /proc/PID/stat (proc(5))."""
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])


def write_process_file(port: int) -> None:
    """Say who serves: process id, its start and the boot it belongs to, and the port."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    told = {"pid": os.getpid(), "started": started(os.getpid()), "boot": boot, "port": port}
    part = PROCESS_FILE.with_suffix(".part")
    part.write_text(json.dumps(told), encoding="utf-8")
    part.replace(PROCESS_FILE)


def detach(port: int) -> None:
    """Go on in a child; the process that was started ends as soon as the child has written who it is."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        os._exit(0 if os.read(reading, 1) else 1)
    os.close(reading)
    write_process_file(port)
    os.write(writing, b".")
    os.close(writing)


def tune_sqlite() -> None:
    """Set every SQLite connection up for a practice server.

    With synchronous=OFF a killed process loses nothing, since the kernel has the data; a power failure may.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "connect")
    def set_pragmas(connection: object, record: object) -> None:  # noqa: ARG001
        execute: Callable[[str], object] = connection.execute  # type: ignore[attr-defined]
        execute("pragma busy_timeout=30000")
        execute("pragma journal_mode=WAL")
        execute("pragma synchronous=OFF")


def create_database(tables: list[str]) -> None:
    """Make Rucio's tables, the virtual organisation and the account root.

    A database that holds something is only touched when an earlier, interrupted creation claimed it.
    """
    from rucio.db.sqla import util

    if tables and not CLAIM_FILE.exists():
        problem = "the database is not empty, and this sandbox did not fill it; give it an empty one"
        raise RuntimeError(problem)
    CLAIM_FILE.touch()
    if tables:
        util.purge_db()
    util.build_database()
    util.create_base_vo()
    util.create_root_account()


def prepare_database(create: bool) -> None:
    """Make the database or check that it is the one that was made."""
    if create and CLAIM_FILE.exists():
        for name in (SQLITE_FILE, *(SQLITE_FILE.with_name(SQLITE_FILE.name + end) for end in ("-wal", "-shm"))):
            name.unlink(missing_ok=True)
    from rucio.db.sqla.session import get_engine
    from sqlalchemy import inspect

    tables = inspect(get_engine()).get_table_names()
    if create:
        create_database(tables)
    elif "accounts" not in tables:
        problem = "the database no longer holds the tables of Rucio; remove the sandbox's folder and begin anew"
        raise RuntimeError(problem)


def serve(bound: socket.socket, create: bool) -> None:
    """Serve until SIGTERM."""
    # Rucio takes part of its configuration by the name of the script, as far as that holds a hyphen.
    sys.argv = ["sandbox"]
    # At the end: nothing here may stand before a module of the standard library or of the environment.
    sys.path.append(str(Path(__file__).resolve().parent))
    from rucio.common.config import config_get

    sqlite = config_get("database", "default", check_config_table=False).startswith("sqlite")
    if sqlite:
        tune_sqlite()
    prepare_database(create)
    import waitress
    from rucio.web.rest.flaskapi.v1.main import application

    # With more than one writer SQLite answers "database is locked", which Rucio passes on as an error 500.
    server = waitress.create_server(application, sockets=[bound], threads=1 if sqlite else 8, ident="rucio")
    server.run()


def reason_of(error: BaseException) -> str:
    """Return the innermost cause of an error in one line."""
    inner: BaseException = getattr(error, "orig", None) or error
    lines = str(inner).strip().splitlines() or [type(inner).__name__]
    return " ".join(line.strip() for line in lines[:2])


def main() -> int:
    """Run the script; returns the exit code."""
    os.umask(0o077)
    port, create = int(sys.argv[1]), "create" in sys.argv[2:]
    try:
        bound = listening_socket(port)
    except OSError as error:
        sys.stderr.write(f"reason: port {port}: {error.strerror}\n")
        return PORT_TAKEN if error.errno == errno.EADDRINUSE else 1
    detach(bound.getsockname()[1])
    # The end of the caller's terminal is nothing to this process; waitress ends its loop on SystemExit.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        serve(bound, create)
    except Exception as error:  # noqa: BLE001  whatever it is, the caller reads its reason in the log
        traceback.print_exc()
        sys.stderr.write(f"reason: {reason_of(error)}\n")
        return 1
    finally:
        with contextlib.suppress(OSError):
            bound.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
