"""Checks of acoustic products: inside, and against the recording, which is read a second way here.

The second way shares no code with `records` and `spectrum`: it takes the file apart with `struct` and `array`,
and computes densities by a plain discrete Fourier transform at some frequencies.
"""

import cmath
import math
import struct
import sys
import wave
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from converters.auxiliary.contract import Checked, Document
from legacy.errors import CorruptInputError

_FRAME = 123260
_HEADER = struct.Struct("<III")
_RATE = 195312.5
_LENGTH, _STEP = 2048, 1024
_TOLERANCE = 1e-5
_BINS = (1, 3, 64, 205, 512, 777, 1023, 1024)
"""Frequencies at which a spectrum is computed again: every one would take minutes in plain Python."""
_MOST_RECORDS = 2
_CURVES = ("mean", "median", "quantile_75", "quantile_95")


def check_product(path: Path, document: Document) -> tuple[str, ...]:
    """Return what is wrong inside a product, one line each; raises CorruptInputError for an unreadable WAV file."""
    content, kind = document["content"], document["product"]
    if kind == "wav":
        return tuple(_check_wav(path, content))
    if kind == "psd":
        return tuple(_check_psd(content))
    if kind == "json" and len(content["record_list"]) != content["records"]:
        return (f"record_list has {len(content['record_list'])} entries, records says {content['records']}",)
    if kind == "mp3" and path.stat().st_size == 0:
        return ("the sound is empty",)
    return ()


def _check_wav(path: Path, content: dict[str, Any]) -> Iterator[str]:
    with _open_wav(path) as sound:
        found = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate(), sound.getnframes())
    wanted = (1, 3, content["wav_header_rate_hz"], content["samples"])
    if found != wanted:
        yield f"channels, bytes, rate and samples are {found}, its description says {wanted}"
    if content["sample_rate_hz"] != _RATE:
        yield f"sample_rate_hz is {content['sample_rate_hz']}, expected {_RATE}"
    size = path.stat().st_size
    if size < 44 + 3 * content["samples"]:
        yield f"{size} bytes are too few for {content['samples']} samples"


