"""``python -m benchmarks``: make the inputs, run everything in interleaved rounds, print and save the table."""

import argparse
import subprocess
import sys
from pathlib import Path

from benchmarks import evt, hashing, machine, offline_root, report, startup
from benchmarks.measure import REPOSITORY, Case, Results, Run, run

RESULTS = Path(__file__).resolve().parent / "results"
GROUPS = (*evt.GROUPS, offline_root.GROUP, startup.GROUP, hashing.GROUP)
_WARM_UP_BYTES = 10_000_000


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed and memory beside other programs.")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds (default 3)")
    parser.add_argument("--quick", action="store_true", help="one round, 50 MB only")
    parser.add_argument("--only", action="append", choices=GROUPS, metavar="NAME", help=f"one of: {', '.join(GROUPS)}")
    chosen = parser.parse_args()
    if chosen.rounds < 1:
        parser.error("--rounds: expected 1 or more")
    return chosen


def _cases(groups: tuple[str, ...], sizes: tuple[int, ...]) -> list[Case]:
    """Make the inputs, then the cases that use them."""
    wanted = [file for group in groups if group in evt.GROUPS for file in evt.inputs(group, sizes)]
    names = [f"{file.name}:{file.megabytes}" for file in wanted]
    subprocess.run([sys.executable, "-m", "benchmarks.inputs", *names], check=True, cwd=REPOSITORY)
    cases = [case for group in groups if group in evt.GROUPS for case in evt.cases(group, sizes)]
    if offline_root.GROUP in groups:
        cases += offline_root.cases()
    if startup.GROUP in groups:
        cases += startup.cases()
    if hashing.GROUP in groups:
        cases += hashing.cases()
    return cases


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _measure(cases: list[Case], rounds: int) -> list[Run]:
    for case in cases:
        if case.timed and case.size < _WARM_UP_BYTES:  # compiles modules and fills the page cache
            _say(f"warm-up: {case.name}")
            run(case, -1)
    runs = []
    for number in range(rounds):
        for case in cases:
            if case.timed or number == rounds - 1:
                runs.append(run(case, number))
                state = f"failed: {runs[-1].error}" if runs[-1].exit_code else f"{runs[-1].cpu:.2f} CPU s"
                _say(f"round {number + 1} of {rounds}: {case.name}: {state}")
    return runs


def main() -> None:
    """Run the benchmark."""
    chosen = _arguments()
    rounds, sizes = (1, (50,)) if chosen.quick else (chosen.rounds, (50, 200))
    groups = tuple(group for group in GROUPS if not chosen.only or group in chosen.only)
    described = machine.describe()
    cases = _cases(groups, sizes)
    results = Results(cases, _measure(cases, rounds))
    path = RESULTS / f"{described['date'].replace(':', '')}.json"
    report.save(path, results, described, rounds)
    print(report.markdown(results, described, rounds))
    _say(f"raw numbers: {path.relative_to(REPOSITORY)}")


if __name__ == "__main__":
    main()
