"""Which branch of a file gives which column, by the mapping."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from converters.readers.antdst.mapping import AntDstMapping, MemberRule, words
from converters.readers.antdst.members import LIST, NUMBER, Leaf

REQUIRED = ("run_id", "source_event_id")

_Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FitPlan:
    """One fit.

    Parameters
    ----------
    name
        It becomes ``/reco/<name>``.
    columns
        Branch of each column.
    key
        For an element of a list the branch that tells the elements apart, else None.
    code
        Its value for this fit.
    """

    name: str
    columns: Mapping[str, Leaf]
    key: Leaf | None = None
    code: int = 0


@dataclass(frozen=True, slots=True)
class TreePlan:
    """What is taken from a tree.

    Parameters
    ----------
    name, tree
        The tree.
    leaves
        All its branches.
    event, truth
        Branch of each column.
    fits
        The fits it has.
    twins
        Pairs of branches that the same words name: the first is taken, the other could be meant.
    """

    name: str
    tree: Any
    leaves: tuple[Leaf, ...]
    event: Mapping[str, Leaf] = field(default_factory=dict)
    truth: Mapping[str, Leaf] = field(default_factory=dict)
    fits: tuple[FitPlan, ...] = ()
    twins: tuple[tuple[Leaf, Leaf], ...] = ()

    @property
    def readable(self) -> bool:
        """True if the run or the number of the event can be read."""
        return any(name in self.event for name in REQUIRED)

    @property
    def entries(self) -> int:
        """Number of entries of the tree."""
        return int(self.tree.num_entries)

    @property
    def worth(self) -> tuple[bool, int, int, int]:
        """How much is taken: any event at all, required columns, all columns, entries."""
        required = sum(name in self.event for name in REQUIRED)
        taken = len(self.event) + len(self.truth) + sum(len(fit.columns) for fit in self.fits)
        return self.readable and self.entries > 0, required, taken, self.entries


class _Finder:
    """Looks for members by their words; the first branch of a name is the one that counts."""

    def __init__(self, leaves: Iterable[Leaf], form: str, roots: frozenset[_Words]) -> None:
        self._known: dict[_Words, Leaf] = {}
        self._twins: list[tuple[Leaf, Leaf]] = []
        for leaf in leaves:
            if leaf.form == form:
                first = self._known.setdefault(_without_roots(leaf.words, roots), leaf)
                if first is not leaf:
                    self._twins.append((first, leaf))

    def first(self, paths: Iterable[_Words]) -> Leaf | None:
        return next((self._known[path] for path in paths if path in self._known), None)

    def twins(self, taken: frozenset[str]) -> Iterator[tuple[Leaf, Leaf]]:
        """Yield each branch whose path is in `taken`, with another one of the same words."""
        return ((first, other) for first, other in self._twins if first.path in taken)

    def columns(self, rules: Mapping[str, MemberRule], fronts: tuple[_Words, ...]) -> dict[str, Leaf]:
        """Return the branch of every column that has one; `fronts` are the paths of the objects around it."""
        found = {}
        for name, rule in rules.items():
            candidates = (front + words(member) for member in rule.members for front in fronts)
            if leaf := self.first(candidates):
                found[name] = leaf
        return found


def _without_roots(path: _Words, roots: frozenset[_Words]) -> _Words:
    while len(path) > 1 and path[:1] in roots:
        path = path[1:]
    return path


def plan_tree(name: str, tree: Any, leaves: tuple[Leaf, ...], mapping: AntDstMapping) -> TreePlan:
    """Find the branches of a tree that the mapping asks for.

    Parameters
    ----------
    name, tree, leaves
        The tree and its branches.
    mapping
        The rules.
    """
    roots = frozenset(map(words, mapping.roots))
    numbers, lists = _Finder(leaves, NUMBER, roots), _Finder(leaves, LIST, roots)
    event = numbers.columns(mapping.event, ((),))
    truth = numbers.columns(mapping.truth, tuple(map(words, mapping.truth_objects)))
    fits = (*_single_fits(numbers, mapping), *_listed_fits(lists, mapping))
    order = {name: position for position, name in enumerate((*mapping.fits, *mapping.fit_list.codes))}
    unique = {fit.name: fit for fit in reversed(fits)}
    ordered = tuple(sorted(unique.values(), key=lambda fit: order[fit.name]))
    taken = frozenset(
        leaf.path
        for found in (event, truth, *(fit.columns for fit in ordered), {f.name: f.key for f in ordered if f.key})
        for leaf in found.values()
    )
    twins = (*numbers.twins(taken), *lists.twins(taken))
    return TreePlan(name, tree, leaves, event, truth, ordered, twins)


def _single_fits(numbers: _Finder, mapping: AntDstMapping) -> Iterator[FitPlan]:
    for name, objects in mapping.fits.items():
        for front in map(words, objects):
            if columns := numbers.columns(mapping.fit_columns, _fronts(front, mapping)):
                yield FitPlan(name, columns)
                break


def _listed_fits(lists: _Finder, mapping: AntDstMapping) -> Iterator[FitPlan]:
    for front in map(words, mapping.fit_list.objects):
        key = lists.first(front + words(member) for member in mapping.fit_list.key)
        columns = lists.columns(mapping.fit_columns, _fronts(front, mapping))
        if key is not None and columns:
            for name, code in mapping.fit_list.codes.items():
                yield FitPlan(name, columns, key, code)
            return


def _fronts(front: _Words, mapping: AntDstMapping) -> tuple[_Words, ...]:
    return (front, *(front + words(particle) for particle in mapping.particles))
