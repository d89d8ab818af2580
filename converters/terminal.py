"""Text laid out for people: grids and lists that fit the terminal, or are as wide as they need to be."""

import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence

_INDENT, _GAP = "  ", "  "
_NARROWEST = 12


def terminal_width() -> int | None:
    """Return the number of columns of the terminal that stdout is, None when it is a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def grid(rows: Sequence[Mapping[str, object]], width: int | None = None) -> str:
    """Return rows under the names of their columns.

    Parameters
    ----------
    rows
        At least one; all with the same names.
    width
        Columns of the terminal; None sets no limit. A grid that is too wide has its texts wrapped within their
        columns. Where that is not enough, each row becomes a list of its own.
    """
    names = list(rows[0])
    cells = [[_cell(row[name]) for name in names] for row in rows]
    natural = [max(len(name), *(len(row[n]) for row in cells)) for n, name in enumerate(names)]
    texts = [any(isinstance(row[name], str) for row in rows) for name in names]
    room = None if width is None else width - len(_INDENT) - len(_GAP) * (len(names) - 1)
    floors = _floors(cells, names, natural, texts, _NARROWEST)
    if room is not None and sum(floors) > room:
        return "\n\n".join(pairs(dict(zip(names, row, strict=True)), width) for row in cells)
    if room is not None:
        gentle = _floors(cells, names, natural, texts, room // 2)
        floors = gentle if sum(gentle) <= room else floors
    widths = natural if room is None else _narrowed(natural, floors, room)
    return "\n".join(_line(row, widths) for row in (names, *cells))


def pairs(values: Mapping[str, object], width: int | None = None) -> str:
    """Return names and values, one a line; long values go on under themselves."""
    longest = max((len(name) for name in values), default=0)
    indent = " " * (len(_INDENT) + longest + len(_GAP))
    lines = (f"{_INDENT}{name:<{longest}}{_GAP}{value}" for name, value in values.items())
    return "\n".join(wrapped(line, width, indent) for line in lines)


def wrapped(line: str, width: int | None, indent: str) -> str:
    """Return a line broken at words to fit `width`, further lines under `indent`."""
    if width is None or len(line) <= width or width <= len(indent) + _NARROWEST:
        return line
    return textwrap.fill(
        line, width, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True, replace_whitespace=False
    )


def _floors(
    cells: Sequence[Sequence[str]], names: Sequence[str], natural: Sequence[int], texts: Sequence[bool], most: int
) -> list[int]:
    """Say how narrow each column may become: numbers stay whole, and so do words of up to `most` letters."""
    floors = []
    for n, whole in enumerate(natural):
        longest = max((len(word) for row in cells for word in row[n].split()), default=0)
        floor = max(len(names[n]), _NARROWEST, min(longest, most))
        floors.append(min(whole, floor) if texts[n] else whole)
    return floors


def _narrowed(widths: Sequence[int], floors: Sequence[int], room: int) -> list[int]:
    """Take from the widest column until all fit; none becomes narrower than its floor."""
    found = list(widths)
    while sum(found) > room:
        widest = max((n for n, width in enumerate(found) if width > floors[n]), key=lambda n: found[n])
        found[widest] -= 1
    return found


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    columns = [
        [cell] if len(cell) <= width else textwrap.wrap(cell, width, break_on_hyphens=False) or [""]
        for cell, width in zip(cells, widths, strict=True)
    ]
    height = max(len(column) for column in columns)
    lines = (
        _GAP.join(
            (column[n] if n < len(column) else "").ljust(width) for column, width in zip(columns, widths, strict=True)
        )
        for n in range(height)
    )
    return "\n".join(f"{_INDENT}{line}".rstrip() for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.9g}" if isinstance(value, float) else str(value)
