"""Rules about the form of a definition: sections, arguments, header, labels."""

import re
from collections.abc import Iterator

from containers.definition import APP_SECTIONS, SCRIPT_SECTIONS, TEXT_SECTIONS, Definition, Section
from containers.lint.finding import Finding
from legacy.errors import nearest

KNOWN = SCRIPT_SECTIONS | TEXT_SECTIONS | APP_SECTIONS
REQUIRED = ("labels", "help", "test", "post")
LABELS = ("title", "version", "revision", "source", "licenses")
LARGEST = 64 << 10
"""Bytes; a longer definition hides what it does, and belongs into files of its own."""
MOST_SECTIONS = 200
_OCI = "org.opencontainers.image"
_ARGUMENT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_STAGE = re.compile(r"(Bootstrap|Stage)\s*:", re.IGNORECASE)
_APP = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def size(definition: Definition) -> Iterator[Finding]:
    """Check that the file can be read by a person."""
    found = len(definition.text.encode())
    if found > LARGEST:
        message = f"{found} bytes, more than {LARGEST}; move long scripts into files of the recipe"
        yield Finding(definition.path, 0, "size", message)
    if len(definition.sections) > MOST_SECTIONS:
        message = f"{len(definition.sections)} sections, more than {MOST_SECTIONS}"
        yield Finding(definition.path, 0, "size", message)


def section_names(definition: Definition) -> Iterator[Finding]:
    """Check that every section is one that Apptainer knows, and is there once."""
    seen: set[tuple[str, str]] = set()
    for section in definition.sections:
        if section.name not in KNOWN:
            message = f"unknown section '%{section.name}'; {nearest(section.name, sorted(KNOWN))}"
            yield Finding(definition.path, section.line, "section-name", message)
        if section.name in APP_SECTIONS and not _APP.fullmatch(section.app):
            message = f"%{section.name} needs the name of an app: words in lower case joined by '-'"
            yield Finding(definition.path, section.line, "section-name", message)
        if (section.name, section.app) in seen:
            message = f"%{section.name} {section.app}".rstrip() + " is there twice; put both into one"
            yield Finding(definition.path, section.line, "section-name", message)
        seen.add((section.name, section.app))


def one_stage(definition: Definition) -> Iterator[Finding]:
    """Check that there is one stage: what comes from elsewhere comes through the base or a source."""
    for section in definition.sections:
        for number, line in enumerate(section.text.splitlines(), start=section.line + 1):
            if section.name != "help" and _STAGE.match(line):
                message = "a second stage; this project builds on images of its own, name one as the base"
                yield Finding(definition.path, number, "one-stage", message)


def required_sections(definition: Definition) -> Iterator[Finding]:
    """Check that the sections without which an image explains or proves nothing are there, and not empty."""
    for name in REQUIRED:
        section = definition.section(name)
        if section is None:
            yield Finding(definition.path, 0, "required-section", f"%{name} is missing")
        elif not section.text.strip():
            yield Finding(definition.path, section.line, "required-section", f"%{name} is empty")


def app_sections(definition: Definition) -> Iterator[Finding]:
    """Check that every app can be run, explained and tested."""
    apps = {section.app: section.line for section in reversed(definition.sections) if section.app}
    for app, line in sorted(apps.items(), key=lambda item: item[1]):
        for name in ("apprun", "apphelp", "apptest"):
            section = definition.section(name, app)
            if section is None or not section.text.strip():
                yield Finding(definition.path, line, "app-section", f"the app '{app}' has no %{name}")


def arguments(definition: Definition) -> Iterator[Finding]:
    """Check that every ``{{ NAME }}`` has a default, and every default is used."""
    declared = definition.arguments
    for number, line in enumerate(definition.text.splitlines(), start=1):
        for name in _ARGUMENT.findall(line):
            if name not in declared:
                message = f"{{{{ {name} }}}} is not declared; add '{name}=...' to %arguments"
                yield Finding(definition.path, number, "arguments", message)
    section = definition.section("arguments")
    for name in declared:
        if section and name not in definition.variables:
            yield Finding(definition.path, section.line, "arguments", f"the argument '{name}' is not used anywhere")


def labels(definition: Definition) -> Iterator[Finding]:
    """Check that the image says what it is, in the words of the OCI image specification (annotations, version 1.1)."""
    section = definition.section("labels")
    if section is None:
        return
    given = label_names(section)
    written = definition.section("post")
    for name in LABELS:
        full = f"{_OCI}.{name}"
        # Apptainer takes labels that %post writes to the file $APPTAINER_LABELS, too.
        if not given.get(full) and not (written and full in written.text):
            yield Finding(definition.path, section.line, "labels", f"the label {full} is missing or empty")
    if not (given.get(f"{_OCI}.base.name") or given.get(f"{_OCI}.base.digest")):
        message = f"one of {_OCI}.base.name and {_OCI}.base.digest is needed"
        yield Finding(definition.path, section.line, "labels", message)


def label_names(section: Section) -> dict[str, str]:
    """Return the labels of a section %labels and their values."""
    lines = (line.strip() for line in section.text.splitlines())
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {name: value.strip() for name, _, value in pairs}


RULES = (section_names, one_stage, required_sections, app_sections, arguments, labels)
