"""The commands of this room: inspect, convert, validate, show, plot.

Nothing heavy is imported before a command runs.
"""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from legacy.cli import Json, talk
from legacy.errors import UsageError, printable

if TYPE_CHECKING:
    from converters.batch import Report
    from converters.request import Outcome, Request


class Product(StrEnum):
    """Choices of ``--to``."""

    HDF5 = "hdf5"
    CSV = "csv"
    WAV = "wav"
    MP3 = "mp3"
    PSD = "psd"
    JSON = "json"


class Zenith(StrEnum):
    """Choices of ``--zenith``."""

    SOURCE = "source"
    FLIGHT = "flight"


class Executor(StrEnum):
    """Choices of ``--executor``."""

    LOCAL = "local"


def add_commands(app: typer.Typer) -> None:
    """Announce the commands; called by `legacy.cli` through the entry point."""
    app.command()(inspect)
    app.command()(convert)
    app.command()(validate)
    app.command()(show)
    app.command()(plot)


AntDstMapping = Annotated[
    Path | None, typer.Option(metavar="MAPPING.yaml", help="Members of AntDST classes and the columns they become.")
]


def _chosen(mapping: Path | None) -> tuple[str, str] | None:
    """Return the user's mapping of AntDST files, None without one."""
    if mapping is None:
        return None
    from converters.readers.antdst.mapping import choose

    return choose(mapping)


def inspect(
    files: Annotated[list[Path], typer.Argument(help="Files to look at.", metavar="FILE", readable=False)],
    antdst_mapping: AntDstMapping = None,
    as_json: Json = False,
) -> None:
    """Say what a file is: format, programs, detector, runs, number of events, tables.

    Example: antares-legacy inspect events.evt run.root
    """
    from converters.inspect import describe
    from converters.terminal import terminal_width
    from legacy.errors import AntaresLegacyError

    mapping = _chosen(antdst_mapping)
    results: list[dict[str, object]] = []
    failed = False
    for path in files:
        try:
            result = describe(path, mapping)
        except Exception as error:  # whatever a file triggers, the others are looked at
            if talk.debug:
                raise
            failed = True
            known = isinstance(error, AntaresLegacyError)
            reason = str(error) if known else printable(f"{path}: unexpected {type(error).__name__}: {error}")
            talk.error(f"antares-legacy: {reason}")
            results.append({"file": printable(str(path)), "error": reason})
            continue
        failed = failed or bool(result.problem)
        results.append({"file": printable(str(path)), **result.to_dict()})
        if not as_json:
            typer.echo(result.to_text(path, terminal_width()))
    if as_json:
        typer.echo(json.dumps(results, indent=1, ensure_ascii=False))
    raise typer.Exit(1 if failed else 0)


def convert(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Files, folders, 'patterns*' or @list.txt (one name a line).", metavar="INPUT"),
    ],
    out: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="Folder for the products; or a file for one input.")
    ],
    to: Annotated[Product, typer.Option("--to", help="Kind of product.")] = Product.HDF5,
    reco: Annotated[str | None, typer.Option(metavar="NAME", help="The fit that /events shows, such as aafit.")] = None,
    metadata: Annotated[
        Path | None, typer.Option(metavar="META.yaml", help="Author, licence, title ... for /header.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Number of processes.")] = 1,
    shard: Annotated[str | None, typer.Option(metavar="K/N", help="Do only part K of N, for job arrays.")] = None,
    salvage: Annotated[
        bool, typer.Option("--salvage", help="Keep the whole events of a damaged .evt or .i3 file.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Keep existing products that match source and options.")
    ] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace existing products that do not match.")
    ] = False,
    detector: Annotated[
        str | None, typer.Option(metavar="NAME", help="The detector, where the file does not say it, such as antares.")
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", metavar="NAME", help="Force a reader, whatever the content says.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Columns of a text list in order: ra, dec, nhit, beta, mjd, and - for one to ignore.",
        ),
    ] = None,
    zenith: Annotated[
        Zenith | None,
        typer.Option(help="What the angles of a flat DST are: of the source, or of the flight direction."),
    ] = None,
    fix_known_defects: Annotated[
        bool, typer.Option("--fix-known-defects", help="Correct known mistakes of the programs that made a flat DST.")
    ] = False,
    antdst_mapping: AntDstMapping = None,
    executor: Annotated[Executor, typer.Option(help="Where the work is done.")] = Executor.LOCAL,  # noqa: ARG001
    as_json: Json = False,
) -> None:
    """Convert ANTARES files to KM3NeT level-3 HDF5, or to CSV; tables and acoustics to CSV, JSON, WAV or MP3.

    Products, a manifest and a report are written to the output folder. A second run keeps what is there and
    does the rest.

    Example: antares-legacy convert mc/ data.root -o level3 --jobs 4
    """
    from converters.metadata import read_metadata
    from converters.registry import require_format
    from converters.request import Request
    from converters.source import ReadOptions
    from legacy.clock import source_date_epoch
    from legacy.config import load_config
    from legacy.names import name_rules

    if format_name is not None:
        require_format(format_name)  # wrong names are found before any work
    source_date_epoch()
    options = ReadOptions(
        detector=detector.lower() if detector else None,
        zenith=zenith.value if zenith else None,
        columns=_column_names(columns),
        reco=reco,
        salvage=salvage,
        fix_known_defects=fix_known_defects,
        antdst_mapping=_chosen(antdst_mapping),
    )
    template = Request(
        source=Path(),
        target=Path(),
        to=to.value,
        format=format_name,
        options=options,
        metadata=read_metadata(metadata) if metadata else {},
        resume=resume,
        overwrite=overwrite,
        names=name_rules(load_config()),
    )
    report = _convert_with_progress(template, inputs, out, shard, jobs)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=1, ensure_ascii=False))
    _say_report(report)
    raise typer.Exit(report.exit_code)


