"""The source's header as the four text columns that km3pipe's HDF5Pump reads.

Facts about these columns: docs/level3.md. HDF5Pump reads values by their ``dtype``: ``a<width>`` stays text,
anything else goes through ``numpy.fromstring`` and must therefore be a plain number.
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from converters.layout import raw_header_table
from converters.source import HeaderLine
from legacy.errors import CorruptInputError
from legacy.model import Table

VALUE_NAMES: dict[str, tuple[str, ...]] = {
    "start_run": ("run_id",),
    "physics": ("program", "version", "date", "time"),
    "simul": ("program", "version", "date", "time"),
    "generator": ("program", "version", "date", "time"),
    "seed": ("program", "level", "iseed"),
    "can": ("zmin", "zmax", "r"),
    "fixedcan": ("xcenter", "ycenter", "zmin", "zmax", "radius"),
    "genvol": ("zmin", "zmax", "r", "volume", "numberOfEvents"),
    "cut_nu": ("Emin", "Emax", "cosTmin", "cosTmax"),
    "cut_in": ("Emin", "Emax", "cosTmin", "cosTmax"),
    "cut_primary": ("Emin", "Emax", "cosTmin", "cosTmax"),
    "cut_seamuon": ("Emin", "Emax", "cosTmin", "cosTmax"),
    "coord_origin": ("x", "y", "z"),
    "translate": ("x", "y", "z"),
    "spectrum": ("alpha",),
    "norma": ("primaryFlux", "numberOfPrimaries"),
    "livetime": ("numberOfSeconds", "errorOfSeconds"),
    "flux": ("type", "key", "file_1", "file_2"),
    "k40": ("rate", "time"),
    "PDF": ("i1", "i2"),
    "genhencut": ("gDir", "Emin"),
    "model": ("interaction", "muon", "scattering", "numberOfEnergyBins"),
    "DAQ": ("livetime",),
}
"""Names of the values of header lines, as km3io names them; other values are numbered."""

_MAX_BYTES = 64 << 20
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def _dtype(value: str) -> str:
    if _INTEGER.fullmatch(value):
        return "i8"
    return "f8" if _FLOAT.fullmatch(value) else f"a{len(value.encode('latin-1', 'replace'))}"


def _names(line: HeaderLine) -> list[str]:
    names = list(VALUE_NAMES.get(line.parameter, ()))[: len(line.values)]
    # HDF5Pump stops reading the header at a name that is no Python identifier, such as META/JMeta_0.
    stem = re.sub(r"\W", "_", line.parameter).strip("_") or "value"
    stem = stem if stem.isidentifier() else f"value_{stem}"
    return names + [f"{stem}_{n}" for n in range(len(names), len(line.values))]


def raw_header_rows(header: Sequence[HeaderLine], source: Path) -> Table:
    """Return ``/raw_header``.

    Parameters
    ----------
    header
        The source's header lines; repeated parameters stay repeated.
    source
        The source, for messages.

    Returns
    -------
    Table
        One row per line, in order.

    Raises
    ------
    CorruptInputError
        The table would need more memory than any header is worth.
    """
    rows = [
        (
            line.parameter,
            " ".join(_names(line)),
            " ".join(line.values),
            " ".join(map(_dtype, line.values)),
        )
        for line in header
    ]
    encoded = [tuple(text.encode("latin-1", "replace") for text in row) for row in rows]
    widths = tuple(max([1, *(len(row[n]) for row in encoded)]) for n in range(4))
    if sum(widths) * len(encoded) > _MAX_BYTES:
        raise CorruptInputError(
            source,
            "a header that cannot be one",
            expected=f"at most {_MAX_BYTES >> 20} MB for {len(encoded)} lines, each as wide as the longest",
            found=f"a line of {sum(widths)} characters",
            advice="`antares-legacy inspect` tells what the file is",
        )
    spec = raw_header_table((widths[0], widths[1], widths[2], widths[3]))
    return Table(spec, np.array(encoded, dtype=spec.dtype))
