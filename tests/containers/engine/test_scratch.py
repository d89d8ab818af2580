"""Folders for the time of one run, below places where others may have been first."""

import os
import stat
import tempfile
import time
from pathlib import Path

import pytest

from containers.engine.scratch import own_scratch_folder, remove_tree, scratch_folder
from legacy.errors import MachineError


@pytest.fixture
def parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that runs of this user have below the folder of temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / f"antares-legacy-{os.geteuid()}"


def test_a_run_has_a_private_folder(parent: Path) -> None:
    with own_scratch_folder() as folder:
        assert folder.parent == parent
        assert stat.S_IMODE(parent.stat().st_mode) == 0o700
    assert list(parent.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "open to all", "of another user"])
def test_a_folder_of_somebody_else_is_not_used(kind: str, parent: Path, tmp_path: Path) -> None:
    if kind == "link":
        (tmp_path / "elsewhere").mkdir()
        parent.symlink_to(tmp_path / "elsewhere")
    else:
        parent.mkdir()
        parent.chmod(0o777 if kind == "open to all" else 0o755)
    if kind == "of another user":
        if os.geteuid() != 0:
            pytest.skip("only root can give a folder away")
        os.chown(parent, 65534, 65534)
    with pytest.raises(MachineError, match="set TMPDIR"), own_scratch_folder():
        pass


def test_what_links_lead_to_is_left_alone(tmp_path: Path) -> None:
    precious, work = tmp_path / "precious", tmp_path / "work"
    precious.mkdir(mode=0o755)
    (precious / "file").touch(0o644)
    work.mkdir()
    old = time.time() - 3600
    os.utime(precious, (old, old))
    (work / "engine.killed00").symlink_to(precious)
    with scratch_folder(work) as folder:
        closed = folder / "closed"
        closed.mkdir()
        (closed / "link").symlink_to(precious / "file")
        closed.chmod(0o500)
        remove_tree(closed)
        assert not closed.exists()
    assert stat.S_IMODE(precious.stat().st_mode) == 0o755
    assert stat.S_IMODE((precious / "file").stat().st_mode) == 0o644
