"""Values and names that are awkward, from Oracle (the double) into an image, and verified against it."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from typing import Any

import pyarrow.parquet as pq
import pytest

from dbdump.image import open_image
from dbdump.stored import TypeOptions

FORTY = "1234567890123456789012345678901234567890"


@pytest.fixture
def empty(oracle_over: Callable[..., Any], tmp_path: Any) -> Any:
    """A double without tables."""
    return oracle_over(tmp_path / "empty.db")


def verified(oracle: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, levels: str = "123") -> None:
    monkeypatch.setenv("ANTARES_LEGACY_DB_PASSWORD", oracle.password)
    for level in levels:
        ran = cli("dbdump", "verify", oracle.folder / "image", "--url", oracle.server.url, "--level", level)
        assert ran.code == 0, ran
    assert cli("dbdump", "verify", oracle.folder / "image", "--offline").code == 0


def test_numbers_that_no_machine_type_holds(
    empty: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(0, FORTY, "-0.001"), (1, "1e-130", "99.999"), (2, "9.99e125", "0"), (3, f"-{FORTY[:39]}.5", None)]
    empty.fill("BIG", {"I": "NUMBER(3)", "N": "NUMBER TEXT", "P": "NUMBER(5,3)"}, rows)
    dump = empty.dump()
    manifest = dump.run()
    assert manifest.complete, dump.table(manifest, "BIG").problem
    found = dump.rows(manifest, "BIG")
    assert all(isinstance(row["N"], str) for row in found)
    assert [Decimal(row["N"]) for row in found] == [Decimal(row[1]) for row in rows]
    assert [row["P"] for row in found] == [Decimal("-0.001"), Decimal("99.999"), Decimal("0.000"), None]
    verified(empty, cli, monkeypatch)


def test_years_from_the_beginning_to_the_end_of_the_calendar(
    empty: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = ["-4712-01-01 00:00:00", "0001-01-01 00:00:00", "1582-10-04 12:30:00", "9999-12-31 23:59:59", None]
    empty.fill("AGES", {"I": "NUMBER(3)", "D": "DATE"}, list(enumerate(times)))
    empty.fill("NOW", {"I": "NUMBER(3)", "D": "DATE"}, [(1, "2010-06-01 23:59:59"), (2, "1969-12-31 23:59:59")])
    dump = empty.dump()
    manifest = dump.run()
    assert manifest.complete
    ages = [row["D"] for row in dump.rows(manifest, "AGES")]
    assert ages[0].startswith("-4712-01-01")
    assert ages[3].startswith("9999-12-31")
    assert ages[4] is None
    assert [row["D"].isoformat() for row in dump.rows(manifest, "NOW")] == [
        "2010-06-01T23:59:59",
        "1969-12-31T23:59:59",
    ]
    verified(empty, cli, monkeypatch)


def test_nan_and_infinity(empty: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    values = ["NaN", "Inf", "-Inf", 0.5, None]
    empty.fill(
        "F", {"I": "NUMBER(3)", "D": "BINARY_DOUBLE", "S": "BINARY_FLOAT"}, [(n, v, v) for n, v in enumerate(values)]
    )
    dump = empty.dump()
    manifest = dump.run()
    assert [repr(row["D"]) for row in dump.rows(manifest, "F")] == ["nan", "inf", "-inf", "0.5", "None"]
    verified(empty, cli, monkeypatch)


def test_characters_of_another_character_set_are_counted_and_can_be_had_as_bytes(
    empty: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.fill(
        "W", {"I": "NUMBER(3)", "X": "VARCHAR2(40)"}, [(1, "a\x80b"), (2, "\x9f"), (3, "é"), (4, "�"), (5, None)]
    )
    dump, raw = empty.dump(), empty.dump("raw")
    manifest = dump.run()
    assert dump.table(manifest, "W").odd_characters == {"X": 3}
    assert [row["X"] for row in dump.rows(manifest, "W")] == ["a\x80b", "\x9f", "é", "�", None]
    verified(empty, cli, monkeypatch)
    bytes_of = raw.run(types=TypeOptions(False, frozenset({"ANTARES.W.X"})))
    assert bytes_of.complete
    assert all(isinstance(row["X"], bytes) for row in raw.rows(bytes_of, "W")[:4])


def test_lobs_on_both_sides_of_the_threshold(
    empty: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = [b"x" * 999, b"x" * 1000, b"x" * 1001, b"x" * 200_000, b"", None]
    texts = ["é" * 500, "é" * 501, "y" * 70_000, "", "z", None]
    empty.fill(
        "L",
        {"I": "NUMBER(3)", "B": "BLOB", "C": "CLOB"},
        [(n, *row) for n, row in enumerate(zip(blobs, texts, strict=True))],
    )
    dump = empty.dump()
    manifest = dump.run(lob_threshold=1000)
    assert manifest.complete
    image = open_image(dump.image)
    rows = dump.rows(manifest, "L")

    def content(row: dict[str, Any], column: str) -> Any:
        name = row.get(f"{column}__lob")
        return image.lob_path(name).read_bytes() if name else row[column]

    assert [content(row, "B") for row in rows] == blobs
    assert [row["B__lob"] is not None for row in rows] == [False, False, True, True, False, False]
    kept = [content(row, "C") for row in rows]
    assert [value.decode() if isinstance(value, bytes) else value for value in kept] == texts
    assert manifest.lobs[0] == 4
    verified(empty, cli, monkeypatch)


ODD = ['with "quotes"', "two  blanks", "a/b", "..", "Überwachung °C", "SELECT", "select", "per%cent", "x" * 120]


def test_odd_names(empty: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    names = [name for name in ODD if '"' not in name]  # Oracle allows no quote in a name
    for number, name in enumerate(names):
        # SQLite takes names in capitals and small letters for the same.
        table = "SELECT_" if name == "select" else name
        empty.fill(table, {"I": "NUMBER(3)", name: "VARCHAR2(10)"}, [(number, "one"), (number + 1, None)])
    dump = empty.dump()
    manifest = dump.run()
    assert manifest.complete, [table.problem for table in manifest.tables]
    for number, name in enumerate(names):
        table = "SELECT_" if name == "select" else name
        shown = next(t.name.name for t in manifest.tables if t.name.name.lower() == table.lower())
        first, second = dump.rows(manifest, shown)
        assert [*first.values()] == [number, "one"]
        assert [*second.values()] == [number + 1, None]
    assert all(path.resolve().is_relative_to(dump.image.resolve()) for path in dump.image.rglob("*"))
    verified(empty, cli, monkeypatch)


def test_a_table_without_rows_has_a_part_with_its_columns(empty: Any) -> None:
    empty.fill("NOTHING", {"I": "NUMBER(3)", "X": "VARCHAR2(10)", "B": "BLOB"}, [])
    dump = empty.dump()
    manifest = dump.run()
    assert manifest.complete
    (part,) = dump.table(manifest, "NOTHING").parts
    assert part.rows == 0
    assert {"I", "X", "B"} <= set(pq.read_schema(dump.image / part.file.path).names)


def test_a_thousand_tables(empty: Any) -> None:
    with closing(sqlite3.connect(empty.file)) as database, database:
        for number in range(1000):
            database.execute(f'CREATE TABLE "T{number:04}" (N "NUMBER(9)" PRIMARY KEY, X "VARCHAR2(40)")')
    dump, began = empty.dump(), time.monotonic()
    planned: list[tuple[float, int]] = []

    def first(*_: object) -> None:
        if not planned:
            planned.append((time.monotonic() - began, len(empty.server.statements)))

    manifest = dump.run(first)
    assert manifest.complete
    assert len(manifest.tables) == 1000
    ((seconds, questions),) = planned
    assert seconds < 30
    # The dictionary is read as a whole, not table by table: what is left is to look at the numbers and the extents.
    assert questions < 500
