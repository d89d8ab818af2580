"""SQL over an image: exact answers, and no way out of it."""

import csv
import io
import json
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from dbdump.books.rows import csv_lines, json_lines, table_lines
from dbdump.errors import ImageError
from dbdump.image import Image
from dbdump.query import query
from dbdump.schema import Column, Family, TableName, TableSchema
from legacy.errors import AntaresLegacyError, MachineError, UsageError

made = runpy.run_path(str(Path(__file__).parent / "books" / "small_image.py"))
add_table, save, stored = made["add_table"], made["save"], made["stored"]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    # Characters that DuckDB takes for patterns, and a quote.
    folder = tmp_path_factory.mktemp("query") / "it's [an] image*"
    opened: Image = made["make_image"](folder)
    return opened


def answer(image: Image, sql: str) -> list[dict[str, Any]]:
    with query(image, sql) as found:
        rows: list[dict[str, Any]] = json.loads("".join(json_lines(found)))
    return rows


def numbers(folder: Path, name: TableName, count: int) -> Any:
    folder.mkdir(exist_ok=True)
    schema = TableSchema(name, (Column("A", "NUMBER(9)", Family.DECIMAL, 9, 0),))
    return add_table(folder, schema, [stored("A", "int64")], [[(number,) for number in range(count)]])


@pytest.mark.parametrize("name", ["FILES", "files", "ENV.FILES", 'env."Files"', '"ENV"."FILES"'])
def test_tables_go_by_both_names(name: str, image: Image) -> None:
    assert answer(image, f"SELECT count(*) AS n FROM {name}") == [{"n": 3}]


def test_names_that_differ_only_in_case(image: Image) -> None:
    assert answer(image, "SELECT count(*) AS n FROM ENV.RUN") == [{"n": 3}]
    assert answer(image, "SELECT count(*) AS n FROM ENV.Run_2") == [{"n": 2}]


def test_several_parts_and_empty_tables(image: Image) -> None:
    assert answer(image, 'SELECT count(*) AS n, sum("RUN_ID") AS s FROM "om rate"') == [{"n": 4, "s": 8}]
    assert answer(image, "SELECT * FROM sqlite_empty") == []


def test_every_value_is_exact(image: Image) -> None:
    (rate, gap, *_) = answer(image, 'SELECT * FROM "om rate" ORDER BY "RUN_ID", "OM"')
    assert rate["TOTAL"] == "9223372036854775807"
    assert rate["TAKEN"].startswith("2008-05-30T00:00:00")
    assert (gap["BASELINE"], gap["BURST"]) == ("NaN", "Infinity")
    (odd, nulls) = answer(image, "SELECT * FROM ENV.Run_2")
    assert odd["tiny"] == "0.000000000001"
    assert odd["wide"] == "1" + "0" * 37
    assert odd["tz"] == "2008-01-10T21:20:00.123456789Z"
    assert odd["select"] == "01:02:03.000004"
    assert odd['say "x"'] == "2008-05-30"
    assert nulls["id"] is None
    (small,) = answer(image, "SELECT DATA FROM FILES WHERE NAME = 'small'")
    assert small == {"DATA": "00ff"}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 9007199254740992 AS a, 9007199254740993 AS b", {"a": 2**53, "b": str(2**53 + 1)}),
        ("SELECT 1 AS a, 2 AS a, 3 AS a_2", {"a": 1, "a_3": 2, "a_2": 3}),
        ("SELECT [1, NULL] AS a, {'b': 0.5} AS c", {"a": [1, None], "c": {"b": "0.5"}}),
        ("SELECT INTERVAL 14 MONTH AS a", {"a": "14 months 0 days 0 ns"}),
        ("SELECT true AS a, 'é\"' AS b, NULL AS c", {"a": True, "b": 'é"', "c": None}),
        ("SELECT 'x'::ENUM ('x') AS a", {"a": "x"}),
        ("SELECT TIMESTAMPTZ '2008-05-30 12:00:00+02' AS a", {"a": "2008-05-30T10:00:00.000000Z"}),
        ("SELECT 1.50::DECIMAL(9,2) AS a", {"a": "1.50"}),
    ],
)
def test_json(sql: str, expected: dict[str, Any], image: Image) -> None:
    assert answer(image, sql) == [expected]


def test_csv_and_table(image: Image) -> None:
    with query(image, "SELECT NAME, TEXT, DATA__size FROM FILES ORDER BY NAME") as found:
        text = "".join(csv_lines(found))
    assert list(csv.reader(io.StringIO(text))) == [
        ["NAME", "TEXT", "DATA__size"],
        ["big", "", "2048"],
        ["none", "", ""],
        ["small", "kurz", "2"],
    ]
    with query(image, "SELECT RUN_ID, SETUP, repeat('x', 99) AS long FROM ENV.RUN ORDER BY 1") as found:
        lines = list(table_lines(found, None))
    assert [line.split()[0] for line in lines] == ["RUN_ID", "------", "1", "2", "3"]
    assert "\0" not in lines[-1]
    assert "\\x00" in lines[-1]
    assert lines[-1].endswith("x" * 59 + "…")
    with query(image, "SELECT RUN_ID, SETUP, repeat('x', 99) AS long FROM ENV.RUN") as found:
        assert max(map(len, table_lines(found, 30))) == 30


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM '/etc/passwd.csv'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('http://localhost/x.parquet')",
        "SELECT * FROM read_blob('../manifest.json')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM duckdb_secrets()",
    ],
)
def test_other_files_cannot_be_read(sql: str, image: Image) -> None:
    with pytest.raises(UsageError) as caught:
        answer(image, sql)
    assert "\n" not in str(caught.value)
    assert "root:" not in str(caught.value)


