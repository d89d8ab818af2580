"""SQLite files as the only place of the rows: first proved against the Parquet parts, value by value."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dbdump.errors import ImageError
from dbdump.image import PARQUET, SQLITE, Image, ImageTable, Manifest, Part, Span, SqliteRows, path_name
from dbdump.sqlite.restore import check_table, names_in
from dbdump.verify.canon import digested
from dbdump.verify.digest import digest_of, hashing
from dbdump.verify.lobfiles import LobFiles
from dbdump.verify.rows import batches
from dbdump.verify.same import Stream, different_rows, shown
from legacy.errors import printable

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ADVICE = "the Parquet parts are still there: please report this, and dump with --format both in another folder"


def in_sqlite_alone(folder: Path, manifest: Manifest, say: Callable[[str], object]) -> Manifest:
    """Return the manifest of an image whose rows are in its SQLite files; its parts are not needed any more.

    Parameters
    ----------
    folder
        Of the image, with all parts, and the SQLite files that `dbdump.sqlite.build.write_sqlite_files` made of them
        with ``exact``.
    manifest
        Complete, with parts and SQLite files.
    say
        Takes a sentence for people.

    Raises
    ------
    ImageError
        A SQLite file does not give back exactly what a part has; or a part or a long value is damaged.
    """
    say("comparing the SQLite files with the Parquet parts, value by value")
    with hashing() as database, database.cursor() as cursor:
        tables = tuple(_proved(cursor, Image(folder, manifest), table) for table in manifest.tables)
    return replace(manifest, tables=tables)


def remove_parts(folder: Path, manifest: Manifest) -> None:
    """Remove the parts of an image whose rows are in SQLite files alone; raises OSError.

    To be called when the manifest is on disk: from then on nothing needs them.
    """
    if not manifest.in_sqlite_alone:
        return
    for path in sorted((folder / PARQUET).rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            _remove_empty(path)
        elif path.suffix == ".parquet":
            path.unlink()
    if (folder / PARQUET).is_dir():
        _remove_empty(folder / PARQUET)


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _proved(cursor: "duckdb.DuckDBPyConnection", image: Image, table: ImageTable) -> ImageTable:
    path = f"{SQLITE}/{path_name(table.name.schema)}.sqlite"
    rows = SqliteRows(path, names_in(image.folder, path, table), _spans(table), digest="")
    moved = replace(table, parts=(), sqlite=rows)
    check_table(image.folder, moved)
    proof = _Proof(cursor, image, table, moved, LobFiles(image))
    for part, span in zip(table.parts, rows.spans, strict=True):
        proof.compare(part, span)
    return replace(moved, sqlite=replace(rows, digest=str(proof.digest)))


def _spans(table: ImageTable) -> tuple[Span, ...]:
    spans, first = [], 1
    for part in table.parts:
        spans.append(Span(first, part.rows, part.chunk))
        first += part.rows
    return tuple(spans)


@dataclass(slots=True)
class _Proof:
    """A table that is compared; `digest` grows with the rows that SQLite gave."""

    cursor: "duckdb.DuckDBPyConnection"
    image: Image
    before: ImageTable
    after: ImageTable
    lobs: LobFiles
    digest: int = 0
    columns: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.columns = [column.name for column in self.before.columns]

    def compare(self, part: Part, span: Span) -> None:
        """Compare the rows of a part with those of SQLite; raises ImageError."""
        theirs = Stream(batches(self.image, self.before, part, self.columns))
        row = span.first
        for batch in batches(self.image, self.after, span, self.columns):
            self._same(theirs.take(batch.num_rows), batch, row)
            self.digest += digest_of(self.cursor, self.after, batch, digested(self.after.columns), self.lobs)
            row += batch.num_rows
        if theirs.count_rest():
            self._differ(f"rows after number {row - 1} are missing")

    def _same(self, part: "pa.Table", batch: "pa.RecordBatch", first: int) -> None:
        if part.num_rows != batch.num_rows:
            self._differ(f"row {first + part.num_rows} is too many")
        for column in self.before.columns:
            left, right = part.column(column.name).combine_chunks(), batch.column(column.name)
            rows = different_rows(left, right)
            if rows:
                values = f"{shown(column, left, rows[0])} in the part, {shown(column, right, rows[0])} in SQLite"
                self._differ(f"column {column.name}, row {first + rows[0]}: {values}")

    def _differ(self, problem: str) -> None:
        path = self.after.sqlite.path if self.after.sqlite else ""
        raise ImageError(printable(f"{path}: it does not give back {self.before.name}: {problem}; {_ADVICE}"))
