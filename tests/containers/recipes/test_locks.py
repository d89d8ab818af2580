"""Locks: complete, of the versions that the toolkit asks for, and made by the program that says so."""

import ast
import hashlib
import re
import sys
import tomllib
import zipfile
from functools import cache
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from containers import locks
from containers.catalogue import RECIPES, Recipe, Tier, own_catalogue
from containers.locks import ASKED, LOCKED, asked, lock_text, main, normalised, read_lock, renew
from legacy.errors import InputError

RECIPES_A = [recipe for recipe in own_catalogue().recipes if recipe.tier is Tier.A]
WITH_PACKAGES = [recipe for recipe in RECIPES_A if (recipe.folder / ASKED).is_file()]
by_name = pytest.mark.parametrize("recipe", WITH_PACKAGES, ids=lambda recipe: recipe.name)

ROOMS = {
    "io": ("legacy", "converters"),
    "convert": ("legacy", "converters"),
    "dbdump": ("legacy", "dbdump"),
    "db-image": ("legacy", "dbdump"),
    "ingest": ("legacy", "ingest"),
}
"""The rooms whose commands an image has."""
NOT_INSIDE = {
    "io": {"astropy", "pyerfa", "matplotlib", "dask", "km3net-testdata"},
    "convert": {"dask", "km3net-testdata"},
    "dbdump": {"astropy", "pyerfa", "dask", "km3net-testdata", "h5py"},
    "db-image": {"astropy", "pyerfa", "dask", "km3net-testdata", "h5py"},
    # the server of the sandbox has an environment of its own
    "ingest": {"astropy", "pyerfa", "dask", "km3net-testdata", "sqlalchemy", "waitress", "rucio"},
}
"""Packages that parts of these rooms import which no app of the image uses."""


def inside(recipe: Recipe) -> dict[str, str]:
    """Return the versions in an image by name: its own lock, and those of its bases."""
    chain = own_catalogue().chain(recipe.name)
    return {package.name: package.version for one in chain for package in read_lock(one.folder / LOCKED)}


@cache
def imported(room: Path) -> frozenset[str]:
    """Return the distributions that the modules of a room import, at their top or in a function."""
    known = packages_distributions()
    found: set[str] = set()
    for path in room.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names:
                    found.update(normalised(one) for one in known.get(top, [])[:1])
    return frozenset(found - {"antares-legacy", "setuptools"})


@by_name
def test_a_lock_is_of_what_is_asked_for(recipe: Recipe) -> None:
    wanted = asked(recipe.folder / ASKED)
    lock = read_lock(recipe.folder / LOCKED)
    text = (recipe.folder / LOCKED).read_text(encoding="utf-8")
    assert text == lock_text(recipe.name, wanted, lock), "renew it: python -m containers.locks"
    assert {normalised(Requirement(line).name) for line in wanted} <= {package.name for package in lock}
    assert len({package.name for package in lock}) == len(lock)


@by_name
def test_what_the_commands_import_is_in_the_image(recipe: Recipe, repository: Path) -> None:
    needed = set().union(*(imported(repository / room) for room in ROOMS[recipe.name])) - NOT_INSIDE[recipe.name]
    assert needed, "no import was found"
    assert needed <= set(inside(recipe))


@by_name
def test_versions_are_those_that_the_toolkit_asks_for(recipe: Recipe, repository: Path) -> None:
    project = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    versions, compared = inside(recipe), 0
    for requirement in map(Requirement, lines):
        version = versions.get(normalised(requirement.name))
        if version is not None:
            compared += 1
            assert requirement.specifier.contains(version, prereleases=True), f"{requirement}: {version} is locked"
    assert compared >= 5


@by_name
def test_nothing_is_missing_that_a_package_needs(recipe: Recipe) -> None:
    versions = inside(recipe)
    extras = {normalised(r.name): r.extras for r in map(Requirement, asked(recipe.folder / ASKED))}
    for name in versions:
        for line in distribution(name).requires or ():
            requirement = Requirement(line)
            sides = ("", *extras.get(name, ()))
            if requirement.marker and not any(requirement.marker.evaluate({"extra": side}) for side in sides):
                continue
            found = versions.get(normalised(requirement.name))
            # what Debian's virtual environment brings along
            if found is None and requirement.name == "pip":
                continue
            assert found, f"{name} needs {line}, which is not locked"
            assert requirement.specifier.contains(found, prereleases=True), f"{name} needs {line}, locked is {found}"


def test_no_file_of_a_recipe_names_a_registry() -> None:
    for path in (path for recipe in RECIPES_A for path in recipe.folder.rglob("*") if path.is_file()):
        if path.parent.name == "__pycache__":
            continue  # another test has loaded a script of the recipe
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"pypi\.|pythonhosted", text), path
        assert "index-url" not in text, path


def test_the_base_gets_no_packages() -> None:
    assert read_lock(RECIPES / "base" / LOCKED) == ()


@pytest.mark.parametrize(
    "line", ["numpy==2", "https://x.example/a.whl", "-r other.txt", "../a", "a b", "--index-url x"]
)
def test_only_names_are_asked_for(tmp_path: Path, line: str) -> None:
    path = tmp_path / ASKED
    path.write_text(f"# words\nh5py\n{line}\n")
    with pytest.raises(InputError, match="no name of a package"):
        asked(path)


@pytest.mark.parametrize(
    "text",
    [
        "numpy\n",
        "numpy==2.0\n",
        "numpy==2.0 \\\n    --hash=md5:00\n",
        "-r x\n",
        f"a==1 \\\n    --hash=sha256:{'0' * 63}\n",
    ],
)
def test_what_is_no_lock_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / LOCKED
    path.write_text(text)
    with pytest.raises(InputError, match="is no lock"):
        read_lock(path)


@pytest.fixture
def own_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make pip know one folder with one wheel and nothing else."""
    folder = tmp_path / "packages"
    folder.mkdir()
    wheel = folder / "antares_test_stub-1.5-py3-none-any.whl"
    about = "antares_test_stub-1.5.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: Antares_Test.Stub\nVersion: 1.5\n")
        archive.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{about}/RECORD", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(locks, "RECIPES", tmp_path)
    (tmp_path / "stub").mkdir()
    return wheel


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="locks are made with the Python of the images")
def test_a_lock_has_the_checksum_of_the_wheel(own_index: Path, tmp_path: Path) -> None:
    (tmp_path / "stub" / ASKED).write_text("antares-test-stub\n")
    (package,) = read_lock(renew("stub"))
    assert (package.name, package.version) == ("antares-test-stub", "1.5")
    assert package.sha256 == hashlib.sha256(own_index.read_bytes()).hexdigest()


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="locks are made with the Python of the images")
def test_a_package_that_nobody_has(own_index: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stub" / ASKED).write_text("antares-test-absent\n")
    (tmp_path / "stub" / LOCKED).write_text("# old\n")
    assert main(["stub"]) == 3
    assert "antares-test-absent" in capsys.readouterr().err
    assert (tmp_path / "stub" / LOCKED).read_text() == "# old\n"


def test_a_recipe_without_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["base"]) == 2
    assert "base" in capsys.readouterr().err


def test_another_python(monkeypatch: pytest.MonkeyPatch) -> None:
    # a second interpreter is not on every machine
    monkeypatch.setattr(locks, "TARGET", ("CPython", "3.10", "linux-x86_64"))
    assert main(["io"]) == 2
