"""``python -m benchmarks.ingest``: ingest beside Rucio's upload client and LSST's pattern, on one server.

The figure is the server's CPU time for a file: the server is what many jobs share. The server is a sandbox of its
own, made for the run; every case is a process of its own, and uses files and a scope of its own.
"""

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import machine
from benchmarks.measure import REPOSITORY
from ingest.sandbox.lifecycle import Sandbox, down, up

PROGRAM = str(Path(sys.executable).parent / "antares-legacy")
RESULTS = Path(__file__).resolve().parent / "results"
RSE, UPLOAD_RSE = "ANTARES_INPLACE", "ANTARES_DISK"
PEER_FILES = 200
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Cost:
    """What one case cost: seconds of the server's and of the client's CPU, wall seconds, bytes of memory."""

    case: str
    files: int
    server: float
    client: float
    wall: float
    peak_rss: int

    @property
    def per_file(self) -> float:
        """Server CPU, milliseconds for a file."""
        return 1000 * self.server / self.files


class Bench:
    """Files, a server, and the cases.

    Parameters
    ----------
    folder
        Scratch space on a disk.
    sandbox
        The server.
    """

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.sandbox = sandbox
        self.env = {**os.environ, **sandbox.exports(), "XDG_STATE_HOME": str(folder / "state")}

    def files(self, number: int, size: int) -> Path:
        """Make a folder of files, all different, with a sidecar CSV beside it: ten keys of metadata each."""
        folder = self.folder / f"{number}x{size}-{secrets.token_hex(3)}"
        folder.mkdir()
        block = os.urandom(min(size, 1 << 20))
        rows = ["name,run,level,kind,channel,generator,n_events,detector,start,production_version"]
        for each in range(number):
            path = folder / f"{folder.name}-{each:06d}.root"
            with path.open("wb") as stream:
                stream.write(each.to_bytes(8, "big"))
                left = size - 8
                while left:
                    left -= stream.write(block[: min(left, len(block))])
            rows.append(f"{path.name},{45000 + each // 500},2,data,,none,{each},antares,2010-05-01T00:00:00Z,v1r5")
        folder.with_suffix(".csv").write_text("\n".join(rows) + "\n")
        return folder

    def scope(self) -> str:
        """Make a scope."""
        name = f"bench.{secrets.token_hex(6)}"
        script = "import sys; from rucio.client import Client; Client().add_scope('ingest', sys.argv[1])"
        subprocess.run([sys.executable, "-c", script, name], env=self.env, check=True)
        return name

    def json_only(self) -> Path:
        """Write a configuration without Rucio's own columns: the upload client's metadata have none either."""
        path = self.folder / "json-only.yaml"
        path.write_text("ingest:\n  columns: []\n")
        return path

    def run(self, case: str, files: int, command: Sequence[str]) -> Cost:
        """Run a command, and measure it and the server."""
        server = _cpu(self.sandbox.pid)
        started = time.monotonic()
        with subprocess.Popen(command, env=self.env, cwd=REPOSITORY, stdout=subprocess.DEVNULL) as process:
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{case}: exit code {process.returncode}: {command}")
        wall = time.monotonic() - started
        client = usage.ru_utime + usage.ru_stime
        cost = Cost(case, files, _cpu(self.sandbox.pid) - server, client, wall, usage.ru_maxrss * 1024)
        print(f"{case}: {cost.per_file:.2f} ms/file server, {wall:.1f} s wall", file=sys.stderr, flush=True)
        return cost

    def ours(self, case: str, folder: Path, scope: str, number: int, *options: str) -> Cost:
        """Ingest a folder."""
        command = [PROGRAM, "-q", "ingest", str(folder), "--scope", scope, "--rse", RSE]
        return self.run(case, number, [*command, "--sidecar", str(folder.with_suffix(".csv")), *options])

    def peer(self, name: str, case: str, files: Sequence[Path], scope: str, rse: str) -> Cost:
        """Run a peer on files."""
        listing = self.folder / f"{secrets.token_hex(4)}.json"
        rows = [{"path": str(path), "name": path.name, "metadata": _metadata(path)} for path in files]
        listing.write_text(json.dumps(rows))
        command = [sys.executable, "-m", "benchmarks.ingest_peers", name, str(listing), rse, scope, "bench"]
        return self.run(case, len(files), command)


def _metadata(path: Path) -> dict[str, object]:
    number = int(path.stem.rpartition("-")[2])
    return {
        "run": 45000 + number // 500,
        "level": 2,
        "kind": "data",
        "generator": "none",
        "n_events": number,
        "detector": "antares",
        "start": "2010-05-01T00:00:00Z",
        "production_version": "v1r5",
        "start_epoch": 1272672000.0,
        "year": 2010,
    }


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def one_round(bench: Bench, small: int, large: int) -> list[Cost]:
    """Run every case once."""
    folder, scope = bench.files(small, 4000), bench.scope()
    costs = [
        bench.ours("ours, first run", folder, scope, small),
        bench.ours("ours, second run", folder, scope, small),
        bench.ours("ours, JSON metadata only", folder, bench.scope(), small, "--config", str(bench.json_only())),
    ]
    peer_files = sorted(bench.files(PEER_FILES, 4000).glob("*.root"))
    costs.append(bench.peer("upload", "UploadClient", peer_files, bench.scope(), UPLOAD_RSE))
    costs += _known_before(bench)
    if large:
        folder = bench.files(large, 100_000_000)
        costs.append(bench.ours("ours, files of 100 MB", folder, bench.scope(), large))
        _remove(folder)
    return costs


