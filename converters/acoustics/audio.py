"""Recordings as sound: WAV with every bit, MP3 for listening."""

import wave
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np

from converters.acoustics.records import FULL_SCALE, SAMPLE_RATE, Recording, Samples
from legacy.errors import InputError, MissingDependencyError

WAV_RATE = int(SAMPLE_RATE)
"""What the header of a WAV file says: it holds whole numbers only."""
WAV_BYTES = 3
MP3_RATE = 48_000
"""The highest rate of MPEG-1 layer III, samples per second."""
MP3_KBITS = 192
_PEAK = 0.9
_RIFF_LIMIT = (1 << 32) - 1024
_INT16 = 32767
_ENCODER = "lameenc"
"""Python's door to LAME. Imported by name, since it is a choice and brings no types."""


def write_wav(recording: Recording, target: Path) -> None:
    """Write 24-bit PCM, one channel; raises OSError.

    Parameters
    ----------
    recording
        What `check_wav` has found fit.
    target
        The file.
    """
    with target.open("wb") as stream, wave.open(stream, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(WAV_BYTES)
        sound.setframerate(WAV_RATE)
        sound.setnframes(recording.samples)
        for frame in recording.frames():
            steps = np.rint(frame.astype(np.float64) * FULL_SCALE).astype("<i4")
            sound.writeframesraw(np.ascontiguousarray(steps.view(np.uint8).reshape(-1, 4)[:, :WAV_BYTES]).tobytes())


def check_wav(recording: Recording) -> None:
    """Refuse what a WAV file cannot hold.

    Raises
    ------
    InputError
        A sample is beyond full scale, or the file would be larger than 4 GB.
    """
    too_large = sum(record.too_large for record in recording.records)
    if too_large:
        raise InputError(
            recording.path,
            f"{too_large} samples are beyond full scale",
            expected="values from -1 to below 1, which 24 bits can hold",
            advice="--to psd takes them as they are",
        )
    if recording.samples * WAV_BYTES > _RIFF_LIMIT:
        raise InputError(
            recording.path,
            "too long for a WAV file",
            expected="less than 4 GB of sound",
            found=f"{recording.samples} samples",
            advice="--to psd has no such limit",
        )


@dataclass(frozen=True, slots=True)
class Loudness:
    """How samples were changed to be heard.

    Parameters
    ----------
    offset
        Subtracted from every sample, parts of full scale.
    gain
        Then multiplied with.
    """

    offset: float
    gain: float


def loudness_of(recording: Recording) -> Loudness:
    """Return the offset that brings the mean to 0, and the gain that brings the peak to 0.9 of full scale."""
    offset = sum(record.mean for record in recording.records) / len(recording.records)
    peak = max(max(record.maximum - offset, offset - record.minimum) for record in recording.records)
    return Loudness(offset, _PEAK / peak if peak > 0 else 1.0)


def require_mp3() -> None:
    """Find out if an encoder is installed; raises MissingDependencyError."""
    try:
        import_module(_ENCODER)
    except ImportError as error:
        raise MissingDependencyError("--to mp3", "pip install lameenc") from error


def write_mp3(recording: Recording, loudness: Loudness, target: Path) -> None:
    """Write MPEG-1 layer III with LAME, one channel at 48 kHz; raises OSError.

    The encoder takes whole numbers as rate, so the sound is 2.6 millionths too slow.
    """
    encoder = import_module(_ENCODER).Encoder()
    encoder.silence()
    encoder.set_channels(1)
    encoder.set_bit_rate(MP3_KBITS)
    encoder.set_in_sample_rate(WAV_RATE)
    encoder.set_out_sample_rate(MP3_RATE)
    encoder.set_quality(2)
    with target.open("wb") as stream:
        for block in _int16(recording.frames(), loudness):
            stream.write(bytes(encoder.encode(block)))
        stream.write(bytes(encoder.flush()))


def _int16(frames: Iterator[Samples], loudness: Loudness) -> Iterator[bytes]:
    for frame in frames:
        scaled = (frame.astype(np.float64) - loudness.offset) * loudness.gain
        yield np.rint(scaled * _INT16).astype("<i2").tobytes()
