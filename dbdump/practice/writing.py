"""Where the practice database is written to."""

from pathlib import Path

from dbdump.practice.description import Extent
from dbdump.practice.dialects import ORACLE_NAMES, SQLITE
from dbdump.practice.signals import LONGEST_DAYS
from dbdump.practice.to_postgresql import write_postgresql
from dbdump.practice.to_sqlite import write_sqlite
from legacy.errors import UsageError, printable

_LINES = 12


def write_practice_database(
    target: str | Path, *, days: int = 60, seed: int = 1, lines: int = 2, oracle_names: bool = False
) -> None:
    """Write a synthetic environmental database of ANTARES' shape.

    The same arguments give the same rows, and the same bytes of an SQLite file.

    Parameters
    ----------
    target
        SQLite file (a path, or a URL ``sqlite:///...``), or the URL of a PostgreSQL database without password.
    days
        Days of measurements from 10 March 2009 on; the strong burst of bioluminescence begins on 14 March.
    seed
        Another one gives other values.
    lines
        Detector lines, 1 to 12; each has 12 optical modules here.
    oracle_names
        SQLite only: declare columns with the types of Oracle, and write comments and sequences into
        tables ``oracle$comments`` and ``oracle$sequences``: what a double of an Oracle server reads.

    Raises
    ------
    UsageError
        The target is of no kind that can be written, or holds something already.
    SourceError
        The server cannot be reached, or does not let us make tables.
    MachineError
        The file cannot be written.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise UsageError(f"{days} days cannot be written; choose 1 to {LONGEST_DAYS}")
    if not 1 <= lines <= _LINES or seed < 0:
        raise UsageError(
            f"{lines} lines with seed {seed} cannot be written; choose 1 to {_LINES} lines, and a seed from 0"
        )
    extent = Extent(days, lines, seed)
    dialect = ORACLE_NAMES if oracle_names else SQLITE
    if isinstance(target, Path) or "://" not in target:
        write_sqlite(Path(target), extent, dialect)
        return
    from dbdump.sources.opening import OpenOptions, parse_url, resolve

    access = resolve(OpenOptions(target))
    url = parse_url(access.url)
    match url.get_backend_name():
        case "sqlite" if url.database:
            write_sqlite(Path(url.database), extent, dialect)
        case "postgresql" if not oracle_names:
            write_postgresql(url, access.password, extent)
        case _:
            advice = "give a file, or a URL like sqlite:///practice.sqlite or postgresql://user@host/database"
            raise UsageError(f"'{printable(target)}' is nothing that can be written to; {advice}")
