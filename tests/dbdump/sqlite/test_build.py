"""SQLite files: every value as it was in the parts, keys and indexes where the rows keep them, equal bytes."""

import runpy
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dbdump.errors import ImageError
from dbdump.image import Image
from dbdump.schema import Column, Family, Index, Key, KeyKind, TableName, TableSchema
from dbdump.sqlite import lob_values
from dbdump.sqlite.build import write_sqlite, write_sqlite_files
from dbdump.sqlite.parts import BATCH_SIZE, batches, open_part
from dbdump.stored import Form
from legacy.errors import MachineError

made = runpy.run_path(str(Path(__file__).parent.parent / "books" / "small_image.py"))
add_table, save, stored = made["add_table"], made["save"], made["stored"]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    opened: Image = made["make_image"](tmp_path / "image")
    return opened


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(sql).fetchall()


def one_table(folder: Path, kind: str, values: list[Any], **facts: Any) -> Image:
    """An image with one table of one column A."""
    folder.mkdir()
    schema = TableSchema(TableName("S", "T"), (Column("A", "?", Family.TEXT),), **facts)
    return save(folder, [add_table(folder, schema, [stored("A", kind)], [[(value,) for value in values]])])


def test_values_are_those_of_the_parts(image: Image, tmp_path: Path) -> None:
    target = tmp_path / "x.sqlite"
    counted: list[int] = []
    written = write_sqlite(image, image.manifest.tables, target, views=image.manifest.views, progress=counted.append)
    assert (written.tables, written.rows, sum(counted)) == (5, 12, 12)
    assert rows(target, 'SELECT * FROM "RUN" ORDER BY rowid') == [
        (1, "default", "2008-05-30T23:59:59.000001", "12.5000"),
        (2, "", None, None),
        (3, "nul\0 and «é»", "0001-01-01T00:00:00.000000", "-99999999.9999"),
    ]
    inf, tenth = float("inf"), 0.10000000149011612  # the float nearest to 0.1
    assert rows(target, 'SELECT * FROM "om rate" ORDER BY rowid') == [
        (1, 1, "2008-05-30T00:00:00", 61.25, tenth, 2**63 - 1),
        (1, 2, None, "NaN", inf, -(2**63)),
        (2, 1, "9999-12-31T23:59:59", None, "NaN", None),
        (4, 1, None, 0.1, -inf, 0),
    ]
    assert rows(target, 'SELECT * FROM "Run_2"') == [
        (
            *("0f8fad5b", 1, "2008-05-30", "01:02:03.000004", "2008-01-10T21:20:00.123456789Z", "+02:00"),
            *("0.000000000001", "1" + "0" * 37, -14),
        ),
        (None, 0, None, None, None, None, "0.000000000000", "-1", None),
    ]
    assert rows(target, 'SELECT * FROM "_sqlite_empty"') == []


def test_long_values_are_in_their_rows(image: Image, tmp_path: Path) -> None:
    target = tmp_path / "x.sqlite"
    write_sqlite(image, image.manifest.tables, target)
    text, data = made["LONG"], made["LONG_BYTES"]
    assert rows(target, "SELECT * FROM FILES ORDER BY NAME") == [
        ("big", text, None, len(text.encode()), data, None, len(data)),
        ("none", None, None, None, None, None, None),
        ("small", "kurz", None, 4, b"\0\xff", None, 2),
    ]


