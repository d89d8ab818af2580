"""Expressions of Oracle's SQL, turned into SQLite's while they are read."""

from abc import ABC, abstractmethod
from dataclasses import replace

import oracle_double.columns as columns
from oracle_double.columns import PLAIN_NUMBER, TEXT, OracleType
from oracle_double.errors import OracleError, not_understood
from oracle_double.lexer import Kind
from oracle_double.reading import Tokens
from oracle_double.scope import Expression, Scope, common_type

_COMPARISONS = {"=": "=", "<>": "<>", "!=": "<>", "^=": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
_FLOATS = frozenset((columns.BINARY_FLOAT, columns.BINARY_DOUBLE))
_DATE = columns.of_declaration("DATE")
_INTERVAL = columns.of_declaration("INTERVAL DAY(9) TO SECOND(9)")


def literal(value: str) -> str:
    """Return a string of SQLite; without characters it is NULL, as in Oracle."""
    return "'" + value.replace("'", "''") + "'" if value else "NULL"


class Expressions(Tokens, ABC):
    """Reads expressions; a descendant reads queries, also those within expressions."""

    scope: Scope
    binds: tuple[OracleType, ...] = ()

    @abstractmethod
    def query(self) -> tuple[str, list[Expression]]:
        """Read a query; return it in SQLite, and its columns."""

    @abstractmethod
    def call(self, name: str) -> Expression:
        """Read the arguments of a function, of which the name and the opening parenthesis are taken."""

    def expression(self) -> Expression:
        """Read an expression or condition."""
        found = self._conjunction()
        while self.take("OR"):
            found = Expression(f"({found.sql} OR {self._conjunction().sql})")
        return found

    def expressions(self) -> list[Expression]:
        """Read expressions with commas between them."""
        found = [self.expression()]
        while self.take_sign(","):
            found.append(self.expression())
        return found

    def _conjunction(self) -> Expression:
        found = self._negation()
        while self.take("AND"):
            found = Expression(f"({found.sql} AND {self._negation().sql})")
        return found

    def _negation(self) -> Expression:
        if self.take("NOT"):
            return Expression(f"(NOT {self._negation().sql})")
        return self._comparison()

    def _comparison(self) -> Expression:
        if self.take("EXISTS"):
            self.need("(")
            sql, _ = self.query()
            self.need(")")
            return Expression(f"EXISTS ({sql})")
        left = self._sum()
        while True:
            if self.token.kind == Kind.SIGN and self.token.text in _COMPARISONS:
                sign = _COMPARISONS[self.next().text]
                left = self._compared(left, sign, self._sum())
            elif self.take("IS"):
                negated = self.take("NOT")
                self.need("NULL")
                left = Expression(f"({left.sql} IS {'NOT ' if negated else ''}NULL)")
            elif self.is_word("NOT") or self.is_word("IN") or self.is_word("BETWEEN") or self.is_word("LIKE"):
                negated = self.take("NOT")
                left = Expression(f"({'NOT ' if negated else ''}{self._test(left)})")
            else:
                return left

    def _compared(self, left: Expression, sign: str, right: Expression) -> Expression:
        if left.position:
            # ROWNUM < n; nothing else about it makes sense in Oracle either.
            self.scope.limit = right.sql if sign in ("<=", "=") else f"({right.sql}) - 1"
            return Expression("1")
        first, second = _alike(left, right)
        return Expression(f"({first} {sign} {second})")

    def _test(self, left: Expression) -> str:
        if self.take("IN"):
            return self._membership(left)
        if self.take("BETWEEN"):
            low = self._sum()
            self.need("AND")
            high = self._sum()
            (key, first), (_, second) = _alike(left, low), _alike(left, high)
            return f"({key} BETWEEN {first} AND {second})"
        self.need("LIKE")
        pattern = self._sum().sql
        escape = f" ESCAPE {self._sum().sql}" if self.take("ESCAPE") else ""
        return f"({left.sql} LIKE {pattern}{escape})"

    def _membership(self, left: Expression) -> str:
        self.need("(")
        if self.is_word("SELECT") or self.is_word("WITH"):
            sql, _ = self.query()
        elif self.is_sign(")"):
            sql = ""
        else:
            found = self.expressions()
            if left.sql.startswith("("):
                sql = f"VALUES {', '.join(item.sql for item in found)}"
            else:
                sql = ", ".join(_alike(left, item)[1] for item in found)
        self.need(")")
        return f"({left.row or left.sql} IN ({sql}))"

    def _sum(self) -> Expression:
        left = self._product()
        while self.token.kind == Kind.SIGN and self.token.text in ("+", "-", "||"):
            if self.is_sign("||"):
                parts = [left]
                while self.take_sign("||"):
                    parts.append(self._product())
                left = _joined(parts)
            else:
                sign = self.next().text
                left = _computed(left, sign, self._product())
        return left

    def _product(self) -> Expression:
        left = self._signed()
        while self.token.kind == Kind.SIGN and self.token.text in ("*", "/"):
            sign = self.next().text
            left = _computed(left, sign, self._signed())
        return left

    def _signed(self) -> Expression:
        if self.take_sign("-"):
            found = self._signed()
            if found.sql.replace(".", "").isdigit():
                return replace(found, sql=f"-{found.sql}")
            return Expression(f"ora_subtract(0, {found.sql})", found.type or PLAIN_NUMBER)
        self.take_sign("+")
        self.take("PRIOR")
        found = self._primary()
        while self.take("AT"):
            if self.take("LOCAL"):
                zone = "'+00:00'"
            else:
                self.need("TIME")
                self.need("ZONE")
                zone = self._primary().sql
            found = Expression(
                f"ora_at_zone({found.sql}, {zone})", columns.of_declaration("TIMESTAMP(9) WITH TIME ZONE")
            )
        return found

    def _primary(self) -> Expression:
        token = self.token
        match token.kind:
            case Kind.NUMBER:
                self.next()
                return _number(token.text)
            case Kind.STRING:
                self.next()
                return Expression(literal(token.text), _literal_type(token.text))
            case Kind.BIND:
                self.next()
                place = int(token.text)
                return Expression(f":b{place}", self.binds[place] if place < len(self.binds) else None)
            case Kind.SIGN if token.text == "(":
                return self._group()
            case Kind.WORD if token.text in _STARTS:
                found = self._special(token.text)
                if found is not None:
                    return found
        return self._named()

    def _group(self) -> Expression:
        self.need("(")
        if self.is_word("SELECT") or self.is_word("WITH"):
            sql, results = self.query()
            self.need(")")
            return Expression(f"({sql})", results[0].type, exact=results[0].exact)
        found = self.expressions()
        self.need(")")
        if len(found) > 1:
            return Expression(f"({', '.join(item.sql for item in found)})")
        return replace(found[0], sql=f"({found[0].sql})") if not found[0].row else found[0]

    def _special(self, word: str) -> Expression | None:
        following = self.ahead()
        if word == "NULL":
            self.next()
            return Expression("NULL")
        if word == "CASE":
            return self._case()
        if word in ("DATE", "TIMESTAMP") and following.kind == Kind.STRING:
            self.next()
            value = self.next().text
            zone = word == "TIMESTAMP" and value[-6:-5] in "+-" and value[-3:-2] == ":"
            declared = "DATE" if word == "DATE" else f"TIMESTAMP(9){' WITH TIME ZONE' if zone else ''}"
            return Expression(literal(value), columns.of_declaration(declared))
        if word == "INTERVAL" and following.kind == Kind.STRING:
            return self._interval()
        if word == "CAST" and following.text == "(":
            return self._cast()
        if word == "EXTRACT" and following.text == "(":
            self.at += 2
            unit = self.identifier()
            self.need("FROM")
            found = self.expression()
            self.need(")")
            return Expression(f"ora_extract('{unit}', {found.sql})", PLAIN_NUMBER)
        return None

    def _interval(self) -> Expression:
        self.next()
        value = self.next().text
        unit = self.identifier()
        if self.take_sign("("):
            self.next()
            self.need(")")
        if self.take("TO"):
            raise not_understood("INTERVAL literal of two units", self.statement)
        kind = "INTERVAL YEAR(9) TO MONTH" if unit in ("YEAR", "MONTH") else "INTERVAL DAY(9) TO SECOND(9)"
        return Expression(f"ora_interval({literal(value)}, '{unit}')", columns.of_declaration(kind))

    def _case(self) -> Expression:
        self.need("CASE")
        parts, choices = ["CASE"], []
        if not self.is_word("WHEN"):
            parts.append(self.expression().sql)
        while self.take("WHEN"):
            condition = self.expression()
            self.need("THEN")
            choices.append(self.expression())
            parts.append(f"WHEN {condition.sql} THEN {choices[-1].sql}")
        if self.take("ELSE"):
            choices.append(self.expression())
            parts.append(f"ELSE {choices[-1].sql}")
        self.need("END")
        return Expression(f"({' '.join(parts)} END)", common_type(choices), exact=any(c.exact for c in choices))

    def _cast(self) -> Expression:
        self.at += 2
        found = self.expression()
        self.need("AS")
        kind = self.type_name()
        self.need(")")
        if found.type is not None and found.type == kind:
            return replace(found, name="")
        source = found.type.code if found.type else 0
        return Expression(f"ora_cast({found.sql}, {source}, {literal(self.declared)})", kind)

    declared = ""

    def type_name(self) -> OracleType:
        """Read the name of a type up to the parenthesis that closes around it."""
        start, depth = self.token.start, 0
        while depth or not (self.is_sign(")") or self.is_sign(",")):
            depth += self.is_sign("(") - self.is_sign(")")
            if self.next().kind == Kind.END:
                raise self.surprise("a type expected")
        self.declared = self.statement[start : self.token.start].strip()
        kind = columns.of_declaration(self.declared)
        if kind is None:
            raise OracleError(902, f"invalid datatype: {self.declared}")
        return kind

    def _named(self) -> Expression:
        quoted = self.token.kind == Kind.NAME
        names = [self.identifier()]
        while self.is_sign(".") and self.ahead().text != "*":
            self.next()
            names.append(self.identifier())
        if self.take_sign("(+)"):
            raise not_understood("an outer join with (+)", self.statement)
        if self.is_sign("(") and not (quoted and len(names) == 1):
            self.next()
            return self.call(".".join(names))
        bare = None if quoted else self._bare(names)
        if bare is not None:
            return bare
        return self.scope.column(names[-2] if len(names) > 1 else None, names[-1])

    def _bare(self, names: list[str]) -> Expression | None:
        """Functions without parentheses, and pseudo-columns, where no column has their name."""
        if len(names) == 1 and self.scope.find(None, names[0]):
            return None
        match ".".join(names):
            case "SYSDATE" | "CURRENT_DATE":
                return Expression("ora_now(0)", _DATE)
            case "SYSTIMESTAMP" | "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP":
                return Expression("ora_now(6)", columns.of_declaration("TIMESTAMP(6) WITH TIME ZONE"))
            case "USER":
                return Expression("ora_sys_context('USERENV', 'SESSION_USER')", TEXT, "USER")
            case "SESSIONTIMEZONE" | "DBTIMEZONE":
                return Expression("'+00:00'", TEXT)
            case "BINARY_DOUBLE_INFINITY" | "BINARY_FLOAT_INFINITY":
                return Expression("9e999", columns.of_declaration("BINARY_DOUBLE"))
            case "BINARY_DOUBLE_NAN" | "BINARY_FLOAT_NAN":
                return Expression("'NaN'", columns.of_declaration("BINARY_DOUBLE"))
            case "ROWNUM":
                return Expression("row_number() OVER ()", PLAIN_NUMBER, "ROWNUM", position=True)
            case "DBMS_FLASHBACK.GET_SYSTEM_CHANGE_NUMBER":
                return self._without_arguments(names)
        return None

    def _without_arguments(self, names: list[str]) -> Expression:
        return Expression(f"ora_{'_'.join(names).lower()}()", PLAIN_NUMBER)


_STARTS = frozenset(("NULL", "CASE", "DATE", "TIMESTAMP", "INTERVAL", "CAST", "EXTRACT"))


def _number(text: str) -> Expression:
    if text[-1] in "dDfF":
        return Expression(text[:-1], columns.of_declaration("BINARY_DOUBLE"))
    digits = text.lower().split("e")[0].replace(".", "").strip("0")
    # SQLite would round it, or overflow.
    return Expression(literal(text) if len(digits) > 15 else text, PLAIN_NUMBER)


def _literal_type(text: str) -> OracleType:
    length = max(len(text), 1)
    return OracleType(columns.CHAR, "CHAR", length=length, form=columns.DATABASE, by_characters=True)


def _alike(left: Expression, right: Expression) -> tuple[str, str]:
    """Return two expressions in forms that SQLite compares as Oracle compares the two."""
    if left.row or right.row:
        return left.row or f"ora_row({left.sql})", right.row or f"ora_row({right.sql})"
    if left.is_time or right.is_time:
        return f"ora_time_key({left.sql})", f"ora_time_key({right.sql})"
    if left.exact or right.exact:
        return f"ora_number_key({left.sql})", f"ora_number_key({right.sql})"
    return left.sql, right.sql


def as_text(expression: Expression) -> str:
    """Return what Oracle makes of a value where it needs a text."""
    if expression.type is not None and expression.type.code in (columns.VARCHAR, columns.CHAR, columns.CLOB):
        return expression.sql
    return f"ora_text({expression.sql}, {expression.type.code if expression.type else 0})"


_MOST_ARGUMENTS = 100


def _joined(parts: list[Expression]) -> Expression:
    """NULL is a text without characters to Oracle's ``||``; SQLite takes at most 127 arguments."""
    length = sum(part.type.length if part.type and part.type.length else 40 for part in parts)
    big = any(part.type is not None and part.type.code == columns.CLOB for part in parts)
    kind = OracleType(columns.VARCHAR, "VARCHAR2", length=min(length, 4000), form=columns.DATABASE)
    texts = [as_text(part) for part in parts]
    while len(texts) > 1:
        groups = [texts[at : at + _MOST_ARGUMENTS] for at in range(0, len(texts), _MOST_ARGUMENTS)]
        texts = [f"ora_concat({', '.join(group)})" for group in groups]
    return Expression(texts[0], columns.of_declaration("CLOB") if big else kind)


def _computed(left: Expression, sign: str, right: Expression) -> Expression:
    codes = {part.type.code for part in (left, right) if part.type}
    if codes & _FLOATS:
        return Expression(f"({left.sql} {sign} {right.sql})", columns.of_declaration("BINARY_DOUBLE"))
    name = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}[sign]
    kind: OracleType | None = PLAIN_NUMBER
    if left.is_time and right.is_time:
        kind = PLAIN_NUMBER if codes == {columns.DATE} else _INTERVAL
    elif left.is_time or right.is_time:
        kind = next(part.type for part in (left, right) if part.is_time)
    elif codes & {columns.INTERVAL_DS, columns.INTERVAL_YM}:
        kind = next(part.type for part in (left, right) if part.type)
    return Expression(f"ora_{name}({left.sql}, {right.sql})", kind)
