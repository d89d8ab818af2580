"""The command `dbdump to-netcdf`; `dbdump.cli` adds it to the others."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dbdump.books.cli import ImageFolder
from legacy.cli import Json, talk
from legacy.errors import UsageError, printable

if TYPE_CHECKING:
    from dbdump.marine.report import ExportReport

_MOST_PLOTS = 24


def to_netcdf(
    image: ImageFolder,
    mapping: Annotated[
        str,
        typer.Option(metavar="FILE", help="Which columns are which variables; 'practice' fits the practice database."),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE|FOLDER", help="One file (*.nc), or a folder for several.")
    ],
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only this dataset; may be repeated.")] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Draw each file too: one page with its series, gaps and flags.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write NetCDF files for marine science from an image: CF-1.8, ACDD-1.3, with quality flags.

    The source database is not asked.

    Example: antares-legacy dbdump to-netcdf image --mapping mapping.yaml -o netcdf --only ctd
    """
    from dbdump.image import open_image
    from dbdump.marine.export import check_packages, export
    from dbdump.marine.mapping_file import load_mapping, mapping_path
    from dbdump.marine.plot import check_plot

    check_packages()
    if plot is not None:
        check_plot(plot)
    if output.resolve().is_relative_to(image.resolve()):
        raise UsageError(f"{output}: lies inside of the image, which is never changed; give another place")
    read = load_mapping(mapping_path(mapping))
    report = export(open_image(image), read, output, only=tuple(only or ()), say=lambda text: talk.say(printable(text)))
    if plot is not None:
        _plot(report, plot)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False))
    for line in report.lines():
        talk.say(line)


def _plot(report: "ExportReport", png: Path) -> None:
    from dbdump.marine.plot import plot_series

    files = report.files
    for file in files[:_MOST_PLOTS]:
        target = png if len(files) == 1 else png.with_name(f"{png.stem}_{file.path.stem}{png.suffix}")
        plot_series(file.path, target)
        talk.say(printable(f"wrote {target}"))
    if len(files) > _MOST_PLOTS:
        talk.say(f"drew the first {_MOST_PLOTS} of {len(files)} files; choose with --only or 'station.values'")
