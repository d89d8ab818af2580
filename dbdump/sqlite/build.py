"""SQLite files with all tables of a schema, or with a selection, made from the Parquet parts of an image."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dbdump.image import SQLITE, FileFacts, Image, ImageTable, Manifest, path_name
from dbdump.schema import View
from dbdump.sqlite.finish import Filled, finish, said
from dbdump.sqlite.load import Advance, Loaded, RowPicker, load_table, loader
from dbdump.sqlite.shape import foreign_keys, shapes
from legacy.atomic import atomic_file
from legacy.checksums import checksums


@dataclass(frozen=True, slots=True)
class Written:
    """A SQLite file: how many tables and rows it has, and what people should know, a sentence each."""

    path: Path
    tables: int
    rows: int
    notes: tuple[str, ...]


def quiet(rows: int, /) -> None:
    """Tell nobody."""


def write_sqlite(
    image: Image,
    tables: Sequence[ImageTable],
    target: Path,
    *,
    views: Sequence[View] = (),
    pick: RowPicker | None = None,
    progress: Advance = quiet,
    exact: bool = False,
) -> Written:
    """Write one SQLite file; equal contents give equal bytes with the same versions of SQLite.

    Primary and foreign keys are declared where the rows keep them and SQLite knows how; unique keys and indexes are
    made after the load. The tables ``_tables``, ``_columns``, ``_keys``, ``_indexes`` and ``_views`` say what the
    source had, and what is different.

    Parameters
    ----------
    image
        Where the parts and the files of long values are.
    tables
        Of the image; those without rows because of a problem are named in ``_tables``.
    target
        Replaced when the new file is complete.
    views
        Preserved as text.
    pick
        Which rows to take; all without.
    progress
        Is told about rows; a negative number takes some back.
    exact
        Whether the file must give back every value and the order of rows, because nothing else will have them; long
        values stay files then.

    Raises
    ------
    ImageError
        A part of the image is damaged.
    MachineError
        SQLite cannot write; a package is missing.
    OSError
        The file cannot be written.
    """
    made = shapes(image.folder, tables, exact=exact)
    known = {shape.table.name: shape for shape in made}
    filled = []
    with atomic_file(target) as part:
        part.unlink(missing_ok=True)
        with loader(part) as cursor:
            for shape in made:
                references = foreign_keys(shape, known)
                loaded = Loaded()
                if not shape.left_out:
                    loaded = load_table(cursor, image, shape, tuple(references.values()), pick, progress)
                filled.append(Filled(shape, references, loaded))
        notes = finish(part, filled, views)
    present = [table for table in filled if not table.shape.left_out]
    left_out = [f"{table.shape.name}: {table.shape.left_out}" for table in filled if table.shape.left_out]
    met = [f"{table.shape.name}: {note}" for table in filled for note in said(table)]
    return Written(target, len(present), sum(t.loaded.rows for t in present), (*left_out, *met, *notes))


def write_sqlite_files(
    folder: Path, manifest: Manifest, progress: Callable[[int], object] = quiet, *, exact: bool = False
) -> tuple[tuple[FileFacts, ...], tuple[str, ...]]:
    """Write ``sqlite/<SCHEMA>.sqlite`` for every schema; return facts for the manifest, and its warnings.

    Parameters
    ----------
    folder, manifest
        The image with all parts; ``manifest.json`` need not be written yet.
    progress
        Is told about rows.
    exact
        See `write_sqlite`.

    Raises
    ------
    ImageError, MachineError, OSError
        As `write_sqlite`.
    """
    image = Image(folder, manifest)
    (folder / SQLITE).mkdir(exist_ok=True)
    facts, notes = [], []
    for schema in sorted({table.name.schema for table in manifest.tables}):
        path = f"{SQLITE}/{path_name(schema)}.sqlite"
        tables = sorted((t for t in manifest.tables if t.name.schema == schema), key=lambda table: table.name)
        views = [view for view in manifest.views if view.name.schema == schema]
        written = write_sqlite(image, tables, folder / path, views=views, progress=progress, exact=exact)
        sums = checksums(folder / path)
        facts.append(FileFacts(path, sums.size, sums.sha256, sums.md5, sums.adler32))
        notes += [f"{path}: {note}" for note in written.notes]
    return tuple(facts), tuple(notes)
