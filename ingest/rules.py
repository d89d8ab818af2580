"""What Rucio accepts as a name, a size or a checksum, and what it should not accept but does.

Every function returns what is wrong, with the next step, and ``""`` when nothing is. The patterns of scope, RSE
and checksums are those of Rucio's generic schema (``rucio.common.schema.generic`` 41.5). A site with a
policy package of its own can only be stricter or looser on the server; the names that pass here are legal in
the generic schema of all versions since 1.20.
"""

import re

from legacy.errors import printable

SCOPE_LENGTH = 25
NAME_LENGTH = 250
"""Characters."""

_SCOPE = re.compile(r"[a-zA-Z_\-.0-9]{1,25}")
_RSE = re.compile(r"[A-Z0-9]+([_-][A-Z0-9]+)*")
# Stricter than the server, which takes `a/../b` and a leading slash: on a deterministic RSE the name becomes a
# path, and a component that starts with a dot or a hyphen is a parent folder, a hidden file, or an option.
_COMPONENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-_]*")
_USUAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-_]*[A-Za-z0-9](?<!\.part)(?<!\.upload)")
_OUTSIDE = re.compile(r"[^A-Za-z0-9.\-_]")
_RESERVED_ENDINGS = (".rucio.upload", ".part")
_HEX = re.compile(r"[0-9a-f]*")
_CHECKSUM_DIGITS = {"adler32": 8, "md5": 32, "sha256": 64}


def scope_problem(scope: str) -> str:
    """Say why a scope is impossible."""
    if not scope:
        return "no scope; give --scope, or the key 'scope' in the configuration"
    if len(scope) > SCOPE_LENGTH:
        return f"scope '{printable(scope)}' has {len(scope)} characters; Rucio takes {SCOPE_LENGTH} at most"
    if not _SCOPE.fullmatch(scope):
        return f"scope '{printable(scope)}': only letters, digits, dot, hyphen and underscore; choose another"
    if set(scope) == {"."}:  # it is a folder on a deterministic RSE
        return f"scope '{scope}' would be a parent folder; choose another"
    return ""


def rse_problem(rse: str) -> str:
    """Say why the name of an RSE is impossible."""
    if not rse:
        return "no RSE; give --rse, or the key 'rse' in the configuration"
    if _RSE.fullmatch(rse):
        return ""
    return f"RSE '{printable(rse)}': capital letters and digits, joined by single '_' or '-'; see `rucio rse list`"


def name_problem(name: str, *, allow_slash: bool = False) -> str:
    """Say why the name of a DID is impossible, or dangerous on an RSE that makes paths of names.

    Parameters
    ----------
    name
        Without the scope.
    allow_slash
        If ``/`` may separate components.
    """
    if len(name) <= NAME_LENGTH and _USUAL.fullmatch(name) and ".." not in name:
        return ""  # nearly all names, and there are many
    shown = printable(name)
    if len(name) < 2:
        return f"name '{shown}' is too short; Rucio's oldest schema takes 2 characters at least"
    if len(name) > NAME_LENGTH:
        return f"name '{shown[:60]}...' has {len(name)} characters; Rucio takes {NAME_LENGTH}; shorten the template"
    if "/" in name and not allow_slash:
        return f"name '{shown}' has a '/'; set allow_slash, or choose another template"
    for component in name.split("/"):
        problem = _component_problem(component)
        if problem:
            return f"name '{shown}' {problem}"
    if name.endswith(_RESERVED_ENDINGS):
        return f"name '{shown}' ends like a file under way; wait for it, or choose another template"
    return ""


def _component_problem(component: str) -> str:
    if not component:
        return "begins or ends with '/', or has '//'; choose another template"
    if ".." in component:
        # Within a component it is harmless, but some storage systems refuse it anywhere in a path.
        return "has '..'; rename the file, or choose another template"
    if outside := _OUTSIDE.search(component):
        character = printable(outside[0])
        return (
            f"has the character '{character}'; Rucio takes letters, digits, dot, hyphen and underscore: "
            "rename the file, or build the name of other fields"
        )
    if not _COMPONENT.fullmatch(component):
        return f"has a part that begins with '{component[0]}'; it must begin with a letter or digit"
    return ""


def size_problem(size: int) -> str:
    """Say why a size in bytes is impossible; Rucio itself accepts zero and negative ones."""
    if size > 0:
        return ""
    if size == 0:
        return "the file is empty; Rucio cannot verify empty files: remove it, or find out where its content is"
    return f"a size of {size} bytes is impossible; correct what states it"


def checksum_problem(kind: str, value: str) -> str:
    """Say why a checksum cannot be one.

    Parameters
    ----------
    kind
        ``adler32``, ``md5`` or ``sha256``.
    value
        Lower-case hex with leading zeros.
    """
    digits = _CHECKSUM_DIGITS[kind]
    if len(value) == digits and _HEX.fullmatch(value):
        return ""
    return f"{kind} '{printable(value)[:80]}' is not {digits} lower-case hex digits; correct it, zero-padded"
