"""The file under HDF5: the same content as HDF5 writes by itself, and faults and signals that wait."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import h5py
import numpy as np
import pytest

from converters.writers.steady_file import SteadyFile, held_signals


def _write(file: h5py.File) -> None:
    random = np.random.default_rng(1)
    for table in range(3):
        rows = np.zeros(20_000, dtype=[("a", "f8"), ("b", "S20")])
        rows["a"] = random.random(len(rows))
        made = file.create_dataset(
            f"t{table}", shape=(len(rows),), dtype=rows.dtype, chunks=(1000,), compression="gzip", compression_opts=1
        )
        made[:] = rows
        for number in range(50):
            made.attrs[f"FIELD_{number}"] = np.bytes_(b"x" * 50)


def test_everything_is_as_hdf5_writes_it_by_itself(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "own.h5", "w", libver=("earliest", "v108")) as file:
        _write(file)
    with SteadyFile(tmp_path / "steady.h5") as steady, h5py.File(steady, "w", libver=("earliest", "v108")) as file:
        _write(file)
    with h5py.File(tmp_path / "own.h5") as own, h5py.File(tmp_path / "steady.h5") as other:
        assert list(own) == list(other) == ["t0", "t1", "t2"]
        for name in own:
            assert np.array_equal(own[name][:], other[name][:])
            assert dict(own[name].attrs) == dict(other[name].attrs)
            assert (own[name].chunks, own[name].compression) == (other[name].chunks, other[name].compression)


@pytest.mark.parametrize("size", [0, 50, 5_000, 100_000, 300_000])
def test_a_fault_is_raised_after_hdf5_has_closed(
    size: int, tmp_path: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    with (
        pytest.raises(OSError, match="File too large"),
        file_size_limit(size),
        SteadyFile(tmp_path / "x.h5") as steady,
        h5py.File(steady, "w") as file,
    ):
        _write(file)
    assert not file.id.valid
    assert (tmp_path / "x.h5").stat().st_size <= size


def test_what_could_not_be_written_is_read_back(
    tmp_path: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    # The values of a chunk that HDF5 has put away and needs again before it closes.
    steady = SteadyFile(tmp_path / "x.h5")
    with file_size_limit(8):
        steady.write(b"abcdefgh")
        steady.write(b"ijkl")
    steady.seek(6)
    assert steady.read(8) == b"ghijkl\0\0"
    assert steady.seek(0, os.SEEK_END) == 12
    with pytest.raises(OSError, match="File too large"):
        steady.check()
    with pytest.raises(OSError, match="File too large"):
        steady.__exit__(None)


def test_a_signal_waits_for_the_end(tmp_path: Path) -> None:
    def interrupted() -> None:
        with held_signals() as held, SteadyFile(tmp_path / "x.h5") as steady, h5py.File(steady, "w") as file:
            os.kill(os.getpid(), signal.SIGINT)
            _write(file)
            held.check()

    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted()
    assert isinstance(caught.value.__context__, InterruptedError)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with h5py.File(tmp_path / "x.h5") as whole:
        assert len(whole["t2"]) == 20_000


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with held_signals() as held:
            os.kill(os.getpid(), signal.SIGTERM)
            held.check()
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_thread_leaves_the_signals_alone() -> None:
    found: list[object] = []

    def look() -> None:
        with held_signals():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
