"""The language of `catalog find` and its siblings: comparisons joined by and, or, not.

::

    expression = all { "or" all }           all = one { "and" one }
    one        = "not" one | "(" expression ")" | comparison
    comparison = key ("=" | "==" | "!=" | "<" | "<=" | ">" | ">=") value
               | key ["not"] "in" "(" value { "," value } ")"

A value is a word, a number or a text in quotes; ``*`` in it stands for any characters after ``=`` and ``!=``.
In quotes, a backslash takes the next character as it is. A comparison is false where the file lacks the key,
also one with ``!=``, and so is its negation: ``not run=5`` means ``run!=5``, as in SQL.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeVar, cast

from ingest.item import Scalar
from ingest.retrieval.keys import TIME_TOLERANCE, Key, seconds_of
from legacy.errors import UsageError, nearest, printable

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
Ordered = TypeVar("Ordered", str, float)

MAX_LENGTH = 4000
"""Characters of an expression."""
MAX_DEPTH = 50
"""Levels of parentheses and ``not``."""

_OPPOSITE: Mapping[Operator, Operator] = {"=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_KEYWORDS = ("and", "or", "not", "in")
_TOKEN = re.compile(
    r"""\s*(?:(?P<operator>==|!=|<=|>=|=|<|>)|(?P<mark>[(),])|(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<word>[^\s()=!<>,'"]+))""",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)|(\*)", re.DOTALL)
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text: the pieces between its wildcards; one piece has no wildcard."""

    parts: tuple[str, ...]

    def matches(self, text: str) -> bool:
        """Tell whether `text` is the pattern, its wildcards standing for any characters."""
        if len(self.parts) == 1:
            return text == self.parts[0]
        first, *middle, last = self.parts
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:  # the earliest place leaves the most room for the rest, so no way back is needed
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


@dataclass(frozen=True, slots=True)
class Moment:
    """A time, seconds since 1970."""

    seconds: float


Value = Pattern | Moment | int | float | bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """One key against one value."""

    key: Key
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every part must hold."""

    parts: "tuple[Expression, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One part at least must hold."""

    parts: "tuple[Expression, ...]"


Expression = Comparison | AllOf | AnyOf


def parse(text: str, keys: Mapping[str, Key]) -> Expression:
    """Read an expression.

    Parameters
    ----------
    text
        What the user wrote.
    keys
        The words that can be compared.

    Returns
    -------
    Expression
        Without ``not``, which is worked into the comparisons.

    Raises
    ------
    UsageError
        The expression cannot be understood; the message shows where.
    """
    if len(text) > MAX_LENGTH:
        raise UsageError(f"the expression has {len(text)} characters, at most {MAX_LENGTH}; ask in several commands")
    return _Parser(text, keys).whole()


def evaluate(expression: Expression, values: Mapping[str, Scalar]) -> bool:
    """Tell whether the metadata of a file satisfy an expression.

    Parameters
    ----------
    expression
        As `parse` returns it.
    values
        Metadata and columns of the file; what is not known is absent.
    """
    if isinstance(expression, AllOf):
        return all(evaluate(part, values) for part in expression.parts)
    if isinstance(expression, AnyOf):
        return any(evaluate(part, values) for part in expression.parts)
    return _holds(expression, values)


def _holds(comparison: Comparison, values: Mapping[str, Scalar]) -> bool:
    wanted, operator = comparison.value, comparison.operator
    found = values.get(comparison.key.epoch if isinstance(wanted, Moment) else comparison.key.name)
    if isinstance(wanted, Pattern):
        if not isinstance(found, str):
            return False
        if operator in ("=", "!="):
            return wanted.matches(found) == (operator == "=")
        return _ordered(found, operator, wanted.parts[0])
    # In Python True is a number; as metadata it is none.
    if found is None or isinstance(found, str) or isinstance(found, bool) != isinstance(wanted, bool):
        return False
    if isinstance(wanted, Moment):
        if operator in ("=", "!="):
            return (abs(found - wanted.seconds) <= TIME_TOLERANCE) == (operator == "=")
        return _ordered(found, operator, wanted.seconds)
    if operator in ("=", "!="):
        return (found == wanted) == (operator == "=")
    return _ordered(found, operator, wanted)


def _ordered(found: Ordered, operator: Operator, wanted: Ordered) -> bool:
    if operator == "<":
        return found < wanted
    if operator == "<=":
        return found <= wanted
    return found > wanted if operator == ">" else found >= wanted


def uses_metadata(expression: Expression) -> bool:
    """Tell whether more than Rucio's columns is needed to evaluate an expression."""
    if isinstance(expression, Comparison):
        return not expression.key.column
    return any(uses_metadata(part) for part in expression.parts)


def negated(expression: Expression) -> Expression:
    """Return the opposite of an expression; a comparison without its key is false in both."""
    if isinstance(expression, AllOf):
        return AnyOf(tuple(negated(part) for part in expression.parts))
    if isinstance(expression, AnyOf):
        return AllOf(tuple(negated(part) for part in expression.parts))
    return Comparison(expression.key, _OPPOSITE[expression.operator], expression.value)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


class _Parser:
    def __init__(self, text: str, keys: Mapping[str, Key]) -> None:
        self._text = text
        self._keys = keys
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def _split(self) -> list[_Token]:
        found: list[_Token] = []
        at = 0
        while self._text[at:].strip():
            token = _TOKEN.match(self._text, at)
            if token is None:
                at += len(self._text[at:]) - len(self._text[at:].lstrip())
                what = self._text[at]
                if what == "!":
                    self._fail(at, "'!' alone means nothing", "write != or not")
                self._fail(at, f"the quote {what} is not closed", "close it")
            kind = str(token.lastgroup)
            found.append(_Token(kind, token[kind], token.start(kind)))
            at = token.end()
        return [*found, _Token("end", "", len(self._text.rstrip()))]

    def _fail(self, at: int, problem: str, advice: str) -> NoReturn:
        shown, before = printable(self._text), printable(self._text[:at])
        raise UsageError(f"{printable(problem)}; {printable(advice)}\n  {shown}\n  {' ' * len(before)}^")

    @property
    def _here(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._here
        self._next += 1
        return token

    def _is_word(self, word: str) -> bool:
        return self._here.kind == "word" and self._here.text.lower() == word

    def _took(self, word: str) -> bool:
        if not self._is_word(word):
            return False
        self._next += 1
        return True

    def whole(self) -> Expression:
        found = self._any()
        if self._here.kind != "end":
            self._fail(self._here.at, f"'{self._here.text}' is not expected here", "join comparisons by and, or")
        return found

    def _any(self) -> Expression:
        parts = [self._all()]
        while self._took("or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all(self) -> Expression:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _one(self) -> Expression:
        start = self._here
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(start.at, f"more than {MAX_DEPTH} levels of parentheses and not", "write it flatter")
        if self._took("not"):
            found = negated(self._one())
        elif start.kind == "mark" and start.text == "(":
            self._next += 1
            found = self._any()
            if self._here.text != ")" or self._here.kind != "mark":
                self._fail(start.at, "this parenthesis is not closed", "add )")
            self._next += 1
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Expression:
        word = self._take()
        if word.kind != "word" or word.text.lower() in _KEYWORDS:
            what = f"'{word.text}'" if word.text else "the end"
            self._fail(word.at, f"a key is expected, found {what}", "write a comparison such as level=3")
        key = self._keys.get(word.text)
        if key is None:
            self._fail(word.at, f"unknown key '{word.text}'", nearest(word.text, list(self._keys)))
        excluded = self._took("not")
        if self._took("in"):
            found = AnyOf(tuple(Comparison(key, "=", value) for value in self._values(key)))
            return negated(found) if excluded else found
        operator = self._take()
        if operator.kind != "operator" or excluded:
            advice = f"write one of = != < <= > >= in, such as {key.name}=... or {key.name} in (...)"
            self._fail(operator.at, f"after '{key.name}' an operator is expected", advice)
        name = cast("Operator", "=" if operator.text == "==" else operator.text)
        return Comparison(key, name, self._value(key, name))

    def _values(self, key: Key) -> list[Value]:
        opened = self._take()
        if opened.text != "(" or opened.kind != "mark":
            self._fail(opened.at, "after 'in' a list is expected", f"write {key.name} in (a, b, c)")
        found = [self._value(key, "=")]
        while (mark := self._take()).kind == "mark" and mark.text == ",":
            found.append(self._value(key, "="))
        if mark.text != ")" or mark.kind != "mark":
            self._fail(opened.at, "this list is not closed", "separate its values by commas and add )")
        return found

    def _value(self, key: Key, operator: Operator) -> Value:
        token = self._take()
        if token.kind not in ("word", "quoted"):
            what = f"'{token.text}'" if token.text else "the end"
            self._fail(token.at, f"a value is expected, found {what}", "put it in quotes if that is the value")
        pattern = _pattern(token)
        try:
            return _converted(key, operator, pattern)
        except ValueError as error:
            self._fail(token.at, f"{key.name}: {error.args[0]}, found '{token.text}'", error.args[1])


def _pattern(token: _Token) -> Pattern:
    if token.kind == "word":
        return Pattern(tuple(token.text.split("*")))
    parts, at = [""], 0
    body = token.text[1:-1]
    for special in _ESCAPED.finditer(body):
        parts[-1] += body[at : special.start()]
        at = special.end()
        if special[2]:
            parts.append("")
        else:
            parts[-1] += special[1]
    parts[-1] += body[at:]
    return Pattern(tuple(parts))


def _converted(key: Key, operator: Operator, pattern: Pattern) -> Value:
    """Return a value as the type of its key; raises ValueError with what is expected and what to do."""
    text, exact, equality = pattern.parts[0], len(pattern.parts) == 1, operator in ("=", "!=")
    if not exact and (key.kind not in ("text", "time") or not equality):
        raise ValueError("no wildcard is possible here", "use * after = and != with texts")
    if key.kind == "text" or not exact:
        if exact and equality and key.choices and text not in key.choices:
            raise ValueError("this value never occurs", nearest(text, list(key.choices)))
        return pattern
    if key.kind == "time":
        try:
            return Moment(seconds_of(text))
        except (ValueError, OverflowError):
            raise ValueError("expected a time in UTC", "write it as 2010-01-31 or 2010-01-31T12:00:00") from None
    if key.kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise ValueError("expected true or false", "write one of them")
        return text.lower() == "true"
    if key.kind == "integer":
        if not _INTEGER.fullmatch(text):
            raise ValueError("expected a whole number", "write digits only")
        return int(text)
    if not _NUMBER.fullmatch(text) or abs(float(text)) == float("inf"):
        raise ValueError("expected a number", "write it as 1.5 or 1e9")
    return float(text)
