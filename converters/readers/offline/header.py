"""The header of an offline file: objects Head, Header and MultiHead, and the history in META.

Layout (ROOT's streaming, checked on every sample of km3net-testdata): class Head is a TObject and a
``map<string, string>`` from tag to text, class MultiHead a TObject and a vector of Head. uproot reads neither
the oldest maps (tag and text in turn) nor a vector that is streamed member by member.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.readers.offline.header_tree import tree_lines
from converters.readers.rootfile import RootKey, highest_cycles, parsing
from converters.source import HeaderLine

SIMULATION_TAGS = frozenset(["physics", "simul", "generator", "genvol"])
"""Tags that only simulations have."""

_HEAD_NAMES = ("Head", "Header")
_MULTI_HEAD = "MultiHead"
_HEADER_TREE = "headerTree"
_HISTORY = "META/"
_HISTORY_LIMIT = 1 << 20
_PROGRAM_TAGS = ("physics", "generator", "simul")
_DETECTOR_TAGS = frozenset(["detector", "det", "usedetfile"])
_ANTARES = re.compile("antares", re.IGNORECASE)
_NUMBERED = re.compile(r"_\d{1,3}$")
_DIGIT = re.compile(r"\d")
_DOCUMENTED_WEIGHTS = frozenset(["genhen", "gseagen"])
_SETTING = re.compile("GENIE_")
_OLD_CORANT = re.compile(r"v?[1-4]\b")

_BYTE_COUNT = 0x4000_0000
_MEMBER_WISE = 0x4000
_IS_REFERENCED = 0x10
_LONG_STRING = 255
_MAX_ENTRIES = 1_000_000


class _Cursor:
    """Reads big-endian numbers and strings; ValueError at the end of the bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if len(piece) != count:
            raise ValueError("the object ends within a value")
        self._at += count
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def count(self) -> int:
        number = self.number(4)
        if number > _MAX_ENTRIES:
            raise ValueError(f"{number} entries in a header")
        return number

    def text(self) -> str:
        length = self.number(1)
        if length == _LONG_STRING:
            length = self.number(4)
        return self.take(length).decode("utf-8", "backslashreplace")

    def version(self) -> int:
        """Read byte count and version."""
        if not self.number(4) & _BYTE_COUNT:
            raise ValueError("no byte count where one must be")
        return self.number(2)

    def tobject(self) -> None:
        """Read over the base class TObject."""
        self.take(6)
        if self.number(4) & _IS_REFERENCED:
            self.take(2)

    def element_version(self) -> None:
        """Read the version of the elements of a container that is streamed member by member."""
        if self.number(2) == 0:
            self.take(4)  # a class without version has a checksum instead


def _paired(cursor: _Cursor) -> list[tuple[str, str]]:
    """Read tags and texts that are streamed member by member: all tags, then all texts."""
    count = cursor.count()
    if not count:
        return []  # then the two lists are not even there
    columns = []
    for _ in range(2):
        cursor.version()
        columns.append([cursor.text() for _ in range(count)])
    return list(zip(*columns, strict=True))


def parse_head(data: bytes) -> list[tuple[str, str]]:
    """Decode an object of class Head.

    Parameters
    ----------
    data
        The object, uncompressed.

    Returns
    -------
    list of tuple
        Tag and text of each line, in the file's order.

    Raises
    ------
    ValueError
        The bytes make no sense.
    """
    cursor = _Cursor(data)
    cursor.version()
    cursor.tobject()
    if cursor.version() & _MEMBER_WISE:
        cursor.element_version()
        return _paired(cursor)
    return [(cursor.text(), cursor.text()) for _ in range(cursor.count())]


def parse_multi_head(data: bytes) -> list[list[tuple[str, str]]]:
    """Decode an object of class MultiHead.

    Parameters
    ----------
    data
        The object, uncompressed.

    Returns
    -------
    list of list
        Tag and text of each line of each header.

    Raises
    ------
    ValueError
        The bytes make no sense, or are not streamed member by member, as in all samples.
    """
    cursor = _Cursor(data)
    cursor.version()
    if not cursor.version() & _MEMBER_WISE:
        raise ValueError("a vector of headers that is not streamed member by member")
    cursor.element_version()
    heads = cursor.count()
    for _ in range(heads):
        cursor.tobject()
    if not cursor.version() & _MEMBER_WISE:
        raise ValueError("maps of a vector of headers that are not streamed member by member")
    cursor.element_version()
    return [_paired(cursor) for _ in range(heads)]


