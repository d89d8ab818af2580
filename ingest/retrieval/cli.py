"""The commands ``catalog find``, ``get``, ``verify``, ``status`` and ``diff``.

Nothing heavy is imported before a command runs.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from legacy.cli import Json, talk
from legacy.errors import UsageError, printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingest.retrieval.diff import Difference
    from ingest.retrieval.get import Got
    from ingest.retrieval.selection import Selection
    from ingest.retrieval.verify import Finding
    from ingest.schemas import Schema
    from ingest.settings import Settings

catalog_app = typer.Typer(
    help="Find files in Rucio, fetch them, prove them, compare them with what is here.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="EXPR", help="Which files, as one argument in quotes: 'run>=45000 and level=3'. Without it: all."
    ),
]
Scope = Annotated[
    str | None, typer.Option("--scope", metavar="SCOPE", help="Scope in Rucio. [of the configuration, or antares]")
]
ConfigFile = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration file.")]
JsonLines = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout, the summary last.")]
RseOption = Annotated[str, typer.Option("--rse", metavar="RSES", help="Only replicas at these RSEs (RSE expression).")]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, metavar="N", help="Files read at one time. [2]")]


@dataclass(frozen=True, slots=True)
class _Opened:
    """What every command needs."""

    selection: "Selection"
    settings: "Settings"
    schema: "Schema"


@contextmanager
def _opened(
    words: list[str] | None, scope: str | None, config: Path | None, more: Mapping[str, object] | None = None
) -> Iterator[tuple[_Opened, "Callable[[], bool]"]]:
    """Read the settings and the expression, log in, and end between two files when asked to."""
    from ingest.retrieval.expression import parse
    from ingest.retrieval.keys import keys_of
    from ingest.retrieval.selection import Selection
    from ingest.schemas import load_schema
    from ingest.session import open_catalogue, require_scope
    from ingest.settings import settings_from
    from ingest.stopping import stopping
    from legacy.config import load_config

    settings = settings_from(load_config(config), {"scope": scope, **(more or {})}, needs=("scope",))
    schema = load_schema(settings.schema)
    text = _one_argument(words)
    expression = parse(text, keys_of(schema.types, schema.document["properties"])) if text is not None else None
    with stopping(talk.say) as stop:
        catalogue = open_catalogue(settings, talk.say, stop.event, talk.detail)
        require_scope(catalogue, settings.scope)
        selection = Selection(catalogue, settings.scope, expression, talk.say)
        yield _Opened(selection, settings, schema), stop.event.is_set
    if stop.exit_code:
        talk.error("antares-legacy: interrupted; the result is not complete")
        raise typer.Exit(stop.exit_code)


def _one_argument(words: list[str] | None) -> str | None:
    if not words:
        return None
    if len(words) > 1:
        joined = printable(" ".join(words))
        raise UsageError(f"the expression must be one argument; put it in single quotes: '{joined}'")
    return words[0]


@catalog_app.command()
def find(
    words: Words = None,
    scope: Scope = None,
    config: ConfigFile = None,
    long: Annotated[bool, typer.Option("--long", "-l", help="A table: size, run, level, kind, events.")] = False,
    as_json: Json = False,
) -> None:
    """List the files that match.

    Example: antares-legacy catalog find 'run>=45000 and level=3 and kind=data' --scope antares
    """
    from ingest.retrieval.find import HEADER, Tally, json_parts, line, table_line

    with _opened(words, scope, config) as (opened, stop):
        selection, tally = opened.selection, Tally()
        chunks = tally.counted(selection.chunks(metadata=long or as_json), stop)
        if as_json:
            for part in json_parts(selection.scope, chunks):
                typer.echo(part)
        else:
            if long:
                typer.echo(HEADER)
            shown = table_line if long else line
            for some in chunks:
                typer.echo("\n".join(shown(selection.scope, found) for found in some))
    talk.say(tally.to_text())


@catalog_app.command()
def get(
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the files.")],
    words: Words = None,
    scope: Scope = None,
    config: ConfigFile = None,
    rse: RseOption = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are not those in Rucio.")] = False,
    online_only: Annotated[bool, typer.Option("--online-only", help="Recall nothing from tape.")] = False,
    jobs: Jobs = None,
    as_json: JsonLines = False,
) -> None:
    """Fetch files, prove them by their checksums, and write a manifest of them.

    Files that are here and right are kept, so the same command goes on after an interruption.

    Example: antares-legacy catalog get 'level=3 and run=45000' -o back --scope antares
    """
    from ingest.retrieval.fetch import Fetcher
    from ingest.retrieval.get import Fate, Order
    from ingest.retrieval.get import get as get_files
    from legacy.progress import StreamProgress

    with (
        _opened(words, scope, config, {"jobs": jobs}) as (opened, stop),
        StreamProgress("fetching", enabled=not talk.quiet) as progress,
    ):
        settings = opened.settings

        def tell(got: "Got") -> None:
            progress.advance(1, max(got.sums.size, 0), got.fate is Fate.FAILED)
            if as_json:
                typer.echo(json.dumps(got.to_dict(), ensure_ascii=False))
            _say_got(got)

        order = Order(folder=out, rse=rse, overwrite=overwrite, jobs=settings.jobs)
        fetcher = Fetcher(opened.selection.catalogue, settings.scope, settings.pfn, recall=not online_only)
        fetched = get_files(opened.selection, order, fetcher, stop, tell)
    if as_json:
        typer.echo(json.dumps({"summary": fetched.to_dict()}, ensure_ascii=False))
    (talk.error if fetched.exit_code else talk.say)(fetched.to_text(out))
    raise typer.Exit(fetched.exit_code)


def _say_got(got: "Got") -> None:
    from ingest.retrieval.get import Fate

    name = printable(got.found.file.name)
    if got.fate is Fate.FAILED:
        talk.error(f"failed: {name}: {'; '.join(got.remarks)}")
    elif got.remarks:
        talk.say(f"warning: {name}: taken from {got.source}, because {'; '.join(got.remarks)}")
    else:
        talk.detail(f"{got.fate}: {name}")


@catalog_app.command()
def verify(
    words: Words = None,
    scope: Scope = None,
    config: ConfigFile = None,
    rse: RseOption = "",
    sample: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only N files, drawn at random.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Draw the same sample again. [random, printed]")] = None,
    jobs: Jobs = None,
    as_json: JsonLines = False,
) -> None:
    """Read every replica again and compare size and checksums with Rucio; exit code 1 on any difference.

    Files that are on tape only are not recalled. Example: antares-legacy catalog verify 'level=3' --sample 100
    """
    import secrets

    from ingest.retrieval.verify import GOOD, Plan, Verdict
    from ingest.retrieval.verify import verify as verify_files
    from legacy.progress import StreamProgress

    if seed is not None and sample is None:
        raise UsageError("--seed goes with --sample")
    with (
        _opened(words, scope, config, {"jobs": jobs}) as (opened, stop),
        StreamProgress("verifying", enabled=not talk.quiet) as progress,
    ):
        settings = opened.settings
        drawn = seed if seed is not None else secrets.randbelow(2**32)

        def tell(finding: "Finding", size: int) -> None:
            progress.advance(1, size, finding.verdict not in GOOD)
            if as_json:
                typer.echo(json.dumps(finding.to_dict(), ensure_ascii=False))
            elif finding.verdict not in GOOD:
                talk.error(finding.to_text(settings.scope))
            elif finding.verdict is not Verdict.OK:
                talk.detail(finding.to_text(settings.scope))

        plan = Plan(rse=rse, sample=sample, seed=drawn, jobs=settings.jobs, rules=settings.pfn)
        proof = verify_files(opened.selection, plan, opened.schema, stop, tell)
    if as_json:
        typer.echo(json.dumps({"summary": proof.to_dict()}, ensure_ascii=False))
    (talk.error if proof.exit_code else talk.say)(proof.to_text())
    raise typer.Exit(proof.exit_code)


@catalog_app.command()
def status(words: Words = None, scope: Scope = None, config: ConfigFile = None, as_json: Json = False) -> None:
    """Show datasets: files, bytes, what each RSE has of them, rules; and files that are in no dataset.

    Example: antares-legacy catalog status 'level=3' --scope antares
    """
    from ingest.retrieval.status import status_of, text_lines

    with _opened(words, scope, config) as (opened, _):
        found = status_of(opened.selection)
        if as_json:
            typer.echo(json.dumps(found.to_dict(), indent=1, ensure_ascii=False))
        else:
            for text in text_lines(found, restricted=opened.selection.expression is not None):
                typer.echo(text)
        talk.say(found.summary())


@catalog_app.command()
def diff(
    paths: Annotated[
        list[str],
        typer.Argument(help="Files, folders, manifests (*.jsonl), @list.txt, or root:// URLs.", metavar="PATH"),
    ],
    scope: Scope = None,
    config: ConfigFile = None,
    where: Annotated[
        str | None, typer.Option("--where", metavar="EXPR", help="Which files of the scope should be here. [all]")
    ] = None,
    dataset: Annotated[str, typer.Option(metavar="NAME", help="Compare with the files of this dataset only.")] = "",
    no_hash: Annotated[
        bool, typer.Option("--no-hash", help="Read no file: size alone, where no manifest states checksums.")
    ] = False,
    jobs: Jobs = None,
    as_json: JsonLines = False,
) -> None:
    """Compare what is here with Rucio: missing, extra, different; exit code 1 when anything is.

    Example: antares-legacy catalog diff level3/manifest.jsonl --scope antares
    """
    from ingest.inputs import read_inputs
    from ingest.retrieval.diff import Way, compare
    from legacy.progress import StreamProgress

    with (
        _opened([where] if where is not None else None, scope, config, {"jobs": jobs}) as (opened, stop),
        StreamProgress("comparing", enabled=not talk.quiet) as progress,
    ):
        settings = opened.settings

        def tell(difference: "Difference") -> None:
            if as_json:
                typer.echo(json.dumps(difference.to_dict(), ensure_ascii=False))
            else:
                typer.echo(difference.to_text(settings.scope))

        def advance(files: int, size: int) -> None:
            progress.advance(files, size, 0)

        way = Way(read=not no_hash, jobs=settings.jobs, dataset=dataset)
        # Names and bytes are compared here, not metadata.
        items = read_inputs(paths, settings, talk.say, about_names=False)
        outcome = compare(items, opened.selection, way, stop, tell, advance)
    if as_json:
        typer.echo(json.dumps({"summary": outcome.to_dict()}, ensure_ascii=False))
    (talk.error if outcome.exit_code else talk.say)(outcome.to_text())
    raise typer.Exit(outcome.exit_code)
