"""The objects of an event: its own, and those of earlier frames that it inherits."""

import struct
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from converters.readers.i3.derived import particle_base
from converters.readers.i3.faults import FormatError, UnknownLayoutError
from converters.readers.i3.forms import Number, NumberForm
from converters.readers.i3.frame import MAX_FRAME, Frame
from converters.readers.i3.labels import Label, Run, Slot, Variant
from converters.readers.i3.registry import decode

PHYSICS, DAQ, TRAY_INFO = "P", "Q", "I"
MAX_INHERITED = MAX_FRAME
"""Longest objects that events inherit, in bytes and together: each of 62 streams can leave a frame."""


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
    label
        What it is.
    data
        Its bytes.
    """

    __slots__ = ("_data", "_form", "_value", "variant")

    def __init__(self, label: Label, data: bytes) -> None:
        self.variant = label.variant
        self._form = label.form
        self._data: bytes | None = data
        self._value: Any = None

    def value(self, tally: Tally) -> Any:
        """Return what it holds, None if it cannot be read; of an unknown class its I3Particle base."""
        if self._data is not None:
            data, self._data = self._data, None
            value = self._form.read(data) if self._form else None
            self._value = _decoded(self.variant, data, tally) if value is None else value
        return self._value


def _decoded(variant: Variant, data: bytes, tally: Tally) -> Any:
    try:
        if not variant.known:
            base = particle_base(data)
            if base is None and not variant.name:  # a null pointer
                return None
            if base is None:
                raise UnknownLayoutError("it does not begin with an I3Particle")
            tally.based[variant] = base.left
            return base.particle
        found = decode(data)
    except (FormatError, UnknownLayoutError) as error:
        tally.failed[variant] += 1
        tally.reasons.setdefault(variant, str(error))
        return None
    if found.left:
        tally.doubtful[variant] += 1
        tally.reasons.setdefault(variant, f"{found.left} bytes more than the layout explains")
    return found.value


class Objects(NamedTuple):
    """What an event has, by key.

    Parameters
    ----------
    numbers
        Objects that are one number, read already. The type says which class it was: I3Double, I3Int or I3Bool.
    items
        All others.
    """

    numbers: dict[str, Number]
    items: dict[str, Item]

    def get(self, key: str) -> Item | None:
        """Return an object that is no number, None if there is none."""
        return self.items.get(key)

    def update(self, other: "Objects") -> None:
        """Put the objects of another frame in the place of those with the same keys."""
        for key in self.numbers.keys() & other.items.keys():
            del self.numbers[key]
        for key in self.items.keys() & other.numbers.keys():
            del self.items[key]
        self.numbers.update(other.numbers)
        self.items.update(other.items)


class _Wanted:
    """What is read from each frame in which a run of objects is met.

    Parameters
    ----------
    run
        The run.
    keys
        Keys of the objects that are wanted.
    """

    __slots__ = ("keys", "layout", "marks", "numbers", "others")

    def __init__(self, run: Run, keys: Collection[bytes]) -> None:
        self.numbers: list[Slot] = []
        self.others: list[Slot] = []
        marks: list[bytes] = []
        layout, at = "<", 0
        for slot in (slot for slot in run.slots if slot[0].key in keys):
            label, begin, size = slot
            if not isinstance(label.form, NumberForm) or label.form.size != size:
                self.others.append(slot)
                continue
            self.numbers.append(slot)
            marks.append(label.form.opening)
            layout += f"{begin - at}x{len(marks[-1])}s{label.form.letter}"
            at = begin + size
        self.layout = struct.Struct(layout)
        """All numbers, each behind the bytes with which its object begins."""
        self.marks = tuple(marks)
        self.keys = tuple(label.variant.key for label, _, _ in self.numbers)


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
        self._last: dict[str, Objects] = {}
        self._sizes: dict[str, int] = {}
        self._runs: dict[Run, _Wanted] = {}

    def remember(self, frame: Frame) -> None:
        """Take a frame that later ones inherit from.

        Raises
        ------
        FormatError
            Such frames have too much together.
        """
        if frame.stream not in (PHYSICS, TRAY_INFO):
            self._sizes[frame.stream] = sum(size for label, _, size in frame.slots if label.key in self._wanted)
            if sum(self._sizes.values()) > MAX_INHERITED:
                raise FormatError(f"frame {frame.number}: events would inherit more than {MAX_INHERITED >> 20} MB")
            self._last[frame.stream] = self._own(frame)

    def forget(self, stream: str) -> None:
        """Drop what was inherited from a stream, whose next frame is lost; it keeps its place among the streams."""
        if stream in self._last:
            self._last[stream] = Objects({}, {})

    def event(self, frame: Frame) -> Objects:
        """Return all objects of an event."""
        found = Objects({}, {})
        for stream in reversed(self._last):
            if stream != frame.stream:
                found.update(self._last[stream])
        found.update(self._own(frame))
        return found

    def _own(self, frame: Frame) -> Objects:
        found = Objects({}, {})
        for what, begin, size in frame.parts:
            if isinstance(what, Run):
                self._take_run(frame, what, begin, found)
            elif what.key in self._wanted:
                _take(frame, (what, begin, size), found)
        if found.numbers.keys().isdisjoint(found.items):
            return found
        again = Objects({}, {})  # a key came twice, which no known writer does: the last object counts
        for slot in frame.slots:
            if slot[0].key in self._wanted:
                one = Objects({}, {})
                _take(frame, slot, one)
                again.update(one)
        return again

    def _take_run(self, frame: Frame, run: Run, begin: int, found: Objects) -> None:
        wanted = self._runs.get(run)
        if wanted is None:
            wanted = self._runs[run] = _Wanted(run, self._wanted)
        if wanted.numbers:
            values = frame.unpack(wanted.layout, begin)
            if values[::2] == wanted.marks:
                found.numbers.update(zip(wanted.keys, values[1::2], strict=True))
            else:
                for label, place, size in wanted.numbers:
                    _take(frame, (label, begin + place, size), found)
        for label, place, size in wanted.others:
            found.items[label.variant.key] = Item(label, frame.piece(begin + place, size))


def _take(frame: Frame, slot: Slot, found: Objects) -> None:
    label, begin, size = slot
    data = frame.piece(begin, size)
    number = label.form.read(data) if isinstance(label.form, NumberForm) else None
    if number is None:
        found.items[label.variant.key] = Item(label, data)
    else:
        found.numbers[label.variant.key] = number
