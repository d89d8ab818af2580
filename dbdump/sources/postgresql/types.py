"""PostgreSQL's types as families (PostgreSQL manual, chapter 8)."""

from dataclasses import dataclass

from dbdump.schema import Family
from dbdump.stored import INT64_DIGITS


@dataclass(frozen=True, slots=True)
class BaseType:
    """A type of a column, with domains followed to what they are made of.

    Parameters
    ----------
    name
        ``typname`` of ``pg_type``.
    built_in
        Whether it belongs to the server: others may have its name.
    modifier
        ``atttypmod``, -1 for none.
    """

    name: str
    built_in: bool
    modifier: int = -1


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """What `dbdump.schema.Column` says about a type."""

    family: Family
    precision: int | None = None
    scale: int | None = None
    length: int | None = None


# The type map takes a DECIMAL of at most 18 digits for int64. An int8 may have 19, and fits int64 all the same.
_INTEGERS = frozenset({"int2", "int4", "int8", "oid"})
_TEXTS = frozenset({"text", "varchar", "name", "char"})
_SIMPLE = {
    "float4": Family.FLOAT32,
    "float8": Family.FLOAT64,
    "bool": Family.BOOLEAN,
    "date": Family.DATE,
    "time": Family.TIME,
    "timestamp": Family.TIMESTAMP,
    "timestamptz": Family.TIMESTAMP_UTC,
    "bytea": Family.LOB_BYTES,
}
_HEADER = 4
"""What the modifier of numeric, varchar and char counts in addition (VARHDRSZ)."""


def family_of(base: BaseType) -> FamilyFacts:
    """Return the family of a type; whatever has none of its own is `Family.AS_TEXT`."""
    if not base.built_in:
        return FamilyFacts(Family.TEXT if base.name == "citext" else Family.AS_TEXT)
    if base.name in _INTEGERS:
        return FamilyFacts(Family.DECIMAL, INT64_DIGITS, 0)
    if base.name == "numeric":
        return _numeric(base.modifier)
    if base.name in _TEXTS or base.name == "bpchar":
        length = base.modifier - _HEADER if base.modifier >= _HEADER else None
        return FamilyFacts(Family.CHAR if base.name == "bpchar" else Family.TEXT, length=length)
    if base.name in ("time", "timestamp", "timestamptz"):
        return FamilyFacts(_SIMPLE[base.name], scale=base.modifier if base.modifier >= 0 else 6)
    return FamilyFacts(_SIMPLE.get(base.name, Family.AS_TEXT))


def _numeric(modifier: int) -> FamilyFacts:
    """Precision in the upper 16 bits, scale as a signed number of 11 (src/backend/utils/adt/numeric.c, since 15)."""
    if modifier < _HEADER:
        return FamilyFacts(Family.NUMBER)
    packed = modifier - _HEADER
    return FamilyFacts(Family.DECIMAL, packed >> 16 & 0xFFFF, ((packed & 0x7FF) ^ 1024) - 1024)
