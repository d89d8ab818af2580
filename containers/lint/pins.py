"""Rules about what goes in: a pinned base, checked downloads, locked Python packages."""

import re
from collections.abc import Iterator, Mapping

from containers.definition import Definition
from containers.lint.finding import Finding
from containers.lint.scripts import TEST_SECTIONS, Script, commands

PINNED = re.compile(r"[a-z0-9][a-z0-9._/:-]*@sha256:[0-9a-f]{64}")
"""An image by its digest; Apptainer refuses a tag beside a digest."""
OWN_BASES = frozenset({"base", "base.sif"})
_ARGUMENT = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_LATEST = re.compile(r"(?:[:/]|releases/)latest\b", re.IGNORECASE)
_NETWORK = frozenset(
    {"curl", "wget", "aria2c", "ssh", "scp", "sftp", "rsync", "ftp", "nc", "ncat", "telnet", "ping", "dig", "host"}
    | {"nslookup", "apt", "apt-get", "aptitude", "yum", "dnf", "microdnf", "zypper", "apk", "conda", "mamba", "npm"}
)
_FETCHERS = frozenset({"curl", "wget", "aria2c"})
_LOOPBACK = re.compile(r"(https?://)?(127\.0\.0\.1|localhost|\[::1\])([:/]|$)")
_REMOTE = re.compile(r"(git\+)?(https?|ftp|ssh|git)://", re.IGNORECASE)
_HASH_TOOLS = frozenset({"sha256sum", "sha512sum", "shasum", "b2sum"})
_CHECKS = frozenset({"-c", "--check", "--strict"})
_UNCHECKED = {
    "--insecure": "TLS certificates are not checked",
    "--no-check-certificate": "TLS certificates are not checked",
    "--trusted-host": "TLS certificates are not checked",
    "--allow-unauthenticated": "signatures of packages are not checked",
    "--force-yes": "signatures of packages are not checked",
    "--nogpgcheck": "signatures of packages are not checked",
    "--no-gpg-checks": "signatures of packages are not checked",
}
_OUR_WHEEL = re.compile(r"(.*/)?antares_legacy-[^/]*\.whl")
_WITH_VALUE = frozenset({"-r", "--requirement", "-c", "--constraint", "-f", "--find-links", "--cert", "--timeout"})


def base(definition: Definition) -> Iterator[Finding]:
    """Check that the base is an image of this project, or a foreign one by its digest."""
    filled = {key: _filled(value, definition.arguments) for key, value in definition.header.items()}
    bootstrap, source = filled.get("bootstrap", ""), filled.get("from", "")
    if bootstrap == "localimage":
        if source not in OWN_BASES:
            message = f"From: '{source}' is no base of this project; it is called 'base.sif' or 'base' in a build"
            yield Finding(definition.path, _header_line(definition, "from"), "pinned-base", message)
    elif bootstrap == "docker":
        if not PINNED.fullmatch(source):
            message = f"From: '{source}' may mean another image tomorrow; write name@sha256:<64 hex digits>"
            yield Finding(definition.path, _header_line(definition, "from"), "pinned-base", message)
    else:
        message = f"Bootstrap: '{bootstrap}' cannot be pinned; use localimage, or docker with a digest"
        yield Finding(definition.path, _header_line(definition, "bootstrap"), "pinned-base", message)


def no_latest(definition: Definition) -> Iterator[Finding]:
    """Check that nothing is called 'latest', which is another thing every day."""
    for number, line in enumerate(definition.text.splitlines(), start=1):
        if _LATEST.search(line) and not line.lstrip().startswith("#"):
            yield Finding(definition.path, number, "no-latest", "'latest' names no version; name one")


def downloads(script: Script) -> Iterator[Finding]:
    """Check that what is downloaded is compared with a checksum before the next download."""
    waiting: list[tuple[int, str]] = []
    for command, words in commands(script):
        if _is_check(words):
            waiting.clear()
        what = _download(words)
        if what and command.piped:
            message = f"{what} is used before it can be checked; write it to a file, check it, then use it"
            yield Finding(script.path, script.line(command.line), "checked-download", message)
        elif what:
            waiting.append((command.line, what))
            if len(waiting) > 1:
                yield _unchecked(script, *waiting.pop(0))
    for line, what in waiting:
        yield _unchecked(script, line, what)


def _unchecked(script: Script, line: int, what: str) -> Finding:
    message = f"no checksum follows {what}; add: echo '<sha256>  <file>' | sha256sum -c -"
    return Finding(script.path, script.line(line), "checked-download", message)


