"""Runs every rule over a recipe, or over a definition file from anywhere."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from containers.catalogue import Recipe
from containers.definition import Definition, read_definition
from containers.lint import contents, form, pins, privacy, syntax
from containers.lint.finding import Finding
from containers.lint.scripts import Script, file_scripts, section_scripts
from legacy.errors import InputError

DEFINITION_RULES: tuple[Callable[[Definition], Iterable[Finding]], ...] = (
    *form.RULES,
    *pins.DEFINITION_RULES,
    *privacy.DEFINITION_RULES,
    *contents.DEFINITION_RULES,
)
SCRIPT_RULES: tuple[Callable[[Script], Iterable[Finding]], ...] = (*syntax.SCRIPT_RULES, *pins.SCRIPT_RULES)
RECIPE_RULES: tuple[Callable[[Recipe, Definition], Iterable[Finding]], ...] = contents.RECIPE_RULES


def lint_recipe(recipe: Recipe) -> tuple[Finding, ...]:
    """Check a recipe of the catalogue: its definition, the files beside it, and its entry.

    Returns
    -------
    tuple of Finding
        Sorted by file and line; empty when all is well.
    """
    definition, findings = _read(recipe.definition)
    if definition is None:
        return findings
    found = [finding for rule in RECIPE_RULES for finding in rule(recipe, definition)]
    scripts = (*section_scripts(definition), *file_scripts(recipe.folder))
    return _sorted([*found, *_definition_findings(definition, scripts)])


def lint_file(path: Path) -> tuple[Finding, ...]:
    """Check a definition file that need not be of this project; what needs a catalogue is left out.

    Returns
    -------
    tuple of Finding
        Sorted by line; empty when all is well. A file that cannot be read is a finding, too.
    """
    definition, findings = _read(path)
    if definition is None:
        return findings
    return _sorted(_definition_findings(definition, section_scripts(definition)))


def _read(path: Path) -> tuple[Definition | None, tuple[Finding, ...]]:
    # Opening a pipe would wait for somebody to write into it.
    if not path.is_file():
        return None, (Finding(path, 0, "definition", "there is no such file"),)
    try:
        return read_definition(path), ()
    except InputError as error:
        parts = (
            error.problem,
            f"at {error.where}" if error.where else "",
            f"found '{error.found}'" if error.found else "",
        )
        return None, (Finding(path, 0, "definition", ", ".join(part for part in parts if part)),)


def _definition_findings(definition: Definition, scripts: tuple[Script, ...]) -> Iterator[Finding]:
    too_large = tuple(form.size(definition))
    if too_large:
        yield from too_large
        return
    for rule in DEFINITION_RULES:
        yield from rule(definition)
    for script in scripts:
        for check in SCRIPT_RULES:
            yield from check(script)
    yield from syntax.variables(scripts)


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(set(findings), key=lambda found: (str(found.path), found.line, found.rule, found.message)))
