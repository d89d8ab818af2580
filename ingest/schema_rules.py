"""The verdict of a JSON Schema on flat metadata: jsonschema judges, and a short way lets the usual values pass.

jsonschema takes 0.3 ms for the 25 keys of a file, which is a minute for 200,000 files. For rules of the plain kind
(a type, bounds, lengths, a pattern, a list of words) the short way comes to the same verdict in a tenth of that;
whatever it does not accept, jsonschema is asked about, so that a refusal and its words are always the library's.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from ingest.item import Scalar
from legacy.errors import nearest, printable

KeyType = Literal["integer", "number", "string", "boolean"]
Accepts = Callable[[object], bool]
# Control characters, and halves of surrogate pairs, which no database can store as UTF-8.
UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
BIGGEST_INTEGER = 2**63 - 1
SHOWN = 60
"""Characters of a foreign value that a message shows."""

# With no other keyword at the top, a key is judged by its own value alone.
_FLAT = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "type", "properties", "required", "additionalProperties"}
)
_SAYS_NOTHING = frozenset({"$comment", "title", "description", "unit", "examples", "default", "deprecated", "type"})
_OF_NUMBERS = frozenset({"minimum", "maximum"})
_OF_TEXTS = frozenset({"minLength", "maxLength", "pattern", "enum", "const"})


class Judge:
    """A schema of one flat object, ready to be asked.

    Parameters
    ----------
    document
        A valid JSON Schema (draft 2020-12) without references.
    types
        The JSON type of each key.
    """

    def __init__(self, document: Mapping[str, Any], types: Mapping[str, KeyType]) -> None:
        from jsonschema import Draft202012Validator

        properties = document["properties"]
        self._whole = Draft202012Validator(document)
        self._by_key = {key: Draft202012Validator(rules) for key, rules in properties.items()}
        self._known = list(properties)
        self._closed = document.get("additionalProperties") is False
        self._required = frozenset(document.get("required", ()))
        self._flat = set(document) <= _FLAT and isinstance(document.get("additionalProperties", False), bool)
        self.short_way = {
            key: accepts for key, kind in types.items() if (accepts := short_way(properties[key], kind)) is not None
        }

    def problems(self, metadata: Mapping[str, Scalar], doubtful: Collection[str], *, complete: bool) -> list[str]:
        """Say what is wrong with metadata whose values are such as JSON can have.

        Parameters
        ----------
        metadata
            All keys.
        doubtful
            Those that the short way has not accepted.
        complete
            False when required keys may be missing.
        """
        if complete and not self._flat:
            return [self._named(error) for error in self._whole.iter_errors(dict(metadata))]
        missing = sorted(self._required - metadata.keys()) if complete else []
        found = [f"{key}: this key is required; give it" for key in missing]
        for key in doubtful:
            if key in self._by_key:
                found += [f"{key}: {_reason(error)}" for error in self._by_key[key].iter_errors(metadata[key])]
            elif self._closed:
                found.append(f"{key}: unknown key; {nearest(key, self._known)}")
        return found

    def _named(self, error: Any) -> str:
        key = ".".join(map(str, error.absolute_path))
        return f"{key}: {_reason(error)}" if key else _reason(error)


def short_way(rules: Mapping[str, Any], kind: KeyType) -> Accepts | None:
    """Return a function that accepts values that Rucio can hold and that obey the rules of one key.

    Parameters
    ----------
    rules
        The schema of the key.
    kind
        Its type.

    Returns
    -------
    callable or None
        False from it means only that jsonschema is to be asked. None where a rule is of another kind.
    """
    own = set(rules) - _SAYS_NOTHING
    if kind == "boolean" and not own:
        return lambda value: type(value) is bool
    if kind == "string" and own <= _OF_TEXTS:
        return _texts(rules)
    if kind in ("integer", "number") and own <= _OF_NUMBERS:
        return _numbers(rules, (int,) if kind == "integer" else (int, float))
    return None


def _texts(rules: Mapping[str, Any]) -> Accepts:
    shortest, longest = rules.get("minLength", 0), rules.get("maxLength", math.inf)
    pattern = re.compile(rules.get("pattern", ""))
    words = {word for word in rules.get("enum", ()) if isinstance(word, str)}
    words = words & {rules["const"]} if "const" in rules and "enum" in rules else words
    words = {rules["const"]} if "const" in rules and "enum" not in rules else words
    any_word = not {"enum", "const"} & set(rules)

    def accepts(value: object) -> bool:
        return (
            type(value) is str
            and shortest <= len(value) <= longest
            and (any_word or value in words)
            and pattern.search(value) is not None
            and UNFIT.search(value) is None
        )

    return accepts


def _numbers(rules: Mapping[str, Any], kinds: tuple[type, ...]) -> Accepts:
    low = max(rules.get("minimum", -math.inf), -BIGGEST_INTEGER)
    high = min(rules.get("maximum", math.inf), BIGGEST_INTEGER)

    def accepts(value: object) -> bool:
        return type(value) in kinds and low <= value <= high

    return accepts


def shown(value: object) -> str:
    """Return a foreign value as a message can show it."""
    if value is None:
        return "nothing"
    text = printable(str(value))
    return f"'{text[:SHOWN]}'" + ("..." if len(text) > SHOWN else "") + (" (text)" if isinstance(value, str) else "")


def _reason(error: Any) -> str:
    """Return what jsonschema says, with the value cut short: it may be a long text."""
    message = str(error.message)
    if isinstance(error.instance, str) and len(error.instance) > SHOWN:
        message = message.replace(repr(error.instance), shown(error.instance))
    return printable(message)[:300]
