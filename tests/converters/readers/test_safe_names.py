"""Names of columns and tables: what every HDF5 library takes."""

import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.readers.safe_names import printable, safe_name, snake_case


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nUsedHits", "n_used_hits"),
        ("nL1Hits", "n_l1_hits"),
        ("zMin", "z_min"),
        ("fit_status", "fit_status"),
        ("AafitFinalFit", "aafit_final_fit"),
        ("GridFit_FinalFitResult", "grid_fit_final_fit_result"),
        ("BBFitTrack", "bb_fit_track"),
        ("I3EventHeader", "i3_event_header"),
        ("_v_x", "v_x"),
        ("a b/c[deg]", "a_b_c_deg"),
        ("", ""),
    ],
)
def test_snake_case(text, expected):
    assert snake_case(text) == expected


@pytest.mark.parametrize(
    ("text", "taken", "expected"),
    [
        ("x", (), "x"),
        ("x", ("x",), "x_2"),
        ("x", ("x", "x_2"), "x_3"),
        ("lambda", (), "lambda_"),
        ("name", (), "name_"),
        ("h5loc", (), "h5loc_"),
        ("2nd", (), "n_2nd"),
        ("", (), "unnamed"),
        ("y" * 200, (), "y" * 56),
    ],
)
def test_safe_name(text, taken, expected):
    assert safe_name(text, taken) == expected


@given(st.text(max_size=80))
def test_any_text_makes_an_identifier(text):
    name = safe_name(snake_case(text))
    assert name.isidentifier()
    assert name.isascii()
    assert not name.startswith("_")
    assert not keyword.iskeyword(name)
    assert name not in {"name", "h5loc", "split_h5", "h5singleton"}


@given(st.text(alphabet=st.characters()), st.integers(min_value=4, max_value=100))
def test_printable(text, length):
    shown = printable(text, length)
    assert len(shown) <= length
    assert shown.isprintable()
    shown.encode()
