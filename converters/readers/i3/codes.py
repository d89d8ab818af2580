"""Particle types of I3Particle as PDG codes.

Up to class version 2 the codes are those of RDMC: GEANT3's, and 201 to 206 for neutrinos; 3 and 4 have CORSIKA's;
from 5 on they are PDG codes (icecube/icetray-public: dataclasses, physics/I3Particle.cxx).
"""

import numpy as np
from numpy.typing import NDArray

from converters.readers.evt.particles import UNKNOWN, to_pdg

_RDMC_NEUTRINOS = {201: 12, 202: 14, 203: 16, 204: -12, 205: -14, 206: -16}
_LAST_RDMC, _LAST_CORSIKA = 2, 4


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
    rdmc, pdg = versions <= _LAST_RDMC, versions > _LAST_CORSIKA
    for scheme, chosen in (("geant3", rdmc), ("corsika", ~rdmc & ~pdg), ("pdg", pdg)):
        found[chosen] = to_pdg(codes[chosen], scheme)
    for code, neutrino in _RDMC_NEUTRINOS.items():
        found[rdmc & (codes == code)] = neutrino
    return found
