"""Templates for the names of files, datasets and containers, such as ``antares.{kind}.run{run:06d}``.

They look like Python's format strings, and are less: a field is a plain name, a format is a width. A field
without a value becomes ``unknown``, with or without a format, so that one file without a run number never
stops an ingest.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from string import Formatter

from ingest.item import Scalar
from legacy.errors import nearest, printable

UNKNOWN = "unknown"
FILE_FIELDS = ("basename", "stem", "path", "scope")
"""Fields that come from the file and the settings, not from its metadata."""
SET_FIELDS = ("scope",)
"""Of these, the ones for datasets and containers, which hold many files."""

_FIELD = re.compile(r"[a-z][a-z0-9_]*")
# Two digits: a wider number would only be a way to fill the memory.
_WIDTH = re.compile(r"(0?[1-9][0-9]?)?d?")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9.\-_]")
_DOTS = re.compile(r"\.{2,}")


class TemplateError(ValueError):
    """A template that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template, read and checked.

    Parameters
    ----------
    text
        As the user wrote it.
    parts
        Pairs of literal text, and the field (name, format) after it; the name is ``""`` after the last text.
    """

    text: str
    parts: tuple[tuple[str, str, str], ...]

    @property
    def fields(self) -> frozenset[str]:
        """The names of its fields."""
        return frozenset(name for _, name, _ in self.parts if name)

    def render(self, values: Mapping[str, Scalar]) -> str:
        """Fill in the fields.

        Values of metadata are made fit for a name: every character that Rucio does not take in a name becomes
        ``_``, repeated dots become one. Those of `FILE_FIELDS` stand as they are: a file must be found again
        under the name that it had, so an illegal one is for `ingest.rules` to refuse.
        """
        return "".join(text + (_filled(name, form, values) if name else "") for text, name, form in self.parts)


def parse_template(text: str, metadata_keys: Collection[str], file_fields: Collection[str] = FILE_FIELDS) -> Template:
    """Read a template.

    Parameters
    ----------
    text
        With fields in braces; ``{{`` and ``}}`` stand for braces, which no name may have.
    metadata_keys
        The keys of the metadata schema, all of which are fields.
    file_fields
        Which other fields there are: `FILE_FIELDS` for names of files, `SET_FIELDS` for those of datasets and
        containers.

    Raises
    ------
    TemplateError
        Braces that do not match, an unknown field, attribute or index access, or an unknown format.
    """
    shown = printable(text)
    try:
        pieces = list(Formatter().parse(text))
    except ValueError as error:
        raise TemplateError(f"template '{shown}': {error}; write fields as {{run}} or {{run:06d}}") from error
    parts = []
    for literal, name, form, conversion in pieces:
        if name is not None:
            _check_field(shown, name, form or "", conversion, [*file_fields, *metadata_keys])
        parts.append((literal, name or "", form or ""))
    return Template(text, tuple(parts))


def _check_field(shown: str, name: str, form: str, conversion: str | None, known: list[str]) -> None:
    if not _FIELD.fullmatch(name) or conversion is not None:
        field = printable(name) + (f"!{conversion}" if conversion else "")
        raise TemplateError(f"template '{shown}': '{{{field}}}' is no plain field; write only its name, as in {{run}}")
    if name not in known:
        raise TemplateError(f"template '{shown}': unknown field '{name}'; {nearest(name, known)}")
    if not _WIDTH.fullmatch(form):
        wrong = printable(form)
        raise TemplateError(f"template '{shown}': unknown format '{wrong}' of '{name}'; write a width such as 06d")


def _filled(name: str, form: str, values: Mapping[str, Scalar]) -> str:
    value = values.get(name, "")
    if value == "":
        return UNKNOWN
    if name in FILE_FIELDS:
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        # The widths that the format allows are filled with zeros: a name has no spaces.
        return f"{value:0{form.strip('d') or '1'}d}" if form else str(value)
    return _DOTS.sub(".", _NOT_IN_NAMES.sub("_", str(value)))
