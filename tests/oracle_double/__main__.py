"""Run the double as a process: ``python tests/oracle_double --db FILE --port 0 --password-file F`` prints the port."""

import argparse
import signal
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from oracle_double.server import VERSION, OracleDouble


def main() -> None:
    """Serve until a signal comes, or until the standard input ends with ``--guard``."""
    parser = argparse.ArgumentParser(prog="oracle_double", description=__doc__)
    parser.add_argument("--db", type=Path, required=True, help="SQLite file with the tables of ANTARES")
    parser.add_argument("--schema", action="append", default=[], metavar="OWNER=FILE", help="tables of another owner")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    parser.add_argument("--password-file", type=Path, required=True)
    parser.add_argument("--oracle-version", default=VERSION)
    parser.add_argument("--dba", action="store_true", help="let the account read DBA_SEGMENTS and DBA_EXTENTS")
    parser.add_argument("--speed", action="store_true", help="keep encoded replies and send them again")
    parser.add_argument("--sdu", type=int, default=8192, help="largest packet")
    parser.add_argument("--guard", action="store_true", help="end when the standard input ends")
    given = parser.parse_args()
    schemas = dict(item.split("=", 1) for item in given.schema)
    server = OracleDouble(
        given.db,
        password=given.password_file.read_text().strip(),
        schemas={owner: Path(file) for owner, file in schemas.items()},
        version=given.oracle_version,
        dba=given.dba,
        speed=given.speed,
        sdu=given.sdu,
        port=given.port,
    )
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    if given.guard:
        sys.stdin.read()
    else:
        ended.wait()
    server.close()


if __name__ == "__main__":
    main()
