"""Conversions of units, against cf-units (UDUNITS) and by hand."""

from fractions import Fraction

import pytest

from dbdump.marine.units import UNITS, conversion, preferred
from legacy.errors import MetadataError


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        ("degC", "degree_Celsius", Fraction("13.2"), Fraction("13.2")),
        ("K", "degree_Celsius", Fraction("286.35"), Fraction("13.2")),
        ("degC", "K", Fraction("13.2"), Fraction("286.35")),
        ("cm/s", "m s-1", Fraction("12.5"), Fraction("0.125")),
        ("mS/cm", "S m-1", Fraction("38.4"), Fraction("3.84")),
        ("bar", "dbar", Fraction("250.1"), Fraction("2501")),
        ("Pa", "dbar", Fraction(25_010_000), Fraction("2501")),
        ("percent", "1", Fraction(45), Fraction("0.45")),
        ("Hz", "kHz", Fraction(60_500), Fraction("60.5")),
        ("MHz", "kHz", Fraction("1.5"), Fraction(1500)),
        ("uM", "mol m-3", Fraction(200), Fraction("0.2")),
        ("umol/kg", "mol kg-1", Fraction(190), Fraction("0.00019")),
        ("knot", "m s-1", Fraction(1), Fraction(1852, 3600)),
        ("min", "us", Fraction(15), Fraction(900_000_000)),
    ],
)
def test_conversions_by_hand(source: str, target: str, value: Fraction, expected: Fraction) -> None:
    ratio = conversion(source, target, "here")
    assert (value * ratio.multiplier + ratio.addend) / ratio.divisor == expected


def test_units_of_files_agree_with_udunits() -> None:
    """UDUNITS knows every unit that a file can have, and converts each pair as we do."""
    cf_units = pytest.importorskip("cf_units")
    written = sorted({preferred(text, "here") for text in UNITS})
    known = {text: cf_units.Unit(text) for text in written}
    for one in written:
        for two in written:
            if UNITS[one].kind == UNITS[two].kind:
                ratio = conversion(one, two, "here")
                ours = (7 * ratio.multiplier + ratio.addend) / ratio.divisor
                assert known[one].convert(7.0, known[two]) == pytest.approx(ours, rel=1e-12)


def test_what_is_refused() -> None:
    with pytest.raises(MetadataError, match="needs the density"):
        conversion("umol/l", "umol kg-1", "here")
    with pytest.raises(MetadataError, match="here: 'degC' cannot become 'm': one is a temperature, the other a length"):
        conversion("degC", "m", "here")
    with pytest.raises(MetadataError, match="unknown unit 'dgeC'; did you mean 'degC'"):
        conversion("dgeC", "K", "here")
