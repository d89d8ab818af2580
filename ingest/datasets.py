"""Which dataset a file goes into: the one its template names, or a further part of it when that is full.

Rucio fails on datasets of about 100,000 files (rucio/rucio issue 6793), so a dataset holds a limited number;
what is over goes to ``<name>.0002``, ``<name>.0003`` and so on.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ingest.catalogue import Catalogue
from ingest.plan import Place


@dataclass(slots=True)
class _Part:
    """One dataset: what is in it by Rucio's word, and what this run means to put into it."""

    name: str
    attached: set[str] = field(default_factory=set)
    promised: set[str] = field(default_factory=set)
    exists: bool = False
    closed: bool = False
    changed: bool = False


class Datasets:
    """Knows the datasets of a run, each asked for once. Threads may share it.

    Parameters
    ----------
    catalogue
        Where to ask.
    scope
        The scope of datasets and files.
    limit
        Files in one dataset.
    """

    def __init__(self, catalogue: Catalogue, scope: str, limit: int) -> None:
        self._catalogue = catalogue
        self._scope = scope
        self._limit = limit
        self._parts: dict[str, list[_Part]] = {}
        self._by_name: dict[str, _Part] = {}
        self._lock = threading.Lock()

    def learn(self, bases: Iterable[str]) -> None:
        """Ask Rucio about the datasets of these names and their further parts, where not asked before."""
        waiting = sorted(set(bases) - self._parts.keys())
        for base in waiting:
            self._parts[base] = []
        number = 1
        while waiting:
            names = {base: _part_name(base, number) for base in waiting}
            known = self._catalogue.files(self._scope, list(names.values()))
            files = self._catalogue.files_of(self._scope, sorted(known))
            for base, name in names.items():
                if name in known:
                    part = _Part(name, attached=files.get(name, set()), exists=True, closed=known[name].closed)
                    self._add(base, part)
            # Parts follow each other without a gap: one that is missing ends the list.
            waiting = [base for base in waiting if names[base] in known]
            number += 1

    def _add(self, base: str, part: _Part) -> None:
        self._parts[base].append(part)
        self._by_name[part.name] = part

    def place(self, base: str, name: str) -> Place:
        """Return the dataset of a file; one that is in none yet is promised to the first with room.

        Parameters
        ----------
        base
            Name of the first part; `learn` must know it.
        name
            The file.
        """
        with self._lock:
            parts = self._parts[base]
            for part in parts:
                if name in part.attached or name in part.promised:
                    return Place(part.name, attached=name in part.attached)
            for part in parts:
                if len(part.attached) + len(part.promised) < self._limit and not part.closed:
                    break
            else:
                part = _Part(_part_name(base, len(parts) + 1))
                self._add(base, part)
            part.promised.add(name)
            return Place(part.name, attached=False)

    def exists(self, dataset: str) -> bool:
        """Tell whether Rucio has the dataset already."""
        return self._by_name[dataset].exists

    def note_attached(self, members: Mapping[str, Iterable[str]]) -> None:
        """Note that Rucio has put files into datasets: dataset -> names."""
        with self._lock:
            for dataset, names in members.items():
                part = self._by_name[dataset]
                part.exists = part.changed = True
                part.attached.update(names)
                part.promised.difference_update(names)

    def touched(self) -> list[str]:
        """Return the names of all datasets that this run has met, those that do not exist left out."""
        return sorted(name for name, part in self._by_name.items() if part.exists)

    def changed(self) -> list[str]:
        """Return the names of the datasets that got files from this run."""
        return sorted(name for name, part in self._by_name.items() if part.changed)

    def files_of(self, dataset: str) -> frozenset[str]:
        """Return the names of the files that are in a dataset, as far as this run knows."""
        return frozenset(self._by_name[dataset].attached)


def _part_name(base: str, number: int) -> str:
    return base if number == 1 else f"{base}.{number:04d}"
