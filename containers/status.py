"""How it stands with a recipe: only what images and reports say."""

from dataclasses import dataclass
from pathlib import Path

from containers.catalogue import Catalogue, Recipe
from containers.digest import image_sha256
from containers.forms import Form, Place, place_of
from containers.reports import REPORTS, BuildReport, inputs_digest, read_report
from containers.workplace import Workplace
from legacy import __version__
from legacy.errors import InputError


@dataclass(frozen=True, slots=True)
class Status:
    """How it stands with a recipe.

    Parameters
    ----------
    text
        For people.
    form
        What is or was there, None when nothing was ever built.
    report
        The report that says so, None without one.
    image
        The image, None when it is not there.
    current
        The image is there, passed its tests, and was made from what the recipe is now.
    """

    text: str
    form: Form | None = None
    report: BuildReport | None = None
    image: Path | None = None
    current: bool = False


def status_of(recipe: Recipe, catalogue: Catalogue, place: Workplace, release: Path = REPORTS) -> Status:
    """Say how it stands with a recipe, after its newest report.

    Parameters
    ----------
    recipe
        The recipe.
    catalogue
        Knows what it is built on.
    place
        Where images are.
    release
        Folder of the reports of the release, which count when nothing was built here.
    """
    for form in Form:
        names = place_of(place, recipe, form)
        if names.image.exists() or names.report.is_file():
            return form_status(recipe, catalogue, place, form)
    path = release / f"{recipe.name}.json"
    if path.is_file():
        return _of_release(recipe, catalogue, path)
    return Status("never built")


def form_status(recipe: Recipe, catalogue: Catalogue, place: Workplace, form: Form) -> Status:
    """Say how it stands with one form of a recipe on this machine."""
    names = place_of(place, recipe, form)
    image = names.image if names.image.exists() else None
    if image is None and not names.report.is_file():
        return Status("never built")
    if not names.report.is_file():
        return Status("image without report", form, image=image)
    try:
        report = read_report(names.report)
    except InputError:
        return Status("report cannot be read", form, image=image)
    if (report.name, report.kind) != (recipe.name, form):
        return Status("report of another image", form, image=image)
    if image is None:
        text = "report without image" if _tests_passed(report) else _failed(report)
        return Status(text, form, report)
    return _with_both(recipe, catalogue, place, names, report)


def _with_both(recipe: Recipe, catalogue: Catalogue, place: Workplace, names: Place, report: BuildReport) -> Status:
    current = False
    if names.form is Form.SIF and image_sha256(names.image) != report.image_sha256:
        text = "image changed since its report"
    elif not _tests_passed(report):
        text = _failed(report)
    elif not _same_inputs(recipe, catalogue, report) or not _same_base(recipe, catalogue, place, report):
        text = "built from older inputs"
    else:
        text, current = f"built {report.date[:10]}, tests passed", True
    if names.form is Form.EMULATION:
        text = f"chroot emulation only, {report.date[:10]}: {'tests passed' if current else text}"
    elif names.form is Form.SANDBOX:
        text = f"{text} (sandbox)"
    return Status(text, names.form, report, names.image, current=current)


def _of_release(recipe: Recipe, catalogue: Catalogue, path: Path) -> Status:
    try:
        report = read_report(path)
    except InputError:
        return Status("report cannot be read")
    if report.name != recipe.name:
        return Status("report of another image")
    form = Form(report.kind) if report.kind in set(Form) else None
    if not _tests_passed(report):
        text = _failed(report)
    elif not _same_inputs(recipe, catalogue, report):
        text = "built from older inputs"
    elif form is Form.EMULATION:
        text = "chroot emulation only"
    else:
        text = "tests passed"
    return Status(f"of the release, {report.date[:10]}: {text}", form, report)


def _tests_passed(report: BuildReport) -> bool:
    """Say if nothing failed; unlike `BuildReport.passed` also of an emulation."""
    return report.build_exit_code == 0 and bool(report.tests) and not any(test.exit_code for test in report.tests)


def _failed(report: BuildReport) -> str:
    date = report.date[:10]
    if report.build_exit_code:
        return f"build failed {date}"
    return f"tests failed {date}" if report.tests else f"built {date}, not tested"


def _same_inputs(recipe: Recipe, catalogue: Catalogue, report: BuildReport) -> bool:
    chain = catalogue.chain(recipe.name)
    same_program = report.toolkit_version == __version__ or not any(one.toolkit for one in chain)
    return same_program and report.inputs_sha256 == inputs_digest(chain)


def _same_base(recipe: Recipe, catalogue: Catalogue, place: Workplace, report: BuildReport) -> bool:
    """Say if the base was not built anew since; a base that was removed is no objection."""
    if not recipe.base or report.kind == Form.EMULATION:
        return True
    base = place_of(place, catalogue.find(recipe.base), Form.SIF).image
    return not base.is_file() or image_sha256(base) == report.base_sha256
