import math
import time

import numpy as np
import pytest

from converters.readers.evt.numbers import parse_line, parse_table, separate, to_float, to_integers


@pytest.mark.parametrize(
    ("token", "numbers"),
    [
        ("0.100E+09-0.100E+01", ["0.100E+09", "-0.100E+01"]),
        ("1-2+3", ["1", "-2", "+3"]),
        ("-1.5-2.5", ["-1.5", "-2.5"]),
        (".5-.5", [".5", "-.5"]),
        ("1.E5-1.D-5", ["1.E5", "-1.D-5"]),
        ("1e-5", ["1e-5"]),
        ("0.1234-100", ["0.1234-100"]),
        ("0.1234+100", ["0.1234+100"]),
        ("1.500-250.000", ["1.500", "-250.000"]),
        ("3.06-281009", ["3.06", "-281009"]),
        ("1.5x-2", ["1.5x-2"]),
        ("1--2", ["1--2"]),
        ("1.2.3", ["1.2.3"]),
        ("v5.1.9", ["v5.1.9"]),
        ("*********", ["*********"]),
        ("-", ["-"]),
    ],
)
def test_separate(token: str, numbers: list[str]) -> None:
    assert separate(token) == numbers


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("1", 1.0),
        ("+1.5", 1.5),
        ("-.5", -0.5),
        ("5.", 5.0),
        ("0.143023E+03", 143.023),
        ("1D5", 1e5),
        ("1.25d-3", 1.25e-3),
        ("0.1234-100", 0.1234e-100),
        ("0.1234+100", 0.1234e100),
        ("1e400", math.inf),
        ("-1e400", -math.inf),
        ("1e-400", 0.0),
        ("inf", math.inf),
        ("-Infinity", -math.inf),
    ],
)
def test_to_float(token: str, value: float) -> None:
    assert to_float(token) == value


@pytest.mark.parametrize("token", ["*", "*********", "-****", "+**", "NaN", "nan", "-nan"])
def test_overflow_and_nan_are_missing_numbers(token: str) -> None:
    found = to_float(token)
    assert found is not None
    assert math.isnan(found)


@pytest.mark.parametrize(
    "token",
    [
        "1_000",
        "1,5",
        "0x10",
        "O16",
        "",
        "-",
        "+",
        ".",
        "e5",
        "1e",
        "1e+",
        "--1",
        "+-inf",
        "nano",
        "\xb2",
        "1\x002",
        "1*",
    ],
)
def test_what_is_no_number(token: str) -> None:
    assert to_float(token) is None


def test_parse_line_keeps_order_and_gaps() -> None:
    assert parse_line(" 1  0.100E+09-0.100E+01\tx 2\r") == [1.0, 1e8, -1.0, None, 2.0]
    assert parse_line(" \t\r") == []


def test_parse_table_reads_plain_numbers_exactly() -> None:
    lines = [" 1 0.1 -2.5e-3", "2\t1e300 nan\r", " 3 .5 5."]
    found = parse_table(lines)
    assert found is not None
    np.testing.assert_array_equal(found, [[1, 0.1, -2.5e-3], [2, 1e300, np.nan], [3, 0.5, 5.0]])


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["1 2", ""],
        ["", "1 2"],
        ["1 2", "  ", "3 4"],
        ["1 2", "3"],
        ["1 2", "3 4 5"],
        ["1 1_000"],
        ["1 1D5"],
        ["1 ****"],
        ["1 2-3"],
        ["1 # 2"],
        ['1 "2"'],
        ["1 0x10"],
        ["1 1\x002"],
        ["1 \xb2"],
        ["1 2\r3 4"],
    ],
)
def test_parse_table_leaves_everything_else(lines: list[str]) -> None:
    assert parse_table(lines) is None


@pytest.mark.parametrize(
    "token", ["1e400", "-1e400", "1e-400", "4.9e-324", "2.2250738585072011e-308", "0.1", "1" * 400, "infinity"]
)
def test_both_ways_give_the_same_number(token: str) -> None:
    table = parse_table([token])
    assert table is not None
    assert table.tolist() == [parse_line(token)]


@pytest.mark.parametrize(
    "text", ["1" * 16_000 + "x", "1-" * 8_000 + "x", "1." * 8_000, "1e" * 8_000, "+" * 16_000, "1e5-" * 4_000 + "."]
)
def test_no_text_takes_long(text: str) -> None:
    begin = time.process_time()
    assert parse_line(text) == [None]
    assert time.process_time() - begin < 1.0


def test_to_integers() -> None:
    values = np.array([[0.0, -1.0, 5.0, 5.5], [np.nan, np.inf, -np.inf, 2.0**53], [2.0**53 - 1, -1e300, -0.0, -7.0]])
    expected = [[0, -1, 5, -1], [-1, -1, -1, -1], [2**53 - 1, -1, 0, -7]]
    found = to_integers(values)
    assert found.dtype == np.int64
    assert found.tolist() == expected
