"""``checksums.sha256`` and ``manifest.jsonl``: every file of an image, for `sha256sum` and for the ingest."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePath

from dbdump.errors import ImageError
from dbdump.image import (
    CATALOG,
    CHECKSUMS,
    DATAPACKAGE,
    DDL,
    FILES,
    LOBS,
    MANIFEST,
    README,
    FileFacts,
    Manifest,
)
from legacy.atomic import atomic_file
from legacy.checksums import checksums, sha256_of
from legacy.clock import source_date_epoch
from legacy.manifest import ManifestEntry

_SHA256 = re.compile("[0-9a-f]{64}")


def known_files(manifest: Manifest) -> dict[str, FileFacts]:
    """Return parts and SQLite files by path: their checksums were computed when they were written."""
    parts = [part.file for table in manifest.tables for part in table.parts]
    return {file.path: file for file in (*parts, *manifest.sqlite)}


def image_files(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield the paths of all files of an image that ``checksums.sha256`` names, sorted.

    Files that no part of the image knows are not its own, and stay out.

    Raises
    ------
    ImageError
        One is missing.
    """
    described = [name for name in (README, DATAPACKAGE, CATALOG) if (folder / name).is_file()]
    below = [path for name in (DDL, LOBS) for path in _files_below(folder, name)]
    for path in sorted([*known_files(manifest), *described, *below]):
        if not (folder / path).is_file():
            raise ImageError(f"{folder / path}: it is missing; run the same dump command again, or restore a copy")
        yield path


def _files_below(folder: Path, name: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder / name):
        folders.sort()
        for file in files:
            path = (Path(place) / file).relative_to(folder).as_posix()
            if name != LOBS or _SHA256.fullmatch(file):  # no leftovers of a run that was killed
                yield path


def write_checksums(folder: Path, manifest: Manifest) -> str:
    """Write ``checksums.sha256`` as `sha256sum` does, and return the SHA-256 of it, for `Manifest.checksums`.

    It names every file but ``manifest.json``, ``manifest.jsonl``, itself, and what a later run needs. The sums of parts
    and SQLite files are those of the manifest, those of long values their names; the other files are read. Equal
    contents give equal bytes.

    Raises
    ------
    ImageError
        A file is missing.
    OSError
        A file cannot be read or written.
    """
    known = known_files(manifest)
    with atomic_file(folder / CHECKSUMS) as part, part.open("w", encoding="utf-8", newline="") as stream:
        for path in image_files(folder, manifest):
            stream.write(f"{_sum(folder, path, known)}  {path}\n")
    return sha256_of(folder / CHECKSUMS)


def _sum(folder: Path, path: str, known: dict[str, FileFacts]) -> str:
    if path in known:
        return known[path].sha256
    return PurePath(path).name if path.startswith(f"{LOBS}/") else sha256_of(folder / path)


def write_file_list(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.jsonl``: a line for every file of the image, as `antares-legacy ingest` takes it.

    To be written last: it has the checksums of ``manifest.json`` and ``checksums.sha256``.

    Raises
    ------
    ImageError
        A file is missing.
    OSError
        A file cannot be read or written.
    """
    known = known_files(manifest)
    rows = Counter({part.file.path: part.rows for table in manifest.tables for part in table.parts})
    for table in manifest.tables:
        if table.sqlite is not None:
            rows[table.sqlite.path] += table.rows
    paths = [*image_files(folder, manifest), MANIFEST, CHECKSUMS]
    with atomic_file(folder / FILES) as part, part.open("w", encoding="utf-8", newline="") as stream:
        for path in sorted(paths):
            facts = known.get(path) or _facts(folder, path)
            stream.write(_entry(folder, facts, rows[path], manifest).to_json() + "\n")


def _facts(folder: Path, path: str) -> FileFacts:
    sums = checksums(folder / path)
    return FileFacts(path, sums.size, sums.sha256, sums.md5, sums.adler32)


def _entry(folder: Path, facts: FileFacts, rows: int, manifest: Manifest) -> ManifestEntry:
    return ManifestEntry(
        path=facts.path,
        size=facts.size,
        adler32=facts.adler32,
        md5=facts.md5,
        sha256=facts.sha256,
        n_events=rows,
        run=None,
        run_last=None,
        level=0,
        kind="data",
        channel="",
        detector="antares",
        generator=manifest.tool,
        production_version="",
        start=None,
        stop=None,
        source=PurePath(manifest.server.database).name,
        source_sha256="",
        provenance_id=manifest.image_id,
        mtime_ns=(folder / facts.path).stat().st_mtime_ns if source_date_epoch() is None else 0,
    )
