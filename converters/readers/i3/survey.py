"""A first pass over a file: which objects there are, so that the tables are known before the first event."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from converters.readers.i3.classes.containers import STRING_DOUBLE
from converters.readers.i3.derived import particle_base
from converters.readers.i3.faults import FormatError, UnknownLayoutError
from converters.readers.i3.frame import Frame, Slot
from converters.readers.i3.objects import DAQ, PHYSICS, TRAY_INFO, UNREADABLE, Variant, Variants
from converters.readers.i3.registry import decode

WEIGHTS = "WeightDict"
FINAL_VALUES = "_FinalLLHValues"
FURTHER_KEYS = "(further keys)"
_MAX_VARIANTS = 20_000
_MAX_TRIED = 100
"""Objects of an unknown class in which an I3Particle is looked for; one of them may hold odd numbers."""
_MANY = 2000
"""From here on the keys of tray information are counted together: each is the time at which a program ran."""
MAX_COLUMNS = 256
"""Columns that a table takes from names in the file; more than that no HDF5 table can describe safely."""


@dataclass(slots=True)
class Met:
    """How many objects of a variant there are in the frames of a stream, and their bytes in all."""

    objects: int = 0
    size: int = 0


@dataclass(slots=True)
class Survey:
    """What a file holds.

    Parameters
    ----------
    versions, streams
        Number of frames by frame version and by stream.
    letters
        Streams of all frames, also of those that are passed over.
    met
        Objects by stream and variant.
    based
        Variants of unknown classes that begin with an I3Particle.
    names
        Names in the maps that become columns, by key of the map.
    damage
        What ended the pass early, ``""`` if nothing did.
    """

    versions: Counter[int] = field(default_factory=Counter)
    streams: Counter[str] = field(default_factory=Counter)
    letters: set[str] = field(default_factory=set)
    met: dict[tuple[str, Variant], Met] = field(default_factory=dict)
    based: set[Variant] = field(default_factory=set)
    names: dict[str, set[str]] = field(default_factory=dict)
    damage: str = ""

    @property
    def event_stream(self) -> str:
        """Letter of the frames that are events: P, or Q in a whole file without any P frame."""
        return PHYSICS if PHYSICS in self.letters or self.damage or not self.streams[DAQ] else DAQ

    @property
    def n_events(self) -> int:
        """Number of events."""
        return self.streams[self.event_stream]

    def variants(self) -> list[Variant]:
        """Return what events can have: all variants but those of tray information, each once."""
        return list(dict.fromkeys(variant for (stream, variant) in self.met if stream != TRAY_INFO))


def survey(frames: Iterable[Frame]) -> Survey:
    """Look at all frames of a file, up to the first damage.

    Frames whose checksum is known to be wrong are passed over.
    """
    found, variants = Survey(), Variants()
    try:
        for frame in frames:
            found.letters.add(frame.stream)
            if frame.sound is False:
                continue
            found.versions[frame.version] += 1
            found.streams[frame.stream] += 1
            for slot in frame.slots:
                _note(found, frame, slot, variants.of(frame, slot))
    except FormatError as error:
        found.damage = str(error)
    return found


def _note(found: Survey, frame: Frame, slot: Slot, variant: Variant) -> None:
    met = found.met.get((frame.stream, variant))
    if met is None and frame.stream == TRAY_INFO and len(found.met) >= _MANY:
        variant = variant._replace(key=FURTHER_KEYS)
        met = found.met.get((frame.stream, variant))
    if met is None:
        if len(found.met) >= _MAX_VARIANTS:
            raise FormatError(f"more than {_MAX_VARIANTS} different keys and classes")
        met = found.met[frame.stream, variant] = Met()
    tried = met.objects < _MAX_TRIED and _may_be_particle(found, frame, variant)
    if tried and particle_base(frame.bytes_of(slot)) is not None:
        found.based.add(variant)
    met.objects += 1
    met.size += slot.size
    if variant.name == STRING_DOUBLE.name and variant.key.endswith((WEIGHTS, FINAL_VALUES)):
        names = found.names.setdefault(variant.key, set())
        if len(names) < MAX_COLUMNS:
            names.update(_names(frame.bytes_of(slot)))


def _may_be_particle(found: Survey, frame: Frame, variant: Variant) -> bool:
    opaque = not variant.known and variant.name not in (UNREADABLE, "")
    return opaque and frame.stream != TRAY_INFO and variant not in found.based


def _names(data: bytes) -> list[str]:
    try:
        return [name for name, _ in decode(data).value]
    except (FormatError, UnknownLayoutError):
        return []  # the second pass meets the object again and counts it