def test_the_manifest_beside_the_parts_cannot_be_read(image: Image) -> None:
    path = image.folder / "manifest.json"
    with pytest.raises(UsageError, match="nothing else"):
        answer(image, f"SELECT * FROM read_text('{str(path).replace(chr(39), chr(39) * 2)}')")


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM ENV.RUN",
        "CREATE TABLE x AS SELECT 1",
        "COPY ENV.RUN TO '/tmp/stolen.csv'",
        "ATTACH '/tmp/other.db'",
        "SET enable_external_access = true",
        "SET memory_limit = '99GB'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "PRAGMA database_list",
        "CALL pragma_version()",
        "SELECT 1; SELECT 2",
        "SELECT 1; DROP VIEW ENV.RUN",
        "",
    ],
)
def test_nothing_but_one_select_runs(sql: str, image: Image) -> None:
    with pytest.raises(UsageError, match="one SELECT"):
        answer(image, sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC 1", "SQL: Parser Error"),
        ("SELECT nix FROM ENV.RUN", "SQL: Binder Error"),
        ("SELECT * FROM nix", "'SHOW ALL TABLES' lists the tables"),
    ],
)
def test_wrong_sql_is_told_in_one_line(sql: str, message: str, image: Image) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        answer(image, sql)
    assert "\n" not in str(caught.value)


def test_an_error_of_a_value_is_told(image: Image) -> None:
    with pytest.raises(AntaresLegacyError, match="Conversion Error"):
        answer(image, "SELECT CAST(SETUP AS INTEGER) FROM ENV.RUN")


def test_a_table_that_was_not_dumped_is_named(tmp_path: Path) -> None:
    gone = made["ImageTable"](TableSchema(TableName("S", "GONE"), ()), (), problem="no right to read it")
    image = save(tmp_path, [gone, numbers(tmp_path, TableName("S", "N"), 1)], complete=False)
    with pytest.raises(UsageError, match=r"S\.GONE is not complete in this image: no right to read it"):
        answer(image, "SELECT * FROM GONE")


def test_a_missing_part_is_told(tmp_path: Path) -> None:
    image = save(tmp_path, [numbers(tmp_path, TableName("S", "N"), 1)])
    image.path(image.manifest.tables[0].parts[0].file).unlink()
    with pytest.raises(ImageError, match="verify --offline"):
        answer(image, "SELECT * FROM N")


def test_a_damaged_part_is_told(tmp_path: Path) -> None:
    image = save(tmp_path, [numbers(tmp_path, TableName("S", "N"), 90_000)])
    path = image.path(image.manifest.tables[0].parts[0].file)
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half : half + 500] = b"\xff" * 500
    path.write_bytes(content)
    with pytest.raises(AntaresLegacyError):
        answer(image, "SELECT * FROM N")


def test_names_that_two_schemas_have(tmp_path: Path) -> None:
    names = [TableName("A", "N"), TableName("B", "n"), TableName("main", "M"), TableName("information_schema", "T")]
    image = save(tmp_path, [numbers(tmp_path, name, place) for place, name in enumerate(names, start=1)])
    with pytest.raises(UsageError, match="does not exist"):
        answer(image, "SELECT * FROM N")
    found = [answer(image, f"SELECT count(*) AS n FROM {name}") for name in ("A.N", "B.N", "M", "main.M", "T")]
    assert found == [[{"n": count}] for count in (1, 2, 3, 3, 4)]


def test_a_thousand_tables(tmp_path: Path) -> None:
    names = [TableName("S", f"T{number}") for number in range(1000)]
    image = save(tmp_path, [numbers(tmp_path, name, 2) for name in names])
    assert answer(image, "SELECT sum(A) AS s FROM T999") == [{"s": 1}]


def test_a_sort_that_needs_more_than_memory_uses_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["dbdump.query"], "MEMORY", "90MB")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    image = save(tmp_path, [numbers(tmp_path, TableName("S", "N"), 1000)])
    sql = "SELECT a.A * 1000 + b.A AS x, repeat('x', 60) AS y FROM N a, N b ORDER BY hash(x)"
    with query(image, sql) as found:
        count = sum(batch.num_rows for batch in found.batches)
    assert count == 1_000_000
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(("version", "refused"), [("1.5.5", True), ("2.0.0", False), ("10.0", False)])
def test_a_duckdb_that_cuts_nanoseconds_is_refused(
    version: str, refused: bool, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The version is made up: one environment has one DuckDB only.
    monkeypatch.setattr("duckdb.__version__", version)
    if refused:
        with pytest.raises(MachineError, match=r"would cut the nanoseconds of ENV\.Run, tz"):
            answer(image, "SELECT 1 AS a")
    else:
        assert answer(image, "SELECT 1 AS a") == [{"a": 1}]
