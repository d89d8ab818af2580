"""The commands of this room: containers list, show, lint, build, test, run, engine, report, doctor.

Nothing heavy is imported before a command runs.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from legacy.cli import Json, talk

if TYPE_CHECKING:
    from containers.engine.contract import Engine
    from containers.forms import Place
    from containers.lint.finding import Finding
    from containers.telling import Told
    from containers.workplace import Workplace

containers_app = typer.Typer(
    help="Processing pipelines as Apptainer images: recipes, builds, tests, runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class EngineChoice(StrEnum):
    """Choices of ``--engine``."""

    APPTAINER = "apptainer"
    SINGULARITY = "singularity"
    TOOLROOT = "toolroot"
    CHROOT = "chroot"


Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a recipe; containers list shows them.")]
Images = Annotated[
    Path | None, typer.Option("--images", metavar="DIR", help="Folder of the images. [$ANTARES_LEGACY_IMAGES]")
]
EngineOption = Annotated[
    EngineChoice | None,
    typer.Option(
        "--engine",
        envvar="ANTARES_LEGACY_ENGINE",
        show_envvar=False,
        help="What builds and starts images. [$ANTARES_LEGACY_ENGINE, or the best there is]",
    ),
]


def add_commands(app: typer.Typer) -> None:
    """Announce the commands; called by `legacy.cli` through the entry point."""
    app.add_typer(containers_app, name="containers")


@containers_app.command(name="list")
def list_recipes(images: Images = None, as_json: Json = False) -> None:
    """Show all recipes, and how it stands with each by its last report.

    Example: antares-legacy containers list
    """
    from containers.catalogue import own_catalogue
    from containers.show import list_text, row
    from containers.status import status_of
    from containers.workplace import workplace

    catalogue, place = own_catalogue(), workplace(images)
    rows = [row(recipe, status_of(recipe, catalogue, place)) for recipe in catalogue.recipes]
    typer.echo(json.dumps(rows, ensure_ascii=False) if as_json else "\n".join(list_text(rows)))


@containers_app.command()
def show(name: Name, images: Images = None, as_json: Json = False) -> None:
    """Show all that is known of a recipe: apps, source files and who has them, status.

    Example: antares-legacy containers show io
    """
    from containers.catalogue import own_catalogue
    from containers.show import recipe_dict, recipe_text
    from containers.status import status_of
    from containers.workplace import workplace

    catalogue = own_catalogue()
    recipe = catalogue.find(name)
    status = status_of(recipe, catalogue, workplace(images))
    told = json.dumps(recipe_dict(recipe, status), ensure_ascii=False) if as_json else ""
    typer.echo(told or "\n".join(recipe_text(recipe, status)))


@containers_app.command()
def lint(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Recipes or definition files. [all recipes]")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check definitions without building them; exit code 1 when something is found.

    Example: antares-legacy containers lint io
    """
    from containers.catalogue import own_catalogue
    from containers.lint.run import lint_file, lint_recipe
    from legacy.errors import printable

    catalogue = own_catalogue()
    known = {recipe.name: recipe for recipe in catalogue.recipes}
    findings: list[Finding] = []
    for name in names or known:
        # A word without a folder or a suffix is meant as a name, and gets the advice for one.
        is_file = name not in known and (Path(name).exists() or Path(name).name != Path(name).stem or "/" in name)
        findings += lint_file(Path(name)) if is_file else lint_recipe(catalogue.find(name))
    if as_json:
        rows = [{"path": str(f.path), "line": f.line, "rule": f.rule, "message": f.message} for f in findings]
        typer.echo(json.dumps(rows, ensure_ascii=False))
    else:
        for finding in findings:
            typer.echo(printable(f"{finding.path}:{finding.line}: {finding.rule}: {finding.message}"))
        talk.say(f"{len(names or known)} checked, {len(findings)} findings")
    raise typer.Exit(1 if findings else 0)


