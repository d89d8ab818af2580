"""The files that describe an image, written when all of its parts are there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dbdump.image import Manifest

Say = Callable[[str], object]


def write_books(folder: Path, manifest: Manifest, say: Say) -> Manifest:
    """Write the SQLite files that were asked for, and everything that describes an image; its manifest last.

    Parameters
    ----------
    folder, manifest
        The image with all parts.
    say
        Takes a sentence for people.

    Returns
    -------
    Manifest
        With the SQLite files, their warnings, and the SHA-256 of ``checksums.sha256``, as it was written.

    Raises
    ------
    ImageError
        A part is damaged or missing.
    MachineError
        SQLite cannot write.
    OSError
        A file cannot be read or written.
    """
    from dbdump.books.catalog import write_catalog
    from dbdump.books.checksums import write_checksums, write_file_list
    from dbdump.books.datapackage import write_datapackage
    from dbdump.books.ddl import write_ddl
    from dbdump.books.readme import write_readme
    from dbdump.image import write_manifest

    if manifest.options.get("format") == "both":
        manifest = _with_sqlite(folder, manifest, say)
    for write in (write_ddl, write_catalog, write_datapackage, write_readme):
        write(folder, manifest)
    manifest = replace(manifest, checksums=write_checksums(folder, manifest))
    write_manifest(folder, manifest)
    write_file_list(folder, manifest)
    return manifest


def _with_sqlite(folder: Path, manifest: Manifest, say: Say) -> Manifest:
    from dbdump.sqlite.build import write_sqlite_files

    say("writing the SQLite files")
    files, notes = write_sqlite_files(folder, manifest)
    for note in notes:
        say(note)
    return replace(manifest, sqlite=files, warnings=(*manifest.warnings, *notes))
