"""Values that authors attach to events and tracks under names of their own (usr, usr_names)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from converters.readers.offline.baskets import Entries, Integers, Vectors, corrupt
from converters.readers.offline.branches import Chunk, EventBranches
from converters.readers.offline.tables import MAX_USR, usr_columns, usr_table
from converters.readers.offline.tally import Tally
from legacy.model import Table

Names = tuple[str, ...]

_VECTOR_HEADER, _OBJECTS_HEADER = 6, 6
_LONG_STRING = 255
_CACHE_BYTES = 8 << 20


class NameLists:
    """Decodes lists of names; equal bytes, of which there are mostly few, are decoded once.

    Parameters
    ----------
    branches
        The branches of the file, for messages.
    """

    def __init__(self, branches: EventBranches) -> None:
        self._path = branches.path
        self._known: dict[bytes, tuple[Names, ...]] = {}
        self._cached = 0

    def per_event(self, entries: Entries) -> list[Names]:
        """Decode one list of names per entry; raises CorruptInputError."""
        return [self._decode(entry, 1, entries.branch)[0] for entry in entries.texts()]

    def per_object(self, entries: Entries, counts: Integers) -> list[Names]:
        """Decode one list of names for each object of each entry; raises CorruptInputError."""
        texts = entries.texts()
        found: list[Names] = []
        for entry, count in zip(texts, counts.tolist(), strict=True):
            found.extend(self._decode(entry, count, entries.branch))
        return found

    def _decode(self, entry: bytes, count: int, branch: str) -> tuple[Names, ...]:
        lists = self._known.get(entry)
        if lists is None:
            try:
                lists = _name_lists(entry, count)
            except ValueError as error:
                raise corrupt(self._path, branch, str(error)) from error
            if self._cached < _CACHE_BYTES:
                self._cached += len(entry)
                self._known[entry] = lists
        if len(lists) != count:
            raise corrupt(self._path, branch, "another number of lists than objects")
        return lists


def _name_lists(entry: bytes, count: int) -> tuple[Names, ...]:
    """Decode `count` lists of strings after byte count and version; ValueError if they do not fit."""
    at = _OBJECTS_HEADER
    lists = []
    for _ in range(count):
        length, at = int.from_bytes(entry[at : at + 4], "big"), at + 4
        if length > len(entry):
            raise ValueError("more names than bytes")
        names = []
        for _ in range(length):
            size, at = int.from_bytes(entry[at : at + 1], "big"), at + 1
            if size == _LONG_STRING:
                size, at = int.from_bytes(entry[at : at + 4], "big"), at + 4
            names.append(entry[at : at + size].decode("utf-8", "backslashreplace"))
            at += size
        lists.append(tuple(names))
    if at != len(entry):
        raise ValueError("lists of names that end before or behind their entry")
    return tuple(lists)


def _empty(entries: Entries) -> bool:
    """Say quickly if no event has a name."""
    return bool(np.all(entries.sizes == _VECTOR_HEADER + 4)) and not np.any(
        entries.data.reshape(-1, _VECTOR_HEADER + 4)[:, _VECTOR_HEADER:]
    )


def event_names(branches: EventBranches, tally: Tally) -> list[str]:
    """Collect the names that any event gives to its values, in the order of their first appearance.

    Raises
    ------
    CorruptInputError
        The bytes are damaged.
    """
    if "usr" not in branches or "usr_names" not in branches:
        return []
    lists = NameLists(branches)
    found: dict[str, None] = {}
    for start, stop in branches.ranges():
        entries = branches.raw("usr_names", start, stop)
        if not _empty(entries):
            for given in dict.fromkeys(lists.per_event(entries)):
                found.update(dict.fromkeys(given))
    tally.lose("usr_names", f"names beyond the first {MAX_USR}", max(0, len(found) - MAX_USR))
    return list(found)[:MAX_USR]


def event_values(chunk: Chunk, lists: NameLists, names: Sequence[str], tally: Tally) -> list[Table]:
    """Return the table of named values: one row per event that has any; no table if no event has names.

    Parameters
    ----------
    chunk
        All values.
    lists
        Decoder of the names.
    names
        Names that have a column, see `event_names`.
    tally
        Notes values without a name.

    Raises
    ------
    CorruptInputError
        The bytes are damaged.
    """
    values = chunk.vectors.get("usr")
    if values is None:
        return []
    spec, columns = usr_table(names), usr_columns(names)
    having = np.flatnonzero(values.counts > 0)
    rows = spec.blank(len(having))
    rows["group_id"] = chunk.first + having
    placed = 0
    if len(having) and names:
        given = lists.per_event(chunk.raw["usr_names"])
        placed = _place(rows, having, [given[event] for event in having.tolist()], values, columns)
    unnamed = int(values.counts.sum()) - placed
    tally.named, tally.unnamed = tally.named + placed, tally.unnamed + unnamed
    tally.lose("usr", "values without a name of their own", unnamed)
    return [Table(spec, rows)] if names else []


def _place(
    rows: NDArray[np.void],
    having: Integers,
    given: Sequence[Names],
    values: Vectors,
    columns: dict[str, str],
) -> int:
    """Write named values into their columns, events with equal lists of names together."""
    placed = 0
    patterns: dict[Names, list[int]] = {}
    for row, names in enumerate(given):
        patterns.setdefault(names, []).append(row)
    for names, members in patterns.items():
        chosen = np.array(members, dtype=np.int64)
        for name, position in first_positions(names).items():
            if name in columns:
                found = values.at(having[chosen], position)
                rows[columns[name]][chosen] = found
                placed += int(np.count_nonzero(values.counts[having[chosen]] > position))
    return placed


def first_positions(names: Names) -> dict[str, int]:
    """Return where in a list each name stands first."""
    return {name: position for position, name in reversed(list(enumerate(names)))}
