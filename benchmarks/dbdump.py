"""``python -m benchmarks.dbdump``: a dump of PostgreSQL beside connectorx, ADBC, DuckDB and db-to-sqlite, in one run.

Runs inside ``tests/real/postgresql.sh``, which names its server in ``ANTARES_LEGACY_TEST_DB``:

    tests/real/postgresql.sh python -m benchmarks.dbdump

All share one machine with the server; so wall time and the CPU time of both sides are told.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks import machine

HERE = Path(__file__).resolve().parent
RESULTS, INPUTS = HERE / "results", HERE / "inputs"
PROGRAM = str(Path(sys.executable).parent / "antares-legacy")
FEW = 100_000
"""Rows for db-to-sqlite, which needs minutes for more."""
DUCKDB = ("duckdb==1.5.5", "duckdb-extension-postgres-scanner==1.5.5")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """The PostgreSQL server: parts of its URL, and the process whose children do the work."""

    user: str
    password: str
    place: str
    pid: int

    @property
    def url(self) -> str:
        """With the password, for the peers."""
        return f"postgresql://{self.user}:{self.password}@{self.place}"

    @property
    def plain(self) -> str:
        """Without it."""
        return f"postgresql://{self.user}@{self.place}"

    def cpu(self) -> float:
        """CPU seconds of the server and of the sessions that have ended."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / _TICKS


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run cost: wall and CPU seconds, bytes of the largest process and of the output."""

    case: str
    rows: int
    wall: float
    client: float
    server: float
    peak_rss: int
    size: int
    error: str = ""

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.wall


def main() -> None:
    """Make the table, run every way in each round, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    server = _server()
    _make_table(server, "env", options.rows)
    _make_table(server, "few", FEW)
    cases = {name: case for name, case in _cases(server).items() if not options.only or name in options.only}
    costs: list[Cost] = []
    for number in range(options.rounds):
        for name, command in cases.items():
            rows = FEW if name == "db-to-sqlite" else options.rows
            print(f"round {number + 1}: {name}", file=sys.stderr)
            costs.append(_run(name, rows, command, server))
    print(_report(costs))
    path = RESULTS / f"{time.strftime('%Y-%m-%dT%H%M%SZ', time.gmtime())}-dbdump.json"
    facts = {"machine": machine.describe(), "costs": [asdict(cost) for cost in costs]}
    path.write_text(json.dumps(facts, indent=1) + "\n")


def _server() -> Server:
    from sqlalchemy.engine import make_url

    text = os.environ.get("ANTARES_LEGACY_TEST_DB")
    if not text:
        raise SystemExit("run inside tests/real/postgresql.sh")
    url = make_url(text)
    place = f"{url.host}:{url.port}/{url.database}"
    import psycopg

    with psycopg.connect(f"postgresql://{url.username}:{url.password}@{place}") as connection:
        row = connection.execute("select pid from pg_stat_activity where backend_type = 'checkpointer'").fetchone()
    if row is None:
        raise SystemExit("the server does not tell its processes")
    parent = int(Path(f"/proc/{row[0]}/stat").read_text().rpartition(")")[2].split()[1])
    return Server(str(url.username), str(url.password), place, parent)


def _make_table(server: Server, name: str, rows: int) -> None:
    import psycopg

    with psycopg.connect(server.url) as connection:
        connection.execute(f"drop table if exists {name}")
        connection.execute(
            f"create table {name} (id bigint primary key, sensor_id int, ts timestamp, temperature double precision, "
            "salinity double precision, speed double precision, direction double precision, comment text)"
        )
        connection.execute(
            f"insert into {name} select n, n % 885, timestamp '2007-01-29' + n * interval '1 minute', "
            "13.2 + sin(n / 1000.0) / 7, 38.48 + cos(n / 700.0) / 11, abs(sin(n / 77.0)) * 0.3, (n * 7 % 3600) / 10.0, "
            "case when n % 10 = 0 then null else 'measurement ' || n % 1000 end "
            f"from generate_series(1, {rows}) as n"
        )
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"vacuum (freeze, analyze) {name}")


