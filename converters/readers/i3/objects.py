"""The objects of an event: its own, and those of earlier frames that it inherits."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from converters.readers.i3.derived import particle_base
from converters.readers.i3.faults import FormatError, UnknownLayoutError
from converters.readers.i3.frame import MAX_FRAME, Frame
from converters.readers.i3.labels import Label, Variant
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
            self._sizes[frame.stream] = sum(size for label, _, size in frame.slots if label.key in self._wanted)
            if sum(self._sizes.values()) > MAX_INHERITED:
                raise FormatError(f"frame {frame.number}: events would inherit more than {MAX_INHERITED >> 20} MB")
            self._last[frame.stream] = self._own(frame)

    def forget(self, stream: str) -> None:
        """Drop what was inherited from a stream, whose next frame is lost; it keeps its place among the streams."""
        if stream in self._last:
            self._last[stream] = {}

    def event(self, frame: Frame) -> Objects:
        """Return all objects of an event."""
        found: dict[str, Item] = {}
        for stream in reversed(self._last):
            if stream != frame.stream:
                found.update(self._last[stream])
        found.update(self._own(frame))
        return found

    def _own(self, frame: Frame) -> dict[str, Item]:
        found: dict[str, Item] = {}
        for slot in frame.slots:
            label = slot[0]
            if label.key in self._wanted:
                found[label.variant.key] = Item(label, frame.bytes_of(slot))
        return found
