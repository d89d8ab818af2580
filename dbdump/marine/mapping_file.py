"""Reads a mapping and checks all of it that can be checked without an image.

An unknown key is an error that names the nearest known one; docs/marine-mapping.md describes every key.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

from dbdump.marine.attributes import REQUIRED, SETTABLE
from dbdump.marine.flags import MEANINGS
from dbdump.marine.mapping import (
    Dataset,
    Flags,
    Join,
    Linear,
    MappingFile,
    Position,
    Scalar,
    Station,
    TimeColumn,
    Variable,
)
from dbdump.marine.mapping_variable import VariableKeys, build_variable
from dbdump.marine.times import check_zone
from dbdump.marine.units import conversion
from legacy.config import Config, load_yaml
from legacy.errors import MetadataError, UsageError, nearest, printable

PRACTICE = "practice"
"""Name of the mapping that comes with this program."""
Keys = TypeVar("Keys")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class _FileKeys:
    datasets: Mapping[str, str]
    attributes: Mapping[str, str] = field(default_factory=dict)
    unverified_urns: bool = False


@dataclass(frozen=True, slots=True)
class _DatasetKeys:
    table: str
    time: str
    position: str
    variables: str
    station: str = ""
    join: str = ""
    profile: str = ""
    filter: str = ""
    interval: str = ""
    fill_gaps: bool = False
    duplicates: Literal["error", "first"] = "error"
    odd_times: Literal["error", "drop"] = "error"
    per_year: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _StationKeys:
    name: str = ""
    column: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _JoinKeys:
    table: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _LinearKeys:
    column: str
    factor: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class _PositionKeys:
    latitude: str
    longitude: str
    depth: str
    table: str = ""
    key: str = ""


def mapping_path(text: str) -> Path:
    """Return the file that ``--mapping`` names: ``practice`` is the one for the practice database."""
    path = Path(text)
    if text == PRACTICE and not path.exists():
        return Path(str(files("dbdump.practice") / "mapping.yaml"))
    return path


def load_mapping(path: Path) -> MappingFile:
    """Read a mapping.

    Raises
    ------
    UsageError
        The file cannot be read.
    MetadataError
        A key is unknown or missing, or a value cannot be; the message says where.
    """
    content = load_yaml(path)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    keys = read_keys(path, "", content, _FileKeys, nested=("datasets",))
    raw = _object(content, str(path))["datasets"]
    shared = _attributes(keys.attributes, f"{path}: attributes")
    datasets = _object(raw, f"{path}: datasets")
    if not datasets:
        raise MetadataError(f"{path}: datasets: there is none; name one, with its table")
    built = tuple(
        _dataset(path, str(name), value, shared, unverified=keys.unverified_urns) for name, value in datasets.items()
    )
    return MappingFile(path, digest, built)


def read_keys(path: Path, where: str, value: object, kind: type[Keys], nested: Sequence[str] = ()) -> Keys:
    """Check the keys of one level and return them, with the defaults of a dataclass.

    Parameters
    ----------
    path, where
        File, and place in it, for messages.
    value
        What YAML has there.
    kind
        A dataclass; the fields are the keys.
    nested
        Keys whose values the caller checks: they are left at their defaults, or empty.
    """
    place = f"{path}: {where}" if where else str(path)
    given = _object(value, place)
    missing = [
        member.name
        for member in fields(kind)  # type: ignore[arg-type]
        if member.name not in given and not _optional(member)
    ]
    flat = {key: item for key, item in given.items() if key not in nested}
    checked = Config(path, {where: flat}).section(where, kind) if where else _top(path, flat, kind)
    if missing:
        raise MetadataError(f"{place}: the key '{missing[0]}' is missing; give it")
    return kind(**({key: "" for key in nested if key in given} | checked))


def _top(path: Path, flat: Mapping[str, object], kind: type[Any]) -> dict[str, object]:
    known = [member.name for member in fields(kind)]
    for key in flat:
        if key not in known:
            raise MetadataError(f"{path}: unknown key '{printable(str(key))}'; {nearest(str(key), known)}")
    return Config(path, {"mapping": flat}).section("mapping", kind)


def _optional(member: Any) -> bool:
    return member.default is not MISSING or member.default_factory is not MISSING


def _object(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise MetadataError(f"{where}: expected keys with values; keys that look like numbers need quotes")
    return value


def _dataset(path: Path, name: str, value: object, shared: Mapping[str, str], *, unverified: bool) -> Dataset:
    where = f"datasets.{name}"
    if not _NAME.fullmatch(name):
        raise MetadataError(f"{path}: {printable(where)}: names have letters, digits, '_' and '-': they name files")
    nested = ("time", "station", "join", "position", "profile", "filter", "variables")
    keys = read_keys(path, where, value, _DatasetKeys, nested)
    raw = _object(value, where)
    attributes = {**shared, **_attributes(keys.attributes, f"{path}: {where}.attributes")}
    for needed in REQUIRED:
        if not attributes.get(needed, "").strip():
            raise MetadataError(f"{path}: {where}.attributes: '{needed}' is missing; it may stand in 'attributes' too")
    interval = _interval(keys.interval, f"{path}: {where}.interval") if keys.interval else None
    if keys.fill_gaps and interval is None:
        raise MetadataError(f"{path}: {where}.fill_gaps: it needs 'interval', such as 15 min")
    station = _station(path, where, name, raw.get("station"))
    return Dataset(
        name=name,
        table=keys.table,
        time=_time(path, f"{where}.time", raw["time"]),
        station=station,
        position=_position(path, f"{where}.position", raw["position"], station),
        variables=_variables(path, f"{where}.variables", raw["variables"], unverified=unverified),
        joins=_joins(path, f"{where}.join", raw.get("join", [])),
        profile=_linear(path, f"{where}.profile", raw["profile"]) if "profile" in raw else None,
        filter=_filter(f"{path}: {where}.filter", raw.get("filter", {})),
        interval=interval,
        fill_gaps=keys.fill_gaps,
        duplicates=keys.duplicates,
        odd_times=keys.odd_times,
        per_year=keys.per_year,
        attributes=attributes,
    )


def _attributes(given: Mapping[str, str], where: str) -> Mapping[str, str]:
    for key in given:
        if key not in SETTABLE:
            advice = nearest(key, list(SETTABLE))
            raise MetadataError(f"{where}: '{printable(key)}' is no attribute that a mapping sets; {advice}")
    return given


def _interval(text: str, where: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?([a-z]+)", text)
    if found is None:
        raise MetadataError(f"{where}: '{printable(text)}' is no time; expected such as 15 min, 2 h, 30 s")
    length = Fraction(found[1])
    ratio = conversion(found[2], "us", where)
    value = length * ratio.multiplier / ratio.divisor
    if value.denominator != 1 or value < 1:
        raise MetadataError(f"{where}: '{printable(text)}' is no whole number of microseconds above 0")
    return int(value)


def _time(path: Path, where: str, value: object) -> TimeColumn:
    if isinstance(value, str):
        return TimeColumn(value)
    read = read_keys(path, where, value, TimeColumn)
    check_zone(read.zone, f"{path}: {where}.zone")
    if read.since_1970 and read.zone != "UTC":
        raise MetadataError(f"{path}: {where}.zone: numbers since 1970 are in UTC; leave the zone out")
    return read


def _station(path: Path, where: str, name: str, value: object) -> Station:
    keys = _StationKeys() if value is None else read_keys(path, f"{where}.station", value, _StationKeys)
    if keys.values and not keys.column:
        raise MetadataError(f"{path}: {where}.station.values: they need 'column'")
    many = bool(keys.column) and len(keys.values) != 1
    called = keys.name or (f"{name} {{}}" if keys.column else name)
    if many and "{}" not in called:
        raise MetadataError(f"{path}: {where}.station.name: '{{}}' must stand in it, for the value of the column")
    return Station(called, keys.column, keys.values)


def _joins(path: Path, where: str, value: object) -> tuple[Join, ...]:
    if not isinstance(value, list):
        raise MetadataError(f"{path}: {where}: expected a list of tables, each with 'table' and 'by'")
    joins = []
    for number, item in enumerate(value):
        keys = read_keys(path, f"{where}[{number}]", item, _JoinKeys)
        pairs = tuple((own.strip(), (other or own).strip()) for own, _, other in (on.partition("=") for on in keys.by))
        if not pairs or not all(own and other for own, other in pairs):
            raise MetadataError(f"{path}: {where}[{number}].by: expected columns such as [line_id] or ['line=line_id']")
        joins.append(Join(keys.table, pairs))
    return tuple(joins)


def _position(path: Path, where: str, value: object, station: Station) -> Position:
    nested = ("latitude", "longitude", "depth")
    keys = read_keys(path, where, value, _PositionKeys, nested)
    raw = _object(value, where)
    if bool(keys.table) != bool(keys.key):
        raise MetadataError(f"{path}: {where}: 'table' and 'key' go together")
    if keys.table and not station.column:
        raise MetadataError(f"{path}: {where}.table: it needs the column of the station, to find its row by")
    bounds = {"latitude": 90, "longitude": 180, "depth": 12_000}
    found = {name: _coordinate(path, f"{where}.{name}", raw[name], bounds[name]) for name in nested}
    return Position(found["latitude"], found["longitude"], found["depth"], keys.table, keys.key)


def _coordinate(path: Path, where: str, value: object, bound: int) -> Fraction | Linear:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not -bound <= value <= bound:
            raise MetadataError(f"{path}: {where}: {value} is beyond {bound}")
        return Fraction(repr(value))
    return _linear(path, where, value)


def _linear(path: Path, where: str, value: object) -> Linear:
    if isinstance(value, str):
        return Linear(value)
    keys = read_keys(path, where, value, _LinearKeys)
    if keys.factor == 0:
        raise MetadataError(f"{path}: {where}.factor: 0 would make all values equal")
    # A number of YAML means its decimal text: 0.1 is a tenth.
    return Linear(keys.column, Fraction(repr(keys.factor)), Fraction(repr(keys.offset)))


def _filter(where: str, value: object) -> Mapping[str, tuple[Scalar, ...]]:
    wanted: dict[str, tuple[Scalar, ...]] = {}
    for column, item in _object(value, where).items():
        items = item if isinstance(item, list) else [item]
        if not items or not all(isinstance(each, (str, int, float, bool)) for each in items):
            raise MetadataError(f"{where}.{printable(column)}: expected a value, or a list of them")
        wanted[column] = tuple(items)
    return wanted


def _variables(path: Path, where: str, value: object, *, unverified: bool) -> tuple[Variable, ...]:
    given = _object(value, f"{path}: {where}")
    if not given:
        raise MetadataError(f"{path}: {where}: there is none; name one, with its column and unit")
    built = []
    for name, raw in given.items():
        here = f"{where}.{name}"
        codes = raw.get("flag_codes") if isinstance(raw, dict) else None
        keys = read_keys(path, here, raw, VariableKeys, nested=("flag_codes",))
        flags = _flags(f"{path}: {here}", keys.flag, codes)
        built.append(build_variable(name, keys, flags, f"{path}: {here}", unverified=unverified))
    taken = [variable.name.casefold() for variable in built]
    if len(set(taken)) < len(taken):
        raise MetadataError(f"{path}: {where}: two names differ in case only")
    return tuple(built)


def _flags(where: str, column: str, codes: object) -> Flags | None:
    if not column:
        if codes is not None:
            raise MetadataError(f"{where}.flag_codes: they need 'flag', the column that has them")
        return None
    if codes is None:
        return Flags(column)
    if not isinstance(codes, dict) or not codes:
        raise MetadataError(f"{where}.flag_codes: expected values of the column with flags, such as G: 1")
    for value, code in codes.items():
        if type(code) is not int or code not in MEANINGS:
            allowed = ", ".join(map(str, MEANINGS))
            raise MetadataError(f"{where}.flag_codes.{printable(str(value))}: {code} is no flag; known are {allowed}")
    return Flags(column, {str(value): code for value, code in codes.items()})
