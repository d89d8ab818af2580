"""A product against its original, value by value, the original read by the second reader."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from converters.detect import reader_name
from converters.layout import EVENT_INFO_TABLE, EVENTS_TABLE, GROUP_INFO_TABLE
from converters.registry import load_rereader
from converters.request import Request
from converters.reread.contract import Expected, Value
from converters.source import ReadOptions
from converters.views import ProductView
from legacy.checksums import sha256_of
from legacy.errors import InputError, UsageError
from legacy.model import TableSpec

_SETTLED = frozenset({"group_id", "event_id"})
"""Columns that follow from the whole file; `converters.model_checks` looks at them."""
_OPTIONAL = frozenset({*_SETTLED, "internal_id", "mjd", "ra", "dec"})
"""Columns that a second reader gives only where the source itself has them."""
_COMPUTED = frozenset(
    "zenith azimuth dir_x dir_y dir_z pos_x pos_y pos_z mc_zenith mc_azimuth angular_error".split()  # noqa: SIM905
)
"""Columns for which both readers calculate: equal up to rounding. All others must be equal to the last bit."""
_KEYS_ONLY = frozenset({GROUP_INFO_TABLE.path})
"""Tables that hold nothing but `group_id`."""
_TOLERANCE = 1e-9
_MOST_PROBLEMS = 20


@dataclass(slots=True)
class Comparison:
    """Result of a comparison.

    Parameters
    ----------
    events, values
        Number of events and values that were compared.
    problems
        One line for each difference, at most twenty.
    not_compared
        Columns of the product that the second reader does not give.
    """

    events: int = 0
    values: int = 0
    problems: list[str] = field(default_factory=list)
    not_compared: set[str] = field(default_factory=set)


def compare(view: ProductView, source: Path, mapping: Path | None = None) -> Comparison:
    """Compare a product with its original.

    Parameters
    ----------
    view
        The product.
    source
        Its original.
    mapping
        Where the mapping lies that an AntDST product was made with; None for its name in the current folder.

    Raises
    ------
    InputError
        The source cannot be read, or its format has no second reader.
    UsageError
        The mapping is not the one that the product was made with.
    """
    result = Comparison()
    digest = sha256_of(source) if source.is_file() else ""
    if digest != view.about.get("input_sha256"):
        result.problems.append(f"{source} is not the source: its SHA-256 is another than that in /provenance")
        return result
    parameters = view.about.get("parameters", "{}")
    try:
        options, forced = Request.read_options(parameters)
    except ValueError:
        result.problems.append(f"/provenance: the options cannot be read: {parameters}")
        return result
    options = _with_mapping(options, mapping)
    name = reader_name(source, forced)
    reread = load_rereader(name)
    if reread is None:
        raise InputError(source, f"the format {name} has no second reader", advice="leave --source out")
    tables = {path: _Rows(view, path) for path in view.tables if path not in _KEYS_ONLY and _keyed(view.tables[path])}
    for number, expected in enumerate(reread(source, options)):
        _compare_event(number, expected, tables, result, whole=view.whole)
        if len(result.problems) >= _MOST_PROBLEMS:
            result.problems.append("and more: the comparison stopped here")
            return result
        result.events += 1
    for path, rows in tables.items():
        if rest := rows.left():
            result.problems.append(f"{path}: {rest} rows more than the source has")
    return result


def _with_mapping(options: ReadOptions, mapping: Path | None) -> ReadOptions:
    if mapping is None:
        return options
    if options.antdst_mapping is None:
        raise UsageError("the product was made without a mapping of the user; leave --antdst-mapping out")
    return replace(options, antdst_mapping=(str(mapping), options.antdst_mapping[1]))


def _keyed(spec: TableSpec) -> bool:
    return any(column.name == "group_id" for column in spec.columns)


class _Rows:
    """The rows of a table, handed out event by event."""

    def __init__(self, view: ProductView, path: str) -> None:
        self.spec = view.tables[path]
        names = [column.name for column in self.spec.columns]
        self._rows = (dict(zip(names, row, strict=True)) for block in view.blocks(path) for row in block.tolist())
        self._next: dict[str, Value] | None = next(self._rows, None)

    def of_event(self, group_id: int) -> list[dict[str, Value]]:
        """Take the rows of one event."""
        found = []
        while self._next is not None and self._next["group_id"] == group_id:
            found.append(self._next)
            self._next = next(self._rows, None)
        return found

    def left(self) -> int:
        """Count the rows that no event took."""
        return (self._next is not None) + sum(1 for _ in self._rows)


def _expected_tables(expected: Expected, *, whole: bool) -> Iterator[tuple[str, tuple[Mapping[str, Value], ...]]]:
    # In /events an infinite number is missing; the other tables have it as it was found.
    yield EVENTS_TABLE.path, ({n: math.nan if v in (math.inf, -math.inf) else v for n, v in expected.events.items()},)
    if whole:
        yield EVENT_INFO_TABLE.path, (expected.event_info,)
        yield from expected.tables.items()


def _compare_event(
    number: int, expected: Expected, tables: Mapping[str, _Rows], result: Comparison, *, whole: bool
) -> None:
    met = set()
    for path, rows in _expected_tables(expected, whole=whole):
        met.add(path)
        found = tables[path].of_event(number) if path in tables else []
        if len(found) != len(rows):
            result.problems.append(f"{path}, event {number}: {len(found)} rows, the source has {len(rows)}")
            continue
        for have, want in zip(found, rows, strict=True):
            _compare_row(number, tables[path].spec, have, want, result)
    for path, table in tables.items():
        if path not in met and table.of_event(number):
            result.problems.append(f"{path}, event {number}: rows that the source does not have")


def _compare_row(
    number: int, spec: TableSpec, have: Mapping[str, Value], want: Mapping[str, Value], result: Comparison
) -> None:
    for column in spec.columns:
        if column.name not in want and column.name not in _OPTIONAL:
            result.not_compared.add(f"{spec.path}.{column.name}")
    for name, value in want.items():
        if name in _SETTLED:
            continue
        result.values += 1
        found = have.get(name)
        same = _is_missing(value) if found is None else _same(name, found, value)
        if not same:
            result.problems.append(f"{spec.path}, event {number}: {name} is {found!r}, the source has {value!r}")


def _is_missing(value: Value) -> bool:
    return value in (-1, b"") or value != value


def _same(name: str, found: Value, value: Value) -> bool:
    if isinstance(found, bytes) or isinstance(value, bytes):
        return found == value
    if found == value or (found != found and value != value):
        return True
    if name not in _COMPUTED:
        return False
    difference = abs(found - value)
    if name.endswith("azimuth"):
        difference = min(difference, abs(2 * math.pi - difference))
    return difference <= _TOLERANCE * max(1.0, abs(value))
