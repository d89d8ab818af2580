"""From rows of Rucio's answers to plain values."""

from collections.abc import Iterable, Mapping
from typing import Any

from ingest.catalogue_types import KnownFile, Replica


def rows_of(answer: Iterable[Any]) -> list[dict[str, Any]]:
    """Return all rows of an answer; raises TypeError when it is none of Rucio's, such as a page to log in."""
    rows = list(answer)
    for row in rows:
        if not isinstance(row, dict):
            raise TypeError(f"expected an object, found {type(row).__name__}")
    return rows


def write_priority(protocol: Mapping[str, Any]) -> tuple[int, str]:
    """Sort key: the protocol with the best priority for writing on the local network, then on the wide one."""
    for number, domain in enumerate(("lan", "wan")):
        priority = int(protocol["domains"].get(domain, {}).get("write") or 0)
        if priority:
            return 1000 * number + priority, str(protocol["scheme"])
    return 10_000, str(protocol["scheme"])


def known_file(row: Mapping[str, Any]) -> KnownFile:
    """Return the columns of a DID; the row has at least ``name`` and ``did_type``."""
    size, run, events = row.get("bytes"), row.get("run_number"), row.get("events")
    return KnownFile(
        name=str(row["name"]),
        kind=str(row["did_type"]),
        size=-1 if size is None else int(size),
        adler32=str(row.get("adler32") or ""),
        md5=str(row.get("md5") or ""),
        run_number=run if isinstance(run, int) else None,  # SQLite keeps texts in this column
        events=events if isinstance(events, int) else None,
        closed=row.get("is_open") is False,
    )


def replicas_of(row: Mapping[str, Any]) -> tuple[Replica, ...]:
    """Return the replicas of a row of `list_replicas`; one without a protocol that was asked for has no PFN."""
    found: list[Replica] = []
    for rse, state in sorted(row["states"].items()):
        pfns = row["rses"].get(rse) or [""]
        found.extend(Replica(rse=str(rse), pfn=str(pfn), state=str(state)) for pfn in pfns)
    return tuple(found)
