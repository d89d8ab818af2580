"""The quantities that are known by name, with their CF standard names and the terms of the NERC vocabularies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from legacy.config import parse_yaml

STANDARD_NAME_VOCABULARY = "CF Standard Name Table v93"
"""The table that the standard names were looked up in."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What a variable can be.

    Parameters
    ----------
    long_name, unit
        For people; unit of the file as UDUNITS spells it.
    standard_name
        Of CF, None where CF has none.
    p01, p06
        Terms of the vocabularies of parameters and units, ``""`` where none is known.
    checked
        Which of ``p01`` and ``p06`` were read in a public source.
    """

    long_name: str
    unit: str
    standard_name: str | None = None
    p01: str = ""
    p06: str = ""
    checked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All quantities by name, and the CF standard names that are known with their canonical units."""

    quantities: Mapping[str, Quantity] = field(default_factory=dict)
    standard_names: Mapping[str, str] = field(default_factory=dict)


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary that comes with this program."""
    raw = (files("dbdump.marine") / "vocabulary.yaml").read_bytes()
    content: Any = parse_yaml(raw, "vocabulary.yaml")
    quantities = {
        name: Quantity(**{**entry, "checked": tuple(entry.get("checked", ()))})
        for name, entry in content["quantities"].items()
    }
    named = {each.standard_name: each.unit for each in quantities.values() if each.standard_name}
    return Vocabulary(quantities, named | content["standard_names"])
