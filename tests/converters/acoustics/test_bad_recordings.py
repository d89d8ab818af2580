"""Damaged recordings: one clear line each, and nothing half-written."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from converters.acoustics.records import RECORD_BYTES, read_recording
from converters.detect import detect
from legacy.errors import CorruptInputError, InputError, UnknownFormatError

Cli = Callable[..., object]
FRAME = 123260


def set_word(path: Path, position: int, value: int) -> None:
    data = bytearray(path.read_bytes())
    data[position : position + 4] = value.to_bytes(4, "little")
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("position", "value", "problem"),
    [
        (RECORD_BYTES + 8, 2**32 - 1, "window 4294967295"),
        (RECORD_BYTES + 8, 0, "window 0"),
        (RECORD_BYTES + 4, 62_500_000, "cycle 62500000"),
        (RECORD_BYTES, 0, "second 0"),
        (RECORD_BYTES, 1608751679, "time does not go on"),
        (RECORD_BYTES + 12 + 400, 0x7FC00000, "sample 100; found nan"),
        (RECORD_BYTES + 12, 0x7F800000, "sample 0; found inf"),
    ],
)
def test_a_damaged_second_record(position: int, value: int, problem: str, recording: Path) -> None:
    set_word(recording, position, value)
    if value == 1608751679:
        set_word(recording, position + 4, 0)
    with pytest.raises(CorruptInputError) as raised:
        read_recording(recording)
    assert "record 2, byte 493052" in str(raised.value)
    assert problem in str(raised.value)
    assert "\n" not in str(raised.value)
    saved = read_recording(recording, salvage=True)
    assert (len(saved.records), saved.dropped) == (1, RECORD_BYTES)


@pytest.mark.parametrize("size", [RECORD_BYTES + 1, RECORD_BYTES + 11, RECORD_BYTES + 12, 2 * RECORD_BYTES - 1])
def test_a_cut_recording(size: int, cli: Cli, recording: Path) -> None:
    recording.write_bytes(recording.read_bytes()[:size])
    out = recording.parent / "out"
    refused = cli("convert", recording, "-o", out, "--to", "wav")
    assert refused.code == 1
    assert f"ends within a record; at record 2, byte {RECORD_BYTES}" in refused.err
    assert not list(out.glob("*.wav*"))
    saved = cli("convert", recording, "-o", out, "--to", "json", "--salvage")
    assert saved.code == 0
    assert f"{size - RECORD_BYTES} bytes at the end dropped" in saved.err
    document = json.loads((out / f"{recording.stem}.json").read_text())
    assert document["content"]["dropped_bytes"] == size - RECORD_BYTES
    assert document["source_coverage"][-1]["count"] == size - RECORD_BYTES
    looked = cli("inspect", recording)
    assert looked.code == 1
    assert "problem:" in looked.out
    assert "record 1:" in looked.out


def test_no_whole_record(cli: Cli, recording: Path) -> None:
    recording.write_bytes(recording.read_bytes()[:1000])
    with pytest.raises(CorruptInputError, match="ends within a record"):
        read_recording(recording, salvage=True)
    looked = cli("inspect", recording)
    assert looked.code == 1
    assert "problem:" in looked.out


@pytest.mark.parametrize(("position", "value"), [(8, 131073), (8, 2**31), (4, 62_500_000), (0, 5)])
def test_another_first_header_is_another_format(position: int, value: int, recording: Path) -> None:
    set_word(recording, position, value)
    with pytest.raises(UnknownFormatError):
        detect(recording)


def test_a_forced_format(cli: Cli, tmp_path: Path) -> None:
    noise = tmp_path / "noise.bin"
    noise.write_bytes(np.random.default_rng(3).bytes(600_000))
    ran = cli("convert", noise, "-o", tmp_path / "out", "--to", "wav", "--format", "km3net-acoustics")
    assert ran.code == 1
    assert "no header of a record" in ran.err


def test_the_file_goes_away(recording: Path) -> None:
    found = read_recording(recording)
    recording.write_bytes(recording.read_bytes()[:1000])
    with pytest.raises(CorruptInputError, match="became shorter"):
        list(found.frames())
    recording.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        read_recording(recording)


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes_never_crash(seed: int, recording: Path) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(recording.read_bytes())
    for place in [*random.integers(0, 24, 1), *random.integers(0, len(data), 20)]:
        data[place] ^= 1 << int(random.integers(8))
    recording.write_bytes(data)
    try:
        kept = len(read_recording(recording).records)
    except CorruptInputError:
        kept = 0
    assert kept in (0, 2)
