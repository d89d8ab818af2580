"""The tree headerTree of summary files: one entry per run, with its header, its livetime and more.

Facts: sample files of km3net-testdata (dst/).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from converters.readers.rootfile import parsing
from converters.source import HeaderLine

_TREE = "headerTree"
_MAX_ENTRIES = 1000
_TAGS, _TEXTS = ".first", ".second"
_NUMBER_TYPES = frozenset(["int32_t", "uint32_t", "int64_t", "uint64_t", "float", "double", "bool"])
_TEXT_TYPES = frozenset(["std::string", "TString"])
_BOOKKEEPING = frozenset(["fUniqueID", "fBits"])


def tree_lines(path: Path, tree: Any) -> Iterator[HeaderLine]:
    """Yield a line for every value of every entry.

    Parameters
    ----------
    path
        The file, for messages.
    tree
        uproot's tree.

    Yields
    ------
    HeaderLine
        The entry's number and the name of the value as parameter, such as ``headerTree.0.livetime_s``.

    Raises
    ------
    CorruptInputError
        The tree is damaged.
    """
    with parsing(path, f"tree {_TREE}"):
        entries = int(tree.num_entries)
        if entries > _MAX_ENTRIES:
            return
        values = _values(tree)
    for number in range(entries):
        for name, found in values.items():
            if not name.endswith((_TAGS, _TEXTS)):
                yield HeaderLine(f"{_TREE}.{number}.{name}", tuple(str(found[number]).split()))
        for name, tags in values.items():
            texts = values.get(name.removesuffix(_TAGS) + _TEXTS) if name.endswith(_TAGS) else None
            if texts is not None:
                for tag, text in zip(tags[number], texts[number], strict=True):
                    yield HeaderLine(f"{_TREE}.{number}.{tag}", tuple(str(text).split()))


def _values(tree: Any) -> dict[str, Any]:
    """Read the branches whose values are numbers or texts."""
    found: dict[str, Any] = {}
    for branch in tree.itervalues(recursive=True):
        name = str(branch.name)
        if branch.branches or name in _BOOKKEEPING:
            continue
        if branch.typename in _NUMBER_TYPES:
            found[name] = np.asarray(branch.array(library="np")).tolist()
        elif branch.typename in _TEXT_TYPES or name.endswith((_TAGS, _TEXTS)):
            found[name] = list(branch.array(library="np"))
    return found
