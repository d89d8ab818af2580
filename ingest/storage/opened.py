"""From a location to the storage system that can read it."""

from functools import cache

from ingest.storage.contract import Storage
from ingest.storage.local import LocalStorage
from ingest.storage.xrootd_url import is_xrootd
from legacy.errors import UsageError, printable


def storage_of(location: str) -> Storage:
    """Return the storage system of a location.

    Parameters
    ----------
    location
        An absolute path, or a URL with the scheme ``root``, ``roots`` or ``xroot``.

    Raises
    ------
    MissingDependencyError
        Its client library is not installed.
    UsageError
        Files of such locations cannot be read.
    """
    if location.startswith("/"):
        return _local()
    if is_xrootd(location):
        return _xrootd()
    raise UsageError(
        f"'{printable(location)}' is neither an absolute path nor a root:// URL; "
        "mount that storage, or use its xrootd door"
    )


@cache
def _local() -> LocalStorage:
    return LocalStorage()


@cache
def _xrootd() -> Storage:
    from ingest.storage.xrootd import XrootdStorage

    return XrootdStorage()
