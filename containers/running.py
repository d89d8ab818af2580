"""Runs an app of an image on files of the host."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from containers.catalogue import Recipe
from containers.definition import read_definition
from containers.digest import image_sha256
from containers.engine.contract import Engine, Finished
from containers.forms import Form, Place
from containers.reports import read_report
from containers.run_binds import run_binds
from containers.workplace import IMAGES_VARIABLE, WORK_VARIABLE
from legacy.errors import MachineError, UsageError, nearest
from legacy.provenance import IMAGE_VARIABLE

_PASSED_ON = frozenset({"SOURCE_DATE_EPOCH", "TERM", "COLUMNS", "NO_COLOR", "TZ"})
_PREFIXES = ("RUCIO_", "X509_", "ANTARES_LEGACY_")
_PROXY = "_proxy"
_OUR_OWN = frozenset({IMAGES_VARIABLE, WORK_VARIABLE, "ANTARES_LEGACY_ENGINE", IMAGE_VARIABLE})
"""Variables of `containers` itself."""


@dataclass(frozen=True, slots=True)
class Command:
    """What is to be run.

    Parameters
    ----------
    recipe
        Recipe of the image.
    app
        The app.
    arguments
        Arguments of the program.
    binds
        What the user wants to be seen inside, besides what the arguments name.
    folder
        Working folder.
    check_digest
        Read the whole image, and refuse one that is not that of its report.
    """

    recipe: Recipe
    app: str
    arguments: Sequence[str]
    binds: Sequence[str]
    folder: Path
    check_digest: bool = False


def require_app(recipe: Recipe, app: str) -> None:
    """Make sure that a recipe has an app; raises UsageError."""
    apps = read_definition(recipe.definition).apps
    if app not in apps:
        raise UsageError(f"{recipe.name} has no app '{app}'; {nearest(app, list(apps))}")


def run_app(command: Command, made: Place, engine: Engine) -> Finished:
    """Run an app; its standard streams are those of this process.

    Parameters
    ----------
    command
        What is to be run.
    made
        The image.
    engine
        Starts it.

    Raises
    ------
    UsageError
        The recipe has no such app, or a path would hide programs of the image.
    MachineError
        The image is not that of its report, and that was to be checked.
    OSError
        The image cannot be read.
    """
    require_app(command.recipe, command.app)
    environment = passed_on(os.environ)
    # Such as RUCIO_HOME or X509_USER_PROXY: a path is of use only when what it names is there.
    named = [value for value in environment.values() if value.startswith("/")]
    binds = run_binds((*named, *command.arguments), command.folder, command.binds)
    digest = image_sha256(made.image, anew=command.check_digest)
    if command.check_digest:
        _require_reported(made, digest)
    seen = {**environment, **digest_variable(digest)}
    return engine.run(made.image, command.app, command.arguments, binds, command.folder, seen)


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the host that a program in an image sees; engines hand them on outside of arguments."""
    return {
        name: value
        for name, value in environment.items()
        if name not in _OUR_OWN and (name in _PASSED_ON or name.startswith(_PREFIXES) or name.lower().endswith(_PROXY))
    }


def digest_variable(sha256: str) -> Mapping[str, str]:
    """Return the variable that tells a program which image it runs in; none for a folder, which has no digest."""
    return {IMAGE_VARIABLE: f"sha256:{sha256}"} if sha256 else {}


def _require_reported(made: Place, digest: str) -> None:
    if made.form is not Form.SIF:
        raise MachineError(f"{made.image} is a folder, whose digest nobody can check; build the image")
    reported = read_report(made.report).image_sha256
    if digest != reported:
        raise MachineError(f"{made.image} is not the image of its report: sha256 {digest}, reported {reported}")
