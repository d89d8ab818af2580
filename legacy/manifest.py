"""The manifest: one JSON line for every product.

While a run goes on, finished products are appended; at its end the file is rewritten, sorted by path and
without repetitions. A reader therefore takes the last line for a path, and ignores a last line that a kill
has cut.
"""

import errno
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from legacy.atomic import write_text
from legacy.errors import CorruptInputError


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One product.

    Parameters
    ----------
    path
        Relative to the manifest, with ``/``.
    size
        Bytes.
    adler32, md5, sha256
        Checksums, lower-case hex.
    n_events
        Number of events.
    run, run_last
        First and last run number, None without one.
    level
        Data level, 3 for every level-3 product.
    kind
        ``data`` or ``mc``.
    channel
        Neutrino flavour and interaction or ``mu`` for muon bundles, ``""`` when unknown.
    detector
        ``antares``, another name, or ``""``.
    generator
        Programs that made the source.
    production_version
        Version of the production, ``""`` when unknown.
    start, stop
        First and last event time, ISO 8601 UTC, None without times.
    source, source_sha256
        Base name and checksum of the source.
    provenance_id
        Identifier of the step that wrote the product.
    """

    path: str
    size: int
    adler32: str
    md5: str
    sha256: str
    n_events: int
    run: int | None
    run_last: int | None
    level: int
    kind: str
    channel: str
    detector: str
    generator: str
    production_version: str
    start: str | None
    stop: str | None
    source: str
    source_sha256: str
    provenance_id: str

    def to_json(self) -> str:
        """Return the entry as one line without line end."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(", ", ": "))


def load(path: Path) -> dict[str, ManifestEntry]:
    """Read a manifest.

    Parameters
    ----------
    path
        The file; a missing one counts as empty.

    Returns
    -------
    dict
        The last entry for each path.

    Raises
    ------
    CorruptInputError
        A line that is not the last one is no entry.
    OSError
        The file cannot be read.
    """
    entries: dict[str, ManifestEntry] = {}
    if not path.exists():
        return entries
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            entry = _entry(json.loads(line))
        except (ValueError, TypeError) as error:
            if number == len(lines):  # no line end: the last write was cut
                continue
            raise CorruptInputError(
                path,
                "not a line of a manifest",
                where=f"line {number}",
                expected="a JSON object with the keys of a product",
                found=str(error),
                advice="remove that line, or the file: it is made anew from the products",
            ) from error
        entries[entry.path] = entry
    return entries


def _entry(values: object) -> ManifestEntry:
    if not isinstance(values, dict) or not isinstance(values.get("path"), str):
        raise TypeError("no object with a path")
    names = {field.name for field in fields(ManifestEntry)}
    return ManifestEntry(**{key: value for key, value in values.items() if key in names})


def append(path: Path, entry: ManifestEntry) -> None:
    """Add an entry at the end; whole or not at all unless the machine dies; raises OSError."""
    line = entry.to_json().encode() + b"\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        before = os.fstat(descriptor).st_size
        if os.write(descriptor, line) < len(line):
            os.ftruncate(descriptor, before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)


def write(path: Path, entries: Iterable[ManifestEntry]) -> None:
    """Write a manifest in one step, sorted by path; raises OSError."""
    lines = [entry.to_json() + "\n" for entry in sorted(entries, key=lambda entry: entry.path)]
    write_text(path, "".join(lines))
