"""Which files of an image are there, in their sizes: cheap, and enough to see what a copy or a kill has lost."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from dbdump.image import CATALOG, CHECKSUMS, DATAPACKAGE, FILES, LOBS, README, FileFacts, Manifest

_BOOKS = (README, DATAPACKAGE, CATALOG, CHECKSUMS, FILES)


def known_files(manifest: Manifest) -> list[FileFacts]:
    """Return parts and SQLite files: their sizes and checksums were noted when they were written."""
    return [part.file for table in manifest.tables for part in table.parts] + list(manifest.sqlite)


def missing_rows(folder: Path, manifest: Manifest) -> list[str]:
    """Return a sentence for each file with rows or long values that is gone or has another size; raises OSError."""
    found = list(missing(folder, known_files(manifest)))
    lobs = [path.stat().st_size for path in (folder / LOBS).rglob("*") if path.is_file()]
    if (len(lobs), sum(lobs)) != tuple(manifest.lobs):
        files, size = manifest.lobs
        found.append(f"{LOBS}/: {len(lobs):,} files of {sum(lobs):,} bytes instead of {files:,} of {size:,}")
    return found


def missing_books(folder: Path) -> list[str]:
    """Return a sentence for each file that describes an image and is gone."""
    return [f"{name}: gone" for name in _BOOKS if not (folder / name).is_file()]


def missing(folder: Path, files: Iterable[FileFacts]) -> Iterator[str]:
    """Yield a sentence for each file that is gone or has another size; raises OSError."""
    for file in files:
        path = folder / file.path
        if not path.is_file():
            yield f"{file.path}: gone"
        elif (size := path.stat().st_size) != file.size:
            yield f"{file.path}: {size:,} bytes instead of {file.size:,}"
