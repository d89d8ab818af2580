"""From runs to figures beside their targets, as Markdown and as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from benchmarks.measure import Results, Run

MEMORY_TARGET = "<= 150 MB, whatever the size"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table of figures.

    Parameters
    ----------
    text
        What is measured.
    measured
        Median of the rounds with its unit, or why there is none.
    target
        What is aimed at, ``""`` if nothing.
    beside
        What it is compared with, from the same run.
    ratio
        How many times better than that, median and range of the rounds.
    """

    text: str
    measured: str
    target: str = ""
    beside: str = ""
    ratio: str = ""


def figures(results: Results) -> list[Figure]:
    """Return the figures of everything that was measured."""
    found: list[Figure] = []
    groups = {case.group for case in results.cases}
    if "evt-hits" in groups:
        found += _evt(
            results, "evt-hits", ".evt with hits", reader=">= 180 MB/CPU s", ratio=">= 20x", whole=">= 80 MB/CPU s"
        )
    if "evt-no-hits" in groups:
        found += _evt(results, "evt-no-hits", ".evt without hits", reader="", ratio=">= 60x", whole="")
    if "offline-root" in groups:
        found += _offline_root(results)
    if "hashing" in groups:
        from benchmarks import hashing  # it makes figures, too

        found += hashing.figures(results)
    if "startup" in groups:
        found.append(_cpu(results, "`antares-legacy --help`", "startup/help", "<= 0.25 CPU s", "startup/python"))
    return found


def _evt(results: Results, group: str, text: str, *, reader: str, ratio: str, whole: str) -> list[Figure]:
    work = "work"
    row, pump = (f"{group}/km3pipe-row", work), (f"{group}/km3pipe-pump", work)
    found = [
        _rate(results, f"{text}: reader without sha256", (f"{group}/reader", work), reader, (f"{group}/wc", "cpu")),
        _rate(
            results, f"{text}: reader with sha256", (f"{group}/reader-sha256", work), "", (f"{group}/sha256sum", "cpu")
        ),
        _rate(results, f"{text}: reader, beside one row", (f"{group}/reader", work), ratio, row),
        _rate(results, f"{text}: reader, same bytes as km3pipe", (f"{group}/reader-cut", work), "", row),
        _rate(results, f"{text}: conversion, same bytes as km3pipe", (f"{group}/convert-cut", work), "", row),
        _rate(results, f"{text}: reader, same bytes as km3pipe", (f"{group}/reader-cut", work), "", pump),
    ]
    converted = [case for case in results.cases if case.name.startswith(f"{group}/convert-") and "cut" not in case.name]
    for case in converted:
        label = f"{text}: {case.text}, whole process"
        found.append(_rate(results, label, (case.name, "cpu"), whole, row))
    peak = f"{text}: peak memory"
    return [*found, *(_memory(results, f"{peak}, {case.text}", case.name, converted[0].name) for case in converted)]


def _offline_root(results: Results) -> list[Figure]:
    ours, peer = "offline-root/convert", "offline-root/km3io"
    return [
        _cpu(results, "offline ROOT, 307 events: whole process", ours, "<= 2.2 CPU s, >= 1.3x", peer),
        _cpu(results, "offline ROOT, 307 events: km3io, whole process", peer, "", ""),
        _memory(results, "offline ROOT, 307 events: peak memory", ours, peer),
    ]


def _rate(results: Results, text: str, ours: tuple[str, str], target: str, peer: tuple[str, str]) -> Figure:
    rates = results.rates(*ours)
    if not rates:
        return _missing(results, text, ours[0], target)
    ratio = _range(results.ratios(ours, peer))
    measured = f"{median(rates.values()):.3g} MB/CPU s{_incomplete(results, ours[0])}"
    return Figure(text, measured, target, _beside(results, peer[0]), ratio)


def _cpu(results: Results, text: str, ours: str, target: str, peer: str) -> Figure:
    seconds = results.median(ours, "cpu")
    if seconds is None:
        return _missing(results, text, ours, target)
    ratio = _range(results.ratios((ours, "cpu"), (peer, "cpu"))) if peer else ""
    return Figure(text, f"{seconds:.2f} CPU s{_incomplete(results, ours)}", target, _beside(results, peer), ratio)


