"""Look at the files themselves: size, time, and checksums from wherever they can be had without reading twice.

Checksums come, in this order, from the journal of an earlier run (same size and time), from a manifest or
sidecar (same size, and written after the file), from the door of a storage system that has the file on tape,
or from reading the file.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ingest.hashing import hash_all
from ingest.item import Item, Sums
from ingest.journal import Journal, Record, State
from ingest.rules import size_problem
from ingest.storage.contract import FileStat
from ingest.storage.opened import storage_of
from legacy.errors import InputError


@dataclass(frozen=True, slots=True)
class Look:
    """What a file shows.

    Parameters
    ----------
    item
        The file.
    stat
        Size and time; None when it cannot be looked at.
    sums
        Checksums that may be trusted; ``sums.by`` is ``""`` while the file must be read for them.
    problem
        Why it cannot be ingested.
    """

    item: Item
    stat: FileStat | None = None
    sums: Sums = field(default_factory=Sums)
    problem: str = ""

    @property
    def to_read(self) -> bool:
        """True when only reading the file gives its checksums."""
        return not self.problem and not self.sums.by

    def record(self, state: State, error: str = "", pfn: str = "", metadata: str = "") -> Record:
        """Return what the journal keeps about the file."""
        stat = self.stat or FileStat(-1, 0)
        sums = replace(self.sums, size=stat.size)
        return Record(self.item.location, self.item.name, stat, sums, state, pfn, metadata, error)


@dataclass(frozen=True, slots=True)
class Surveyor:
    """Looks at files.

    Parameters
    ----------
    journal
        Remembers checksums; None in a dry run without a journal.
    jobs
        Threads that read files.
    sha256
        Whether SHA-256 is wanted, beside adler32 and md5.
    rehash
        True reads every file, whatever is known.
    stop
        Tells that the run is to end.
    """

    journal: Journal | None
    jobs: int
    sha256: bool
    rehash: bool
    stop: Callable[[], bool]

    def look(self, items: Sequence[Item]) -> list[Look]:
        """Look at files without reading them."""
        records = self.journal.get([item.location for item in items]) if self.journal else {}
        return [self._look_at(item, records.get(item.location)) for item in items]

    def read(self, looks: Sequence[Look]) -> Iterator[Look]:
        """Read files for their checksums, compare with what was stated, and write them into the journal."""
        by_location = {look.item.location: look for look in looks}
        for location, found in hash_all(list(by_location), self.jobs, sha256=self.sha256, stop=self.stop):
            look = by_location[location]
            if isinstance(found, InputError):
                yield replace(look, problem=str(found))
                continue
            problem = _contradiction(look.item.stated, found)
            if look.stat and found.size != look.stat.size:
                problem = "changed while it was read; wait until nobody writes it"
            look = replace(look, sums=found, problem=problem)
            if self.journal and not self.journal.read_only and not look.problem:
                self.journal.put([look.record(State.HASHED)], now=False)
            yield look

    def _look_at(self, item: Item, record: Record | None) -> Look:
        if item.problem:
            return Look(item, problem=item.problem)
        try:
            stat = storage_of(item.location).stat(item.location)
            problem = size_problem(stat.size)
            if not problem and item.stated.size >= 0 and item.stated.size != stat.size:
                problem = f"{_changed(item.stated)}: size {item.stated.size} then, {stat.size} now"
            if problem:
                return Look(item, stat, problem=problem)
            if not stat.online:
                return self._on_tape(item, stat)
        except InputError as error:
            return Look(item, problem=str(error))
        sums = Sums() if self.rehash else self._trusted(item, stat, record)
        return Look(item, stat, sums, _contradiction(item.stated, sums))

    def _trusted(self, item: Item, stat: FileStat, record: Record | None) -> Sums:
        if record and record.knows(stat) and self._enough(record.sums):
            return record.sums
        stated = item.stated
        if self._enough(stated) and stated.size == stat.size and _unchanged(item, stat):
            return stated
        return Sums()

    def _enough(self, sums: Sums) -> bool:
        return bool(sums.by and sums.adler32 and sums.md5 and (sums.sha256 or not self.sha256))

    def _on_tape(self, item: Item, stat: FileStat) -> Look:
        """Take what is known of a file that nobody should recall from tape only to hash it."""
        asked = storage_of(item.location).ask_sums(item.location)
        problem = _contradiction(item.stated, asked)
        stated = item.stated
        if not problem and not (asked.adler32 or stated.adler32 or asked.md5 or stated.md5):
            problem = "on tape, and neither its door nor a manifest gives a checksum; add one to a sidecar"
        sums = Sums(
            size=stat.size,
            adler32=asked.adler32 or stated.adler32,
            md5=asked.md5 or stated.md5,
            sha256=stated.sha256,
            by=asked.by or stated.by,
        )
        return Look(item, stat, sums, problem)


def _unchanged(item: Item, stat: FileStat) -> bool:
    """Tell whether a file has not been written since the statement about it.

    The time of the file itself, where the statement has it, is the better proof: a manifest to which lines are
    added is newer than changes of files that its older lines describe.
    """
    if item.stated_mtime_ns:
        return stat.mtime_ns == item.stated_mtime_ns
    return stat.mtime_ns <= item.stated_ns


def _changed(stated: Sums) -> str:
    what = stated.by or "manifest or sidecar"
    return f"the file is not the one its {what} describes; make that anew, or restore the file"


def _contradiction(stated: Sums, found: Sums) -> str:
    """Say in what checksums differ from what was stated; ``""`` when nothing that both have differs."""
    for kind in ("adler32", "md5", "sha256"):
        then, now = getattr(stated, kind), getattr(found, kind)
        if then and now and then != now:
            return f"{_changed(stated)}: {kind} {then} then, {now} now"
    return ""
