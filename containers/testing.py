"""Runs the tests of an image, and keeps in its report how they ended."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from containers.catalogue import Recipe
from containers.definition import read_definition
from containers.digest import image_sha256
from containers.engine.contract import Engine
from containers.forms import Form, Place, find_made
from containers.reports import TestResult, read_report
from containers.scratch import image_lock
from containers.telling import Log, Told, log_file
from containers.workplace import Workplace
from legacy.atomic import write_text
from legacy.errors import InputError, UsageError, nearest

WHOLE = "%test"
_APP = "app:"


@dataclass(frozen=True, slots=True)
class Tested:
    """How the tests of an image ended.

    Parameters
    ----------
    results
        Each test that was run.
    last
        The last lines of output of the first test that failed.
    not_recorded
        Why its report does not say so, ``""`` when it does.
    """

    results: tuple[TestResult, ...]
    last: tuple[str, ...]
    not_recorded: str = ""

    @property
    def passed(self) -> bool:
        """Every test passed."""
        return not any(result.exit_code for result in self.results)


def tested_apps(recipe: Recipe) -> tuple[str, ...]:
    """Return the apps of a recipe that have a test, in the order of its definition."""
    sections = read_definition(recipe.definition).sections
    return tuple(section.app for section in sections if section.name == "apptest")


def run_tests(engine: Engine, image: Path, apps: Iterable[str], log: Log, *, whole: bool = True) -> Tested:
    """Run %test and the tests of apps, all of them also when one fails, without network.

    Parameters
    ----------
    engine
        Starts the image.
    image
        The image.
    apps
        Apps whose tests are run.
    log
        Gets the output.
    whole
        False leaves %test out.
    """
    results: list[TestResult] = []
    last: tuple[str, ...] = ()
    for app in (*([""] if whole else []), *apps):
        name = f"{_APP}{app}" if app else WHOLE
        log.begin(f"test {name}")
        done = engine.test(image, app, (), log.hear)
        if done.exit_code and not any(result.exit_code for result in results):
            last = tuple(log.last)
        results.append(TestResult(name, done.exit_code, round(done.seconds, 2)))
    return Tested(tuple(results), last)


def require_made(recipe: Recipe, place: Workplace) -> Place:
    """Return what was built of a recipe; raises UsageError when nothing was."""
    made = find_made(place, recipe)
    if made is None:
        raise UsageError(
            f"there is no image of {recipe.name} in {place.images}; make it with: antares-legacy containers build"
            f" {recipe.name}"
        )
    return made


def check_image(recipe: Recipe, app: str, made: Place, place: Workplace, engine: Engine, told: Told) -> Tested:
    """Run the tests of an image that is there, and bring its report up to date.

    Parameters
    ----------
    recipe
        The recipe.
    app
        Run only the test of this app; ``""`` runs all tests.
    made
        The image.
    place
        Where images are.
    engine
        Starts the image.
    told
        Told the output.

    Raises
    ------
    UsageError
        The recipe has no test of that app.
    MachineError
        The image is being built.
    """
    apps = tested_apps(recipe)
    if app and app not in apps:
        raise UsageError(f"{recipe.name} has no test of an app '{app}'; {nearest(app, list(apps))}")
    with log_file(Path(os.devnull), told) as log:
        tested = run_tests(engine, made.image, (app,) if app else apps, log, whole=not app)
    return replace(tested, not_recorded=_record(recipe, made, place, tested))


def _record(recipe: Recipe, made: Place, place: Workplace, tested: Tested) -> str:
    """Write the results into the report of the image; return why not."""
    if not made.report.is_file():
        return "the image has no report"
    if not os.access(place.images, os.W_OK):
        return f"{place.images} cannot be written to"
    with image_lock(place, recipe.name):
        try:
            report = read_report(made.report)
        except InputError as error:
            return str(error)
        if made.form is Form.SIF and image_sha256(made.image) != report.image_sha256:
            return "the image is not that of its report"
        results = {result.name: result for result in (*report.tests, *tested.results)}
        write_text(made.report, replace(report, tests=tuple(results.values())).to_json())
    return ""
