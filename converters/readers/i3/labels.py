"""What surrounds the objects of frames, learnt once: a file has few kinds of objects, and each of them many times.

What is learnt is bounded: so many labels, so many runs of them, whatever the length of the file.
"""

import struct
from collections.abc import Sequence
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
_SHORTEST_RUN = 3
_MOST_RUNS = 2000
_RUN = 16
"""After every so many labels, in the order in which they were first met, a run of objects ends: so runs begin at the
same objects in frames that do not have all of them."""
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
        *("beginning", "form", "head", "key", "lead", "variant"),
        *("bound", "constant", "ends_runs", "guesses", "runs", "size", "steady", "whole", "_changes", "_telling"),
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
        self.runs: tuple[Run, ...] = ()
        """Rows of several objects that came next before, the last that was new first."""
        self.ends_runs = False
        """Whether runs end behind such an object in any case."""
        self.constant = False
        """Whether all objects met so far have one size."""
        self.bound = True
        """Whether no run goes on behind such an object."""
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
            self.constant = self._changes == 1
            self.bound = self.ends_runs or not self.constant
        return size


Slot = tuple[Label, int, int]
"""One object of a frame: what surrounds it, where it begins in the frame, and its length, both in bytes. A plain tuple,
since a frame has hundreds of them."""


class Run:
    """Objects that follow each other in frame after frame, each of one size: found again in one step.

    It is what is next in some bytes if these are as many at least, and all marks that the layout reads are there.

    Parameters
    ----------
    slots
        The objects as they were found in a frame, without a gap.
    """

    __slots__ = ("count", "last", "marks", "opening", "read_marks", "size", "slots")

    def __init__(self, slots: Sequence[Slot]) -> None:
        first, begin, _ = slots[0]
        start = begin - first.lead
        self.slots = tuple((label, begin - start, size) for label, begin, size in slots)
        """As in a frame that begins with this row."""
        self.count = len(slots)
        self.last = slots[-1][0]
        _, begin, size = self.slots[-1]
        self.size = begin + size
        """Length in bytes, with all that surrounds the objects."""
        self.opening = first.whole
        self.marks = tuple(label.whole for label, _, _ in slots)
        gaps = (size - len(label.beginning) for label, _, size in slots)
        layout = "".join(f"{len(mark)}s{gap}x" for mark, gap in zip(self.marks, gaps, strict=True))
        self.read_marks = struct.Struct(f"<{layout}").unpack_from

    def slots_at(self, begin: int) -> list[Slot]:
        """Return the objects of a run that begins there in a frame."""
        return [(label, begin + place, size) for label, place, size in self.slots]


class Labels:
    """The labels of a file."""

    def __init__(self) -> None:
        self._runs = 0
        self._known: dict[tuple[bytes, bytes], Label] = {}
        self._starts: dict[str, Label] = {}

    def start(self, stream: str) -> Label:
        """Return what comes before the first object of each frame of a stream."""
        start = self._starts.get(stream)
        if start is None:
            start = self._starts[stream] = Label(b"", b"", b"", Variant("", UNREADABLE, -1), telling=False)
        return start

    def learn(self, label: Label, slots: Sequence[Slot]) -> None:
        """Note a row of objects of one size each that came behind a label, unless it is too short or known."""
        if len(slots) < _SHORTEST_RUN or self._runs >= _MOST_RUNS:
            return
        if any(size != label.size for label, _, size in slots):
            return  # one kind came twice, and the second time with another size
        run = Run(slots)
        if all(run.slots != known.slots for known in label.runs):
            label.runs = (run, *label.runs[: _MOST_GUESSES - 1])
            self._runs += 1

    def of(self, head: bytes, key: bytes, data: bytes, begin: int, size: int) -> Label:
        """Return the label of an object, `size` bytes of `data` from `begin` on."""
        length = _length(data, begin, size)
        beginning = data[begin : begin + min(size, length)]
        label = self._known.get((head, beginning))
        if label is None:
            variant = _variant(key, data[begin : begin + size])
            telling = len(beginning) == length and not beginning.endswith(_WIDE_VERSION)
            label = Label(head, key, beginning, variant, telling=telling)
            label.ends_runs = len(self._known) % _RUN == _RUN - 1
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
