"""What is to be done with each file. Pure: nothing here asks Rucio or reads a file.

Rucio silently ignores a second registration under a known name, also when size or checksums differ, so the
comparison is made here, before, and again after.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ingest.catalogue_types import KnownFile, Replica
from ingest.item import Item, Scalar, Sums
from ingest.storage.contract import FileStat
from ingest.storage.pfn import same_pfn
from legacy.errors import printable

COLUMNS = {"run_number": "run", "events": "n_events"}
"""Columns of Rucio that repeat a key of the metadata."""


class Action(StrEnum):
    """What happens to a file.

    ``register``: declare a replica, attach, set metadata. ``skip``: Rucio knows all of it. ``attach``: only
    the dataset is missing (metadata are set too where they differ). ``metadata``: only metadata differ.
    ``conflict``: Rucio holds another file under this name. ``refuse``: cannot be ingested as it is.
    """

    REGISTER = "register"
    SKIP = "skip"
    ATTACH = "attach"
    METADATA = "metadata"
    CONFLICT = "conflict"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file of which everything is known that Rucio must be told.

    Parameters
    ----------
    item
        Name, place and metadata.
    sums
        Size and checksums, measured or trusted.
    pfn
        Where the RSE has, or will have, the file.
    declared_pfn
        What to tell Rucio: ``""`` at a deterministic RSE, which computes it, else the same as `pfn`.
    problem
        Why the file cannot be ingested; ``""`` when it can.
    columns
        Values of Rucio's own columns, see `column_values`.
    stat
        Size and time of the file when it was looked at; None when it could not be.
    """

    item: Item
    sums: Sums
    pfn: str = ""
    declared_pfn: str = ""
    problem: str = ""
    columns: Mapping[str, Scalar] = field(default_factory=dict)
    stat: FileStat | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The dataset of a file, and whether the file is in it already."""

    dataset: str
    attached: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What Rucio said about the files of one chunk.

    Parameters
    ----------
    files
        Name -> its columns; a name that Rucio does not know is absent.
    metadata
        Name -> JSON metadata, for the files that were asked for; an absent one counts as equal to ours,
        because the journal proves that it was read back and found equal.
    replicas
        Name -> replicas at the RSE of the run; absent or empty where there is none.
    places
        Name -> its dataset; absent for a file that is in no dataset and will not be put into one.
    """

    files: Mapping[str, KnownFile] = field(default_factory=dict)
    metadata: Mapping[str, Mapping[str, Scalar]] = field(default_factory=dict)
    replicas: Mapping[str, tuple[Replica, ...]] = field(default_factory=dict)
    places: Mapping[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done with one file.

    Parameters
    ----------
    action
        The kind of work.
    candidate
        The file.
    reason
        For people: why; ``""`` where the action says it all.
    replica
        True when a replica is to be declared.
    dataset
        The dataset to attach to; ``""`` when the file is in it, or when there is none.
    metadata
        Keys and values to set: those that Rucio does not hold.
    """

    action: Action
    candidate: Candidate
    reason: str = ""
    replica: bool = False
    dataset: str = ""
    metadata: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the DID."""
        return self.candidate.item.name

    @property
    def changes(self) -> bool:
        """True when Rucio is to be told something."""
        return self.action in (Action.REGISTER, Action.ATTACH, Action.METADATA)

    @property
    def failed(self) -> bool:
        """True when the file cannot be ingested."""
        return self.action in (Action.CONFLICT, Action.REFUSE)

    def to_dict(self) -> dict[str, object]:
        """Return the step for JSON."""
        sums = self.candidate.sums
        return {
            "action": str(self.action),
            "name": printable(self.name),
            "location": printable(self.candidate.item.location),
            "pfn": self.candidate.pfn,
            "dataset": self.dataset or None,
            "size": sums.size if sums.size >= 0 else None,
            "adler32": sums.adler32 or None,
            "md5": sums.md5 or None,
            "sha256": sums.sha256 or None,
            "hashed_by": sums.by or None,
            "metadata": dict(self.metadata),
            "reason": self.reason or None,
        }


def plan_chunk(candidates: Sequence[Candidate], known: Known) -> tuple[Step, ...]:
    """Decide about some files.

    Parameters
    ----------
    candidates
        The files, each name once.
    known
        What Rucio said about them.

    Returns
    -------
    tuple of Step
        One for each candidate, in the same order.
    """
    return tuple(_plan_one(candidate, known) for candidate in candidates)


def column_values(metadata: Mapping[str, Scalar], columns: Collection[str] = tuple(COLUMNS)) -> dict[str, Scalar]:
    """Return the values that Rucio's own columns get for the sake of other tools.

    Parameters
    ----------
    metadata
        Of a file.
    columns
        Which of `COLUMNS` are wanted. Each costs the server as much as all JSON metadata together.
    """
    mirrored = {column: metadata.get(key) for column, key in COLUMNS.items() if column in columns}
    return {column: value for column, value in mirrored.items() if value is not None}


def difference(sums: Sums, known: KnownFile) -> str:
    """Say in what a file differs from what Rucio holds under its name; ``""`` when they are the same."""
    if known.kind != "FILE":
        return f"the name belongs to a {known.kind.lower()}"
    if sums.size != known.size:
        return f"size {sums.size} here, {known.size} in Rucio"
    compared = False
    for kind, ours, theirs in (("adler32", sums.adler32, known.adler32), ("md5", sums.md5, known.md5)):
        if ours and theirs:
            compared = True
            if ours != theirs:
                return f"{kind} {ours} here, {theirs} in Rucio"
    return "" if compared else "Rucio holds no checksum of it that could be compared"


def _plan_one(candidate: Candidate, known: Known) -> Step:
    item = candidate.item
    if candidate.problem:
        return Step(Action.REFUSE, candidate, reason=candidate.problem)
    place = known.places.get(item.name)
    dataset = place.dataset if place and not place.attached else ""
    file = known.files.get(item.name)
    if file is None:
        values = {**item.metadata, **candidate.columns}
        return Step(Action.REGISTER, candidate, replica=True, dataset=dataset, metadata=values)
    differs = difference(candidate.sums, file)
    if differs:
        return Step(Action.CONFLICT, candidate, reason=f"Rucio holds another file under this name: {differs}")
    return _plan_known(candidate, file, known, dataset)


def _plan_known(candidate: Candidate, file: KnownFile, known: Known, dataset: str) -> Step:
    """Decide about a file that Rucio holds with the same size and checksums."""
    name = candidate.item.name
    replicas = known.replicas.get(name, ())
    problem = _replica_problem(candidate, replicas)
    if problem:
        return Step(Action.CONFLICT, candidate, reason=problem)
    values = _missing_values(candidate, file, known.metadata.get(name))
    if not replicas:
        reason = "Rucio knows the file; this is a further replica"
        return Step(Action.REGISTER, candidate, reason=reason, replica=True, dataset=dataset, metadata=values)
    if dataset:
        return Step(Action.ATTACH, candidate, dataset=dataset, metadata=values)
    if values:
        reason = "other values for " + ", ".join(sorted(values))
        return Step(Action.METADATA, candidate, reason=reason, metadata=values)
    return Step(Action.SKIP, candidate)


def _replica_problem(candidate: Candidate, replicas: Sequence[Replica]) -> str:
    broken = [replica for replica in replicas if replica.state != "AVAILABLE"]
    if broken:
        return f"its replica at {broken[0].rse} is {broken[0].state}; settle that in Rucio first"
    # At a deterministic RSE nothing is declared: the path follows from the name.
    if candidate.declared_pfn and replicas and not any(same_pfn(each.pfn, candidate.pfn) for each in replicas):
        return f"Rucio has it at {replicas[0].pfn}, and keeps one path for each file and RSE"
    return ""


def _missing_values(candidate: Candidate, file: KnownFile, theirs: Mapping[str, Scalar] | None) -> dict[str, Scalar]:
    """Return what Rucio does not hold, or holds with another value."""
    values: dict[str, Scalar] = {}
    if theirs is not None:
        ours = candidate.item.metadata
        values = {key: value for key, value in ours.items() if not _same(value, theirs.get(key))}
    columns = {"run_number": file.run_number, "events": file.events}
    values.update({key: value for key, value in candidate.columns.items() if columns[key] != value})
    return values


def _same(ours: Scalar, theirs: Scalar | None) -> bool:
    # True == 1 in Python, and a search in Rucio tells them apart.
    return isinstance(ours, bool) == isinstance(theirs, bool) and ours == theirs
