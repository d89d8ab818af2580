"""Copies of files at an RSE: our own copy to mounted disks, Rucio's client for every other protocol."""

from dataclasses import replace
from pathlib import Path

from ingest.catalogue import Catalogue
from ingest.catalogue_types import Rse
from ingest.copying import copy_in
from ingest.execute import Bring
from ingest.item import Sums
from ingest.plan import Candidate
from ingest.planner import with_measured
from ingest.schemas import load_schema
from ingest.settings import Settings
from ingest.storage.opened import storage_of
from ingest.storage.pfn import location_of
from legacy.errors import InputError, UsageError


def bringer(settings: Settings, rse: Rse, catalogue: Catalogue) -> Bring:
    """Return what copies files to an RSE.

    Raises
    ------
    UsageError
        The RSE is non-deterministic: nothing says which path a copy should have.
    """
    if not rse.deterministic:
        raise UsageError(f"{rse.name} is non-deterministic, so a copy there has no path; use --mode register")

    keys = load_schema(settings.schema).types

    def bring(candidate: Candidate) -> Candidate:
        item = candidate.item
        if "://" in item.location:
            raise InputError(item.location, "is not on a mounted disk; use --mode register, or copy it to a disk first")
        stated = item.stated if item.stated.by else None
        if rse.scheme == "file":
            target = Path(location_of(candidate.pfn, settings.pfn))
            sums = copy_in(Path(item.location), target, stated, sha256=settings.sha256)
        else:
            sums = _upload(candidate, settings, rse, catalogue)
        return replace(candidate, sums=sums, item=with_measured(item, sums, keys))

    return bring


def _upload(candidate: Candidate, settings: Settings, rse: Rse, catalogue: Catalogue) -> Sums:
    item = candidate.item
    sums = candidate.sums
    if not sums.by:
        sums = storage_of(item.location).read_sums(item.location, sha256=settings.sha256)
    catalogue.upload(item.location, rse.name, settings.scope, item.name)
    return sums
