"""Small images made by hand: Parquet parts and a manifest, as a dump leaves them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dbdump.arrow import schema_of
from dbdump.image import FileFacts, Image, ImageTable, Manifest, Part, open_image, table_folder, write_manifest
from dbdump.plan import Snapshot, TablePlan
from dbdump.schema import Column, Family, ServerFacts, TableName, TableSchema
from dbdump.stored import Form, StoredColumn


@dataclass(frozen=True)
class Table:
    """A table: Arrow types by column, rows, and how many parts they are divided into."""

    columns: Mapping[str, str]
    rows: Sequence[Sequence[Any]]
    parts: int = 1
    char: frozenset[str] = frozenset()
    problem: str = ""


MakeImage = Callable[..., Image]


def _image_table(folder: Path, name: TableName, table: Table) -> ImageTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    source = tuple(
        Column(column, kind.upper(), Family.CHAR if column in table.char else Family.TEXT)
        for column, kind in table.columns.items()
    )
    stored = tuple(StoredColumn(column, column, Form.VALUE, kind) for column, kind in table.columns.items())
    schema = TableSchema(name, source)
    if table.problem:
        return ImageTable(schema, stored, problem=table.problem)
    arrow = schema_of(TablePlan(schema, stored, ()))
    place = folder / table_folder(name)
    place.mkdir(parents=True)
    parts = []
    size = -(-len(table.rows) // table.parts) if table.rows else 1
    for number in range(table.parts):
        rows = table.rows[number * size : (number + 1) * size]
        arrays = [pa.array([row[n] for row in rows], field.type) for n, field in enumerate(arrow)]
        path = place / f"part-{number:05d}.parquet"
        pq.write_table(pa.Table.from_arrays(arrays, schema=arrow), path)
        raw = path.read_bytes()
        file = FileFacts(path.relative_to(folder).as_posix(), len(raw), hashlib.sha256(raw).hexdigest(), "", "")
        parts.append(Part(file, len(rows), number))
    return ImageTable(schema, stored, tuple(parts))


@pytest.fixture
def make_image(tmp_path: Path) -> MakeImage:
    """Return a function that writes an image from tables by ``SCHEMA.TABLE`` and opens it."""

    def make(name: str = "image", **tables: Table) -> Image:
        folder = tmp_path / name
        folder.mkdir()
        made = tuple(_image_table(folder, TableName("ENV", key), table) for key, table in tables.items())
        facts = ServerFacts("sqlite", "3", "sqlite3", "practice")
        manifest = Manifest(
            image_id="11111111-2222-3333-4444-555555555555",
            tool="antares-legacy 0",
            started="2026-01-01T00:00:00Z",
            finished="2026-01-01T00:00:01Z",
            complete=True,
            server=facts,
            snapshots=(Snapshot("none"),),
            prove="off",
            options={},
            tables=made,
        )
        write_manifest(folder, manifest)
        return open_image(folder)

    return make


@pytest.fixture(scope="session")
def table() -> type[Table]:
    """Return the class that describes a table."""
    return Table


@pytest.fixture
def write_mapping(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a mapping from Python values."""
    import yaml

    def write(datasets: Mapping[str, Any], **top: Any) -> Path:
        path = tmp_path / "mapping.yaml"
        attributes = {"title": "a title", "summary": "a summary", "keywords": "OCEANS"}
        path.write_text(yaml.safe_dump({"attributes": attributes, "datasets": dict(datasets), **top}), "utf-8")
        return path

    return write
