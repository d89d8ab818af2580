"""The commands of this room: ingest, catalog ..., sandbox ....

Nothing heavy is imported before a command runs.
"""

import json
import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ingest.retrieval.cli import catalog_app
from ingest.sandbox.cli import sandbox_app
from legacy.cli import talk

if TYPE_CHECKING:
    from ingest.execute import Outcome
    from ingest.task import OpenTask


class Mode(StrEnum):
    """Choices of ``--mode``."""

    REGISTER = "register"
    COPY = "copy"


def add_commands(app: typer.Typer) -> None:
    """Announce the commands; called by `legacy.cli` through the entry point."""
    app.command(name="ingest")(ingest)
    app.add_typer(catalog_app, name="catalog")
    app.add_typer(sandbox_app, name="sandbox")


def ingest(
    inputs: Annotated[
        list[str],
        typer.Argument(help="Files, folders, manifests (*.jsonl), @list.txt, or root:// URLs.", metavar="PATH"),
    ],
    scope: Annotated[str | None, typer.Option(metavar="SCOPE", help="Scope of the files in Rucio.")] = None,
    rse: Annotated[str | None, typer.Option(metavar="RSE", help="RSE that has the files, or gets them.")] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Configuration file.")] = None,
    mode: Annotated[
        Mode | None, typer.Option(help="register: files stay where they are. copy: the RSE gets a copy. [register]")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="TEMPLATE", help="Dataset of each file, such as antares.{year}.run{run:06d}.")
    ] = None,
    rule: Annotated[
        list[str] | None, typer.Option("--rule", metavar="EXPR", help="RSE expression for a rule on each dataset.")
    ] = None,
    sidecar: Annotated[
        str | None,
        typer.Option(metavar="SUFFIX|CSV", help="Metadata beside each file (.meta.json), or in one CSV file."),
    ] = None,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read every file, also where its checksums are known.")
    ] = False,
    sha256: Annotated[bool, typer.Option("--sha256/--no-sha256", help="Compute SHA-256 beside Adler-32, MD5.")] = True,
    jobs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Files read, and chunks sent, at one time. [2]")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Journal of the run. [below $XDG_STATE_HOME]")
    ] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE", help="Report in JSON. [beside the journal]")] = None,
    prometheus: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Counts for Prometheus' textfile collector.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line on stdout; with --dry-run one object in all.")
    ] = False,
) -> None:
    """Bring files into Rucio: register or copy, checksums, datasets, metadata; read back.

    A second run does only what is missing. Server and account are those of Rucio's own configuration.

    Example: antares-legacy ingest level3/manifest.jsonl --scope antares --rse ANTARES_INPLACE --dry-run
    """
    from ingest.patience import InterruptedWaitError
    from ingest.settings import settings_from
    from ingest.stopping import stopping
    from ingest.task import Task, open_task
    from legacy.config import load_config

    options: Mapping[str, object] = {
        "scope": scope,
        "rse": rse,
        "mode": mode.value if mode else None,
        "dataset": dataset,
        "rules": tuple(rule) if rule else None,
        "sidecar": sidecar,
        "rehash": rehash or None,
        "sha256": None if sha256 else False,
        "jobs": jobs,
    }
    settings = settings_from(load_config(config), options)
    wanted = Task(inputs=tuple(inputs), settings=settings, journal=journal, report=report, prometheus=prometheus)
    # At the second signal threads may be in the middle of a copy or a call: only the end of the process is at once,
    # and safe, because the journal and the names of copies are.
    with stopping(talk.say, os._exit) as stop:
        try:
            with open_task(wanted, talk.say, stop.event, plan_only=dry_run) as task:
                code = _show_plan(task, as_json=as_json) if dry_run else _ingest_with_progress(task, as_json=as_json)
        except InterruptedWaitError as error:
            talk.error(f"antares-legacy: {error}")
            code = error.exit_code
    raise typer.Exit(stop.exit_code or code)


def _show_plan(task: "OpenTask", *, as_json: bool) -> int:
    """Print the plan while it is made; return the exit code."""
    from ingest.show_plan import PlanPrinter

    printer = PlanPrinter(task.place, typer.echo, as_json=as_json)
    for step in task.plan():
        printer.add(step)
    printer.end()
    talk.say(printer.summary())
    return 1 if printer.failed else 0


def _ingest_with_progress(task: "OpenTask", *, as_json: bool) -> int:
    from ingest.journal import State
    from legacy.progress import StreamProgress

    with StreamProgress("ingesting", enabled=not talk.quiet) as progress:

        def tell(outcomes: Sequence["Outcome"]) -> None:
            failed = sum(outcome.state != State.DONE for outcome in outcomes)
            progress.advance(len(outcomes), sum(max(o.step.candidate.sums.size, 0) for o in outcomes), failed)
            for outcome in outcomes:
                _say_outcome(outcome, as_json=as_json)

        report = task.run(tell)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False))
    talk.say(report.to_text())
    talk.say(f"journal: {report.journal}")
    return report.exit_code


def _say_outcome(outcome: "Outcome", *, as_json: bool) -> None:
    from ingest.journal import State
    from legacy.errors import printable

    if as_json:
        typer.echo(json.dumps(outcome.to_dict(), ensure_ascii=False))
    name = printable(outcome.step.name)
    if outcome.state == State.DONE:
        talk.detail(f"{outcome.step.action}: {name}")
    else:
        talk.error(f"{outcome.state}: {name}: {outcome.error}")
