"""What names mean in a query, and what an expression has become in SQLite."""

from dataclasses import dataclass, field

from oracle_double.catalogue import Column, Table, quoted
from oracle_double.columns import NUMBER, PLAIN_NUMBER, ROWID, TEXT, TIMES, OracleType
from oracle_double.errors import OracleError

_ROWID = OracleType(ROWID, "ROWID")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression.

    Parameters
    ----------
    sql
        In SQLite.
    type
        None where only the value tells it (NULL, binds).
    name
        What a column of a result is called after it.
    row
        SQLite's own row number, where the expression is a ROWID.
    exact
        Whether it is a number that may be kept as text.
    position
        Whether it is ROWNUM.
    """

    sql: str
    type: OracleType | None = None
    name: str = ""
    row: str = ""
    exact: bool = False
    position: bool = False

    @property
    def is_time(self) -> bool:
        """Whether it is a DATE or TIMESTAMP."""
        return self.type is not None and self.type.code in TIMES

    @property
    def is_number(self) -> bool:
        """Whether it is a NUMBER."""
        return self.type is not None and self.type.code == NUMBER

    @property
    def key(self) -> str:
        """What SQLite can compare and sort by as Oracle would."""
        if self.row:
            return self.row
        if self.is_time:
            return f"ora_time_key({self.sql})"
        return f"ora_number_key({self.sql})" if self.exact else self.sql


@dataclass(slots=True)
class Origin:
    """A table, view or subquery in FROM."""

    alias: str
    columns: dict[str, Column]
    table: Table | None = None

    def column(self, name: str) -> Expression:
        """Return a column of it."""
        found = self.columns[name]
        return Expression(f"{quoted(self.alias)}.{quoted(found.name)}", found.type, name, exact=found.exact)


@dataclass(slots=True)
class Scope:
    """The names of one SELECT, and of those around it."""

    outer: "Scope | None" = None
    origins: list[Origin] = field(default_factory=list)
    results: dict[str, Expression] = field(default_factory=dict)
    """Columns of the result, for ORDER BY."""
    conditions: list[str] = field(default_factory=list)
    """What FROM adds to WHERE: the condition of a partition."""
    limit: str = ""

    def find(self, qualifier: str | None, name: str) -> Expression | None:
        """Return what a name means; None where it means nothing."""
        for origin in self.origins:
            if qualifier not in (None, origin.alias):
                continue
            if name == "CURRENT_SCN" and origin.table is not None and origin.table.owner == "SYS":
                return Expression("ora_current_scn()", PLAIN_NUMBER, name)
            if name in origin.columns:
                return origin.column(name)
            if name == "ROWID" and origin.table is not None:
                row = f"{quoted(origin.alias)}.rowid"
                return Expression(f"ora_rowid({row})", _ROWID, "ROWID", row=row)
            if name == "ORA_ROWSCN" and origin.table is not None:
                # A query of its own is run once and not for every row.
                place = origin.table.place.replace("'", "''")
                return Expression(f"(SELECT ora_rowscn('{place}'))", PLAIN_NUMBER, name)
        if qualifier is None and name in self.results:
            return self.results[name]
        return self.outer.find(qualifier, name) if self.outer else None

    def column(self, qualifier: str | None, name: str) -> Expression:
        """Return what a name means; raises OracleError (ORA-00904)."""
        found = self.find(qualifier, name)
        if found is None:
            full = f'"{qualifier}"."{name}"' if qualifier else f'"{name}"'
            raise OracleError(904, f"{full}: invalid identifier")
        return found

    def everything(self, qualifier: str | None) -> list[Expression]:
        """Return all columns for ``*`` or ``alias.*``."""
        origins = [origin for origin in self.origins if qualifier in (None, origin.alias)]
        if not origins:
            raise OracleError(904, f'"{qualifier}": invalid identifier')
        return [origin.column(name) for origin in origins for name in origin.columns]


def common_type(expressions: list[Expression]) -> OracleType | None:
    """Return the type of a choice between expressions."""
    types = [expression.type for expression in expressions if expression.type is not None]
    if not types:
        return None
    if all(kind == types[0] for kind in types):
        return types[0]
    if all(kind.code == NUMBER for kind in types):
        return PLAIN_NUMBER
    if all(kind.name in ("VARCHAR2", "CHAR") for kind in types):
        length = max(kind.length for kind in types)
        return OracleType(TEXT.code, "VARCHAR2", length=length, form=TEXT.form, by_characters=True)
    return types[0]
