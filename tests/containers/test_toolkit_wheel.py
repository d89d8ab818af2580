"""The wheel that the running program packs of itself."""

import hashlib
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from containers.toolkit_wheel import write_wheel
from legacy import __version__

ROOMS = {"legacy", "converters", "ingest", "dbdump", "containers"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wheel(tmp_path_factory.mktemp("wheel"))


def test_what_is_inside(wheel: Path, repository: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        points = archive.read(f"antares_legacy-{__version__}.dist-info/entry_points.txt").decode()
        assert archive.testzip() is None
    assert {name.partition("/")[0] for name in names} == {*ROOMS, f"antares_legacy-{__version__}.dist-info"}
    assert len(names) == len(set(names))
    assert not [name for name in names if "__pycache__" in name or name.endswith((".pyc", ".part"))]
    assert "legacy.cli:main" in points
    assert "containers.cli:add_commands" in points
    for name in ("containers/catalogue.yaml", "ingest/schema/antares-1.0.json", "legacy/py.typed"):
        assert name in names
        assert (repository / name).is_file()


def test_equal_contents_give_equal_bytes(wheel: Path, tmp_path: Path) -> None:
    """The source tree may change while tests run, so a difference must be seen twice."""
    pairs = [(write_wheel(folder), folder) for folder in (tmp_path / "a", tmp_path / "b") if not folder.mkdir()]
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path, _ in pairs]
    with zipfile.ZipFile(pairs[0][0]) as one, zipfile.ZipFile(pairs[1][0]) as two:
        same = {name: one.read(name) for name in one.namelist()} == {name: two.read(name) for name in two.namelist()}
        assert {entry.date_time for entry in one.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert not same or sums[0] == sums[1]


def test_pip_installs_it_and_it_runs(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=False)  # pip of this environment installs into that one
    python = tmp_path / "venv" / "bin" / "python"
    environment = {**os.environ, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    environment.pop("PYTHONPATH", None)
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel]
    done = subprocess.run(install, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    code = "import legacy, sys; sys.stdout.write(legacy.__file__)"
    where = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout
    assert where.startswith(str(tmp_path))
    assert (tmp_path / "venv" / "bin" / "antares-legacy").is_file()


def test_a_wheel_of_an_installed_wheel_is_the_same(wheel: Path, tmp_path: Path) -> None:
    """Also where the program was not installed from a source tree: as in an image."""
    site = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", site, wheel]
    subprocess.run(command, check=True, capture_output=True)
    out = tmp_path / "out"
    out.mkdir()
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        "from pathlib import Path\n"
        "from containers.toolkit_wheel import write_wheel, __file__ as where\n"
        f"assert where.startswith({str(site)!r})\n"
        f"write_wheel(Path({str(out)!r}))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (again,) = out.iterdir()
    assert hashlib.sha256(again.read_bytes()).hexdigest() == hashlib.sha256(wheel.read_bytes()).hexdigest()
