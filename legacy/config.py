"""The configuration file: one YAML file, one section for every room that has settings.

This module finds and reads the file, and checks a section against the frozen dataclass that a room gives it:
the fields are the keys, their annotations the types. What the values mean is the room's business.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from legacy.errors import MetadataError, UsageError, nearest, printable

if TYPE_CHECKING:
    import yaml

CONFIG_NAME = "antares-legacy.yaml"
CONFIG_VARIABLE = "ANTARES_LEGACY_CONFIG"
SECTIONS = ("ingest", "names")
"""The top-level keys. A room that gets settings adds its name here; nothing is imported from it."""

_MAX_BYTES = 1 << 20
_MOST_NODES = 1_000_000
"""Values of a file with every alias written out; a file without aliases cannot have as many."""
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Config:
    """What the configuration file says.

    Parameters
    ----------
    path
        The file, None where there is none.
    sections
        Its sections, as YAML has them.
    """

    path: Path | None = None
    sections: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The folder to which paths in the file are relative; the current one without a file."""
        return Path.cwd() if self.path is None else self.path.absolute().parent

    def section(self, name: str, kind: type[Any]) -> dict[str, object]:
        """Return a section, checked against the fields of a dataclass.

        Parameters
        ----------
        name
            One of `SECTIONS`.
        kind
            A dataclass whose annotations are made of str, bool, int, float, Literal, tuples and mappings of
            those, and other such dataclasses. A field with the metadata ``setting: False`` is no key.

        Returns
        -------
        dict
            The given keys only; lists as tuples, mappings that stand for a dataclass as that dataclass.

        Raises
        ------
        MetadataError
            An unknown key, or a value of another type.
        """
        return _members(kind, self.sections.get(name, {}), f"{self.path}: {name}")


def load_config(path: Path | None = None) -> Config:
    """Find and read the configuration file.

    Parameters
    ----------
    path
        The file; None means the one that ``ANTARES_LEGACY_CONFIG`` names, else ``antares-legacy.yaml`` in the
        current folder, else none.

    Raises
    ------
    UsageError
        The file cannot be read.
    MetadataError
        It is no YAML, too large, or has a section that nothing reads.
    """
    found = _find(path)
    if found is None:
        return Config()
    content = load_yaml(found)
    if content is None:
        return Config(found)
    if not isinstance(content, dict):
        raise MetadataError(f"{found}: expected sections such as 'ingest:', found {_named(content)}")
    for name, section in content.items():
        if name not in SECTIONS:
            known = nearest(str(name), list(SECTIONS))
            raise MetadataError(f"{found}: unknown section '{printable(str(name))}'; {known}")
        if section is not None and not isinstance(section, dict):
            raise MetadataError(f"{found}: {name}: expected keys with values, found {_named(section)}")
    return Config(found, {name: section or {} for name, section in content.items()})


def _find(path: Path | None) -> Path | None:
    if path is not None:
        return path
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    usual = Path(CONFIG_NAME)
    return usual if usual.is_file() else None


def load_yaml(path: Path) -> object:
    """Read a small YAML file, without repeated keys.

    Raises
    ------
    UsageError
        The file cannot be read.
    MetadataError
        It is no YAML, larger than 1 MB, or gives a key twice.
    """
    try:
        if not path.is_file():
            raise UsageError(f"{path}: no such file, or no regular file; give the name of a YAML file")
        with path.open("rb") as stream:
            raw = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    if len(raw) > _MAX_BYTES:
        raise MetadataError(f"{path}: larger than 1 MB; expected a short YAML file")
    return parse_yaml(raw, str(path))


def parse_yaml(raw: bytes, where: str) -> object:
    """Read YAML without repeated keys; `where` names it in the `MetadataError` for anything else."""
    import yaml

    loader: Any = None
    try:
        loader = _loader()(raw.decode("utf-8-sig"))
        node = loader.get_single_node()
        _require_few(node)
        content: object = None if node is None else loader.construct_document(node)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise MetadataError(f"{where}: not YAML: line {line} has bytes that are no UTF-8; save it as UTF-8") from error
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError) as error:
        # PyYAML would name the text that it was given, not the file.
        reason = printable(" ".join(str(error).replace('in "<unicode string>", ', "at ").split())[:200])
        raise MetadataError(f"{where}: not YAML, or a value that cannot be ({reason})") from error
    finally:
        if loader is not None:
            loader.dispose()
    return content


