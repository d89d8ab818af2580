"""Scripts of the recipes as modules; they are no part of a package, because images carry them alone."""

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from containers.catalogue import RECIPES


@pytest.fixture(scope="session")
def script() -> Callable[[str], ModuleType]:
    """Return a function that loads a script by its path below the recipes."""

    def load(name: str) -> ModuleType:
        path: Path = RECIPES / name
        spec = importlib.util.spec_from_file_location(f"recipe_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
        return module

    return load