@containers_app.command()
def build(
    name: Name,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="KEY=FILE", help="A source file; show NAME lists them.")
    ] = None,
    engine: EngineOption = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Make a folder instead of an image, to try things.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder of the images. [$ANTARES_LEGACY_IMAGES]"),
    ] = None,
    docker: Annotated[
        bool, typer.Option("--docker", help="Start from the pinned image of a registry, not from debootstrap.")
    ] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Build it also when it is current.")] = False,
    keep_log: Annotated[bool, typer.Option("--keep-log", help="Keep the log when all went well, too.")] = False,
) -> None:
    """Build an image and what it is built on, test it, and write a report.

    Example: antares-legacy containers build io
    """
    from containers.build import Wish, Workshop, check_wish
    from containers.build import build as build_images
    from containers.catalogue import own_catalogue
    from containers.engine.base_folder import make_base_folder
    from containers.sources import parse_sources
    from containers.workplace import workplace

    catalogue, place = own_catalogue(), workplace(output)
    wish = Wish(name, parse_sources(source or ()), sandbox, docker, rebuild, keep_log)
    # What is missing is said also where there is no engine yet.
    check_wish(wish, catalogue, place, emulated=engine is EngineChoice.CHROOT)
    chosen = _engine(place, engine)
    with _telling() as told:
        reports = build_images(wish, Workshop(place, catalogue, chosen, make_base_folder, told))
    if not reports:
        talk.say(f"{name}: nothing to do, the image in {place.images} is current; --rebuild builds it anew")


@containers_app.command(name="test")
def run_tests(
    name: Name,
    app: Annotated[str, typer.Argument(metavar="APP", help="Only the test of this app.")] = "",
    images: Images = None,
    engine: EngineOption = None,
) -> None:
    """Run the tests of an image, without network, and bring its report up to date; exit code 1 when one fails.

    Example: antares-legacy containers test io
    """
    from containers.catalogue import own_catalogue
    from containers.testing import check_image, require_made
    from containers.workplace import workplace

    place = workplace(images)
    recipe = own_catalogue().find(name)
    made = require_made(recipe, place)
    with _telling() as told:
        tested = check_image(recipe, app, made, place, _engine_for(made, place, engine), told)
    for result in tested.results:
        verdict = "passed" if result.exit_code == 0 else f"FAILED with exit code {result.exit_code}"
        (talk.error if result.exit_code else talk.say)(f"{result.name}: {verdict} ({result.seconds:.1f} s)")
    for line in tested.last:
        talk.error(f"  {line}")
    if tested.not_recorded:
        talk.say(f"not written into a report: {tested.not_recorded}")
    raise typer.Exit(0 if tested.passed else 1)


@containers_app.command()
def run(
    name: Name,
    app: Annotated[str, typer.Argument(metavar="APP", help="App of the image; show NAME lists them.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS", help="Arguments of the app, after --.")
    ] = None,
    bind: Annotated[
        list[str] | None,
        typer.Option("--bind", metavar="HOST:INSIDE[:rw]", help="Show another path inside; rw: writable."),
    ] = None,
    digest: Annotated[
        bool, typer.Option("--digest", help="Read the whole image first, and refuse one that its report does not mean.")
    ] = False,
    images: Images = None,
    engine: EngineOption = None,
) -> None:
    """Run an app of an image; the exit code is that of the app.

    It sees the working folder, and every path among its arguments, under the same names.

    Example: antares-legacy containers run io inspect -- FILE
    """
    from containers.catalogue import own_catalogue
    from containers.running import Command, require_app, run_app
    from containers.testing import require_made
    from containers.workplace import workplace

    place = workplace(images)
    recipe = own_catalogue().find(name)
    require_app(recipe, app)
    made = require_made(recipe, place)
    command = Command(recipe, app, tuple(arguments or ()), tuple(bind or ()), Path.cwd(), digest)
    done = run_app(command, made, _engine_for(made, place, engine))
    raise typer.Exit(done.exit_code)


@containers_app.command(name="engine")
def run_engine(
    arguments: Annotated[list[str], typer.Argument(metavar="ARGS", help="Arguments of Apptainer, after --.")],
) -> None:
    """Run Apptainer of the tool root itself, for programs that start it on their own.

    Example: antares-legacy containers engine -- --version
    """
    from containers.engine.passthrough import pass_through
    from containers.workplace import workplace

    done = pass_through(arguments, Path.cwd(), workplace())
    raise typer.Exit(done.exit_code)


