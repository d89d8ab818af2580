"""The stored plan of a dump: what a later run needs to go on exactly where this one stopped."""

import json
from dataclasses import dataclass
from pathlib import Path

from dbdump.dump.options import Content
from dbdump.encoding import from_plain, to_plain
from dbdump.errors import ImageError
from dbdump.image import PLAN
from dbdump.plan import Chunk, TablePlan
from dbdump.schema import Code, ServerFacts, TableSchema, View
from legacy.atomic import write_text
from legacy.errors import printable

PLAN_VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Refused:
    """A table that cannot be dumped, and why."""

    schema: TableSchema
    problem: str


@dataclass(frozen=True, slots=True)
class DumpPlan:
    """All that is to be done.

    Parameters
    ----------
    image_id, created
        Identifier of the image; when the plan was made, ISO 8601 UTC.
    source
        SHA-256 of the URL, which tells another source without naming the host.
    server
        The source.
    content
        The user's choices.
    tables, refused
        What is dumped, and what cannot be.
    views, code, warnings
        For the image's books.
    """

    image_id: str
    created: str
    source: str
    server: ServerFacts
    content: Content
    tables: tuple[TablePlan, ...]
    refused: tuple[Refused, ...] = ()
    views: tuple[View, ...] = ()
    code: tuple[Code, ...] = ()
    warnings: tuple[str, ...] = ()
    version: str = PLAN_VERSION

    def chunks(self) -> tuple[Chunk, ...]:
        """Return all chunks, table by table."""
        return tuple(chunk for table in self.tables for chunk in table.chunks)


def write_plan(folder: Path, plan: DumpPlan) -> None:
    """Write the plan in one step; raises OSError."""
    write_text(folder / PLAN, json.dumps(to_plain(plan), ensure_ascii=False, indent=1) + "\n")


def read_plan(folder: Path) -> DumpPlan:
    """Read the plan of an image.

    Raises
    ------
    ImageError
        There is none, or it is not one of ours.
    """
    path = folder / PLAN
    if not path.is_file():
        raise ImageError(f"{folder}: no {PLAN}; no dump was begun there")
    try:
        return from_plain(DumpPlan, json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError) as error:
        advice = "it is of another version, or damaged; begin again in another folder"
        raise ImageError(f"{path}: not a plan: {printable(str(error))[:200]}; {advice}") from error
