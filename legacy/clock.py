"""Time stamps of processing steps, reproducible when the user asks for it."""

import os
from datetime import UTC, datetime

from legacy.errors import UsageError


def source_date_epoch() -> int | None:
    """Return the value of ``SOURCE_DATE_EPOCH`` (reproducible-builds.org), None when it is not set.

    Raises
    ------
    UsageError
        It is no whole number of seconds.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if text is None:
        return None
    try:
        seconds = int(text)
        datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(f"SOURCE_DATE_EPOCH is '{text}'; expected whole seconds since 1970") from error
    return seconds


def now() -> str:
    """Return the time as ISO 8601 in UTC, that of ``SOURCE_DATE_EPOCH`` when it is set."""
    fixed = source_date_epoch()
    moment = datetime.now(UTC) if fixed is None else datetime.fromtimestamp(fixed, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
