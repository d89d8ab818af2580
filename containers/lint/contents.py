"""Rules about what every image must hold, and about the recipe's folder and its entry in the catalogue."""

import re
from collections.abc import Iterator

from containers.catalogue import Recipe, Tier
from containers.definition import Definition
from containers.lint.finding import Finding
from containers.lint.pins import PINNED
from containers.lint.privacy import private_words

FILES = ("README.md", "requirements.lock", "test.sh")
_SOURCE = re.compile(r"(?<![\w-])sources/(?P<key>[a-z][a-z0-9_]*)(?![\w-])")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?==[A-Za-z0-9.!+_-]+")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_LARGEST_LOCK = 1 << 20


def licence(definition: Definition) -> Iterator[Finding]:
    """Check that licence texts are inside, where everybody finds them."""
    yield from _written(definition, "licences", "/opt/antares-legacy/licenses", "licence texts")


def bill_of_materials(definition: Definition) -> Iterator[Finding]:
    """Check that the image says what it is made of."""
    yield from _written(definition, "sbom", "/opt/antares-legacy/sbom", "a bill of materials")


def _written(definition: Definition, rule: str, place: str, what: str) -> Iterator[Finding]:
    texts = [section.text for section in definition.sections if section.name in {"post", "files"}]
    # The program of the recipe `base` writes both.
    if not any(place in text or "write_sbom" in text for text in texts):
        message = f"nothing puts {what} into {place}; run /opt/antares-legacy/libexec/write_sbom.py at the end of %post"
        yield Finding(definition.path, 0, rule, message)


def apps(recipe: Recipe, definition: Definition) -> Iterator[Finding]:
    """Check that the catalogue names the apps that are there, and no other."""
    listed, written = set(recipe.apps), set(definition.apps)
    for app in sorted(listed - written):
        message = f"the catalogue names the app '{app}', which has no %apprun"
        yield Finding(definition.path, 0, "apps", message)
    for app in sorted(written - listed):
        section = definition.section("apprun", app)
        line = section.line if section else 0
        yield Finding(definition.path, line, "apps", f"the app '{app}' is not in the catalogue")


def sources(recipe: Recipe, definition: Definition) -> Iterator[Finding]:
    """Check that the definition takes the sources that the catalogue names, and no other."""
    text = "\n".join(line for line in definition.text.splitlines() if not line.lstrip().startswith("#"))
    named, listed = set(_SOURCE.findall(text)), {source.key for source in recipe.sources}
    for key in sorted(listed - named):
        message = f"the catalogue names the source '{key}', but nothing uses sources/{key}"
        yield Finding(definition.path, 0, "sources", message)
    for number, line in enumerate(definition.text.splitlines(), start=1):
        for key in _SOURCE.findall("" if line.lstrip().startswith("#") else line):
            if key not in listed:
                message = f"sources/{key} is not in the catalogue; add it there, with its checksum and who has it"
                yield Finding(definition.path, number, "sources", message)


def catalogue_entry(recipe: Recipe, definition: Definition) -> Iterator[Finding]:
    """Check that the entry fits the definition: pinned image, tier and required sources."""
    if recipe.docker and not PINNED.fullmatch(recipe.docker):
        message = f"the catalogue's docker image '{recipe.docker}' is not name@sha256:<64 hex digits>"
        yield Finding(definition.path, 0, "pinned-base", message)
    if recipe.tier is Tier.A and any(source.required and not source.url for source in recipe.sources):
        message = "a recipe of tier A needs a source that the user must supply; that makes it tier C"
        yield Finding(definition.path, 0, "tier", message)
    required = [source.key for source in recipe.sources if source.required]
    setup = definition.section("setup")
    for key in required:
        if setup is None or f"sources/{key}" not in setup.text:
            message = f"%setup does not look for sources/{key}; without it the build must end before any work"
            yield Finding(definition.path, setup.line if setup else 0, "early-failure", message)


def folder(recipe: Recipe, definition: Definition) -> Iterator[Finding]:
    """Check that every file of a recipe is there, and %test runs test.sh."""
    for name in FILES:
        path = recipe.folder / name
        if not path.is_file() or path.stat().st_size == 0:
            yield Finding(path, 0, "folder", f"{recipe.name}: {name} is missing or empty")
    if not any(
        section.name == "files" and re.search(r"^\s*test\.sh\s", section.text, re.M) for section in definition.sections
    ):
        yield Finding(definition.path, 0, "folder", "%files does not bring test.sh into the image")
    for path in sorted(recipe.folder.rglob("*")):
        if path.suffix in {".sh", ".py", ".lock", ".md"} and path.is_file() and path.stat().st_size <= _LARGEST_LOCK:
            yield from private_words(path, path.read_text(encoding="utf-8", errors="replace"))


def lock(recipe: Recipe, definition: Definition) -> Iterator[Finding]:
    """Check that every line of the lock is one version of one package, with hashes, and nothing else."""
    path = recipe.folder / "requirements.lock"
    if not path.is_file() or path.stat().st_size > _LARGEST_LOCK:
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    packages = 0
    for number, line in _logical_lines(text):
        words = line.split()
        hashes = [word for word in words if word.startswith("--hash=")]
        packages += 1
        if not _REQUIREMENT.fullmatch(words[0]):
            message = f"'{words[0]}' is no package with one version; write name==version"
            yield Finding(path, number, "lock", message)
        elif not hashes or not all(_HASH.fullmatch(word) for word in hashes):
            yield Finding(path, number, "lock", f"'{words[0]}' has no --hash=sha256:<64 hex digits>")
    post = definition.section("post")
    if packages and (post is None or "requirements.lock" not in post.text):
        yield Finding(path, 0, "lock", f"{recipe.name}: the lock names packages, but %post does not install from it")


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines with their continuations, without comments and empty ones."""
    start, parts = 0, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        content = re.sub(r"(^|\s)#.*$", "", line).rstrip()
        start = start or number
        parts.append(content.removesuffix("\\"))
        if not content.endswith("\\"):
            joined = " ".join(parts).strip()
            if joined:
                yield start, joined
            start, parts = 0, []
    if parts and " ".join(parts).strip():
        yield start, " ".join(parts).strip()


DEFINITION_RULES = (licence, bill_of_materials)
RECIPE_RULES = (apps, sources, catalogue_entry, folder, lock)
