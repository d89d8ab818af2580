"""From a URL to a source: which kind it is, and where its password comes from."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dbdump.sources.contract import Source
from legacy.errors import MissingDependencyError, UsageError, printable

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

PASSWORD_VARIABLE, URL_VARIABLE = "ANTARES_LEGACY_DB_PASSWORD", "ANTARES_LEGACY_DB_URL"
_MODULES = {
    "oracle": ("oracledb", "dbdump.sources.oracle"),
    "postgresql": ("psycopg",),  # the source itself needs Arrow, which starts threads
    "sqlite": ("dbdump.sources.sqlite",),
}
_KINDS = tuple(_MODULES)
_LARGEST_PASSWORD = 4096


@dataclass(frozen=True, slots=True)
class OpenOptions:
    """How a source is reached, as the user says it.

    Parameters
    ----------
    url
        SQLAlchemy URL without a password.
    password_file
        File whose first line is the password.
    ask
        Asks the user for a secret in a terminal; None where nobody can be asked.
    thick, client_dir
        Oracle only: use the client libraries, and where they lie.
    """

    url: str
    password_file: Path | None = None
    ask: Callable[[str], str] | None = None
    thick: bool = False
    client_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """All that a worker process needs to connect; the password never shows.

    Parameters
    ----------
    url, thick, client_dir
        As in `OpenOptions`.
    password
        None where the driver finds it (wallet, ``.pgpass``) or needs none.
    """

    url: str
    password: str | None = field(default=None, repr=False)
    thick: bool = False
    client_dir: Path | None = None


def resolve(options: OpenOptions) -> Access:
    """Check the URL and find the password.

    Raises
    ------
    UsageError
        The URL is none, has a password in it, or is of a kind that cannot be dumped.
    """
    url = parse_url(options.url)
    password = None if url.get_backend_name() == "sqlite" else _password(options, url)
    return Access(options.url, password, options.thick, options.client_dir)


def connect(access: Access) -> Source:
    """Open a source.

    Raises
    ------
    dbdump.errors.SourceError
        It cannot be reached, or does not let us in.
    MissingDependencyError
        The driver is not installed.
    """
    url = parse_url(access.url)
    try:
        import pyarrow as pa  # noqa: F401  every source reads into it
    except ModuleNotFoundError as error:
        raise MissingDependencyError("dbdump", "pip install 'antares-legacy[dbdump]'") from error
    match url.get_backend_name():
        case "sqlite":
            from dbdump.sources.sqlite import connect as connect_sqlite

            return connect_sqlite(url, access.password)
        case "postgresql":
            from dbdump.sources.postgresql.source import connect as connect_postgresql

            return connect_postgresql(url, access.password)
        case _:
            from dbdump.sources.oracle import connect as connect_oracle

            return connect_oracle(url, access.password, thick=access.thick, client_dir=access.client_dir)


def modules_of(access: Access) -> tuple[str, ...]:
    """Return modules that every process loads to `connect`, and that start no threads when they are imported."""
    return ("sqlalchemy.engine", *_MODULES[parse_url(access.url).get_backend_name()])


def open_source(options: OpenOptions) -> Source:
    """Do both: `resolve`, then `connect`."""
    return connect(resolve(options))


def parse_url(text: str) -> "URL":
    """Return a URL that can be dumped, or raise UsageError."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text)
        kind = url.get_backend_name()
    except (ArgumentError, ValueError) as error:
        # Never the text itself: it may hold a password.
        advice = "write it like oracle+oracledb://user@host:1521/?service_name=X, postgresql://user@host/database, "
        raise UsageError(f"the URL of the database cannot be understood; {advice}or sqlite:///file.sqlite") from error
    if url.password is not None:
        advice = f"leave it out, and give it in the environment variable {PASSWORD_VARIABLE} or with --password-file"
        raise UsageError(f"the URL holds a password, which every user of this machine could see; {advice}")
    if kind not in _KINDS:
        known = ", ".join(_KINDS)
        raise UsageError(f"databases of the kind '{printable(kind)}' cannot be dumped; known are: {known}")
    return url


def _password(options: OpenOptions, url: "URL") -> str | None:
    if options.password_file is not None:
        try:
            with options.password_file.open(encoding="utf-8") as stream:
                return stream.readline(_LARGEST_PASSWORD).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{options.password_file}: the password cannot be read: {error}") from error
    if PASSWORD_VARIABLE in os.environ:
        return os.environ[PASSWORD_VARIABLE]
    if options.ask is None or not sys.stdin.isatty() or not url.username or _has_password_elsewhere(url):
        return None
    return options.ask(f"Password of {printable(url.username)}")


def _has_password_elsewhere(url: "URL") -> bool:
    """Whether the driver finds a password without us."""
    if url.get_backend_name() == "postgresql":
        files = (os.environ.get("PGPASSFILE"), Path.home() / ".pgpass")
        return "PGPASSWORD" in os.environ or any(file and Path(file).is_file() for file in files)
    return "wallet_location" in url.query
