"""What surrounds the objects of frames, learnt once: a file has few kinds of objects, and each of them many times."""

import struct
from typing import NamedTuple

from converters.readers.i3.archive import announced
from converters.readers.i3.faults import FormatError
from converters.readers.i3.forms import FORMS
from converters.readers.i3.registry import CLASSES

UNREADABLE = "(no class)"
_MOST_KNOWN = 20_000
_WIDE_VERSION = b"\xff"
"""What stands for a class version that takes more bytes than those by which objects are told apart."""
_MOST_CHANGES = 8
"""Objects whose size changes more often are not expected to have the same size again."""
_MOST_GUESSES = 4
_NOWHERE = 1 << 62
_LONGEST_CLASS_NAME = 4096
_NAME, _NAMED = 4, 10
"""Where in an object the length of the name of its class stands, and how much comes with the name itself."""
_U32 = struct.Struct("<I")


class Variant(NamedTuple):
    """Objects under one key that are of one class and version.

    Parameters
    ----------
    key
        As in the frame; keys are ASCII, and Latin-1 gives every other byte back.
    name, version
        Exported class name and class version; `UNREADABLE` and -1 where the bytes do not begin like an object, an
        empty name for a null pointer.
    """

    key: str
    name: str
    version: int

    @property
    def known(self) -> bool:
        """Whether the class can be read."""
        return self.name in CLASSES


class Label:
    """The bytes around objects of one kind, and what they say. One is the same object wherever it is met again.

    Parameters
    ----------
    head
        Key and type name, each with its length, as they stand before the size of the object. The type name is a
        compiler's and changes with it; the class stands in the object.
    key
        As in the file.
    beginning
        The first bytes of the object: to the end of its class name and class version, if it has these.
    variant
        What the object is.
    telling
        Whether every object that has these bytes around it is of this kind.
    """

    __slots__ = (
        *("beginning", "form", "guesses", "head", "key", "lead", "size", "steady", "variant", "whole"),
        *("_changes", "_telling"),
    )

    def __init__(self, head: bytes, key: bytes, beginning: bytes, variant: Variant, *, telling: bool) -> None:
        self.head = head
        self.key = key
        self.beginning = beginning
        self.variant = variant
        self.form = FORMS.get((variant.name, variant.version))
        """The short way to read the objects, if there is one."""
        self.lead = len(head) + _U32.size
        """Bytes before the object itself."""
        self.size = -1
        """Size of the last object, in bytes."""
        self.whole = b""
        """All bytes around an object of that size, without a gap."""
        self.steady = False
        """Whether objects often have the size of the last one."""
        self.guesses: tuple[Label, ...] = ()
        """What came next before, the last that was new first."""
        self._changes = 0
        self._telling = telling

    def followed_by(self, label: "Label") -> "Label":
        """Note what came next, which no guess had foretold; return it."""
        self.guesses = (label, *(guess for guess in self.guesses[: _MOST_GUESSES - 1] if guess is not label))
        return label

    def size_of(self, data: bytes, begin: int) -> int:
        """Return the size of an object whose head was found; one that nothing holds if it is of another kind.

        Parameters
        ----------
        data, begin
            Where it begins; its size stands before.
        """
        size: int = _U32.unpack_from(data, begin - _U32.size)[0]
        if not self._telling or size < len(self.beginning) or not data.startswith(self.beginning, begin):
            return _NOWHERE
        if size != self.size and self._changes < _MOST_CHANGES:
            self.size = size
            self.whole = self.head + _U32.pack(size) + self.beginning
            self._changes += 1
            self.steady = self._changes < _MOST_CHANGES
        return size


class Labels:
    """The labels of a file."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], Label] = {}
        self._starts: dict[str, Label] = {}

    def start(self, stream: str) -> Label:
        """Return what comes before the first object of each frame of a stream."""
        start = self._starts.get(stream)
        if start is None:
            start = self._starts[stream] = Label(b"", b"", b"", Variant("", UNREADABLE, -1), telling=False)
        return start

    def of(self, head: bytes, key: bytes, data: bytes, begin: int, size: int) -> Label:
        """Return the label of an object, `size` bytes of `data` from `begin` on."""
        length = _length(data, begin, size)
        beginning = data[begin : begin + min(size, length)]
        label = self._known.get((head, beginning))
        if label is None:
            variant = _variant(key, data[begin : begin + size])
            telling = len(beginning) == length and not beginning.endswith(_WIDE_VERSION)
            label = Label(head, key, beginning, variant, telling=telling)
            if len(self._known) < _MOST_KNOWN and telling:
                self._known[head, beginning] = label
        return label


def _length(data: bytes, begin: int, size: int) -> int:
    """Return how many of the first bytes of an object say of which kind it is, if it has as many."""
    if size < _NAMED:
        return _NAMED
    name: int = _U32.unpack_from(data, begin + _NAME)[0]
    return _NAMED + min(name, _LONGEST_CLASS_NAME)


def _variant(key: bytes, data: bytes) -> Variant:
    name = key.decode("latin-1")
    try:
        said = announced(data)
    except FormatError:
        return Variant(name, UNREADABLE, -1)
    return Variant(name, said.name, said.version)
