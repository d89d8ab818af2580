"""Queries of Oracle's SQL, turned into SQLite's."""

from dataclasses import dataclass, replace

from oracle_double.catalogue import Catalogue, Column, Table, quoted
from oracle_double.columns import PLAIN_NUMBER, RAW, TEXT, OracleType, ResultColumn
from oracle_double.errors import OracleError, not_understood
from oracle_double.expressions import Expressions
from oracle_double.lexer import Kind, tokens_of
from oracle_double.routines import call
from oracle_double.scope import Expression, Origin, Scope

_AFTER_TABLE = frozenset((
    "WHERE", "GROUP", "HAVING", "ORDER", "UNION", "MINUS", "INTERSECT", "JOIN", "LEFT", "RIGHT", "FULL", "INNER",
    "CROSS", "ON", "USING", "START", "CONNECT", "FETCH", "OFFSET", "FOR", "AS", "SAMPLE", "PARTITION", "NATURAL",
))  # fmt: skip
_RAW = OracleType(RAW, "RAW", length=2000)
_SETS = {"UNION": "UNION", "MINUS": "EXCEPT", "INTERSECT": "INTERSECT"}


@dataclass(frozen=True, slots=True)
class Query:
    """A query in SQLite.

    Parameters
    ----------
    sql
        Binds are ``:b0``, ``:b1`` and so on, in the order of Oracle's statement.
    columns
        Of the result; the type is None where only the values tell it.
    tables
        Which tables are read.
    """

    sql: str
    columns: tuple[Expression, ...]
    tables: frozenset[tuple[str, str]]

    def results(self, first: tuple[object, ...] | None) -> list[ResultColumn]:
        """Describe the columns; `first` is the first row, for those without a type."""
        return [
            ResultColumn(column.name, column.type or _type_of(first[place] if first else None))
            for place, column in enumerate(self.columns)
        ]


def _type_of(value: object) -> OracleType:
    if isinstance(value, bytes):
        return _RAW
    return PLAIN_NUMBER if isinstance(value, int | float) else TEXT


def translate(
    statement: str, catalogue: Catalogue, schema: str, current_scn: int, binds: tuple[OracleType, ...] = ()
) -> Query:
    """Turn a SELECT with binds of some types into SQLite's; raises OracleError."""
    reader = _Queries(statement, catalogue, schema, current_scn)
    reader.binds = binds
    sql, columns = reader.query()
    reader.take_sign(";")
    if reader.token.kind != Kind.END:
        raise reader.surprise("the end expected")
    return Query(sql, tuple(columns), frozenset(reader.tables))


