"""Files for the tests of the images: the readers find in them what was written."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from containers.catalogue import RECIPES

SCRIPT = RECIPES / "base" / "samples.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("samples")
    done = subprocess.run([sys.executable, "-B", str(SCRIPT), str(made), "evt", "dst", "list"], capture_output=True)
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.parametrize(
    ("name", "form"), [("genhen.evt", "evt"), ("dst.root", "dst-flat"), ("list.txt", "event-list")]
)
def test_three_events(cli: Callable[..., Any], folder: Path, name: str, form: str) -> None:
    done = cli("inspect", folder / name, "--json")
    assert done.code == 0, done.err
    (found,) = json.loads(done.out)
    assert (found["format"], found["facts"]["events"]) == (form, 3)


def test_another_kind(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-B", str(SCRIPT), str(tmp_path), "i3"], capture_output=True, text=True)
    assert done.returncode != 0
    assert "i3" in done.stderr
