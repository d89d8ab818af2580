"""Read many files for their checksums, several at once and only a few ahead of whoever takes the results."""

import threading
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from queue import SimpleQueue

from ingest.item import Sums
from ingest.storage.contract import ReadStoppedError
from ingest.storage.opened import storage_of
from legacy.errors import InputError

_AHEAD = 8
"""Files for each thread that are read or wait, so that no thread idles while results are worked on."""

_Result = tuple[str, Sums | InputError]
_Given = tuple[str, Sums | Exception | None]


def hash_all(
    locations: Iterable[str], jobs: int, *, sha256: bool = True, stop: Callable[[], bool] = lambda: False
) -> Iterator[_Result]:
    """Read files and yield their size and checksums as they are ready.

    Parameters
    ----------
    locations
        Absolute paths and URLs; taken a few at a time, by the thread that takes the results.
    jobs
        Files that are read at once.
    sha256
        False leaves SHA-256 out.
    stop
        Asked often, from several threads. Once it is True, no file is begun, those that are being read are
        given up after the block at hand, and the iteration ends; what is given up is not yielded. The same happens when
        the iterator is closed.

    Yields
    ------
    tuple
        The location, and its checksums or what is wrong with the file. In the order in which they are ready: a large
        file does not hold up the small ones after it.

    Raises
    ------
    MachineError
        The storage cannot be reached; files that are being read are given up.
    """
    ended = threading.Event()

    def over() -> bool:
        return ended.is_set() or stop()

    def read(location: str) -> Sums | Exception | None:
        if over():
            return None
        try:
            return storage_of(location).read_sums(location, sha256=sha256, stop=over)
        except ReadStoppedError:
            return None
        except Exception as error:  # noqa: BLE001  goes on in the thread that takes the results
            return error

    tasks: SimpleQueue[str | None] = SimpleQueue()
    results: SimpleQueue[_Given] = SimpleQueue()
    threads = [
        threading.Thread(target=_work, args=(read, tasks, results), name=f"hash-{number}", daemon=True)
        for number in range(jobs)
    ]
    for thread in threads:
        thread.start()
    try:
        yield from _fed(iter(locations), _AHEAD * jobs, tasks, results, over)
    finally:
        ended.set()
        for _ in threads:
            tasks.put(None)
        for thread in threads:
            thread.join()


def _work(
    read: Callable[[str], Sums | Exception | None], tasks: "SimpleQueue[str | None]", results: "SimpleQueue[_Given]"
) -> None:
    while (location := tasks.get()) is not None:
        results.put((location, read(location)))


def _fed(
    source: Iterator[str],
    ahead: int,
    tasks: "SimpleQueue[str | None]",
    results: "SimpleQueue[_Given]",
    over: Callable[[], bool],
) -> Iterator[_Result]:
    """Keep the threads busy and yield what they found, until the source is at its end or it is over."""
    under_way = 0
    while True:
        if not over():
            for location in islice(source, ahead - under_way):
                tasks.put(location)
                under_way += 1
        if not under_way:
            return
        location, found = results.get()
        under_way -= 1
        if isinstance(found, Sums | InputError):
            yield location, found
        elif found is not None:
            raise found
