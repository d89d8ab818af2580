"""Second reader of public event lists: one line at a time, in plain Python."""

import math
from collections.abc import Iterator
from pathlib import Path

from converters.reread.contract import Expected, Value
from converters.source import ReadOptions

_WORDS = {
    "ra": ("ra", "r.a.", "raj2000"),
    "dec": ("dec", "dec.", "decl", "decl.", "declination", "dej2000", "decj2000"),
    "n_hits": ("nhit", "nhits", "n_hit", "n_hits"),
    "angular_error": ("beta", "angular_error"),
    "mjd": ("mjd",),
}


def reread(path: Path, options: ReadOptions) -> Iterator[Expected]:
    """Read the events of a list.

    Parameters
    ----------
    path
        The file.
    options
        `columns` matters.

    Yields
    ------
    Expected
        One event after the other, in the order of the file.
    """
    text = path.read_bytes().decode("latin-1").removeprefix("\xef\xbb\xbf")
    lines = [line.strip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    start = next(n for n, line in enumerate(lines) if _all_numbers(line))
    rows = [_words(line) for line in lines[start:] if line and line[0] != "#"]
    order = _order(lines[:start], rows, options)
    ranks = _ranks(rows, order)
    for row, rank in zip(rows, ranks, strict=True):
        yield Expected(_event(row, order, rank))


def _words(line: str) -> list[str]:
    if "," in line:
        return [word.strip() for word in line.split(",")]
    return [word.strip() for word in line.split(";")] if ";" in line else line.split()


def _all_numbers(line: str) -> bool:
    words = _words(line)
    if len(words) < 2 or line.startswith("#"):
        return False
    try:
        return all(math.isfinite(float(word)) for word in words)
    except ValueError:
        return False


def _canonical(word: str) -> str:
    plain = word.lower()
    for unit in ("deg", "degree", "degrees", "d", "day", "days", "utc"):  # with another the list is refused
        plain = plain.removesuffix("_" + unit).removesuffix("/" + unit)
    return next((name for name, spellings in _WORDS.items() if plain in spellings), "")


def _order(header: list[str], rows: list[list[str]], options: ReadOptions) -> list[str]:
    """Return what each column is, ``""`` for one that is not kept."""
    if options.columns:
        return [_canonical(word) for word in options.columns]
    for line in reversed(header):
        plain = line.lstrip("# ")
        for opening, closing in ("[]", "()", "{}"):
            while opening in plain and closing in plain[plain.index(opening) :]:
                begin = plain.index(opening)
                plain = plain[:begin] + " " + plain[plain.index(closing, begin) + 1 :]
        names = [_canonical(word) for word in _words(plain)]
        known = [name for name in names if name]
        if len(names) == len(rows[0]) and "ra" in known and "dec" in known and len(set(known)) == len(known):
            return names
    first_is_dec = any(float(row[0]) < 0 for row in rows) or any(float(row[1]) > 90 for row in rows)
    return [*(("dec", "ra") if first_is_dec else ("ra", "dec")), "n_hits", "angular_error", "mjd"]


def _ranks(rows: list[list[str]], order: list[str]) -> list[int]:
    """Return the place of each event in the order of time, from 1; 0 without times."""
    if "mjd" not in order:
        return [0] * len(rows)
    column = order.index("mjd")
    ranks = [0] * len(rows)
    in_time = sorted(range(len(rows)), key=lambda n: (float(rows[n][column]), n))
    for place, number in enumerate(in_time, start=1):
        ranks[number] = place
    return ranks


def _event(row: list[str], order: list[str], rank: int) -> dict[str, Value]:
    values: dict[str, Value] = {"reco": b"public_ps"}
    for name, word in zip(order, row, strict=True):
        if name == "n_hits":
            values[name] = int(float(word))
        elif name:
            values[name] = float(word)
    if values["ra"] == 360.0:
        values["ra"] = 0.0
    if rank:
        values["internal_id"] = f"ANT{rank:04}".encode()
    return values
