"""The command `dbdump verify`."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dbdump.books.cli import ImageFolder
from legacy.cli import Json, talk
from legacy.errors import UsageError, printable

if TYPE_CHECKING:
    from dbdump.image import Image
    from dbdump.sources.opening import OpenOptions
    from dbdump.verify.levels import Extent
    from dbdump.verify.report import Report, TableReport

PasswordFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="File whose first line is the password. [$ANTARES_LEGACY_DB_PASSWORD]"),
]
Thick = Annotated[bool, typer.Option("--thick", help="Oracle: use the client libraries, for servers before 12.1.")]
ClientDir = Annotated[Path | None, typer.Option(metavar="DIR", help="Oracle: folder of the client libraries.")]
"""How a database is reached: the same for all commands that ask one."""

_DIFFERENT = 1


def verify(
    image: ImageFolder,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The source, without a password. [$ANTARES_LEGACY_DB_URL]"),
    ] = None,
    level: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=3,
            metavar="N",
            help="0 counts rows, 1 compares null counts, bounds and sums, 2 a digest, 3 every value. [1]",
        ),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Check the image against its own manifest; needs no source.")
    ] = False,
    tables: Annotated[
        list[str] | None, typer.Option("--table", metavar="TABLE", help="Only this table; may be repeated.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, metavar="N", help="Threads that read the image.")] = 2,
    password_file: PasswordFile = None,
    thick: Thick = False,
    client_dir: ClientDir = None,
    as_json: Json = False,
) -> None:
    """Compare an image with its source, or with its own manifest.

    Exit code 1 on any difference, 3 if the source is away.

    Example: antares-legacy dbdump verify image --url postgresql://reader@host/database --level 2
    """
    from dbdump.image import open_image
    from dbdump.sources.opening import URL_VARIABLE, OpenOptions
    from dbdump.verify.levels import DEFAULT_LEVEL, Extent

    chosen = tuple(tables or ())
    if offline:
        if url is not None or level is not None:
            raise UsageError("--offline looks at the image alone: leave --url and --level out")
        report = _offline(open_image(image), chosen, jobs)
    else:
        source = url or os.environ.get(URL_VARIABLE)
        if not source:
            ways = f"give --url URL, or set {URL_VARIABLE}; --offline checks the image against its own manifest"
            raise UsageError(f"verify compares with the source, whose URL is not in the image: {ways}")
        extent = Extent(DEFAULT_LEVEL if level is None else level, chosen, jobs)
        options = OpenOptions(source, password_file, talk.ask_secret, thick, client_dir)
        report = _online(open_image(image), options, extent)
    _show(report, as_json=as_json)
    if report.failed:
        raise typer.Exit(_DIFFERENT)


def _offline(image: "Image", tables: tuple[str, ...], jobs: int) -> "Report":
    from dbdump.verify.files import sizes
    from dbdump.verify.offline import verify_offline
    from legacy.progress import FileProgress

    files, size = sizes(image.folder)
    with FileProgress("verify", files, size, enabled=not talk.quiet) as progress:
        return verify_offline(image, tables=tables, jobs=jobs, on_bytes=progress.advance)


def _online(image: "Image", options: "OpenOptions", extent: "Extent") -> "Report":
    from dbdump.dump.planfile import read_plan
    from dbdump.sources.opening import open_source
    from dbdump.verify.levels import REREAD, chosen, verify
    from legacy.progress import FileProgress

    plans = read_plan(image.folder).tables if extent.level == REREAD else ()
    tables = chosen(image, extent.tables)
    size = sum(map(image.manifest.size_of, tables))
    source = open_source(options)
    failed = 0
    try:
        with FileProgress("verify", len(tables), size, enabled=not talk.quiet) as progress:

            def done(report: "TableReport", size: int) -> None:
                nonlocal failed
                failed += report.failed
                progress.advance(size, failed)
                talk.detail(report.line())

            return verify(image, source, extent, plans=plans, on_table=done)
    finally:
        source.close()


def _show(report: "Report", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=1, ensure_ascii=False))
    if not as_json or report.failed:
        (talk.error if report.failed else talk.say)("\n".join(map(printable, report.to_text())))
