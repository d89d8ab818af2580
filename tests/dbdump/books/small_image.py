"""Small images, written by hand: parts with `dbdump.arrow.schema_of`, facts of the source, a manifest."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dbdump.arrow import schema_of
from dbdump.image import FileFacts, Image, ImageTable, Manifest, Part, table_folder, write_manifest
from dbdump.plan import Chunk, Snapshot, TablePlan
from dbdump.schema import (
    Code,
    Column,
    Family,
    Grant,
    Index,
    Key,
    KeyKind,
    Partition,
    ServerFacts,
    TableName,
    TableSchema,
    View,
)
from dbdump.stored import Form, StoredColumn
from legacy.checksums import checksums

moment = datetime.fromisoformat
LONG = "Bioluminescence «éclair» " * 40
LONG_BYTES = bytes(range(256)) * 8


def stored(name: str, arrow: str, form: Form = Form.VALUE, **facts: str) -> StoredColumn:
    return StoredColumn(name, facts.pop("column", name), form, arrow, **facts)


def facts_of(folder: Path, path: str) -> FileFacts:
    sums = checksums(folder / path)
    return FileFacts(path, sums.size, sums.sha256, sums.md5, sums.adler32)


def add_table(
    folder: Path,
    schema: TableSchema,
    columns: Sequence[StoredColumn],
    parts: Sequence[Sequence[Sequence[Any]]],
    **more: Any,
) -> ImageTable:
    """Write the parts of a table, each a list of rows."""
    plan = TablePlan(schema, tuple(columns), (Chunk(schema.name, 0),))
    arrow = schema_of(plan)
    made = []
    (folder / table_folder(schema.name)).mkdir(parents=True, exist_ok=True)
    for number, rows in enumerate(parts):
        path = f"{table_folder(schema.name)}/part-{number:05d}.parquet"
        arrays = [pa.array([row[place] for row in rows], item.type) for place, item in enumerate(arrow)]
        table = pa.Table.from_arrays(arrays, schema=arrow)
        pq.write_table(table, folder / path, compression="zstd", row_group_size=1000)
        made.append(Part(facts_of(folder, path), len(rows), number))
    return ImageTable(schema, tuple(columns), tuple(made), **more)


def put_lob(folder: Path, content: bytes) -> str:
    name = hashlib.sha256(content).hexdigest()
    path = folder / "lobs" / name[:2] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return name


def save(folder: Path, tables: Sequence[ImageTable], **more: Any) -> Image:
    given: dict[str, Any] = {
        "image_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "tool": "antares-legacy 0.1.0",
        "started": "2026-11-21T00:00:00Z",
        "finished": "2026-11-21T00:01:00Z",
        "complete": True,
        "server": ServerFacts("oracle", "Oracle Database 19c", "oracledb 26.1 thin", "ANTARES", charset="WE8ISO8859P1"),
        "snapshots": (Snapshot("scn", "12345", "2026-11-21T00:00:00Z"),),
        "prove": "counts",
        "options": {"format": "parquet"},
        "tables": tuple(sorted(tables, key=lambda table: table.name)),
    }
    manifest = Manifest(**(given | more))
    write_manifest(folder, manifest)
    return Image(folder, manifest)


RUN_COLUMNS = (
    Column("RUN_ID", "NUMBER(10)", Family.DECIMAL, 10, 0, nullable=False, comment="Number of the run"),
    Column("SETUP", "VARCHAR2(40)", Family.TEXT, length=40, default="'none'"),
    Column("STARTED", "TIMESTAMP(6)", Family.TIMESTAMP, scale=6),
    Column("LIVETIME", "NUMBER(12,4)", Family.DECIMAL, 12, 4, comment="Seconds, exact"),
)
RATE_COLUMNS = (
    Column("RUN_ID", "NUMBER(10)", Family.DECIMAL, 10, 0, nullable=False),
    Column("OM", "NUMBER(4)", Family.DECIMAL, 4, 0, nullable=False),
    Column("TAKEN", "DATE", Family.DATETIME),
    Column("BASELINE", "BINARY_DOUBLE", Family.FLOAT64, comment="kHz"),
    Column("BURST", "BINARY_FLOAT", Family.FLOAT32),
    Column("TOTAL", "INTEGER", Family.DECIMAL, 38, 0),
)
ODD_COLUMNS = (
    Column("id", "uuid", Family.AS_TEXT),
    Column("Id", "boolean", Family.BOOLEAN),
    Column('say "x"', "date", Family.DATE),
    Column("select", "time", Family.TIME),
    Column("tz", "TIMESTAMP(9) WITH TIME ZONE", Family.TIMESTAMP_TZ, scale=9),
    Column("tiny", "NUMBER(20,12)", Family.DECIMAL, 20, 12),
    Column("wide", "NUMBER(38)", Family.DECIMAL, 38, 0),
    Column("gap", "INTERVAL YEAR TO MONTH", Family.INTERVAL_MONTHS),
)
FILE_COLUMNS = (
    Column("NAME", "VARCHAR2(20)", Family.TEXT, nullable=False),
    Column("TEXT", "CLOB", Family.LOB_TEXT),
    Column("DATA", "BLOB", Family.LOB_BYTES),
)
RUN, RATE, ODD, FILE, EMPTY = (
    TableName("ENV", "RUN"),
    TableName("ENV", "om rate"),
    TableName("ENV", "Run"),
    TableName("ENV", "FILES"),
    TableName("ENV", "sqlite_empty"),
)


def run_schema() -> TableSchema:
    keys = (
        Key(KeyKind.PRIMARY, "RUN_PK", ("RUN_ID",)),
        Key(KeyKind.UNIQUE, "RUN_UQ", ("STARTED",)),
        Key(KeyKind.CHECK, "RUN_CK", expression='"LIVETIME" >= 0'),
    )
    indexes = (
        Index("RUN_SETUP", ("SETUP",)),
        Index("RUN_UPPER", ('UPPER("SETUP")',), expressions=True, definition="CREATE INDEX RUN_UPPER ..."),
    )
    return TableSchema(
        RUN,
        RUN_COLUMNS,
        keys=keys,
        indexes=indexes,
        grants=(Grant("READER", "SELECT"),),
        comment="One row per run",
        rows=3,
        size=1000,
        ddl='CREATE TABLE "ENV"."RUN" (...)',
    )


def rate_schema() -> TableSchema:
    keys = (
        Key(KeyKind.PRIMARY, "RATE_PK", ("RUN_ID", "OM")),
        Key(KeyKind.FOREIGN, "RATE_RUN", ("RUN_ID",), RUN, ("RUN_ID",), "ON DELETE CASCADE"),
        Key(KeyKind.FOREIGN, "RATE_ELSEWHERE", ("OM",), TableName("OTHER", "OM"), ("OM",)),
    )
    return TableSchema(RATE, RATE_COLUMNS, keys=keys, partitions=(Partition("P2008", "< 2009", 4),))


def make_image(folder: Path, **more: Any) -> Image:
    """Write an image with a bit of everything."""
    folder.mkdir(parents=True, exist_ok=True)
    nan, infinity = float("nan"), float("inf")
    run = add_table(
        folder,
        run_schema(),
        [
            stored("RUN_ID", "int64"),
            stored("SETUP", "string"),
            stored("STARTED", "timestamp[us]"),
            stored("LIVETIME", "decimal128(12, 4)"),
        ],
        [
            [
                (1, "default", moment("2008-05-30T23:59:59.000001"), Decimal("12.5000")),
                (2, "", None, None),
            ],
            [(3, "nul\0 and «é»", moment("0001-01-01T00:00:00"), Decimal("-99999999.9999"))],
        ],
    )
    rate = add_table(
        folder,
        rate_schema(),
        [
            stored("RUN_ID", "int64"),
            stored("OM", "int64"),
            stored("TAKEN", "timestamp[s]"),
            stored("BASELINE", "double"),
            stored("BURST", "float"),
            stored("TOTAL", "decimal128(38, 0)"),
        ],
        [
            [
                (1, 1, moment("2008-05-30T00:00:00"), 61.25, 0.1, Decimal(2**63 - 1)),
                (1, 2, None, nan, infinity, Decimal(-(2**63))),
            ],
            [(2, 1, moment("9999-12-31T23:59:59"), None, nan, None), (4, 1, None, 0.1, -infinity, Decimal(0))],
        ],
    )
    odd = add_table(
        folder,
        TableSchema(ODD, ODD_COLUMNS, comment="Odd names"),
        [
            stored("id", "string", Form.TEXT),
            stored("Id", "bool"),
            stored('say "x"', "date32[day]"),
            stored("select", "time64[us]"),
            stored("tz", "timestamp[ns, tz=UTC]"),
            stored("tz__tz", "string", Form.OFFSET, column="tz"),
            stored("tiny", "decimal128(20, 12)"),
            stored("wide", "decimal128(38, 0)"),
            stored("gap", "int32", unit="months"),
        ],
        [
            [
                (
                    "0f8fad5b",
                    True,
                    date(2008, 5, 30),
                    time(1, 2, 3, 4),
                    1_200_000_000_123_456_789,
                    "+02:00",
                    Decimal("0.000000000001"),
                    Decimal(10**37),
                    -14,
                ),
                (None, False, None, None, None, None, Decimal(0), Decimal(-1), None),
            ]
        ],
    )
    text, data = put_lob(folder, LONG.encode()), put_lob(folder, LONG_BYTES)
    lobs = [
        stored("NAME", "string"),
        stored("TEXT", "string", Form.LOB),
        stored("TEXT__lob", "string", Form.LOB_FILE, column="TEXT"),
        stored("TEXT__size", "int64", Form.LOB_SIZE, column="TEXT"),
        stored("DATA", "binary", Form.LOB),
        stored("DATA__lob", "string", Form.LOB_FILE, column="DATA"),
        stored("DATA__size", "int64", Form.LOB_SIZE, column="DATA"),
    ]
    file = add_table(
        folder,
        TableSchema(FILE, FILE_COLUMNS, keys=(Key(KeyKind.PRIMARY, "", ("NAME",)),)),
        lobs,
        [
            [
                ("big", None, text, len(LONG.encode()), None, data, len(LONG_BYTES)),
                ("none", None, None, None, None, None, None),
                ("small", "kurz", None, 4, b"\0\xff", None, 2),
            ]
        ],
    )
    empty = add_table(
        folder,
        TableSchema(EMPTY, (Column("A", "DATE", Family.DATETIME),)),
        [stored("A", "timestamp[s]")],
        [[]],
    )
    code = (
        Code("sequences", TableName("ENV", "RUN_SEQ"), "CREATE SEQUENCE RUN_SEQ"),
        Code("source", TableName("ENV", "P"), "PROCEDURE p IS\nBEGIN\n  NULL;\nEND;"),
    )
    views = (View(TableName("ENV", "V/RATES"), "SELECT 1 FROM DUAL", ("A",), "A view"),)
    given = {"code": code, "views": views, "lobs": (2, len(LONG.encode()) + len(LONG_BYTES))} | more
    return save(folder, [run, rate, odd, file, empty], **given)
