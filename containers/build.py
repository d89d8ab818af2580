"""Builds an image and what it is built on, tests it, and reports on it.

Nothing has its final name before its tests have passed. A build that fails or is interrupted leaves its log, and
an earlier image as it was.
"""

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from containers.catalogue import Catalogue
from containers.context import Context, is_foreign, make_context
from containers.digest import image_sha256
from containers.download import downloaded
from containers.engine.contract import BuildJob, Engine, Finished, Say
from containers.errors import BuildFailedError
from containers.forms import Form, Place, place_of
from containers.inside import packages_of
from containers.plan import Step, make_plan, require_space, space_needed
from containers.reports import BuildReport, inputs_digest
from containers.scratch import build_folder, image_lock, unfinished
from containers.sources import check_sources, require_sources
from containers.telling import Log, Told, log_file
from containers.testing import run_tests, tested_apps
from containers.workplace import Workplace
from legacy import __version__
from legacy.atomic import write_text
from legacy.checksums import sha256_of
from legacy.clock import now
from legacy.errors import UsageError

BaseMaker = Callable[[Workplace, Say], Path]
"""Makes the operating system folder that the recipe `base` starts from, or finds it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants.

    Parameters
    ----------
    name
        The recipe.
    sources
        Source files by key.
    sandbox
        A folder instead of a SIF.
    docker
        Start the chain from the pinned image of a registry.
    rebuild
        Build it also when it is current.
    keep_log
        Keep the log of a build that ended well.
    """

    name: str
    sources: Mapping[str, Path] = field(default_factory=dict)
    sandbox: bool = False
    docker: bool = False
    rebuild: bool = False
    keep_log: bool = False


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a build works with.

    Parameters
    ----------
    place
        Folders.
    catalogue
        All recipes.
    engine
        Builds and starts images.
    make_base
        Makes the operating system folder.
    told
        Told what happens.
    """

    place: Workplace
    catalogue: Catalogue
    engine: Engine
    make_base: BaseMaker
    told: Told = field(default_factory=Told)


def check_wish(wish: Wish, catalogue: Catalogue, place: Workplace, *, emulated: bool = False) -> tuple[Step, ...]:
    """Find out what has to be built, and whether everything for it was given, before any work.

    Raises
    ------
    UsageError
        The recipe is unknown, source files are missing, or there is no pinned image for ``--docker``.
    InputError
        A source file is not the right one.
    """
    form = Form.EMULATION if emulated else Form.SANDBOX if wish.sandbox else Form.SIF
    chain = catalogue.chain(wish.name)
    steps = make_plan(catalogue, wish.name, place, form, rebuild=wish.rebuild, sources=wish.sources)
    recipes = [step.recipe for step in steps]
    require_sources(recipes, wish.sources, chain)
    if wish.docker and not chain[0].docker:
        raise UsageError(f"--docker: the catalogue has no pinned image for {chain[0].name}; build it without")
    check_sources(recipes, wish.sources)
    return steps


def build(wish: Wish, shop: Workshop) -> tuple[BuildReport, ...]:
    """Build what is missing for an image, the first base first.

    Returns
    -------
    tuple of BuildReport
        One for each image that was built; empty when there was nothing to do.

    Raises
    ------
    UsageError
        Source files are missing; nothing was done.
    InputError
        A source file is not the right one.
    BuildFailedError
        A build or a test failed.
    MachineError
        The disk is too small, or another run builds the same image.
    OSError
        The disk is full.
    """
    steps = check_wish(wish, shop.catalogue, shop.place, emulated=not shop.engine.facts.makes_images)
    if steps:
        _require_space(steps, shop.place)
    reports = []
    for number, step in enumerate(steps, start=1):
        shop.told.say(f"{step.recipe.name}: building ({number} of {len(steps)}; {step.reason})")
        report = _build_one(step, wish, shop)
        shop.told.say(_told(report))
        reports.append(report)
    return tuple(reports)


def _told(report: BuildReport) -> str:
    what = f"{report.image_bytes / 1e6:.1f} MB" if report.kind == Form.SIF else report.kind
    tests = f"tests passed: {len(report.tests)}"
    return f"{report.name}: built in {report.build_seconds:.1f} s, {tests}, {what}"


def _require_space(steps: tuple[Step, ...], place: Workplace) -> None:
    images, work = space_needed(steps)
    for folder, needed in ((place.images, images), (place.builds, work)):
        there = next(path for path in (folder, *folder.parents) if path.is_dir())
        require_space(shutil.disk_usage(there).free, needed, str(folder), "this build")


@dataclass(frozen=True, slots=True)
class _Start:
    """What an image starts from: an image or a folder of this machine, None for one of a registry, and its digest."""

    base: Path | None
    digest: str


def _start_of(step: Step, wish: Wish, shop: Workshop) -> _Start:
    recipe = step.recipe
    if recipe.base:
        form = Form.EMULATION if step.form is Form.EMULATION else Form.SIF
        image = place_of(shop.place, shop.catalogue.find(recipe.base), form).image
        return _Start(image, image_sha256(image))
    if wish.docker or is_foreign(recipe):
        return _Start(None, recipe.docker.rpartition("@sha256:")[2])
    shop.told.step("operating system folder")
    folder = shop.make_base(shop.place, shop.told.line)
    return _Start(folder, _packages_digest(folder))


def _packages_digest(folder: Path) -> str:
    """Return the SHA-256 of the package list of an operating system folder: the file beside it, else dpkg's own."""
    lists = (folder.with_name(f"{folder.name}.packages.txt"), folder / "var" / "lib" / "dpkg" / "status")
    return next((sha256_of(path) for path in lists if path.is_file()), "")


