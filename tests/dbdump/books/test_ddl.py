"""Statements and source texts: one file for each object, whatever it is called."""

import runpy
from dataclasses import replace
from pathlib import Path

import pytest

from dbdump.books.ddl import table_statement, view_statement, write_ddl
from dbdump.image import Image
from dbdump.schema import Code, TableKind, TableName, View

made = runpy.run_path(str(Path(__file__).parent / "small_image.py"))


@pytest.fixture
def image(tmp_path: Path) -> Image:
    opened: Image = made["make_image"](tmp_path / "image")
    return opened


def written(folder: Path) -> dict[str, str]:
    place = folder / "ddl"
    return {
        path.relative_to(place).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


def test_every_object_has_its_file(image: Image) -> None:
    write_ddl(image.folder, image.manifest)
    files = written(image.folder)
    assert files["ENV/tables/RUN.sql"] == 'CREATE TABLE "ENV"."RUN" (...)\n'
    assert files["ENV/comments/RUN.sql"].splitlines()[0] == 'COMMENT ON TABLE "ENV"."RUN" IS \'One row per run\';'
    assert files["ENV/grants/RUN.sql"] == 'GRANT SELECT ON "ENV"."RUN" TO "READER";\n'
    assert files["ENV/indexes/RUN.sql"] == "CREATE INDEX RUN_UPPER ...;\n"
    assert files["ENV/views/V%2FRATES.sql"].startswith('CREATE VIEW "ENV"."V/RATES" ("A") AS\nSELECT 1 FROM DUAL;')
    assert files["ENV/source/P.sql"] == "PROCEDURE p IS\nBEGIN\n  NULL;\nEND;\n"
    assert {"ENV/sequences/RUN_SEQ.sql", "ENV/tables/om%20rate.sql"} <= files.keys()


def test_what_is_no_longer_there_goes(image: Image) -> None:
    write_ddl(image.folder, image.manifest)
    before = written(image.folder)
    write_ddl(image.folder, replace(image.manifest, views=()))
    assert before.keys() - written(image.folder).keys() == {"ENV/views/V%2FRATES.sql"}
    assert sorted(path.name for path in image.folder.iterdir() if path.name.startswith("ddl")) == ["ddl"]


def test_objects_of_one_name_share_a_file(image: Image) -> None:
    code = [Code("source", TableName("ENV", "F"), f"FUNCTION f{number}") for number in (1, 2)]
    write_ddl(image.folder, replace(image.manifest, code=tuple(code)))
    assert written(image.folder)["ENV/source/F.sql"] == "FUNCTION f1\n\nFUNCTION f2\n"


def test_names_do_not_lead_out_of_the_image(image: Image) -> None:
    code = (Code("../../x", TableName("..", "../../y"), "z"),)
    write_ddl(image.folder, replace(image.manifest, code=code))
    assert written(image.folder)["%2E./%2E.%2F..%2Fx/%2E.%2F..%2Fy.sql"] == "z\n"


def test_materialized_views_have_a_folder_of_their_own(image: Image) -> None:
    table = image.manifest.tables[0]
    table = replace(table, schema=replace(table.schema, kind=TableKind.MATERIALIZED_VIEW))
    write_ddl(image.folder, replace(image.manifest, tables=(table,)))
    assert "ENV/mviews/FILES.sql" in written(image.folder)


def test_a_statement_is_put_together_where_the_source_has_none() -> None:
    assert table_statement(made["rate_schema"]()).splitlines() == [
        'CREATE TABLE "ENV"."om rate" (',
        '  "RUN_ID" NUMBER(10) NOT NULL,',
        '  "OM" NUMBER(4) NOT NULL,',
        '  "TAKEN" DATE,',
        '  "BASELINE" BINARY_DOUBLE,',
        '  "BURST" BINARY_FLOAT,',
        '  "TOTAL" INTEGER,',
        '  CONSTRAINT "RATE_PK" PRIMARY KEY ("RUN_ID", "OM"),',
        '  CONSTRAINT "RATE_RUN" FOREIGN KEY ("RUN_ID") REFERENCES "ENV"."RUN" ("RUN_ID") ON DELETE CASCADE,',
        '  CONSTRAINT "RATE_ELSEWHERE" FOREIGN KEY ("OM") REFERENCES "OTHER"."OM" ("OM")',
        ");",
    ]


def test_a_whole_statement_of_a_view_is_left_as_it_is() -> None:
    text = "create view v as select 1"
    assert view_statement(View(TableName("S", "V"), text, comment="not repeated")) == f"{text};"
