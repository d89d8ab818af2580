"""`catalog diff`: what is here against what is in Rucio; the question of every audit."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import islice

from ingest.hashing import hash_all
from ingest.item import Item, Sums
from ingest.retrieval.expected import differences, expected_of
from ingest.retrieval.selection import Found, Selection
from ingest.storage.opened import storage_of
from legacy.errors import InputError, UsageError, printable

_CHUNK = 500


class Kind(StrEnum):
    """How something differs."""

    MISSING = "missing"
    EXTRA = "extra"
    DIFFERENT = "different"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Difference:
    """One file that is not the same here and in Rucio.

    Parameters
    ----------
    kind
        ``missing``: here, not in Rucio; ``extra``: in Rucio, not here; ``different``: size or checksum;
        ``refused``: here, and impossible to compare.
    name
        Name of the DID.
    location
        Where the file is here, ``""`` for an extra one.
    details
        Both values of what differs, or why it cannot be compared.
    """

    kind: Kind
    name: str
    location: str = ""
    details: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "kind": str(self.kind),
            "name": self.name,
            "location": self.location or None,
            "details": list(self.details),
        }

    def to_text(self, scope: str) -> str:
        """Return one line for people."""
        where = f" ({self.location})" if self.location else ""
        why = f": {'; '.join(self.details)}" if self.details else ""
        return printable(f"{self.kind}: {scope}:{self.name}{where}{why}")


@dataclass(slots=True)
class Comparison:
    """The outcome.

    Parameters
    ----------
    scope
        Where in Rucio.
    here, there
        Number of files on both sides.
    counts
        Number of differences of each kind.
    read, stated, size_only
        Number of files that were compared by checksums read now, by checksums that a manifest or a sidecar
        states, and by their size alone.
    """

    scope: str
    here: int = 0
    there: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    read: int = 0
    stated: int = 0
    size_only: int = 0

    @property
    def exit_code(self) -> int:
        """1 when anything differs."""
        return 1 if self.counts.total() else 0

    def to_dict(self) -> dict[str, object]:
        """Return the outcome as JSON values."""
        return {
            "scope": self.scope,
            "equal": self.exit_code == 0,
            "files_here": self.here,
            "files_in_rucio": self.there,
            "counts": {str(kind): self.counts[kind] for kind in Kind},
            "compared_by_reading": self.read,
            "compared_as_stated": self.stated,
            "compared_by_size": self.size_only,
        }

    def to_text(self) -> str:
        """Return the outcome for people."""
        ways = [(self.read, "read now"), (self.stated, "as stated"), (self.size_only, "by size only")]
        compared = ", ".join(f"{number} {way}" for number, way in ways if number) or "none"
        sides = f"{self.here} files here, {self.there} in Rucio; compared: {compared}"
        if not self.exit_code:
            return f"NO DIFFERENCE: {sides}"
        found = ", ".join(f"{self.counts[kind]} {kind}" for kind in Kind)
        return f"DIFFERENT: {found}; {sides}"


@dataclass(frozen=True, slots=True)
class Way:
    """How to compare.

    Parameters
    ----------
    read
        False compares the size alone where no checksums are stated.
    jobs
        Threads that read files.
    dataset
        Only the files of this dataset count as being in Rucio; ``""`` for those of the selection.
    """

    read: bool
    jobs: int
    dataset: str = ""


def compare(
    items: Iterable[Item],
    selection: Selection,
    way: Way,
    stop: Callable[[], bool],
    tell: Callable[[Difference], None],
    advance: Callable[[int, int], None],
) -> Comparison:
    """Compare files here with those in Rucio, by name.

    Only names are kept in memory.

    Parameters
    ----------
    items
        The files here.
    selection
        The files that Rucio should have no more than.
    way
        How to compare.
    stop
        Tells that the run is to end.
    tell
        Told of every difference.
    advance
        Told after each chunk how many files and bytes were compared.

    Raises
    ------
    UsageError
        There is no such dataset.
    """
    return _Comparing(selection, way, stop, tell, advance, Comparison(selection.scope)).run(items)


@dataclass(frozen=True, slots=True)
class _Here:
    """A file here as far as it is known without reading it."""

    item: Item
    sums: Sums
    online: bool


@dataclass(slots=True)
class _Comparing:
    selection: Selection
    way: Way
    stop: Callable[[], bool]
    tell: Callable[[Difference], None]
    advance: Callable[[int, int], None]
    outcome: Comparison

    def run(self, items: Iterable[Item]) -> Comparison:
        there = self._names_there()
        seen: set[str] = set()
        source = iter(items)
        while (some := list(islice(source, _CHUNK))) and not self.stop():
            seen.update(item.name for item in some)
            self._chunk(some, there)
            self.advance(len(some), sum(max(item.stated.size, 0) for item in some))
        self.outcome.here, self.outcome.there = len(seen), len(there)
        for name in sorted(there - seen):
            self._report(Kind.EXTRA, name)
        return self.outcome

    def _names_there(self) -> set[str]:
        if not self.way.dataset:
            return {found.file.name for some in self.selection.chunks(metadata=False) for found in some}
        content = self.selection.catalogue.contents(self.selection.scope, self.way.dataset)
        if content is None:
            name = printable(f"{self.selection.scope}:{self.way.dataset}")
            raise UsageError(f"Rucio has no dataset {name}; `antares-legacy catalog status` lists them")
        names = {name for name, file in content.items() if file.kind == "FILE"}
        if self.selection.expression is None:
            return names
        return names & {found.file.name for some in self.selection.chunks() for found in some}

    def _report(self, kind: Kind, name: str, location: str = "", *details: str) -> None:
        self.outcome.counts[kind] += 1
        self.tell(Difference(kind, name, location, details))

    def _chunk(self, items: Sequence[Item], there: Collection[str]) -> None:
        names = [item.name for item in items if not item.problem]  # Rucio refuses a call with an impossible name
        known = {found.file.name: found for found in self.selection.details(names)}
        to_read: dict[str, _Here] = {}
        for here in self._looked_at(items):
            found = known.get(here.item.name)
            if found is None or (self.way.dataset and here.item.name not in there):
                details = (f"in Rucio, but not in {self.way.dataset}",) if found else ()
                self._report(Kind.MISSING, here.item.name, here.item.location, *details)
            elif here.sums.size != found.file.size or not self._must_read(here):
                self._compare(found, here.item, here.sums)
            else:
                to_read[here.item.location] = here
        for location, result in hash_all(list(to_read), self.way.jobs, sha256=True, stop=self.stop):
            item = to_read[location].item
            if isinstance(result, InputError):
                self._report(Kind.REFUSED, item.name, item.location, str(result))
            else:
                self.outcome.read += 1
                self._compare(known[item.name], item, result)

    def _must_read(self, here: _Here) -> bool:
        return self.way.read and here.online and not here.sums.by

    def _looked_at(self, items: Sequence[Item]) -> Iterator[_Here]:
        """Yield the files that are there and are the ones that were stated."""
        for item in items:
            if item.problem:
                self._report(Kind.REFUSED, item.name, item.location, item.problem)
                continue
            try:
                storage = storage_of(item.location)
                stat = storage.stat(item.location)
                sums = item.stated if item.stated.by or stat.online else storage.ask_sums(item.location)
            except InputError as error:
                self._report(Kind.REFUSED, item.name, item.location, str(error))
                continue
            if item.stated.size not in (-1, stat.size):
                changed = f"{item.stated.size} bytes in its {item.stated.by or 'manifest'}, {stat.size} bytes on disk"
                self._report(Kind.REFUSED, item.name, item.location, f"changed since it was described: {changed}")
                continue
            yield _Here(item, replace(sums, size=stat.size), stat.online)

    def _compare(self, found: Found, item: Item, sums: Sums) -> None:
        if sums.by and sums.by != "ingest":
            self.outcome.stated += 1
        elif not sums.by:
            self.outcome.size_only += 1
        wrong = differences(expected_of(found), sums, here="the file here")
        if wrong:
            self._report(Kind.DIFFERENT, item.name, item.location, *wrong)
