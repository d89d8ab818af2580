"""What a description says: the YAML beside a file of bare numbers, in the head of an annotated one, or built in."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

from converters.metadata import LICENSES, SETTABLE
from converters.supplementary.model import Annotation, Content, Range
from legacy.errors import CorruptInputError, InputError, nearest

DESCRIPTION_SUFFIX = ".yaml"
_KEYS = frozenset({"content", "ktype", "origin", "axes"})
_AXES = ("spectral_index", "sin_declination_edges", "declination_edges")
_ORIGINS = ("time", "zenith", "declination")
_LIMITS = {"zenith": 180.0, "declination": 90.0}
_LARGEST = 1 << 20
_LONGEST_AXIS = 10_000
_KTYPE = re.compile(r"[A-Za-z0-9_.-]{1,100}")
_DESCRIBES = re.compile(rb"^(?:\xef\xbb\xbf)?[\"'{ ]*content[\"']? *: *[\"']?[A-Za-z]", re.MULTILINE)
_SAYS_CONTENT = re.compile(
    rb"^#? *content: *['\"]?(?:" + b"|".join(word.value.encode() for word in Content) + rb")\b",
    re.MULTILINE,
)


def description_path(path: Path) -> Path:
    """Return the name of the description beside a file of bare numbers."""
    return path.with_name(path.name + DESCRIPTION_SUFFIX)


def says_content(head: bytes) -> bool:
    """Say if a text names the kind of a supplementary table, as annotated tables do."""
    return _SAYS_CONTENT.search(head) is not None


def describes_table(head: bytes) -> bool:
    """Say if a file beside a table describes it: it has the key ``content``, even with a word that does not exist.

    A wrong word then gives a message about the word, not one about a file of no known format.
    """
    return _DESCRIBES.search(head) is not None


def read_description(path: Path) -> Annotation:
    """Read the description in a YAML file.

    Raises
    ------
    InputError
        It cannot be read, is no YAML, or says something impossible.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(path, "larger than 1 MB", expected="a short description in YAML")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path, f"cannot be read ({error})", expected="a description in YAML") from error
    return annotation_of(path, parse_yaml(path, text))


def parse_yaml(path: Path, text: str) -> dict[str, Any]:
    """Return a mapping written in YAML; raises CorruptInputError."""
    import yaml

    try:
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CorruptInputError(path, "the description is no YAML", found=reason) from error
    if not isinstance(content, dict):
        raise CorruptInputError(path, "the description is no mapping", expected="lines such as 'content: psf'")
    return {str(key): value for key, value in content.items()}


def annotation_of(path: Path, given: Mapping[str, object]) -> Annotation:
    """Check what a description says.

    Parameters
    ----------
    path
        Where it stands, for messages.
    given
        Keys ``content``, ``ktype``, ``origin``, ``axes``, and those of a metadata file.

    Raises
    ------
    InputError
        An unknown key, content or licence, an axis that does not ascend, a range that ends before it begins.
    """
    words = [word.value for word in Content]
    content = given.get("content")
    if content not in words:
        raise _wrong(path, "content", content, f"one of {', '.join(words)}")
    ktype = given.get("ktype", "tbd")
    if not isinstance(ktype, str) or not _KTYPE.fullmatch(ktype):
        raise _wrong(path, "ktype", ktype, "a dotted word, or tbd")
    header = {}
    for key, value in given.items():
        if key in _KEYS:
            continue
        if key not in SETTABLE:
            raise InputError(path, f"unknown key '{key}'", advice=nearest(key, [*sorted(_KEYS), *SETTABLE]))
        header[key] = _text(path, key, value)
    if (licence := header.get("license")) is not None and licence not in LICENSES:
        raise InputError(path, f"unknown license '{licence}'", advice=nearest(licence, list(LICENSES)))
    return Annotation(
        Content(content), ktype, header, _origin(path, given.get("origin")), _axes(path, given.get("axes"))
    )


