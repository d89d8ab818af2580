"""Numbers and identifiers of events: unique in the file, and unique everywhere.

Both need the whole file: whether the source's numbers are unique, and the source's checksum.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from converters.layout import EVENTS_TABLE
from converters.source import SourceFacts
from converters.staging import Staging, duplicates
from legacy.errors import CorruptInputError
from legacy.model import StructuredArray

_KEY = ("run_id", "frame_index", "trigger_counter")
_ID_WIDTH = EVENTS_TABLE.dtype["internal_id"].itemsize


@dataclass(frozen=True, slots=True)
class Identities:
    """How the events of one product are named.

    Parameters
    ----------
    own_numbers
        True if the source's event numbers are unique in the file and none is missing.
    prefix
        Beginning of every ``internal_id``.
    digest
        First 12 hex digits of the source's SHA-256 where the natural key cannot be used, else ``""``.
    repeated
        Shape (n, 3): natural keys that occur more than once, sorted.
    source
        The source, for messages.
    """

    own_numbers: bool
    prefix: str
    digest: str
    repeated: NDArray[np.int64]
    source: Path

    def apply(self, rows: StructuredArray, staged: StructuredArray) -> None:
        """Fill ``event_id`` and ``internal_id`` of `rows` from the staged rows of the same events.

        Raises
        ------
        CorruptInputError
            An identifier would be longer than its column.
        """
        rows["event_id"] = staged["event_id"] if self.own_numbers else staged["group_id"]
        given = staged["internal_id"] != b""
        if given.all():
            rows["internal_id"] = staged["internal_id"]
            return
        names = list(self._names(rows["event_id"], staged))
        longest = max(map(len, names))
        if longest > _ID_WIDTH:
            raise CorruptInputError(
                self.source,
                "an event's key does not fit into internal_id",
                expected=f"at most {_ID_WIDTH} characters",
                found=max(names, key=len),
            )
        rows["internal_id"] = np.where(given, staged["internal_id"], np.array(names, dtype=f"S{_ID_WIDTH}"))

    def _names(self, event_ids: NDArray[np.int64], staged: StructuredArray) -> Iterator[str]:
        if self.digest:
            stem = f"{self.prefix}.{self.digest}"
            yield from (f"{stem}.{event_id}" for event_id in event_ids.tolist())
            return
        keys = zip(*(staged[name].tolist() for name in _KEY), strict=True)
        repeated = {tuple(key) for key in self.repeated.tolist()}
        for key, event_id in zip(keys, event_ids.tolist(), strict=True):
            name = f"{self.prefix}.{key[0]}.{key[1]}.{key[2]}"
            # Two rows with one natural key stay two rows; the event number tells them apart.
            yield f"{name}.{event_id}" if key in repeated else name


def identify(staging: Staging, facts: SourceFacts, sha256: str, source: Path) -> Identities:
    """Find out how the staged events can be named.

    Parameters
    ----------
    staging
        All rows of ``/events``.
    facts
        The source.
    sha256
        Checksum of the source.
    source
        The source, for messages.
    """
    events = staging.tables[EVENTS_TABLE.path]

    def blocks(names: tuple[str, ...]) -> Iterator[NDArray[np.int64]]:
        for block in events.blocks():
            yield np.stack([block[name] for name in names], axis=1)

    complete = events.present["event_id"] == events.rows
    unique = complete and not len(duplicates(lambda: blocks(("event_id",)), events.rows))
    keyed = all(events.present[name] == events.rows for name in _KEY)
    repeated = np.empty((0, 3), dtype=np.int64)
    if keyed:
        repeated = duplicates(lambda: blocks(_KEY), events.rows)
    detector = "antares" if facts.detector == "antares" else f"det{facts.det_id}"
    simulated = facts.kind == "mc"
    return Identities(
        own_numbers=unique,
        prefix=f"{detector}.mc" if simulated else detector,
        digest=sha256[:12] if simulated or not keyed else "",
        repeated=repeated,
        source=source,
    )


def identity_warnings(identities: Identities) -> tuple[str, ...]:
    """Say what the user should know about repeated keys."""
    found = len(identities.repeated)
    if not found:
        return ()
    run, frame, counter = identities.repeated[0].tolist()
    first = f"run {run}, frame {frame}, trigger {counter}"
    return (f"natural keys that occur more than once: {found}, the first is {first}; all rows are kept",)
