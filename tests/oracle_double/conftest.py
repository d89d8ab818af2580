"""Fixtures of the tests of the double itself."""

import sys
from pathlib import Path

import pytest

# The double is a folder of modules; with --import-mode=importlib pytest puts nothing on the path.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from oracle_double.client import fill, make
from oracle_double.fixtures import oracle_double  # noqa: F401


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A table of 1,000 rows."""
    path = make(tmp_path / "many.sqlite", "create table env (id NUMBER(10) primary key, v NUMBER(8,3), s VARCHAR2(40))")
    fill(path, "env", [{"id": n, "v": n / 8, "s": f"row {n}"} for n in range(1000)])
    return path
