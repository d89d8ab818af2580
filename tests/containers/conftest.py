"""Recipes for tests, and an engine that runs them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# With --import-mode=importlib pytest puts nothing on the path.
sys.path.append(str(Path(__file__).resolve().parent))

from directory_engine import DirectoryEngine
from kitchen import Kitchen

import containers.catalogue
from containers.workplace import Workplace


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kitchen]:
    """Return a folder of recipes with `base` and `child`, which is built on it."""
    recipes, base = tmp_path / "recipes", tmp_path / "os"
    recipes.mkdir()
    (base / "etc").mkdir(parents=True)
    (base / "etc" / "os-release").write_text("ID=test\n")
    base.with_name("os.packages.txt").write_text("bash\t5.2\n")
    monkeypatch.setattr(containers.catalogue, "RECIPES", recipes)
    monkeypatch.setattr(containers.catalogue, "CATALOGUE", recipes / "catalogue.yaml")
    monkeypatch.setenv("ANTARES_LEGACY_IMAGES", str(tmp_path / "images"))
    monkeypatch.setenv("ANTARES_LEGACY_CONTAINER_WORK", str(tmp_path / "work"))
    monkeypatch.delenv("ANTARES_LEGACY_ENGINE", raising=False)
    made = Kitchen(recipes, base, Workplace(tmp_path / "images", tmp_path / "work"))
    made.add("base")
    made.add("child", base="base")
    yield made
    containers.catalogue.own_catalogue.cache_clear()


@pytest.fixture
def engine() -> DirectoryEngine:
    """Return the engine of the tests."""
    return DirectoryEngine()


@pytest.fixture
def with_engine(kitchen: Kitchen, engine: DirectoryEngine, monkeypatch: pytest.MonkeyPatch) -> DirectoryEngine:
    """Let the command line in this process find the engine of the tests; ``chroot`` is one that makes no images."""
    import containers.engine.base_folder
    import containers.engine.choose

    emulation = DirectoryEngine(makes_images=False)
    monkeypatch.setattr(
        containers.engine.choose,
        "choose_engine",
        lambda place, wanted, say=None: emulation if wanted == "chroot" else engine,
    )
    monkeypatch.setattr(containers.engine.base_folder, "make_base_folder", lambda place, say: kitchen.base)
    return engine


@pytest.fixture
def process_arguments(kitchen: Kitchen) -> Callable[..., list[str]]:
    """Return a function that makes the command line of a real process with the engine of the tests."""
    script = str(Path(__file__).resolve().parent / "directory_engine.py")
    return lambda *arguments: [sys.executable, script, str(kitchen.recipes), str(kitchen.base), *map(str, arguments)]
