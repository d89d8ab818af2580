"""What has to be built, in which order, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from containers.catalogue import Catalogue, Recipe
from containers.forms import Form
from containers.sources import other_sources
from containers.status import form_status
from containers.workplace import Workplace
from legacy.errors import MachineError

_MEGABYTE = 10**6
_UNKNOWN_MB = 500
"""Size that is reckoned with for an image whose size the catalogue does not say."""
_UNPACKED = 5
"""An image unpacked, its base unpacked beside it, and caches of packages, in sizes of the image."""


@dataclass(frozen=True, slots=True)
class Step:
    """One image that has to be built.

    Parameters
    ----------
    recipe
        What.
    form
        As what.
    reason
        Why, for people.
    """

    recipe: Recipe
    form: Form
    reason: str


def make_plan(
    catalogue: Catalogue,
    name: str,
    place: Workplace,
    form: Form,
    *,
    rebuild: bool,
    sources: Mapping[str, Path] | None = None,
) -> tuple[Step, ...]:
    """Return what has to be built for an image: missing or stale bases, then itself; empty when it is current.

    Parameters
    ----------
    catalogue
        All recipes.
    name
        The recipe that is wanted.
    place
        Where images are.
    form
        What is wanted. Bases of a sandbox are images, those of an emulation are emulations.
    rebuild
        Build it also when it is current; bases that are current stay.
    sources
        Source files by key: an image that was made of others is not current.

    Raises
    ------
    InputError
        A source file is no plain file.
    """
    steps: list[Step] = []
    below = Form.EMULATION if form is Form.EMULATION else Form.SIF
    for recipe in catalogue.chain(name):
        wanted = form if recipe.name == name else below
        state = form_status(recipe, catalogue, place, wanted)
        if steps:
            steps.append(Step(recipe, wanted, f"{steps[-1].recipe.name} is built anew"))
        elif not state.current:
            steps.append(Step(recipe, wanted, state.text))
        elif state.report and other_sources(recipe, sources or {}, state.report.sources):
            steps.append(Step(recipe, wanted, "other source files"))
        elif rebuild and recipe.name == name:
            steps.append(Step(recipe, wanted, "asked for"))
    return tuple(steps)


def space_needed(steps: tuple[Step, ...]) -> tuple[int, int]:
    """Return bytes needed in the folder of images, and in that of the work; an estimate."""
    sizes = [(step.recipe.size_mb or _UNKNOWN_MB) * _MEGABYTE for step in steps]
    return sum(sizes), _UNPACKED * max(sizes, default=0)


def require_space(free: int, needed: int, where: str, what: str) -> None:
    """Compare bytes; raises MachineError when there are too few."""
    if free < needed:
        raise MachineError(
            f"{where}: {free / _MEGABYTE:.0f} MB are free, {what} needs about {needed / _MEGABYTE:.0f} MB;"
            " make room, or choose another folder"
        )
