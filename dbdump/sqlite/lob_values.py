"""Values that are files of the image, put back into their rows: SQLite has one file for all."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dbdump.errors import ImageError
from dbdump.image import Image, ImageTable
from dbdump.stored import Form

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST_ROW = 64 << 20
"""Bytes of files that are put into one row; SQLite takes 10^9, but holds each row in memory several times."""


@dataclass(frozen=True, slots=True)
class LobColumn:
    """Places of a value, of the name of its file, and of its size among the columns of the image."""

    value: int
    file: int
    size: int


def lob_columns(table: ImageTable) -> tuple[LobColumn, ...]:
    """Return the columns whose values can be files."""
    places = {(column.column, column.form): number for number, column in enumerate(table.columns)}
    return tuple(
        LobColumn(number, places[name, Form.LOB_FILE], places[name, Form.LOB_SIZE])
        for (name, form), number in places.items()
        if form == Form.LOB and (name, Form.LOB_FILE) in places and (name, Form.LOB_SIZE) in places
    )


def with_values(
    image: Image, batch: "pa.RecordBatch", lobs: tuple[LobColumn, ...]
) -> Iterator[tuple["pa.RecordBatch", int]]:
    """Yield the rows of a batch with the contents of their files, and how many values stayed files.

    Where a value is put into its row, the column with the name of its file becomes NULL. A row takes at most
    `LARGEST_ROW` bytes; what is more stays a file, and its name stays in the row.

    Raises
    ------
    ImageError
        A file is missing, or its content is not what its name says.
    """
    if all(batch.column(lob.file).null_count == batch.num_rows for lob in lobs):
        yield batch, 0
        return
    first = size = 0
    wanted = [_wanted(batch, lobs, row) for row in range(batch.num_rows)]
    for row, lob_sizes in enumerate(wanted):
        more = sum(lob_sizes.values())
        if row > first and size + more > LARGEST_ROW:
            yield _filled(image, batch.slice(first, row - first), lobs, wanted[first:row])
            first, size = row, 0
        size += more
    yield _filled(image, batch.slice(first), lobs, wanted[first:])


def _wanted(batch: "pa.RecordBatch", lobs: tuple[LobColumn, ...], row: int) -> dict[LobColumn, int]:
    """Return which values of a row are taken from their files, with their bytes."""
    wanted, left = {}, LARGEST_ROW
    for lob in lobs:
        if batch.column(lob.file)[row].is_valid:
            size = batch.column(lob.size)[row].as_py()
            if size is not None and size <= left:
                wanted[lob] = size
                left -= size
    return wanted


def _filled(
    image: Image, batch: "pa.RecordBatch", lobs: tuple[LobColumn, ...], wanted: list[dict[LobColumn, int]]
) -> tuple["pa.RecordBatch", int]:
    import pyarrow as pa

    arrays, kept = batch.columns, 0
    for lob in lobs:
        names = arrays[lob.file].to_pylist()
        values = arrays[lob.value].to_pylist()
        as_text = pa.types.is_string(arrays[lob.value].type)
        for row, sizes in enumerate(wanted):
            if names[row] is None:
                continue
            if lob not in sizes:
                kept += 1
                continue
            content = _content(image.lob_path(names[row]), names[row], sizes[lob])
            values[row] = _decoded(image, content, names[row]) if as_text else content
            names[row] = None
        arrays[lob.value] = pa.array(values, arrays[lob.value].type)
        arrays[lob.file] = pa.array(names, pa.string())
    return pa.record_batch(arrays, schema=batch.schema), kept


def _content(path: Path, sha256: str, size: int) -> bytes:
    if not path.is_file():
        raise ImageError(f"{path}: the file of a value is missing; restore it from a copy of the image")
    with path.open("rb") as stream:
        content = stream.read(size + 1)
    if len(content) != size or hashlib.sha256(content).hexdigest() != sha256:
        raise ImageError(f"{path}: its content is not what its name says; restore it from a copy of the image")
    return content


def _decoded(image: Image, content: bytes, name: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ImageError(f"{image.folder}: value {name} should be text and is not UTF-8; {error.reason}") from error