def verified(script: Script) -> Iterator[Finding]:
    """Check that no command switches off the check of certificates or signatures."""
    for command, words in commands(script):
        bad = [_UNCHECKED[word.partition("=")[0]] for word in words[1:] if word.partition("=")[0] in _UNCHECKED]
        short = words[0] == "curl" and any(re.fullmatch(r"-[a-zA-Z]*k[a-zA-Z]*", word) for word in words[1:])
        if bad or short:
            message = f"{words[0]}: {bad[0] if bad else _UNCHECKED['--insecure']}; remove the option"
            yield Finding(script.path, script.line(command.line), "verified", message)


def python_packages(script: Script) -> Iterator[Finding]:
    """Python packages come from the lock with hashes; only our own wheel is installed by its name."""
    for command, words in commands(script):
        given = pip_arguments(words)
        if given is None or given[:1] != ("install",):
            continue
        locked = "--require-hashes" in given and any(word.endswith("requirements.lock") for word in given)
        own = "--no-deps" in given and all(_OUR_WHEEL.fullmatch(word) for word in _targets(given[1:]))
        if not locked and not own:
            message = (
                "pip installs what nobody locked; use --require-hashes -r requirements.lock, "
                "or --no-deps with the wheel of antares-legacy"
            )
            yield Finding(script.path, script.line(command.line), "locked-packages", message)


def quiet_tests(script: Script) -> Iterator[Finding]:
    """Check that tests work without a network, as many batch nodes have none."""
    if script.kind not in TEST_SECTIONS:
        return
    for command, words in commands(script):
        addresses = [word for word in words[1:] if not word.startswith("-")]
        own = words[0] in _FETCHERS and any(_LOOPBACK.match(word) for word in addresses)
        pip = pip_arguments(words)
        loads = bool(pip) and pip[0] in {"install", "download", "wheel"} if pip else False
        git = words[0] == "git" and any(word in {"clone", "fetch", "pull", "ls-remote", "submodule"} for word in words)
        if (words[0] in _NETWORK and not own) or loads or git:
            message = f"'{words[0]}' reaches for the network in a test; bring what it needs with %files"
            yield Finding(script.path, script.line(command.line), "quiet-test", message)


def pip_arguments(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return the arguments of a call of pip, None when the command is no such call."""
    if re.fullmatch(r"pip[0-9.]*", words[0]):
        return words[1:]
    # `"$python" -m pip` counts: what a variable holds is not known.
    if (words[0].startswith(("python", "$"))) and words[1:]:
        rest = list(words[1:])
        while rest and rest[0].startswith("-") and rest[0] != "-m":
            rest.pop(0)
        if rest[:2] == ["-m", "pip"]:
            return tuple(rest[2:])
    return None


def _targets(words: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    value = False
    for word in words:
        if value or word.startswith("-"):
            value = not value and word in _WITH_VALUE
        else:
            found.append(word)
    return found


def _download(words: tuple[str, ...]) -> str:
    """Return what a command downloads, in words; ``""`` when it downloads nothing that needs a checksum."""
    program = words[0]
    if program in _FETCHERS:
        own = any(_LOOPBACK.match(word) for word in words[1:])
        return "" if own or words[1:] in {("--version",), ("--help",)} else f"the download by {program}"
    if program == "git" and "clone" in words:
        return "the clone by git"
    given = pip_arguments(words)
    if given and given[0] in {"install", "download"} and "--require-hashes" not in given:
        remote = [word for word in given if _REMOTE.match(word) and "#sha256=" not in word]
        return f"the download of {remote[0]}" if remote else ""
    return ""


def _is_check(words: tuple[str, ...]) -> bool:
    if words[0] in _HASH_TOOLS:
        return bool(_CHECKS & set(words))
    # For git, the check is that a commit by its full hash is what was checked out.
    full = any(re.fullmatch(r"[0-9a-f]{40}", word) for word in words)
    return words[0] == "git" and full and bool({"checkout", "reset", "switch"} & set(words))


def _filled(value: str, arguments: Mapping[str, str]) -> str:
    return _ARGUMENT.sub(lambda match: arguments.get(match[1], match[0]), value)


def _header_line(definition: Definition, key: str) -> int:
    for number, line in enumerate(definition.text.splitlines(), start=1):
        if line.strip().lower().startswith(f"{key}:"):
            return number
    return 0


DEFINITION_RULES = (base, no_latest)
SCRIPT_RULES = (downloads, verified, python_packages, quiet_tests)
