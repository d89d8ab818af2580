"""What Rucio knows about some files, asked as cheaply as a sound answer allows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ingest.catalogue import Catalogue
from ingest.catalogue_types import KnownFile, Replica
from ingest.datasets import Datasets
from ingest.item import Scalar
from ingest.journal import Record, State, digest
from ingest.plan import Candidate, Known


@dataclass(frozen=True, slots=True)
class Found:
    """What Rucio answered to the first question about a chunk.

    Parameters
    ----------
    files
        Name -> its columns; a name that Rucio does not know is absent.
    replicas
        Name -> replicas at the RSE, for the files of which they were asked for.
    proved
        Names whose metadata need not be asked for, because the journal proves that they were read back.
    """

    files: Mapping[str, KnownFile]
    replicas: Mapping[str, tuple[Replica, ...]]
    proved: Collection[str]


@dataclass(frozen=True, slots=True)
class Inquirer:
    """Asks Rucio about the files of a chunk.

    Parameters
    ----------
    catalogue
        Where to ask.
    scope, rse
        Of the run.
    datasets
        The datasets of the run.
    """

    catalogue: Catalogue
    scope: str
    rse: str
    datasets: Datasets

    def find(self, candidates: Sequence[Candidate], records: Mapping[str, Record]) -> Found:
        """Ask which of the files Rucio has.

        Parameters
        ----------
        candidates
            The files; those with a problem are not asked for.
        records
            Location -> record of the journal. For a file that is done, with the same metadata and path, one question
            about its replicas answers all; its metadata were read back when it was done.
        """
        good = [candidate for candidate in candidates if not candidate.problem]
        proved = {c.item.name: c for c in good if _proved(c, records.get(c.item.location))}
        replicas = self.catalogue.listed(self.scope, list(proved), self.rse)
        files = {name: _with_our_columns(file, proved[name]) for name, (file, _) in replicas.items()}
        files.update(self.catalogue.files(self.scope, [c.item.name for c in good if c.item.name not in files]))
        return Found(files, {name: found for name, (_, found) in replicas.items()}, replicas.keys())

    def known(self, candidates: Sequence[Candidate], found: Found, bases: Mapping[str, str]) -> Known:
        """Return all that the plan needs to know.

        Parameters
        ----------
        candidates
            The files, with their checksums.
        found
            The first answer about them.
        bases
            Name -> dataset that its template gives; absent where there is to be none.
        """
        self.datasets.learn(bases.values())
        there = [c.item.name for c in candidates if not c.problem and c.item.name in found.files]
        unproved = [name for name in there if name not in found.proved]
        return Known(
            files=found.files,
            metadata=self._metadata(unproved),
            replicas={**found.replicas, **self.catalogue.replicas(self.scope, unproved, self.rse)},
            places={name: self.datasets.place(base, name) for name, base in bases.items()},
        )

    def read_back(self, candidates: Sequence[Candidate]) -> Known:
        """Return what Rucio holds now of files that it was just told about; their datasets are left out."""
        names = [candidate.item.name for candidate in candidates]
        return Known(
            files=self.catalogue.files(self.scope, names),
            metadata=self._metadata(names),
            replicas=self.catalogue.replicas(self.scope, names, self.rse),
        )

    def _metadata(self, names: Sequence[str]) -> dict[str, dict[str, Scalar]]:
        """Return JSON metadata; those of a file without any are empty, not absent."""
        found = self.catalogue.metadata(self.scope, names)
        return {name: found.get(name, {}) for name in names}


def _proved(candidate: Candidate, record: Record | None) -> bool:
    """Tell whether an earlier run has read this very registration back."""
    return (
        record is not None
        and record.state == State.DONE
        and bool(candidate.sums.by)
        and record.name == candidate.item.name
        and record.pfn == candidate.pfn
        and record.metadata == digest(candidate.item.metadata)
    )


def _with_our_columns(file: KnownFile, candidate: Candidate) -> KnownFile:
    """Complete what a list of replicas does not say: columns that were read back with the same metadata."""
    run, events = candidate.columns.get("run_number"), candidate.columns.get("events")
    return KnownFile(
        name=file.name,
        kind=file.kind,
        size=file.size,
        adler32=file.adler32,
        md5=file.md5,
        run_number=run if isinstance(run, int) else None,
        events=events if isinstance(events, int) else None,
    )
