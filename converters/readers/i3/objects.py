"""The objects of an event: its own, and those of earlier frames that it inherits."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from converters.readers.i3.archive import announced
from converters.readers.i3.derived import particle_base
from converters.readers.i3.faults import FormatError, UnknownLayoutError
from converters.readers.i3.forms import FORMS
from converters.readers.i3.frame import MAX_FRAME, Frame, Slot
from converters.readers.i3.registry import CLASSES, decode

PHYSICS, DAQ, TRAY_INFO = "P", "Q", "I"
UNREADABLE = "(no class)"
_MOST_KNOWN = 20_000
MAX_INHERITED = MAX_FRAME
"""Longest objects that events inherit, in bytes and together: each of 62 streams can leave a frame."""
_WIDE = 255
"""Class versions from here on take more bytes than those by which objects are told apart."""


class Variant(NamedTuple):
    """Objects under one key that are of one class and version. A tuple, since one is made for every object.

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


class Variants:
    """Says what objects are, and remembers it: a file has few kinds of them and each many times."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes], Variant] = {}

    def of(self, frame: Frame, slot: Slot) -> Variant:
        """Say what an object of a frame is."""
        mark = slot.key, frame.beginning_of(slot)
        variant = self._known.get(mark)
        if variant is None:
            variant = _variant(frame, slot)
            if len(self._known) < _MOST_KNOWN and variant.version < _WIDE:
                self._known[mark] = variant
        return variant


def _variant(frame: Frame, slot: Slot) -> Variant:
    key = slot.key.decode("latin-1")
    try:
        said = announced(frame.bytes_of(slot))
    except FormatError:
        return Variant(key, UNREADABLE, -1)
    return Variant(key, said.name, said.version)


@dataclass(slots=True)
class Tally:
    """What became of the objects that were decoded, by variant."""

    doubtful: Counter[Variant] = field(default_factory=Counter)
    failed: Counter[Variant] = field(default_factory=Counter)
    reasons: dict[Variant, str] = field(default_factory=dict)
    based: dict[Variant, int] = field(default_factory=dict)
    """Bytes behind the I3Particle with which an object of an unknown class begins."""


class Item:
    """An object that is decoded when it is asked for, and only once: several events can inherit it.

    Parameters
    ----------
    variant
        What it is.
    data
        Its bytes.
    """

    __slots__ = ("_data", "_done", "_value", "variant")

    def __init__(self, variant: Variant, data: bytes) -> None:
        self.variant = variant
        self._data = data
        self._done = False
        self._value: Any = None

    def value(self, tally: Tally) -> Any:
        """Return what it holds, None if it cannot be read; of an unknown class its I3Particle base."""
        if not self._done:
            self._value = self._decode(tally)
            self._done = True
            self._data = b""
        return self._value

    def _decode(self, tally: Tally) -> Any:
        variant = self.variant
        try:
            if not variant.known:
                base = particle_base(self._data)
                if base is None and not variant.name:  # a null pointer
                    return None
                if base is None:
                    raise UnknownLayoutError("it does not begin with an I3Particle")
                tally.based[variant] = base.left
                return base.particle
            form = FORMS.get((variant.name, variant.version))
            value = form.read(self._data) if form else None
            if value is not None:
                return value
            found = decode(self._data)
        except (FormatError, UnknownLayoutError) as error:
            tally.failed[variant] += 1
            tally.reasons.setdefault(variant, str(error))
            return None
        if found.left:
            tally.doubtful[variant] += 1
            tally.reasons.setdefault(variant, f"{found.left} bytes more than the layout explains")
        return found.value


Objects = Mapping[str, Item]


class Mixer:
    """Gives each event the objects of the last frame of every other stream, as IceTray does.

    An object of the event's own frame comes first; then those of the other streams in the order in which the streams
    first appeared (icecube/icetray-public: icetray/private/icetray/I3FrameMixing.cxx). Frames of the streams P and I
    are not inherited.

    Parameters
    ----------
    wanted
        Keys of the objects to keep; all others are passed over.
    """

    def __init__(self, wanted: Collection[bytes]) -> None:
        self._wanted = wanted
        self._variants = Variants()
        self._last: dict[str, dict[str, Item]] = {}
        self._sizes: dict[str, int] = {}

    def remember(self, frame: Frame) -> None:
        """Take a frame that later ones inherit from.

        Raises
        ------
        FormatError
            Such frames have too much together.
        """
        if frame.stream not in (PHYSICS, TRAY_INFO):
            self._sizes[frame.stream] = sum(slot.size for slot in frame.slots if slot.key in self._wanted)
            if sum(self._sizes.values()) > MAX_INHERITED:
                raise FormatError(f"frame {frame.number}: events would inherit more than {MAX_INHERITED >> 20} MB")
            self._last[frame.stream] = dict(self._own(frame))

    def forget(self, stream: str) -> None:
        """Drop what was inherited from a stream, whose next frame is lost; it keeps its place among the streams."""
        if stream in self._last:
            self._last[stream] = {}

    def event(self, frame: Frame) -> Objects:
        """Return all objects of an event."""
        found = dict(self._own(frame))
        for stream, items in self._last.items():
            if stream != frame.stream:
                for key, item in items.items():
                    found.setdefault(key, item)
        return found

    def _own(self, frame: Frame) -> Iterator[tuple[str, Item]]:
        for slot in frame.slots:
            if slot.key in self._wanted:
                variant = self._variants.of(frame, slot)
                yield variant.key, Item(variant, frame.bytes_of(slot))
