"""What the user chooses for a dump."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from dbdump.lobs import DEFAULT_THRESHOLD
from dbdump.schema import TableName
from dbdump.stored import TypeOptions

CHUNK_SIZE = 256 << 20
"""Bytes of the source in a chunk: the unit of resuming."""


@dataclass(frozen=True, slots=True)
class Content:
    """What is dumped and in which form: an image that goes on must have the same.

    Parameters
    ----------
    schemas
        Empty for the source's default schema.
    include, exclude
        Patterns with ``*`` and ``?`` for ``SCHEMA.TABLE`` or ``TABLE``; `exclude` wins.
    format
        ``parquet``; ``both``: SQLite files beside it; or ``sqlite``: in its place, when the dump is complete. Going on
        rests on the parts.
    lob_threshold
        Bytes above which a LOB is a file of its own.
    types
        Options of the type map.
    chunk_size
        Bytes of the source in a chunk.
    """

    schemas: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    format: str = "parquet"
    lob_threshold: int = DEFAULT_THRESHOLD
    types: TypeOptions = field(default_factory=TypeOptions)
    chunk_size: int = CHUNK_SIZE

    def wants(self, name: TableName) -> bool:
        """Whether a table is dumped."""
        shown = (str(name), name.name)

        def matches(patterns: tuple[str, ...]) -> bool:
            return any(fnmatchcase(text, pattern) for text in shown for pattern in patterns)

        return (not self.include or matches(self.include)) and not matches(self.exclude)

    def told(self) -> Mapping[str, str]:
        """Return the choices as text, for the manifest."""
        return {
            "schemas": ", ".join(self.schemas),
            "include": ", ".join(self.include),
            "exclude": ", ".join(self.exclude),
            "format": self.format,
            "lob_threshold": str(self.lob_threshold),
            "allow_lossy": str(self.types.allow_lossy).lower(),
            "raw_text": ", ".join(sorted(self.types.raw_text)),
            "chunk_size": str(self.chunk_size),
        }


@dataclass(frozen=True, slots=True)
class Manner:
    """How the work is done; may differ from run to run.

    Parameters
    ----------
    snapshot
        ``scn``, ``readonly``, ``none``, or ``""`` for the best that the account may use.
    prove
        ``counts``, ``rowscn`` or ``off``.
    jobs
        Worker processes.
    max_sessions
        Largest number of sessions in the database, 0 for no limit; one of them plans and holds the snapshot.
    max_mbps
        Megabytes per second of data of all workers together, 0 for no limit.
    patience
        Seconds to try again after a lost connection.
    """

    snapshot: str = ""
    prove: str = "counts"
    jobs: int = 2
    max_sessions: int = 0
    max_mbps: float = 0.0
    patience: float = 600.0
