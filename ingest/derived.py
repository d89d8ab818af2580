"""What follows from metadata that a manifest, a product or a sidecar states: epochs and year from times."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from ingest.item import Scalar

_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH_TOLERANCE = 0.001
"""Seconds; times in manifests are rounded to the millisecond."""


def seconds_since_1970(text: str) -> float:
    """Return an ISO 8601 time in UTC as seconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX).

    Raises
    ------
    ValueError
        It is not of the form ``2007-01-29T20:18:57.123Z``, or no such moment exists.
    """
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError("expected a time in UTC such as 2007-01-29T20:18:57Z")
    whole = datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp()
    return float(f"{whole:.0f}.{found[2] or 0}") if whole >= 0 else whole + float(f"0.{found[2] or 0}")


def with_derived(values: Mapping[str, Scalar]) -> tuple[dict[str, Scalar], list[str]]:
    """Add ``start_epoch``, ``stop_epoch`` and ``year`` where they follow, and compare what is there already.

    Parameters
    ----------
    values
        Metadata; values of a wrong type are passed over.

    Returns
    -------
    dict
        `values` and what follows from them.
    list of str
        Contradictions, each with its keys.
    """
    complete = dict(values)
    problems: list[str] = []
    for key in ("start", "stop"):
        text = complete.get(key)
        if isinstance(text, str):
            _add_epoch(complete, key, text, problems)
    _add_year(complete, problems)
    for low, high in (("start_epoch", "stop_epoch"), ("run", "run_last")):
        first, last = complete.get(low), complete.get(high)
        if isinstance(first, int | float) and isinstance(last, int | float) and first > last:
            problems.append(f"{low} {first} is after {high} {last}; correct one of them")
    embargo = complete.get("embargo")
    if isinstance(embargo, str) and not _is_date(embargo):
        problems.append(f"embargo '{embargo}' is no date; write it as 2030-01-31")
    return complete, problems


def _add_epoch(complete: dict[str, Scalar], key: str, text: str, problems: list[str]) -> None:
    try:
        epoch = seconds_since_1970(text)
    except ValueError as error:
        problems.append(f"{key} '{text}': {error}")
        return
    stated = complete.setdefault(f"{key}_epoch", epoch)
    if isinstance(stated, int | float) and abs(stated - epoch) > _EPOCH_TOLERANCE:
        problems.append(f"{key}_epoch {stated} is not {key} {text}; leave {key}_epoch out, it is calculated")


def _add_year(complete: dict[str, Scalar], problems: list[str]) -> None:
    text = complete.get("start")
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return
    year = int(text[:4])
    if complete.setdefault("year", year) != year:
        problems.append(f"year {complete['year']} is not that of start {text}; leave year out, it is calculated")


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
