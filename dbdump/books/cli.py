"""The commands query, to-sqlite and seal; `dbdump.cli` announces them. Nothing heavy is imported before they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from legacy.cli import talk

if TYPE_CHECKING:
    from dbdump.sqlite.load import Advance

ImageFolder = Annotated[Path, typer.Argument(metavar="IMAGE", help="Folder that dbdump dump -o wrote.")]


def query(
    image: ImageFolder,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT, in the dialect of DuckDB.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print an array of objects on stdout.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV on stdout.")] = False,
) -> None:
    """Ask an image with SQL; tables go by their own name and as SCHEMA.TABLE.

    Example: antares-legacy dbdump query image "SELECT count(*) FROM RUN"
    """
    from shutil import get_terminal_size
    from sys import stdout

    from dbdump.books.rows import csv_lines, json_lines, table_lines
    from dbdump.image import open_image
    from dbdump.query import query as ask
    from legacy.errors import UsageError

    if as_json and as_csv:
        raise UsageError("--json or --csv: choose one")
    with ask(open_image(image), sql) as answer:
        if as_json or as_csv:
            for piece in json_lines(answer) if as_json else csv_lines(answer):
                typer.echo(piece, nl=False)
            return
        width = get_terminal_size().columns if stdout.isatty() else None
        for line in table_lines(answer, width):
            typer.echo(line)


def to_sqlite(
    image: ImageFolder,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="SQLite file.")],
    table: Annotated[list[str] | None, typer.Option(metavar="TABLE", help="Only this table; may be repeated.")] = None,
    where: Annotated[
        list[str] | None, typer.Option(metavar="'TABLE: SQL'", help="Only rows of TABLE like this; may be repeated.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=0, metavar="N", help="At most N rows of each table.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace FILE.")] = False,
) -> None:
    """Write tables of an image, or some of their rows, as one SQLite file.

    Example: antares-legacy dbdump to-sqlite image -o some.sqlite --table RUN --where "RUN: RUN_ID < 100"
    """
    from dbdump.image import open_image
    from dbdump.sqlite.selection import to_sqlite as select
    from legacy.errors import UsageError, printable

    if output.exists() and (output.is_dir() or not overwrite):
        raise UsageError(f"{output}: is there already; give another name, or --overwrite to replace a file")
    if not output.absolute().parent.is_dir():
        raise UsageError(f"{output}: its folder does not exist; make it, or give another one")
    if output.resolve().is_relative_to(image.resolve()):
        raise UsageError(f"{output}: it would lie in the image, which is not changed; give a place outside of it")
    opened = open_image(image)
    with _row_bar() as progress:
        written = select(opened, output, tables=table or (), where=where or (), limit=limit, progress=progress)
    for note in written.notes:
        talk.say(printable(note))
    talk.say(f"{output}: {written.tables} tables, {written.rows} rows")


@contextmanager
def _row_bar() -> Iterator["Advance"]:
    """Show on a terminal how many rows are stored; how many there will be is not known before."""
    import sys

    from dbdump.sqlite.build import quiet

    if talk.quiet or not sys.stderr.isatty():
        yield quiet
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda rows: bar.advance(task, rows)


def seal(image: ImageFolder) -> None:
    """Check every file of an image, write its checksums anew, and make it read-only.

    Example: antares-legacy dbdump seal image
    """
    from dbdump.seal import files_to_read
    from dbdump.seal import seal as close
    from legacy.progress import FileProgress

    files, size = files_to_read(image)
    with FileProgress("reading", files, size, enabled=not talk.quiet) as progress:
        sealed = close(image, lambda read: progress.advance(read, 0))
    for path in sealed.foreign:
        talk.say(f"not part of the image: {path}")
    talk.say(f"{image}: sealed; {sealed.files} files and {sealed.size} bytes are as they were written")
