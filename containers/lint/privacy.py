"""Rules about what must not be in a recipe: paths, names and servers of the machine it was written on."""

import re
from collections.abc import Iterator
from pathlib import Path

from containers.definition import Definition
from containers.lint.finding import Finding
from legacy.errors import printable

_PATHS = re.compile(
    r"(?<![\w.$}])/(?:root|home|Users|afs|eos|pbs|sps|hpss|scratch|work|mnt|media|data|nfs|gpfs|lustre|workdir)/[\w.-]+"
    r"|(?<![\w/])~[a-z][\w.-]*/"
)
# Bounded, and begun only where a word begins: a long line of nonsense must not take long.
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[a-z]{2,}\b", re.IGNORECASE)
_PROXY = re.compile(r"\b(?:https?|ftp|all|no)_proxy\b", re.IGNORECASE)
_INDEX = re.compile(
    r"--(?:extra-)?index-url\b|--proxy\b|\bPIP_(?:EXTRA_)?INDEX_URL\b|\bPIP_FIND_LINKS\b|\bPIP_PROXY\b"
    r"|\bUV_(?:DEFAULT_)?INDEX\b|--find-links[= ](?:https?|file):"
)
_SECRET = re.compile(r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}://[^/\s:@'\"]{1,200}:[^/\s@'\"]{1,200}@", re.IGNORECASE)
_URL = re.compile(r"\b(?:https?|ftp)://(?P<host>\[[^\]\s]{0,60}\]|[^/\s:'\"<>)\\]{1,255})", re.IGNORECASE)
_REGISTRY = re.compile(
    r"(?:^|[.-])(?:proxy|artifactory|nexus|devpi|pypi|pythonhosted|mirrors?|cache|registry|harbor)\d*(?:[.-]|$)"
)
_PRIVATE_ENDS = (".local", ".localdomain", ".internal", ".intranet", ".lan", ".corp", ".home", ".private")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})

_SIMPLE = (
    ("machine-path", _PATHS, "a path of one machine; use a place inside the image, or bind it when the image is run"),
    ("proxy", _PROXY, "a proxy belongs to the machine that builds; it is taken from there, leave it out"),
    ("registry", _INDEX, "a package registry belongs to the machine that builds; it is taken from there, leave it out"),
    ("person", _MAIL, "a person's address; name the project instead"),
)


def private_words(path: Path, text: str) -> Iterator[Finding]:
    """Check that no path, user, proxy, registry or password of a machine is in a text."""
    for number, written in enumerate(text.splitlines(), start=1):
        line = _SECRET.sub("***", written)  # no message may repeat it
        if line != written:
            yield Finding(path, number, "secret", "a password in an address ends in the image; leave it out")
        for rule, pattern, message in _SIMPLE:
            match = pattern.search(line)
            if match:
                yield Finding(path, number, rule, f"'{printable(match[0][:100])}': {message}")
        for match in _URL.finditer(line):
            host = match["host"].rpartition("@")[2].lower()
            if _is_private(host):
                message = f"'{host}' is a server of somebody's network, or a package registry; leave it out"
                yield Finding(path, number, "registry", message)


def definition_words(definition: Definition) -> Iterator[Finding]:
    """Apply `private_words` to a definition."""
    yield from private_words(definition.path, definition.text)


def copied_files(definition: Definition) -> Iterator[Finding]:
    """Check that ``%files`` takes from the folder of the build only, and says where each file goes."""
    for section in definition.sections:
        if section.name not in {"files", "appfiles"}:
            continue
        for number, line in enumerate(section.text.splitlines(), start=section.line + 1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            source = words[0].strip("'\"")
            if source.startswith(("/", "~")) or ".." in source.split("/"):
                message = f"'{source}' lies outside of the recipe; name it relative to the recipe's folder"
                yield Finding(definition.path, number, "files", message)
            if len(words) < 2 and section.name == "files":
                message = f"no place in the image is given for '{source}'"
                yield Finding(definition.path, number, "files", message)


def _is_private(host: str) -> bool:
    if host in _LOOPBACK or "$" in host or "{" in host:
        return False
    return "." not in host or host.endswith(_PRIVATE_ENDS) or bool(_ADDRESS.fullmatch(host) or _REGISTRY.search(host))


DEFINITION_RULES = (definition_words, copied_files)
