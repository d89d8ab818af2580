"""Names that SQLite and DuckDB can tell apart: both ignore the case of ASCII letters."""

from collections.abc import Collection, Iterable

RESERVED_PREFIX = "sqlite_"
"""SQLite keeps names that begin so for itself (sqlite.org/lang_createtable.html)."""


def quoted(name: str) -> str:
    """Return a name as an SQL identifier, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def folded(name: str) -> str:
    """Return what SQLite compares: ASCII letters in lower case, all others as they are."""
    return name.encode(errors="surrogatepass").lower().decode(errors="surrogatepass")


def unique_names(
    names: Iterable[str], taken: Collection[str] = (), *, reserved: str = RESERVED_PREFIX
) -> tuple[str, ...]:
    """Return a name for each name, no two of them equal but for case.

    The first of several keeps its own, the next ones get ``_2``, ``_3``: none of them takes a name that another has.
    Names that begin with `reserved` get ``_`` before them.

    Parameters
    ----------
    names
        In the order that decides.
    taken
        Names that none may have.
    reserved
        A beginning that none may have; ``""`` for DuckDB, which has no such.
    """
    wanted = [_allowed(name, reserved) for name in names]
    originals = {folded(name) for name in wanted}
    used = {folded(name) for name in taken}
    given = []
    for name in wanted:
        chosen, number = name, 1
        while folded(chosen) in used or (number > 1 and folded(chosen) in originals):
            number += 1
            chosen = f"{name}_{number}"
        used.add(folded(chosen))
        given.append(chosen)
    return tuple(given)


def _allowed(name: str, reserved: str) -> str:
    # A NUL ends every SQL statement early; no server allows one in a name, a manifest might.
    name = name.replace("\0", "%00")
    return f"_{name}" if reserved and folded(name).startswith(reserved) else name
