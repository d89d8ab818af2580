"""Fixtures that every test may use."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHARED = REPOSITORY.parent / "shared"


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Path]:
    """Return a function that finds a real sample file of km3net-testdata by its path there."""
    from km3net_testdata import data_path

    def find(name: str) -> Path:
        return Path(data_path(name))

    return find


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of public data files that lies beside the repository, or skip."""
    folder = SHARED / "data"
    if not folder.is_dir():
        if os.environ.get("CI") == "true" and SHARED.is_dir():
            pytest.fail(f"{folder} is missing although {SHARED} is there")
        pytest.skip("the public data files do not lie beside the repository")
    return folder
