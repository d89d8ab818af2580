"""The real recording, and a generator of others in the same format."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

NAME = "DOM_808956920_CH1_1608751683.bin"
FRAME = 123260
Make = Callable[..., Path]


@pytest.fixture
def recording(sample: Callable[[str], Path], tmp_path: Path) -> Path:
    """Return the real recording, under its name in a folder of its own."""
    path = tmp_path / NAME
    path.write_bytes(sample(f"acoustics/{NAME}").read_bytes())
    return path


@pytest.fixture
def make_recording(tmp_path: Path) -> Make:
    """Return a function that writes a recording of the samples given, record after record."""

    def make(
        frames: Sequence[np.ndarray],
        *,
        name: str = "DOM_1_CH2_1600000000.bin",
        times_ns: Sequence[int] | None = None,
        window: int = 131072,
    ) -> Path:
        step = FRAME * 5120
        times = times_ns or [1_600_000_000 * 10**9 + number * step for number in range(len(frames))]
        path = tmp_path / name
        with path.open("wb") as stream:
            for frame, time in zip(frames, times, strict=True):
                stream.write(struct.pack("<III", time // 10**9, time % 10**9 // 16, window))
                stream.write(np.asarray(frame, dtype="<f4").tobytes())
        return path

    return make
