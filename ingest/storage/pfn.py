"""Physical file names (PFNs): where a replica is, as Rucio writes it, and back to a location that can be read.

What a Rucio server does with a PFN was found by registering names with every unusual character at non-deterministic
RSEs of a 41.5 server and reading them back. The path is kept as it is: nothing is percent-encoded or decoded, so
``%20`` stays ``%20`` and a space stays a space. But ``#`` and ``?`` end the path, tabs and line breaks vanish,
repeated slashes become one, host and port of a file RSE are replaced by those of its protocol, and those of a
``root`` URL must be those of its protocol. Names that would come back changed are refused here.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from ingest.storage.xrootd_url import DEFAULT_PORT, SCHEMES
from legacy.errors import InputError, printable

PATH_LENGTH = 1024
"""Characters of a path; Rucio's column ``replicas.path``. SQLite keeps longer ones, PostgreSQL refuses them."""

_LOST = re.compile(r"[\x00-\x1f\x7f#?\ud800-\udfff]")
# Protocols over HTTP decode percent signs, and their clients encode what is not plain.
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._~!$&'()*+,;=:@/-]")
_LITERAL = ("file", *SCHEMES)
_HERE = frozenset({"", "localhost"})


@dataclass(frozen=True, slots=True)
class PfnRule:
    """A folder of this machine and the same folder as a storage system calls it.

    Parameters
    ----------
    local
        Absolute path, such as ``/sps/antares``.
    url
        URL, such as ``root://door.example:1094//hpss/antares``.
    """

    local: str
    url: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A location taken apart; the scheme of a path is ``file`` and its host ``""``, a port 0 is not given."""

    scheme: str
    host: str
    port: int
    parts: tuple[str, ...]

    @property
    def path(self) -> str:
        return "/" + "/".join(self.parts)

    @property
    def door(self) -> tuple[str, str, int]:
        """What must be equal for two places to be on one storage system."""
        if self.scheme not in SCHEMES:
            return self.scheme, self.host, self.port
        return "roots" if self.scheme == "roots" else "root", self.host, self.port or DEFAULT_PORT


def pfn_of(
    location: str, rules: Sequence[PfnRule] = (), *, scheme: str = "file", host: str = "localhost", port: int = 0
) -> str:
    """Return the PFN under which an RSE knows a file that is there already.

    Parameters
    ----------
    location
        An absolute path, or a URL such as ``root://door.example//folder/file``.
    rules
        Which folders here are which URLs; that with the longest matching folder counts.
    scheme, host, port
        Of the protocol of the RSE.

    Returns
    -------
    str
        Such as ``file://localhost/sps/antares/file`` or ``root://door.example:1094//hpss/antares/file``.

    Raises
    ------
    InputError
        No rule leads from the location to the RSE, or Rucio would not give the name back as it is.
    """
    found = _fitting(location, rules, scheme)
    if found is None:
        raise InputError(
            location,
            f"has no name at an RSE that speaks {scheme}",
            advice="add its folder and the URL of that folder to 'pfn' in the configuration",
        )
    _require_round_trip(location, found)
    if found.scheme == "file":
        return f"file://{host or 'localhost'}{found.path}"
    if not host:
        return _url(_Place(scheme, found.host, found.port, found.parts))
    wanted = _Place(found.scheme, host.lower(), port, ())
    if not _same_door(wanted, found):
        theirs, ours = (_url(place) for place in (wanted, _Place(scheme, found.host, found.port, ())))
        raise InputError(location, f"is behind {ours}", expected=theirs, advice="correct 'pfn', or take another RSE")
    return _url(_Place(scheme, found.host, port, found.parts))


def location_of(pfn: str, rules: Sequence[PfnRule] = ()) -> str:
    """Return where this machine finds a replica.

    Parameters
    ----------
    pfn
        As Rucio gives it.
    rules
        A folder that is mounted here is preferred to a door.

    Returns
    -------
    str
        An absolute path or a ``root`` URL.

    Raises
    ------
    InputError
        The PFN is on another machine or speaks a protocol that cannot be read, and no rule says where it is
        mounted; or its path has ``..``.
    """
    place = _parse(pfn)
    _require_plain_path(pfn, place)
    mapped = _mapped(place, [(_parse(rule.url), _parse(rule.local)) for rule in rules])
    if mapped is not None:
        return mapped.path
    if place.scheme == "file" and place.host in _HERE:
        return place.path
    if place.scheme in SCHEMES:
        return _url(place)
    raise InputError(
        pfn,
        f"cannot be read from here over {place.scheme}" if place.scheme != "file" else "is a file of another machine",
        advice="add the folder where it is mounted, and its URL, to 'pfn' in the configuration",
    )


def same_pfn(one: str, other: str) -> bool:
    """Tell whether two PFNs name one place.

    Rucio writes the slashes of a ``root`` URL as the prefix of the RSE has them: one or two before the path, and two
    between prefix and path for files with a path of their own.
    """
    if one == other:
        return True
    try:
        places = _parse(one), _parse(other)
    except InputError:
        return False
    return places[0].door == places[1].door and places[0].parts == places[1].parts


def within_prefix(pfn: str, prefix: str) -> bool:
    """Tell whether the path of a PFN lies below the prefix of an RSE; Rucio refuses it otherwise.

    Raises
    ------
    InputError
        The PFN is none.
    """
    start, parts = _parts(prefix), _parse(pfn).parts
    return len(parts) > len(start) and parts[: len(start)] == start


def _fitting(location: str, rules: Sequence[PfnRule], scheme: str) -> _Place | None:
    """Return the place, or what a rule makes of it, that has the scheme of the RSE."""
    place = _parse(location)
    _require_plain_path(location, place)
    pairs = [(_parse(rule.local), _parse(rule.url)) for rule in rules]
    both = [*pairs, *((url, local) for local, url in pairs)]
    wanted = _Place(scheme, "", 0, ()).door[0]
    mapped = _mapped(place, [(start, end) for start, end in both if end.door[0] == wanted])
    if mapped is not None:
        return mapped
    return place if place.door[0] == wanted else None


def _mapped(place: _Place, pairs: Sequence[tuple[_Place, _Place]]) -> _Place | None:
    """Move a place from the folder at the start of a pair to that at its end; None when it is in none of them."""
    fitting = [
        (start, end)
        for start, end in pairs
        if _same_door(start, place) and place.parts[: len(start.parts)] == start.parts
    ]
    if not fitting:
        return None
    start, end = max(fitting, key=lambda pair: len(pair[0].parts))
    return _Place(end.scheme, end.host, end.port, end.parts + place.parts[len(start.parts) :])


def _same_door(one: _Place, other: _Place) -> bool:
    """Tell whether two places are on one storage system; a port that is not given may be any."""
    if one.scheme == other.scheme == "file":
        return one.host == other.host or {one.host, other.host} <= _HERE
    (scheme, host, port), (scheme2, host2, port2) = one.door, other.door
    return (scheme, host) == (scheme2, host2) and (port == port2 or not port or not port2)


def _parse(text: str) -> _Place:
    """Take a path or a URL apart; `#` and `?` are not special here, so that they can be refused by name."""
    if text.startswith("/"):
        return _Place("file", "", 0, _parts(text))
    scheme, separator, rest = text.partition("://")
    authority, slash, path = rest.partition("/")
    try:
        split = urlsplit(f"//{authority}")
        host, port = split.hostname or "", split.port or 0
    except ValueError:
        separator = ""
        host, port = "", 0
    if not separator or not slash or "@" in authority or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise InputError(
            text, "is neither an absolute path nor a URL", expected="such as /folder/file or root://door//folder/file"
        )
    return _Place(scheme.lower(), f"[{host}]" if ":" in host else host, port, _parts(path))


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _require_plain_path(text: str, place: _Place) -> None:
    if any(part in {".", ".."} for part in place.parts):
        raise InputError(text, "has '.' or '..' in its path", advice="write the path without them")


def _require_round_trip(location: str, place: _Place) -> None:
    lost = _LOST.search(place.path)
    if lost is None and place.scheme not in _LITERAL:
        lost = _NOT_PLAIN.search(place.path)
    if lost:
        raise InputError(
            location,
            f"has '{printable(lost[0])}' in its path, which Rucio does not keep",
            advice="rename the file or folder, or use --mode copy",
        )
    if len(place.path) > PATH_LENGTH:
        raise InputError(
            location,
            "has too long a path for Rucio",
            expected=f"{PATH_LENGTH} characters at most",
            found=f"{len(place.path)}",
            advice="use --mode copy",
        )


def _url(place: _Place) -> str:
    authority = place.host + (f":{place.port}" if place.port else "")
    # The second slash after a door begins an absolute path.
    extra = "/" if place.scheme in SCHEMES else ""
    return f"{place.scheme}://{authority}{extra}{place.path}"