def _convert_with_progress(template: "Request", inputs: list[str], out: Path, shard: str | None, jobs: int) -> "Report":
    from converters.batch import convert_all
    from converters.inputs import make_plan, size_of
    from legacy.progress import FileProgress

    plan = make_plan(inputs, out, template.to, shard)
    sizes = {job.source: size_of(job.source) for job in plan.jobs}
    with FileProgress("converting", len(plan.jobs), sum(sizes.values()), enabled=not talk.quiet) as progress:

        def tell(outcome: "Outcome", failed: int) -> None:
            if outcome.source in sizes:
                progress.advance(sizes[outcome.source], failed)
            _say_outcome(outcome)

        return convert_all(plan, template, jobs, tell)


def _column_names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip().lower() for name in text.replace(",", " ").split())
    if not names:
        raise UsageError("--columns: expected names such as ra,dec,nhit,beta,mjd")
    return names


def _say_outcome(outcome: "Outcome") -> None:
    if outcome.status == "failed":
        talk.error(f"failed: {outcome.reason}")
        return
    if outcome.status == "skipped":
        talk.detail(f"skipped: {outcome.reason}")
        return
    name = printable(str(outcome.source))
    made = outcome.noun[0] if outcome.noun else f"{outcome.entry.n_events if outcome.entry else 0} events"
    talk.detail(f"{outcome.status}: {name} ({made})")
    for warning in outcome.warnings:
        talk.say(f"warning: {name}: {warning}")


def _say_report(report: "Report") -> None:
    counts = ", ".join(f"{number} {status}" for status, number in report.counts.items()) or "nothing to do"
    talk.say(f"{counts}; {report.made} in {report.seconds:.1f} s; manifest: {report.manifest}")
    if len(report.outcomes) > 1 and {"failed", "skipped"} & set(report.counts):
        talk.say(f"each input and its reason: {report.path}")


def validate(
    files: Annotated[list[Path], typer.Argument(help="Products to check.", metavar="FILE", readable=False)],
    source: Annotated[
        Path | None,
        typer.Option(metavar="INPUT", help="The original: every value is compared, read by a second reader."),
    ] = None,
    antdst_mapping: Annotated[
        Path | None,
        typer.Option(metavar="MAPPING.yaml", help="The mapping that the product of an AntDST file was made with."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check products against the data model, and against the original.

    Example: antares-legacy validate level3/events.l3.h5 --source events.evt
    """
    from converters.validate import check

    if source is not None and len(files) != 1:
        raise UsageError("--source goes with one product")
    if antdst_mapping is not None and source is None:
        raise UsageError("--antdst-mapping goes with --source; give the original too, or leave the mapping out")
    results = [check(path, source, antdst_mapping) for path in files]
    if as_json:
        typer.echo(json.dumps([result.to_dict() for result in results], indent=1, ensure_ascii=False))
    for result in results:
        if not as_json or result.problems:
            (talk.error if result.problems else talk.say)(result.to_text())
    raise typer.Exit(1 if any(result.problems for result in results) else 0)


def show(
    file: Annotated[Path, typer.Argument(help="A product.", metavar="FILE", readable=False)],
    header: Annotated[bool, typer.Option("--header", help="What the data are.")] = False,
    parameters: Annotated[bool, typer.Option("--parameters", help="Meaning and unit of every column.")] = False,
    provenance: Annotated[bool, typer.Option("--provenance", help="How the file came to be.")] = False,
    coverage: Annotated[bool, typer.Option("--coverage", help="What became of every field of the source.")] = False,
    head: Annotated[int | None, typer.Option("--head", min=1, metavar="N", help="The first N events, or rows.")] = None,
    as_json: Json = False,
) -> None:
    """Look inside a product.

    Without an option: its tables and a summary.

    Example: antares-legacy show level3/events.l3.h5 --head 5
    """
    from converters.show import Parts, render
    from converters.terminal import terminal_width

    parts = Parts(header=header, parameters=parameters, provenance=provenance, coverage=coverage, head=head)
    typer.echo(render(file, parts, as_json=as_json, width=terminal_width()))


def plot(
    file: Annotated[Path, typer.Argument(help="A product.", metavar="FILE", readable=False)],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="PNG", help="The picture.")],
) -> None:
    """Draw one page about a product: sky map, zenith, quality, hits, time; or a table; or a spectrum.

    Example: antares-legacy plot level3/events.l3.h5 -o events.png
    """
    from converters.plot import plot as draw

    draw(file, out)
    talk.say(f"wrote {out}")
