"""Parameters of fits: I3LogLikelihoodFitParams."""

import struct
from typing import NamedTuple

from converters.readers.i3.classes.base import framed

_LIKELIHOOD = struct.Struct("<ddii")


class LogLikelihood(NamedTuple):
    """How good a fit is: -log of the likelihood, the same per degree of freedom, these, and calls of the minimiser."""

    logl: float
    rlogl: float
    ndof: int
    nmini: int


LOG_LIKELIHOOD = framed("I3LogLikelihoodFitParams", lambda archive: LogLikelihood(*archive.unpack(_LIKELIHOOD)))
