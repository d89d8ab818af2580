"""The files of a scope that an expression selects, a chunk at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ingest.catalogue import CALL_LIMIT, chunks
from ingest.catalogue_download import DownloadingCatalogue
from ingest.catalogue_errors import RefusedError
from ingest.catalogue_types import KnownFile, Replica
from ingest.item import Scalar
from ingest.patience import Say
from ingest.retrieval.expression import Expression, evaluate, uses_metadata
from ingest.retrieval.filters import EVERYTHING, searches_of
from legacy.errors import UsageError, printable


@dataclass(frozen=True, slots=True)
class Found:
    """A file that Rucio knows, with its JSON metadata."""

    file: KnownFile
    metadata: Mapping[str, Scalar]

    @property
    def values(self) -> dict[str, Scalar]:
        """Metadata and columns as an expression sees them; what is not known is absent."""
        file = self.file
        columns: dict[str, Scalar] = {"name": file.name, "adler32": file.adler32, "md5": file.md5, "bytes": file.size}
        known = {key: value for key, value in columns.items() if value not in ("", -1)}
        return {**self.metadata, **known}


@dataclass(frozen=True, slots=True)
class Selection:
    """Some files of a scope.

    Parameters
    ----------
    catalogue
        Where to ask.
    scope
        An existing scope.
    expression
        What the files have in common, None for all files.
    say
        Told when the search takes a slower way.
    """

    catalogue: DownloadingCatalogue
    scope: str
    expression: Expression | None
    say: Say

    def chunks(self, *, metadata: bool = True) -> Iterator[list[Found]]:
        """Yield the files, sorted by name, at most 500 at a time.

        Parameters
        ----------
        metadata
            False leaves the metadata empty where the expression does not need them; they are the dearest part.
        """
        needed = metadata or (self.expression is not None and uses_metadata(self.expression))
        for some in chunks(self._candidates(), CALL_LIMIT):
            if found := self._matching(some, metadata=needed):
                yield found

    def details(self, names: Sequence[str]) -> list[Found]:
        """Return what is known of those of `names` that are still there."""
        return self._described(names, metadata=True)

    def replicas(self, names: Sequence[str], rse: str = "") -> dict[str, tuple[Replica, ...]]:
        """Return the replicas of files by name.

        Parameters
        ----------
        names
            Files that are there.
        rse
            An RSE expression, ``""`` for all.

        Raises
        ------
        UsageError
            The RSE expression is none, or no RSE satisfies it.
        """
        try:
            return self.catalogue.replicas(self.scope, names, rse)
        except RefusedError as error:
            if error.kind != "InvalidRSEExpression":
                raise
            hint = "write the name of an RSE, or an expression such as type=DISK"
            raise UsageError(f"--rse {printable(rse)}: {error.reason}; {hint}") from error

    def _candidates(self) -> list[str]:
        """Return the names of all files that match, and maybe of more DIDs."""
        if self.expression is None:
            return self.catalogue.search(self.scope, [EVERYTHING])
        try:
            names: set[str] = set()
            for search in searches_of(self.expression):
                names.update(self.catalogue.search(self.scope, search.filters))
        except RefusedError as error:
            if error.kind != "InvalidMetadata":
                raise
            # PostgreSQL gives up when a key is a number in one file and a text in another.
            self.say(f"Rucio cannot search this ({printable(error.reason)}); looking at every file of the scope")
            return self.catalogue.search(self.scope, [EVERYTHING])
        return sorted(names)

    def _matching(self, names: Sequence[str], *, metadata: bool) -> list[Found]:
        found = self._described(names, metadata=metadata)
        if self.expression is None:
            return found
        return [each for each in found if evaluate(self.expression, each.values)]

    def _described(self, names: Sequence[str], *, metadata: bool) -> list[Found]:
        # Searches by JSON keys find datasets too, whatever type is asked for.
        files = {n: file for n, file in self.catalogue.files(self.scope, names).items() if file.kind == "FILE"}
        known = self.catalogue.metadata(self.scope, sorted(files)) if metadata else {}
        return [Found(files[name], known.get(name, {})) for name in sorted(files)]
