"""Small images, written by hand: Parquet parts, large values, checksums and a manifest."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dbdump.arrow import arrow_type, schema_of
from dbdump.books import write_books
from dbdump.dump.options import Content
from dbdump.dump.parts import write_parts
from dbdump.dump.planfile import write_plan
from dbdump.dump.planner import make_plan
from dbdump.image import CHECKSUMS, LOBS, PLAN, FileFacts, Image, ImageTable, Manifest, Part, open_image, table_folder
from dbdump.image import write_manifest as write
from dbdump.lobs import LobStore
from dbdump.plan import Chunk, TablePlan
from dbdump.schema import Column, Family, Key, KeyKind, ServerFacts, TableName, TableSchema
from dbdump.sources.contract import Reading, Source
from dbdump.sources.opening import Access, connect
from dbdump.stored import Form, StoredColumn
from legacy.checksums import checksums


@dataclass(frozen=True)
class Given:
    """A column of a test: its type in the image, and its values as Arrow stores them."""

    name: str
    arrow: str
    values: Sequence[object]
    form: Form = Form.VALUE
    of: str = ""

    def array(self) -> pa.Array:
        kind = arrow_type(self.arrow)
        whole = {"date32[day]": pa.int32(), "time64[us]": pa.int64()}.get(self.arrow)
        if self.arrow.startswith("timestamp"):
            whole = pa.int64()
        if pa.types.is_decimal(kind):
            return _decimals(self.values, kind)
        if whole is None:
            return pa.array(self.values, kind)
        return pa.array(self.values, whole).view(kind)


def _decimals(values: Sequence[object], kind: pa.Decimal128Type) -> pa.Array:
    """Write the words themselves: pyarrow takes a zero of 38 decimals for a number of 39 digits."""
    whole = [0 if value is None else int(Fraction(value) * 10**kind.scale) for value in values]  # type: ignore[call-overload]
    words = b"".join(number.to_bytes(16, "little", signed=True) for number in whole)
    there = pa.array([value is not None for value in values], pa.bool_()).buffers()[1]
    return pa.Array.from_buffers(kind, len(values), [there, pa.py_buffer(words)])


@dataclass
class Images:
    """Makes one image."""

    folder: Path
    tables: list[ImageTable] = field(default_factory=list)

    def table(self, name: str, *columns: Given, parts: Sequence[int] = (), key: str = "") -> ImageTable:
        """Write a table; `parts` says how many rows each part but the last has."""
        keys = (Key(KeyKind.PRIMARY, "", (key,)),) if key else ()
        sources = tuple(Column(one.name, "ANY", Family.TEXT) for one in columns if not one.of)
        stored = tuple(StoredColumn(one.name, one.of or one.name, one.form, one.arrow) for one in columns)
        schema = TableSchema(TableName("SEA", name), sources, keys=keys)
        plan = TablePlan(schema, stored, (Chunk(schema.name, 0),))
        rows = pa.Table.from_arrays([one.array() for one in columns], schema=schema_of(plan))
        written, first = [], 0
        for number, size in enumerate([*parts, rows.num_rows - sum(parts)]):
            path = self.folder / table_folder(schema.name) / f"part-{number:05d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            # Small row groups, so that several of them add up.
            pq.write_table(rows.slice(first, size), path, compression="zstd", row_group_size=3)
            written.append(Part(self.facts(path), size, number))
            first += size
        table = ImageTable(schema, stored, tuple(written))
        self.tables.append(table)
        return table

    def facts(self, path: Path) -> FileFacts:
        sums = checksums(path)
        return FileFacts(path.relative_to(self.folder).as_posix(), sums.size, sums.sha256, sums.md5, sums.adler32)

    def lob(self, content: bytes) -> str:
        """Store a large value and return its name."""
        name = hashlib.sha256(content).hexdigest()
        path = self.folder / "lobs" / name[:2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return name

    def finish(self, options: Mapping[str, str] | None = None) -> Image:
        """Write checksums and manifest, and open the image."""
        manifest = self.manifest(options or {})
        files = sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name != PLAN)
        lines = [f"{self.facts(path).sha256}  {path.relative_to(self.folder).as_posix()}\n" for path in files]
        (self.folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")
        write(self.folder, replace(manifest, checksums=self.facts(self.folder / CHECKSUMS).sha256))
        return open_image(self.folder)

    def finish_with_books(self, options: Mapping[str, str] | None = None) -> Image:
        """Write everything that an image has, and open it."""
        write_books(self.folder, self.manifest(options or {}), lambda text: None)
        return open_image(self.folder)

    def manifest(self, options: Mapping[str, str]) -> Manifest:
        lobs = [path.stat().st_size for path in (self.folder / LOBS).rglob("*") if path.is_file()]
        return Manifest(
            image_id="test",
            tool="test",
            started="2026-01-01T00:00:00Z",
            finished="2026-01-01T00:00:00Z",
            complete=True,
            server=ServerFacts("sqlite", "3", "sqlite3", "test"),
            snapshots=(),
            prove="counts",
            options=options,
            tables=tuple(self.tables),
            lobs=(len(lobs), sum(lobs)),
        )


@pytest.fixture
def images(tmp_path: Path) -> Callable[[], Images]:
    """Return a function that begins a new image in a folder of its own."""
    count = 0

    def begin() -> Images:
        nonlocal count
        count += 1
        folder = tmp_path / f"image{count}"
        folder.mkdir()
        return Images(folder)

    return begin


@pytest.fixture
def given() -> type[Given]:
    """Return the class of a test's columns."""
    return Given


@pytest.fixture(scope="session")
def dumped() -> Callable[..., Image]:
    """Return a function that dumps a database into a folder, with the planner and the writer of parts."""

    def dump(access: Access, folder: Path, *schemas: str, chunk_size: int = 16384, form: str = "") -> Image:
        content = Content(schemas, chunk_size=chunk_size, lob_threshold=64)
        source = connect(access)
        try:
            source.begin("readonly")
            plan = make_plan(source, access.url, content, lambda *_: None)
            tables = [_dump_table(source, folder, table, content.lob_threshold) for table in plan.tables]
        finally:
            source.close()
        write_plan(folder, plan)
        made = Images(folder, tables)
        if form:
            return made.finish_with_books({**plan.content.told(), "format": form})
        return made.finish(options=plan.content.told())

    return dump


def _dump_table(source: Source, folder: Path, table: TablePlan, lob_threshold: int) -> ImageTable:
    parts: list[Part] = []
    for chunk in table.chunks:
        batches = source.read(table, chunk, Reading(rows=500), LobStore(folder / LOBS, lob_threshold))
        parts += write_parts(folder, chunk, schema_of(table), batches, lambda batch: None)
    return ImageTable(table.schema, table.columns, tuple(parts))
