"""Tables: the public ones, the six bins that are quoted of the effective area, a made-up point spread function."""

from collections.abc import Callable
from pathlib import Path

import pytest

# Six bins of the effective area of 2007 to 2017 that were shown in a talk; the whole table is not public.
AEFF = """Log(E1/GeV)\tLog(E2/GeV)\tAEFF/m2
1.0\t1.2\t5.153940e-12
1.2\t1.4\t1.614220e-10
1.4\t1.6\t4.891220e-09
1.6\t1.8\t1.245090e-07
1.8\t2.0\t9.157530e-07
2.0\t2.2\t4.372520e-06
"""
AEFF_DESCRIPTION = """content: effective-area
ktype: tbd
title: ANTARES 2007-2017 effective area
instrument: ANTARES
license: CC-BY-4.0
contact: antares.spokesperson@in2p3.fr
origin:
  time: {measurement_start: 2007-01-01, measurement_stop: 2018-01-01T00:00:00Z}
  zenith: {min: -45, max: 0}
"""
PSF = "0.1, 0.05\n0.2, 0.2\n0.5, 0.6\n1, 0.85\n3, 0.98\n10, 1.0\n"
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes numbers, and the description beside them."""

    def make(numbers: str, description: str | None, name: str = "table.txt") -> Path:
        path = tmp_path / name
        path.write_text(numbers, encoding="utf-8")
        if description is not None:
            path.with_name(f"{name}.yaml").write_text(description, encoding="utf-8")
        return path

    return make


@pytest.fixture
def aeff(write: Write) -> Path:
    return write(AEFF, AEFF_DESCRIPTION, "aeff.txt")


@pytest.fixture
def psf(write: Write) -> Path:
    return write(PSF, "content: psf\n", "psf.txt")


@pytest.fixture
def public(shared_data: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies a public file of 2007 to 2017."""

    def find(name: str) -> Path:
        path = tmp_path / name
        path.write_bytes((shared_data / "antares-public-2007-2017" / name).read_bytes())
        return path

    return find
