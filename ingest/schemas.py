"""The metadata schema: which keys a file may have, of which type, and what Rucio would not survive.

A schema is a JSON Schema (draft 2020-12) of one flat object. Ours is ``ingest/schema/antares-1.0.json``; a site
may name a file of its own. Whatever the schema says, the limits of this module hold: Rucio stores NaN, control
characters and one key with two types, and then fails when the key is searched.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from ingest.item import Scalar
from ingest.schema_rules import BIGGEST_INTEGER, UNFIT, Judge, KeyType, shown
from legacy.errors import MetadataError, UsageError, nearest, printable

DEFAULT_SCHEMA = "antares-1.0"
MEASURED = frozenset({"size", "sha256"})
"""Keys that `ingest` fills with what it has measured; nobody may state them as metadata."""
MAX_JSON_BYTES = 64_000
MAX_KEY_LENGTH = 255

_COLUMNS = (
    "access_cnt accessed_at account adler32 availability bytes campaign closed_at complete constituent created_after "
    "created_at created_before datatype deleted_at did_type eol_at events expired_at guid hidden is_archive is_new "
    "is_open length lifetime lumiblocknr md5 monotonic name obsolete panda_id phys_group prod_step project provenance "
    "purge_replicas run_number scope stream_name suppressed task_id transient type updated_at version"
)
RUCIO_COLUMNS = frozenset(_COLUMNS.split())
"""Words that Rucio 41.5 keeps in columns or uses in queries: no key of a schema, because a query cannot mix both."""

_PYTHON: Mapping[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (float, int),
    "string": (str,),
    "boolean": (bool,),
}
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_MAX_SCHEMA_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema, compiled.

    Parameters
    ----------
    name
        Name with version, such as ``antares-1.0``; the value of the key ``schema`` where it has one.
    types
        JSON type of each key.
    document
        The JSON Schema.
    """

    name: str
    types: Mapping[str, KeyType]
    document: Mapping[str, Any]
    _judge: Judge = field(repr=False, compare=False)
    _numbers: frozenset[str] = field(repr=False, compare=False)

    def check(self, metadata: Mapping[str, Scalar], *, complete: bool = True) -> list[str]:
        """Say what is wrong with the metadata of one file.

        Parameters
        ----------
        metadata
            Keys and values.
        complete
            False when keys may be missing that the schema requires, because more will be added.

        Returns
        -------
        list of str
            Problems, each with its key; empty when there are none.
        """
        short_way = self._judge.short_way
        doubtful = [key for key, value in metadata.items() if not (key in short_way and short_way[key](value))]
        problems = [text for key in doubtful for text in self._limits(key, metadata[key])]
        if problems:  # a schema cannot be asked about values that are no JSON
            return problems
        problems = self._judge.problems(metadata, doubtful, complete=complete)
        # A character takes 12 bytes of JSON at most.
        if not problems and 12 * len(repr(metadata)) > MAX_JSON_BYTES:
            size = len(json.dumps(dict(metadata)))
            if size > MAX_JSON_BYTES:
                problems.append(f"the metadata have {size} bytes as JSON; at most {MAX_JSON_BYTES}: shorten the texts")
        return problems

    def _limits(self, key: str, value: object) -> list[str]:
        kind = self.types.get(key)
        if kind is None and (problem := key_problem(key)):
            return [problem]
        if kind is not None and type(value) not in _PYTHON[kind]:
            return [f"{key}: expected {_article(kind)}, found {shown(value)}"]
        return value_problems(key, value)

    def convert(self, key: str, text: str) -> Scalar:
        """Return the text of a CSV cell as the type of its key.

        Raises
        ------
        ValueError
            It is none; the message says what was expected.
        """
        kind = self.types[key]
        if kind == "string":
            return text
        if kind == "boolean":
            if text.lower() not in ("true", "false"):
                raise ValueError(f"{key}: expected true or false, found {shown(text)}")
            return text.lower() == "true"
        # Python takes 1_000 and digits of other scripts for numbers; other readers of the file would not.
        pattern = r"[+-]?[0-9]{1,18}" if kind == "integer" else r"[+-]?[0-9]{0,18}\.?[0-9]{0,18}([eE][+-]?[0-9]{1,3})?"
        if not re.fullmatch(pattern, text) or not re.search("[0-9]", text):
            raise ValueError(f"{key}: expected {_article(kind)}, found {shown(text)}")
        return int(text) if kind == "integer" else float(text)

    def normal(self, metadata: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Return the metadata with whole numbers as floats where the key takes any number.

        One key has one type in all files: PostgreSQL refuses to search a key that is a text in one place, and
        readers of the JSON should not meet two kinds of number either.
        """
        normal = dict(metadata)
        for key in self._numbers & normal.keys():
            value = normal[key]
            if type(value) is int and abs(value) <= BIGGEST_INTEGER:
                normal[key] = float(value)
        return normal


def load_schema(name: str, folder: Path | None = None) -> Schema:
    """Load a schema.

    Parameters
    ----------
    name
        Name of a file in ``ingest/schema`` without ``.json``, or a path that ends in ``.json``.
    folder
        Where relative paths start; None means the current folder.

    Raises
    ------
    UsageError
        There is no such schema, or its file cannot be read.
    MetadataError
        It is no JSON Schema of one flat object with typed keys.
    """
    if name.endswith(".json"):
        path = (folder or Path.cwd()) / name
        return compile_schema(path.stem, _parsed(_read(path), str(path)), str(path))
    shipped = files("ingest").joinpath("schema")
    known = sorted(each.name.removesuffix(".json") for each in shipped.iterdir() if each.name.endswith(".json"))
    if name not in known:
        hint = nearest(name, known)
        raise UsageError(f"schema '{printable(name)}': not known, and no path that ends in .json; {hint}")
    where = f"schema {name}"
    return compile_schema(name, _parsed(shipped.joinpath(f"{name}.json").read_bytes(), where), where)


def _read(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise UsageError(f"{path}: no such file, or no regular file; name a JSON Schema")
        with path.open("rb") as stream:
            raw = stream.read(_MAX_SCHEMA_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    if len(raw) > _MAX_SCHEMA_BYTES:
        raise MetadataError(f"{path}: larger than 1 MB; expected a JSON Schema")
    return raw


def _parsed(raw: bytes, where: str) -> object:
    try:
        return json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MetadataError(f"{where}: not JSON ({printable(str(error))})") from error


def compile_schema(name: str, document: object, where: str) -> Schema:
    """Check that a document is a schema as `load_schema` describes it, and compile it.

    Raises
    ------
    MetadataError
        It is not; the message begins with `where`.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(document, dict) or not isinstance(document.get("properties"), dict):
        raise MetadataError(f"{where}: expected a JSON object with 'properties', one for each key")
    try:
        Draft202012Validator.check_schema(document)
    except (SchemaError, RecursionError) as error:
        raise MetadataError(
            f"{where}: no JSON Schema (draft 2020-12): {printable(str(getattr(error, 'message', error)))[:300]}"
        ) from error
    if '"$ref"' in json.dumps(document) or '"$dynamicRef"' in json.dumps(document):
        raise MetadataError(f"{where}: has a $ref; write the rules out, so that the file stands for itself")
    types = {key: _type_of(key, rules, where) for key, rules in document["properties"].items()}
    if measured := MEASURED & set(document.get("required", [])):
        raise MetadataError(f"{where}: requires '{sorted(measured)[0]}', which ingest measures itself; take it out")
    numbers = frozenset(key for key, kind in types.items() if kind == "number")
    return Schema(name, types, document, Judge(document, types), numbers)


def _type_of(key: str, rules: object, where: str) -> KeyType:
    if problem := key_problem(key):
        raise MetadataError(f"{where}: {problem}")
    kind = rules.get("type") if isinstance(rules, dict) else None
    if not isinstance(kind, str) or kind not in _PYTHON:
        allowed = ", ".join(_PYTHON)
        raise MetadataError(f"{where}: key '{key}' needs one 'type' out of {allowed}; found {shown(kind)}")
    return cast("KeyType", kind)


def key_problem(key: str) -> str:
    """Say why a word cannot be a key of metadata in Rucio, ``""`` when it can."""
    shown = printable(key)[:80]
    if len(key) > MAX_KEY_LENGTH:
        return f"key '{shown}...' has {len(key)} characters; at most {MAX_KEY_LENGTH}"
    if not _KEY.fullmatch(key):
        return f"key '{shown}': only lower-case letters, digits and underscores, a letter first; rename it"
    if key in RUCIO_COLUMNS:
        return f"key '{shown}' is a column of Rucio itself; choose another word"
    return ""


def value_problems(key: str, value: object) -> list[str]:
    """Say why a value cannot be stored and searched in Rucio, whatever the schema says."""
    if isinstance(value, str):
        if found := UNFIT.search(value):
            return [f"{key}: has the character {found[0]!a}; take control characters out"]
    elif isinstance(value, bool):
        return []
    elif isinstance(value, int):
        if abs(value) > BIGGEST_INTEGER:
            return [f"{key}: the number needs more than 64 bits; write it as text"]
    elif not isinstance(value, float):
        return [f"{key}: expected text, a number, true or false, found {shown(value)}"]
    elif not math.isfinite(value):
        return [f"{key}: {value} is no finite number; leave the key out when the value is not known"]
    return []


def _article(kind: str) -> str:
    return {"integer": "a whole number", "number": "a number", "string": "text", "boolean": "true or false"}[kind]
