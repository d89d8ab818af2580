"""Particle codes: GEANT3 and CORSIKA to PDG.

GEANT3 and CORSIKA number the same particles alike from 1 to 32; CORSIKA goes on with neutrinos at 66 and
with nuclei as 100 A + Z. Numbers: GEANT 3 user's guide (CONS 300), CORSIKA user's guide (table of particle
codes), PDG Monte Carlo numbering scheme.
"""

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1

_COMMON = {
    1: 22, 2: -11, 3: 11, 5: -13, 6: 13, 7: 111, 8: 211, 9: -211, 10: 130, 11: 321, 12: -321,
    13: 2112, 14: 2212, 15: -2212, 16: 310, 17: 221, 18: 3122, 19: 3222, 20: 3212, 21: 3112,
    22: 3322, 23: 3312, 24: 3334, 25: -2112, 26: -3122, 27: -3222, 28: -3212, 29: -3112,
    30: -3322, 31: -3312, 32: -3334,
}  # fmt: skip
GEANT3_TO_PDG = _COMMON | {
    33: -15, 34: 15, 35: 411, 36: -411, 37: 421, 38: -421, 39: 431, 40: -431, 41: 4122,
    42: 24, 43: -24, 44: 23, 45: 1000010020, 46: 1000010030, 47: 1000020040, 49: 1000020030,
}  # fmt: skip
"""Code 4 (neutrino without flavour) and 48 (geantino) have no PDG equivalent and stay unknown."""
CORSIKA_TO_PDG = _COMMON | {66: 12, 67: -12, 68: 14, 69: -14, 131: -15, 132: 15, 133: 16, 134: -16}


def _corsika(code: int) -> int:
    if code in CORSIKA_TO_PDG:
        return CORSIKA_TO_PDG[code]
    mass, charge = divmod(code, 100)
    if 2 <= mass <= 60 and 1 <= charge <= mass:
        return 1_000_000_000 + 10_000 * charge + 10 * mass
    return UNKNOWN


def _geant3(code: int) -> int:
    return GEANT3_TO_PDG.get(code, UNKNOWN)


def _pdg(code: int) -> int:
    return code if code != 0 else UNKNOWN


_CONVERTERS = {"pdg": _pdg, "geant3": _geant3, "corsika": _corsika}
SCHEMES = tuple(_CONVERTERS)


def to_pdg(codes: NDArray[np.int64], scheme: str) -> NDArray[np.int64]:
    """Translate particle codes.

    Parameters
    ----------
    codes
        Codes as the source has them; -1 = missing.
    scheme
        ``pdg``, ``geant3`` or ``corsika``.

    Returns
    -------
    numpy.ndarray of int64
        PDG codes, -1 where there is none.
    """
    convert = _CONVERTERS[scheme]
    unique, where = np.unique(codes, return_inverse=True)
    translated = np.array([convert(int(code)) for code in unique], dtype=np.int64)
    return translated[where].reshape(codes.shape) if len(unique) else codes.astype(np.int64)
