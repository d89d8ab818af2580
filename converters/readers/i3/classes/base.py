"""The base of all objects in frames."""

from collections.abc import Callable
from typing import TypeVar

from converters.readers.i3.archive import Archive, Kind

T = TypeVar("T")


def _no_members(archive: Archive, version: int) -> None:
    """Read nothing."""


FRAME_OBJECT: Kind[None] = Kind("I3FrameObject", 0, _no_members)
"""Base class without members; an object of a class that is one begins with it."""


def framed(name: str, read: Callable[[Archive], T]) -> Kind[T]:
    """Describe a class of one version: the base, then what `read` reads."""

    def load(archive: Archive, version: int) -> T:  # noqa: ARG001  there is one version only
        archive.object(FRAME_OBJECT)
        return read(archive)

    return Kind(name, 0, load)
