"""ROOT files: open them safely, list what is in them, and say of which kind they are.

Facts about the container (header, keys, cycles): ROOT's own description of the file format. Which trees and
classes mark which format: sample files of km3net-testdata, and the public extraction of AntDST files.
"""

import errno
import re
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legacy.errors import AntaresLegacyError, CorruptInputError, InputError

ROOT_MAGIC = b"root"

_ADVICE = "fetch it again and compare its checksum"
_BIG_FILE = 1_000_000
"""From this version number on, ROOT writes 64-bit pointers in the file's header."""
_MAX_KEYS = 100_000
_MAX_DEPTH = 8
_TREE_CLASSES = frozenset(["TTree", "TNtuple", "TNtupleD"])
_FOLDER_CLASSES = frozenset(["TDirectory", "TDirectoryFile"])
_ANTDST = re.compile(r"Ant[A-Z]")
_RAW_DAQ = re.compile(r"PhysicsEvent|TimeSlice")
_KM3NET = "KM3NET_"
_KM3NET_SLICES = "KM3NET_SUMMARYSLICE"


@dataclass(frozen=True, slots=True)
class RootKey:
    """An object in a ROOT file.

    Parameters
    ----------
    path
        Its name, with the folders it lies in.
    class_name
        Its C++ class.
    cycle
        Its version: a later one of the same name has a higher number.
    size
        Bytes, uncompressed; of a tree only its description; -1 when it cannot be looked up.
    """

    path: str
    class_name: str
    cycle: int
    size: int

    @property
    def is_tree(self) -> bool:
        """True if it is a tree that can be looked up."""
        return self.class_name in _TREE_CLASSES and self.size >= 0

    @property
    def is_folder(self) -> bool:
        """True if it holds other objects, which are listed too."""
        return self.class_name in _FOLDER_CLASSES

    @property
    def address(self) -> str:
        """Name and cycle."""
        return f"{self.path};{self.cycle}"


@dataclass(frozen=True, slots=True)
class RootTree:
    """A tree.

    Parameters
    ----------
    path, cycle
        See `RootKey`.
    entries
        Number of entries as the tree says it.
    branches
        Names of all branches, those within others too, with the names of the branches around them.
    """

    path: str
    cycle: int
    entries: int
    branches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RootSummary:
    """What is in a ROOT file.

    Parameters
    ----------
    keys
        Every object, those in folders too.
    trees
        Every tree, the highest cycle of each.
    streamers
        Name and version of every class that the file describes, sorted.
    """

    keys: tuple[RootKey, ...]
    trees: tuple[RootTree, ...]
    streamers: tuple[tuple[str, int], ...]


@contextmanager
def parsing(path: Path, where: str = "") -> Iterator[None]:
    """Turn whatever uproot raises on damaged bytes into one clear error.

    Parameters
    ----------
    path
        The file.
    where
        What is being read.

    Raises
    ------
    CorruptInputError
        The file is damaged, or asks for more memory than there is.
    OSError
        The operating system cannot read it.
    """
    try:
        yield
    except AntaresLegacyError:
        raise
    except Exception as error:  # damaged bytes raise anything
        # Damaged numbers make uproot seek before the file's beginning: EINVAL. All else is the machine's.
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise
        text = str(error).strip().split("\n")[0][:120]
        raise CorruptInputError(
            path,
            "damaged ROOT file",
            where=where,
            found=f"{type(error).__name__}: {text}" if text else type(error).__name__,
            advice=_ADVICE,
        ) from error


def open_root(path: Path) -> Any:
    """Open a ROOT file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    uproot.ReadOnlyDirectory
        The file's top folder; close it after use. Nothing of it is kept in uproot's global caches.

    Raises
    ------
    CorruptInputError
        Missing, empty, cut off or damaged.
    InputError
        It may not be opened.
    OSError
        The storage fails while it is read.
    """
    _check_length(path)
    import uproot

    with parsing(path):
        # Reading by file handle: a memory map would kill the process when a network disk fails.
        return uproot.open(
            {str(path): None},
            handler=uproot.source.file.MultithreadedFileSource,
            use_threads=False,
            object_cache=None,
            array_cache=None,
        )


