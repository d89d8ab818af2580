"""Tables."""

import numpy as np
import pytest

from legacy.model import ColumnSpec, Table, TableSpec, TableStream

SPEC = TableSpec(
    "/t",
    (
        ColumnSpec("i", "i8", "", "Integer"),
        ColumnSpec("u", "i2", "", "Short"),
        ColumnSpec("f", "f8", "m", "Float"),
        ColumnSpec("g", "f4", "m", "Short float"),
        ColumnSpec("s", "S5", "", "Text"),
    ),
)


@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_blank_is_all_missing_and_can_be_filled(rows: int) -> None:
    array = SPEC.blank(rows)
    assert array.dtype == SPEC.dtype
    assert len(array) == rows
    for column in SPEC.columns:
        assert not column.present(array[column.name]).any()
    array["f"] = 0.0
    assert SPEC.column("f").present(array["f"]).all(), "zero is a value"


def test_missing_values() -> None:
    assert [SPEC.column(n).missing for n in ("i", "u", "s")] == [-1, -1, b""]
    assert np.isnan(SPEC.column("f").missing)
    values = np.array([np.nan, np.inf, 0.0, -1.0])
    assert SPEC.column("f").present(values).tolist() == [False, True, True, True]
    assert SPEC.column("i").present(np.array([-1, 0, 5])).tolist() == [False, True, True]
    assert SPEC.column("s").present(np.array([b"", b"x"])).tolist() == [False, True]


def test_select_keeps_the_order() -> None:
    chosen = SPEC.select({"s", "i"})
    assert [c.name for c in chosen.columns] == ["i", "s"]
    assert (chosen.path, chosen.version) == (SPEC.path, SPEC.version)
    with pytest.raises(KeyError):
        chosen.column("f")


def test_stream_of_a_table_can_be_read_twice() -> None:
    stream = TableStream.of(Table(SPEC, SPEC.blank(3)))
    assert stream.rows == 3
    assert [len(block) for block in stream.blocks()] == [len(block) for block in stream.blocks()] == [3]