def _memory(results: Results, text: str, name: str, other: str) -> Figure:
    target = MEMORY_TARGET if name.startswith("evt") else ""
    peak, beside = results.median(name, "peak_rss"), results.median(other, "peak_rss")
    if peak is None:
        return _missing(results, text, name, target)
    ratio = f"{peak / beside:.2f} of it" if beside and other != name else ""
    return Figure(text, f"{peak / 1e6:.0f} MB", target, _beside(results, other) if ratio else "", ratio)


def _missing(results: Results, text: str, name: str, target: str) -> Figure:
    return Figure(text, f"not measured: {results.error(name)}", target)


def _incomplete(results: Results, name: str) -> str:
    """Say so if not every round of a case ended well."""
    good, every = len(results.good(name)), sum(run.case == name for run in results.runs)
    return "" if good == every else f" ({good} of {every} runs; the others failed: {results.error(name)})"


def _beside(results: Results, name: str) -> str:
    case = results.case(name)
    return case.text if case else ""


def _range(ratios: Sequence[float]) -> str:
    if not ratios:
        return ""
    middle = f"{median(ratios):.3g}x"
    return middle if len(ratios) == 1 else f"{middle} [{min(ratios):.3g} to {max(ratios):.3g}]"


def agreement(results: Results) -> list[str]:
    """Say, for each sum that two programs made of the same input, both values."""
    pairs = [
        (f"{group}/{ours}", f"{group}/{peer}")
        for group, ours, peer in (
            ("evt-hits", "reader-cut", "km3pipe-row"),
            ("evt-no-hits", "reader-cut", "km3pipe-row"),
            ("offline-root", "rows", "km3io"),
        )
        if results.good(f"{group}/{ours}") and results.good(f"{group}/{peer}")
    ]
    lines = []
    for ours, peer in pairs:
        mine, theirs = results.good(ours)[0].answer, results.good(peer)[0].answer
        common = sorted((mine.keys() & theirs.keys()) - {"work"})
        sums = (f"{name} {mine[name]:.9g} and {theirs[name]:.9g}" for name in common)
        lines.append(f"- {ours} and {peer.rpartition('/')[2]}: {'; '.join(sums)}")
    return lines


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def _case_rows(results: Results) -> list[list[str]]:
    rows = []
    for case in (case for case in results.cases if case.timed):
        if not results.good(case.name):
            rows.append([case.group, case.text, "", f"not measured: {results.error(case.name)}", "", "", "", "", ""])
            continue
        cpu, wall = results.median(case.name, "cpu") or 0.0, results.median(case.name, "wall") or 0.0
        work, peak = results.median(case.name, "work"), results.median(case.name, "peak_rss") or 0.0
        size = case.size / 1e6
        rows.append(
            [
                case.group,
                case.text,
                f"{size:.1f}" if size else "",
                f"{cpu:.2f}",
                f"{wall:.2f}",
                "" if work is None else f"{work:.2f}",
                f"{size / max(cpu, 1e-3):.3g}" if size else "",
                f"{size / max(work, 1e-3):.3g}" if size and work is not None else "",
                f"{peak / 1e6:.0f}",
            ]
        )
    return rows


def markdown(results: Results, machine: Mapping[str, str], rounds: int) -> str:
    """Return the whole report."""
    lines = ["# Benchmark of antares-legacy", ""]
    lines += [f"- {name}: {value}" for name, value in machine.items()]
    lines += [f"- rounds: {rounds}, interleaved; every figure is a median over the rounds", "", "## Figures", ""]
    head = ("figure", "measured", "target", "beside, same run", "ratio")
    lines += _table(head, [(f.text, f.measured, f.target, f.beside, f.ratio) for f in figures(results)])
    lines += ["", "## Processes", ""]
    head_cases = ("group", "process", "input MB", "CPU s", "wall s", "work CPU s", "MB/CPU s", "MB/work s", "peak MB")
    lines += _table(head_cases, _case_rows(results))
    if same := agreement(results):
        lines += ["", "## The same rows", "", *same]
    return "\n".join(lines) + "\n"


def save(path: Path, results: Results, machine: Mapping[str, str], rounds: int) -> None:
    """Write figures and all raw numbers as JSON; raises OSError."""
    content = {
        "machine": dict(machine),
        "rounds": rounds,
        "figures": [asdict(figure) for figure in figures(results)],
        "cases": [asdict(case) for case in results.cases],
        "runs": [_run_dict(run) for run in results.runs],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n")


def _run_dict(run: Run) -> dict[str, object]:
    return {**asdict(run), "answer": dict(run.answer)}