class _Queries(Expressions):
    def __init__(self, statement: str, catalogue: Catalogue, schema: str, current_scn: int) -> None:
        super().__init__(statement, tokens_of(statement))
        self.scope = Scope()
        self.tables: set[tuple[str, str]] = set()
        self._catalogue = catalogue
        self._schema = schema
        self._current_scn = current_scn
        self._named_queries: dict[str, list[Expression]] = {}

    def query(self) -> tuple[str, list[Expression]]:
        head = self._with() if self.take("WITH") else ""
        sql, columns, scope = self._operand()
        while self.token.text in _SETS and self.token.kind == Kind.WORD:
            operator = _SETS[self.next().text]
            everything = " ALL" if self.take("ALL") else ""
            other, more, _ = self._operand()
            if len(more) != len(columns):
                raise OracleError(1789, "query block has incorrect number of result columns")
            columns = [replace(a, type=a.type or b.type) for a, b in zip(columns, more, strict=True)]
            sql = f"{sql} {operator}{everything} {other}"
            scope = Scope(results={column.name: Expression(quoted(column.name), column.type) for column in columns})
        sql += self._tail(scope)
        return head + sql, columns

    def _with(self) -> str:
        parts = []
        while True:
            name = self.identifier()
            self.need("AS")
            self.need("(")
            sql, columns = self.query()
            self.need(")")
            self._named_queries[name] = columns
            parts.append(f"{quoted(name)} AS ({sql})")
            if not self.take_sign(","):
                return f"WITH {', '.join(parts)} "

    def _operand(self) -> tuple[str, list[Expression], Scope]:
        if self.take_sign("("):
            sql, columns = self.query()
            self.need(")")
            return f"SELECT * FROM ({sql})", columns, Scope()
        self.need("SELECT")
        scope = Scope(outer=self.scope if self.scope.origins else None)
        outer, self.scope = self.scope, scope
        try:
            sql, columns = self._select(scope)
        finally:
            self.scope = outer
        return sql, columns, scope

    def _select(self, scope: Scope) -> tuple[str, list[Expression]]:
        distinct = "DISTINCT " if self.take("DISTINCT") or self.take("UNIQUE") else ""
        self.take("ALL")
        items = self.at
        self._skip_to_from()
        source = f" FROM {self._sources(scope)}" if self.take("FROM") else ""
        after, self.at = self.at, items
        columns = self._items(scope)
        scope.results = {column.name: column for column in columns}
        end, self.at = self.at, after
        if not source and self.tokens[end].kind not in (Kind.END, Kind.SIGN):
            raise OracleError(923, "FROM keyword not found where expected")
        listed = ", ".join(f"{column.sql} AS {quoted(column.name)}" for column in columns)
        sql = f"SELECT {distinct}{listed}{source}{self._where(scope)}{self._grouping()}"
        if scope.limit:
            sql = f"SELECT * FROM ({sql} LIMIT {scope.limit})"
            scope.origins.clear()
            scope.results = {c.name: replace(c, sql=quoted(c.name), row="") for c in columns}
        return sql, columns

    def _skip_to_from(self) -> None:
        depth = 0
        while depth or not (self.is_word("FROM") or self.is_sign(")") or self.token.kind == Kind.END):
            if self.token.kind == Kind.END:
                raise self.surprise(") expected")
            depth += self.is_sign("(") - self.is_sign(")")
            self.next()

    def _items(self, scope: Scope) -> list[Expression]:
        columns: list[Expression] = []
        while True:
            if self.take_sign("*"):
                columns += scope.everything(None)
            elif self.ahead().text == "." and self.ahead(2).text == "*":
                columns += scope.everything(self.identifier())
                self.at += 2
            else:
                columns.append(self._item())
            if not self.take_sign(","):
                return columns

    def _item(self) -> Expression:
        start = self.token.start
        found = self.expression()
        text = self.statement[start : self.tokens[self.at - 1].end]
        name = found.name or "".join(text.split()).upper()
        if (
            self.take("AS")
            or self.token.kind == Kind.NAME
            or (self.token.kind == Kind.WORD and not self.is_word("FROM"))
        ):
            name = self.identifier()
        return replace(found, name=name, position=False)

    def _sources(self, scope: Scope) -> str:
        parts = [self._joins(scope)]
        while self.take_sign(","):
            parts.append(self._joins(scope))
        return ", ".join(parts)

    def _joins(self, scope: Scope) -> str:
        sql = self._source(scope)
        while (kind := self._join()) is not None:
            sql += f" {kind} {self._source(scope)}"
            if self.take("ON"):
                sql += f" ON {self.expression().sql}"
            elif self.take("USING"):
                self.need("(")
                names = ", ".join(quoted(item.name) for item in self.expressions())
                self.need(")")
                sql += f" USING ({names})"
        return sql

    def _join(self) -> str | None:
        for word in ("LEFT", "RIGHT", "FULL"):
            if self.take(word):
                self.take("OUTER")
                self.need("JOIN")
                return f"{word} JOIN"
        if self.take("CROSS"):
            self.need("JOIN")
            return "CROSS JOIN"
        if self.take("INNER") or self.is_word("JOIN"):
            self.need("JOIN")
            return "JOIN"
        return None

    def _source(self, scope: Scope) -> str:
        if self.take_sign("("):
            if not (self.is_word("SELECT") or self.is_word("WITH") or self.is_sign("(")):
                sql = self._joins(scope)
                self.need(")")
                return f"({sql})"
            # A subquery does not see the tables beside it.
            beside, self.scope = self.scope, Scope(outer=scope.outer)
            sql, found = self.query()
            self.scope = beside
            self.need(")")
            alias = self._alias(f"query{self.at}")
            known = {c.name: Column(c.name, c.type or TEXT, c.exact) for c in found}
            scope.origins.append(Origin(alias, known))
            return f"({sql}) AS {quoted(alias)}"
        return self._table(scope)

    def _table(self, scope: Scope) -> str:
        names = [self.identifier()]
        while self.take_sign("."):
            names.append(self.identifier())
        if self.is_sign("@"):
            raise OracleError(2019, "connection description for remote database not found")
        if len(names) == 1 and names[0] in self._named_queries:
            alias = self._alias(names[0])
            columns = {c.name: Column(c.name, c.type or TEXT, c.exact) for c in self._named_queries[names[0]]}
            scope.origins.append(Origin(alias, columns))
            return f"{quoted(names[0])} AS {quoted(alias)}"
        owner = names[-2] if len(names) > 1 else None
        table = self._catalogue.find(owner, names[-1], self._schema)
        if table is None:
            raise OracleError(942, f'table or view "{owner or self._schema}"."{names[-1]}" does not exist')
        self.tables.add((table.owner, table.name))
        condition = self._partition(table)
        share = self._sample()
        self._flashback()
        share = share or self._sample()
        alias = self._alias(table.name)
        if share:
            # About so many of a hundred rows, the same ones each time.
            scope.conditions.append(f"({quoted(alias)}.rowid * 7919 % 10007 < {share * 100.07})")
        scope.origins.append(Origin(alias, table.columns, table))
        if condition:
            scope.conditions.append(condition)
        return f"{table.place} AS {quoted(alias)}"

    def _partition(self, table: Table) -> str:
        if not (self.is_word("PARTITION") and self.ahead().text == "("):
            return ""
        self.at += 2
        name = self.identifier()
        self.need(")")
        condition = self._catalogue.partition(table, name)
        if condition is None:
            raise OracleError(2149, "Specified partition does not exist")
        return condition

    def _sample(self) -> float:
        if not self.take("SAMPLE"):
            return 0.0
        self.take("BLOCK")
        self.need("(")
        share = float(self.next().text)
        self.need(")")
        return share

    def _flashback(self) -> None:
        if not self.take("AS", "OF"):
            return
        kind = self.identifier()
        if kind not in ("SCN", "TIMESTAMP"):
            raise self.surprise("SCN expected")
        scn = self._sum()
        if kind == "SCN" and scn.sql.isdigit() and int(scn.sql) > self._current_scn:
            raise OracleError(8181, "specified number is not a valid system change number")

    def _alias(self, default: str) -> str:
        if self.token.kind == Kind.NAME or (self.token.kind == Kind.WORD and self.token.text not in _AFTER_TABLE):
            return self.identifier()
        return default

    def _where(self, scope: Scope) -> str:
        conditions = list(scope.conditions)
        if self.take("WHERE"):
            conditions.append(self.expression().sql)
        if self.is_word("START") or self.is_word("CONNECT"):
            raise not_understood("CONNECT BY", self.statement)
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def _grouping(self) -> str:
        sql = ""
        if self.take("GROUP", "BY"):
            sql = f" GROUP BY {', '.join(item.sql for item in self.expressions())}"
        if self.take("HAVING"):
            sql += f" HAVING {self.expression().sql}"
        return sql

    def _tail(self, scope: Scope) -> str:
        outer, self.scope = self.scope, scope
        try:
            sql = f" ORDER BY {self.order()}" if self.take("ORDER", "BY") else ""
        finally:
            self.scope = outer
        offset = ""
        if self.take("OFFSET"):
            offset = f" OFFSET {self._sum().sql}"
            self.take("ROWS")
            self.take("ROW")
        limit = " LIMIT -1" if offset else ""
        if self.take("FETCH"):
            self.next()  # FIRST or NEXT
            limit = f" LIMIT {self._sum().sql}"
            self.next()  # ROW or ROWS
            self.need("ONLY")
        if self.take("FOR", "UPDATE"):
            raise OracleError(1031, "insufficient privileges")
        return sql + limit + offset

    def order(self) -> str:
        parts = []
        while True:
            found = self.expression()
            direction = " DESC" if self.take("DESC") else ""
            self.take("ASC")
            # Oracle puts NULLs last when it goes up and first when it goes down; SQLite the other way round.
            last = not direction
            if self.take("NULLS"):
                last = self.identifier() == "LAST"
            parts.append(f"{found.key}{direction} NULLS {'LAST' if last else 'FIRST'}")
            if not self.take_sign(","):
                return ", ".join(parts)

    def call(self, name: str) -> Expression:
        return call(self, name)
