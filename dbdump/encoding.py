"""Frozen dataclasses as JSON and back, checked against their annotations: the image's own files are foreign too."""

import hashlib
import json
import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

DIGEST = "digest"
"""The key under which a document has the SHA-256 of itself."""

Kind = TypeVar("Kind")


def to_plain(value: object) -> Any:
    """Return a value made of dataclasses, tuples and mappings as JSON knows it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [to_plain(item) for item in value]
    if isinstance(value, (frozenset, set)):
        return sorted(to_plain(item) for item in value)
    if isinstance(value, StrEnum):
        return str(value)
    return value


def sealed(plain: Mapping[str, object]) -> str:
    """Return a document as the text of its file, with the SHA-256 of itself under `DIGEST`."""
    return _text({**plain, DIGEST: digest_of(plain)})


def digest_of(plain: Mapping[str, object]) -> str:
    """Return the SHA-256 of a document, whose own digest counts as empty.

    A document from a file has to be given as it was read: one of an older version lacks keys that we would add.
    """
    return hashlib.sha256(_text({**plain, DIGEST: ""}).encode()).hexdigest()


def _text(plain: Mapping[str, object]) -> str:
    return json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def from_plain(kind: type[Kind], value: object, where: str = "") -> Kind:
    """Return what `to_plain` was given.

    Parameters
    ----------
    kind
        A dataclass whose annotations are made of str, int, float, bool, None, enums of text, dataclasses, and tuples,
        frozen sets and mappings of them.
    value
        What ``json.loads`` gave.
    where
        Place in the file, for messages.

    Raises
    ------
    ValueError
        A key is unknown, one without a default is missing, or a value is of another type; the message says where.
    """
    decoded: Kind = _decode(kind, value, where)
    return decoded


def _decode(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _decode_union(arguments, value, where)
    if origin in (tuple, frozenset):
        if not isinstance(value, list):
            raise ValueError(f"{where or 'value'}: a list is expected")
        return origin(_decode(arguments[0], item, f"{where}[{number}]") for number, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise ValueError(f"{where or 'value'}: an object is expected")
        return {key: _decode(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if is_dataclass(kind):
        return _decode_dataclass(kind, value, where)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(value)
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{where or 'value'}: {kind.__name__} is expected, not {type(value).__name__}")
    return value


def _decode_union(arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and types.NoneType in arguments:
        return None
    (kind,) = (argument for argument in arguments if argument is not types.NoneType)
    return _decode(kind, value, where)


def _decode_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ValueError(f"{where or 'value'}: an object is expected")  # noqa: TRY004  data, not a call, is wrong
    hints = get_type_hints(kind)
    unknown = value.keys() - hints.keys()
    # What an older version did not write has its default.
    required = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in required if name not in value]
    if unknown or missing:
        raise ValueError(f"{where or 'value'}: unknown keys {sorted(unknown)}, missing keys {missing}")
    return kind(
        **{name: _decode(hints[name], item, f"{where}.{name}" if where else name) for name, item in value.items()}
    )
