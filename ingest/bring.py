"""Copies of files at an RSE: our own copy to mounted disks, Rucio's client for every other protocol."""

import shutil
from dataclasses import replace
from pathlib import Path

from ingest.catalogue import Catalogue
from ingest.catalogue_types import Rse
from ingest.copying import copy_in, differences
from ingest.execute import Bring
from ingest.item import Sums
from ingest.plan import Candidate
from ingest.planner import with_measured
from ingest.schemas import load_schema
from ingest.settings import Settings
from ingest.storage.contract import NoSuchFileError, Stop, never
from ingest.storage.opened import storage_of
from ingest.storage.pfn import PfnRule, location_of
from ingest.storage.xrootd_url import SCHEMES, is_xrootd
from legacy.errors import InputError, MachineError, UsageError

_XROOTD_COMMANDS = ("xrdcp", "xrdfs")
"""What Rucio's client starts to write to a door."""


def bringer(settings: Settings, rse: Rse, catalogue: Catalogue, stop: Stop = never) -> Bring:
    """Return what copies files to an RSE.

    Raises
    ------
    UsageError
        The RSE is non-deterministic: nothing says which path a copy should have. Or its prefix is one that the
        programs of xrootd cannot write to.
    MachineError
        The programs that write to a door are not installed.
    """
    if not rse.deterministic:
        raise UsageError(f"{rse.name} is non-deterministic, so a copy there has no path; use --mode register")
    _require_way(settings.pfn, rse)
    keys = load_schema(settings.schema).types

    def bring(candidate: Candidate) -> Candidate:
        item = candidate.item
        if "://" in item.location:
            raise InputError(item.location, "is not on a mounted disk; use --mode register, or copy it to a disk first")
        stated = item.stated if item.stated.by else None
        target = _target(candidate.pfn, settings.pfn)
        if target.startswith("/"):
            sums = copy_in(item.location, Path(target), stated, sha256=settings.sha256, stop=stop)
        else:
            sums = _upload(candidate, target, settings, rse, catalogue)
        return replace(candidate, sums=sums, item=with_measured(item, sums, keys))

    return bring


def _require_way(rules: tuple[PfnRule, ...], rse: Rse) -> None:
    """Make sure that copies to a door can work, before the first file is read."""
    if rse.scheme not in SCHEMES:
        return
    if location_of(f"{rse.scheme}://{rse.hostname}:{rse.port}/{rse.prefix}", rules).startswith("/"):
        return  # it is mounted
    if not rse.prefix.startswith("//"):
        raise UsageError(
            f"{rse.name} has the prefix '{rse.prefix}'; xrdcp takes its paths for relative ones, which doors refuse: "
            "have it begin with two slashes, or mount the storage and add it to 'pfn' in the configuration"
        )
    missing = [command for command in _XROOTD_COMMANDS if shutil.which(command) is None]
    if missing:
        raise MachineError(
            f"copies to {rse.name} need {' and '.join(missing)}, which Rucio's client starts; install them (Debian: "
            "apt install xrootd-client), or mount the storage and add it to 'pfn' in the configuration"
        )


def _target(pfn: str, rules: tuple[PfnRule, ...]) -> str:
    """Return where a copy goes: a path, a ``root`` URL, or ``""`` where this machine cannot look."""
    try:
        return location_of(pfn, rules)
    except InputError:
        if pfn.startswith("file:") or is_xrootd(pfn):
            raise
        return ""


def _upload(candidate: Candidate, target: str, settings: Settings, rse: Rse, catalogue: Catalogue) -> Sums:
    """Copy with Rucio's client, and look at the result where that is possible.

    A copy that is there already is kept when it is the same file: a run that was killed between copying and
    declaring leaves such copies, and Rucio's client would refuse them.
    """
    item = candidate.item
    sums = candidate.sums
    if not sums.by:
        sums = storage_of(item.location).read_sums(item.location, sha256=settings.sha256)
    if target and _is_there(target):
        _require_same(target, sums, "is there already with other content")
        return sums
    catalogue.upload(item.location, rse.name, settings.scope, item.name)
    if target:
        _require_same(target, sums, "arrived with other content")
    return sums


def _is_there(target: str) -> bool:
    try:
        storage_of(target).stat(target)
    except NoSuchFileError:
        return False
    return True


def _require_same(target: str, expected: Sums, problem: str) -> None:
    """Compare a copy with its source, by the checksum of its storage, or else by reading it back."""
    storage = storage_of(target)
    found = Sums(size=storage.stat(target).size)
    if found.size == expected.size:
        found = storage.ask_sums(target)
        if not any(getattr(found, kind) and getattr(expected, kind) for kind in ("adler32", "md5", "sha256")):
            found = storage.read_sums(target, sha256=bool(expected.sha256))
    for kind, wanted, got in differences(expected, found):
        advice = "find out which file is right; if it is the one here, remove that one and run the command again"
        raise InputError(target, problem, expected=f"{kind} {wanted}", found=f"{kind} {got}", advice=advice)
