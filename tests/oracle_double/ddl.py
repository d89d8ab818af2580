"""Constraints of a table and columns of an index, read from the text of their definition in SQLite."""

from collections.abc import Iterator
from dataclasses import dataclass

from oracle_double.catalogue import shown
from oracle_double.lexer import Kind, Token, tokens_of
from oracle_double.reading import Tokens


@dataclass(frozen=True, slots=True)
class Constraint:
    """A constraint; `kind` is Oracle's letter: P, U, R (foreign key) or C."""

    kind: str
    name: str
    columns: tuple[str, ...]
    condition: str = ""
    target: str = ""
    target_columns: tuple[str, ...] = ()
    delete_rule: str = ""


class _Definition(Tokens):
    """The parts of CREATE TABLE between its parentheses."""

    def constraints(self) -> Iterator[Constraint]:
        while not self.is_sign("("):
            self.next()
        self.next()
        while self.token.kind != Kind.END and not self.is_sign(")"):
            yield from self._element()
            if not self.take_sign(","):
                break

    def _element(self) -> Iterator[Constraint]:
        name = ""
        if self.is_word("CONSTRAINT"):
            self.next()
            name = _name(self.next())
        if self.take("PRIMARY", "KEY"):
            yield Constraint("P", name, self._names())
        elif self.is_word("UNIQUE") and self.ahead().text == "(":
            self.next()
            yield Constraint("U", name, self._names())
        elif self.take("FOREIGN", "KEY"):
            yield self._reference(name, self._names())
        elif self.is_word("CHECK") and self.ahead().text == "(":
            yield self._check(name)
        else:
            column = _name(self.next())
            yield from self._of_column(column)

    def _of_column(self, column: str) -> Iterator[Constraint]:
        name = ""
        while not (self.is_sign(",") or self.is_sign(")") or self.token.kind == Kind.END):
            if self.take("CONSTRAINT"):
                name = _name(self.next())
                continue
            elif self.take("PRIMARY", "KEY"):
                yield Constraint("P", name, (column,))
            elif self.take("UNIQUE"):
                yield Constraint("U", name, (column,))
            elif self.take("NOT", "NULL"):
                yield Constraint("C", name, (column,), f'"{column}" IS NOT NULL')
            elif self.is_word("CHECK"):
                yield self._check(name)
            elif self.is_word("REFERENCES"):
                yield self._reference(name, (column,))
            elif self.is_sign("("):
                self._in_parentheses()
            else:
                self.next()
                continue
            name = ""

    def _check(self, name: str) -> Constraint:
        self.need("CHECK")
        return Constraint("C", name, (), self._in_parentheses())

    def _reference(self, name: str, columns: tuple[str, ...]) -> Constraint:
        self.need("REFERENCES")
        target = _name(self.next())
        if self.take_sign("."):
            target = f"{target}.{_name(self.next())}"
        others = self._names() if self.is_sign("(") else ()
        rule = "NO ACTION"
        while self.take("ON"):
            if self.take("DELETE"):
                rule = self.next().text + (" NULL" if self.take("NULL") else "")
        return Constraint("R", name, columns, "", target, others, rule)

    def _names(self) -> tuple[str, ...]:
        self.need("(")
        names = []
        while not self.take_sign(")"):
            if not self.take_sign(","):
                names.append(_name(self.next()))
        return tuple(names)

    def _in_parentheses(self) -> str:
        start = self.token.end
        depth = 0
        while True:
            depth += self.is_sign("(") - self.is_sign(")")
            end = self.next()
            if not depth or end.kind == Kind.END:
                return self.statement[start : end.start].strip()


def _name(token: Token) -> str:
    return token.text if token.kind == Kind.NAME and not token.text.islower() else shown(token.text.lower())


def constraints(definition: str) -> list[Constraint]:
    """Return the constraints of CREATE TABLE."""
    tokens = tokens_of(definition)
    return list(_Definition(definition, tokens).constraints())


def index_parts(definition: str) -> list[str]:
    """Return the parts of CREATE INDEX as they are written."""
    body = definition[definition.index("(") + 1 : definition.rindex(")")]
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(body):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append(body[start:place].strip())
            start = place + 1
    return [*parts, body[start:].strip()]
