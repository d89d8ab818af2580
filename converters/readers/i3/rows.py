"""From decoded objects to rows of tables: one event at a time, plain values in the order of the columns."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeVar

from converters.readers.i3.archive import Kind
from converters.readers.i3.classes.containers import STRING_DOUBLE
from converters.readers.i3.classes.extended import Extended
from converters.readers.i3.classes.fits import LOG_LIKELIHOOD, LogLikelihood
from converters.readers.i3.classes.header import EVENT_HEADER, EventHeader
from converters.readers.i3.classes.particle import PARTICLE, Particle
from converters.readers.i3.classes.scalars import BOOLEAN, DOUBLE, INTEGER
from converters.readers.i3.classes.tree import MC_TREE, Nodes
from converters.readers.i3.classes.trigger import TRIGGER_HIERARCHY, Trigger
from converters.readers.i3.hits import HitCount, HitCounter
from converters.readers.i3.objects import Objects, Tally
from converters.readers.i3.plan import HEADER_KEY, HITS_USED, TRIGGER_COUNTER_KEY, Fit, Named, Plan, Weights
from converters.readers.i3.registry import EXTENSIONS
from converters.readers.i3.specs import STREAM_WIDTH

T = TypeVar("T")
N = TypeVar("N", int, float)
Row = tuple[Any, ...]

_NAN = math.nan
_fit_values = attrgetter(
    *("x", "y", "z", "time", "zenith", "azimuth", "energy", "speed", "length"),
    *("code", "shape", "location", "fit_status", "bjorken_x", "bjorken_y"),
)
"""Returns what the columns of every fit hold, in their order."""
NO_FITTED_HITS = HitCount(-1, -1, _NAN, -1)
_NO_LIKELIHOOD = LogLikelihood(_NAN, _NAN, -1, -1)
_NUMBERS = frozenset({DOUBLE.name, INTEGER.name, BOOLEAN.name})
_LARGEST_BIT = 63
_INTERACTION = "InteractionType"
_ANTARES_HIERARCHY = "AntTriggerHierarchy"


@dataclass(slots=True)
class EventRows:
    """Everything that one event gives.

    Parameters
    ----------
    frame
        Number of its frame.
    header
        Its header, None if it has none that can be read.
    trigger_counter, trigger_mask
        -1 where unknown.
    fits
        A row for each fit of the plan, None where the event does not have it.
    hits_used
        Hits that the shown fit used.
    scalars, weights
        Rows, None where the event has nothing of the kind.
    particles
        Simulated particles: origin, particle, minor number of the mother.
    triggers, hits
        Rows.
    current
        1 charged, 0 neutral current, -1 unknown.
    """

    frame: int
    header: EventHeader | None
    trigger_counter: int = -1
    trigger_mask: int = -1
    fits: list[Row | None] = field(default_factory=list)
    hits_used: HitCount = NO_FITTED_HITS
    scalars: Row | None = None
    weights: Row | None = None
    particles: list[tuple[str, Particle, int]] = field(default_factory=list)
    triggers: list[Row] = field(default_factory=list)
    hits: list[Row] = field(default_factory=list)
    current: int = -1


class _Values:
    """Decoded objects of an event, by key and class: a key can have another class in another frame."""

    def __init__(self, objects: Objects, tally: Tally) -> None:
        self._objects = objects
        self._tally = tally

    def of(self, key: str, kind: Kind[T]) -> T | None:
        """Return an object of a class, None without one that can be read."""
        item = self._objects.get(key)
        if item is None or item.variant.name != kind.name:
            return None
        found: T | None = item.value(self._tally)
        return found

    def number(self, key: str, kind: Kind[N], usual: type[N]) -> N | None:
        """Return an object that is one number, of a class that has this type."""
        found = self._objects.numbers.get(key)
        return found if type(found) is usual else self.of(key, kind)

    def header(self) -> EventHeader | None:
        """Return the header of the event, without a name of the split that is too long for its column."""
        header = self.of(HEADER_KEY, EVENT_HEADER)
        if header is None or len(header.stream.encode()) <= STREAM_WIDTH:
            return header
        variant = self._objects.items[HEADER_KEY].variant
        self._tally.doubtful[variant] += 1
        self._tally.reasons.setdefault(variant, f"the name of the split is longer than {STREAM_WIDTH} bytes: left out")
        return header._replace(stream="")

    def particle(self, key: str) -> Particle | Extended | None:
        """Return an I3Particle, a class that has more, or the particle with which one of an unknown class begins."""
        item = self._objects.get(key)
        if item is None or (item.variant.known and item.variant.name not in (PARTICLE.name, *EXTENSIONS)):
            return None
        found: Particle | Extended | None = item.value(self._tally)
        return found


def event_rows(frame: int, objects: Objects, plan: Plan, shown: Fit | None, tally: Tally) -> EventRows:
    """Read the objects of an event.

    Parameters
    ----------
    frame
        Number of its frame in the file.
    objects
        Its own objects and those it inherits.
    plan
        Which of them go where.
    shown
        The fit that ``/events`` shows.
    tally
        Notes what cannot be read.
    """
    values = _Values(objects, tally)
    found = EventRows(frame, values.header())
    counter = values.number(TRIGGER_COUNTER_KEY, INTEGER, int)
    found.trigger_counter = counter if counter is not None else -1
    particles = ((fit, values.particle(fit.key)) for fit in plan.fits)
    found.fits = [None if particle is None else _fit_row(fit, particle, values) for fit, particle in particles]
    found.scalars = _scalar_row(objects, plan.scalar_missing, tally)
    _add_weights(found, plan.weights, values)
    for key in plan.trees:
        _add_tree(found, key, values.of(key, MC_TREE))
    truths = ((key, values.particle(key)) for key in plan.truths)
    found.particles += [(key, _base(truth), -1) for key, truth in truths if truth is not None]
    for key in plan.hierarchies:
        _add_triggers(found, key, values.of(key, TRIGGER_HIERARCHY))
    _add_hits(found, HitCounter(objects, tally), plan.series, shown)
    return found


def _scalar_row(objects: Objects, missing: Mapping[str, float], tally: Tally) -> Row | None:
    numbers = objects.numbers  # a flag is 0 or 1
    odd = [objects.items[key] for key in missing.keys() & objects.items.keys()]  # of another class, or unusual bytes
    for item in odd:
        if item.variant.name in _NUMBERS and (value := item.value(tally)) is not None:
            numbers = {**numbers, item.variant.key: value}
    if numbers.keys().isdisjoint(missing):
        return None
    return tuple([numbers.get(key, nothing) for key, nothing in missing.items()])


def _base(particle: Particle | Extended) -> Particle:
    return particle.particle if isinstance(particle, Extended) else particle


def _fit_row(fit: Fit, particle: Particle | Extended, values: _Values) -> Row:
    row: Row = _fit_values(_base(particle))
    for named in fit.numbers:
        number = values.number(named.source, DOUBLE, float)
        row += (_NAN if number is None else number,)
    for one in fit.extensions:
        if isinstance(particle, Extended) and particle.name == one.kind.name:
            row += particle.values
        else:
            row += tuple(member.column.missing for member in one.members)
    if fit.likelihood:
        likelihood = values.of(fit.likelihood, LOG_LIKELIHOOD)
        row += tuple(likelihood or _NO_LIKELIHOOD)
    if fit.values_key:
        row += _entries(values.of(fit.values_key, STRING_DOUBLE), fit.values)
    return row


def _entries(pairs: list[tuple[str, float]] | None, wanted: Sequence[Named]) -> Row:
    given = dict(pairs or ())
    return tuple(given.get(named.source, _NAN) for named in wanted)


def _add_weights(found: EventRows, weights: Sequence[Weights], values: _Values) -> None:
    row: Row = ()
    met = False
    for weight in weights:
        pairs = values.of(weight.key, STRING_DOUBLE)
        met |= pairs is not None
        row += _entries(pairs, weight.values)
        if pairs and found.current < 0:
            # IceTray's neutrino generators: 1 charged, 2 neutral current.
            kind = next((value for name, value in reversed(pairs) if name == _INTERACTION), _NAN)
            found.current = {1.0: 1, 2.0: 0}.get(kind, -1)
    found.weights = row if met else None


def _add_tree(found: EventRows, key: str, nodes: Nodes[Particle] | None) -> None:
    for particle, parent in nodes or ():
        mother = nodes[parent][0].minor if nodes and parent >= 0 else -1
        found.particles.append((key, particle, mother))


def _add_triggers(found: EventRows, key: str, nodes: Nodes[Trigger] | None) -> None:
    if nodes is None:
        return
    mask = 0
    for trigger, parent in nodes:
        trigger_key = trigger.key
        found.triggers.append(
            (
                *(key.encode(), trigger_key.source, trigger_key.type, trigger_key.subtype, trigger_key.config),
                *(trigger.time, trigger.length, int(trigger.fired), parent),
            )
        )
        if trigger.fired and mask >= 0:
            fits = 1 <= trigger_key.type <= _LARGEST_BIT
            mask = mask | 1 << (trigger_key.type - 1) if fits else -1
    if found.trigger_mask < 0 or key == _ANTARES_HIERARCHY:
        found.trigger_mask = mask


def _add_hits(found: EventRows, counter: HitCounter, series: Sequence[str], shown: Fit | None) -> None:
    for key in series:
        count = counter.count(key)
        if count is not None:
            found.hits.append((key.encode(), count.modules, count.hits, count.charge))
            if shown is not None and key == shown.key + HITS_USED:
                found.hits_used = count