def test_values_too_long_for_a_row_stay_files(image: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x.sqlite"
    monkeypatch.setattr(lob_values, "LARGEST_ROW", len(made["LONG"].encode()))
    written = write_sqlite(image, image.manifest.tables, target)
    assert "FILES: 1 values are too long for a row and stay files below lobs/" in written.notes
    ((text, text_file, data, data_file),) = rows(
        target, "SELECT TEXT, TEXT__lob, DATA, DATA__lob FROM FILES WHERE NAME = 'big'"
    )
    assert (text, text_file, data) == (made["LONG"], None, None)
    assert image.lob_path(data_file).read_bytes() == made["LONG_BYTES"]


def test_a_damaged_long_value_is_an_error(image: Image, tmp_path: Path) -> None:
    (path,) = [path for path in (image.folder / "lobs").rglob("ae*") if path.is_file()]
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ImageError, match="content is not what its name says"):
        write_sqlite(image, image.manifest.tables, tmp_path / "x.sqlite")
    path.unlink()
    with pytest.raises(ImageError, match="missing"):
        write_sqlite(image, image.manifest.tables, tmp_path / "x.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["image"]


def test_keys_and_indexes(image: Image, tmp_path: Path) -> None:
    target = tmp_path / "x.sqlite"
    written = write_sqlite(image, image.manifest.tables, target)
    keys = rows(target, "SELECT name FROM pragma_table_info('om rate') WHERE pk ORDER BY pk")
    assert keys == [("RUN_ID",), ("OM",)]
    assert rows(target, """SELECT "table", "from", "to" FROM pragma_foreign_key_list('om rate')""") == [
        ("RUN", "RUN_ID", "RUN_ID")
    ]
    indexes = rows(target, """SELECT name, "unique" FROM pragma_index_list('RUN') ORDER BY name""")
    assert indexes == [("RUN_SETUP", 0), ("RUN_UQ", 1)]
    assert rows(target, "PRAGMA integrity_check") == [("ok",)]
    assert len(rows(target, "PRAGMA foreign_key_check")) == 1
    assert "om rate: 1 rows refer to no row of RUN" in written.notes
    assert any("RUN_UPPER is not made" in note for note in written.notes)
    undeclared = rows(target, "SELECT name, note FROM _keys WHERE note <> '' ORDER BY name")
    assert [name for name, _ in undeclared] == ["RATE_ELSEWHERE", "RUN_CK"]


def test_what_the_source_says_is_kept(image: Image, tmp_path: Path) -> None:
    target = tmp_path / "x.sqlite"
    write_sqlite(image, image.manifest.tables, target, views=image.manifest.views)
    about = "SELECT source_name, comment, rows FROM _tables WHERE name = 'Run_2'"
    assert rows(target, about) == [("Run", "Odd names", 2)]
    column = "SELECT source_type, sqlite_type, nullable, default_value, comment FROM _columns WHERE name = 'RUN_ID'"
    assert rows(target, f"{column} AND table_name = 'RUN'") == [("NUMBER(10)", "INTEGER", 0, None, "Number of the run")]
    assert rows(target, "SELECT * FROM _views") == [("ENV", "V/RATES", "SELECT 1 FROM DUAL", "A view")]
    assert rows(target, "PRAGMA foreign_key_check(_columns)") == []


def test_equal_contents_give_equal_bytes(image: Image, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_sqlite(image, image.manifest.tables, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("kind", "values"),
    [("int64", [1, 2, 2]), ("int64", [1, None]), ("string", ["a", "b", "a"]), ("double", [1.0, 1.0])],
)
def test_rows_that_do_not_keep_their_key_are_kept(kind: str, values: list[Any], tmp_path: Path) -> None:
    keys = (Key(KeyKind.PRIMARY, "PK", ("A",)), Key(KeyKind.UNIQUE, "UQ", ("A",)))
    image = one_table(tmp_path / "i", kind, values, keys=keys)
    counted: list[int] = []
    written = write_sqlite(image, image.manifest.tables, tmp_path / "x", progress=counted.append)
    assert rows(tmp_path / "x", "SELECT A FROM T ORDER BY rowid") == [(value,) for value in values]
    assert any("the primary key is not declared" in note for note in written.notes)
    assert any("is not unique" in note for note in written.notes) == (None not in values)
    assert sum(counted) == len(values)
    assert rows(tmp_path / "x", "SELECT note FROM _keys WHERE kind = 'primary'") != [("",)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([Decimal(2**63 - 1), None, Decimal(-(2**63))], "integer"),
        ([Decimal(2**63), Decimal(1)], "text"),
        ([Decimal(-(2**63) - 1)], "text"),
    ],
)
@pytest.mark.parametrize("statistics", [True, False])
def test_wide_whole_numbers_are_integers_where_they_fit(
    values: list[Decimal | None], kind: str, statistics: bool, tmp_path: Path
) -> None:
    image = one_table(tmp_path / "i", "decimal128(38, 0)", values)
    if not statistics:  # other programs write parts without them
        path = image.path(image.manifest.tables[0].parts[0].file)
        pq.write_table(pq.read_table(path), path, write_statistics=False)
    write_sqlite(image, image.manifest.tables, tmp_path / "x")
    found = rows(tmp_path / "x", "SELECT A, typeof(A) FROM T")
    assert [None if text is None else Decimal(text) for text, _ in found] == values
    assert {how for value, how in found if value is not None} == {kind}


def test_more_columns_than_sqlite_takes(tmp_path: Path) -> None:
    names = [f"C{number}" for number in range(4100)]
    schema = TableSchema(
        TableName("S", "WIDE"),
        tuple(Column(name, "NUMBER(9)", Family.DECIMAL, 9, 0) for name in names),
        keys=(Key(KeyKind.PRIMARY, "PK", ("C0",)),),
        indexes=(Index("IX", ("C4000",)),),
    )
    (tmp_path / "i").mkdir()
    content = [[10 * row + number for number in range(4100)] for row in (3, 1, 2)]
    table = add_table(tmp_path / "i", schema, [stored(name, "int64") for name in names], [content[:2], content[2:]])
    image = save(tmp_path / "i", [table])
    written = write_sqlite(image, image.manifest.tables, tmp_path / "x")
    expected = [(row[0], row[2000], row[4099]) for row in content]
    found = rows(
        tmp_path / "x",
        "SELECT a.C0, b.C2000, c.C4099 FROM WIDE a JOIN WIDE_2 b ON b.rowid = a.rowid "
        "JOIN WIDE_3 c ON c.rowid = a.rowid ORDER BY a.rowid",
    )
    assert found == expected
    assert rows(tmp_path / "x", "SELECT name, rows FROM _tables") == [("WIDE", 3), ("WIDE_2", 3), ("WIDE_3", 3)]
    assert any("IX is not made" in note for note in written.notes)


def test_tables_that_are_not_there_are_named(tmp_path: Path) -> None:
    column = Column("A", "NUMBER(9)", Family.DECIMAL, 9, 0)
    gone = made["ImageTable"](TableSchema(TableName("S", "GONE"), (column,)), (), problem="no right to read it")
    bare = made["ImageTable"](TableSchema(TableName("S", "BARE"), ()), ())
    tmp_path.joinpath("i").mkdir()
    image = save(tmp_path / "i", [gone, bare], complete=False)
    written = write_sqlite(image, image.manifest.tables, tmp_path / "x")
    assert rows(tmp_path / "x", "SELECT name, rows, note FROM _tables ORDER BY name") == [
        ("BARE", None, "it has no columns, and SQLite has no such tables"),
        ("GONE", None, "not in the image: no right to read it"),
    ]
    assert len(written.notes) == 2
    assert rows(tmp_path / "x", "SELECT name FROM sqlite_master WHERE name IN ('GONE', 'BARE')") == []


def test_tables_of_several_schemas_have_both_names(tmp_path: Path) -> None:
    (tmp_path / "i").mkdir()
    tables = [
        add_table(
            tmp_path / "i",
            TableSchema(TableName(schema, "T"), (Column("A", "?", Family.TEXT),)),
            [stored("A", "string")],
            [[(schema,)]],
        )
        for schema in ("A", "a")
    ]
    image = save(tmp_path / "i", tables)
    write_sqlite(image, image.manifest.tables, tmp_path / "x")
    assert rows(tmp_path / "x", 'SELECT * FROM "A.T" UNION ALL SELECT * FROM "a.T_2"') == [("A",), ("a",)]


def test_one_file_for_each_schema(image: Image, tmp_path: Path) -> None:
    facts, notes = write_sqlite_files(image.folder, image.manifest)
    assert [fact.path for fact in facts] == ["sqlite/ENV.sqlite"]
    assert facts[0] == made["facts_of"](image.folder, "sqlite/ENV.sqlite")
    assert notes
    assert all(note.startswith("sqlite/ENV.sqlite: ") for note in notes)


def damages() -> Iterator[tuple[str, Any]]:
    yield "not a Parquet file", lambda path: path.write_bytes(path.read_bytes()[:100])
    yield "columns or rows are not those", lambda path: pq.write_table(pa.table({"A": ["x"]}), path)
    yield "columns or rows are not those", lambda path: pq.write_table(pq.read_table(path).slice(1), path)
    yield "cannot be read", lambda path: path.write_bytes(b"PAR1" + b"\xff" * 200 + path.read_bytes()[204:])


@pytest.mark.parametrize(("message", "damage"), list(damages()))
def test_a_damaged_part_is_an_error(message: str, damage: Any, tmp_path: Path) -> None:
    image = one_table(tmp_path / "i", "int64", list(range(1000)))
    damage(image.path(image.manifest.tables[0].parts[0].file))
    with pytest.raises(ImageError, match=message):
        write_sqlite(image, image.manifest.tables, tmp_path / "x")
    assert not list(tmp_path.glob("x*"))


def test_a_disk_without_room_leaves_nothing_and_says_so(
    tmp_path: Path, file_size_limit: Callable[[int], AbstractContextManager[None]]
) -> None:
    image = one_table(tmp_path / "i", "binary", [bytes([number % 256]) * 5000 for number in range(100)])
    with file_size_limit(100_000), pytest.raises(MachineError, match="SQLite cannot write"):
        write_sqlite(image, image.manifest.tables, tmp_path / "x")
    assert not list(tmp_path.glob("x*"))


def test_long_values_do_not_come_all_at_once(tmp_path: Path) -> None:
    """Equal values are small in a part, and not in memory."""
    columns = [
        stored("A", "string", Form.LOB),
        stored("A__lob", "string", Form.LOB_FILE, column="A"),
        stored("A__size", "int64", Form.LOB_SIZE, column="A"),
    ]
    (tmp_path / "i").mkdir()
    schema = TableSchema(TableName("S", "T"), (Column("A", "CLOB", Family.LOB_TEXT),))
    value = "x" * 200_000
    table = add_table(tmp_path / "i", schema, columns, [[(value, None, len(value))] * 500])
    image = save(tmp_path / "i", [table])
    assert (image.path(table.parts[0].file)).stat().st_size < 100_000
    with open_part(image.folder, table, table.parts[0]) as part:
        sizes = [batch.nbytes for batch in batches(part, tmp_path, table)]
    assert sum(sizes) > 500 * 200_000
    assert max(sizes) <= BATCH_SIZE + len(value)
