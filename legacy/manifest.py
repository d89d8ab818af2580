"""The manifest: one JSON line for every product.

While a run goes on, finished products are appended; at its end the file is rewritten, sorted by path and
without repetitions. A reader therefore takes the last line for a path, and ignores a last line that a kill
has cut. `load` keeps all entries; `iterate` is for manifests of any length, and for those of other programs.
"""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import BinaryIO

from legacy.atomic import write_text
from legacy.errors import CorruptInputError

_LONGEST_LINE = 1 << 20
_DIGEST_BYTES = 16


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
    mtime_ns
        When the product was last written, nanoseconds since 1970: its checksums hold while this is its time. 0 when
        not known, as in lines of older versions and with ``SOURCE_DATE_EPOCH``.
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
    mtime_ns: int = 0

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
        except (ValueError, TypeError, RecursionError) as error:
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


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a manifest, as it stands there.

    Parameters
    ----------
    number
        Of the line in the file, from 1.
    path
        The file that it speaks of; as foreign as the rest: see that it stays within its folder.
    values
        All keys of the line, `path` too, with whatever JSON values they have.
    """

    number: int
    path: str
    values: dict[str, object]


def iterate(path: Path) -> Iterator[Line]:
    """Yield the lines of a manifest that count, those of other programs too: only ``path`` must be there.

    The file is read twice, first to find the last line for each path. That takes 16 bytes a line, so a manifest
    of a million lines needs no more memory than a short one, and a line that is none is found before the first
    one is given out.

    Parameters
    ----------
    path
        The file.

    Yields
    ------
    Line
        In the order of the file.

    Raises
    ------
    CorruptInputError
        A line that is not the last one is no JSON object with a path.
    OSError
        The file cannot be read.
    """
    # One descriptor for both passes: a file that is replaced meanwhile stays the same for us.
    with path.open("rb") as stream:
        digests = bytearray()
        for line in _lines(stream, path):
            digests += hashlib.blake2b(line.path.encode(errors="surrogatepass"), digest_size=_DIGEST_BYTES).digest()
        counts = _last_of_each(digests)
        stream.seek(0)
        for line, count in zip(_lines(stream, path), counts, strict=False):
            if count:
                yield line


def _lines(stream: BinaryIO, path: Path) -> Iterator[Line]:
    number = 0
    while raw := stream.readline(_LONGEST_LINE + 1):
        number += 1
        if not raw.strip():
            continue
        try:
            if len(raw) > _LONGEST_LINE:
                raise ValueError(f"more than {_LONGEST_LINE} bytes")
            values = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
            if not isinstance(values, dict) or not isinstance(values.get("path"), str):
                raise TypeError("no object with a path")
        except (ValueError, TypeError, RecursionError) as error:
            if not raw.endswith(b"\n") and len(raw) <= _LONGEST_LINE:  # the last write was cut
                return
            raise CorruptInputError(
                path,
                "not a line of a manifest",
                where=f"line {number}",
                expected='a JSON object with at least "path"',
                found=str(error),
                advice="correct or remove that line",
            ) from error
        yield Line(number, values["path"], values)


def _last_of_each(digests: bytearray) -> bytes:
    """Return for each digest 1 if no equal one follows, else 0."""
    import numpy as np

    keys = np.frombuffer(digests, dtype="u8").reshape(-1, _DIGEST_BYTES // 8)
    order = np.lexsort((keys[:, 1], keys[:, 0]))  # stable: equal ones stay in the order of the lines
    sorted_keys = keys[order]
    last = np.ones(len(keys), dtype=np.uint8)
    last[:-1] = (sorted_keys[:-1] != sorted_keys[1:]).any(axis=1)
    counts = np.zeros(len(keys), dtype=np.uint8)
    counts[order] = last
    return counts.tobytes()


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
