import numpy as np
import pytest

from converters.readers.evt.particles import CORSIKA_TO_PDG, GEANT3_TO_PDG, SCHEMES, to_pdg


@pytest.mark.parametrize(
    ("scheme", "code", "pdg"),
    [
        ("geant3", 1, 22),
        ("geant3", 2, -11),
        ("geant3", 3, 11),
        ("geant3", 5, -13),
        ("geant3", 6, 13),
        ("geant3", 8, 211),
        ("geant3", 9, -211),
        ("geant3", 13, 2112),
        ("geant3", 14, 2212),
        ("geant3", 33, -15),
        ("geant3", 34, 15),
        ("geant3", 47, 1000020040),
        ("geant3", 4, -1),
        ("geant3", 48, -1),
        ("geant3", 68, -1),
        ("geant3", 0, -1),
        ("geant3", -13, -1),
        ("corsika", 5, -13),
        ("corsika", 14, 2212),
        ("corsika", 66, 12),
        ("corsika", 67, -12),
        ("corsika", 68, 14),
        ("corsika", 69, -14),
        ("corsika", 133, 16),
        ("corsika", 402, 1000020040),
        ("corsika", 5626, 1000260560),
        ("corsika", 200, -1),
        ("corsika", 205, -1),
        ("corsika", 9999, -1),
        ("corsika", 4, -1),
        ("corsika", -26, -1),
        ("pdg", 14, 14),
        ("pdg", -13, -13),
        ("pdg", 2212, 2212),
        ("pdg", 0, -1),
        ("pdg", -1, -1),
    ],
)
def test_codes(scheme: str, code: int, pdg: int) -> None:
    assert to_pdg(np.array([code]), scheme).tolist() == [pdg]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_shape_is_kept(scheme: str) -> None:
    assert to_pdg(np.empty(0, dtype=np.int64), scheme).shape == (0,)
    assert to_pdg(np.array([[5, 6, 5]]), scheme).shape == (1, 3)


@pytest.mark.parametrize("table", [GEANT3_TO_PDG, CORSIKA_TO_PDG])
def test_no_two_codes_stand_for_one_particle(table: dict[int, int]) -> None:
    assert len(set(table.values())) == len(table)


def test_muons_and_antiparticles_have_opposite_codes() -> None:
    for code, anti in ((6, 5), (3, 2), (8, 9), (14, 15), (13, 25), (34, 33), (42, 43)):
        assert GEANT3_TO_PDG[code] == -GEANT3_TO_PDG[anti]