def _require_few(node: Any) -> None:
    """Refuse aliases within aliases: each level can multiply the values, and a merge (``<<``) copies them all."""
    import yaml

    sizes: dict[int, int] = {}

    def size(of: Any) -> int:
        if id(of) not in sizes:
            sizes[id(of)] = _MOST_NODES  # of a value within itself
            parts = of.value if isinstance(of, yaml.CollectionNode) else ()
            pairs = isinstance(of, yaml.MappingNode)
            found = 1 + sum(size(part[0]) + size(part[1]) if pairs else size(part) for part in parts)
            if found >= _MOST_NODES:
                problem = "aliases (*name) that stand for too many values, or for themselves; write them out"
                raise yaml.constructor.ConstructorError(None, None, problem, of.start_mark)
            sizes[id(of)] = found
        return sizes[id(of)]

    if node is not None:
        size(node)


def _loader() -> "type[yaml.SafeLoader]":
    import yaml

    class Loader(yaml.SafeLoader):
        """PyYAML's safe loader keeps the last of two equal keys; a lost setting must not go unseen."""

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except (ValueError, TypeError, OverflowError) as error:
                # PyYAML passes on what Python says of a date such as 2007-02-30, without the line; TypeError: a list
                # as a key.
                raise yaml.constructor.ConstructorError(None, None, str(error), node.start_mark) from error

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            seen = set()
            for key_node, _ in node.value:
                key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
                if key is not None and key != "<<" and key in seen:
                    problem = f"the key '{key}' is given twice"
                    raise yaml.constructor.ConstructorError(None, None, problem, key_node.start_mark)
                seen.add(key)
            return super().construct_mapping(node, deep)

    return Loader


def _members(kind: type[Any], values: Mapping[str, object], where: str) -> dict[str, object]:
    hints = get_type_hints(kind)
    known = [member.name for member in fields(kind) if member.metadata.get("setting", True)]
    checked: dict[str, object] = {}
    for key, value in values.items():
        if key not in known:
            raise MetadataError(f"{where}: unknown key '{printable(str(key))}'; {nearest(str(key), known)}")
        checked[key] = _checked(value, hints[key], f"{where}.{key}")
    return checked


def _checked(value: object, hint: Any, where: str) -> object:
    """Return `value` as the type that an annotation asks for."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        if value not in inner:
            raise MetadataError(f"{where}: {printable(str(value))}; expected {' or '.join(map(str, inner))}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise MetadataError(f"{where}: expected a list, found {_named(value)}; write [a, b], or - a line by line")
        return tuple(_checked(each, inner[0], f"{where}[{number}]") for number, each in enumerate(value))
    if origin is not None and origin not in (Union, UnionType):
        if not isinstance(value, dict):
            raise MetadataError(f"{where}: expected keys with values, found {_named(value)}")
        return {_text_key(key, where): _checked(each, inner[1], f"{where}.{key}") for key, each in value.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        return _instance(value, hint, where)
    return _scalar(value, inner or (hint,), where)


def _instance(value: object, kind: type[Kind], where: str) -> Kind:
    if not isinstance(value, dict):
        raise MetadataError(f"{where}: expected keys with values, found {_named(value)}")
    given = _members(kind, value, where)
    needed = [member.name for member in fields(kind) if member.default is MISSING]  # type: ignore[arg-type]
    missing = [name for name in needed if name not in given]
    if missing:
        raise MetadataError(f"{where}: the key '{missing[0]}' is missing; give it")
    try:
        return kind(**given)
    except ValueError as error:
        raise MetadataError(f"{where}: {printable(str(error))}") from error


def _text_key(key: object, where: str) -> str:
    if not isinstance(key, str):
        raise MetadataError(f"{where}: the key {printable(str(key))} is no text; put it in quotes")
    return key


def _scalar(value: object, kinds: tuple[type[Any], ...], where: str) -> object:
    # YAML turns an unquoted date into a date; as a value of a text key it is meant as written.
    if isinstance(value, datetime) and str in kinds:
        return (value.astimezone(UTC) if value.tzinfo else value).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date) and str in kinds:
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        raise MetadataError(f"{where}: {value} is no finite number; give one, or leave the key out")
    if type(value) in kinds:
        return value
    if type(value) is int and float in kinds:
        return float(value)
    hint = "; put it in quotes" if str in kinds and isinstance(value, bool | int | float) else ""
    raise MetadataError(f"{where}: expected {_words(kinds)}, found {_named(value)}{hint}")


def _words(kinds: tuple[type[Any], ...]) -> str:
    names = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
    return " or ".join(names[kind] for kind in kinds)


def _named(value: object) -> str:
    kinds = {dict: "keys with values", list: "a list", type(None): "nothing", str: "text"}
    words = kinds.get(type(value), "")
    shown = printable(str(value))[:60]
    return words if words and not isinstance(value, str) else f"'{shown}'" + (" (text)" if words else "")
