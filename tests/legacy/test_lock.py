"""One run at a time in a folder, or several shards."""

import subprocess
import sys
from pathlib import Path

import pytest

from legacy.errors import MachineError
from legacy.lock import LOCK_NAME, folder_lock


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [
        ("", "", False),
        ("", "1-of-2", False),
        ("1-of-2", "", False),
        ("1-of-2", "1-of-2", False),
        ("1-of-2", "2-of-2", True),
    ],
)
def test_who_may_run_beside_whom(first: str, second: str, allowed: bool, tmp_path: Path) -> None:
    with folder_lock(tmp_path, shard=first):
        if allowed:
            with folder_lock(tmp_path, shard=second):
                return
        with pytest.raises(MachineError, match="is writing there"), folder_lock(tmp_path, shard=second):
            pass


def test_free_again(tmp_path: Path) -> None:
    for _ in range(3):
        with folder_lock(tmp_path):
            assert (tmp_path / LOCK_NAME).exists()
    with pytest.raises(ValueError, match="x"), folder_lock(tmp_path):
        raise ValueError("x")
    with folder_lock(tmp_path):
        pass


def test_a_killed_run_holds_no_lock(tmp_path: Path, repository: Path) -> None:
    code = (
        "import sys, time, pathlib\nfrom legacy.lock import folder_lock\n"
        "with folder_lock(pathlib.Path(sys.argv[1])):\n print('held', flush=True)\n time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=repository)
    assert process.stdout is not None
    assert process.stdout.readline() == b"held\n"
    with pytest.raises(MachineError), folder_lock(tmp_path):
        pass
    process.kill()
    process.communicate()
    with folder_lock(tmp_path):
        pass


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), folder_lock(tmp_path / "none"):
        pass
