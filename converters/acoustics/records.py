"""The raw binary format: records of a time stamp and samples, as KM3NeT's acoustic data filter dumps them.

A record is, little-endian: seconds since 1970 (u4), cycles of 16 ns (u4), analysis window in samples (u4), then
the samples (f4). The window is longer than the samples by an overlap that the dump omits and that no field
states. Source: KM3NeT/km3io, src/km3io/acoustics.py, and a file of km3net-testdata; the samples found there are
whole multiples of 2^-23.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from legacy.errors import CorruptInputError, InputError

SAMPLE_RATE = 195312.5
"""Samples per second: one sample takes 320 cycles of 16 ns."""
SAMPLE_NS = 5120
CYCLE_NS = 16
WINDOW = 131072
OVERLAP = 7812
FRAME = WINDOW - OVERLAP
"""Samples in a record."""
HEADER_BYTES = 12
RECORD_BYTES = HEADER_BYTES + 4 * FRAME
FULL_SCALE = 1 << 23
"""Steps of the converter between 0 and full scale: 24 bits with sign."""

_EARLIEST, _LATEST = 946_684_800, 4_102_444_800  # the years 2000 to 2100
_CYCLES_PER_SECOND = 10**9 // CYCLE_NS
_NAME = re.compile(r"DOM_(\d{1,10})_CH(\d{1,3})_(\d{9,10})\.bin", re.IGNORECASE)

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Origin:
    """What the name of a file says; the file itself names no sensor.

    Parameters
    ----------
    dom_id
        Identifier of the optical module, None if the name does not follow the pattern.
    channel
        Acoustic channel of the module.
    file_time
        Unix time in the name, s.
    """

    dom_id: int | None = None
    channel: int | None = None
    file_time: int | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """One record, and figures of its samples.

    Parameters
    ----------
    start_ns
        Time of the first sample, ns since 1970.
    minimum, maximum, mean, rms
        Of the samples, in parts of full scale; rms about 0.
    off_grid
        Samples that are no whole multiple of 2^-23.
    too_large
        Samples that 24 bits cannot hold.
    """

    start_ns: int
    minimum: float
    maximum: float
    mean: float
    rms: float
    off_grid: int
    too_large: int

    @property
    def stop_ns(self) -> int:
        """Time after the last sample, ns since 1970."""
        return self.start_ns + FRAME * SAMPLE_NS


@dataclass(frozen=True, slots=True)
class Recording:
    """A file that was read to its end.

    Parameters
    ----------
    path
        The file.
    origin
        What its name says.
    records
        All whole records.
    dropped
        Bytes at the end that are no whole record; 0 unless the file was salvaged.
    problem
        Why they were dropped.
    """

    path: Path
    origin: Origin
    records: tuple[Record, ...]
    dropped: int = 0
    problem: str = ""

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(self.records) * FRAME

    @property
    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Number of each record, from 1, that begins a new run, and how much later than expected it begins, ns.

        Expected is the time of the run's first sample and the number of samples since, so that small steps do not
        add up unseen. Where a record begins too early, the two overlap and the time is negative.
        """
        found = []
        expected = self.records[0].start_ns
        for number, record in enumerate(self.records, start=1):
            late = record.start_ns - expected
            if abs(late) * 2 >= SAMPLE_NS:
                found.append((number, late))
                expected = record.start_ns
            expected += FRAME * SAMPLE_NS
        return tuple(found)

    def frames(self) -> Iterator[Samples]:
        """Yield the samples of one record after the other, in parts of full scale.

        Raises
        ------
        CorruptInputError
            The file became shorter since it was opened.
        """
        with self.path.open("rb") as stream:
            for _ in self.records:
                yield _samples(self.path, stream.read(RECORD_BYTES))


def looks_like(head: bytes) -> bool:
    """Say if a file may begin with a record; the format has no magic word, so its three numbers decide."""
    if len(head) < HEADER_BYTES:
        return False
    seconds, cycles, window = _numbers(head)
    return window == WINDOW and cycles < _CYCLES_PER_SECOND and _EARLIEST <= seconds < _LATEST


