"""What a manifest, a product or a sidecar states about a file: metadata, and sums to be checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ingest.item import Scalar, Sums
from ingest.rules import checksum_problem, size_problem
from ingest.schemas import MEASURED, Schema, value_problems
from legacy.errors import nearest, printable

CHECKSUMS = ("adler32", "md5", "sha256")
SUM_KEYS = ("size", *CHECKSUMS)
"""Keys that are no metadata: ingest compares them with the file."""


@dataclass(frozen=True, slots=True)
class Stated:
    """Statements about one file.

    Parameters
    ----------
    values
        Metadata, of types that Rucio can hold; unknown ones are absent.
    sums
        Size and checksums as far as stated.
    problems
        What makes the file impossible to ingest.
    unknown
        Keys that neither the schema nor `SUM_KEYS` have.
    sums_ns
        When what states the sums was last written, nanoseconds since 1970; 0 when no sums are stated.
    """

    values: Mapping[str, Scalar] = field(default_factory=dict)
    sums: Sums = field(default_factory=Sums)
    problems: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    sums_ns: int = 0


def sort_out(raw: Mapping[str, object], schema: Schema, by: str, written_ns: int = 0) -> Stated:
    """Divide what was read into metadata, sums and what is neither.

    Parameters
    ----------
    raw
        Keys and values; None and ``""`` mean unknown.
    schema
        The metadata schema.
    by
        Who states the checksums: see `Sums`.
    written_ns
        When it was written, nanoseconds since 1970.
    """
    values: dict[str, Scalar] = {}
    sums: dict[str, object] = {}
    problems: list[str] = []
    unknown: list[str] = []
    for key, value in raw.items():
        if value is None or value == "":
            continue
        if key in SUM_KEYS:
            sums[key] = value
        elif key not in schema.types or key in MEASURED:
            unknown.append(key)
        elif isinstance(value, str | int | float | bool):
            values[key] = value
        else:
            problems += value_problems(key, value)
    found, wrong = _sums(sums, by)
    normal = schema.normal(values)
    return Stated(normal, found, (*problems, *wrong), tuple(unknown), written_ns if sums else 0)


def unknown_key_problem(key: str, schema: Schema) -> str:
    """Say that a key is in no schema, and which it may be meant to be."""
    return f"unknown key '{printable(key)[:80]}'; {nearest(key, [*schema.types, *CHECKSUMS])}"


def _sums(raw: Mapping[str, object], by: str) -> tuple[Sums, list[str]]:
    problems: list[str] = []
    size = raw.get("size", -1)
    if type(size) is not int:
        problems.append(f"size: expected a whole number of bytes, found '{printable(str(size))[:60]}'")
        size = -1
    elif "size" in raw and (problem := size_problem(size)):
        problems.append(f"size: {problem}")
    texts = {kind: str(raw[kind]).lower() for kind in CHECKSUMS if kind in raw}
    problems += [problem for kind, text in texts.items() if (problem := checksum_problem(kind, text))]
    return Sums(size, **texts, by=by if texts else ""), problems


def combined(first: Stated, second: Stated) -> Stated:
    """Return what two sources state together; the values of the second win, contradicting sums are a problem."""
    problems = [*first.problems, *second.problems]
    merged: dict[str, int | str] = {}
    for key in SUM_KEYS:
        ours, theirs = getattr(first.sums, key), getattr(second.sums, key)
        unknown = -1 if key == "size" else ""
        if unknown not in (ours, theirs) and ours != theirs:
            problems.append(f"{key} is stated as {ours} and as {theirs}; correct the wrong one")
        merged[key] = theirs if ours == unknown else ours
    sums = replace(first.sums, **merged, by=first.sums.by or second.sums.by)  # type: ignore[arg-type]
    # A file that changed after the older of the two statements is not the one that both speak of.
    written = min(filter(None, (first.sums_ns, second.sums_ns)), default=0)
    values = {**first.values, **second.values}
    return Stated(values, sums, tuple(problems), first.unknown + second.unknown, written)
