"""The power spectral density of a recording: mean, median and quantiles over short segments.

Welch's method (P. D. Welch, IEEE Transactions on Audio and Electroacoustics 15 (1967) 70): one-sided density of
segments of 2048 samples under a periodic Hann window, each without its mean, half overlapping. No segment reaches
over the end of a record.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from converters.acoustics.records import FRAME, SAMPLE_RATE, Recording, Samples

SEGMENT = 2048
"""Samples in a segment: 10.5 ms, and 95.4 Hz between two frequencies."""
STEP = SEGMENT // 2
PER_RECORD = (FRAME - SEGMENT) // STEP + 1
"""Segments in a record."""
QUANTILES = (0.5, 0.75, 0.95)
_BLOCK_BYTES = 64 << 20

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Densities by frequency, each of shape (1025,).

    Parameters
    ----------
    frequency
        Hz.
    mean, median, quantile_75, quantile_95
        Over all segments, square of full scale per Hz.
    segments
        Number of segments.
    """

    frequency: Floats
    mean: Floats
    median: Floats
    quantile_75: Floats
    quantile_95: Floats
    segments: int


def spectrum_of(recording: Recording, folder: Path) -> Spectrum:
    """Compute the spectrum of a recording of any length in bounded memory.

    Parameters
    ----------
    recording
        The recording.
    folder
        Where a temporary file may lie: 1 MB per record.

    Raises
    ------
    OSError
        The disk is full.
    """
    segments = PER_RECORD * len(recording.records)
    total = np.zeros(SEGMENT // 2 + 1)
    # Quantiles need all segments at once; they wait on disk, nameless, and go when the process does.
    with tempfile.TemporaryFile(dir=folder) as waiting:
        for frame in recording.frames():
            densities = segment_densities(frame)
            total += densities.sum(axis=0)
            waiting.write(densities.tobytes())
        waiting.flush()
        median, upper, uppermost = _quantiles(waiting, segments)
    frequency = np.arange(SEGMENT // 2 + 1, dtype=np.float64) * (SAMPLE_RATE / SEGMENT)
    mean = np.asarray(total / segments, dtype=np.float64)
    return Spectrum(frequency, mean, median, upper, uppermost, segments)


def segment_densities(samples: Samples) -> Floats:
    """Return the density of each segment of a record: shape (segments, 1025), square of full scale per Hz."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(SEGMENT) / SEGMENT)
    segments = np.lib.stride_tricks.sliding_window_view(samples, SEGMENT)[::STEP].astype(np.float64)
    segments -= segments.mean(axis=1, keepdims=True)
    densities: Floats = np.abs(np.fft.rfft(segments * window, axis=1)) ** 2 / (SAMPLE_RATE * np.sum(window**2))
    densities[:, 1:-1] *= 2  # the negative frequencies; 0 and the highest have none
    return densities


def _quantiles(waiting: BinaryIO, segments: int) -> list[Floats]:
    width = SEGMENT // 2 + 1
    rows = np.memmap(waiting, dtype=np.float64, mode="r", shape=(segments, width))
    found = np.empty((len(QUANTILES), width))
    step = max(1, _BLOCK_BYTES // (8 * segments))
    for first in range(0, width, step):
        found[:, first : first + step] = np.quantile(rows[:, first : first + step], QUANTILES, axis=0)
    return list(found)
