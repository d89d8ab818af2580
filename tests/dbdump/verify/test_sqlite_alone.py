"""Rows that a SQLite file alone has: every value and the order of rows come back exactly, and damage is named."""

import runpy
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dbdump.errors import ImageError
from dbdump.image import PARQUET, SQLITE, Image, ImageTable, SqliteRows, manifest_text, open_image, write_manifest
from dbdump.query import query
from dbdump.seal import seal
from dbdump.sqlite import restore
from dbdump.sqlite.alone import in_sqlite_alone
from dbdump.sqlite.build import write_sqlite_files
from dbdump.sqlite.restore import from_sqlite, restored
from dbdump.stored import Form
from dbdump.verify.offline import verify_offline
from dbdump.verify.same import different_rows

Images = Any
Given = Any
plain = runpy.run_path(str(Path(__file__).parent / "test_aggregates_and_digest.py"))
ALONE = {"format": "sqlite"}


def rows_of(image: Image, table: ImageTable) -> pa.Table:
    names = [column.name for column in table.columns]
    return pa.Table.from_batches([b for span in table.slices for b in restored(image.folder, table, span, names)])


def without_metadata(table: pa.Table) -> pa.Table:
    return pa.table({name: table.column(name) for name in table.column_names})


def read_parts(folder: Path, table: ImageTable) -> pa.Table:
    return without_metadata(pa.concat_tables(pq.read_table(folder / part.file.path) for part in table.parts))


def same(left: pa.Table, right: pa.Table) -> bool:
    """Floats to the last bit; Parquet has no timestamps of seconds."""
    pairs = zip(left.columns, right.columns, strict=True)
    return left.column_names == right.column_names and not any(
        different_rows(one.combine_chunks(), other.combine_chunks().cast(one.type)) for one, other in pairs
    )


@pytest.mark.parametrize("parts", [(), (3,), (1, 0, 4)])
def test_every_type_comes_back(images: Callable[[], Images], given: type[Given], parts: tuple[int, ...]) -> None:
    columns = [one for one in plain["columns_of_every_type"](given) if one.name != "clock"]
    # No dump writes 24:00:00 as a time: it makes text of such a column.
    columns.append(given("clock", "time64[us]", [0, 86_399_999_999, None, 1, 3_600_000_000, 2, 5, 6]))
    made = images()
    table = made.table("ALL", *columns, parts=parts)
    before = read_parts(made.folder, table)
    image = made.finish_with_books(ALONE)
    (moved,) = image.manifest.tables
    assert moved.parts == ()
    assert not (image.folder / PARQUET).exists()
    assert same(without_metadata(rows_of(image, moved)), before)
    assert [(span.rows, span.chunk) for span in moved.slices] == [(part.rows, part.chunk) for part in table.parts]
    assert moved.sqlite is not None
    assert moved.sqlite.digest == plain["expected_digest"](columns)
    report = verify_offline(image)
    assert not report.failed, report.to_text()
    assert plain["digest"](image, moved) == moved.sqlite.digest
    found = plain["facts"](image, moved)
    for one in columns:
        if one.arrow not in ("float", "double", "time64[us]"):
            assert found[one.name].aggregate == plain["expected"](one), one.name


def test_bits_that_sqlite_does_not_keep(images: Callable[[], Images], given: type[Given]) -> None:
    made = images()
    bits = [0x7FF8000000000000, 0x7FF8000000000001, 0xFFF8000000000000, 0x8000000000000000, 0, 0x7FF0000000000001]
    doubles = pa.array(bits, pa.uint64()).view(pa.float64())
    table = made.table("F", given("d", "double", [0.0] * len(bits)))
    path = made.folder / table.parts[0].file.path
    pq.write_table(pa.Table.from_arrays([doubles], schema=pq.read_schema(path)), path)
    made.tables[:] = [replace(table, parts=(replace(table.parts[0], file=made.facts(path)),))]
    image = made.finish_with_books(ALONE)
    (moved,) = image.manifest.tables
    found = rows_of(image, moved).column("d").combine_chunks().view(pa.uint64())
    assert found.to_pylist() == bits
    with closing(sqlite3.connect(image.folder / SQLITE / "SEA.sqlite")) as database:
        shown = [value for (value,) in database.execute("SELECT d FROM F ORDER BY rowid")]
    assert shown == ["NaN", "0x7ff8000000000001", "0xfff8000000000000", "0x8000000000000000", 0.0, "0x7ff0000000000001"]


def test_the_order_of_rows_lasts_though_the_key_is_a_number(images: Callable[[], Images], given: type[Given]) -> None:
    """INTEGER PRIMARY KEY would be the number of the row, and sort the rows by it."""
    made = images()
    made.table("K", given("ID", "int64", [30, 10, 20, -5]), given("x", "string", list("abcd")), parts=(2,), key="ID")
    image = made.finish_with_books(ALONE)
    (table,) = image.manifest.tables
    assert rows_of(image, table).to_pydict() == {"ID": [30, 10, 20, -5], "x": list("abcd")}
    with closing(sqlite3.connect(image.folder / SQLITE / "SEA.sqlite")) as database:
        assert database.execute("SELECT x FROM K WHERE ID = 10").fetchall() == [("b",)]
        keys = database.execute("SELECT name FROM pragma_table_info('K') WHERE pk").fetchall()
    assert keys == [("ID",)]


