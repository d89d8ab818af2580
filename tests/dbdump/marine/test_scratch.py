"""The folder of intermediate files: it goes with its export, or with the next one after a kill."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dbdump.marine import scratch
from dbdump.marine.scratch import PREFIX, scratch_folder

HOLD = """
import sys, time
from pathlib import Path
from dbdump.marine.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as place:
    (place / "rows.parquet").write_bytes(b"x" * 1000)
    print(place, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path, repository: Path) -> Any:
    """A process that has a scratch folder in `tmp_path`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=repository)
    assert process.stdout is not None
    place = Path(process.stdout.readline().strip())
    yield process, place
    process.kill()
    process.communicate()


def test_it_is_gone_at_the_end(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as place:
        (place / "x").touch()
        assert place.parent == tmp_path
    with pytest.raises(ZeroDivisionError), scratch_folder(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_one_of_a_run_that_lives_stays(holder: tuple[subprocess.Popen[str], Path], tmp_path: Path) -> None:
    _, place = holder
    with scratch_folder(tmp_path) as own:
        assert own != place
        assert (place / "rows.parquet").stat().st_size == 1000


def test_one_of_a_killed_run_goes(holder: tuple[subprocess.Popen[str], Path], tmp_path: Path) -> None:
    process, place = holder
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    assert place.is_dir()
    with scratch_folder(tmp_path):
        assert not place.exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    theirs = tmp_path / f"{PREFIX}notes"
    theirs.mkdir()
    (theirs / "thesis.tex").touch()
    (tmp_path / f"{PREFIX}file").touch()
    (tmp_path / f"{PREFIX}link").symlink_to(theirs)
    with scratch_folder(tmp_path):
        pass
    assert (theirs / "thesis.tex").is_file()
    assert len(list(tmp_path.iterdir())) == 3


def test_another_export_that_takes_it_for_dead_at_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The moment between making and locking, which no timing hits."""
    made: list[Path] = []

    def stolen(*, prefix: str, dir: Path) -> str:  # noqa: A002  the name that mkdtemp has
        place = Path(scratch_mkdtemp(prefix=prefix, dir=dir))
        if not made:
            place.rmdir()
        made.append(place)
        return str(place)

    scratch_mkdtemp = scratch.mkdtemp
    monkeypatch.setattr(scratch, "mkdtemp", stolen)
    with scratch_folder(tmp_path) as place:
        assert place == made[1]


def test_a_killed_export_leaves_nothing_to_the_next(
    make_image: Any, table: Any, write_mapping: Callable[..., Path], tmp_path: Path, program: Path
) -> None:
    start = datetime.fromisoformat("2009-03-01T00:00:00")
    rows = [(start + timedelta(seconds=n), n * 0.37) for n in range(200_000)]
    image = make_image(R=table({"T": "timestamp[s]", "X": "double"}, rows))
    rates = {
        "table": "R",
        "time": "T",
        "position": {"latitude": 42.8, "longitude": 6.1667, "depth": 2475},
        "variables": {"RATE": {"column": "X", "unit": "kHz"}},
    }
    target = tmp_path / "nc"
    command = [str(program), "dbdump", "to-netcdf", str(image.folder), "-o", str(target)]
    command += ["--mapping", str(write_mapping({"rates": rates}))]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while process.poll() is None and not list(target.glob(f"{PREFIX}*/rows.parquet")) and time.monotonic() < deadline:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=30)
    assert list(target.glob(f"{PREFIX}*")), "the kill came too late"
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in target.iterdir()] == ["rates.nc"]
