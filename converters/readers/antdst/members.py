"""The branches of a tree of objects: what each one holds, and under which path of members.

ROOT splits an object into one branch for each member, in folders of branches for nested objects and for lists;
how these are named is seen in the offline files of km3net-testdata, and does not depend on the classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.readers.antdst.mapping import words
from converters.readers.rootfile import highest_cycles, list_keys, open_root, parsing
from converters.readers.safe_names import printable
from legacy.errors import InputError

NUMBER, LIST, OTHER = "number", "list", "other"

_MOST_BRANCHES = 20_000
_MOST_TREES = 100
_SHOWN_MEMBERS = 40
_SHOWN_CLASSES = 400


@dataclass(frozen=True, slots=True)
class Leaf:
    """A branch without branches below it.

    Parameters
    ----------
    path
        Names of the branches around it and its own, with slashes.
    words
        Path of the member as it is compared with those of the mapping.
    form
        ``number``: one for each event; ``list``: any number of them; ``other``: not decoded.
    dtype
        Of the numbers.
    type_name
        The C++ type.
    branch
        uproot's branch.
    problem
        Why it is not decoded, ``""`` if it is.
    """

    path: str
    words: tuple[str, ...]
    form: str
    dtype: np.dtype[Any]
    type_name: str
    branch: Any
    problem: str = ""


def leaves(tree: Any) -> tuple[Leaf, ...]:
    """List the branches of a tree that hold values; run it within `rootfile.parsing`.

    Raises
    ------
    ValueError
        More branches than any real file has.
    """
    found: list[Leaf] = []
    entries = int(tree.num_entries)
    rest: list[tuple[Any, str, tuple[str, ...], tuple[str, ...]]] = [(b, "", (), ()) for b in reversed(tree.branches)]
    while rest:
        branch, folder, around, parent = rest.pop()
        own = words(str(branch.name))
        full = around[: len(around) - len(parent)] + own if parent and own[: len(parent)] == parent else around + own
        path = f"{folder}{branch.name}"
        if len(found) + len(rest) > _MOST_BRANCHES:
            raise ValueError(f"more than {_MOST_BRANCHES} branches")
        if branch.branches:
            rest.extend((below, f"{path}/", full, own) for below in reversed(branch.branches))
        else:
            found.append(_leaf(branch, path, full, entries))
    return tuple(found)


def _leaf(branch: Any, path: str, full: tuple[str, ...], entries: int) -> Leaf:
    import uproot

    interpretation = branch.interpretation
    form, problem = OTHER, ""
    # Of an interpretation that uproot does not know, every attribute raises.
    dtype: np.dtype[Any] = np.dtype(object)
    if isinstance(interpretation, uproot.AsJagged) and isinstance(interpretation.content, uproot.AsDtype):
        form, dtype = LIST, np.dtype(interpretation.content.to_dtype)
    elif isinstance(interpretation, uproot.AsDtype):
        form, dtype = NUMBER, np.dtype(interpretation.to_dtype)
    plain = dtype.kind in "fiub" and not dtype.shape and dtype.itemsize <= 8
    if form == OTHER or not plain:
        form, problem = OTHER, f"not numbers: not decoded ({type(interpretation).__name__})"
    elif int(branch.num_entries) != entries:
        form, problem = OTHER, f"has {int(branch.num_entries)} entries, the tree {entries}: not read"
    return Leaf(path, full, form, dtype, str(branch.typename), branch, problem)


def trees(directory: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and tree of every tree of an open file, the highest cycle of each."""
    keys = [key for key in highest_cycles(list_keys(directory)).values() if key.is_tree]
    for key in keys[:_MOST_TREES]:
        yield key.path, directory[key.address]


def class_members(path: Path) -> dict[str, str]:
    """Say which members the classes described in a ROOT file have, for people.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    dict
        ``class NAME, version N`` to the names and types of its members.

    Raises
    ------
    InputError
        The file is damaged or cannot be opened.
    """
    found: dict[str, str] = {}
    with open_root(path) as directory, parsing(path, "the description of its classes"):
        streamers = directory.file.streamers
        for name in sorted(streamers)[:_SHOWN_CLASSES]:
            for version, streamer in sorted(streamers[name].items()):
                members = [f"{e.member('fName')} {e.member('fTypeName')}" for e in streamer.elements]
                more = f" ... and {len(members) - _SHOWN_MEMBERS} more" if len(members) > _SHOWN_MEMBERS else ""
                text = "; ".join(members[:_SHOWN_MEMBERS]) + more
                found[f"class {printable(str(name))}, version {version}"] = printable(text, 4000)
    return found


def tree_members(path: Path) -> dict[str, str]:
    """Say which branches the trees of a ROOT file have, and how each can be read; raises as `class_members`."""
    found: dict[str, str] = {}
    with open_root(path) as directory:
        with parsing(path):
            known = list(trees(directory))
        for name, tree in known:
            with parsing(path, f"tree {printable(name)}"):
                found[f"tree {printable(name)}"] = f"{int(tree.num_entries)} entries"
                for leaf in leaves(tree):
                    text = f"{printable(leaf.type_name)}: {leaf.problem or leaf.form}"
                    found[f"branch {printable(name)}/{printable(leaf.path)}"] = text
    return found


def contents(path: Path) -> dict[str, str]:
    """List trees, branches and classes of a ROOT file of objects; what is damaged is said instead."""
    try:
        return tree_members(path) | class_members(path)
    except InputError as error:
        return {"antdst": str(error)}
