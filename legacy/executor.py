"""Run a function on many items, here or in worker processes.

One item never stops the others: an item whose worker dies (killed, out of memory) is run again alone, and
reported if it dies again.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_end
from multiprocessing.context import BaseContext
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkerDiedError(Exception):
    """The process that worked on an item ended without an answer."""


def run(
    function: Callable[[Item], Result], items: Sequence[Item], jobs: int, shared: Sequence[str] = ()
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
    shared
        Names of modules that are loaded once for all processes. They must start no threads when they are imported,
        which those of NumPy, HDF5 and Arrow do.

    Yields
    ------
    tuple
        Item and result, in order of completion. The result is a `WorkerDiedError` where the process died.
    """
    if jobs <= 1:
        for item in items:
            yield item, function(item)
        return
    context = _context(shared)
    suspects: list[Item] = []
    waiting = deque(items)
    while waiting:
        yield from _pool(context, function, waiting, min(jobs, len(waiting)), suspects)
    for item in suspects:
        alone: list[Item] = []
        yield from _pool(context, function, deque([item]), 1, alone)
        if alone:
            yield item, WorkerDiedError()


def _context(shared: Sequence[str]) -> BaseContext:
    """Choose how processes start; never as forks of this one: locks do not survive a fork from one with threads.

    With `shared` they are forks of a helper that has one thread, loads those modules, and lives as long as this
    process; each then starts in a fraction of the time.
    """
    if not shared:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # Every process of the pool runs the console script again up to its main function, and so loads the command line.
    context.set_forkserver_preload([*shared, "legacy.cli"])
    return context


def _pool(
    context: BaseContext, function: Callable[[Item], Result], waiting: deque[Item], jobs: int, suspects: list[Item]
) -> Iterator[tuple[Item, Result | WorkerDiedError]]:
    """Work through `waiting` until it is empty or a worker dies; what was in flight then goes to `suspects`."""
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_follow_the_parent, initargs=(dict(os.environ),))
    running: dict[Future[Result], Item] = {}
    broken = False
    try:
        while (waiting or running) and not broken:
            while waiting and len(running) < 2 * jobs:
                item = waiting.popleft()
                running[pool.submit(function, item)] = item
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                item = running.pop(future)
                if isinstance(future.exception(), BrokenProcessPool):
                    suspects.append(item)
                    broken = True
                else:
                    yield item, future.result()
    except (BrokenProcessPool, EOFError, ConnectionError):  # the last two: the helper has just died
        suspects.append(item)
    except BaseException:
        for process in list((pool._processes or {}).values()):
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    yield from _rest(running, suspects)


def _rest(running: dict[Future[Result], Item], suspects: list[Item]) -> Iterator[tuple[Item, Result | WorkerDiedError]]:
    """Yield what was done when the pool broke; the others become suspects."""
    for future, item in running.items():
        if future.cancelled() or isinstance(future.exception(), BrokenProcessPool):
            suspects.append(item)
        else:
            yield item, future.result()


def _follow_the_parent(environment: Mapping[str, str]) -> None:
    """Leave interrupts to the parent, see its environment as it is now, and end with it."""
    if os.environ != environment:  # the helper has that of its start
        os.environ.clear()
        os.environ.update(environment)
        time.tzset()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, name="end-with-parent", daemon=True).start()


def _end_with_the_parent() -> None:
    """End this process when the parent is killed.

    Otherwise it would go on writing under a temporary name that the next run takes for its own.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)
