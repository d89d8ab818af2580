"""Copy one replica to this machine."""

import threading
from dataclasses import dataclass, field
from hashlib import blake2s
from pathlib import Path

from ingest.catalogue_download import DownloadingCatalogue
from ingest.catalogue_types import Replica
from ingest.copying import copy_in
from ingest.item import Sums
from ingest.retrieval.expected import differences, expected_of
from ingest.retrieval.selection import Found
from ingest.storage.opened import storage_of
from ingest.storage.pfn import PfnRule, location_of
from legacy.errors import InputError, MachineError


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Copies replicas.

    Parameters
    ----------
    catalogue
        Rucio's own client, for protocols that are not read here.
    scope
        Scope of the files.
    rules
        How PFNs become locations.
    abandon
        Set when copies under way are to be given up.
    """

    catalogue: DownloadingCatalogue
    scope: str
    rules: tuple[PfnRule, ...]
    abandon: threading.Event = field(default_factory=threading.Event)

    def fetch(self, found: Found, replica: Replica, target: Path, *, replace: bool) -> Sums:
        """Copy one replica, and compare it with what Rucio knows while it is copied.

        Parameters
        ----------
        found
            The file.
        replica
            Which replica.
        target
            Where to; appears there only when it is complete and right.
        replace
            True replaces what lies there.

        Returns
        -------
        Sums
            What was copied.

        Raises
        ------
        InputError
            The replica cannot be read, or is not the file.
        RefusedError
            Rucio's client cannot fetch it.
        MachineError
            `target` cannot be written, or Rucio does not answer.
        """
        fresh = _beside(target) if replace else target
        try:
            sums = self._copy(found, replica, fresh)
            if fresh != target:
                fresh.replace(target)
        finally:
            if fresh != target:
                fresh.unlink(missing_ok=True)
        return sums

    def _copy(self, found: Found, replica: Replica, target: Path) -> Sums:
        scheme = replica.pfn.partition("://")[0]
        try:
            location = location_of(replica.pfn, self.rules)
        except InputError:
            if scheme == "file":  # of another machine: Rucio's client would look for it on this one
                raise
            return self._download(found, replica, target)
        if location.startswith("/"):
            _require_reachable(location)
            return copy_in(Path(location), target, expected_of(found), stop=self.abandon.is_set)
        return self._download(found, replica, target)

    def _download(self, found: Found, replica: Replica, target: Path) -> Sums:
        arrived = _beside(target)
        try:
            self.catalogue.download(self.scope, found.file.name, replica.rse, arrived)
            sums = storage_of(str(arrived)).read_sums(str(arrived))
            if wrong := differences(expected_of(found), sums, here="what arrived"):
                advice = "tell the administrators of Rucio that this replica is bad"
                raise InputError(replica.pfn, "is not the file", found="; ".join(wrong), advice=advice)
            arrived.replace(target)
        finally:
            arrived.unlink(missing_ok=True)
        return sums


def _beside(target: Path) -> Path:
    """Return a hidden name in the same folder, the same one each time: what a killed run left is replaced."""
    path = target.with_name(f".{target.name[:100]}.{blake2s(target.name.encode(), digest_size=6).hexdigest()}.new")
    path.unlink(missing_ok=True)
    return path


def _require_reachable(location: str) -> None:
    """Raise `InputError` where a replica cannot be read, also when its whole storage is away: another may do."""
    try:
        storage_of(location).stat(location)
    except MachineError as error:
        advice = "try again later, or take another RSE with --rse"
        raise InputError(location, "its storage cannot be reached", found=str(error), advice=advice) from error
