"""`catalog verify`: read every replica again, and compare it with what Rucio knows."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ingest.catalogue import CALL_LIMIT, chunks
from ingest.catalogue_types import Replica
from ingest.hashing import hash_all
from ingest.item import Sums
from ingest.retrieval.expected import contradictions, differences, expected_of
from ingest.retrieval.selection import Found, Selection
from ingest.schemas import Schema
from ingest.storage.contract import NoSuchFileError
from ingest.storage.opened import storage_of
from ingest.storage.pfn import PfnRule, location_of
from legacy.errors import AntaresLegacyError, InputError, MachineError, printable


class Verdict(StrEnum):
    """What became of one replica, or of the metadata of one file."""

    OK = "ok"
    UNPROVED = "unproved"
    NOT_READ = "not read"
    MISSING = "missing"
    CORRUPT = "corrupt"
    UNREADABLE = "unreadable"
    UNREACHABLE = "unreachable"
    BAD_STATE = "bad state"
    NO_REPLICA = "no replica"
    BAD_METADATA = "bad metadata"


GOOD = frozenset({Verdict.OK, Verdict.UNPROVED, Verdict.NOT_READ})
"""Verdicts that are no difference. The others end the command with exit code 1."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One replica, or the file itself where ``rse`` is ``""``.

    Parameters
    ----------
    name
        Name of the DID.
    rse, pfn
        The replica.
    verdict
        What was found.
    details
        Both values of what differs, or why the replica could not be compared.
    """

    name: str
    rse: str
    pfn: str
    verdict: Verdict
    details: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "rse": self.rse or None,
            "pfn": self.pfn or None,
            "verdict": str(self.verdict),
            "details": list(self.details),
        }

    def to_text(self, scope: str) -> str:
        """Return one line for people."""
        place = f" at {self.rse}, {self.pfn}" if self.rse else ""
        return printable(f"{self.verdict}: {scope}:{self.name}{place}: {'; '.join(self.details)}")


@dataclass(slots=True)
class Proof:
    """What a verification has seen so far.

    Parameters
    ----------
    scope
        Where the files are.
    selected
        Number of files that were selected.
    files
        Number of files that were to be verified: all of them, or the sample.
    seed
        What the sample was drawn with; None without a sample.
    counts
        Number of findings of each verdict.
    read, bytes
        Replicas that were read to the end, and their bytes.
    """

    scope: str
    selected: int
    files: int
    seed: int | None = None
    counts: Counter[Verdict] = field(default_factory=Counter)
    read: int = 0
    bytes: int = 0

    @property
    def problems(self) -> int:
        """Number of differences."""
        return sum(number for verdict, number in self.counts.items() if verdict not in GOOD)

    @property
    def exit_code(self) -> int:
        """1 on any difference, and when nothing was verified; 3 when only storage could not be reached."""
        if self.problems and self.problems == self.counts[Verdict.UNREACHABLE]:
            return 3
        return 1 if self.problems or not self.files else 0

    def to_dict(self) -> dict[str, object]:
        """Return the summary as JSON values."""
        return {
            "scope": self.scope,
            "verified": self.exit_code == 0,
            "complete": self._complete,
            "files_selected": self.selected,
            "files": self.files,
            "seed": self.seed,
            "replicas_read": self.read,
            "bytes_read": self.bytes,
            "counts": {str(verdict): self.counts[verdict] for verdict in Verdict},
        }

    @property
    def _complete(self) -> bool:
        partly = self.counts[Verdict.UNPROVED] + self.counts[Verdict.NOT_READ]
        return self.exit_code == 0 and not partly and self.seed is None

    def to_text(self) -> str:
        """Return the summary for people."""
        if not self.files:
            return f"NOTHING VERIFIED: no file of scope {self.scope} was selected"
        of = f" (a random sample out of {self.selected}, --seed {self.seed})" if self.seed is not None else ""
        seen = f"{self.files} files{of}, {self.read} replicas and {self.bytes} bytes read"
        if self.problems:
            bad = ", ".join(f"{number} {v}" for v, number in sorted(self.counts.items()) if v not in GOOD)
            return f"NOT VERIFIED: {self.problems} problems ({bad}) in {seen}"
        limits = []
        if self.counts[Verdict.NOT_READ]:
            limits.append(f"{self.counts[Verdict.NOT_READ]} replicas on tape or under way were not read")
        if self.counts[Verdict.UNPROVED]:
            limits.append(f"{self.counts[Verdict.UNPROVED]} cannot be proved, Rucio has no SHA-256 of them")
        if limits:
            return f"VERIFIED IN PART: {seen}, no difference; {'; '.join(limits)}"
        return f"VERIFIED: {seen}; size and all checksums are those in Rucio"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to verify.

    Parameters
    ----------
    rse
        RSE expression of the replicas to look at, ``""`` for all.
    sample
        Number of files, drawn at random; None for all.
    seed
        Draws the same sample again.
    jobs
        Threads that read files.
    rules
        How PFNs become locations.
    """

    rse: str
    sample: int | None
    seed: int
    jobs: int
    rules: tuple[PfnRule, ...]


Tell = Callable[[Finding, int], None]
"""Told of every finding, with the bytes that were read for it."""


