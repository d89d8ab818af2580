"""The files that describe an image, written when all of its parts are there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the commands of this folder load this file at every start
    from dbdump.image import Manifest

Say = Callable[[str], object]


def write_books(folder: Path, manifest: "Manifest", say: Say) -> "Manifest":
    """Write the SQLite files that were asked for, and everything that describes an image.

    With ``--format sqlite`` the SQLite files are compared with the parts, and the parts are removed after everything
    else is on disk. They stay as long as a table is missing: a later run needs them.

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
        A part is damaged or missing, or SQLite does not give back what it has.
    MachineError
        SQLite cannot write.
    OSError
        A file cannot be read or written.
    """
    form = manifest.options.get("format")
    if form in ("both", "sqlite"):
        manifest = _with_sqlite(folder, manifest, say, alone=form == "sqlite")
    manifest = describe(folder, manifest)
    if manifest.in_sqlite_alone:
        from dbdump.sqlite.alone import remove_parts

        remove_parts(folder, manifest)
    return manifest


def describe(folder: Path, manifest: "Manifest") -> "Manifest":
    """Write everything that describes an image whose rows are there: its manifest, and then the list of files.

    Returns
    -------
    Manifest
        With the SHA-256 of ``checksums.sha256``, as it was written.

    Raises
    ------
    ImageError
        A file is missing.
    OSError
        A file cannot be read or written.
    """
    from dbdump.books.catalog import write_catalog
    from dbdump.books.checksums import write_checksums, write_file_list
    from dbdump.books.datapackage import write_datapackage
    from dbdump.books.ddl import write_ddl
    from dbdump.books.readme import write_readme
    from dbdump.image import write_manifest

    for write in (write_ddl, write_catalog, write_datapackage, write_readme):
        write(folder, manifest)
    manifest = replace(manifest, checksums=write_checksums(folder, manifest))
    write_manifest(folder, manifest)
    write_file_list(folder, manifest)
    return manifest


def _with_sqlite(folder: Path, manifest: "Manifest", say: Say, *, alone: bool) -> "Manifest":
    from dbdump.sqlite.alone import in_sqlite_alone
    from dbdump.sqlite.build import write_sqlite_files

    say("writing the SQLite files")
    files, notes = write_sqlite_files(folder, manifest, exact=alone)
    for note in notes:
        say(note)
    manifest = replace(manifest, sqlite=files, warnings=(*manifest.warnings, *notes))
    if not alone:
        return manifest
    if not manifest.complete:
        say("tables are missing, so the Parquet parts stay beside the SQLite files: the next run goes on from them")
        return manifest
    return in_sqlite_alone(folder, manifest, say)
