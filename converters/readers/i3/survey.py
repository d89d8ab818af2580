"""A first pass over a file: which objects there are, so that the tables are known before the first event."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from converters.readers.i3.classes.containers import STRING_DOUBLE
from converters.readers.i3.derived import particle_base
from converters.readers.i3.faults import FormatError, UnknownLayoutError
from converters.readers.i3.frame import Frame
from converters.readers.i3.labels import UNREADABLE, Label, Run, Slot, Variant
from converters.readers.i3.objects import DAQ, PHYSICS, TRAY_INFO
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
    """How many objects of a variant there are in the frames of a stream, and their bytes in all.

    Parameters
    ----------
    objects, size
        Number, and bytes.
    names
        Names in the map that it is, if these become columns.
    tries
        How many more objects of the class, which is not known, are tried for an I3Particle at their beginning.
    """

    objects: int = 0
    size: int = 0
    names: set[str] | None = None
    tries: int = 0

    @property
    def open(self) -> bool:
        """Whether the bytes of another object can say something new."""
        return self.tries > 0 or (self.names is not None and len(self.names) < MAX_COLUMNS)


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
    found = Survey()
    counts: dict[str, _Counts] = {}
    try:
        for frame in frames:
            found.letters.add(frame.stream)
            if frame.sound is False:
                continue
            found.versions[frame.version] += 1
            found.streams[frame.stream] += 1
            _count(found, frame, counts.setdefault(frame.stream, _Counts()))
    except FormatError as error:
        found.damage = str(error)
    for count in (count for one in counts.values() for count in one.runs.values()):
        for met, (_, _, size) in count.objects:
            met.objects += count.times
            met.size += count.times * size
    return found


@dataclass(slots=True)
class _RunCount:
    """How often a run was met.

    Parameters
    ----------
    objects
        Its objects, and where these are counted in the end.
    open
        Those of them whose bytes still say something new.
    times
        How often.
    """

    objects: list[tuple[Met, Slot]]
    open: list[tuple[Met, Slot]]
    times: int = 0


@dataclass(slots=True)
class _Counts:
    """What was met in the frames of a stream."""

    known: dict[Label, Met] = field(default_factory=dict)
    runs: dict[Run, _RunCount] = field(default_factory=dict)


def _count(found: Survey, frame: Frame, counts: _Counts) -> None:
    known = counts.known
    for what, begin, size in frame.parts:
        if isinstance(what, Run):
            _count_run(found, frame, counts, what, begin)
            continue
        met = known.get(what) or _known(found, frame, counts, (what, begin, size))
        met.objects += 1
        met.size += size
        if met.tries or met.names is not None:
            _look(found, frame, met, (what, begin, size))


def _count_run(found: Survey, frame: Frame, counts: _Counts, run: Run, begin: int) -> None:
    count = counts.runs.get(run)
    if count is None:
        objects = [(_known(found, frame, counts, slot), slot) for slot in run.slots]
        count = counts.runs[run] = _RunCount(objects, objects)
    count.times += 1
    if count.open:
        count.open = [(met, slot) for met, slot in count.open if met.open]
        for met, (label, place, size) in count.open:
            _look(found, frame, met, (label, begin + place, size))


def _known(found: Survey, frame: Frame, counts: _Counts, slot: Slot) -> Met:
    label = slot[0]
    met = counts.known.get(label)
    if met is None:
        met = _met(found, frame, slot)
        if len(counts.known) < _MAX_VARIANTS:
            counts.known[label] = met
    return met


def _look(found: Survey, frame: Frame, met: Met, slot: Slot) -> None:
    """Look into an object."""
    if met.tries:
        met.tries -= 1
        if particle_base(frame.bytes_of(slot)) is not None:
            found.based.add(slot[0].variant)
            met.tries = 0
    if met.names is not None and len(met.names) < MAX_COLUMNS:
        met.names.update(_names(frame.bytes_of(slot)))


def _met(found: Survey, frame: Frame, slot: Slot) -> Met:
    """Return where objects of a label are counted."""
    variant = slot[0].variant
    met = found.met.get((frame.stream, variant))
    if met is None and frame.stream == TRAY_INFO and len(found.met) >= _MANY:
        variant = variant._replace(key=FURTHER_KEYS)
        met = found.met.get((frame.stream, variant))
    if met is not None:
        return met
    if len(found.met) >= _MAX_VARIANTS:
        raise FormatError(f"more than {_MAX_VARIANTS} different keys and classes")
    opaque = not variant.known and variant.name not in (UNREADABLE, "") and frame.stream != TRAY_INFO
    met = found.met[frame.stream, variant] = Met(tries=_MAX_TRIED if opaque else 0)
    if variant.name == STRING_DOUBLE.name and variant.key.endswith((WEIGHTS, FINAL_VALUES)):
        met.names = found.names.setdefault(variant.key, set())
    return met


def _names(data: bytes) -> list[str]:
    try:
        return [name for name, _ in decode(data).value]
    except (FormatError, UnknownLayoutError):
        return []  # the second pass meets the object again and counts it
