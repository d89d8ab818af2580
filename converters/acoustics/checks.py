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
_MOST_RECORDS = 16
_CURVES = ("mean", "median", "quantile_75", "quantile_95")


def check_product(path: Path, document: Document) -> tuple[str, ...]:
    """Return what is wrong inside a product, one line each; raises CorruptInputError for an unreadable WAV file."""
    content, kind = document["content"], document["product"]
    found = list(_check_facts(content))
    if kind == "wav":
        found += _check_wav(path, content)
    if kind == "psd":
        found += _check_psd(content)
    if kind == "json" and len(content["record_list"]) != content["records"]:
        found.append(f"record_list has {len(content['record_list'])} entries, records says {content['records']}")
    if kind == "mp3" and path.stat().st_size == 0:
        found.append("the sound is empty")
    return tuple(found)


def _check_facts(content: dict[str, Any]) -> Iterator[str]:
    samples = content["records"] * _FRAME
    wanted = {"sample_rate_hz": _RATE, "samples": samples, "duration_s": samples / _RATE}
    for name, value in wanted.items():
        if content[name] != value:
            yield f"{name} is {content[name]}, expected {value} for {content['records']} records"
    if samples <= 0:
        yield "has no records"


def _check_wav(path: Path, content: dict[str, Any]) -> Iterator[str]:
    with _open_wav(path) as sound:
        found = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate(), sound.getnframes())
    wanted = (1, 3, content["wav_header_rate_hz"], content["samples"])
    if found != wanted:
        yield f"channels, bytes, rate and samples are {found}, its description says {wanted}"
    size = path.stat().st_size
    if size < 44 + 3 * content["samples"]:
        yield f"{size} bytes are too few for {content['samples']} samples"


def _check_psd(content: dict[str, Any]) -> Iterator[str]:
    frequency = content["frequency"]
    if (content["segment_samples"], content["step_samples"], len(frequency)) != (_LENGTH, _STEP, _LENGTH // 2 + 1):
        yield f"expected {_LENGTH // 2 + 1} frequencies from segments of {_LENGTH} samples, each {_STEP} after the last"
    elif any(value != number * _RATE / _LENGTH for number, value in enumerate(frequency)):
        yield f"frequencies are not multiples of {_RATE / _LENGTH:.3f} Hz"
    wanted = content["records"] * ((_FRAME - _LENGTH) // _STEP + 1)
    if content["segments"] != wanted:
        yield f"segments is {content['segments']}, expected {wanted}"
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
    if wrong := tuple(_compare_times(content, source)):
        return Checked(wrong)
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


def _compare_times(content: dict[str, Any], source: Path) -> Iterator[str]:
    """Yield what is wrong with the times that a product states of its runs of records."""
    count, bytes_ = content["records"], source.stat().st_size
    if count * (_HEADER.size + 4 * _FRAME) + content["dropped_bytes"] != bytes_:
        yield f"{count} records and {content['dropped_bytes']} bytes dropped are not the {bytes_} of the recording"
        return
    runs: list[dict[str, Any]] = []
    gaps = []
    began = first = 0
    with source.open("rb") as stream:
        for number in range(count):
            seconds, cycles, _ = _HEADER.unpack(stream.read(_HEADER.size))
            stream.seek(4 * _FRAME, 1)
            time = seconds * 1_000_000_000 + cycles * 16
            late = time - began - (number - first) * _FRAME * 5120
            if not runs or 2 * abs(late) >= 5120:
                if runs:
                    gaps.append({"before_record": number + 1, "seconds": late / 1e9})
                runs.append({"first_sample": number * _FRAME, "samples": 0, "start": _moment(time)})
                began, first = time, number
            runs[-1]["samples"] += _FRAME
    if content["gaps"] != gaps:
        yield f"gaps are {content['gaps']}, the recording has {gaps}"
    if isinstance(content.get("segments", 0), list) and content["segments"] != runs:
        yield f"segments are {content['segments']}, the recording has {runs}"


def _moment(time: int) -> str:
    return f"{datetime.fromtimestamp(time // 10**9, UTC):%Y-%m-%dT%H:%M:%S}.{time % 10**9:09d}Z"


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
        moment = _moment(time)
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
