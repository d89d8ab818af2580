"""The catalog: complete, consistent, readable by Datasette, equal for equal contents."""

import asyncio
import runpy
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dbdump.books.catalog import write_catalog
from dbdump.image import Image
from dbdump.schema import Index

made = runpy.run_path(str(Path(__file__).parent / "small_image.py"))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    opened: Image = made["make_image"](tmp_path / "image", warnings=("beware",))
    write_catalog(opened.folder, opened.manifest)
    return opened


@pytest.fixture
def catalog(image: Image) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(image.folder / "catalog.sqlite")
    yield database
    database.close()


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM source", [("oracle", "Oracle Database 19c", "ANTARES", "WE8ISO8859P1")]),
        ("SELECT table_name, rows FROM tables ORDER BY table_id LIMIT 2", [("FILES", 3), ("RUN", 3)]),
        ("SELECT count(*) FROM parts", [(7,)]),
        ("SELECT count(*), count(DISTINCT name) FROM image_columns WHERE form LIKE 'lob%'", [(6, 6)]),
        (
            "SELECT source_type, digits, scale, nullable, comment FROM columns WHERE name = 'LIVETIME'",
            [("NUMBER(12,4)", 12, 4, 1, "Seconds, exact")],
        ),
        (
            """SELECT k.name, c.column_name, c.target_column, t.table_name FROM keys k JOIN key_columns c USING (key_id)
            LEFT JOIN tables t ON t.table_id = k.target_table_id WHERE k.kind = 'foreign' ORDER BY k.key_id""",
            [("RATE_RUN", "RUN_ID", "RUN_ID", "RUN"), ("RATE_ELSEWHERE", "OM", "OM", None)],
        ),
        ("SELECT expression FROM keys WHERE kind = 'check'", [('"LIVETIME" >= 0',)]),
        ("SELECT name, over_expressions FROM indexes ORDER BY name", [("RUN_SETUP", 0), ("RUN_UPPER", 1)]),
        ("SELECT name, bounds, estimated_rows FROM partitions", [("P2008", "< 2009", 4)]),
        ("SELECT grantee, privilege FROM grants", [("READER", "SELECT")]),
        ("SELECT view_name, text FROM views", [("V/RATES", "SELECT 1 FROM DUAL")]),
        ("SELECT kind, name FROM code ORDER BY name", [("source", "P"), ("sequences", "RUN_SEQ")]),
        ("SELECT text FROM warnings", [("beware",)]),
        ("SELECT arrow_type FROM column_list WHERE name = 'BURST'", [("float",)]),
        ("PRAGMA integrity_check", [("ok",)]),
        ("PRAGMA foreign_key_check", []),
    ],
)
def test_contents(sql: str, expected: list[Any], catalog: sqlite3.Connection) -> None:
    assert catalog.execute(sql).fetchall() == expected


def test_parts_have_the_checksums_of_their_files(image: Image, catalog: sqlite3.Connection) -> None:
    for path, size, sha256, md5, adler32 in catalog.execute("SELECT path, bytes, sha256, md5, adler32 FROM parts"):
        facts = made["facts_of"](image.folder, path)
        assert (facts.size, facts.sha256, facts.md5, facts.adler32) == (size, sha256, md5, adler32)


def test_times_of_the_run_do_not_matter(image: Image) -> None:
    before = (image.folder / "catalog.sqlite").read_bytes()
    later = replace(image.manifest, started="x", finished="y", image_id="z", snapshots=(), digest="d", checksums="c")
    write_catalog(image.folder, later)
    assert (image.folder / "catalog.sqlite").read_bytes() == before


def test_another_index_shows(image: Image) -> None:
    before = (image.folder / "catalog.sqlite").read_bytes()
    table = image.manifest.tables[0]
    table = replace(table, schema=replace(table.schema, indexes=(Index("NEW", ("NAME",)),)))
    write_catalog(image.folder, replace(image.manifest, tables=(table, *image.manifest.tables[1:])))
    assert (image.folder / "catalog.sqlite").read_bytes() != before


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Datasette's own imports
def test_datasette_opens_catalog_and_tables(image: Image) -> None:
    from datasette.app import Datasette

    # Datasette switches this on for the whole process, and other tests take what it prints for an error.
    sqlite3.enable_callback_tracebacks(False)

    from dbdump.sqlite.build import write_sqlite_files

    write_sqlite_files(image.folder, image.manifest)
    files = [str(image.folder / "catalog.sqlite"), str(image.folder / "sqlite" / "ENV.sqlite")]

    async def ask() -> list[Any]:
        site = Datasette([], immutables=files)
        await site.invoke_startup()
        paths = ["/catalog/tables.json?_shape=array", "/ENV/RUN.json?_shape=array", "/ENV/om+rate.json?_shape=array"]
        answers = [await site.client.get(path, follow_redirects=True) for path in paths]
        page = await site.client.get("/ENV/RUN/1")
        assert (page.status_code, "default" in page.text) == (200, True)
        for database in site.databases.values():
            database.close()
        return [answer.json() for answer in answers]

    tables, runs, rates = asyncio.run(ask())
    assert {table["table_name"] for table in tables} == {"FILES", "RUN", "Run", "om rate", "sqlite_empty"}
    assert [run["LIVETIME"] for run in runs] == ["12.5000", None, "-99999999.9999"]
    assert len(rates) == 4