@dataclass(frozen=True, slots=True)
class Header:
    """Everything the file says about itself.

    Parameters
    ----------
    lines
        Every line, as it goes into the product.
    statements
        Tag, without the number that tells repeated tags apart, and values of each line of a header.
    objects
        Path and cycle of each object that was read, and how many lines it gave.
    unread
        Path and cycle of each object that could not be read, and why.
    """

    lines: tuple[HeaderLine, ...]
    statements: tuple[tuple[str, tuple[str, ...]], ...]
    objects: Mapping[str, int]
    unread: Mapping[str, str]

    @property
    def simulated(self) -> bool:
        """True if a line names a generator."""
        return any(tag in SIMULATION_TAGS for tag, _ in self.statements)

    @property
    def names_antares(self) -> bool:
        """True if the file says that its detector is ANTARES."""
        return any(
            tag in _DETECTOR_TAGS and any(_ANTARES.search(value) for value in values) for tag, values in self.statements
        )

    @property
    def programs(self) -> dict[str, str]:
        """Programs with their versions, in the order in which the header names them."""
        found: dict[str, str] = {}
        for wanted in _PROGRAM_TAGS:
            for tag, values in self.statements:
                if tag != wanted or not values or _SETTING.match(values[0]):
                    continue
                # Lines such as "gSeaGen PROPOSAL 6.1.5" name a part of the program, not its version.
                version = values[1] if len(values) > 1 and _DIGIT.search(values[1]) else ""
                found[values[0]] = found.get(values[0]) or version
        return found

    @property
    def generator(self) -> str:
        """Programs with their versions, joined by `` + ``."""
        return " + ".join(f"{name} {version}".strip() for name, version in self.programs.items())

    @property
    def neutrino_generator(self) -> bool:
        """True if GENHEN or gSeaGen made the events, whose list of weights is documented."""
        return any(name.lower() in _DOCUMENTED_WEIGHTS for name in self.programs)

    @property
    def corsika_primaries(self) -> bool:
        """True if primary particles have CORSIKA codes, as Corant wrote them until version 4."""
        return bool(_OLD_CORANT.match(self.programs.get("Corant", "")))


def read_header(path: Path, directory: Any, keys: Sequence[RootKey]) -> Header:
    """Read all headers of an open file.

    Parameters
    ----------
    path
        The file, for messages.
    directory
        uproot's open file.
    keys
        What is in it.
    """
    lines: list[HeaderLine] = []
    statements: list[tuple[str, tuple[str, ...]]] = []
    objects: dict[str, int] = {}
    unread: dict[str, str] = {}
    current = highest_cycles(keys)
    wanted = [current[name] for name in (*_HEAD_NAMES, _MULTI_HEAD) if name in current]
    for key in wanted:
        try:
            heads = _heads(key, _object_bytes(path, directory, key))
        except ValueError as error:
            unread[key.address] = str(error)
            continue
        entries = [(prefix + tag, tag, values) for prefix, head in heads for tag, values in _split(head)]
        lines.extend(HeaderLine(parameter, values) for parameter, _, values in entries)
        statements.extend((_NUMBERED.sub("", tag), values) for _, tag, values in entries)
        objects[key.address] = len(entries)
    if _HEADER_TREE in current and current[_HEADER_TREE].is_tree:
        key = current[_HEADER_TREE]
        found = list(tree_lines(path, directory[key.address]))
        lines.extend(found)
        objects[key.address] = len(found)
    for key, line in _history(path, directory, keys):
        lines.append(line)
        objects[key.address] = 1
    return Header(tuple(lines), tuple(statements), objects, unread)


def _object_bytes(path: Path, directory: Any, key: RootKey) -> bytes:
    with parsing(path, key.address):
        chunk, _ = directory.key(key.address).get_uncompressed_chunk_cursor()
        return bytes(chunk.raw_data)


def _heads(key: RootKey, data: bytes) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the headers in an object, each with what goes before its tags."""
    if key.class_name == _MULTI_HEAD:
        # The tags of many headers are told apart; else the last one would hide the others and Head.
        return [(f"{_MULTI_HEAD}.{n}.", head) for n, head in enumerate(parse_multi_head(data))]
    return [("", parse_head(data))]


def _split(head: Iterable[tuple[str, str]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for tag, text in head:
        for line in text.splitlines() or [""]:
            yield tag, tuple(line.split())


def _history(path: Path, directory: Any, keys: Sequence[RootKey]) -> Iterator[tuple[RootKey, HeaderLine]]:
    """Yield what the programs that worked on the file wrote into META, oldest first."""
    found = [key for key in keys if key.path.startswith(_HISTORY) and key.class_name == "TNamed"]
    if sum(key.size for key in found) > _HISTORY_LIMIT:
        return
    for key in sorted(found, key=lambda key: (key.path, key.cycle)):
        with parsing(path, key.address):
            text = str(directory[key.address].member("fTitle"))
        yield key, HeaderLine(key.path, tuple(text.split()))
