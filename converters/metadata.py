"""What ``/header`` says: defaults, and the user's metadata file.

The file is YAML with any of the keys of ``/header`` but ``creation_date``. Unknown keys, unknown licences
and a start after the stop are errors: a wrong statement is worse than none.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from converters.layout import HEADER_FIELDS
from legacy.errors import MetadataError, UsageError, nearest

SETTABLE = tuple(field for field in HEADER_FIELDS if field != "creation_date")

LICENSES = frozenset(
    {
        "unspecified",
        "CC0-1.0",
        "CC-BY-3.0",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "CC-BY-NC-4.0",
        "CC-BY-NC-SA-4.0",
        "CC-BY-ND-4.0",
        "ODbL-1.0",
        "ODC-By-1.0",
        "PDDL-1.0",
        "proprietary",
    }
)
"""SPDX identifiers of data licences, and two words for what has none."""

DEFAULTS: Mapping[str, str] = dict.fromkeys(SETTABLE, "") | {
    "license": "unspecified",
    "instrument": "unknown",
}

ANTARES_DEFAULTS: Mapping[str, str] = {
    **DEFAULTS,
    "author": "ANTARES Collaboration",
    "contact": "https://antares.in2p3.fr",
    "instrument": "ANTARES",
    "publisher": "KM3NeT Collaboration",
    "title": "ANTARES events, level 3",
}
"""Documented in docs/convert.md. The licence is left open: only who publishes the data can state it."""

_MAX_BYTES = 1 << 20
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")


def read_metadata(path: Path) -> dict[str, str]:
    """Read and check a metadata file.

    Parameters
    ----------
    path
        YAML file: a mapping of the keys in `SETTABLE` to text.

    Returns
    -------
    dict
        The given keys only, all values as text.

    Raises
    ------
    UsageError
        The file cannot be read.
    MetadataError
        Not YAML, an unknown key or licence, a value that is no text, no time, or start after stop.
    """
    import yaml

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise MetadataError(f"{path}: larger than 1 MB; expected a short YAML file")
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # ValueError: PyYAML passes on what Python says of a date such as 2007-02-30.
        reason = " ".join(str(error).split())[:200]
        raise MetadataError(f"{path}: not YAML, or a value that cannot be ({reason})") from error
    if not isinstance(content, dict):
        raise MetadataError(f"{path}: expected a mapping such as 'title: My events', found {type(content).__name__}")
    values = {str(key): _text(path, str(key), value) for key, value in content.items()}
    _check(path, values)
    return values


def _text(path: Path, key: str, value: object) -> str:
    if key not in SETTABLE:
        raise MetadataError(f"{path}: unknown key '{key}'; {nearest(key, list(SETTABLE))}")
    if isinstance(value, datetime):
        try:
            moment = value.astimezone(UTC) if value.tzinfo else value
        except OverflowError as error:
            raise MetadataError(f"{path}: key '{key}' is {value}, which is no date in UTC") from error
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, str | int | float | date) and not isinstance(value, bool):
        return str(value).strip()
    raise MetadataError(f"{path}: key '{key}' must be text, found {type(value).__name__}")


def _check(path: Path, values: Mapping[str, str]) -> None:
    licence = values.get("license")
    if licence is not None and licence not in LICENSES:
        raise MetadataError(f"{path}: unknown license '{licence}'; {nearest(licence, list(LICENSES))}")
    times = {}
    for key in ("measurement_start", "measurement_stop"):
        if key in values:
            times[key] = _moment(path, key, values[key])
    if len(times) == 2 and times["measurement_start"] > times["measurement_stop"]:
        start, stop = values["measurement_start"], values["measurement_stop"]
        raise MetadataError(f"{path}: measurement_start {start} is after measurement_stop {stop}")


def _moment(path: Path, key: str, text: str) -> datetime:
    try:
        if not _TIME.fullmatch(text):
            raise ValueError(text)
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{path}: key '{key}' is '{text}'; expected a time such as 2007-01-29T00:00:00Z"
        raise MetadataError(message) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def header_values(
    given: Mapping[str, str],
    *,
    antares: bool,
    instrument: str,
    start: str | None,
    stop: str | None,
    created: str,
) -> dict[str, str]:
    """Return all fields of ``/header``.

    Parameters
    ----------
    given
        What the user's file says.
    antares
        If the detector is known to be ANTARES.
    instrument
        The source's own name of its detector, ``""`` when it has none.
    start, stop
        First and last event time, ISO 8601 UTC, used where the user gives none.
    created
        Time of the conversion.
    """
    values = dict(ANTARES_DEFAULTS if antares else DEFAULTS)
    if instrument and not antares:
        values["instrument"] = instrument
    values["measurement_start"], values["measurement_stop"] = start or "", stop or ""
    values.update(given)
    values["creation_date"] = created
    return values