@containers_app.command()
def report(
    name: Name,
    images: Images = None,
    save: Annotated[Path | None, typer.Option("--save", metavar="DIR", help="Copy the report into a folder.")] = None,
    as_json: Json = False,
) -> None:
    """Show the last report on an image.

    Example: antares-legacy containers report io
    """
    from containers.catalogue import own_catalogue
    from containers.show import report_dict, report_text
    from containers.status import status_of
    from containers.workplace import workplace
    from legacy.atomic import write_text

    catalogue, place = own_catalogue(), workplace(images)
    status = status_of(catalogue.find(name), catalogue, place)
    if status.report is None:
        talk.error(f"antares-legacy: {name}: there is no report ({status.text}); a build writes one")
        raise typer.Exit(1)
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        write_text(save / f"{name}.json", status.report.to_json())
        talk.say(f"report: {save / f'{name}.json'}")
    told = json.dumps(report_dict(status.report), ensure_ascii=False) if as_json else ""
    typer.echo(told or "\n".join(report_text(status.report, status)))


@containers_app.command()
def doctor(
    install: Annotated[
        bool, typer.Option("--install", help="Make Apptainer in a folder of its own; nothing else is changed.")
    ] = False,
    images: Images = None,
    as_json: Json = False,
) -> None:
    """Find out by trying what this machine can do; exit code 3 when it cannot make images.

    Example: antares-legacy containers doctor
    """
    from containers.engine.doctor import find_facts, judge, makes_images
    from containers.engine.toolroot import install as make_tool_root
    from containers.show import findings_dict, findings_text
    from containers.workplace import workplace

    place = workplace(images)
    if install:
        with _telling() as told:
            told.step("tool root")
            facts = make_tool_root(place, told.line)
        talk.say(f"tool root: {facts.name} {facts.version} in {place.tool_root}")
    found = find_facts(place)
    findings, able = judge(found), makes_images(found)
    if as_json:
        typer.echo(json.dumps(findings_dict(findings, makes_images=able), ensure_ascii=False))
    else:
        typer.echo("\n".join(findings_text(findings)))
    raise typer.Exit(0 if able else 3)


def _engine(place: "Workplace", wanted: EngineChoice | None) -> "Engine":
    from containers.engine.choose import choose_engine

    problems: list[str] = []
    engine = choose_engine(place, wanted.value if wanted else None, problems.append)
    if not engine.facts.makes_images:
        why = f"; no engine here makes images: {problems[0]}" if problems else ""
        talk.error(f"chroot emulation: it runs the scripts of a recipe and makes no image{why}")
    return engine


def _engine_for(made: "Place", place: "Workplace", wanted: EngineChoice | None) -> "Engine":
    """Choose what starts something that was built; an emulation is not for an engine that starts images."""
    from containers.engine.choose import choose_engine
    from containers.forms import Form
    from legacy.errors import MachineError, UsageError

    emulation = made.form is Form.EMULATION
    if emulation and wanted not in (None, EngineChoice.CHROOT):
        raise UsageError(f"{made.image} is a chroot emulation and no image; build it with --engine {wanted}")
    if emulation:
        return _engine(place, EngineChoice.CHROOT)
    problems: list[str] = []
    engine = choose_engine(place, wanted.value if wanted else None, problems.append)
    if not engine.facts.makes_images:
        why = "; ".join([*problems, "antares-legacy containers doctor says what this machine can do"])
        raise MachineError(f"no engine here starts {made.image}: {why}")
    return engine


@contextmanager
def _telling() -> "Iterator[Told]":
    """Show progress, and the end of the output of what failed."""
    from containers.errors import BuildFailedError
    from containers.progress import BuildProgress
    from containers.telling import Told

    progress = BuildProgress(enabled=not talk.quiet and not talk.verbose)

    def say(text: str) -> None:
        if not progress.above(text):
            talk.say(text)

    def line(text: str) -> None:
        progress.line(text)
        talk.detail(f"  {text}")

    def step(title: str) -> None:
        progress.step(title)
        talk.detail(title)

    try:
        with progress:
            yield Told(say, line, step)
    except BuildFailedError as error:
        if not talk.verbose:
            for last in error.last:
                talk.error(f"  {last}")
        raise