def origin_of(name: str) -> Origin:
    """Return what a file name such as ``DOM_808956920_CH1_1608751683.bin`` says."""
    match = _NAME.fullmatch(name)
    return Origin(*map(int, match.groups())) if match else Origin()


def iso(time_ns: int) -> str:
    """Return a time as ISO 8601 in UTC with nanoseconds."""
    seconds, rest = divmod(time_ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def read_recording(path: Path, *, salvage: bool = False) -> Recording:
    """Read a file to its end and check every record; memory is that of one record.

    Parameters
    ----------
    path
        The file.
    salvage
        Keep the whole records before the first damage, instead of refusing the file.

    Raises
    ------
    CorruptInputError
        The file is cut, a header is impossible, times go back, or a sample is no number.
    InputError
        It cannot be read.
    """
    records: list[Record] = []
    position = 0
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            while position < size:
                last = records[-1] if records else None
                records.append(_record(path, stream.read(RECORD_BYTES), len(records) + 1, position, last))
                position += RECORD_BYTES
    except CorruptInputError as error:
        if not salvage or not records:
            raise
        return Recording(path, origin_of(path.name), tuple(records), size - position, str(error))
    except OSError as error:
        raise InputError(
            path, f"cannot be read ({error.strerror})", advice="check its permissions and the storage"
        ) from error
    if not records:
        raise CorruptInputError(path, "the file is empty", expected="a record", found="0 bytes")
    return Recording(path, origin_of(path.name), tuple(records))


def _record(path: Path, block: bytes, number: int, position: int, before: Record | None) -> Record:
    where = f"record {number}, byte {position}"
    if len(block) >= HEADER_BYTES:
        _check_header(path, block, where)
    if len(block) < RECORD_BYTES:
        raise CorruptInputError(
            path,
            "ends within a record",
            where=where,
            expected=f"{RECORD_BYTES} bytes",
            found=f"{len(block)}",
            advice="fetch it again; --salvage keeps the whole records",
        )
    seconds, cycles, _ = _numbers(block)
    start_ns = seconds * 10**9 + cycles * CYCLE_NS
    if before is not None and start_ns <= before.start_ns:
        raise CorruptInputError(
            path,
            "time does not go on",
            where=where,
            expected=f"a time after {iso(before.start_ns)}",
            found=iso(start_ns),
            advice="fetch it again and compare its checksum",
        )
    return _measured(path, _samples(path, block), start_ns, where)


def _check_header(path: Path, block: bytes, where: str) -> None:
    if looks_like(block):
        return
    seconds, cycles, window = _numbers(block)
    raise CorruptInputError(
        path,
        "no header of a record",
        where=where,
        expected=f"a time from 2000 to 2100, cycles below {_CYCLES_PER_SECOND}, a window of {WINDOW} samples",
        found=f"second {seconds}, cycle {cycles}, window {window}",
        advice="another window or overlap cannot be read; else fetch the file again",
    )


def _measured(path: Path, samples: Samples, start_ns: int, where: str) -> Record:
    if not np.isfinite(samples).all():
        first = int(np.argmin(np.isfinite(samples)))
        raise CorruptInputError(
            path,
            "a sample is no finite number",
            where=f"{where}, sample {first}",
            found=str(samples[first]),
            advice="fetch it again; --salvage keeps the records before",
        )
    wide = samples.astype(np.float64)
    steps = wide * FULL_SCALE
    whole = np.rint(steps)
    return Record(
        start_ns,
        float(wide.min()),
        float(wide.max()),
        float(wide.mean()),
        float(np.sqrt(np.mean(wide**2))),
        int(np.count_nonzero(steps != whole)),
        int(np.count_nonzero((whole < -FULL_SCALE) | (whole >= FULL_SCALE))),
    )


def _numbers(block: bytes) -> tuple[int, int, int]:
    seconds, cycles, window = (int.from_bytes(block[n : n + 4], "little") for n in (0, 4, 8))
    return seconds, cycles, window


def _samples(path: Path, block: bytes) -> Samples:
    if len(block) != RECORD_BYTES:
        raise CorruptInputError(path, "became shorter while it was read", advice="convert it again when it is complete")
    return np.frombuffer(block, dtype="<f4", offset=HEADER_BYTES)
