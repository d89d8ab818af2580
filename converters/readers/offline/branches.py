"""The branches of tree E that the reader carries over, and batches of their decoded values."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.readers.offline.baskets import BranchReader, Decoder, Entries, Integers, Vectors, corrupt
from converters.readers.rootfile import parsing

SCALARS = (
    "id",
    "det_id",
    "run_id",
    "frame_index",
    "trigger_counter",
    "trigger_mask",
    "overlays",
    "t.fSec",
    "t.fNanoSec",
    "mc_id",
    "mc_run_id",
    "mc_t",
    "mc_event_time.fSec",
    "mc_event_time.fNanoSec",
)
VECTORS = ("w", "w2list", "w3list", "usr")
COUNTS = ("hits", "trks", "mc_hits", "mc_trks")
_PLACE = ("id", "pos.x", "pos.y", "pos.z", "dir.x", "dir.y", "dir.z", "t", "E", "len", "type")
_FAMILY = ("status", "mother_id")
FIT_MEMBERS = tuple(f"trks.{name}" for name in (*_PLACE, "lik", "rec_type", *_FAMILY, "counter"))
FIT_VECTORS = ("trks.rec_stages", "trks.fitinf", "trks.hit_ids")
TRUTH_MEMBERS = tuple(f"mc_trks.{name}" for name in (*_PLACE, *_FAMILY))
TRUTH_VECTORS = ("mc_trks.usr",)
COMMENT = "mc_trks.comment"
RAW = ("usr_names", "mc_trks.usr_names")
UUID = "header_uuid[16]"

_BATCH_BYTES = 16 << 20
_MAX_BATCH = 50_000
_MIN_ENTRY_BYTES = 64
_NUMBERS = {
    "int32_t": ">i4",
    "uint32_t": ">u4",
    "int64_t": ">i8",
    "uint64_t": ">u8",
    "float": ">f4",
    "double": ">f8",
}
_TYPE = re.compile(r"(std::vector<)?(\w+)>?(\[\])?")
_PLAIN, _MEMBER, _VECTOR, _MEMBER_VECTOR = range(4)
_FORMS = {(False, False): _PLAIN, (False, True): _MEMBER, (True, False): _VECTOR, (True, True): _MEMBER_VECTOR}


@dataclass(frozen=True, slots=True)
class Chunk:
    """Decoded values of some consecutive events; what the file does not have is absent.

    Parameters
    ----------
    first, n_events
        Number of the first event in the file, and number of events.
    scalars
        One value per event, by branch.
    counts
        Number of objects of each event, by branch.
    members
        One value per object, the objects of all events in a row, by branch; as stored (big-endian).
    vectors
        One vector per event or per object, by branch.
    raw
        Undecoded entries, by branch.
    """

    first: int
    n_events: int
    scalars: Mapping[str, NDArray[Any]]
    counts: Mapping[str, Integers]
    members: Mapping[str, NDArray[Any]]
    vectors: Mapping[str, Vectors]
    raw: Mapping[str, Entries]

    def objects(self, group: str) -> int:
        """Return how many objects of a group all events have together."""
        return int(self.counts[group].sum())

    def owners(self, group: str) -> Integers:
        """Return for each object of a group which event (0 to n_events - 1) it belongs to."""
        return np.repeat(np.arange(self.n_events), self.counts[group])

    def member(self, name: str, index: Integers, dtype: str, missing: float) -> NDArray[Any]:
        """Return the values of chosen objects in another dtype, `missing` if the file has no such branch."""
        values = self.members.get(name)
        if values is None:
            return np.full(len(index), missing, dtype=dtype)
        return np.asarray(values[index].astype(dtype))


@dataclass(slots=True)
class EventBranches:
    """Reads tree E forwards.

    Parameters
    ----------
    path
        The file.
    branches
        uproot's branches of Evt by their own names.
    entries
        Number of events.
    """

    path: Path
    branches: Mapping[str, Any]
    entries: int
    unknown_types: dict[str, str] = field(default_factory=dict)
    """Branches that are there but of a type that no sample has, and that type; they are not read."""
    _readers: dict[str, BranchReader] = field(default_factory=dict)
    _dtypes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for names, form in (
            (SCALARS, _PLAIN),
            ((*FIT_MEMBERS, *TRUTH_MEMBERS), _MEMBER),
            (VECTORS, _VECTOR),
            ((*FIT_VECTORS, *TRUTH_VECTORS), _MEMBER_VECTOR),
        ):
            for name in names:
                self._add_numbers(name, form)
        for name in set(COUNTS) & set(self.branches):
            self._readers[name] = BranchReader(self.path, self.branches[name], self.entries)
        self._add(COMMENT, "std::string[]")
        self._add(UUID, "uint8_t[16]")
        self._add(RAW[0], "std::vector<std::string>")
        self._add(RAW[1], "std::vector<std::string>[]")

    def _add_numbers(self, name: str, form: int) -> None:
        if name not in self.branches:
            return
        reader = BranchReader(self.path, self.branches[name], self.entries)
        type_name = reader.type_name
        match = _TYPE.fullmatch(type_name)
        if match and match[2] in _NUMBERS and _FORMS[bool(match[1]), bool(match[3])] == form:
            self._readers[name] = reader
            self._dtypes[name] = _NUMBERS[match[2]]
        else:
            self.unknown_types[name] = type_name

    def _add(self, name: str, type_name: str) -> None:
        if name not in self.branches:
            return
        reader = BranchReader(self.path, self.branches[name], self.entries)
        if type_name == reader.type_name:
            self._readers[name] = reader
        else:
            self.unknown_types[name] = reader.type_name

    def __contains__(self, name: str) -> bool:
        return name in self._readers

    def ranges(self) -> Iterator[tuple[int, int]]:
        """Yield ranges of entries of about equal size in bytes."""
        stored = sum(reader.stored_bytes for reader in self._readers.values())
        each = max(_MIN_ENTRY_BYTES, stored // max(1, self.entries))
        step = max(1, min(_MAX_BATCH, _BATCH_BYTES // each))
        for start in range(0, self.entries, step):
            yield start, min(start + step, self.entries)

    def raw(self, name: str, start: int, stop: int) -> Entries:
        """Read undecoded entries of a branch; raises CorruptInputError, and KeyError if it is not there."""
        return self._readers[name].read(start, stop)

    def counts(self, group: str, start: int, stop: int) -> Integers:
        """Read how many objects of a group each event has; raises CorruptInputError."""
        if group not in self._readers:
            return np.zeros(stop - start, dtype=np.int64)
        numbers = self._decoder.scalars(self.raw(group, start, stop), ">i4").astype(np.int64)
        if np.any(numbers < 0):
            raise corrupt(self.path, group, "a negative number of objects")
        return numbers

    def scalars(self, start: int, stop: int) -> dict[str, NDArray[Any]]:
        """Read all fields that have one value per event; raises CorruptInputError."""
        return {
            name: self._decoder.scalars(self.raw(name, start, stop), self._dtypes[name])
            for name in SCALARS
            if name in self
        }

    def member(self, name: str, start: int, stop: int, counts: Integers) -> NDArray[Any]:
        """Read one number for each object; raises CorruptInputError, and KeyError if it is not there."""
        return self._decoder.members(self.raw(name, start, stop), self._dtypes[name], counts)

    def member_vectors(self, name: str, start: int, stop: int, counts: Integers) -> Vectors:
        """Read one vector for each object; raises CorruptInputError, and KeyError if it is not there."""
        return self._decoder.member_vectors(self.raw(name, start, stop), self._dtypes[name], counts)

    @property
    def _decoder(self) -> Decoder:
        return Decoder(self.path)

    def chunk(self, start: int, stop: int) -> Chunk:
        """Read and decode everything of a range of entries.

        Raises
        ------
        CorruptInputError
            The bytes are damaged.
        """
        counts = {group: self.counts(group, start, stop) for group in COUNTS}
        scalars = self.scalars(start, stop)
        vectors = {
            name: self._decoder.vectors(self.raw(name, start, stop), self._dtypes[name])
            for name in VECTORS
            if name in self
        }
        members: dict[str, NDArray[Any]] = {}
        for group, single, several in (
            ("trks", FIT_MEMBERS, FIT_VECTORS),
            ("mc_trks", TRUTH_MEMBERS, TRUTH_VECTORS),
        ):
            if not counts[group].any():
                continue
            present = [name for name in single if name in self]
            if not present:
                raise corrupt(self.path, group, "objects without any readable member")
            for name in present:
                members[name] = self.member(name, start, stop, counts[group])
            for name in several:
                if name in self:
                    vectors[name] = self.member_vectors(name, start, stop, counts[group])
        raw = {name: self.raw(name, start, stop) for name in (*RAW, COMMENT, UUID) if name in self}
        return Chunk(start, stop - start, scalars, counts, members, vectors, raw)


def branches_of(path: Path, tree: Any) -> dict[str, Any]:
    """Return the branches of Evt by their own names, those within others too; raises CorruptInputError."""
    with parsing(path, "tree E"):
        return {str(branch.name): branch for branch in tree["Evt"].itervalues(recursive=True)}
