"""`.evt` files: our reader and the whole conversion beside km3pipe, `wc -l` and `sha256sum`.

Run as ``python -m benchmarks.evt WHAT FILE OUT`` it does the measured work of one child process.
"""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Self

from benchmarks.inputs import CUT_MEGABYTES, HITS, NO_HITS, Input
from benchmarks.measure import OUT, Answer, Case, answering

GROUPS = {"evt-hits": HITS, "evt-no-hits": NO_HITS}


def inputs(group: str, sizes: tuple[int, ...]) -> list[Input]:
    """Return the files that a group needs: the one for km3pipe first, then those of `sizes` megabytes."""
    name, sample = GROUPS[group]
    return [Input(name, sample, size) for size in (CUT_MEGABYTES[name], *sizes)]


def cases(group: str, sizes: tuple[int, ...]) -> list[Case]:
    """Return the cases of a group; its files must exist."""
    cut, *large = inputs(group, sizes)
    first = large[0]
    found = [
        _case(group, "wc", "`wc -l`", first, "wc", "-l", str(first.path)),
        _case(group, "sha256sum", "`sha256sum`", first, "sha256sum", str(first.path)),
        _child(group, "reader", "reader, without sha256", first, "plain"),
        _child(group, "reader-sha256", "reader, with sha256", first, "hashed"),
        _child(group, "reader-cut", "reader, without sha256, km3pipe's input", cut, "plain"),
        _child(group, "convert-cut", "conversion in one process, km3pipe's input", cut, "convert"),
        _child(group, "km3pipe-row", "km3pipe: EvtPump, one-row table, HDF5Sink", cut, "km3pipe-row"),
        _child(group, "km3pipe-pump", "km3pipe: EvtPump alone", cut, "km3pipe-pump"),
    ]
    program = str(Path(sys.executable).parent / "antares-legacy")
    for file in large:
        command = (program, "--quiet", "convert", str(file.path), "-o", OUT)
        text = f"`antares-legacy convert`, {file.megabytes} MB"
        found.append(_case(group, f"convert-{file.megabytes}", text, file, *command))
    return found


def _case(group: str, name: str, text: str, file: Input, *command: str) -> Case:
    return Case(f"{group}/{name}", group, text, command, file.path.stat().st_size)


def _child(group: str, name: str, text: str, file: Input, what: str) -> Case:
    return _case(group, name, text, file, sys.executable, "-m", "benchmarks.evt", what, str(file.path), OUT)


class PlainStream:
    """Stands in for `legacy.checksums.HashingStream` where the reader is measured without the hash."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb", buffering=0)

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes."""
        return self._file.read(size)

    def hexdigest(self) -> str:
        """Return nothing: the file was not hashed."""
        return ""

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _read(path: Path, *, hashed: bool) -> Answer:
    """Read all events into rows and add up what km3pipe's rows have too."""
    from unittest.mock import patch

    import numpy as np

    from converters.readers.evt import stream
    from converters.registry import load_reader
    from converters.source import ReadOptions

    reader = load_reader("evt")
    events, energy, hits = 0, 0.0, 0
    started = time.process_time()
    with ExitStack() as stack:
        if not hashed:
            stack.enter_context(patch.object(stream, "HashingStream", PlainStream))
        file = stack.enter_context(reader.open(path, ReadOptions()))
        for batch in file.batches():
            events += batch.n_events
            energy += float(np.nansum(batch.events["mc_energy"]))
            hits += int(np.maximum(batch.events["n_hits"], 0).sum())
        digest = file.digest()
    work = time.process_time() - started
    if bool(digest) != hashed:
        raise RuntimeError("the reader no longer takes its bytes from stream.HashingStream")
    return {"work": work, "events": events, "energy": energy, "hits": hits}


def _convert(path: Path, out: Path) -> Answer:
    """Convert the file in this process: reader, sha256, HDF5, manifest entry."""
    from converters.pipeline import convert_one
    from converters.readers.evt.reader import EvtReader
    from converters.registry import SUFFIXES
    from converters.request import Request

    target = out / f"{path.stem}{SUFFIXES['hdf5']}"
    started = time.process_time()
    outcome = convert_one(Request(path, target, format=EvtReader.name))
    return {"work": time.process_time() - started, "events": outcome.entry.n_events if outcome.entry else 0}


def _km3pipe(path: Path, out: Path, *, write: bool) -> Answer:
    """Read all events with km3pipe; with `write`, one row for each goes into an HDF5 file."""
    import km3pipe  # type: ignore[import-untyped]

    sums = {"events": 0.0, "energy": 0.0, "hits": 0.0}

    def count(blob: Any) -> Any:
        sums["events"] += 1
        sums["energy"] += blob["neutrino"][0][7]
        sums["hits"] += len(blob.get("hit_raw") or ())
        return blob

    def row(blob: Any) -> Any:
        columns = "pos_x", "pos_y", "pos_z", "dir_x", "dir_y", "dir_z", "energy"
        values: dict[str, Any] = dict(zip(columns, blob["neutrino"][0][1:8], strict=True))
        weights = blob["weights"][0]
        values |= {f"weight_w{number}": weight for number, weight in enumerate(weights, start=1)}
        values |= {"event_id": blob["start_event"][0], "n_hits": len(blob.get("hit_raw") or ())}
        blob["Events"] = km3pipe.Table(values, h5loc="/events")
        return blob

    started = time.process_time()
    pipeline = km3pipe.Pipeline()
    # Without parsers the pump hands on the plain numbers, which is its fastest way.
    pipeline.attach(km3pipe.io.EvtPump, filename=str(path), parsers=None)
    pipeline.attach(count)
    if write:
        pipeline.attach(row)
        pipeline.attach(km3pipe.io.HDF5Sink, filename=str(out / "rows.h5"), keys=["Events"])
    pipeline.drain()
    return {"work": time.process_time() - started, **sums}


WORK: dict[str, Callable[[Path, Path], Answer]] = {
    "plain": lambda path, _: _read(path, hashed=False),
    "hashed": lambda path, _: _read(path, hashed=True),
    "convert": _convert,
    "km3pipe-row": lambda path, out: _km3pipe(path, out, write=True),
    "km3pipe-pump": lambda path, out: _km3pipe(path, out, write=False),
}


if __name__ == "__main__":
    with answering() as answer:
        answer(WORK[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3])))