@pytest.mark.parametrize("names", [["rowid"], ["rowid", "_ROWID_"], ["oid", "rowid", "_rowid_"]])
def test_columns_that_are_called_like_the_number_of_a_row(
    images: Callable[[], Images], given: type[Given], names: list[str]
) -> None:
    made = images()
    values = [[7 + n, 3 - n, 5, 1] for n in range(len(names))]
    made.table("R", *(given(name, "int64", one) for name, one in zip(names, values, strict=True)), parts=(1, 2))
    image = made.finish_with_books(ALONE)
    (table,) = image.manifest.tables
    assert rows_of(image, table).to_pydict() == dict(zip(names, values, strict=True))


def test_more_columns_than_sqlite_takes(
    images: Callable[[], Images], given: type[Given], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbdump.sqlite.shape.MOST_COLUMNS", 20)  # 2000 take many seconds
    made = images()
    columns = [given(f"c{n}", "int64", [n, None, -n]) for n in range(23)]
    table = made.table("WIDE", *columns, parts=(2,))
    before = read_parts(made.folder, table)
    image = made.finish_with_books(ALONE)
    (moved,) = image.manifest.tables
    assert moved.sqlite is not None
    assert moved.sqlite.names == ("WIDE", "WIDE_2")
    assert same(without_metadata(rows_of(image, moved)), before)
    two = list(restored(image.folder, moved, moved.sqlite.spans[1], ["c21", "c0", "c20"]))
    assert [batch.to_pydict() for batch in two] == [{"c21": [-21], "c0": [0], "c20": [-20]}]
    assert not verify_offline(image).failed
    change(image, "DELETE FROM WIDE_2 WHERE rowid = 3")
    with pytest.raises(ImageError, match="different numbers of rows"):
        rows_of(image, moved)


def test_long_values_stay_files(images: Callable[[], Images], given: type[Given]) -> None:
    made = images()
    text = "Ω" * 500
    name = made.lob(text.encode())
    made.table(
        "LOBS",
        given("t", "string", [None, "kurz", None], Form.LOB),
        given("t__lob", "string", [name, None, None], Form.LOB_FILE, "t"),
        given("t__size", "int64", [1000, 4, None], Form.LOB_SIZE, "t"),
    )
    image = made.finish_with_books(ALONE)
    (table,) = image.manifest.tables
    assert rows_of(image, table).to_pydict()["t__lob"] == [name, None, None]
    assert not verify_offline(image).failed
    assert plain["facts"](image, table)["t"].aggregate.total == "504"
    image.lob_path(name).unlink()
    assert any(name in fault.path for one in verify_offline(image).tables for fault in one.faults)


def test_batches_are_bounded_by_bytes(
    images: Callable[[], Images], given: type[Given], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "BATCH_SIZE", 10_000)
    monkeypatch.setattr(restore, "_STEP", 5)
    made = images()
    made.table("T", given("t", "string", ["x" * 1000] * 100))
    image = made.finish_with_books(ALONE)
    (table,) = image.manifest.tables
    sizes = [batch.num_rows for batch in restored(image.folder, table, table.sqlite.spans[0], ["t"])]
    assert sizes == [10] * 10


@pytest.fixture
def image(images: Callable[[], Images], given: type[Given]) -> Image:
    """Two tables in one SQLite file."""
    made = images()
    made.table("A", given("n", "int64", [1, 2, 3]), given("x", "decimal128(5, 2)", ["1.25", "2.5", None]))
    made.table("B", given("s", "timestamp[s]", [0, 1, 2]), parts=(1,))
    found: Image = made.finish_with_books(ALONE)
    return found


def change(image: Image, *statements: str) -> None:
    with closing(sqlite3.connect(image.folder / SQLITE / "SEA.sqlite")) as database, database:
        for statement in statements:
            database.execute(statement)


def test_a_changed_value_is_named_with_its_table(image: Image) -> None:
    change(image, "UPDATE A SET x = '1.26' WHERE n = 1")
    report = verify_offline(image)
    assert report.failed
    first, second = report.tables
    assert [fault.problem for fault in first.faults] == ["the rows of table SEA.A are not those that were written"]
    assert not second.failed
    assert any("rows are as they were written" in note for note in second.notes)
    assert any("content was changed" in fault.problem for fault in report.faults)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM A WHERE n = 2", "has 2 rows, the manifest says 3"),
        ("DROP TABLE A", "has 0 columns, the manifest says 2"),
        ("ALTER TABLE A ADD COLUMN more", "has 3 columns, the manifest says 2"),
        ("UPDATE A SET n = 'three' WHERE n = 3", "a value is not what the manifest says"),
        ("UPDATE A SET x = '1.255' WHERE n = 3", "a value is not what the manifest says"),
        ("UPDATE A SET rowid = 9 WHERE n = 3", "has 2 rows from number 1 on, not 3"),
    ],
)
def test_damage_is_told(image: Image, statement: str, problem: str) -> None:
    change(image, statement)
    (first, second) = verify_offline(image).tables
    assert problem in " ".join(fault.problem for fault in first.faults)
    assert not second.failed
    if not statement.startswith("ALTER"):
        with pytest.raises(ImageError, match=r"sqlite/SEA\.sqlite"), query(image, "SELECT * FROM A") as answer:
            list(answer.batches)


