"""`catalog get`: bring files back, proved by their checksums, with a manifest of what came."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ingest.catalogue_types import Replica
from ingest.item import Sums
from ingest.patience import Say
from ingest.retrieval.expected import differences, expected_of
from ingest.retrieval.fetch import Fetcher, StorageAwayError, storage_away
from ingest.retrieval.manifest_lines import line_of, require_readable, without
from ingest.retrieval.outlook import Outlook, look
from ingest.retrieval.selection import Found, Selection
from ingest.storage.opened import storage_of
from legacy.atomic import PART_SUFFIX, atomic_file
from legacy.errors import AntaresLegacyError, InputError, MachineError, UsageError, printable
from legacy.lock import folder_lock

MANIFEST = "manifest.jsonl"

_Replicas = Mapping[str, Sequence[Replica]]


class Fate(StrEnum):
    """What became of a file."""

    FETCHED = "fetched"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Got:
    """One file.

    Parameters
    ----------
    found
        What Rucio knows of it.
    fate
        What became of it.
    sums
        Size and checksums of what lies here now; nothing for a failed one.
    source
        The RSE it came from, ``""`` unless it was fetched.
    remarks
        Replicas that could not be used, and why the file failed.
    away
        True when it failed because no storage that has it answers.
    """

    found: Found
    fate: Fate
    sums: Sums = field(default_factory=Sums)
    source: str = ""
    remarks: tuple[str, ...] = ()
    away: bool = False

    def to_dict(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "name": self.found.file.name,
            "fate": str(self.fate),
            "rse": self.source or None,
            "bytes": self.sums.size if self.sums.size >= 0 else None,
            "remarks": list(self.remarks),
        }


@dataclass(slots=True)
class Fetched:
    """What came so far: number of files by fate, bytes that were fetched, failures for lack of a storage."""

    counts: Counter[Fate] = field(default_factory=Counter)
    bytes: int = 0
    away: int = 0

    def add(self, got: Got) -> None:
        """Count one file."""
        self.counts[got.fate] += 1
        if got.fate is Fate.FETCHED:
            self.bytes += got.sums.size
        self.away += got.away

    @property
    def exit_code(self) -> int:
        """1 when a file failed, 3 when only storage that is away is the reason."""
        if not self.counts[Fate.FAILED]:
            return 0
        return 3 if self.away == self.counts[Fate.FAILED] else 1

    def to_dict(self) -> dict[str, object]:
        """Return the summary as JSON values."""
        return {**{str(fate): self.counts[fate] for fate in Fate}, "bytes_fetched": self.bytes}

    def to_text(self, folder: Path) -> str:
        """Return the summary for people."""
        if not self.counts.total():
            return "no file matches; nothing was fetched"
        parts = ", ".join(f"{self.counts[fate]} {fate}" for fate in Fate)
        return f"{parts}; {self.bytes} bytes fetched; manifest: {folder / MANIFEST}"


@dataclass(frozen=True, slots=True)
class Order:
    """What to fetch how.

    Parameters
    ----------
    folder
        Where the files go, below it by their names.
    rse
        RSE expression of the replicas to take, ``""`` for any.
    overwrite
        True replaces files that are not the ones in Rucio.
    jobs
        Files fetched at one time.
    """

    folder: Path
    rse: str
    overwrite: bool
    jobs: int


def get(
    selection: Selection, order: Order, fetcher: Fetcher, stop: Callable[[], bool], tell: Callable[[Got], None]
) -> Fetched:
    """Fetch files, keep those that are here already, and write a manifest.

    Parameters
    ----------
    selection
        The files.
    order
        Where to and how.
    fetcher
        Copies one replica.
    stop
        Tells that the run is to end.
    tell
        Told of every file, in the order of the names.

    Raises
    ------
    UsageError
        `order.folder` is no folder.
    MachineError
        The folder cannot be written to, another run writes there, or Rucio does not answer.
    """
    fetched = Fetched()
    chunks = selection.chunks()
    first = next(chunks, None)
    if first is None:
        return fetched
    _make(order.folder)
    with folder_lock(order.folder), _manifest(order.folder / MANIFEST) as write:
        for some in _and_then(first, chunks):
            replicas = selection.replicas([found.file.name for found in some], order.rse)
            outlook = _outlook(some, replicas, order, fetcher, stop)
            _say_tape(some, replicas, outlook, fetcher, selection.say)
            one = _One(order, fetcher, outlook)
            for got in _parallel(some, replicas, one, stop):
                fetched.add(got)
                if got.fate is not Fate.FAILED:
                    write(got)
                tell(got)
            if stop():
                break
    return fetched


def _and_then(first: list[Found], others: Iterator[list[Found]]) -> Iterator[list[Found]]:
    yield first
    yield from others


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder}: not a folder; choose another one with -o") from error
    except OSError as error:
        raise MachineError(f"{folder}: cannot be made ({error.strerror}); choose another folder with -o") from error


@contextmanager
def _manifest(path: Path) -> Iterator[Callable[[Got], None]]:
    """Write the manifest beside the old one, add what only that one has, and put it in its place."""
    require_readable(path)
    names: set[str] = set()
    with atomic_file(path) as part, part.open("w", encoding="utf-8") as stream:

        def write(got: Got) -> None:
            names.add(got.found.file.name)
            stream.write(json.dumps(line_of(got.found, got.sums), ensure_ascii=False) + "\n")

        yield write
        for line in without(path, names):
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def _outlook(
    some: Sequence[Found], replicas: _Replicas, order: Order, fetcher: Fetcher, stop: Callable[[], bool]
) -> Outlook:
    """Look at the replicas of the files that are not here yet."""
    wanted = [found.file.name for found in some if order.overwrite or not _is_here(order.folder, found.file.name)]
    each = [replica for name in wanted for replica in replicas.get(name, ())]
    return look(each, fetcher.rules, order.jobs, stop)


def _is_here(folder: Path, name: str) -> bool:
    try:
        return os.path.lexists(target_of(folder, name))
    except AntaresLegacyError:
        return False


def _say_tape(some: Sequence[Found], replicas: _Replicas, outlook: Outlook, fetcher: Fetcher, say: Say) -> None:
    on_tape = [found.file for found in some if outlook.needs_tape(replicas.get(found.file.name, ()))]
    if not on_tape:
        return
    size = sum(max(file.size, 0) for file in on_tape)
    if fetcher.recall:
        what = "recalling them may take hours, and --online-only leaves them out"
    else:
        what = "they are left out; without --online-only they are recalled"
    say(f"{len(on_tape)} of {len(some)} files ({size} bytes) are on tape only; {what}")


def _parallel(some: Sequence[Found], replicas: _Replicas, one: "_One", stop: Callable[[], bool]) -> Iterator[Got]:
    def get_one(found: Found) -> Got | None:
        return None if stop() else one.get(found, replicas.get(found.file.name, ()))

    with ThreadPoolExecutor(one.order.jobs, thread_name_prefix="get") as pool:
        try:
            yield from filter(None, pool.map(get_one, some))
        except BaseException:
            one.fetcher.abandon.set()  # leaving the pool waits for its threads
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@dataclass(frozen=True, slots=True)
class _One:
    order: Order
    fetcher: Fetcher
    outlook: Outlook

    def get(self, found: Found, replicas: Sequence[Replica]) -> Got:
        """Bring one file here; what is wrong with it is its fate, not an error."""
        try:
            target = target_of(self.order.folder, found.file.name)
            if os.path.lexists(target):
                kept = _sums_of(target)
                wrong = differences(expected_of(found), kept, here="the file here")
                if not wrong:
                    return Got(found, Fate.KEPT, kept)
                if not self.order.overwrite:
                    advice = "move it away, or replace it with --overwrite"
                    return Got(found, Fate.FAILED, remarks=(f"{target}: {'; '.join(wrong)}; {advice}",))
            return self._fetch(found, replicas, target)
        except MachineError:
            raise
        except AntaresLegacyError as error:
            return Got(found, Fate.FAILED, remarks=(str(error),))

    def _fetch(self, found: Found, replicas: Sequence[Replica], target: Path) -> Got:
        remarks: list[str] = []
        away = 0
        for replica in self.outlook.order(replicas):
            try:
                sums = self._fetch_one(found, replica, target)
            except MachineError:
                raise
            except AntaresLegacyError as error:
                remarks.append(printable(f"{replica.rse}: {error}"))
                away += isinstance(error, StorageAwayError)
                continue
            return Got(found, Fate.FETCHED, sums, replica.rse, tuple(remarks))
        if not replicas:
            remarks.append(f"Rucio knows no replica{f' at {self.order.rse}' if self.order.rse else ''}")
        return Got(found, Fate.FAILED, remarks=tuple(remarks), away=0 < away == len(replicas))

    def _fetch_one(self, found: Found, replica: Replica, target: Path) -> Sums:
        if said := self.outlook.away.get(replica.pfn):
            raise storage_away(replica.pfn, said)
        return self.fetcher.fetch(found, replica, target, replace=self.order.overwrite)


def _sums_of(path: Path) -> Sums:
    if path.is_symlink() or not path.is_file():
        raise InputError(path, "not a regular file", advice="move it away: a file of this name is to be written")
    return storage_of(str(path)).read_sums(str(path))


def target_of(folder: Path, name: str) -> Path:
    """Return where a file goes.

    Parameters
    ----------
    folder
        An existing folder.
    name
        Name of a DID; it comes from the server and is checked here.

    Raises
    ------
    InputError
        The name leads out of the folder, or is one that this program needs itself.
    """
    parts = name.split("/")
    advice = "ask for it alone with `rucio download`, or leave it out"
    if not name.isprintable() or any(part in ("", ".", "..") or len(part.encode()) > 255 for part in parts):
        raise InputError(folder, f"'{printable(name)[:300]}' cannot be the name of a file here", advice=advice)
    if any(part.startswith(".") for part in parts) or parts[-1].endswith(PART_SUFFIX) or name == MANIFEST:
        raise InputError(folder, f"'{name[:300]}' is a name that this program needs itself", advice=advice)
    root = folder.resolve()
    target = root.joinpath(*parts)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        inside = target.parent.resolve().is_relative_to(root)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError(target, "a file lies where its folder must be", advice="move that file away") from error
    if not inside:
        raise InputError(target, "its folder is a link that leads elsewhere", advice="remove the link")
    return target
