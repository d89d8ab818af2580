"""The stored plan of a dump: what a later run needs to go on exactly where this one stopped."""

import json
from dataclasses import dataclass
from pathlib import Path

from dbdump.dump.options import Content
from dbdump.encoding import DIGEST, digest_of, from_plain, sealed, to_plain
from dbdump.errors import ImageError
from dbdump.image import PLAN
from dbdump.plan import Chunk, TablePlan
from dbdump.schema import Code, ServerFacts, TableSchema, View
from legacy.atomic import write_text
from legacy.errors import printable

PLAN_VERSION = "1.1"
_LARGEST_PLAN = 1 << 30


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
    version
        Of the form of the plan.
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
    """Write the plan in one step, with the SHA-256 of itself; raises OSError."""
    write_text(folder / PLAN, sealed(to_plain(plan)))


def read_plan(folder: Path) -> DumpPlan:
    """Read the plan of an image.

    Raises
    ------
    ImageError
        There is none, it was changed since it was written, or it is not one of ours.
    """
    path = folder / PLAN
    if not path.is_file():
        raise ImageError(f"{folder}: no {PLAN}; no dump was begun there")
    if path.stat().st_size > _LARGEST_PLAN:
        raise ImageError(f"{path}: more than {_LARGEST_PLAN >> 20} MiB; no plan of ours is that long")
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(plain, dict):
            raise ValueError("an object is expected")  # noqa: TRY004  data, not a call, is wrong
        digest = plain.pop(DIGEST, None)
        plan = from_plain(DumpPlan, plain)
    except (ValueError, RecursionError) as error:
        advice = "it is of another version, or damaged; begin again in another folder"
        raise ImageError(f"{path}: not a plan: {printable(str(error))[:200]}; {advice}") from error
    if digest != digest_of(plain):
        advice = "restore it from a copy, or begin again in another folder"
        raise ImageError(f"{path}: it was changed after it was written: its digest is another; {advice}")
    return plan
