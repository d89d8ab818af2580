"""Which database a sandbox uses: its own SQLite file, or a PostgreSQL that the user names."""

from urllib.parse import SplitResult, urlsplit

from legacy.errors import UsageError, printable

SQLITE = "sqlite"
"""What stands for the sandbox's own file."""
_POSTGRESQL = "postgresql+psycopg"


def checked_database(text: str) -> str:
    """Return the database that ``--db`` names, checked as far as that goes without asking it.

    Raises
    ------
    UsageError
        It is neither ``sqlite`` nor the URL of a PostgreSQL database. The message does not repeat the text,
        which may hold a password.
    """
    if text == SQLITE:
        return text
    wanted = f"use {SQLITE} or {_POSTGRESQL}://USER:PASSWORD@HOST:PORT/NAME"
    try:
        parts = urlsplit(text)
        port_fits = parts.port is None or parts.port > 0
    except ValueError:
        raise UsageError(f"--db: this is not a URL; {wanted}") from None
    if parts.scheme != _POSTGRESQL:
        kind = printable(parts.scheme or text[:12])
        raise UsageError(f"--db: databases of kind '{kind}' are not supported; {wanted}")
    if not parts.path.strip("/") or not port_fits or not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError(f"--db: the URL lacks the name of the database, or holds what a URL must not; {wanted}")
    return text


def shown(database: str) -> str:
    """Return the database without its password, for people."""
    if database == SQLITE:
        return database
    parts = urlsplit(database)
    if parts.password is None:
        return _without_query(parts)
    return _without_query(parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rpartition('@')[2]}"))


def same_database(one: str, other: str) -> bool:
    """Return True when two URLs differ in their passwords and options at most."""
    return shown(one).replace(":***@", "@") == shown(other).replace(":***@", "@")


def secrets_of(database: str) -> list[str]:
    """Return what must not be shown: the password of the URL, as it stands there and decoded."""
    from urllib.parse import unquote

    password = urlsplit(database).password if database != SQLITE else None
    return [password, unquote(password)] if password else []


def _without_query(parts: SplitResult) -> str:
    # libpq takes a password as an option of the URL too.
    return parts._replace(query="", fragment="").geturl()
