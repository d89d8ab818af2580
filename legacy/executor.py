"""Run a function on many items, here or in worker processes.

One item never stops the others: an item whose worker dies (killed, out of memory) is run again alone, and
reported if it dies again.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerDiedError(Exception):
    """The process that worked on an item ended without an answer."""


def run(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int
) -> Iterator[tuple[Item, Result | WorkerDiedError]]:
    """Call `function` on every item.

    Parameters
    ----------
    function
        A module-level function that raises nothing; with ``jobs > 1`` it runs in other processes.
    items
        What to call it on; must be picklable with ``jobs > 1``.
    jobs
        Number of processes; 1 works in this one.

    Yields
    ------
    tuple
        Item and result, in order of completion. The result is a `WorkerDiedError` where the process died.
    """
    if jobs <= 1:
        for item in items:
            yield item, function(item)
        return
    suspects: list[Item] = []
    waiting = deque(items)
    while waiting:
        yield from _pool(function, waiting, min(jobs, len(waiting)), suspects)
    for item in suspects:
        alone: list[Item] = []
        yield from _pool(function, deque([item]), 1, alone)
        if alone:
            yield item, WorkerDiedError()


def _pool(
    function: Callable[[Item], Result], waiting: deque[Item], jobs: int, suspects: list[Item]
) -> Iterator[tuple[Item, Result | WorkerDiedError]]:
    """Work through `waiting` until it is empty or a worker dies; what was in flight then goes to `suspects`."""
    # Spawned, not forked: HDF5 and its locks do not survive a fork from a process with threads.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_leave_interrupts_to_the_parent)
    running: dict[Future[Result], Item] = {}
    try:
        while waiting or running:
            while waiting and len(running) < 2 * jobs:
                item = waiting.popleft()
                running[pool.submit(function, item)] = item
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                item = running.pop(future)
                yield item, future.result()
    except BrokenProcessPool:
        suspects.append(item)
        suspects.extend(running.values())
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