def verify(selection: Selection, plan: Plan, schema: Schema, stop: Callable[[], bool], tell: Tell) -> Proof:
    """Read replicas and compare size, Adler-32, MD5 and SHA-256 with Rucio; check the metadata by the schema.

    Files that are on tape only are not recalled: the checksum that their storage keeps is compared.

    Parameters
    ----------
    selection
        The files.
    plan
        Which of them, and how.
    schema
        What metadata may be.
    stop
        Tells that the run is to end.
    tell
        Told of every finding, in the order in which reading ends.

    Raises
    ------
    MachineError
        Rucio does not answer.
    """
    names = [found.file.name for some in selection.chunks(metadata=False) for found in some]
    proof = Proof(selection.scope, len(names), len(names))
    if plan.sample is not None:
        names = sorted(random.Random(plan.seed).sample(names, min(plan.sample, len(names))))  # noqa: S311  no secret
        proof.files, proof.seed = len(names), plan.seed
    _Verification(selection, plan, schema, proof, tell).run(names, stop)
    return proof


@dataclass(slots=True)
class _Verification:
    selection: Selection
    plan: Plan
    schema: Schema
    proof: Proof
    tell: Tell
    # Under way to be read: location -> the replicas that lie there; two RSEs may share one place.
    waiting: dict[str, list[tuple[Found, Replica]]] = field(default_factory=dict)

    def run(self, names: Sequence[str], stop: Callable[[], bool]) -> None:
        for location, result in hash_all(self._locations(names), self.plan.jobs, sha256=True, stop=stop):
            for found, replica in self.waiting.pop(location):
                self._compare(found, replica, result)

    def _report(self, name: str, replica: Replica | None, verdict: Verdict, *details: str, size: int = 0) -> None:
        self.proof.counts[verdict] += 1
        rse, pfn = (replica.rse, replica.pfn) if replica else ("", "")
        self.tell(Finding(name, rse, pfn, verdict, details), size)

    def _locations(self, names: Sequence[str]) -> Iterator[str]:
        """Yield what must be read; all that can be said without reading is reported on the way."""
        for some in chunks(names, CALL_LIMIT):
            files = self.selection.details(some)
            for name in sorted(set(some) - {found.file.name for found in files}):
                self._report(name, None, Verdict.NO_REPLICA, "removed from Rucio in the meantime")
            replicas = self.selection.replicas([found.file.name for found in files], self.plan.rse)
            for found in files:
                yield from self._of_file(found, replicas)

    def _of_file(self, found: Found, replicas: Mapping[str, Sequence[Replica]]) -> Iterator[str]:
        name = found.file.name
        problems = [*self.schema.check(found.metadata), *contradictions(found)]
        if problems:
            self._report(name, None, Verdict.BAD_METADATA, *problems)
        if not replicas.get(name):
            where = f" at {self.plan.rse}" if self.plan.rse else ""
            self._report(name, None, Verdict.NO_REPLICA, f"Rucio knows no replica{where}")
        for replica in replicas.get(name, ()):
            location = self._location_to_read(found, replica)
            if location in self.waiting:
                self.waiting[location].append((found, replica))
            elif location:
                self.waiting[location] = [(found, replica)]
                yield location

    def _location_to_read(self, found: Found, replica: Replica) -> str:
        """Return where a replica can be read, ``""`` when that must not or cannot be."""
        name = found.file.name
        if replica.state == "COPYING":
            self._report(name, replica, Verdict.NOT_READ, "being copied there by Rucio")
            return ""
        if replica.state != "AVAILABLE":
            self._report(name, replica, Verdict.BAD_STATE, f"Rucio says {replica.state}")
            return ""
        try:
            location = location_of(replica.pfn, self.plan.rules)
            if storage_of(location).stat(location).online:
                return location
            self._ask(found, replica, storage_of(location).ask_sums(location))
        except MachineError as error:
            self._report(name, replica, Verdict.UNREACHABLE, str(error))
        except AntaresLegacyError as error:
            self._report(name, replica, _unread(error), str(error))
        return ""

    def _ask(self, found: Found, replica: Replica, kept: Sums) -> None:
        """Compare a file on tape by the checksums that its storage keeps."""
        wrong = differences(expected_of(found), kept, here="the storage")
        if wrong:
            self._report(found.file.name, replica, Verdict.CORRUPT, *wrong)
            return
        same = "its storage keeps the same checksum" if kept.adler32 or kept.md5 else "its storage keeps no checksum"
        self._report(found.file.name, replica, Verdict.NOT_READ, f"on tape only; {same}")

    def _compare(self, found: Found, replica: Replica, real: Sums | InputError) -> None:
        name = found.file.name
        if isinstance(real, InputError):
            self._report(name, replica, _unread(real), str(real))
            return
        expected = expected_of(found)
        wrong = differences(expected, real)
        self.proof.read += 1
        self.proof.bytes += real.size
        if wrong:
            self._report(name, replica, Verdict.CORRUPT, *wrong, size=real.size)
        elif not expected.sha256:
            known = [kind for kind in ("adler32", "md5") if getattr(expected, kind)]
            same = f"{' and '.join(known)} are the same" if known else "only the size could be compared"
            self._report(name, replica, Verdict.UNPROVED, f"Rucio has no SHA-256; {same}", size=real.size)
        else:
            self._report(name, replica, Verdict.OK, size=real.size)


def _unread(error: AntaresLegacyError) -> Verdict:
    """Tell a file that is not there from one that cannot be read."""
    return Verdict.MISSING if isinstance(error, NoSuchFileError) else Verdict.UNREADABLE
