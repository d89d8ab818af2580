"""A selection of an image as one SQLite file, for a laptop."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dbdump.image import Image, ImageTable, Slice
from dbdump.query import Shut, open_database, told
from dbdump.schema import TableName
from dbdump.sqlite.build import Written, quiet, write_sqlite
from dbdump.sqlite.load import Advance
from legacy.errors import UsageError, printable

if TYPE_CHECKING:
    import pyarrow as pa


def to_sqlite(
    image: Image,
    target: Path,
    *,
    tables: Sequence[str] = (),
    where: Sequence[str] = (),
    limit: int | None = None,
    progress: Advance = quiet,
) -> Written:
    """Write a selection of an image.

    Conditions only choose rows: what is stored comes from the parts as in `dbdump.sqlite.build.write_sqlite`.

    Parameters
    ----------
    image
        Where from.
    target
        The file; replaced when the new one is complete.
    tables
        Names as `dbdump.image.Image.table` takes them; all tables without.
    where
        Conditions as ``TABLE: SQL``, in the dialect of DuckDB, one for a table.
    limit
        Largest number of rows of each table: the first ones.
    progress
        Is told about rows.

    Raises
    ------
    UsageError
        A condition is wrong, or is for a table that is not selected.
    ImageError
        A table is not in the image, or a part is damaged.
    MachineError, OSError
        The file cannot be written.
    """
    chosen = {table.name: table for table in (image.table(text) for text in tables)} or {
        table.name: table for table in image.manifest.tables
    }
    conditions = _conditions(image, chosen, where)
    ordered = [chosen[name] for name in sorted(chosen)]
    schemas = {name.schema for name in chosen}
    views = [view for view in image.manifest.views if view.name.schema in schemas]
    if not conditions:
        pick = None if limit is None else partial(_first_rows, limit)
        return write_sqlite(image, ordered, target, views=views, pick=pick, progress=progress)
    with open_database(image) as shut:
        picker = _Picker(image, conditions, limit, shut)
        picker.check(chosen)
        return write_sqlite(image, ordered, target, views=views, pick=picker, progress=progress)


def _first_rows(limit: int, table: ImageTable, part: Slice, taken: int) -> "pa.Array | None":  # noqa: ARG001
    """Pick the first rows of a table."""
    import pyarrow as pa

    left = _left(limit, part, taken)
    return None if left == part.rows else pa.array(range(left), pa.int64())


def _left(limit: int | None, part: Slice, taken: int) -> int:
    """Return how many rows of a part a limit allows."""
    return part.rows if limit is None else max(0, min(part.rows, limit - taken))


def _conditions(image: Image, chosen: Mapping[TableName, ImageTable], where: Sequence[str]) -> dict[TableName, str]:
    found: dict[TableName, str] = {}
    for text in where:
        name, colon, condition = text.partition(":")
        if not colon or not condition.strip():
            raise UsageError(f"--where '{printable(text)}': write TABLE: CONDITION, as in 'RUN: RUN_ID < 100'")
        table = image.table(name.strip())
        if table.name not in chosen:
            raise UsageError(f"--where: {printable(str(table.name))} is not selected; add --table, or leave this out")
        if table.name in found:
            raise UsageError(f"--where: {printable(str(table.name))} has two conditions; join them with AND")
        found[table.name] = condition.strip()
    return found


class _Picker:
    """Says which rows of a part are wanted.

    Parameters
    ----------
    image, conditions, limit
        What was asked for.
    shut
        Where the conditions are tried.
    """

    def __init__(
        self,
        image: Image,
        conditions: Mapping[TableName, str],
        limit: int | None,
        shut: Shut,
    ) -> None:
        self._image = image
        self._conditions = conditions
        self._limit = limit
        self._shut = shut

    def check(self, tables: Mapping[TableName, ImageTable]) -> None:
        """Try every condition before anything is written; raises UsageError."""
        for name in self._conditions:
            for part in tables[name].slices[:1]:
                self._matching(tables[name], part, 0)

    def __call__(self, table: ImageTable, part: Slice, taken: int) -> "pa.Array | None":
        """Return the numbers of the wanted rows of a part, of which `taken` came from earlier parts."""
        left = _left(self._limit, part, taken)
        if table.name in self._conditions:
            return self._matching(table, part, left)
        return None if self._limit is None else _first_rows(self._limit, table, part, taken)

    def _matching(self, table: ImageTable, part: Slice, most: int) -> "pa.Array":
        import pyarrow as pa

        rows = self._shut.numbered_rows(self._image, table, part)
        # On lines of its own: a comment at the end of the condition must not hide the rest.
        where = f"WHERE (\n{self._conditions[table.name]}\n) ORDER BY file_row_number LIMIT {most}"
        sql = f"SELECT file_row_number FROM ({rows}) {where}"  # noqa: S608  the user's own, in a database that is shut in
        with told(self._image, self._shut.streams):
            kinds = [
                str(statement.type).rpartition(".")[2] for statement in self._shut.database.extract_statements(sql)
            ]
            if kinds != ["SELECT"]:
                raise UsageError("--where: a condition is one SQL expression")
            numbers = self._shut.database.execute(sql).fetchnumpy()["file_row_number"]
        return pa.array(numbers, pa.int64())
