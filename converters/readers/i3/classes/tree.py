"""Trees: I3MCTree in both forms, and the older form that I3TriggerHierarchy still has."""

import struct
from collections.abc import Callable
from typing import TypeVar

from converters.readers.i3.archive import Archive, Kind
from converters.readers.i3.classes.base import FRAME_OBJECT
from converters.readers.i3.classes.particle import PARTICLE, Particle
from converters.readers.i3.faults import FormatError

T = TypeVar("T")
Nodes = list[tuple[T, int]]
"""Items with the place of their parent in the list, -1 for a root."""

_U32 = struct.Struct("<I")
_CHUNK = 65535
"""Most bits in one chunk of a tree; a full chunk is followed by another."""
_MOST_NODES = 500_000
"""More nodes of their own cannot lie in an object that is read; references to one node take 4 bytes each."""


def nested(archive: Archive, read: Callable[[Archive], T]) -> Nodes[T]:
    """Read a tree of the older form: number of roots, then depth-first each item and the number of its children."""
    nodes: Nodes[T] = []
    waiting = [[-1, archive.count()]]
    while waiting:
        parent, due = waiting[-1]
        if not due:
            waiting.pop()
            continue
        waiting[-1][1] -= 1
        _check_size(nodes)
        nodes.append((read(archive), parent))
        waiting.append([len(nodes) - 1, archive.count()])
    return nodes


def _chunked(archive: Archive) -> Nodes[Particle]:
    """Read a tree of the newer form: in chunks, first the bits that tell its shape, then the particles.

    A bit 1 is a particle: a child of the one before it. The first 0 after a particle says that it has no child, each
    further one that there is no sibling, and leads one level up; a bit 1 after a 0 is the next sibling.
    """
    nodes: Nodes[Particle] = []
    here, childless = -1, False
    size = _CHUNK
    while size == _CHUNK:
        (size,) = archive.unpack(_U32)
        if not size:
            break
        if size > _CHUNK:
            raise FormatError(f"{size} bits in one chunk of a tree")
        words = archive.numbers("<u8").tolist()
        if len(words) != (size + 63) // 64:
            raise FormatError(f"{len(words)} words for {size} bits of a tree")
        for bit in range(size):
            if words[bit >> 6] >> (bit & 63) & 1:
                parent = (nodes[here][1] if childless else here) if here >= 0 else -1
                _check_size(nodes)
                nodes.append((archive.object(PARTICLE), parent))
                here, childless = len(nodes) - 1, False
            elif not childless:
                childless = True
            elif here >= 0:
                here = nodes[here][1]
    return nodes


def _check_size(nodes: Nodes[T]) -> None:
    if len(nodes) >= _MOST_NODES:
        raise FormatError(f"a tree of more than {_MOST_NODES} nodes")


def _load(archive: Archive, version: int) -> Nodes[Particle]:
    archive.object(FRAME_OBJECT)
    if version == 0:
        return nested(archive, lambda one: one.object(PARTICLE))
    return _chunked(archive)


MC_TREE: Kind[Nodes[Particle]] = Kind("I3MCTree", 1, _load)