def _known_before(bench: Bench) -> Iterator[Cost]:
    """Register 90 % of the files, then all of them: the re-run is measured."""
    for name in ("ours", "LSST's pattern"):
        folder, scope = bench.files(PEER_FILES, 4000), bench.scope()
        paths = sorted(folder.glob("*.root"))
        some, all_of_it = paths[: PEER_FILES * 9 // 10], paths
        if name == "ours":
            listing = bench.folder / f"{folder.name}.txt"
            listing.write_text("".join(f"{path}\n" for path in some))
            csv = str(folder.with_suffix(".csv"))
            start = [PROGRAM, "-q", "ingest", f"@{listing}", "--scope", scope, "--rse", RSE, "--sidecar", csv]
            yield bench.run("ours, 90 % of 200", len(some), start)
            yield bench.ours("ours, re-run with 90 % known", folder, scope, len(all_of_it))
        else:
            yield bench.peer("register", "LSST's pattern, 90 % of 200", some, scope, RSE)
            yield bench.peer("register", "LSST's pattern, re-run with 90 % known", all_of_it, scope, RSE)


def planned_memory(bench: Bench, number: int) -> Cost:
    """Plan a manifest of many files: the memory counts."""
    folder = bench.folder / "many"
    folder.mkdir()
    rows = []
    for each in range(number):
        path = folder / f"{each % 100:02d}" / f"file-{each:06d}.root"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
        row = {"path": str(path.relative_to(folder)), "size": 1, "adler32": "00790079", "md5": "9" * 32}
        rows.append({**row, "sha256": "2" * 64, "run": each, "level": 2, "kind": "data", "n_events": 5})
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [PROGRAM, "-q", "ingest", str(manifest), "--scope", bench.scope(), "--rse", RSE, "--dry-run"]
    return bench.run(f"plan of {number} files", number, command)


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


@contextmanager
def _bench() -> Iterator[Bench]:
    scratch = REPOSITORY / "benchmarks" / "inputs"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="ingest-") as name:
        folder = Path(name)
        sandbox = up(folder / "rucio")
        try:
            yield Bench(folder, sandbox)
        finally:
            down(folder / "rucio")


def table(costs: Sequence[Cost]) -> str:
    """Return a Markdown table of medians over the rounds, and the ratios that the targets are about."""
    names = list(dict.fromkeys(cost.case for cost in costs))
    lines = ["| case | files | server ms/file | client ms/file | wall s | peak MB |", "|---|---|---|---|---|---|"]
    server = {}
    for name in names:
        mine = [cost for cost in costs if cost.case == name]
        server[name] = median(cost.per_file for cost in mine)
        client = median(1000 * cost.client / cost.files for cost in mine)
        wall, rss = median(cost.wall for cost in mine), median(cost.peak_rss for cost in mine)
        lines.append(f"| {name} | {mine[0].files} | {server[name]:.2f} | {client:.2f} | {wall:.1f} | {rss / 1e6:.0f} |")
    wall = {name: median(cost.wall for cost in costs if cost.case == name) for name in names}
    first, second = "ours, first run", "ours, second run"
    ratios = (
        ("UploadClient / ours", server["UploadClient"] / server[first], ">= 15"),
        (
            "UploadClient / ours, the same metadata",
            server["UploadClient"] / server["ours, JSON metadata only"],
            ">= 15",
        ),
        (
            "LSST's pattern / ours, re-run with 90 % known",
            server["LSST's pattern, re-run with 90 % known"] / server["ours, re-run with 90 % known"],
            ">= 5",
        ),
        ("second run / first run, server", server[second] / server[first], "<= 0.10"),
        ("second run / first run, wall", wall[second] / wall[first], "<= 0.10"),
    )
    lines += ["", "| ratio | measured | target |", "|---|---|---|"]
    lines += [f"| {name} | {value:.3g} | {target} |" for name, value, target in ratios]
    return "\n".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds (default 3)")
    parser.add_argument("--quick", action="store_true", help="one round, few files")
    chosen = parser.parse_args()
    rounds, small, large, many = (1, 500, 0, 5000) if chosen.quick else (chosen.rounds, 5000, 50, 100_000)
    described = machine.describe()
    with _bench() as bench:
        costs = [cost for _ in range(rounds) for cost in one_round(bench, small, large)]
        costs.append(planned_memory(bench, many))
    path = RESULTS / f"{described['date'].replace(':', '')}-ingest.json"
    rows = [{name: getattr(cost, name) for name in Cost.__slots__} for cost in costs]
    path.write_text(json.dumps({"machine": described, "rounds": rounds, "costs": rows}, indent=1) + "\n")
    print(table(costs))
    print(f"raw numbers: {path.relative_to(REPOSITORY)}", file=sys.stderr)


if __name__ == "__main__":
    main()
