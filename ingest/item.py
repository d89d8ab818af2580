"""One file on its way into Rucio: what is known about it before Rucio is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Scalar = str | int | float | bool
"""What a metadata value may be: Rucio can search these, and nothing else keeps its type in all databases."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Size and checksums of a file, each as far as known.

    Parameters
    ----------
    size
        Bytes; -1 when unknown.
    adler32, md5, sha256
        Lower-case hex, zero-padded; ``""`` when unknown.
    by
        Who computed the checksums: ``ingest`` (this run read the file), ``manifest``, ``sidecar``, ``door``
        (the storage system's own checksum), or ``""`` when there are none.
    """

    size: int = -1
    adler32: str = ""
    md5: str = ""
    sha256: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One file to ingest.

    Parameters
    ----------
    location
        Where the file is for this machine: an absolute path, or a URL such as ``root://door//path``.
    name
        Name of the DID, without the scope.
    metadata
        The searchable keys, checked against the schema; unknown values are absent, never None.
    stated
        Size and checksums that a manifest or a sidecar states; to be checked, not to be trusted.
    stated_ns
        When the manifest or sidecar was last written, nanoseconds since 1970; 0 without one. A file that
        changed later is read again.
    stated_mtime_ns
        Time of the file itself that the statement is about; 0 when it does not say.
    origin
        The manifest, sidecar or folder that named the file, for messages.
    problem
        Why the file must be refused, when that is known already; ``""`` otherwise.
    """

    location: str
    name: str
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    stated: Sums = field(default_factory=Sums)
    stated_ns: int = 0
    stated_mtime_ns: int = 0
    origin: str = ""
    problem: str = ""
