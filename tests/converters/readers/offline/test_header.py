"""Headers: the ways in which maps of texts are streamed, and what the lines tell."""

import struct

import pytest

from converters.readers.offline.header import Header, parse_head, parse_multi_head
from converters.source import HeaderLine

TOBJECT = struct.pack(">HII", 1, 0, 0x0300_0000)
REFERENCED = struct.pack(">HIIH", 1, 0, 0x0300_0010, 7)
CHECKSUM = b"\x00\x00O\xd9\xd7B"
LINES = [("physics", " GENHEN 7.2"), ("long", "x" * 300), ("empty", ""), ("name", "Ångström")]


def text(value: str) -> bytes:
    raw = value.encode()
    return bytes([len(raw)]) + raw if len(raw) < 255 else b"\xff" + struct.pack(">I", len(raw)) + raw


def counted(version: int, content: bytes) -> bytes:
    return struct.pack(">IH", 0x4000_0000 | (len(content) + 2), version) + content


def columns(lines: list[tuple[str, str]]) -> bytes:
    if not lines:
        return struct.pack(">I", 0)
    parts = (counted(9, b"".join(text(line[n]) for line in lines)) for n in range(2))
    return struct.pack(">I", len(lines)) + b"".join(parts)


def in_turn(lines: list[tuple[str, str]]) -> bytes:
    return struct.pack(">I", len(lines)) + b"".join(text(tag) + text(value) for tag, value in lines)


@pytest.mark.parametrize("version", [9, 10])
@pytest.mark.parametrize("lines", [LINES, LINES[:1], []], ids=["many", "one", "none"])
@pytest.mark.parametrize("base", [TOBJECT, REFERENCED], ids=["plain", "referenced"])
def test_head(version: int, lines: list[tuple[str, str]], base: bytes) -> None:
    assert parse_head(counted(2, base + counted(version, in_turn(lines)))) == lines
    by_member = counted(version | 0x4000, CHECKSUM + columns(lines))
    assert parse_head(counted(2, base + by_member)) == lines


def test_multi_head() -> None:
    heads = [LINES, [], LINES[:2]]
    maps = counted(0x4009, CHECKSUM + b"".join(map(columns, heads)))
    vector = counted(0x4009, b"\x00\x02" + struct.pack(">I", 3) + TOBJECT * 3 + maps)
    assert parse_multi_head(counted(1, vector) + TOBJECT) == heads


@pytest.mark.parametrize(
    "data",
    [
        b"",
        counted(2, TOBJECT + counted(9, in_turn(LINES)))[:-3],
        counted(2, TOBJECT + counted(9, struct.pack(">I", 2**31))),
        counted(2, TOBJECT + b"\x00" * 20),
        counted(2, TOBJECT + counted(0x4009, CHECKSUM + struct.pack(">I", 5))),
    ],
    ids=["empty", "cut", "absurd", "zeros", "no columns"],
)
def test_heads_that_make_no_sense(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"ends within a value|no byte count|entries in a header"):
        parse_head(data)


@pytest.mark.parametrize("version", [9, 0x4009])
def test_multi_heads_of_an_unknown_layout(version: int) -> None:
    vector = counted(version, b"\x00\x02" + struct.pack(">I", 1) + TOBJECT + counted(9, in_turn(LINES)))
    with pytest.raises(ValueError, match="not streamed member by member"):
        parse_multi_head(counted(1, vector))


def header(*lines: tuple[str, str]) -> Header:
    statements = tuple((tag, tuple(values.split())) for tag, values in lines)
    return Header(tuple(HeaderLine(*line) for line in statements), statements, {}, {})


@pytest.mark.parametrize(
    ("lines", "generator"),
    [
        ([("physics", "GENHEN 7.1 1 2"), ("simul", "KM3 3.06")], "GENHEN 7.1 + KM3 3.06"),
        ([("physics", "gSeaGen PROPOSAL 6"), ("simul", "gSeaGen v7")], "gSeaGen v7"),
        ([("simul", "MUPAGE v5"), ("physics", "MUPAGE HEMAS-DPM")], "MUPAGE v5"),
        ([("physics", "GENIE 3"), ("physics", "GENIE_TUNE G18")], "GENIE 3"),
        ([("physics", "")], ""),
    ],
)
def test_programs(lines: list[tuple[str, str]], generator: str) -> None:
    assert header(*lines).generator == generator


@pytest.mark.parametrize(
    ("line", "named"),
    [
        (("detector", "/data/ANTARES_2010.det"), True),
        (("usedetfile", "antares.det"), True),
        (("XSecFile", "/in2p3/antares/xsec.xml"), False),
        (("detector", "KM3NeT.detx"), False),
    ],
)
def test_detector(line: tuple[str, str], named: bool) -> None:
    assert header(line).names_antares is named


@pytest.mark.parametrize(
    ("version", "old"), [("4.2.Unve", True), ("v4.1", True), ("v5.1.9", False), ("10.2", False), ("", False)]
)
def test_codes_of_corant(version: str, old: bool) -> None:
    assert header(("physics", f"Corant {version}")).corsika_primaries is old