def test_a_file_that_is_cut_or_gone(image: Image) -> None:
    path = image.folder / SQLITE / "SEA.sqlite"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    report = verify_offline(image)
    assert report.failed
    path.unlink()
    report = verify_offline(image)
    assert all(table.failed for table in report.tables)
    assert "it is missing" in report.tables[0].faults[0].problem


def test_a_manifest_that_names_no_file(image: Image) -> None:
    (first, *others) = image.manifest.tables
    for path in ("../../etc/passwd", "sqlite/OTHER.sqlite"):
        assert isinstance(first.sqlite, SqliteRows)
        wrong = replace(first, sqlite=replace(first.sqlite, path=path))
        write_manifest(image.folder, replace(image.manifest, tables=(wrong, *others)))
        with pytest.raises(ImageError, match=r"names no SQLite file for the rows of SEA\.A"):
            open_image(image.folder)


def test_a_value_that_sqlite_gives_back_otherwise_stops_the_move(
    images: Callable[[], Images], given: type[Given]
) -> None:
    made = images()
    table = made.table("A", given("n", "int64", [1, 2, 3]), given("t", "string", ["a", "b", None]), parts=(1,))
    manifest = made.manifest(ALONE)
    files, _ = write_sqlite_files(made.folder, manifest, exact=True)
    manifest = replace(manifest, sqlite=files)
    assert in_sqlite_alone(made.folder, manifest, lambda _: None).in_sqlite_alone
    path = made.folder / SQLITE / "SEA.sqlite"
    for statement, problem in [
        ("UPDATE A SET t = 'B' WHERE n = 2", r"column t, row 2: 'b' in the part, 'B' in SQLite"),
        ("UPDATE A SET t = '' WHERE n = 3", r"column t, row 3: NULL in the part, '' in SQLite"),
        ("INSERT INTO A VALUES (4, 'd')", "has 4 rows, the manifest says 3"),
    ]:
        kept = path.read_bytes()
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(statement)
        with pytest.raises(ImageError, match=problem):
            in_sqlite_alone(made.folder, manifest, lambda _: None)
        path.write_bytes(kept)
    assert (made.folder / table.parts[0].file.path).is_file()


def test_a_table_that_is_missing_keeps_the_parts(images: Callable[[], Images], given: type[Given]) -> None:
    """The next run goes on from them."""
    made = images()
    table = made.table("A", given("n", "int64", [1, 2, 3]))
    made.tables.append(replace(table, schema=replace(table.schema, name=replace(table.name, name="B")), parts=()))
    made.tables[-1] = replace(made.tables[-1], problem="no right")
    whole = made.manifest
    made.manifest = lambda options: replace(whole(options), complete=False)
    image = made.finish_with_books(ALONE)
    assert not image.manifest.in_sqlite_alone
    assert image.path(image.table("A").parts[0].file).is_file()
    assert (image.folder / SQLITE / "SEA.sqlite").is_file()
    assert not verify_offline(image).failed


def test_it_is_sealed_and_copied(image: Image, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(image.folder, copy)
    sealed = seal(copy)
    assert sealed.foreign == ()
    assert not verify_offline(open_image(copy)).failed
    with query(open_image(copy), "SELECT count(*) AS n FROM A, B") as answer:
        assert [batch.to_pydict() for batch in answer.batches] == [{"n": [9]}]
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755)


def test_what_says_nothing_of_sqlite_is_read_as_before(images: Callable[[], Images], given: type[Given]) -> None:
    """Manifests of before have no key for it."""
    made = images()
    made.table("A", given("n", "int64", [1]))
    image = made.finish()
    assert '"sqlite": null' in manifest_text(image.manifest)
    assert image.manifest.tables[0].slices == image.manifest.tables[0].parts


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1.5"], pa.int64()),
        ([2], pa.bool_()),
        (["12:00"], pa.time64("us")),
        (["2008-13-01"], pa.date32()),
        (["0xzz"], pa.float64()),
        ([1.5, "NaN", b"x"], pa.float64()),
        (["1e5x"], pa.decimal128(5, 2)),
        ([1.5], pa.string()),
    ],
)
def test_values_that_are_none_of_their_type(values: list[object], kind: pa.DataType) -> None:
    with pytest.raises((ValueError, TypeError, pa.ArrowException)):
        from_sqlite(values, kind)