def _cases(server: Server) -> Mapping[str, Callable[[Path], Sequence[str]]]:
    peers = [sys.executable, "-m", "benchmarks.dbdump_peers"]
    ours = [PROGRAM, "-q", "dbdump", "dump", server.plain, "--include", "env"]
    cases: dict[str, Callable[[Path], Sequence[str]]] = {
        "ours, parquet, 2 jobs": lambda out: [*ours, "-o", str(out / "image"), "--jobs", "2"],
        "ours, parquet, 1 job": lambda out: [*ours, "-o", str(out / "image"), "--jobs", "1"],
        "ours, parquet and sqlite": lambda out: [*ours, "-o", str(out / "image"), "--format", "both"],
        "connectorx": lambda out: [*peers, "connectorx", server.url, str(out)],
        "adbc": lambda out: [*peers, "adbc", server.url, str(out)],
        "duckdb": lambda out: [*peers, "duckdb", server.url, str(out)],
    }
    program = Path(sys.executable).parent / "db-to-sqlite"
    if program.is_file():
        url = server.url.replace("postgresql", "postgresql+psycopg")
        cases["db-to-sqlite"] = lambda out: [str(program), url, str(out / "few.sqlite"), "--table", "few"]
    return cases


def _run(name: str, rows: int, command: Callable[[Path], Sequence[str]], server: Server) -> Cost:
    INPUTS.mkdir(exist_ok=True)
    environment = {**os.environ, "ANTARES_LEGACY_DB_PASSWORD": server.password, "TZ": "UTC"}
    if name == "duckdb":
        environment["PYTHONPATH"] = str(_duckdb())
    with tempfile.TemporaryDirectory(dir=INPUTS, prefix="out-") as scratch, tempfile.TemporaryFile() as errors:
        out = Path(scratch)
        before, began = server.cpu(), time.monotonic()
        process = subprocess.Popen(command(out), stdout=errors, stderr=errors, env=environment, cwd=HERE.parent)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        time.sleep(0.5)  # the sessions end, and their time becomes the server's
        size = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
    error = said[-1][:300].replace(server.password, "...") if process.returncode and said else ""
    client = usage.ru_utime + usage.ru_stime
    return Cost(name, rows, wall, client, server.cpu() - before, usage.ru_maxrss * 1024, size, error)


def _duckdb() -> Path:
    """Install the DuckDB for which the scanner exists beside ours, once."""
    folder = INPUTS / "duckdb"
    if not folder.is_dir():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *DUCKDB]
        subprocess.run(install, check=True)
    return folder


def _report(costs: Sequence[Cost]) -> str:
    lines = [
        "| way | rows/s | wall s | client CPU s | server CPU s | largest process MB | output MB |",
        "|---|---|---|---|---|---|---|",
    ]
    names = list(dict.fromkeys(cost.case for cost in costs))
    for name in names:
        good = [cost for cost in costs if cost.case == name and not cost.error]
        if not good:
            lines.append(f"| {name} | failed: {next(cost.error for cost in costs if cost.case == name)} |")
            continue
        middle = [median(getattr(cost, key) for cost in good) for key in ("rate", "wall", "client", "server")]
        peak, size = max(cost.peak_rss for cost in good) / 1e6, good[0].size / 1e6
        figures = f"{middle[0]:,.0f} | {middle[1]:.1f} | {middle[2]:.1f} | {middle[3]:.1f} | {peak:.0f} | {size:.0f}"
        lines.append(f"| {name} | {figures} |")
    ours = [cost.rate for cost in costs if cost.case == "ours, parquet, 2 jobs" and not cost.error]
    for name in names:
        peer = [cost.rate for cost in costs if cost.case == name and not cost.error]
        if ours and peer and not name.startswith("ours"):
            ratios = [one / other for one, other in zip(ours, peer, strict=False)]
            lines.append(f"\nours, 2 jobs / {name}: {median(ratios):.2f} [{min(ratios):.2f} to {max(ratios):.2f}]")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
