"""What a format without events is: the contract between the commands and the packages that know one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from converters.request import Request

Document = Mapping[str, Any]
"""What is written about a product, ready for JSON: see `converters.auxiliary.document`."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What `inspect` says about a file of such a format.

    Parameters
    ----------
    summary
        One sentence.
    facts
        Short facts.
    contents
        The parts of the file, with a few words on each.
    problem
        What is wrong with it, ``""`` if nothing.
    """

    summary: str
    facts: Mapping[str, object]
    contents: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One quantity of a product.

    Parameters
    ----------
    name
        Its key or column.
    unit
        VOUnits, ``""`` if dimensionless.
    dtype
        NumPy dtype of its values.
    ucd
        Unified Content Descriptor, ``""`` where none fits.
    description
        Its meaning.
    """

    name: str
    unit: str
    dtype: str
    ucd: str
    description: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A product that is ready to be written.

    Parameters
    ----------
    facts
        What the manifest says, as text: keys of `converters.summary.FACTS`, and ``level``.
    header
        Publication fields that the source gives, keys of `converters.layout.HEADER_FIELDS`.
    parameters
        Every quantity in the product.
    content
        The product's own group of the document.
    coverage
        What became of each part of the source: field, count, destination, note.
    warnings
        Things the user should know.
    write
        Writes the product's file under the name given; None if the document itself is the product.
    """

    facts: Mapping[str, str]
    header: Mapping[str, str]
    parameters: tuple[Parameter, ...]
    content: Mapping[str, Any]
    coverage: tuple[tuple[str, int, str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    write: Callable[[Path], None] | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What comparing a product with its source gave.

    Parameters
    ----------
    problems
        Differences, one line each.
    values
        Number of values compared.
    remarks
        What could not be compared, and why.
    """

    problems: tuple[str, ...] = ()
    values: int = 0
    remarks: tuple[str, ...] = ()


class AuxiliaryFormat(Protocol):
    """A format of files that hold no events.

    Parameters
    ----------
    name
        The word after ``--format``.
    description
        One sentence.
    products
        The words after ``--to`` that it takes.
    """

    name: str
    description: str
    products: tuple[str, ...]

    def noun(self, to: str) -> tuple[str, str]:
        """Return what one product and several products are called, such as ``table`` and ``tables``."""
        ...

    def sniff(self, head: bytes, path: Path) -> bool:
        """Say from the first bytes if the file is of this format."""
        ...

    def survey(self, path: Path) -> Survey:
        """Read the file to its end and say what is in it; raises InputError."""
        ...

    def fingerprint(self, source: Path) -> str:
        """Return the checksum of whatever else the products of `source` depend on, ``""`` without such a thing."""
        ...

    def draft(self, request: Request) -> Draft:
        """Read the source and make a product ready.

        Raises
        ------
        InputError
            The source is damaged.
        MachineError
            Something that the product needs is not installed.
        """
        ...

    def check(self, path: Path, document: Document) -> tuple[str, ...]:
        """Return what is wrong with the content of a product, one line each; raises InputError."""
        ...

    def compare(self, path: Path, document: Document, source: Path) -> Checked:
        """Compare a product with its source, read by an independent path; raises InputError."""
        ...

    def rows(self, path: Path, document: Document, count: int) -> list[dict[str, object]]:
        """Return the first rows of a product, for people; raises InputError."""
        ...

    def figure(self, path: Path, document: Document) -> Any:
        """Draw a product as a matplotlib Figure; raises InputError if there is nothing to draw."""
        ...
