"""The one list of all recipes: `catalogue.yaml`, read and checked.

Status is not in it: that is what the last build report says (`containers.reports`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from legacy.errors import InputError, UsageError, nearest

ROOM = Path(__file__).parent
CATALOGUE = ROOM / "catalogue.yaml"
RECIPES = ROOM / "recipes"
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}|")


class Tier(StrEnum):
    """How far a recipe can be taken."""

    A = "A"
    """Built and tested in each release."""
    B = "B"
    """Built on demand: large, or in need of a file that anybody can get."""
    C = "C"
    """In need of sources that only the collaboration has."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that a recipe needs and that is not in this repository.

    Parameters
    ----------
    key
        The word before ``=`` in ``--source KEY=FILE``; also the name of the file below ``sources/`` in the build.
    title
        What it is, in a few words.
    file
        Its usual base name.
    sha256
        Its checksum in hex, ``""`` when nobody published one: the report then records what was given.
    licence
        SPDX expression, or a few words where the licence has no such name.
    who
        Who must supply it, or where it can be had.
    url
        Where `build` downloads it from, ``""`` when the user must supply it.
    required
        False: the recipe builds without it, with less in it.
    """

    key: str
    title: str
    file: str
    licence: str
    who: str
    sha256: str = ""
    url: str = ""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Recipe:
    """One entry of the catalogue.

    Parameters
    ----------
    name
        Name of the recipe, its folder, its definition file and its image.
    title, purpose
        What it is, and what for: a line each.
    tier
        How far it can be taken.
    base
        Recipe whose image it starts from; ``""`` for the operating system itself, or a foreign base.
    docker
        Image that stands for the base where a registry is reachable: ``name@sha256:...``; ``""`` for none.
    licence
        SPDX expression of the recipe's own contents.
    apps
        Purpose of every SCIF app by name, in the order of the work.
    sources
        Files it needs that are not in this repository.
    test_data
        What its tests work on.
    size_mb, minutes
        What to expect: size of the image in 10**6 bytes, and minutes of a build on two cores; 0 when unknown.
    toolkit
        The wheel of antares-legacy itself goes in.
    """

    name: str
    title: str
    purpose: str
    tier: Tier
    licence: str
    base: str = ""
    docker: str = ""
    apps: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    test_data: str = ""
    size_mb: int = 0
    minutes: int = 0
    toolkit: bool = False

    @property
    def folder(self) -> Path:
        """Folder of the recipe."""
        return RECIPES / self.name

    @property
    def definition(self) -> Path:
        """Its definition file."""
        return self.folder / f"{self.name}.def"

    @property
    def image(self) -> str:
        """Base name of its image."""
        return f"{self.name}.sif"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All recipes, in the order of the file: a base stands before what is built on it."""

    recipes: tuple[Recipe, ...]

    def find(self, name: str) -> Recipe:
        """Return the recipe called `name`; raises UsageError, with the nearest name, if there is none."""
        for recipe in self.recipes:
            if recipe.name == name:
                return recipe
        raise UsageError(f"unknown recipe '{name}'; {nearest(name, [recipe.name for recipe in self.recipes])}")

    def chain(self, name: str) -> tuple[Recipe, ...]:
        """Return the recipe called `name` after all the recipes that it is built on, the first base first."""
        recipe = self.find(name)
        return (*(self.chain(recipe.base) if recipe.base else ()), recipe)


@cache
def own_catalogue() -> Catalogue:
    """Return the catalogue that comes with this program."""
    return read_catalogue(CATALOGUE)


def read_catalogue(path: Path) -> Catalogue:
    """Read a catalogue and check it.

    Raises
    ------
    InputError
        It is not YAML, or an entry has an unknown, missing or malformed field.
    """
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise InputError(path, f"is not YAML: {error}") from error
    entries = document.get("recipes") if isinstance(document, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise InputError(path, "has no recipes", expected="a mapping 'recipes' of names to entries")
    recipes: list[Recipe] = []
    for name, entry in entries.items():
        recipes.append(_recipe(path, str(name), entry, {recipe.name for recipe in recipes}))
    return Catalogue(tuple(recipes))


def _recipe(path: Path, name: str, entry: Any, before: set[str]) -> Recipe:
    if not isinstance(entry, dict):
        raise InputError(path, "an entry is no mapping", where=f"recipes.{name}")
    _check(path, f"recipes.{name}", bool(_NAME.fullmatch(name)), "a name in lower case, words joined by '-'", name)
    values = dict(entry)
    sources = tuple(_source(path, name, key, source) for key, source in (values.pop("sources", None) or {}).items())
    values["tier"] = _tier(path, name, values.get("tier"))
    base = values.get("base", "")
    _check(path, f"recipes.{name}.base", base in {"", *before}, "a recipe that stands before this one", base)
    try:
        return Recipe(name=name, sources=sources, **values)
    except TypeError as error:
        raise InputError(path, f"has a wrong entry: {error}", where=f"recipes.{name}") from error


def _source(path: Path, recipe: str, key: str, entry: Any) -> Source:
    where = f"recipes.{recipe}.sources.{key}"
    if not isinstance(entry, dict):
        raise InputError(path, "an entry is no mapping", where=where)
    try:
        source = Source(key=key, **entry)
    except TypeError as error:
        raise InputError(path, f"has a wrong entry: {error}", where=where) from error
    _check(path, where, bool(_KEY.fullmatch(key)), "letters, digits and '_' in lower case", key)
    _check(path, f"{where}.file", bool(_FILE.fullmatch(source.file)), "a base name", source.file)
    _check(path, f"{where}.sha256", bool(_SHA256.fullmatch(source.sha256)), "64 hex digits", source.sha256)
    known = not source.url or bool(source.url.startswith("https://") and source.sha256)
    _check(path, f"{where}.url", known, "an https:// address together with a sha256", source.url)
    return source


def _tier(path: Path, name: str, value: Any) -> Tier:
    _check(path, f"recipes.{name}.tier", value in set(Tier), "A, B or C", str(value))
    return Tier(value)


def _check(path: Path, where: str, good: bool, expected: str, found: str) -> None:
    if not good:
        raise InputError(path, "has a malformed field", where=where, expected=expected, found=found)
