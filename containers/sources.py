"""Files that a recipe needs and that are not in this repository: given by the user, or downloaded."""

import shutil
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from containers.catalogue import Recipe, Source
from legacy.checksums import sha256_of
from legacy.errors import InputError, UsageError, nearest


def parse_sources(given: Iterable[str]) -> dict[str, Path]:
    """Take ``KEY=FILE`` apart; raises UsageError when one is not like that, or a key comes twice."""
    found: dict[str, Path] = {}
    for text in given:
        key, sign, file = text.partition("=")
        if not sign or not key or not file:
            raise UsageError(f"--source {text}: write it as KEY=FILE")
        if key in found:
            raise UsageError(f"--source {key}=... is given twice")
        found[key] = Path(file)
    return found


def require_sources(recipes: Iterable[Recipe], given: Mapping[str, Path], known: Iterable[Recipe]) -> None:
    """Make sure that every source file that must be given is given.

    Parameters
    ----------
    recipes
        What is going to be built.
    given
        Files by key.
    known
        Recipes whose keys are no mistake, also when they are not built now.

    Raises
    ------
    UsageError
        Files are missing (one message for all of them), or a key is unknown.
    """
    keys = [source.key for recipe in known for source in recipe.sources]
    for key in given:
        if key not in keys:
            advice = nearest(key, keys) if keys else "the recipe takes no source files"
            raise UsageError(f"--source {key}=...: unknown key; {advice}")
    missing = [
        f"{recipe.name} needs {source.title}: --source {source.key}=FILE ({source.file}); {_sum(source)};"
        f" to be had from: {source.who}"
        for recipe in recipes
        for source in recipe.sources
        if source.required and not source.url and source.key not in given
    ]
    if missing:
        raise UsageError("\n".join(["source files are missing, nothing was done", *missing]))


def _sum(source: Source) -> str:
    return f"sha256 {source.sha256}" if source.sha256 else "no sha256 is known, the report records it"


def check_sources(recipes: Iterable[Recipe], given: Mapping[str, Path]) -> None:
    """Compare every given file with its checksum before any work.

    Raises
    ------
    InputError
        A file is not the one that the catalogue names, or no plain file.
    """
    for recipe in recipes:
        for source in recipe.sources:
            if source.key in given:
                file = given[source.key]
                _require_file(file)
                require_sum(source, file, sha256_of(file))


def other_sources(recipe: Recipe, given: Mapping[str, Path], used: Mapping[str, str]) -> bool:
    """Say if a file given for a recipe is not one of `used`, by SHA-256; raises InputError when it is no plain file."""
    files = {source.key: given[source.key] for source in recipe.sources if source.key in given}
    for file in files.values():
        _require_file(file)
    return any(sha256_of(file) != used.get(key) for key, file in files.items())


def put_source(source: Source, file: Path, target: Path) -> str:
    """Copy a source file into a build; the copy is what is checked and used.

    Returns
    -------
    str
        SHA-256 of the copy in hex.

    Raises
    ------
    InputError
        It is not the file that the catalogue names, or no plain file.
    OSError
        The disk is full.
    """
    _require_file(file)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    digest = sha256_of(target)
    require_sum(source, file, digest)
    return digest


def require_sum(source: Source, file: Path, digest: str) -> None:
    """Compare a checksum with that of the catalogue; raises InputError."""
    if source.sha256 and digest != source.sha256:
        raise InputError(
            file,
            f"is not {source.title}",
            expected=f"sha256 {source.sha256}",
            found=digest,
            advice=f"the right file is to be had from: {source.who}",
        )


def _require_file(file: Path) -> None:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        raise InputError(file, f"cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(mode):
        raise InputError(file, "is no plain file", advice="pack a folder into a tar file first")
