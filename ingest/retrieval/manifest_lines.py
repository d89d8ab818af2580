"""The manifest of fetched files: lines that `ingest` and `catalog diff` read like those of `convert`."""

from collections.abc import Collection, Iterator
from dataclasses import fields
from pathlib import Path

from ingest.item import Sums
from ingest.retrieval.selection import Found
from legacy.manifest import ManifestEntry, iterate

_TEXTS = frozenset(field.name for field in fields(ManifestEntry) if field.type is str)
_MEASURED = frozenset({"path", "size", "adler32", "md5", "sha256"})


def line_of(found: Found, sums: Sums) -> dict[str, object]:
    """Return the line of a file: its name as path, what was measured, and its metadata.

    All keys of `ManifestEntry` are there, ``""`` or None where Rucio knows no value, and after them the other
    metadata, such as the licence.

    Parameters
    ----------
    found
        The file.
    sums
        What lies here now.
    """
    line: dict[str, object] = {
        field.name: found.metadata.get(field.name, "" if field.name in _TEXTS else None)
        for field in fields(ManifestEntry)
    }
    line |= {"path": found.file.name, "size": sums.size}
    line |= {kind: getattr(sums, kind) for kind in ("adler32", "md5", "sha256")}
    return {**line, **{key: value for key, value in found.metadata.items() if key not in _MEASURED | line.keys()}}


def require_readable(path: Path) -> None:
    """Make sure that an old manifest can be read, before any work.

    Raises
    ------
    CorruptInputError
        It cannot.
    """
    for _ in without(path, ()):
        continue


def without(path: Path, names: Collection[str]) -> Iterator[dict[str, object]]:
    """Yield the lines of an old manifest but those of `names`; nothing when there is none."""
    if not path.exists():
        return
    for line in iterate(path):
        if line.path not in names:
            yield line.values