def _check_psd(content: dict[str, Any]) -> Iterator[str]:
    frequency = content["frequency"]
    if (content["segment_samples"], content["step_samples"], len(frequency)) != (_LENGTH, _STEP, _LENGTH // 2 + 1):
        yield f"expected {_LENGTH // 2 + 1} frequencies from segments of {_LENGTH} samples, each {_STEP} after the last"
    if any(b <= a for a, b in pairwise(frequency)):
        yield "frequencies do not ascend"
    for name in _CURVES:
        if len(content[name]) != len(frequency):
            yield f"{name} has {len(content[name])} values, frequency {len(frequency)}"
        elif not all(math.isfinite(value) and value >= 0 for value in content[name]):
            yield f"{name} holds a value that is negative or no number"
    for low, high in (("median", "quantile_75"), ("quantile_75", "quantile_95")):
        if any(a > b for a, b in zip(content[low], content[high], strict=False)):
            yield f"{low} is above {high}"


def compare_product(path: Path, document: Document, source: Path) -> Checked:
    """Compare a product with its recording.

    Parameters
    ----------
    path
        The product.
    document
        Its description.
    source
        The recording; its SHA-256 has been compared already.
    """
    content, kind = document["content"], document["product"]
    if kind == "wav":
        return _compare_wav(path, content, source)
    if kind == "psd":
        return _compare_psd(content, source)
    if kind == "json":
        return _compare_info(content, source)
    return Checked(remarks=("an MP3 file cannot be compared value by value: the encoding is lossy",))


def _records(source: Path, count: int) -> "Iterator[tuple[int, array[float]]]":
    """Yield time in ns and samples of each record."""
    with source.open("rb") as stream:
        for _ in range(count):
            head = stream.read(_HEADER.size)
            if len(head) < _HEADER.size:
                raise CorruptInputError(source, "has fewer records than the product", expected=str(count))
            samples = array("f")
            samples.frombytes(stream.read(4 * _FRAME))
            if sys.byteorder == "big":
                samples.byteswap()
            seconds, cycles, _ = _HEADER.unpack(head)
            yield seconds * 1_000_000_000 + cycles * 16, samples


def _compare_wav(path: Path, content: dict[str, Any], source: Path) -> Checked:
    values = 0
    with _open_wav(path) as sound:
        for number, (_, samples) in enumerate(_records(source, content["records"]), start=1):
            raw = sound.readframes(_FRAME)
            expected = b"".join(round(value * 8388608.0).to_bytes(3, "little", signed=True) for value in samples)
            if raw != expected:
                return Checked((f"record {number}: the sound differs from the recording",), values)
            values += len(samples)
    return Checked((), values)


def _compare_info(content: dict[str, Any], source: Path) -> Checked:
    problems: list[str] = []
    for number, (row, (time, samples)) in enumerate(
        zip(content["record_list"], _records(source, content["records"]), strict=True), start=1
    ):
        moment = f"{datetime.fromtimestamp(time // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{time % 10**9:09d}Z"
        expected = {
            "minimum": min(samples),
            "maximum": max(samples),
            "mean": math.fsum(samples) / len(samples),
            "rms": math.sqrt(math.fsum(value * value for value in samples) / len(samples)),
        }
        if row["start"] != moment:
            problems.append(f"record {number}: start is {row['start']}, the recording has {moment}")
        problems += [
            f"record {number}: {name} is {row[name]}, the recording has {value}"
            for name, value in expected.items()
            if not math.isclose(row[name], value, rel_tol=1e-9, abs_tol=1e-12)
        ]
    return Checked(tuple(problems), 5 * len(content["record_list"]))


def _compare_psd(content: dict[str, Any], source: Path) -> Checked:
    if content["records"] > _MOST_RECORDS:
        return Checked(remarks=(f"spectra of more than {_MOST_RECORDS} records are not computed a second time",))
    by_bin: dict[int, list[float]] = {number: [] for number in _BINS}
    for _, samples in _records(source, content["records"]):
        for number in _BINS:
            by_bin[number] += _densities(samples, number)
    problems = []
    for number, densities in by_bin.items():
        ordered = sorted(densities)
        expected = {
            "mean": math.fsum(ordered) / len(ordered),
            "median": _quantile(ordered, 0.5),
            "quantile_75": _quantile(ordered, 0.75),
            "quantile_95": _quantile(ordered, 0.95),
        }
        problems += [
            f"{name} at {content['frequency'][number]:.1f} Hz is {content[name][number]}, computed again {value}"
            for name, value in expected.items()
            if not math.isclose(content[name][number], value, rel_tol=_TOLERANCE)
        ]
    remark = f"computed again at {len(_BINS)} of {len(content['frequency'])} frequencies"
    return Checked(tuple(problems), 4 * len(_BINS), (remark,))


def _densities(samples: "array[float]", number: int) -> list[float]:
    """Return the one-sided density of every segment at one frequency, by the definition of the transform."""
    length, step = _LENGTH, _STEP
    window = [math.sin(math.pi * n / length) ** 2 for n in range(length)]
    turns = [w * cmath.exp(-2j * math.pi * number * n / length) for n, w in enumerate(window)]
    offset = sum(turns)
    scale = (1 if number in (0, length // 2) else 2) / (_RATE * math.fsum(w * w for w in window))
    found = []
    for first in range(0, len(samples) - length + 1, step):
        part = samples[first : first + length]
        mean = math.fsum(part) / length
        total = sum(map(complex.__mul__, turns, map(complex, part))) - mean * offset
        found.append(scale * abs(total) ** 2)
    return found


def _quantile(ordered: list[float], part: float) -> float:
    place = part * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _open_wav(path: Path) -> wave.Wave_read:
    try:
        return wave.open(str(path), "rb")
    except (wave.Error, EOFError, OSError) as error:
        raise CorruptInputError(
            path, "no readable WAV file", found=str(error), advice="convert the recording again"
        ) from error
