"""The header table that km3pipe's HDF5Pump reads."""

from pathlib import Path

import pytest

from converters.raw_header import raw_header_rows
from converters.source import HeaderLine
from legacy.errors import CorruptInputError

SOURCE = Path("source.evt")


def test_names_and_types_of_values() -> None:
    lines = [HeaderLine("can", ("0.000", "922", "***")), HeaderLine("META/JMeta", ("x",)), HeaderLine("node")]
    rows = raw_header_rows(lines, SOURCE).array.tolist()
    assert rows == [
        (b"can", b"zmin zmax r", b"0.000 922 ***", b"f8 i8 a3"),
        (b"META/JMeta", b"META_JMeta_0", b"x", b"a1"),
        (b"node", b"", b"", b""),
    ]


def test_repeated_lines_stay_repeated() -> None:
    lines = [HeaderLine("seed", ("GENHEN", "3")), HeaderLine("seed", ("KM3", "3"))]
    assert [row[2] for row in raw_header_rows(lines, SOURCE).array.tolist()] == [b"GENHEN 3", b"KM3 3"]


def test_a_hostile_line_cannot_fill_the_memory() -> None:
    lines = [HeaderLine("a", ("x" * 1_000_000,)), *[HeaderLine("b", ("1",))] * 100]
    with pytest.raises(CorruptInputError, match=r"source\.evt: a header that cannot be one"):
        raw_header_rows(lines, SOURCE)