def _build_one(step: Step, wish: Wish, shop: Workshop) -> BuildReport:
    recipe, names = step.recipe, place_of(shop.place, step.recipe, step.form)
    with ExitStack() as stack:
        stack.enter_context(image_lock(shop.place, recipe.name))
        scratch = stack.enter_context(build_folder(shop.place, recipe.name))
        log = stack.enter_context(log_file(names.log, shop.told))
        start = _start_of(step, wish, shop)
        log.begin(f"{recipe.name}: files")
        inputs = inputs_digest(shop.catalogue.chain(recipe.name))  # before the files are copied: they may be edited
        sources = dict(wish.sources)
        for source in recipe.sources:
            if source.url and source.key not in sources:
                sources[source.key] = downloaded(source, shop.place.downloads / "sources", shop.told.say)
        docker = wish.docker and not recipe.base
        context = make_context(scratch / "context", recipe, start.base, sources, docker=docker)
        report = _make(_Work(step, shop, names, context, scratch, log, start.digest, inputs))
    if not wish.keep_log:
        names.log.unlink(missing_ok=True)
    return report


@dataclass(frozen=True, slots=True)
class _Work:
    """One build under way."""

    step: Step
    shop: Workshop
    names: Place
    context: Context
    scratch: Path
    log: Log
    base_sha256: str
    inputs_sha256: str


def _make(work: _Work) -> BuildReport:
    """Build, test, rename, report."""
    recipe, engine, names = work.step.recipe, work.shop.engine, work.names
    with unfinished(names.image) as part:
        work.log.begin(f"{recipe.name}: %post")
        done = engine.build(_job(work, part), work.log.hear)
        report = _report(work, done)
        if done.exit_code:
            raise _failed(work, report, f"the build failed with exit code {done.exit_code}", tuple(work.log.last))
        tested = run_tests(engine, part, tested_apps(recipe), work.log)
        report = replace(report, tests=tested.results)
        bad = [result for result in tested.results if result.exit_code]
        if bad:
            problem = f"the test {bad[0].name} failed with exit code {bad[0].exit_code}; the image is not kept"
            raise _failed(work, report, problem, tested.last)
        work.log.begin(f"{recipe.name}: packages")
        report = replace(
            report,
            packages=packages_of(engine, part, work.scratch),
            image_sha256=sha256_of(part) if part.is_file() else "",
            image_bytes=_bytes_of(part),
        )
        # Without its report an image counts for nothing, with that of another one it would.
        names.report.unlink(missing_ok=True)
    write_text(names.report, report.to_json())
    return report


def _job(work: _Work, target: Path) -> BuildJob:
    return BuildJob(
        definition=work.context.definition,
        context=work.context.folder,
        target=target,
        arguments=work.context.arguments,
        sandbox=work.step.form is not Form.SIF,
        test=False,
    )


def _failed(work: _Work, report: BuildReport, problem: str, last: tuple[str, ...]) -> BuildFailedError:
    """Return the error, after a report on it where no earlier image is there to be reported on."""
    name, image = work.step.recipe.name, work.names.image
    kept = f"; the earlier image {image} stays" if image.exists() else ""
    if not kept:
        write_text(work.names.report, report.to_json())
    return BuildFailedError(f"{name}: {problem}{kept}; the whole output is in {work.names.log}", last)


def _report(work: _Work, done: Finished) -> BuildReport:
    recipe, facts = work.step.recipe, work.shop.engine.facts
    return BuildReport(
        name=recipe.name,
        tier=recipe.tier.value,
        date=now(),
        kind=work.step.form.value,
        toolkit_version=__version__,
        engine=facts.name,
        engine_version=facts.version,
        engine_where=facts.where,
        inputs_sha256=work.inputs_sha256,
        image_sha256="",
        image_bytes=0,
        base_sha256=work.base_sha256,
        build_exit_code=done.exit_code,
        build_seconds=round(done.seconds, 1),
        sources=work.context.sources,
    )


def _bytes_of(image: Path) -> int:
    """Return the size of a file, or the sum of the sizes of the files in a folder."""
    if image.is_file():
        return image.stat().st_size
    sizes = (Path(folder, name).lstat().st_size for folder, _, names in os.walk(image) for name in names)
    return sum(sizes)
