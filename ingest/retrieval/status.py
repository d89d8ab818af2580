"""`catalog status`: what Rucio holds of a scope, dataset by dataset."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from ingest.catalogue import Catalogue, chunks
from ingest.catalogue_types import Holding, KnownFile, Replica, Rule
from ingest.retrieval.filters import EVERYTHING
from ingest.retrieval.selection import Selection
from legacy.errors import printable

_SHOWN = 10
"""Names of files that a text lists; JSON lists all."""


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """One dataset, or the files that are in none (``name`` is ``""`` then).

    Parameters
    ----------
    name
        Name without the scope.
    files, bytes
        What it holds.
    matching
        Number of its files that were asked for.
    holdings
        What each RSE has of it.
    rules
        Its replication rules.
    """

    name: str
    files: int
    bytes: int
    matching: int
    holdings: tuple[Holding, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class ContainerStatus:
    """One container: how many DIDs it holds directly, and its rules."""

    name: str
    members: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """What Rucio holds.

    Parameters
    ----------
    scope
        Where.
    datasets, containers
        By name.
    loose
        The files that are in no dataset; None when there are none.
    loose_names
        Their names.
    files, bytes
        The files that were asked for, each counted once.
    """

    scope: str
    datasets: tuple[DatasetStatus, ...]
    containers: tuple[ContainerStatus, ...]
    loose: DatasetStatus | None
    loose_names: tuple[str, ...]
    files: int
    bytes: int

    def to_dict(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return asdict(self)

    def summary(self) -> str:
        """Return one line for people."""
        if not self.files:
            return f"no file matches; {len(self.datasets)} datasets, {len(self.containers)} containers"
        loose = f", {len(self.loose_names)} files in no dataset" if self.loose_names else ""
        sets = f"{len(self.datasets)} datasets, {len(self.containers)} containers"
        return f"{self.files} files, {self.bytes} bytes; {sets}{loose}"


def status_of(selection: Selection) -> Status:
    """Ask Rucio about the datasets that hold the selected files, and about the files in no dataset.

    Parameters
    ----------
    selection
        All files of the scope, or some: datasets without any of them are left out then.
    """
    catalogue, scope = selection.catalogue, selection.scope
    sizes = {found.file.name: max(found.file.size, 0) for some in selection.chunks(metadata=False) for found in some}
    loose = set(sizes)
    datasets: list[DatasetStatus] = []
    for name in catalogue.search(scope, [EVERYTHING], "dataset"):
        content = catalogue.contents(scope, name) or {}
        matching = content.keys() & sizes.keys()
        loose -= matching
        if matching or selection.expression is None:
            datasets.append(_dataset(catalogue, scope, name, content, len(matching)))
    names = tuple(sorted(loose))
    return Status(
        scope=scope,
        datasets=tuple(datasets),
        containers=tuple(_containers(catalogue, scope)),
        loose=_loose(catalogue, scope, names, sizes) if names else None,
        loose_names=names,
        files=len(sizes),
        bytes=sum(sizes.values()),
    )


def _dataset(
    catalogue: Catalogue, scope: str, name: str, content: Mapping[str, KnownFile], matching: int
) -> DatasetStatus:
    holdings = catalogue.holdings(scope, name) if content else {}
    return DatasetStatus(
        name=name,
        files=len(content),
        bytes=sum(max(file.size, 0) for file in content.values()),
        matching=matching,
        holdings=tuple(holdings[rse] for rse in sorted(holdings)),
        rules=catalogue.rules(scope, name),
    )


def _containers(catalogue: Catalogue, scope: str) -> Iterator[ContainerStatus]:
    for name in catalogue.search(scope, [EVERYTHING], "container"):
        yield ContainerStatus(name, len(catalogue.contents(scope, name) or {}), catalogue.rules(scope, name))


def _loose(catalogue: Catalogue, scope: str, names: Sequence[str], sizes: Mapping[str, int]) -> DatasetStatus:
    size = sum(sizes[name] for name in names)
    counted: dict[str, tuple[int, int]] = {}
    for some in chunks(names, 500):
        for name, replicas in catalogue.replicas(scope, some).items():
            for rse in _available(replicas):
                files, held = counted.get(rse, (0, 0))
                counted[rse] = (files + 1, held + sizes[name])
    holdings = (Holding(rse, *counted[rse], len(names), size) for rse in sorted(counted))
    return DatasetStatus("", len(names), size, len(names), tuple(holdings), ())


def _available(replicas: Iterable[Replica]) -> set[str]:
    return {replica.rse for replica in replicas if replica.state == "AVAILABLE"}


def text_lines(status: Status, *, restricted: bool) -> Iterator[str]:
    """Yield the status for people.

    Parameters
    ----------
    status
        What Rucio holds.
    restricted
        True when only some files were asked for: their number is shown for each dataset.
    """
    for dataset in status.datasets:
        yield from _dataset_lines(printable(f"{status.scope}:{dataset.name}"), dataset, restricted=restricted)
    if status.loose is not None:
        yield from _dataset_lines("(in no dataset)", status.loose, restricted=False)
        for name in status.loose_names[:_SHOWN]:
            yield printable(f"    {status.scope}:{name}")
        if len(status.loose_names) > _SHOWN:
            yield f"    ... and {len(status.loose_names) - _SHOWN} more (--json lists all)"
    for container in status.containers:
        yield printable(f"{status.scope}:{container.name}  container of {container.members}")
        yield from (_rule_line(rule) for rule in container.rules)


def _dataset_lines(title: str, dataset: DatasetStatus, *, restricted: bool) -> Iterator[str]:
    matching = f", {dataset.matching} of them match" if restricted else ""
    yield f"{title}  {dataset.files} files, {dataset.bytes} bytes{matching}"
    for held in dataset.holdings:
        complete = held.available_files >= dataset.files
        state = "complete" if complete else f"INCOMPLETE: {dataset.files - held.available_files} files missing"
        yield printable(f"    {held.rse}  {held.available_files} files, {held.available_bytes} bytes, {state}")
    if dataset.files and not dataset.holdings:
        yield "    no replica anywhere"
    yield from (_rule_line(rule) for rule in dataset.rules)


def _rule_line(rule: Rule) -> str:
    return printable(f"    rule: {rule.copies} at {rule.rse_expression}, {rule.state}")
