"""The commands of this room: dbdump inspect, plan, dump, status, verify, seal, query, to-sqlite, to-netcdf.

Nothing heavy is imported before a command runs.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dbdump.books.cli import ImageFolder, query, seal, to_sqlite
from dbdump.marine.cli import to_netcdf
from dbdump.verify.cli import ClientDir, PasswordFile, Thick, verify
from legacy.cli import Json, talk

if TYPE_CHECKING:
    from dbdump.dump.options import Content
    from dbdump.image import Manifest
    from dbdump.sources.opening import OpenOptions

dbdump_app = typer.Typer(
    help="A database as a portable, verified image: Parquet, SQLite, its whole schema.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Format(StrEnum):
    """Choices of ``--format``."""

    PARQUET = "parquet"
    SQLITE = "sqlite"
    BOTH = "both"


class SnapshotMode(StrEnum):
    """Choices of ``--snapshot``."""

    SCN = "scn"
    READONLY = "readonly"
    NONE = "none"


class Prove(StrEnum):
    """Choices of ``--prove``."""

    COUNTS = "counts"
    ROWSCN = "rowscn"
    OFF = "off"


Url = Annotated[
    str, typer.Argument(metavar="URL", help="oracle+oracledb://, postgresql:// or sqlite:///, without a password.")
]
Schemas = Annotated[
    list[str] | None, typer.Option("--schema", metavar="NAME", help="Schema; may be repeated. [the account's own]")
]
Include = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Only tables like 'ENV.CTD_*'; may be repeated.")
]
Exclude = Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="No tables like this; may be repeated.")]
Form = Annotated[Format, typer.Option("--format", help="Rows as Parquet, as SQLite files, or as both.")]
Threshold = Annotated[int, typer.Option(min=0, metavar="BYTES", help="LOBs of more bytes become files of their own.")]
AllowLossy = Annotated[bool, typer.Option("--allow-lossy", help="Dump also columns that cannot be had exactly.")]
RawText = Annotated[
    list[str] | None, typer.Option(metavar="TABLE.COLUMN", help="Take this column of text as bytes; may be repeated.")
]


def add_commands(app: typer.Typer) -> None:
    """Announce the commands; called by `legacy.cli` through the entry point."""
    app.add_typer(dbdump_app, name="dbdump")


@dbdump_app.command()
def inspect(
    url: Url,
    schema: Schemas = None,
    password_file: PasswordFile = None,
    thick: Thick = False,
    client_dir: ClientDir = None,
    as_json: Json = False,
) -> None:
    """Say what a database is, what will be hard, and how long its dump may take; writes nothing.

    Example: antares-legacy dbdump inspect oracle+oracledb://reader@dbhost:1521/?service_name=ANTARES
    """
    from dbdump.inspection import inspect as look
    from dbdump.inspection import to_text
    from dbdump.sources.opening import open_source

    source = open_source(_options(url, password_file, thick=thick, client_dir=client_dir))
    try:
        found = look(source, tuple(schema or ()))
    finally:
        source.close()
    typer.echo(json.dumps(found.to_dict(), ensure_ascii=False) if as_json else _printable(to_text(found)))


@dbdump_app.command()
def plan(
    url: Url,
    schema: Schemas = None,
    include: Include = None,
    exclude: Exclude = None,
    form: Form = Format.PARQUET,
    allow_lossy: AllowLossy = False,
    raw_text: RawText = None,
    password_file: PasswordFile = None,
    thick: Thick = False,
    client_dir: ClientDir = None,
    as_json: Json = False,
) -> None:
    """Show how a database would be dumped: chunks, types, disk; writes nothing.

    Example: antares-legacy dbdump plan sqlite:///practice.sqlite
    """
    from dbdump.dump.planner import make_plan
    from dbdump.show_plan import to_dict, to_text
    from dbdump.sources.opening import open_source

    content = _content(schema, include, exclude, form=form, allow_lossy=allow_lossy, raw_text=raw_text)
    source = open_source(_options(url, password_file, thick=thick, client_dir=client_dir))
    try:
        made = make_plan(source, url, content, lambda what, done, of: talk.detail(_step(what, done, of)))
    finally:
        source.close()
    typer.echo(json.dumps(to_dict(made), ensure_ascii=False) if as_json else _printable(to_text(made)))
    raise typer.Exit(1 if made.refused else 0)


@dbdump_app.command()
def dump(
    url: Url,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="IMAGE", help="Folder of the image.")],
    schema: Schemas = None,
    include: Include = None,
    exclude: Exclude = None,
    form: Form = Format.PARQUET,
    snapshot: Annotated[SnapshotMode | None, typer.Option(help="One moment for all tables. [the best allowed]")] = None,
    prove: Annotated[
        Prove, typer.Option(help="Without a snapshot: how tables are shown not to change.")
    ] = Prove.COUNTS,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Worker processes.")] = 2,
    max_sessions: Annotated[
        int, typer.Option(min=0, metavar="N", show_default=False, help="Sessions in the database. [jobs + 1]")
    ] = 0,
    max_mbps: Annotated[
        float, typer.Option(min=0, metavar="N", show_default=False, help="Megabytes per second in all. [no limit]")
    ] = 0,
    lob_threshold: Threshold = 256 << 10,
    allow_lossy: AllowLossy = False,
    raw_text: RawText = None,
    patience: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long to try again when the connection is lost.")
    ] = 600,
    password_file: PasswordFile = None,
    thick: Thick = False,
    client_dir: ClientDir = None,
    as_json: Json = False,
) -> None:
    """Dump a database into an image; the same command goes on where it stopped.

    Example: antares-legacy dbdump dump sqlite:///practice.sqlite -o image
    """
    from dbdump.dump.options import Manner
    from dbdump.dump.run import dump as run
    from dbdump.show_dump import telling
    from dbdump.sources.opening import resolve

    content = _content(
        schema, include, exclude, form=form, lob_threshold=lob_threshold, allow_lossy=allow_lossy, raw_text=raw_text
    )
    manner = Manner(snapshot.value if snapshot else "", prove.value, jobs, max_sessions, max_mbps, patience)
    access = resolve(_options(url, password_file, thick=thick, client_dir=client_dir))
    with telling(talk) as told:
        manifest = run(access, output, content, manner, told)
    _tell_end(manifest, output, as_json=as_json)
    raise typer.Exit(0 if manifest.complete else 1)


@dbdump_app.command()
def status(image: ImageFolder, as_json: Json = False) -> None:
    """Say how far a dump is, and whether its files are there; it may be running.

    Exit code 1 if files are missing or cut short.

    Example: antares-legacy dbdump status image
    """
    from dbdump.status import status_of, to_text

    found = status_of(image)
    typer.echo(json.dumps(found.to_dict(), ensure_ascii=False) if as_json else _printable(to_text(found)))
    raise typer.Exit(1 if found.missing else 0)


@dbdump_app.command()
def practice(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="SQLite file, or postgresql:// URL.")],
    days: Annotated[int, typer.Option(min=1, metavar="N", help="Days of measurements.")] = 60,
    seed: Annotated[int, typer.Option(metavar="N", help="Another one gives other values.")] = 1,
) -> None:
    """Write a synthetic environmental database of ANTARES' shape, to practise on.

    Example: antares-legacy dbdump practice practice.sqlite --days 10
    """
    from dbdump.practice import write_practice_database

    write_practice_database(target, days=days, seed=seed)
    talk.say(f"{target}: a synthetic database of {days} days; its tables are not those of ANTARES")


# Here and not in `add_commands`, which a program may call more than once; last, as the help shows them in order.
dbdump_app.command(name="verify")(verify)
dbdump_app.command(name="seal")(seal)
dbdump_app.command(name="query")(query)
dbdump_app.command(name="to-sqlite")(to_sqlite)
dbdump_app.command(name="to-netcdf")(to_netcdf)


def _options(url: str, password_file: Path | None, *, thick: bool, client_dir: Path | None) -> "OpenOptions":
    from dbdump.sources.opening import OpenOptions

    return OpenOptions(url, password_file, talk.ask_secret, thick, client_dir)


def _content(
    schema: list[str] | None,
    include: list[str] | None,
    exclude: list[str] | None,
    *,
    form: Format = Format.PARQUET,
    lob_threshold: int = 256 << 10,
    allow_lossy: bool = False,
    raw_text: list[str] | None = None,
) -> "Content":
    from dbdump.dump.options import Content
    from dbdump.stored import TypeOptions

    types = TypeOptions(allow_lossy, frozenset(raw_text or ()))
    patterns = (tuple(include or ()), tuple(exclude or ()))
    return Content(tuple(schema or ()), *patterns, form.value, lob_threshold, types)


def _tell_end(manifest: "Manifest", folder: Path, *, as_json: bool) -> None:
    from dbdump.show_dump import end_to_dict, end_to_text

    if as_json:
        typer.echo(json.dumps(end_to_dict(manifest), ensure_ascii=False))
    talk.say(_printable(end_to_text(manifest, folder)))


def _step(what: str, done: int, of: int) -> str:
    return f"{what} ({done} of {of})" if of else what


def _printable(lines: list[str]) -> str:
    from legacy.errors import printable

    return "\n".join(printable(line) for line in lines)
