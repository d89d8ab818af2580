"""The order-free digest of a table, computed from the files of an image (see `dbdump.verify.canon`).

Arrow gives each value in a form of which DuckDB makes the text, and DuckDB hashes: both work on whole columns.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from dbdump.image import Image, ImageTable, Slice
from dbdump.stored import Form, StoredColumn
from dbdump.verify.lobfiles import LobFiles
from dbdump.verify.rows import batches

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def hashing() -> "duckdb.DuckDBPyConnection":
    """Return a database without tables whose cursors hash; to be closed by the caller."""
    import duckdb

    # Several parts are hashed at once, each by the thread that reads it.
    connection = duckdb.connect(":memory:", config={"threads": 1})
    connection.execute("SET enable_progress_bar = false")  # it would be drawn on stdout
    return connection


def start_digest(
    pool: Executor,
    database: "duckdb.DuckDBPyConnection",
    image: Image,
    table: ImageTable,
    columns: Sequence[StoredColumn],
    lobs: LobFiles,
) -> Callable[[], str]:
    """Begin to compute the digest of a table over some columns, part by part, in the threads of a pool.

    Parameters
    ----------
    pool
        Its threads read and hash.
    database
        As `hashing` gives it; open until the result is there.
    image, table, columns
        What is hashed.
    lobs
        Values in files.

    Returns
    -------
    callable
        Waits for it and returns it; raises ImageError if the image is damaged.
    """
    parts = [pool.submit(_part, database, image, table, part, columns, lobs) for part in table.slices]

    def result() -> str:
        try:
            return str(sum(part.result() for part in parts))
        finally:
            for part in parts:
                part.cancel()

    return result


def _part(
    database: "duckdb.DuckDBPyConnection",
    image: Image,
    table: ImageTable,
    part: Slice,
    columns: Sequence[StoredColumn],
    lobs: LobFiles,
) -> int:
    files = _files(table)
    asked = [column.name for column in columns]
    asked += [files[column.column] for column in columns if column.form == Form.LOB and column.column in files]
    total = 0
    with database.cursor() as cursor:
        for batch in batches(image, table, part, asked):
            total += digest_of(cursor, table, batch, columns, lobs)
    return total


def _files(table: ImageTable) -> dict[str, str]:
    """Return the column that names the file of a value, by the column of the source."""
    return {column.column: column.name for column in table.columns if column.form == Form.LOB_FILE}


def digest_of(
    cursor: "duckdb.DuckDBPyConnection",
    table: ImageTable,
    batch: "pa.RecordBatch",
    columns: Sequence[StoredColumn],
    lobs: LobFiles,
) -> int:
    """Return the part of some rows in the digest of their table; the sum over all rows is the digest.

    Parameters
    ----------
    cursor
        Of a database as `hashing` gives it.
    table, columns
        As in `start_digest`.
    batch
        Rows, with these columns, and those that name the files of their values.
    lobs
        Values in files.

    Raises
    ------
    ImageError
        A file of a value is missing or damaged.
    """
    import pyarrow as pa

    files = _files(table)

    arrays, texts = {}, []
    for number, column in enumerate(columns):
        name = f"c{number}"
        values = batch.column(column.name)
        arrays[name] = _hashable(values)
        hashed = f"md5({_text(name, column.arrow)})"
        if column.form == Form.LOB and column.column in files:
            arrays[f"f{number}"] = _external(column, values, batch.column(files[column.column]), lobs)
            hashed = f"{hashed}, f{number}"
        texts.append(f"coalesce({hashed}, '-')")
    cursor.register("batch", pa.table(arrays))
    # The prefix 0x makes DuckDB read the digits as hexadecimal; 60 bits fit a BIGINT, their sum is a HUGEINT.
    row = f"('0x' || md5(concat({', '.join(texts)}))[1:15])::BIGINT"
    ((total,),) = cursor.execute(f"SELECT sum({row}) FROM batch").fetchall()  # noqa: S608  no foreign text in it
    cursor.unregister("batch")
    return int(total or 0)


def _hashable(array: "pa.Array") -> "pa.Array":
    """Return the values as numbers or bytes of which DuckDB can make the text of the digest."""
    import pyarrow as pa

    kind = array.type
    if pa.types.is_floating(kind):
        return _big_endian(array)
    if pa.types.is_string(kind):
        # Bytes take every character, and are not checked a second time.
        return array.cast(pa.binary())
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        return array.view(pa.int64())
    return array.view(pa.int32()) if pa.types.is_date32(kind) else array


def _big_endian(array: "pa.Array") -> "pa.Array":
    import pyarrow as pa

    width = array.type.bit_width // 8
    words = array.view(pa.int32() if width == 4 else pa.int64())
    swapped = words.fill_null(0).to_numpy(zero_copy_only=True).byteswap()
    valid = array.is_valid() if array.null_count else None
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), len(array), [None, pa.py_buffer(swapped)])
    return fixed if valid is None else _masked(fixed, valid)


def _masked(array: "pa.Array", valid: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.if_else(valid, array, pa.scalar(None, array.type))


def _text(name: str, arrow: str) -> str:
    """Return the SQL expression of the text of a value."""
    match arrow:
        case "float" | "double" | "binary":
            return f"lower(hex({name}))"
        case "string":
            return name
        case "bool":
            return f"CASE {name} WHEN true THEN '1' WHEN false THEN '0' END"
        case _ if arrow.startswith("decimal128"):
            return _decimal_text(name, int(arrow.removesuffix(")").rpartition(",")[2]))
        case _:
            return f"{name}::VARCHAR"


def _decimal_text(name: str, scale: int) -> str:
    if scale == 0:
        return f"{name}::VARCHAR"
    # DuckDB writes .5 where all digits come after the point.
    whole = rf"regexp_replace({name}::VARCHAR, '^(-?)\.', '\10.')"
    return f"rtrim(rtrim({whole}, '0'), '.')"


def _external(column: StoredColumn, values: "pa.Array", files: "pa.Array", lobs: LobFiles) -> "pa.Array":
    """Return the MD5 of the text of each value that lies in a file, NULL for the others."""
    import pyarrow as pa

    text = column.arrow == "string"
    names = files.to_pylist()
    hashed = [
        lobs.facts(name, text=text).text_md5 if name is not None and value_is_null else None
        for name, value_is_null in zip(names, values.is_null().to_pylist(), strict=True)
    ]
    return pa.array(hashed, pa.string())
