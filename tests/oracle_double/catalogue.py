"""What tables the double has, and how their names stand in SQLite."""

import re
import sqlite3
from dataclasses import dataclass, field

from oracle_double.columns import NUMBER, PLAIN_NUMBER, TEXT, OracleType, of_declaration

DICTIONARY = "oracle$dictionary"
"""Name under which the dictionary is attached."""
FACTS = "oracle$"
"""Tables whose names begin with this tell the dictionary more; they are no tables of the double."""
_ORDINARY = re.compile(r"[a-z][a-z0-9_$#]*")


def shown(name: str) -> str:
    """Return a name as Oracle shows it: a plain one without capitals was not in quotes, so it is in capitals."""
    return name.upper() if _ORDINARY.fullmatch(name) else name


def quoted(name: str) -> str:
    """Return a name in quotes."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in SQLite, its type, and whether its numbers are kept as text."""

    name: str
    type: OracleType
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view.

    Parameters
    ----------
    owner, name
        As Oracle shows them.
    place
        Quoted schema and name in SQLite.
    columns
        By the name that Oracle shows.
    """

    owner: str
    name: str
    place: str
    columns: dict[str, Column] = field(default_factory=dict)


class Catalogue:
    """The tables that one connection sees.

    Parameters
    ----------
    database
        The connection.
    owners
        Name in SQLite of each owner's schema.
    """

    def __init__(self, database: sqlite3.Connection, owners: dict[str, str]) -> None:
        self._database = database
        self.owners = owners
        self._tables: dict[tuple[str, str], Table] = {}
        self._versions: tuple[int, ...] = ()

    def refresh(self) -> tuple[int, ...]:
        """Look whether tables were made or dropped; return a mark that is another when they were."""
        places = [*self.owners.values(), DICTIONARY]
        versions = tuple(self._database.execute(f"PRAGMA {quoted(p)}.schema_version").fetchone()[0] for p in places)
        if versions != self._versions:
            self._tables = {(t.owner, t.name): t for o, p in self.owners.items() for t in self._tables_of(o, p)}
            self._tables |= {("SYS", t.name): t for t in self._tables_of("SYS", DICTIONARY)}
            self._versions = versions
        return versions

    def find(self, owner: str | None, name: str, current: str) -> Table | None:
        """Return the table of a name, None where there is none."""
        if owner is not None:
            return self._tables.get(("SYS" if owner == "PUBLIC" else owner, name))
        return self._tables.get((current, name)) or self._tables.get(("SYS", name))

    def tables(self) -> list[Table]:
        """Return the tables of all owners but SYS."""
        return [table for (owner, _), table in self._tables.items() if owner != "SYS"]

    def partition(self, table: Table, name: str) -> str | None:
        """Return the condition, in SQLite's words, that the rows of a partition meet; None without such a one."""
        place = quoted(self.owners[table.owner])
        query = (
            f"SELECT condition FROM {place}.{quoted(FACTS + 'partitions')} WHERE table_name = ? AND partition_name = ?"
        )
        try:
            found = self._database.execute(query, [table.name, name]).fetchone()
        except sqlite3.OperationalError:
            return None
        return f"({found[0]})" if found else None

    def _tables_of(self, owner: str, place: str) -> list[Table]:
        rows = self._database.execute(
            f"SELECT name FROM {quoted(place)}.sqlite_master WHERE type IN ('table', 'view') ORDER BY name"
        ).fetchall()
        return [self._table(owner, place, name) for (name,) in rows if not name.startswith(("sqlite_", FACTS))]

    def _table(self, owner: str, place: str, name: str) -> Table:
        columns: dict[str, Column] = {}
        rows = self._database.execute(f"PRAGMA {quoted(place)}.table_xinfo({quoted(name)})")
        for _, column, declared, *_ in rows:
            kind = of_declaration(declared) if declared else TEXT
            exact = kind is not None and kind.code == NUMBER and declared.upper().endswith(" TEXT")
            columns[shown(column)] = Column(column, kind or PLAIN_NUMBER, exact)
        return Table(owner, shown(name), f"{quoted(place)}.{quoted(name)}", columns)
