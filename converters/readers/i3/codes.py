"""Particle types of I3Particle as PDG codes.

Up to class version 2 the codes are those of RDMC: some of GEANT3's, neutrinos from 201 on, nuclei as 3000 and their
charge; 3 and 4 have CORSIKA's and some more; from 5 on they are PDG codes. What is no particle but a loss of energy, a
laser or a hypothesis has a code beyond 2000000000 there, which is none of the PDG (icecube/icetray-public: dataclasses,
physics/I3Particle.cxx and I3Particle.h, whose tables were compared code by code).
"""

import numpy as np
from numpy.typing import NDArray

from converters.readers.evt.particles import UNKNOWN, to_pdg

_RDMC = {
    1: 22, 2: -11, 3: 11, 5: -13, 6: 13, 7: 111, 8: 211, 9: -211, 11: 321, 12: -321, 14: 2212, 15: -2212,
    33: -15, 34: 15, 201: 12, 202: 14, 203: 16, 204: -12, 205: -14, 206: -16,
}  # fmt: skip
_RDMC_NUCLEI = {
    2: 4, 3: 7, 4: 9, 5: 11, 6: 12, 7: 14, 8: 16, 9: 19, 10: 20, 11: 23, 12: 24, 13: 27, 14: 28, 15: 31, 16: 32,
    17: 35, 18: 40, 19: 39, 20: 40, 21: 45, 22: 48, 23: 51, 24: 52, 25: 55, 26: 56,
}  # fmt: skip
"""Nucleons by charge."""
_OLD_ICECUBE = {35: 411, 36: -411, 37: 421, 38: -421, 39: 431, 40: -431, 41: 4122, 42: 24, 43: -24, 44: 23}
"""What versions 3 and 4 have besides CORSIKA's codes."""
_LAST_RDMC, _LAST_CORSIKA = 2, 4
_LAST_PDG = 2_000_000_000


def pdg_codes(codes: NDArray[np.int64], versions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Translate particle types.

    Parameters
    ----------
    codes
        As in the source, shape (n,).
    versions
        Class version of each particle, shape (n,).

    Returns
    -------
    numpy.ndarray of int64
        PDG codes, -1 where there is none.
    """
    found = np.full(len(codes), UNKNOWN, dtype=np.int64)
    rdmc, pdg = versions <= _LAST_RDMC, (versions > _LAST_CORSIKA) & (np.abs(codes) <= _LAST_PDG)
    corsika = (versions > _LAST_RDMC) & (versions <= _LAST_CORSIKA)
    found[pdg], found[corsika] = to_pdg(codes[pdg], "pdg"), to_pdg(codes[corsika], "corsika")
    _replace(found, codes, corsika, _OLD_ICECUBE)
    _replace(found, codes, rdmc, _RDMC)
    nuclei = {3000 + charge: 1_000_000_000 + 10_000 * charge + 10 * mass for charge, mass in _RDMC_NUCLEI.items()}
    _replace(found, codes, rdmc, nuclei)
    return found


def _replace(
    found: NDArray[np.int64], codes: NDArray[np.int64], chosen: NDArray[np.bool_], table: dict[int, int]
) -> None:
    if chosen.any():
        for code, particle in table.items():
            found[chosen & (codes == code)] = particle