def _check_length(path: Path) -> None:
    """Compare the file's length with the one in its header, before anything else is trusted."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(20)
    except FileNotFoundError:
        raise CorruptInputError(path, "no such file", advice="check the name") from None
    except OSError as error:
        raise InputError(
            path, f"cannot be read ({error.strerror})", advice="check its permissions and the storage"
        ) from error
    if not head:
        raise CorruptInputError(path, "the file is empty", expected="a ROOT file", found="0 bytes")
    if not head.startswith(ROOT_MAGIC):
        raise CorruptInputError(
            path, "not a ROOT file", expected="'root' at byte 0", found=repr(head[:4]), advice=_ADVICE
        )
    if len(head) < 20:
        raise CorruptInputError(path, "the file is cut off", expected="a header", found=f"{size} bytes", advice=_ADVICE)
    version, begin = struct.unpack_from(">ii", head, 4)
    (end,) = struct.unpack_from(">q" if version >= _BIG_FILE else ">i", head, 12)
    if version <= 0 or not 0 < begin < end:
        raise CorruptInputError(
            path,
            "damaged ROOT file",
            where="the file's header",
            expected="a version, and data from one byte to a later one",
            found=f"version {version}, bytes {begin} to {end}",
            advice=_ADVICE,
        )
    if end > size:
        raise CorruptInputError(
            path,
            "the file is cut off",
            expected=f"{end} bytes, as its header says",
            found=f"{size} bytes",
            advice=_ADVICE,
        )


def list_keys(directory: Any) -> tuple[RootKey, ...]:
    """List every object of an open file, those in folders too; highest cycle of a name first.

    Raises
    ------
    ValueError
        More objects or folders in folders than any real file has; run it within `parsing`.
    """
    found: list[RootKey] = []
    folders: list[tuple[str, Any, int]] = [("", directory, 0)]
    while folders:
        prefix, folder, depth = folders.pop()
        for address, class_name in folder.iterclassnames(recursive=False):
            name, _, cycle = address.rpartition(";")
            # uproot cannot look up a name with a slash in it, only list it.
            size = -1 if "/" in name else int(folder.key(address).fObjlen)
            found.append(RootKey(prefix + name, class_name, int(cycle), size))
            if len(found) > _MAX_KEYS or depth > _MAX_DEPTH:
                raise ValueError(f"more than {_MAX_KEYS} objects, or folders {_MAX_DEPTH} deep")
            if class_name in _FOLDER_CLASSES and "/" not in name:
                folders.append((f"{prefix}{name}/", folder[address], depth + 1))
    return tuple(found)


def highest_cycles(keys: Iterable[RootKey]) -> dict[str, RootKey]:
    """Return the current version of every object, by path."""
    current: dict[str, RootKey] = {}
    for key in keys:
        if key.path not in current or current[key.path].cycle < key.cycle:
            current[key.path] = key
    return current


def root_summary(path: Path) -> RootSummary:
    """List the objects, trees and classes of a ROOT file.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    CorruptInputError
        Missing, empty, cut off or damaged.
    InputError
        It may not be opened.
    OSError
        The storage fails while it is read.
    """
    with open_root(path) as directory, parsing(path):
        keys = list_keys(directory)
        trees = []
        for key in highest_cycles(keys).values():
            if key.is_tree:
                with parsing(path, f"tree {key.path}"):
                    tree = directory[key.address]
                    branches = tuple(tree.keys(recursive=True, full_paths=True))
                    trees.append(RootTree(key.path, key.cycle, int(tree.num_entries), branches))
        return RootSummary(keys, tuple(trees), _streamers(directory))


def _streamers(directory: Any) -> tuple[tuple[str, int], ...]:
    known = directory.file.streamers
    return tuple(sorted((str(name), int(version)) for name in known for version in known[name]))


_last: tuple[tuple[str, int, int], str] | None = None


def classify(path: Path) -> str:
    """Say of which kind a ROOT file is.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    str
        ``offline-root``: tree E of split Evt objects; ``dst-flat``: tree sel; ``online-root``: trees KM3NET_*
        with data and a tree E that is empty or absent; ``antdst``: classes or branches named Ant...;
        ``raw-daq``: classes or trees named PhysicsEvent or TimeSlice; ``gseagen-root``: trees Header and
        Events; ``root``: anything else.

    Raises
    ------
    CorruptInputError
        Missing, empty, cut off or damaged.
    InputError
        It may not be opened.
    OSError
        The storage fails while it is read.
    """
    global _last
    try:
        status = path.stat()
    except OSError:
        return _classify(path)
    identity = (str(path.absolute()), status.st_mtime_ns, status.st_size)
    if _last is not None and _last[0] == identity:
        return _last[1]
    kind = _classify(path)
    _last = (identity, kind)
    return kind


def _classify(path: Path) -> str:
    with open_root(path) as directory, parsing(path):
        keys = highest_cycles(list_keys(directory))
        trees = {name: key for name, key in keys.items() if key.is_tree}
        if "E" in trees and (kind := _tree_e(directory, trees)):
            return kind
        if "sel" in trees:
            return "dst-flat"
        classes = {key.class_name for key in keys.values()} | {name for name, _ in _streamers(directory)}
        branches = _top_branches(directory, trees)
        if any(_ANTDST.match(name) for name in classes | branches | set(trees)):
            return "antdst"
        if any(_RAW_DAQ.match(name) for name in classes | set(trees)):
            return "raw-daq"
        if any(name.startswith(_KM3NET) for name in trees):
            return "online-root"
        return "gseagen-root" if {"Header", "Events"} <= set(trees) else "root"


def _tree_e(directory: Any, trees: dict[str, RootKey]) -> str:
    """Say if tree E makes the file an offline or an online one, ``""`` if neither."""
    tree = directory[trees["E"].address]
    if "Evt" not in tree.keys(recursive=False) or not tree["Evt"].branches:
        return ""
    if tree.num_entries:
        return "offline-root"
    filled = {name for name, key in trees.items() if name.startswith(_KM3NET) and directory[key.address].num_entries}
    # Offline files too may keep the summary slices, but not beside the trees of the data acquisition.
    acquisition = any(name.startswith(_KM3NET) and name != _KM3NET_SLICES for name in trees)
    return "online-root" if filled and (acquisition or filled != {_KM3NET_SLICES}) else "offline-root"


def _top_branches(directory: Any, trees: dict[str, RootKey]) -> set[str]:
    names: set[str] = set()
    for key in trees.values():
        for branch in directory[key.address].branches:
            names.add(str(branch.name))
            if branch.has_member("fClassName"):
                names.add(str(branch.member("fClassName")))
    return names
