"""The folder in which an image is built: files of the recipe, our wheel, source files, the base."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from containers.catalogue import Recipe
from containers.definition import read_definition
from containers.sources import put_source
from containers.toolkit_wheel import write_wheel
from legacy.errors import InputError, MachineError


@dataclass(frozen=True, slots=True)
class Context:
    """A folder that is ready for a build.

    Parameters
    ----------
    folder
        The folder.
    definition
        The definition file in it.
    arguments
        Values of its ``{{ NAME }}``.
    sources
        SHA-256 of every source file in it, by key.
    """

    folder: Path
    definition: Path
    arguments: Mapping[str, str]
    sources: Mapping[str, str]


def make_context(
    folder: Path, recipe: Recipe, base: Path | None, sources: Mapping[str, Path], *, docker: bool = False
) -> Context:
    """Fill the folder of a build.

    Parameters
    ----------
    folder
        A new folder.
    recipe
        What is built.
    base
        Image or folder that it starts from; None where the definition names a foreign one.
    sources
        Source files by key; those of other recipes are left out.
    docker
        Start from the pinned image of the catalogue instead of `base`.

    Raises
    ------
    InputError
        The recipe has no definition file, or a source file is not the right one.
    MachineError
        The base cannot be copied.
    OSError
        The disk is full.
    """
    if not recipe.definition.is_file():
        raise InputError(recipe.definition, "is missing", advice="the recipe is not complete; install the program anew")
    shutil.copytree(recipe.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "sources").mkdir()
    given = {
        source.key: put_source(source, sources[source.key], folder / "sources" / source.key)
        for source in recipe.sources
        if source.key in sources
    }
    if recipe.toolkit:
        (folder / "wheels").mkdir()
        write_wheel(folder / "wheels")
    definition = folder / recipe.definition.name
    if docker:
        arguments = {"BOOTSTRAP": "docker", "FROM": recipe.docker}
    elif base is None:
        arguments = _foreign(recipe)
    else:
        arguments = {"BOOTSTRAP": "localimage", "FROM": _put_base(base, folder)}
    known = read_definition(definition).variables
    return Context(folder, definition, {k: v for k, v in arguments.items() if k in known}, given)


def is_foreign(recipe: Recipe) -> bool:
    """Say if a recipe starts from an image of a registry, by the defaults of its own definition."""
    return not recipe.base and read_definition(recipe.definition).arguments.get("BOOTSTRAP", "") == "docker"


def _foreign(recipe: Recipe) -> dict[str, str]:
    image = recipe.docker or read_definition(recipe.definition).arguments.get("FROM", "")
    if not image:
        raise InputError(
            recipe.definition,
            "names no image to start from",
            where="%arguments",
            expected="FROM=name@sha256:...",
            advice=f"see the README.md of {recipe.name}",
        )
    return {"BOOTSTRAP": "docker", "FROM": image}


def _put_base(base: Path, folder: Path) -> str:
    """Put the base into the folder of the build; return its name there."""
    if base.is_dir():
        _link_tree(base, folder / "base")
        return "base"
    try:
        os.link(base, folder / "base.sif")
    except OSError:  # another disk, or one without links
        shutil.copyfile(base, folder / "base.sif")
    return "base.sif"


def _link_tree(source: Path, target: Path) -> None:
    """Show a folder at another place: as links, since engines copy what they start from; else as a copy."""
    for options in ("-al", "-a"):
        command = ["cp", options, "--", str(source), str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode == 0:
            return
        if target.exists():
            shutil.rmtree(target)
    raise MachineError(f"{source}: cannot be copied to {target.parent}: {done.stderr.strip().splitlines()[-1]}")
