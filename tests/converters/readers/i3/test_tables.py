"""Rows packed by `struct` are those that numpy makes."""

import numpy as np
import pytest

from converters.readers.i3.tables import _rows
from legacy.model import ColumnSpec, TableSpec

DTYPES = ("f8", "f4", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "S3")
SPEC = TableSpec("/x", tuple(ColumnSpec(f"c_{dtype}", dtype, "", "") for dtype in DTYPES))
USUAL = (0.1, 0.5, -(2**63), -(2**31), -(2**15), -128, 2**64 - 1, 2**32 - 1, 2**16 - 1, 255, b"abc")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [USUAL],
        [USUAL, (True, float("nan"), 1, 0, True, 0, 0, 0, 0, False, b"")],
        [(*USUAL[:-1], b"too long")],
        [(*USUAL[:2], 1.0, *USUAL[3:])],
        [(np.float64(0.1), *USUAL[1:])],
    ],
    ids=["none", "limits", "flags", "long text", "float for an integer", "number of numpy"],
)
def test_rows(rows: list[tuple[object, ...]]) -> None:
    found, expected = _rows(SPEC, rows), np.array(rows, dtype=SPEC.dtype)
    assert found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()
    assert found.flags.writeable


def test_a_number_too_large_for_its_column() -> None:
    with pytest.warns(RuntimeWarning, match="overflow"):
        found = _rows(SPEC, [(0.0, 1e300, *USUAL[2:])])
    assert np.isinf(found["c_f4"][0])
    with pytest.raises(OverflowError):
        _rows(SPEC, [(*USUAL[:3], 2**31, *USUAL[4:])])
