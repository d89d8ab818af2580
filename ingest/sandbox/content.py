"""What a new sandbox holds: scope, storages, accounts, quotas and distances."""

from collections.abc import Mapping
from pathlib import Path

SCOPE = "antares"
INGEST, ALICE, ROOT = "ingest", "alice", "root"
ROOT_IDENTITY = "ddmlab"
"""User name of the account root, as Rucio's own set-up calls it."""
ACCOUNTS = (INGEST, ALICE)
DISK, TAPE, IN_PLACE = "ANTARES_DISK", "ANTARES_TAPE", "ANTARES_INPLACE"
AMPLE, SMALL = 10**15, 10**9
"""Quotas in bytes."""

_EVERYWHERE = {
    "lan": {"read": 1, "write": 1, "delete": 1},
    "wan": {"read": 1, "write": 1, "delete": 1, "third_party_copy_read": 1, "third_party_copy_write": 1},
}


def storage_folders(folder: Path) -> dict[str, Path]:
    """Return the prefix of each RSE of a sandbox in `folder`."""
    return {DISK: folder / "rse" / DISK, TAPE: folder / "rse" / TAPE, IN_PLACE: Path("/")}


def new_content(folder: Path, passwords: Mapping[str, str]) -> dict[str, object]:
    """Describe a new sandbox for ``bootstrap.py``.

    Parameters
    ----------
    folder
        The folder of the sandbox.
    passwords
        Of each account.

    Returns
    -------
    dict
        Accounts, scopes, RSEs, quotas in bytes, and pairs of RSEs between which files can go.
    """
    accounts = [
        {"name": INGEST, "kind": "SERVICE", "admin": True, "password": passwords[INGEST]},
        {"name": ALICE, "kind": "USER", "admin": False, "password": passwords[ALICE]},
    ]
    folders = storage_folders(folder)
    quotas = [{"account": account, "rse": rse, "bytes": AMPLE} for account in (ROOT, INGEST) for rse in folders]
    return {
        "accounts": accounts,
        "scopes": [{"name": SCOPE, "account": INGEST}],
        "rses": [
            {"name": name, "deterministic": name != IN_PLACE, "protocol": _protocol(prefix)}
            for name, prefix in folders.items()
        ],
        "quotas": [*quotas, {"account": ALICE, "rse": DISK, "bytes": SMALL}],
        "distances": [(DISK, TAPE), (TAPE, DISK), (IN_PLACE, DISK), (IN_PLACE, TAPE)],
    }


def _protocol(prefix: Path) -> dict[str, object]:
    """Return the one way to reach an RSE: files of this machine."""
    return {
        "scheme": "file",
        "hostname": "localhost",
        "port": 0,
        "prefix": f"{prefix}".rstrip("/") + "/",
        "impl": "rucio.rse.protocols.posix.Default",
        "domains": _EVERYWHERE,
        "extended_attributes": None,
    }
