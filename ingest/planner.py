"""From files to steps: look at them, ask Rucio, read what must be read, and decide."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ingest.catalogue import Catalogue
from ingest.catalogue_types import KnownFile, Rse
from ingest.item import Item, Scalar, Sums
from ingest.journal import Journal
from ingest.knowledge import Inquirer
from ingest.plan import Candidate, Step, column_values, plan_chunk
from ingest.settings import Settings
from ingest.storage.pfn import pfn_of, same_pfn, within_prefix
from ingest.survey import Look, Surveyor
from legacy.errors import InputError


@dataclass(frozen=True, slots=True)
class Planned:
    """A chunk that is ready to be carried out.

    Parameters
    ----------
    looks
        Location -> what the file showed.
    steps
        One for each file; files that were not read because the run is to end are left out.
    """

    looks: dict[str, Look]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans chunks.

    Parameters
    ----------
    settings
        Of the run.
    rse
        The RSE of the run.
    catalogue, inquirer, surveyor, journal
        Where to ask; the journal is None in a dry run without one.
    dataset_of
        Item -> name of its dataset, ``""`` for none.
    frugal
        True reads only files whose name Rucio knows: all that a dry run needs, and a run that copies, which
        computes checksums while it copies.
    keys
        Keys of the metadata schema.
    """

    settings: Settings
    rse: Rse
    catalogue: Catalogue
    inquirer: Inquirer
    surveyor: Surveyor
    journal: Journal | None
    dataset_of: Callable[[Item], str]
    frugal: bool
    keys: Collection[str]

    def plan(self, items: Sequence[Item]) -> Planned:
        """Plan a chunk; asks Rucio only to read."""
        looks = {look.item.location: look for look in self.surveyor.look(items)}
        records = self.journal.get(looks) if self.journal else {}
        computed = self._computed_paths(looks.values())
        found = self.inquirer.find(self._candidates(looks.values(), computed), records)
        to_read = [look for look in looks.values() if look.to_read and self._must_read(look, found.files)]
        for look in self.surveyor.read(to_read):
            looks[look.item.location] = look
        if self.surveyor.stop():
            for look in to_read:
                if looks[look.item.location].to_read:
                    del looks[look.item.location]
        candidates = self._candidates(looks.values(), computed)
        bases = {c.item.name: self.dataset_of(c.item) for c in candidates if not c.problem}
        known = self.inquirer.known(candidates, found, {name: base for name, base in bases.items() if base})
        return Planned(looks, plan_chunk(candidates, known))

    def _must_read(self, look: Look, files: Mapping[str, KnownFile]) -> bool:
        if not self.frugal:
            return True
        file = files.get(look.item.name)
        return file is not None and look.stat is not None and file.size == look.stat.size

    def _computed_paths(self, looks: Iterable[Look]) -> dict[str, str]:
        if not self.rse.deterministic:
            return {}
        names = [look.item.name for look in looks if not look.problem]
        return self.catalogue.paths(self.rse.name, self.settings.scope, names)

    def _candidates(self, looks: Iterable[Look], computed: Mapping[str, str]) -> list[Candidate]:
        return [self._candidate(look, computed.get(look.item.name, "")) for look in looks]

    def _candidate(self, look: Look, computed: str) -> Candidate:
        size = look.stat.size if look.stat else -1
        sums = look.sums if look.sums.by else Sums(size=size)
        item = with_measured(look.item, sums, self.keys)
        columns = column_values(item.metadata, self.settings.columns)
        if look.problem:
            return Candidate(item, sums, problem=look.problem)
        if self.settings.mode == "copy":
            return Candidate(item, sums, pfn=computed, columns=columns, stat=look.stat)
        try:
            rse = self.rse
            pfn = pfn_of(item.location, self.settings.pfn, scheme=rse.scheme, host=rse.hostname, port=rse.port)
            problem = self._place_problem(pfn, computed)
        except InputError as error:
            return Candidate(item, sums, problem=str(error))
        return Candidate(item, sums, pfn, "" if computed else pfn, problem, columns, look.stat)

    def _place_problem(self, pfn: str, computed: str) -> str:
        """Say why a file cannot be registered where it lies."""
        if computed:
            if same_pfn(pfn, computed):
                return ""
            return (
                f"{self.rse.name} is deterministic and expects this file at {computed}; "
                "use --mode copy, or a non-deterministic RSE"
            )
        if not within_prefix(pfn, self.rse.prefix):
            return f"outside the prefix {self.rse.prefix} of {self.rse.name}; move it there, or use another RSE"
        return ""


def with_measured(item: Item, sums: Sums, keys: Collection[str]) -> Item:
    """Return the item with size and SHA-256 among its metadata, as far as known and among `keys` of the schema."""
    measured: dict[str, Scalar] = {}
    if sums.size >= 0:
        measured["size"] = sums.size
    if sums.sha256:
        measured["sha256"] = sums.sha256
    wanted = {key: value for key, value in measured.items() if key in keys}
    return replace(item, metadata={**item.metadata, **wanted})
