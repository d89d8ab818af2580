"""What a build can leave behind, and under which names: a SIF, a folder, or an emulation that is no image."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from containers.catalogue import Recipe
from containers.workplace import Workplace


class Form(StrEnum):
    """Kinds of results; the values are those of `BuildReport.kind`."""

    SIF = "sif"
    SANDBOX = "sandbox"
    EMULATION = "chroot emulation"


_SUFFIX = {Form.SIF: ".sif", Form.SANDBOX: ".sandbox", Form.EMULATION: ".emulation"}
_REPORT = {Form.SIF: ".json", Form.SANDBOX: ".sandbox.json", Form.EMULATION: ".emulation.json"}
_LOG = {Form.SIF: ".log", Form.SANDBOX: ".sandbox.log", Form.EMULATION: ".emulation.log"}


@dataclass(frozen=True, slots=True)
class Place:
    """Names of one result; none of them needs to exist.

    Parameters
    ----------
    form
        What it is.
    image
        The SIF, or the folder.
    report
        What was said of its build and tests.
    log
        Output of its build.
    """

    form: Form
    image: Path
    report: Path
    log: Path


def place_of(place: Workplace, recipe: Recipe, form: Form) -> Place:
    """Return the names of the result of `recipe` in one form."""
    folder = place.images
    return Place(
        form=form,
        image=folder / f"{recipe.name}{_SUFFIX[form]}",
        report=folder / f"{recipe.name}{_REPORT[form]}",
        log=folder / f"{recipe.name}{_LOG[form]}",
    )


def find_made(place: Workplace, recipe: Recipe) -> Place | None:
    """Return the result that is there: the SIF, else the folder, else the emulation, None without any."""
    places = (place_of(place, recipe, form) for form in Form)
    return next((found for found in places if found.image.exists()), None)