def _origin(path: Path, given: object) -> dict[str, Range]:
    found: dict[str, Range] = {}
    for name, span in _mapping(path, "origin", given, _ORIGINS).items():
        ends = ("measurement_start", "measurement_stop") if name == "time" else ("min", "max")
        values = _mapping(path, f"origin.{name}", span, (*ends, "unit", "ktype"))
        if not all(end in values for end in ends):
            raise _wrong(path, f"origin.{name}", sorted(values), f"both {ends[0]} and {ends[1]}")
        low, high = (
            _time(path, values[end]) if name == "time" else _number(path, f"origin.{name}.{end}", values[end])
            for end in ends
        )
        limit = _LIMITS.get(name)
        if low > high or (limit is not None and max(abs(float(low)), abs(float(high))) > limit):  # type: ignore[operator]
            raise _wrong(path, f"origin.{name}", f"{low} to {high}", "a range that begins before it ends")
        extra = {} if name == "time" else {"unit": "deg"}
        if values.get("unit", "deg") != "deg":
            raise _wrong(path, f"origin.{name}.unit", values["unit"], "deg")
        ktype = _text(path, "ktype", values.get("ktype", "tbd"))
        found[name] = {ends[0]: low, ends[1]: high, **extra, "ktype": ktype}
    return found


def _axes(path: Path, given: object) -> dict[str, tuple[float, ...]]:
    found: dict[str, tuple[float, ...]] = {}
    for name, values in _mapping(path, "axes", given, _AXES).items():
        if not isinstance(values, list) or not 1 <= len(values) <= _LONGEST_AXIS:
            raise _wrong(path, f"axes.{name}", type(values).__name__, f"a list of 1 to {_LONGEST_AXIS} numbers")
        numbers = tuple(_number(path, f"axes.{name}", value) for value in values)
        if any(b <= a for a, b in pairwise(numbers)):
            raise _wrong(path, f"axes.{name}", "numbers that do not ascend", "each larger than the one before")
        limits = {"sin_declination_edges": 1.0, "declination_edges": 90.0}
        if name in limits and max(map(abs, numbers)) > limits[name]:
            raise _wrong(path, f"axes.{name}", f"{numbers[0]} to {numbers[-1]}", f"at most {limits[name]:g}")
        found[name] = numbers
    if "declination_edges" in found:
        if "sin_declination_edges" in found:
            raise _wrong(path, "axes", "edges of the declination and of its sine", "one of the two")
        found["sin_declination_edges"] = tuple(math.sin(math.radians(edge)) for edge in found.pop("declination_edges"))
    return found


def _mapping(path: Path, key: str, given: object, known: tuple[str, ...]) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _wrong(path, key, type(given).__name__, f"a mapping with {', '.join(known)}")
    for word in given:
        if word not in known:
            raise InputError(path, f"unknown key '{key}.{word}'", advice=nearest(str(word), list(known)))
    return given


def _text(path: Path, key: str, value: object) -> str:
    if isinstance(value, str | int | float | date) and not isinstance(value, bool):
        return _time(path, value) if isinstance(value, date) else str(value).strip()
    raise _wrong(path, key, type(value).__name__, "text")


def _number(path: Path, key: str, value: object) -> float:
    # YAML 1.1 takes 1e3, without a point, for text.
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
    raise _wrong(path, key, value, "a number")


def _time(path: Path, value: object) -> str:
    try:
        moment = value if isinstance(value, date) else datetime.fromisoformat(str(value).strip())
        if not isinstance(moment, datetime):
            moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise _wrong(path, "time", value, "a time such as 2007-01-29T00:00:00Z") from error
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _wrong(path: Path, key: str, found: object, expected: str) -> InputError:
    return InputError(path, f"key '{key}' cannot be so", expected=expected, found=str(found)[:80])


def known_annotation(size: int, sha256: str) -> Annotation | None:
    """Return the built-in description of a public file, None if its bytes are not known."""
    for name, entry in _known().items():
        if (entry["size"], entry["sha256"]) == (size, sha256):
            rest = {key: value for key, value in entry.items() if key not in ("size", "sha256")}
            return annotation_of(Path(name), rest)
    return None


def has_known_size(size: int) -> bool:
    """Say if a file of this size may be a public one; its checksum decides."""
    return size in KNOWN_SIZES


KNOWN_SIZES = frozenset({3085, 76})
"""Sizes in bytes of the files described in `known/`, here so that looking at a file needs no YAML."""


def _known() -> dict[str, dict[str, Any]]:
    folder = files("converters.supplementary") / "known"
    return {
        entry.name: parse_yaml(Path(entry.name), entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(DESCRIPTION_SUFFIX)
    }
