"""URLs of files behind an xrootd door, such as ``root://door.example:1094//hpss/antares/file``."""

import re
from dataclasses import dataclass

from legacy.errors import InputError

SCHEMES = ("root", "roots", "xroot")
"""``xroot`` is another name of ``root``; ``roots`` is encrypted."""
DEFAULT_PORT = 1094
"""IANA: rootd."""

_URL = re.compile(
    r"(?P<scheme>root|roots|xroot)://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?/(?P<path>/.*)",
    re.DOTALL,
)
# What follows a question mark is an order to the server, not a part of the name.
_IMPOSSIBLE = re.compile(r"[\x00-\x1f\x7f?\ud800-\udfff]")
_EXPECTED = "a URL such as root://door.example:1094//folder/file, with two slashes before the folder"


@dataclass(frozen=True, slots=True)
class XrootdUrl:
    """A file or folder behind a door.

    Parameters
    ----------
    scheme
        ``root``, ``roots`` or ``xroot``.
    host
        Name or address of the door.
    port
        0 where the URL gives none.
    path
        Absolute, without ``..`` and repeated slashes.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def door(self) -> str:
        """The URL of the door."""
        return f"{self.scheme}://{self.host}" + (f":{self.port}" if self.port else "") + "/"

    def __str__(self) -> str:
        return self.door + self.path


def is_xrootd(location: str) -> bool:
    """Tell whether a location has one of the schemes of xrootd."""
    return location.partition("://")[0].lower() in SCHEMES and "://" in location


def _shown(text: str) -> str:
    """Return a URL for messages, without a password before the host and a token after the path."""
    return re.sub(r"\?.*", "?...", re.sub(r"(?<=://)[^/]*@", "...@", text, count=1), count=1, flags=re.DOTALL)


def parse_xrootd_url(text: str) -> XrootdUrl:
    """Read a URL.

    Parameters
    ----------
    text
        With the path as it is: nothing is percent-encoded in such URLs.

    Raises
    ------
    InputError
        It is no such URL, names a user, or its path is relative or has ``.``, ``..``, ``?`` or control characters.
    """
    found = _URL.fullmatch(text)
    if not found:
        raise InputError(_shown(text), "cannot be understood as a location", expected=_EXPECTED, advice="correct it")
    port = int(found["port"] or 0)
    if port > 65535 or (found["port"] and not port):
        raise InputError(
            _shown(text), f"has the impossible port {found['port']}", expected=_EXPECTED, advice="correct it"
        )
    path = found["path"].rstrip("/") or "/"
    components = path.split("/")[1:]
    if path != "/" and any(component in {"", ".", ".."} for component in components):
        raise InputError(_shown(text), "has '//', '.' or '..' in its path", advice="write the path without them")
    if wrong := _IMPOSSIBLE.search(path):
        raise InputError(_shown(text), f"has {wrong[0]!r} in its path, which no door takes", advice="rename the file")
    return XrootdUrl(found["scheme"], found["host"].lower(), port, path)
