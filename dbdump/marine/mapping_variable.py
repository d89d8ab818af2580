"""One variable of a mapping: its keys, completed from the vocabulary, and its unit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from dbdump.marine.mapping import Flags, Variable
from dbdump.marine.units import conversion, preferred, unit
from dbdump.marine.vocabulary import STANDARD_NAME_VOCABULARY, Quantity, vocabulary
from legacy.errors import MetadataError, nearest, printable

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_TAKEN = frozenset(("time", "latitude", "longitude", "depth", "station", "profile"))
_TERM = re.compile(r"[A-Z0-9]{4,8}")
_VARIABLE_ATTRIBUTES = (
    *("comment", "cell_methods", "accuracy", "precision", "resolution", "sensor_name", "sensor_model"),
    *("sensor_serial_number", "sensor_manufacturer", "sensor_mount", "sensor_orientation", "references"),
)


@dataclass(frozen=True, slots=True)
class VariableKeys:
    """The keys of a variable in a mapping."""

    column: str
    unit: str
    quantity: str = ""
    unit_out: str = ""
    long_name: str = ""
    standard_name: str = ""
    unlisted_name: bool = False
    range: tuple[float, ...] = ()
    flag: str = ""
    flag_codes: str = ""
    p01: str = ""
    p06: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def build_variable(name: str, keys: VariableKeys, flags: Flags | None, where: str, *, unverified: bool) -> Variable:
    """Complete a variable from the vocabulary.

    Parameters
    ----------
    name, keys, flags
        As the mapping has them.
    where
        File and place, for messages.
    unverified
        Whether terms that nobody has looked up are written all the same.

    Raises
    ------
    MetadataError
        A name, unit, range or term cannot be.
    """
    if not _NAME.fullmatch(name) or name.casefold() in _TAKEN or name.endswith("_QC"):
        raise MetadataError(f"{where}: '{printable(name)}' cannot name a variable; use letters, digits and '_'")
    known = _quantity(name, keys, where)
    long_name = keys.long_name or (known.long_name if known else "")
    if not long_name:
        raise MetadataError(f"{where}: 'long_name' is missing, and '{name}' is no quantity of the vocabulary; give it")
    unit_out = keys.unit_out or (known.unit if known else keys.unit)
    standard_name = _standard_name(keys, known, where)
    file_unit = preferred(unit_out, f"{where}.unit_out")
    _check_dimension(standard_name, file_unit, where)
    low, high = _range(keys.range, f"{where}.range")
    terms, to_check = _terms(keys, known, file_unit, where, unverified=unverified)
    for key in keys.attributes:
        if key not in _VARIABLE_ATTRIBUTES:
            advice = nearest(key, list(_VARIABLE_ATTRIBUTES))
            raise MetadataError(f"{where}.attributes: '{printable(key)}' is no attribute that a mapping sets; {advice}")
    return Variable(
        name=name,
        column=keys.column,
        long_name=long_name,
        standard_name=standard_name,
        unit_in=keys.unit,
        unit=file_unit,
        conversion=conversion(keys.unit, file_unit, f"{where}.unit"),
        low=low,
        high=high,
        flags=flags,
        p01=terms[0],
        p06=terms[1],
        unverified=to_check,
        attributes=keys.attributes,
    )


def _quantity(name: str, keys: VariableKeys, where: str) -> Quantity | None:
    quantities = vocabulary().quantities
    if keys.quantity and keys.quantity not in quantities:
        advice = nearest(keys.quantity, list(quantities))
        raise MetadataError(f"{where}.quantity: unknown quantity '{printable(keys.quantity)}'; {advice}")
    return quantities.get(keys.quantity or name)


def _standard_name(keys: VariableKeys, known: Quantity | None, where: str) -> str | None:
    if keys.standard_name == "none":
        return None
    if not keys.standard_name:
        return known.standard_name if known else None
    names = vocabulary().standard_names
    if keys.standard_name not in names and not keys.unlisted_name:
        advice = nearest(keys.standard_name, list(names))
        raise MetadataError(
            f"{where}.standard_name: '{printable(keys.standard_name)}' is not in the list of this program; {advice}; "
            f"a name that the {STANDARD_NAME_VOCABULARY} has can be used with 'unlisted_name: true'"
        )
    if not re.fullmatch("[a-z][a-z0-9_]*", keys.standard_name):
        raise MetadataError(f"{where}.standard_name: '{printable(keys.standard_name)}' is no name of CF")
    return keys.standard_name


def _check_dimension(standard_name: str | None, file_unit: str, where: str) -> None:
    canonical = vocabulary().standard_names.get(standard_name or "")
    if canonical and unit(canonical, where).kind != unit(file_unit, where).kind:
        raise MetadataError(
            f"{where}: the file would have '{file_unit}', and {standard_name} is measured in '{canonical}'; "
            "set 'unit' and 'unit_out', or another 'standard_name'"
        )


def _range(given: tuple[float, ...], where: str) -> tuple[Fraction | None, Fraction | None]:
    if not given:
        return None, None
    if len(given) != 2 or given[0] >= given[1]:
        raise MetadataError(f"{where}: expected [lowest, highest] in the unit of the file")
    return Fraction(repr(given[0])), Fraction(repr(given[1]))


def _terms(
    keys: VariableKeys, known: Quantity | None, file_unit: str, where: str, *, unverified: bool
) -> tuple[tuple[str, str], tuple[str, ...]]:
    """Return the terms to write for parameter and unit, and those that nobody has looked up."""
    written: list[str] = []
    to_check: list[str] = []
    for kind, given in (("p01", keys.p01), ("p06", keys.p06)):
        if given and not _TERM.fullmatch(given):
            raise MetadataError(f"{where}.{kind}: '{printable(given)}' is no term; expected such as TEMPPR01 or UPAA")
        listed = getattr(known, kind) if known else ""
        if kind == "p06" and known and file_unit != preferred(known.unit, where):
            listed = ""  # the listed term is that of another unit
        if listed and not given and kind not in (known.checked if known else ()):
            to_check.append(f"SDN:{kind.upper()}::{listed}")
            listed = listed if unverified else ""
        written.append(given or listed)
    return (written[0], written[1]), tuple(to_check)
