"""``python -m benchmarks.i3 FILE``: how fast `.i3` frames are walked and converted, per CPU second of one core.

MB are megabytes (10**6 bytes) of uncompressed frames. The frames are repeated in a plain file, so neither decompression
nor start-up counts. Two rows: all frames of the file as it is, and those with events alone, which have many small
objects; a file of IceTray's own can be four fifths tray information, which is passed over.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from converters.readers.i3.frame import frames
from converters.readers.i3.reader import I3Reader
from converters.readers.i3.stream import Source
from converters.source import ReadOptions

_PIECE = 1 << 20


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.i3", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--megabytes", type=int, default=50, metavar="N", help="size of each input (default 50)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="rounds, of which the median counts")
    return parser.parse_args()


def _inputs(path: Path, megabytes: int, folder: Path) -> Iterator[tuple[str, Path]]:
    source = Source(path)
    whole = b"".join(source.pieces())
    source.close()
    found = list(frames(iter([whole]), verify=False))
    events = b"".join(whole[one.offset : one.offset + one.size] for one in found if one.stream != "I")
    for name, data in (("all frames", whole), ("frames with events", events)):
        copy = folder / name.replace(" ", "-")
        with copy.open("wb") as stream:
            for _ in range(max(1, megabytes * 10**6 // len(data))):
                stream.write(data)
        yield name, copy


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece


def _walk(path: Path, *, verify: bool) -> None:
    for _ in frames(_pieces(path), verify=verify):
        continue


def _convert(path: Path) -> None:
    with I3Reader().open(path, ReadOptions()) as file:
        for _ in file.batches():
            continue
        file.digest()


def _speed(work: Callable[[], None], size: int) -> float:
    begin = time.process_time()
    work()
    return size / 1e6 / (time.process_time() - begin)


def main() -> None:
    """Measure and print a table."""
    chosen = _arguments()
    print("| frames | MB | walk MB/s | walk and verify MB/s | to tables MB/s |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, path in _inputs(chosen.file, chosen.megabytes, Path(folder)):
            size = path.stat().st_size
            work: tuple[Callable[[], None], ...] = (
                lambda path=path: _walk(path, verify=False),
                lambda path=path: _walk(path, verify=True),
                lambda path=path: _convert(path),
            )
            found = [median(_speed(one, size) for _ in range(chosen.rounds)) for one in work]
            print(f"| {name} | {size / 1e6:.0f} | " + " | ".join(f"{speed:.0f}" for speed in found) + " |")
    print(f"\nlargest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
