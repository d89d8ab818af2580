"""``python -m benchmarks.dbdump_oracle``: our Oracle path beside the bare driver's Arrow fetch, on the test double.

The double keeps its replies encoded and sends them again, so that the client is what is measured. Each way reads the
table once to fill that cache, then again for the figure, in a process of its own. There is no real Oracle in this: it
says what the client costs, not what a server gives.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
PASSWORD = "tiger"
COLUMNS = (
    'id NUMBER(12), sensor_id NUMBER(6), ts TIMESTAMP(6), temperature "NUMBER(8,4) TEXT", salinity BINARY_DOUBLE, '
    'speed BINARY_DOUBLE, direction "NUMBER(5,1) TEXT", note VARCHAR2(40)'
)


def main() -> None:
    """Make the table, serve it, run both ways in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=400_000)
    parser.add_argument("--inside", choices=("ours", "bare"))
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(_inside(options.inside, options.port)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        port, server = _serve(Path(scratch), options.rows)
        try:
            found = {way: [_run(way, port) for _ in range(options.rounds)] for way in ("bare", "ours")}
        finally:
            server.terminate()
            server.wait()
    print("| way | rows/s (wall) | rows per CPU second |\n|---|---|---|")
    for way, runs in found.items():
        wall, cpu = (median(options.rows / run[key] for run in runs) for key in ("wall", "cpu"))
        print(f"| {way} | {wall:,.0f} | {cpu:,.0f} |")
    ratios = [bare["wall"] / ours["wall"] for bare, ours in zip(found["bare"], found["ours"], strict=True)]
    print(f"\nours / bare driver: {median(ratios):.2f} [{min(ratios):.2f} to {max(ratios):.2f}], target 0.60")


def _serve(scratch: Path, rows: int) -> tuple[int, "subprocess.Popen[str]"]:
    path, password = scratch / "bench.sqlite", scratch / "password"
    password.write_text(PASSWORD)
    with sqlite3.connect(path) as connection:
        connection.execute(f"create table env ({COLUMNS})")
        values = (_row(number) for number in range(rows))
        connection.executemany("insert into env values (?, ?, ?, ?, ?, ?, ?, ?)", values)
    connection.close()
    double = [sys.executable, str(HERE.parent / "tests" / "oracle_double"), "--db", str(path), "--speed"]
    server = subprocess.Popen([*double, "--password-file", str(password)], stdout=subprocess.PIPE, text=True)
    if server.stdout is None:
        raise SystemExit("the double says nothing")
    return int(server.stdout.readline()), server


def _row(n: int) -> tuple[object, ...]:
    moment = f"2007-01-29 00:{n // 60 % 60:02d}:{n % 60:02d}.123456"
    note = None if n % 10 == 0 else f"measurement {n % 1000}"
    temperature, direction = f"{13.2 + n % 100 / 1e4:.4f}", f"{n % 3600 / 10:.1f}"
    return n, n % 885, moment, temperature, 38.48 + n / 1e9, n % 300 / 1000, direction, note


def _run(way: str, port: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.dbdump_oracle", "--inside", way, "--port", str(port)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _inside(way: str, port: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as scratch:
        work = (_ours if way == "ours" else _bare)(port, Path(scratch))
        work()
        wall, cpu = time.monotonic(), time.process_time()
        work()
        return {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}


def _bare(port: int, folder: Path) -> Callable[[], None]:
    from benchmarks.dbdump_peers import oracle

    os.environ["ANTARES_LEGACY_DB_PASSWORD"] = PASSWORD
    return lambda: oracle(f"127.0.0.1:{port}/ANTARES", folder)


def _ours(port: int, folder: Path) -> Callable[[], None]:
    from dbdump.dump.options import Content
    from dbdump.dump.planner import plan_table
    from dbdump.dump.worker import ChunkTask, dump_chunk
    from dbdump.lobs import DEFAULT_THRESHOLD
    from dbdump.plan import Chunk, TablePlan
    from dbdump.sources.opening import Access, connect

    access = Access(f"oracle+oracledb://antares@127.0.0.1:{port}/?service_name=ANTARES", PASSWORD)
    source = connect(access)
    snapshot = source.begin("none")
    (table,) = source.reflect((source.default_schema(),)).tables
    plan = plan_table(source, table, Content())
    source.close()
    chunk = Chunk(table.name, 0)
    task = ChunkTask(access, snapshot, 0, folder, TablePlan(table, plan.columns, (chunk,)), chunk, DEFAULT_THRESHOLD)

    def work() -> None:
        done = dump_chunk(task)
        if not hasattr(done, "parts"):
            raise SystemExit(str(done))

    return work


if __name__ == "__main__":
    main()
