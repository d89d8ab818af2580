"""The README of an image: its examples run, foreign text breaks nothing, long lists are cut."""

import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dbdump.books import write_books
from dbdump.books.readme import LONGEST_LIST, readme
from dbdump.image import Image
from dbdump.schema import TableName

made = runpy.run_path(str(Path(__file__).parent / "small_image.py"))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    opened: Image = made["make_image"](tmp_path / "image")
    return opened


def test_the_python_examples_run(image: Image) -> None:
    write_books(image.folder, image.manifest, lambda text: None)
    text = (image.folder / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=image.folder, capture_output=True, text=True, timeout=100
        )
        assert done.returncode == 0, done.stderr


def test_the_files_it_names_are_there(image: Image) -> None:
    write_books(image.folder, replace(image.manifest, options={"format": "both"}), lambda text: None)
    text = (image.folder / "README.md").read_text(encoding="utf-8")
    for path in (
        "README.md",
        "catalog.sqlite",
        "datapackage.json",
        "manifest.json",
        "checksums.sha256",
        "manifest.jsonl",
    ):
        assert f"`{path}`" in text
        assert (image.folder / path).is_file()
    for folder in re.findall(r"\| `(parquet/[^`]*)` \|", text)[1:]:
        assert list((image.folder / folder).glob("*.parquet"))
    assert (image.folder / "parquet/ENV/RUN/part-00000.parquet").read_bytes()[:4] == b"PAR1"
    assert (image.folder / "catalog.sqlite").read_bytes()[:16] == b"SQLite format 3\0"


def test_sqlite3_reads_the_catalog_as_it_says(image: Image) -> None:
    write_books(image.folder, image.manifest, lambda text: None)
    import sqlite3

    text = (image.folder / "README.md").read_text(encoding="utf-8")
    statements = re.findall(r'sqlite3 catalog\.sqlite "([^"]*)"', text)
    assert len(statements) == 2
    database = sqlite3.connect(image.folder / "catalog.sqlite")
    assert all(database.execute(statement).fetchall() for statement in statements)
    database.close()


def test_foreign_text_stays_in_its_cell(image: Image) -> None:
    tables = tuple(
        replace(table, schema=replace(table.schema, comment="a|b\n# head <script> \x1b[2J"))
        for table in image.manifest.tables
    )
    text = readme(replace(image.manifest, tables=tables))
    assert "a\\|b" in text
    assert "\n# head" not in text
    assert "\x1b" not in text
    assert "<script>" not in text.replace("\\<script\\>", "")


def test_what_is_missing_is_said(image: Image) -> None:
    assert "No table: every one" in readme(image.manifest)
    first, *others = image.manifest.tables
    text = readme(replace(image.manifest, tables=(replace(first, parts=(), problem="ORA-00942"), *others)))
    assert "- ENV.FILES: ORA-00942" in text
    assert "| ENV.FILES |" not in text


def test_a_long_list_is_cut(image: Image) -> None:
    first = image.manifest.tables[1]
    tables = [
        replace(first, schema=replace(first.schema, name=TableName("S", f"T{n}"))) for n in range(LONGEST_LIST + 7)
    ]
    text = readme(replace(image.manifest, tables=tuple(tables)))
    assert "and 7 more tables" in text
    assert "| S.T0 |" in text
    assert f"| S.T{LONGEST_LIST} |" not in text


def test_signs_of_a_wrong_character_set_are_said(image: Image) -> None:
    first, *others = image.manifest.tables
    tables = (replace(first, odd_characters={"TEXT": 12}), *others)
    assert "- ENV.FILES, TEXT: 12 values have U+FFFD" in readme(replace(image.manifest, tables=tables))


def test_times_of_the_run_do_not_matter(image: Image) -> None:
    later = replace(image.manifest, started="x", finished="y", image_id="z", snapshots=())
    assert readme(later) == readme(image.manifest)
