"""Checksums of files: all of them in one read beside the slowest alone; one large file, and many small ones."""

import hashlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.measure import REPOSITORY, Answer, Case, Results, answering
from benchmarks.report import Figure

GROUP = "hashing"
SECONDS = "seconds"
"""Wall time of one pass over the files, inside the process: median of `_PASSES`."""

_PASSES = 5
_FOLDER = REPOSITORY / "benchmarks" / "inputs" / "hashing"
_BLOCK = 1 << 20
_INPUTS = {"large": (1, 100_000_000), "small": (5000, 4096)}
"""Number of files and bytes of each."""
_TEXTS = {
    "sha256": "hashlib: sha256 alone",
    "all": "adler32 + md5 + sha256, one read",
    "md5": "hashlib: md5 alone",
    "adler32-md5": "adler32 + md5, one read",
    "hash-all": "`hash_all`: all three, two files at once",
}
_PAIRS = {"all": ("sha256", ">= 0.85x"), "adler32-md5": ("md5", ">= 0.85x"), "hash-all": ("sha256", "")}


def cases() -> list[Case]:
    """Make the files and return the cases of this group."""
    found = []
    for name, (number, size) in _INPUTS.items():
        folder = _make(name, number, size)
        for what, text in _TEXTS.items():
            command = (sys.executable, "-m", "benchmarks.hashing", what, str(folder))
            found.append(Case(f"{GROUP}/{name}-{what}", GROUP, f"{text}; {_described(name)}", command, number * size))
    return found


def figures(results: Results) -> list[Figure]:
    """Return how fast several checksums are beside the slowest of them, by wall time."""
    found = []
    for name in _INPUTS:
        for what, (alone, target) in _PAIRS.items():
            text = f"{_TEXTS[what]}: {_described(name)}"
            ours, peer = f"{GROUP}/{name}-{what}", f"{GROUP}/{name}-{alone}"
            seconds, case = results.median(ours, SECONDS), results.case(ours)
            if seconds is None or case is None:
                found.append(Figure(text, f"not measured: {results.error(ours)}", target))
                continue
            ratios = results.ratios((ours, SECONDS), (peer, SECONDS))
            ratio = f"{median(ratios):.3g}x [{min(ratios):.3g} to {max(ratios):.3g}]" if ratios else ""
            measured = f"{case.size / 1e6 / max(seconds, 1e-3):.0f} MB/s of wall time"
            # 4 kB files are mostly opening and closing; the target is for the hashing.
            found.append(Figure(text, measured, target if name == "large" else "", _TEXTS[alone], ratio))
    return found


def _described(name: str) -> str:
    number, size = _INPUTS[name]
    return f"{number} x {size / 1e6:.3g} MB" if size >= 1_000_000 else f"{number} x {size / 1e3:.1f} kB"


def _make(name: str, number: int, size: int) -> Path:
    folder = _FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(number):
        path = folder / f"{index:06d}"
        if not path.exists() or path.stat().st_size != size:
            with path.open("wb") as stream:  # in parts: the memory of this process is a floor for those measured
                for begin in range(0, size, _BLOCK):
                    stream.write(os.urandom(min(_BLOCK, size - begin)))
    return folder


def _alone(algorithm: str) -> Callable[[list[Path]], None]:
    def read(files: list[Path]) -> None:
        for path in files:
            digest = hashlib.new(algorithm, usedforsecurity=False)
            with path.open("rb", buffering=0) as stream:
                while block := stream.read(_BLOCK):
                    digest.update(block)
            digest.hexdigest()

    return read


def _together(*, sha256: bool) -> Callable[[list[Path]], None]:
    from legacy.checksums import checksums

    def read(files: list[Path]) -> None:
        for path in files:
            checksums(path, sha256=sha256)

    return read


def _at_once(files: list[Path]) -> None:
    from ingest.hashing import hash_all
    from ingest.item import Sums

    if not all(isinstance(found, Sums) for _, found in hash_all(map(str, files), 2)):
        raise RuntimeError("a file could not be read")


def _passes(read: Callable[[list[Path]], None], files: list[Path]) -> Answer:
    seconds = []
    began = time.process_time()
    for _ in range(_PASSES):
        started = time.perf_counter()
        read(files)
        seconds.append(time.perf_counter() - started)
    return {SECONDS: median(seconds), "work": (time.process_time() - began) / _PASSES}


WORK: dict[str, Callable[[], Callable[[list[Path]], None]]] = {
    "sha256": lambda: _alone("sha256"),
    "md5": lambda: _alone("md5"),
    "all": lambda: _together(sha256=True),
    "adler32-md5": lambda: _together(sha256=False),
    "hash-all": lambda: _at_once,
}


if __name__ == "__main__":
    with answering() as answer:
        answer(_passes(WORK[sys.argv[1]](), sorted(Path(sys.argv[2]).iterdir())))
