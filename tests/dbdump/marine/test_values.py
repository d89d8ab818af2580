"""Numbers become the nearest double of the exact value in the unit of the file, or an error."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from dbdump.errors import ValueLossError
from dbdump.marine.units import Conversion, conversion
from dbdump.marine.values import to_doubles, to_flags, to_texts
from legacy.errors import MetadataError

SAME = Conversion()


def nearest_double(value: Decimal | int, ratio: Conversion) -> float:
    """The definition, in another way than the code under test: float() of a Fraction rounds correctly."""
    return float((Fraction(value) * ratio.multiplier + ratio.addend) / ratio.divisor)


@pytest.mark.parametrize("units", [("degC", "K"), ("K", "degC"), ("cm/s", "m s-1"), ("knot", "m s-1"), ("m", "m")])
@pytest.mark.parametrize("scale", [0, 1, 4, 9])
def test_decimals_are_rounded_once(units: tuple[str, str], scale: int) -> None:
    random = np.random.default_rng(7)
    ratio = conversion(*units, "here")
    for largest in (10**6, 10**14):  # the fast way and the slow way
        numbers = [Decimal(int(n)).scaleb(-scale) for n in random.integers(-largest, largest, 500)]
        column = pa.array([*numbers, None], pa.decimal128(38, scale))
        found = to_doubles(column, ratio, "here")
        assert [*found[:-1]] == [nearest_double(number, ratio) for number in numbers]
        assert math.isnan(found[-1])
        assert to_doubles(column.slice(100, 50), ratio, "here").tolist() == found[100:150].tolist()


def test_whole_numbers_texts_and_floats() -> None:
    ratio = conversion("cm/s", "m s-1", "here")
    whole = pa.array([1, None, -(2**53) // 4, 10**15], pa.int64())
    assert to_doubles(whole, ratio, "here").tolist()[::2] == [0.01, float(Fraction(-(2**53) // 4, 100))]
    texts = pa.array(["13.2015", "-0.5e1", None, "NaN", "Infinity", " 7 "])
    found = to_doubles(texts, SAME, "here")
    assert found[[0, 1, 4, 5]].tolist() == [13.2015, -5.0, math.inf, 7.0]
    assert np.isnan(found[[2, 3]]).all()
    floats = to_doubles(pa.array([1.5, None, math.nan], pa.float32()), ratio, "here")
    assert floats[0] == 0.015
    assert np.isnan(floats[1:]).all()


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**53 + 1], pa.int64()),
        pa.array([np.iinfo(np.int64).max], pa.int64()),
        pa.array([Decimal("12345678901234567.89")], pa.decimal128(38, 2)),
        pa.array([Decimal("1" * 38)], pa.decimal128(38, 0)),
        pa.array(["0.12345678901234567890"]),
        pa.array(["1e999"]),
        pa.array(["1e-999"]),
    ],
    ids=["2^53+1", "int64", "decimal", "38 digits", "text", "too large", "too small"],
)
def test_numbers_that_no_double_holds_are_refused(column: "pa.Array[Any]") -> None:
    with pytest.raises(ValueLossError, match=r"here: .* has more digits than a double holds"):
        to_doubles(column, SAME, "here")


def test_long_numbers_that_doubles_hold_are_taken() -> None:
    column = pa.array([2**53 + 2, 2**62, -(2**63)], pa.int64())
    assert to_doubles(column, SAME, "here").tolist() == [float(2**53 + 2), float(2**62), float(-(2**63))]
    wide = pa.array([Decimal(2**70), Decimal("0.5")], pa.decimal128(38, 1))
    assert to_doubles(wide, SAME, "here").tolist() == [float(2**70), 0.5]


def test_what_is_no_number() -> None:
    with pytest.raises(ValueLossError, match="here: '12,5' is no number"):
        to_doubles(pa.array(["12,5"]), SAME, "here")
    with pytest.raises(ValueLossError, match=r"here: 'bad.x1b' is no number"):
        to_doubles(pa.array(["bad\x1b"]), SAME, "here")
    with pytest.raises(MetadataError, match="here: the column is binary"):
        to_doubles(pa.array([b"1"]), SAME, "here")


def test_flags_and_keys() -> None:
    padded = pa.array(["G   ", None, "B   "])
    assert to_flags(padded, {"G": 1, "B": 4}, "here", padded=True).tolist() == [1, 0, 4]
    assert to_flags(pa.array([9, 3, None], pa.int64()), {}, "here", padded=False).tolist() == [9, 3, 0]
    with pytest.raises(MetadataError, match="here: the mapping does not say what '5' means"):
        to_flags(pa.array([5], pa.int64()), {}, "here", padded=False)
    assert to_texts(pa.array([Decimal(3)], pa.decimal128(5, 0)), "here").to_pylist() == ["3"]
    with pytest.raises(MetadataError, match="here: the column is double; keys"):
        to_texts(pa.array([1.5]), "here")
