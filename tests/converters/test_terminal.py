"""Text that fits a terminal."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.terminal import grid, pairs, wrapped

Cli = Callable[..., Any]

ROWS = [
    {
        "field": "Q/I3EventHeader (I3EventHeader v3)",
        "count": 5,
        "destination": "/events",
        "note": "x " * 60,
    },
    {"field": "P/A", "count": 12345678, "destination": "", "note": "its layout is not known: not read"},
]


def test_without_a_terminal_every_row_is_a_line() -> None:
    lines = grid(ROWS).splitlines()
    assert len(lines) == 3
    assert lines[0].split() == ["field", "count", "destination", "note"]
    assert all(line == line.rstrip() for line in lines)


def test_texts_are_wrapped_within_their_columns() -> None:
    lines = grid(ROWS, 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[1].startswith("  Q/I3EventHeader")
    assert "12345678" in "\n".join(lines), "numbers stay whole"
    assert sum(line.count(" x") for line in lines) == 60, "nothing is lost"


def test_too_many_columns_become_lists() -> None:
    rows = [{f"column_{n}": 1.0 / 3 + k for n in range(20)} for k in range(2)]
    text = grid(rows, 80)
    assert text.split("\n\n")[1].splitlines()[3] == "  column_3   1.33333333"


def test_a_missing_number() -> None:
    assert grid([{"ra": None, "n": 1}]).splitlines()[1] == "  -   1"


def test_names_and_values() -> None:
    assert pairs({"a": 1, "long": "b c"}) == "  a     1\n  long  b c"
    assert pairs({"description": "word " * 20}, 40).splitlines()[1].startswith(" " * 15 + "word")


@given(st.lists(st.text("ab ,_/", max_size=60), min_size=4, max_size=4), st.integers(min_value=20, max_value=200))
def test_no_letter_is_lost_and_no_line_too_long(texts: list[str], width: int) -> None:
    rows = [dict(zip("wxyz", texts, strict=True))]
    shown = grid(rows, width)
    assert all(len(line) <= max(width, 20) for line in shown.splitlines())
    assert sorted(re.sub(r"[\swxyz]", "", shown)) == sorted(re.sub(r"\s", "", "".join(texts)))


def test_a_terminal_without_room_is_left_to_wrap() -> None:
    assert wrapped("a b c d e f g h i j", 10, " " * 9) == "a b c d e f g h i j"


@pytest.mark.parametrize("command", ["show", "inspect"])
def test_in_a_terminal(command: str, sample: Callable[[str], Path], cli: Cli, tmp_path: Path, monkeypatch: Any) -> None:
    source = sample("seatray/antares.h5")
    product = tmp_path / "a.h5"
    assert cli("convert", source, "-o", product).code == 0
    wide = cli(command, product if command == "show" else source).out
    monkeypatch.setattr("converters.terminal.terminal_width", lambda: 60)
    ran = cli(command, product if command == "show" else source)
    assert ran.code == 0
    # A path in an error or at the beginning of a line has no blank to break at.
    assert max(len(line) for line in ran.out.splitlines() if "/" not in line) <= 60
    assert max(map(len, wide.splitlines())) > 60
