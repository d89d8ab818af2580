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
from ingest.storage.contract import ReadStoppedError
from ingest.storage.opened import storage_of
from ingest.storage.pfn import PfnRule, location_of
from ingest.storage.xrootd_url import is_xrootd
from legacy.errors import InputError, MachineError

_REPORT_IT = "tell the administrators of Rucio that this replica is bad"


class StorageAwayError(InputError):
    """A replica cannot be had because its whole storage does not answer; another replica may do."""


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
    recall
        False takes nothing that is on tape only.
    abandon
        Set when copies under way are to be given up.
    """

    catalogue: DownloadingCatalogue
    scope: str
    rules: tuple[PfnRule, ...]
    recall: bool = True
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
            The replica cannot be read, or is not the file; `StorageAwayError` when its storage does not answer.
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
            # A file of another machine, which Rucio's client would look for on this one; or a URL that leads astray.
            if scheme == "file" or is_xrootd(replica.pfn):
                raise
            return self._download(found, replica, target)
        size = _size_at(location)
        if size != found.file.size >= 0:  # nothing that large need be copied to see that it is another file
            sizes = {"expected": f"{found.file.size} bytes", "found": f"{size} bytes"}
            raise InputError(location, "is not the file", **sizes, advice=_REPORT_IT)
        try:
            return copy_in(location, target, expected_of(found), recall=self.recall, stop=self.abandon.is_set)
        except ReadStoppedError:
            raise
        except MachineError:
            _size_at(location)  # says when it is the storage that went away, and not the disk here that is full
            raise

    def _download(self, found: Found, replica: Replica, target: Path) -> Sums:
        arrived = _beside(target)
        try:
            self.catalogue.download(self.scope, found.file.name, replica.rse, arrived)
            sums = storage_of(str(arrived)).read_sums(str(arrived))
            if wrong := differences(expected_of(found), sums, here="what arrived"):
                raise InputError(replica.pfn, "is not the file", found="; ".join(wrong), advice=_REPORT_IT)
            arrived.replace(target)
        finally:
            arrived.unlink(missing_ok=True)
        return sums


def _beside(target: Path) -> Path:
    """Return a hidden name in the same folder, the same one each time: what a killed run left is replaced."""
    path = target.with_name(f".{target.name[:100]}.{blake2s(target.name.encode(), digest_size=6).hexdigest()}.new")
    path.unlink(missing_ok=True)
    return path


def _size_at(location: str) -> int:
    try:
        return storage_of(location).stat(location).size
    except MachineError as error:
        raise storage_away(location, str(error)) from error


def storage_away(place: str, said: str) -> StorageAwayError:
    """Return the error for a replica whose storage does not answer."""
    advice = "try again later, or take another RSE with --rse"
    return StorageAwayError(place, "its storage cannot be reached", found=said, advice=advice)
