"""Images of real SQLite files, compared with the files by the SQLite source: it shares no code with the image side."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dbdump.dump.planfile import read_plan
from dbdump.errors import ImageError
from dbdump.image import Image, open_image
from dbdump.sources.contract import Source
from dbdump.sources.opening import Access, OpenOptions, open_source
from dbdump.verify.levels import Extent, verify
from dbdump.verify.report import Report
from legacy.errors import UsageError

Dumped = Callable[[Access, Path], Image]


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    source = open_source(OpenOptions(f"sqlite:///{path}"))
    try:
        yield source
    finally:
        source.close()


def check(path: Path, image: Image, level: int, *tables: str) -> Report:
    plans = read_plan(image.folder).tables if level == 3 else ()
    with opened(path) as source:
        return verify(image, source, Extent(level, tables), plans=plans)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


@pytest.fixture(scope="module")
def sea(tmp_path_factory: pytest.TempPathFactory, dumped: Dumped) -> tuple[Path, Image]:
    """A file with every kind of column that SQLite can have, extremes of each, and its image; nobody changes them."""
    folder = tmp_path_factory.mktemp("sea")
    path = folder / "sea.sqlite"
    make_sea(path)
    return path, dumped(Access(f"sqlite:///{path}"), folder / "image")


@pytest.fixture
def database(sea: tuple[Path, Image], tmp_path: Path) -> Path:
    """A copy of the database, to be changed."""
    return Path(shutil.copy(sea[0], tmp_path))


@pytest.fixture
def image(sea: tuple[Path, Image]) -> Image:
    return sea[1]


@pytest.fixture
def damaged(sea: tuple[Path, Image], tmp_path: Path) -> Image:
    """A copy of the image, to be damaged."""
    return open_image(Path(shutil.copytree(sea[1].folder, tmp_path / "image")))


def make_sea(path: Path) -> None:
    with closing(sqlite3.connect(path)) as made, made:
        made.execute(
            "CREATE TABLE ctd (id INTEGER PRIMARY KEY, at TIMESTAMP, temp REAL, cents NUMERIC(10,2), name VARCHAR(50), "
            "good BOOLEAN, raw BLOB, log CLOB, mix)"
        )
        rows = [
            (
                n,
                f"2008-05-{n % 28 + 1:02}T{n % 24:02}:00:00",
                None if n % 7 == 0 else n / 3 - 5,
                None if n % 11 == 0 else (n * 37 % 10000) / 100,
                f"name {n} \U0001f30a" + " " * (n % 3) if n % 5 else None,
                n % 2,
                bytes([n % 256]) * (n % 100) if n % 13 else None,
                "Ω" * (n % 90) if n % 17 else None,
                (None, n, n / 7, f"text {n}", b"bytes")[n % 5],
            )
            for n in range(1, 301)
        ]
        made.executemany(f"INSERT INTO ctd VALUES ({','.join('?' * 9)})", rows)
        made.execute("CREATE TABLE ends (i INTEGER, f DOUBLE, t TEXT, z TEXT)")
        ends = [
            (-(2**63), -0.0, "", None),
            (2**63 - 1, 5e-324, "a\0b", None),
            (2**63 - 1, float("inf"), "\ufffd\u0085", None),
            (2**63 - 1, float("-inf"), "'\"/%_\n\t", None),
            (None, 1.7e308, None, None),
            (0, 1e16, "z" * 400, None),
        ]
        made.executemany("INSERT INTO ends VALUES (?, ?, ?, ?)", ends)
        # Three digits after the point where two are declared: exact only as text.
        made.execute("CREATE TABLE numbers (id INTEGER PRIMARY KEY, n NUMERIC(8,2))")
        made.executemany("INSERT INTO numbers VALUES (?, ?)", [(1, 12.345), (2, 45.678), (3, 98.765), (4, None)])
        made.execute("CREATE TABLE empty (a INTEGER, b NUMERIC(5,1), c BLOB)")
        made.execute('CREATE TABLE "odd/name ""x"" select" ("from" INTEGER, "Ω ;--" TEXT)')
        made.execute('INSERT INTO "odd/name ""x"" select" VALUES (1, \'x\')')
        made.execute("CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID")
        made.executemany("INSERT INTO pairs VALUES (?, ?)", [(str(n % 10), str(n)) for n in range(100)])


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_image_is_the_same_as_its_source(database: Path, image: Image, level: int) -> None:
    report = check(database, image, level)
    assert not report.failed, report.to_text()
    assert [table.table for table in report.tables] == [str(table.name) for table in image.manifest.tables]
    assert {table.table: table.source_rows for table in report.tables}["main.ctd"] == 300
    values = {table.table: table.values for table in report.tables}["main.ctd"]
    columns = len(image.table("ctd").columns)
    assert values == (300 * columns if level == 3 else 0)
    notes = [note for table in report.tables for note in table.notes]
    assert not [note for note in notes if "not compared" in note]
    assert any((image.folder / "lobs").rglob("??" + "?" * 62)), "the test needs large values in files"
    assert len(image.table("ctd").parts) > 1, "the test needs several parts"


CHANGES = {
    "a number": ("UPDATE ctd SET cents = cents + 0.01 WHERE id = 150", 1, "cents"),
    "a number that is text": ("UPDATE numbers SET n = 45.679 WHERE id = 2", 1, "n"),
    "a float": ("UPDATE ctd SET temp = temp + 0.5 WHERE id = 150", 1, "temp"),
    "a trailing blank": ("UPDATE ctd SET name = name || ' ' WHERE id = 151", 1, "name"),
    "a null for a value": ("UPDATE ctd SET temp = NULL WHERE id = 150", 1, "temp"),
    "an empty text for a null": ("UPDATE ctd SET name = '' WHERE id = 150", 1, "name"),
    "a large value longer": ("UPDATE ctd SET log = log || 'x' WHERE id = 80", 1, "log"),
    "a boolean": ("UPDATE ctd SET good = 1 - good WHERE id = 150", 1, "good"),
    "the last bit": ("UPDATE ends SET f = 10000000000000002.0 WHERE f = 1e16", 2, "f"),
    "an hour": ("UPDATE ctd SET at = '2008-05-11T07:00:00' WHERE id = 150", 2, "at"),
    "a byte of a large value": ("UPDATE ctd SET raw = zeroblob(length(raw)) WHERE id = 80", 2, "raw__lob"),
    "a letter of a large value": ("UPDATE ctd SET log = 'Ψ' || substr(log, 2) WHERE id = 80", 2, "log__lob"),
    "a kind of value": ("UPDATE ctd SET mix = CAST(mix AS TEXT) WHERE id = 151", 1, "mix__class"),
}
OTHERS = "at, temp, cents, name, good, raw, log, mix"


@pytest.mark.parametrize("name", CHANGES)
def test_level_that_claims_it_finds_each_change(database: Path, image: Image, name: str) -> None:
    statement, level, column = CHANGES[name]
    change(database, statement)
    for higher in range(level, 4):
        report = check(database, image, higher)
        assert report.failed, f"level {higher} did not see it"
        assert any(d.fact == "digest" for table in report.tables for d in table.differences) == (higher >= 2)
    named = {d.column for table in report.tables for d in table.differences}
    assert column in named, report.to_text()
    assert not check(database, image, level - 1).failed, "a lower level would do"


def test_two_cells_swapped_between_rows(database: Path, image: Image) -> None:
    with closing(sqlite3.connect(database)) as plain:
        temps = dict(plain.execute("SELECT id, temp FROM ctd WHERE id IN (100, 101)").fetchall())
    change(database, *[f"UPDATE ctd SET temp = {temps[201 - n]!r} WHERE id = {n}" for n in temps])
    assert not check(database, image, 1).failed
    assert check(database, image, 2).failed
    text = "\n".join(check(database, image, 3).to_text())
    assert "main.ctd, column temp, row" in text
    assert "(id=100)" in text
    assert "(id=101)" in text


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM ctd WHERE id = 150", "the source has 1 fewer: deleted since the dump"),
        ("INSERT INTO ctd (id, name) VALUES (301, 'new')", "the source has 1 more: added since the dump"),
        (
            "INSERT INTO ctd SELECT id + 300, at, temp, cents, name, good, raw, log, mix FROM ctd WHERE id = 150",
            "1 more",
        ),
    ],
    ids=["lost", "added", "doubled"],
)
def test_rows_lost_added_and_doubled(database: Path, image: Image, statement: str, said: str) -> None:
    change(database, statement)
    for level in range(4):
        report = check(database, image, level)
        assert report.failed
        assert said in "\n".join(report.to_text())
    (table,) = (table for table in report.tables if table.failed)
    facts = {(difference.fact, difference.column) for difference in table.differences}
    assert ("rows", "") in facts
    assert ("nulls", "temp") in facts or ("total", "temp") in facts


def test_only_the_first_different_values_are_named(database: Path, image: Image) -> None:
    change(database, "UPDATE ctd SET good = 1 - good")
    report = check(database, image, 3)
    (table,) = (table for table in report.tables if table.failed)
    assert len([d for d in table.differences if d.fact == "value"]) == 10
    assert table.differences[-1].image == "300 of them different"
    first = next(d for d in table.differences if d.fact == "value")
    assert (first.column, first.source, first.image) == ("good", "False", "True")
    assert first.where.startswith("row 1 of chunk 0 (id=1)")


def test_table_that_is_gone_or_cannot_be_read(database: Path, image: Image) -> None:
    change(database, "DROP TABLE pairs")
    report = check(database, image, 2)
    assert [table.table for table in report.tables if table.failed] == ["main.pairs"]
    (difference,) = report.tables[-1].differences or report.tables[-2].differences
    assert (difference.fact, difference.source) == ("table", "cannot be read")
    assert "not there any more" in difference.hint


def test_only_some_tables(database: Path, image: Image) -> None:
    change(database, "UPDATE ctd SET good = 1 - good")
    assert not check(database, image, 2, "pairs", "main.ENDS").failed
    assert [table.table for table in check(database, image, 2, "pairs", "main.ENDS").tables] == [
        "main.pairs",
        "main.ends",
    ]
    with pytest.raises(ImageError, match="no table is called 'nothing'"):
        check(database, image, 1, "nothing")


def test_damaged_part_is_a_fault_and_the_other_tables_are_compared(database: Path, damaged: Image) -> None:
    part = damaged.path(damaged.table("pairs").parts[0].file)
    part.write_bytes(part.read_bytes()[:-20])
    report = check(database, damaged, 1)
    assert [table.table for table in report.tables if table.failed] == ["main.pairs"]
    text = "\n".join(report.to_text())
    assert "parquet/main/pairs/part-00000.parquet: not a whole Parquet file" in text
    assert "restore it from a copy" in text


def test_part_of_another_table(database: Path, damaged: Image) -> None:
    shutil.copy(damaged.path(damaged.table("ends").parts[0].file), damaged.path(damaged.table("pairs").parts[0].file))
    text = "\n".join(check(database, damaged, 0).to_text())
    assert "its columns are not those of the manifest (missing: a, b)" in text


def test_damaged_pages_of_a_part(database: Path, damaged: Image) -> None:
    """The footer is good: only reading the rows shows it."""
    part = damaged.path(damaged.table("pairs").parts[0].file)
    content = bytearray(part.read_bytes())
    content[4:60] = b"\xff" * 56
    part.write_bytes(content)
    assert not check(database, damaged, 0).failed
    for level in (1, 2, 3):
        report = check(database, damaged, level)
        assert [table.table for table in report.tables if table.failed] == ["main.pairs"]


def test_no_such_level(database: Path, image: Image) -> None:
    with pytest.raises(UsageError, match="no level 4"):
        check(database, image, 4)


def test_level_3_without_its_plan(database: Path, image: Image) -> None:
    with opened(database) as source, pytest.raises(ImageError, match=r"no table main\.ctd.*use level 2"):
        verify(image, source, Extent(3))


def test_table_that_was_not_dumped(database: Path, image: Image) -> None:
    tables = [
        replace(table, parts=(), problem="no right to read it") if table.name.name == "ctd" else table
        for table in image.manifest.tables
    ]
    broken = Image(image.folder, replace(image.manifest, tables=tuple(tables)))
    for level in (0, 3):
        report = check(database, broken, level)
        assert [table.table for table in report.tables if table.failed] == ["main.ctd"]
        assert "main.ctd: table: source there, image not dumped; no right to read it" in "\n".join(report.to_text())


def test_lossy_columns_are_named_and_not_compared(database: Path, image: Image) -> None:
    ctd = image.table("ctd")
    columns = tuple(replace(one, lossy="rounded") if one.name in ("temp", "mix") else one for one in ctd.columns)
    tables = [replace(t, columns=columns) if t.name == ctd.name else t for t in image.manifest.tables]
    lossy = Image(image.folder, replace(image.manifest, tables=tuple(tables)))
    change(database, "UPDATE ctd SET temp = 99, mix = 99, name = name")
    report = check(database, lossy, 2)
    (changed,) = (table for table in report.tables if table.failed)
    assert {one.column for one in changed.differences} <= {"mix__class", ""}
    assert "main.ctd: not compared, as the dump could not have them exactly: temp, mix" in changed.notes


def test_threads_of_the_image_side(database: Path, image: Image) -> None:
    """Any number of threads gives the same, also more than there are parts."""
    with opened(database) as source:
        assert not verify(image, source, Extent(2, jobs=16)).failed


def test_report_for_programs(database: Path, image: Image) -> None:
    change(database, "UPDATE ctd SET temp = NULL WHERE id = 3")
    plain = json.loads(json.dumps(check(database, image, 1).to_dict()))
    assert (plain["level"], plain["failed"], plain["snapshot"]) == ("1", True, "readonly")
    assert plain["source"].startswith("sqlite 3")
    (ctd,) = (table for table in plain["tables"] if table["failed"])
    assert {"table": "main.ctd", "column": "temp", "fact": "nulls", "source": "43", "image": "42"}.items() <= ctd[
        "differences"
    ][0].items()
