"""What can be said of replicas before they are fetched: on tape only, or at a storage that is away."""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ingest.catalogue_types import Replica
from ingest.storage.opened import storage_of
from ingest.storage.pfn import PfnRule, location_of
from legacy.errors import AntaresLegacyError, MachineError


@dataclass(frozen=True, slots=True)
class Outlook:
    """What was seen.

    Parameters
    ----------
    tape
        PFNs of replicas that are on tape only.
    away
        PFN of a replica that cannot be reached -> what its storage said.
    """

    tape: frozenset[str]
    away: dict[str, str]

    def order(self, replicas: Iterable[Replica]) -> list[Replica]:
        """Return replicas in the order in which to try them.

        Those that Rucio calls available come first; the others may be there all the same. Of these the ones on disk.
        """
        return sorted(replicas, key=lambda one: (one.state != "AVAILABLE", one.pfn in self.tape, one.rse))

    def needs_tape(self, replicas: Sequence[Replica]) -> bool:
        """Tell whether only tape is left for a file."""
        reachable = [replica for replica in replicas if replica.pfn not in self.away]
        return bool(reachable) and all(replica.pfn in self.tape for replica in reachable)


def look(replicas: Iterable[Replica], rules: Sequence[PfnRule], jobs: int, stop: Callable[[], bool]) -> Outlook:
    """Look at replicas, several at a time, without reading any.

    A door that does not answer is asked once, not for every file behind it: each question takes its time limit.

    Parameters
    ----------
    replicas
        Those that this machine cannot look at are passed over; what is wrong with a single file is found when it is
        read.
    rules
        How PFNs become locations.
    jobs
        Number of threads.
    stop
        True ends the looking.
    """
    tape: set[str] = set()
    away: dict[str, str] = {}
    silent: dict[str, str] = {}
    lock = threading.Lock()

    def look_at(pfn: str) -> None:
        if stop():
            return
        try:
            location = location_of(pfn, rules)
        except AntaresLegacyError:
            return
        door = "" if location.startswith("/") else "/".join(location.split("/", 3)[:3])
        try:
            if door in silent:
                raise MachineError(silent[door])
            online = storage_of(location).stat(location).online
        except MachineError as error:
            with lock:
                away[pfn] = str(error)
                if door:
                    silent[door] = str(error)
        except AntaresLegacyError:
            return
        else:
            if not online:
                with lock:
                    tape.add(pfn)

    with ThreadPoolExecutor(jobs, thread_name_prefix="look") as pool:
        for _ in pool.map(look_at, sorted({replica.pfn for replica in replicas})):
            continue
    return Outlook(frozenset(tape), away)
