"""The stored plan: what was written is read again, and nobody edits it unseen."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from dbdump.dump import planfile
from dbdump.dump.planfile import read_plan, write_plan
from dbdump.errors import ImageError
from dbdump.image import PLAN


@pytest.fixture
def image(tmp_path: Path, cli: Callable[..., Any]) -> Path:
    with closing(sqlite3.connect(tmp_path / "source.sqlite")) as connection, connection:
        connection.execute("create table t (id integer primary key, x real, n numeric(8, 2))")
        connection.executemany("insert into t values (?, ?, ?)", [(n, n / 7, n / 4) for n in range(100)])
    ran = cli("dbdump", "dump", f"sqlite:///{tmp_path / 'source.sqlite'}", "-o", tmp_path / "image", "--jobs", 1)
    assert ran.code == 0, ran
    return tmp_path / "image"


def test_a_plan_is_read_as_it_was_written(image: Path) -> None:
    plan = read_plan(image)
    text = (image / PLAN).read_text()
    write_plan(image, plan)
    assert (image / PLAN).read_text() == text
    assert read_plan(image) == plan


@pytest.mark.parametrize(
    "edit",
    [
        lambda plain: plain["tables"][0]["chunks"][0].update(high="50"),
        lambda plain: plain["tables"][0]["columns"][1].update(arrow="int64"),
        lambda plain: plain.update(created="yesterday"),
        lambda plain: plain.pop("digest"),
        lambda plain: plain.update(digest="0" * 64),
        lambda plain: plain.update(digest=7),
    ],
)
def test_an_edited_plan_is_refused(
    edit: Callable[[Any], object], image: Path, tmp_path: Path, cli: Callable[..., Any]
) -> None:
    plain = json.loads((image / PLAN).read_text())
    edit(plain)
    (image / PLAN).write_text(json.dumps(plain))
    url = f"sqlite:///{tmp_path / 'source.sqlite'}"
    for command in (
        ("dump", url, "-o", image),
        ("status", image),
        ("verify", image, "--url", url, "--level", 3),
    ):
        ran = cli("dbdump", *command)
        assert ran.code == 1
        assert "plan.json: it was changed after it was written" in ran.err
        assert "begin again in another folder" in ran.err


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"tables": 1, "digest": "x"}', "null", '"\\ud800"'])
def test_what_is_no_plan(text: str, tmp_path: Path) -> None:
    (tmp_path / PLAN).write_text(text)
    with pytest.raises(ImageError, match="not a plan"):
        read_plan(tmp_path)


def test_a_plan_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planfile, "_LARGEST_PLAN", 10)  # a real one would fill the disk of the test
    (tmp_path / PLAN).write_text("{" + " " * 20)
    with pytest.raises(ImageError, match="no plan of ours is that long"):
        read_plan(tmp_path)
