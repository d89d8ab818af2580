"""Large `.evt` files, made by repeating the events of a real sample file with new event numbers.

Run as ``python -m benchmarks.inputs NAME...`` it makes the named files. The benchmark does that in a process
of its own, because a parent's peak memory is inherited by the figure of every process it starts.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "inputs"
_MARK = b"start_event:"


@dataclass(frozen=True, slots=True)
class Input:
    """A file to be made.

    Parameters
    ----------
    name
        First part of its name.
    sample
        Path of the sample in km3net-testdata.
    megabytes
        Size in units of 10^6 bytes; the file ends with the first event that reaches it.
    """

    name: str
    sample: str
    megabytes: int

    @property
    def path(self) -> Path:
        """Where the file lies."""
        return FOLDER / f"{self.name}_{self.megabytes}.evt"


HITS = "hits", "evt/example_numuCC.evt"
NO_HITS = "no-hits", "gseagen/gseagen_v7.0.0_numuCC_diffuse.evt"
CUT_MEGABYTES = {"hits": 8, "no-hits": 4}
"""What km3pipe gets: the first events of the larger file, for it would need a quarter of an hour for all."""


def sample_path(name: str) -> Path:
    """Return the path of a sample file; raises ModuleNotFoundError without km3net-testdata."""
    from km3net_testdata import data_path

    return Path(data_path(name))


def _pieces(wanted: Input) -> Iterator[tuple[bytes, ...]]:
    """Yield the header, then event after event, until the size is reached."""
    header, *events = sample_path(wanted.sample).read_bytes().split(_MARK)
    parts = [event.partition(b"\n") for event in events]
    size = len(header)
    yield (header,)
    for number, (first, newline, rest) in enumerate(cycle(parts), start=1):
        if size >= wanted.megabytes * 1_000_000:
            return
        start = b"%s %d %s%s" % (_MARK, number, first.split()[1], newline)
        size += len(start) + len(rest)
        yield start, rest


def ensure(wanted: Input) -> None:
    """Make the file unless one of exactly the right size is there.

    Raises
    ------
    OSError
        The disk is full, or the folder cannot be written to.
    """
    size = sum(len(part) for parts in _pieces(wanted) for part in parts)
    if wanted.path.is_file() and wanted.path.stat().st_size == size:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    unfinished = wanted.path.with_suffix(".part")
    with unfinished.open("wb") as stream:
        for parts in _pieces(wanted):
            stream.writelines(parts)
    unfinished.replace(wanted.path)


def main(names: list[str]) -> None:
    """Make the files called ``NAME:MEGABYTES``."""
    samples = dict((HITS, NO_HITS))
    for name in names:
        kind, _, megabytes = name.partition(":")
        ensure(Input(kind, samples[kind], int(megabytes)))


if __name__ == "__main__":
    main(sys.argv[1:])
