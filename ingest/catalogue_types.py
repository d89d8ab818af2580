"""What is asked of Rucio and what it answers, in plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connection:
    """Which server is spoken to, and as whom."""

    server: str
    account: str
    auth_type: str


@dataclass(frozen=True, slots=True)
class Rse:
    """A storage element.

    Parameters
    ----------
    name
        Its name.
    deterministic
        True when Rucio computes the path of a file from its name.
    writable
        False when writing is blocked.
    scheme, hostname, port, prefix
        The protocol it prefers for writing (on a local network first); all empty without protocols.
    """

    name: str
    deterministic: bool
    writable: bool
    scheme: str
    hostname: str
    port: int
    prefix: str


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What Rucio's own columns say about a DID; size -1 and ``""`` where it says nothing.

    Parameters
    ----------
    name
        Without the scope.
    kind
        ``FILE``, ``DATASET`` or ``CONTAINER``.
    size
        Bytes.
    adler32, md5
        Lower-case hex.
    run_number, events
        The columns of these names.
    closed
        True for a dataset that takes no more files.
    """

    name: str
    kind: str
    size: int
    adler32: str
    md5: str
    run_number: int | None
    events: int | None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Replica:
    """One copy of a file: where, and in which state (``AVAILABLE``, ``UNAVAILABLE``, ``BAD`` ...)."""

    rse: str
    pfn: str
    state: str


@dataclass(frozen=True, slots=True)
class Holding:
    """What an RSE holds of a dataset: files and bytes available, files and bytes in all."""

    rse: str
    available_files: int
    available_bytes: int
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class NewReplica:
    """A replica to declare; the PFN is ``""`` where the RSE computes it."""

    name: str
    size: int
    adler32: str
    md5: str
    pfn: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """A replication rule: where, how many copies, and its state (``OK``, ``REPLICATING``, ``STUCK`` ...)."""

    rse_expression: str
    copies: int
    state: str
