"""The wheel: built, installed elsewhere, used there."""

import importlib.metadata
import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from legacy import __version__

ROOMS = ("legacy", "converters", "ingest", "dbdump", "containers")


@pytest.fixture(scope="module")
def wheel(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, of a copy, so that nothing is written into the source tree."""
    import shutil

    copy = tmp_path_factory.mktemp("copy") / "source"
    skipped = shutil.ignore_patterns(".venv", ".git", "tests", "demo", "dist", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(repository, copy, ignore=skipped)
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(copy)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, without its dependencies, into an empty folder."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target", str(target)]
    done = subprocess.run([*command, str(wheel)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture
def elsewhere(installed: Path, tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Return a function that runs the installed copy, not the source tree, outside of the repository."""
    # -I drops PYTHONPATH, and with it what an editable installation adds stays behind the copy in the path.
    code = (
        f"import sys; sys.path.insert(0, {str(installed)!r})\n"
        "import legacy, converters\n"
        f"assert legacy.__file__.startswith({str(installed)!r}), legacy.__file__\n"
        f"assert converters.__file__.startswith({str(installed)!r}), converters.__file__\n"
        "from legacy.cli import main\nmain()\n"
    )

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-I", "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path
        )

    return run


def test_inspect_convert_and_show_from_the_wheel(
    elsewhere: Callable[..., "subprocess.CompletedProcess[str]"], sample: Callable[[str], Path], tmp_path: Path
) -> None:
    source = sample("evt/KM3Sim.evt")
    done = elsewhere("inspect", source, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["facts"]["events"] == 10
    done = elsewhere("convert", source, "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    done = elsewhere("show", tmp_path / "out" / "KM3Sim.l3.h5", "--head", 2)
    assert done.returncode == 0, done.stderr
    assert "internal_id" in done.stdout


def test_everything_is_inside(wheel: Path, repository: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    expected = {
        path.relative_to(repository).as_posix()
        for room in ROOMS
        for path in (repository / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    # Other files may appear or vanish in the source tree while the tests run; not these.
    assert {f"{room}/py.typed" for room in ROOMS} <= inside
    assert {name for name in expected if not name.endswith(".py")} <= inside
    assert {name.partition("/")[0] for name in inside} == set(ROOMS)
    assert not [name for name in inside if name.startswith("tests") or name.endswith((".pyc", ".orig"))]


def test_metadata_of_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (entry,) = (name for name in names if name.endswith("entry_points.txt"))
        points = archive.read(entry).decode()
        (about,) = (name for name in names if name.endswith("METADATA"))
        text = archive.read(about).decode()
    assert "antares-legacy = legacy.cli:main" in points
    assert "[antares_legacy.commands]" in points
    assert "Requires-Python: >=3.11" in text
    assert any("LICENSE" in name for name in names)


def _dependencies(name: str, seen: set[str]) -> None:
    """Collect what a distribution needs, and what that needs."""
    try:
        needs = importlib.metadata.distribution(name).requires or []
    except importlib.metadata.PackageNotFoundError:
        return
    for text in needs:
        need = Requirement(text)
        if (need.marker is None or need.marker.evaluate({"extra": ""})) and need.name.lower() not in seen:
            seen.add(need.name.lower())
            _dependencies(need.name, seen)


def test_our_names_are_nobody_elses() -> None:
    """None of our top-level names is that of a module of an installed distribution."""
    owners = importlib.metadata.packages_distributions()
    for room in ROOMS:
        assert set(owners.get(room, [])) <= {"antares-legacy"}
        assert room not in sys.stdlib_module_names
    needed: set[str] = set()
    _dependencies("antares-legacy", needed)
    assert {"numpy", "h5py", "uproot", "typer"} <= needed
    site = Path(sysconfig.get_paths()["purelib"])
    assert not [room for room in ROOMS if (site / room).exists()]


def test_versions_agree(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((repository / "CITATION.cff").read_text(encoding="utf-8"))
    assert str(citation["version"]) == project["version"] == __version__
    assert citation["license"] == project["license"] == "BSD-3-Clause"
    assert project["version"] in (repository / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_dependency_has_a_lower_bound(repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text in project["dependencies"]:
        need = Requirement(text)
        assert any(part.operator in (">=", "~=", "==") for part in need.specifier), text
    # The user's seven packages, numpy and astropy are plain dependencies.
    names = {Requirement(text).name for text in project["dependencies"]}
    assert {"typer", "rich", "rucio-clients", "sqlalchemy", "oracledb", "uproot", "h5py", "numpy", "astropy"} <= names


def test_no_path_of_a_machine_in_the_sources(repository: Path) -> None:
    words = [os.sep + word + os.sep for word in ("work", "root", "home")]
    for room in ROOMS:
        for path in (repository / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            assert not [word for word in words if word in text], path
