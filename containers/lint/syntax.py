"""Rules about scripts as such: the shell understands them, and they end at the first failure."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator

from containers.lint.finding import Finding
from containers.lint.scripts import ENVIRONMENT_SECTIONS, STRICT_SECTIONS, TEST_SECTIONS, Script, shell_text
from containers.lint.shell_words import ShellText
from legacy.errors import MachineError, printable

SECONDS = 10
"""A shell that thinks longer about the syntax of a script is stopped."""
_ERROR = re.compile(r"(?:line )?(\d+): (.*)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SET_NAMES = frozenset({"export", "readonly", "local", "declare", "typeset", "unset"})
_READ_NAMES = frozenset({"read", "mapfile", "readarray"})
_UNKNOWN_NAMES = frozenset({".", "source", "eval", "let"})
_SHELL_OWN = frozenset(
    {
        "HOME",
        "PATH",
        "PWD",
        "OLDPWD",
        "IFS",
        "PPID",
        "UID",
        "EUID",
        "LANG",
        "TMPDIR",
        "USER",
        "SHELL",
        "HOSTNAME",
        "TERM",
    }
    | {"OPTARG", "OPTIND", "REPLY", "RANDOM", "SECONDS", "LINENO", "PIPESTATUS", "FUNCNAME", "BASH_SOURCE", "BASHPID"}
    | {"BASH_VERSION", "BASH_REMATCH", "PS1", "PS4", "LD_LIBRARY_PATH", "SOURCE_DATE_EPOCH", "LOGNAME"}
)
_ENGINE_OWN = ("APPTAINER_", "SINGULARITY_", "SCIF_", "LC_", "ANTARES_LEGACY_", "SLURM_")


def syntax(script: Script) -> Iterator[Finding]:
    """Check that the shell that will run the script can parse it; it is asked with ``-n``, which runs nothing.

    Raises
    ------
    MachineError
        The shell is not on this machine.
    """
    if not script.is_shell:
        message = f"{script.name} is run by '{script.interpreter}', which is not checked; use sh or bash"
        yield Finding(script.path, script.first, "shell-syntax", message)
        return
    if "\0" in script.text:
        yield Finding(script.path, script.first, "shell-syntax", f"{script.name} has zero bytes in it")
        return
    program = shutil.which(script.interpreter) or shutil.which("sh" if script.interpreter == "dash" else "bash")
    if program is None:
        raise MachineError(f"the syntax of {script.name} cannot be checked: install {script.interpreter}")
    try:
        done = subprocess.run(  # noqa: S603  a shell that only parses
            [program, "-n"],
            input=script.text.encode(),
            capture_output=True,
            timeout=SECONDS,
            # A file named in BASH_ENV or ENV would be run, even with -n.
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        message = f"{script.name} keeps the shell's parser busy for more than {SECONDS} s; write it more simply"
        yield Finding(script.path, script.first, "shell-syntax", message)
        return
    if done.returncode or done.stderr:
        yield _syntax_error(script, done.stderr.decode(errors="replace"))
    elif shell_text(script) is None:
        message = f"{script.name} is written in a way that cannot be checked; use simpler quotes and substitutions"
        yield Finding(script.path, script.first, "shell-syntax", message)


def _syntax_error(script: Script, said: str) -> Finding:
    first = next((line for line in said.splitlines() if line.strip()), "a syntax error")
    match = _ERROR.search(first)
    line = script.line(int(match[1])) if match else script.first
    message = printable((match[2] if match else first)[:200])
    return Finding(script.path, line, "shell-syntax", f"{script.name}: {message}")


def strict(script: Script) -> Iterator[Finding]:
    """Check that a failing command ends the script: its first command is ``set -e``."""
    text = shell_text(script)
    wanted = script.kind in STRICT_SECTIONS or (script.kind == "file" and script.path.suffix == ".sh")
    if text is None or not wanted or not text.commands:
        return
    if len(text.commands) == 1 and text.commands[0].words[0] == "exec" and script.kind in TEST_SECTIONS:
        return  # the program takes the place of the shell, and its exit code is the script's
    words = text.commands[0].words
    short = any(re.fullmatch(r"-[a-zA-Z]*e[a-zA-Z]*", word) for word in words[1:])
    if words[0] != "set" or not (short or "errexit" in words):
        line = script.line(text.commands[0].line)
        yield Finding(script.path, line, "set-e", f"{script.name} goes on after a failure; begin it with: set -eu")


def set_names(text: ShellText) -> set[str] | None:
    """Return the variables that a script sets; None when it runs text that is not its own."""
    names = set(text.given_defaults)
    for command in text.commands:
        words = command.words
        for at, word in enumerate(words):
            match = _NAME.match(word)
            if match and word[match.end() :].startswith(("=", "+=", "[")):
                names.add(match[0])
            if word in {"for", "select", "getopts", "-v"}:
                names.update(words[at + 1 : at + 3])
            if word in _SET_NAMES | _READ_NAMES:
                names.update(word.partition("=")[0] for word in words[at + 1 :])
            if word in _UNKNOWN_NAMES:
                return None
    return names


def variables(scripts: tuple[Script, ...]) -> Iterator[Finding]:
    """Check that every variable that is used was set, or is one of the shell's or the engine's own."""
    environments = [shell_text(script) for script in scripts if script.kind in ENVIRONMENT_SECTIONS]
    inherited: set[str] = set()
    for environment in environments:
        names = set_names(environment) if environment else None
        if names is None:
            return  # what a file sourced by %environment sets is not known
        inherited |= names
    for script in scripts:
        text = shell_text(script)
        names = set_names(text) if text else None
        if text is None or names is None or script.kind in {"file"}:
            continue
        known = names | inherited | _SHELL_OWN
        for use in text.uses:
            if use.name not in known and not use.name.startswith(_ENGINE_OWN):
                message = (
                    f"{script.name} uses ${use.name}, which nothing sets; write ${{{use.name}:-}} if it may be empty"
                )
                yield Finding(script.path, script.line(use.line), "unset-variable", message)


SCRIPT_RULES = (syntax, strict)
