"""Existing products beside the events: found again, shown and checked."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converters.auxiliary import document
from converters.auxiliary.contract import AuxiliaryFormat, Checked
from converters.layout import version_problem
from converters.registry import is_auxiliary, load_auxiliary
from legacy.checksums import sha256_of
from legacy.errors import CorruptInputError, InputError, ProductError

_SUFFIXES = (".csv", ".json", ".wav", ".mp3")
_MARK = re.compile(rb'"software": "antares-legacy",\s*"format": "([a-z0-9-]+)"')
_GROUPS = ("provenance", "parameters", "data_taking", "publication", "content")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class AuxiliaryProduct:
    """A product that is no event file.

    Parameters
    ----------
    path
        The product.
    about
        Its document.
    format
        What knows its content.
    """

    path: Path
    about: dict[str, Any]
    format: AuxiliaryFormat

    @property
    def kid(self) -> str:
        """Identifier of the product."""
        return str(self.about["provenance"].get("kid", ""))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what Python says of a document that was changed by hand into one clear message."""
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise ProductError(
            path,
            "its description is not what this program writes",
            found=repr(error),
            advice="convert the source again",
        ) from error


def find_product(path: Path) -> AuxiliaryProduct | None:
    """Open a product of a format without events.

    Returns
    -------
    AuxiliaryProduct or None
        None if the file is something else, or missing.

    Raises
    ------
    CorruptInputError
        It is such a product, and its document is damaged.
    """
    if not path.name.lower().endswith(_SUFFIXES) or not path.is_file():
        return None
    meta = document.meta_path(path)
    if not meta.is_file():
        return None
    with meta.open("rb") as stream:
        marked = _MARK.search(stream.read(200))
    name = marked[1].decode() if marked else ""
    if not is_auxiliary(name):
        return None
    about = document.read(path)
    for group in _GROUPS:
        if group not in about:
            raise CorruptInputError(meta, f"the group '{group}' is missing", advice="convert the source again")
    return AuxiliaryProduct(path, about, load_auxiliary(name))


def summary_of(found: AuxiliaryProduct) -> dict[str, object]:
    """Return a summary of a product: what it is, and the scalar facts of its content."""
    about = found.about
    content = {name: value for name, value in about["content"].items() if not isinstance(value, list | dict)}
    for name, span in about["content"].get("origin", {}).items():
        content[f"origin.{name}"] = _span(span)
    return {
        "product": {
            "file": found.path.name,
            "format": about["format"],
            "kind": about.get("product", ""),
            "kid": found.kid,
            "level": about["data_taking"].get("level", ""),
        },
        "header": {name: text for name, text in header_of(found).items() if text},
        "content": content,
    }


def _span(span: dict[str, object]) -> str:
    """Return a range that a table was made for as text: ``-45.0 to 0.0 deg``."""
    low, high = [value for key, value in span.items() if key not in ("unit", "ktype")]
    return f"{low} to {high} {span.get('unit', '')}".rstrip()


def header_of(found: AuxiliaryProduct) -> dict[str, object]:
    """Return what the data are, as ``/header`` of an event file does."""
    taking = found.about["data_taking"]
    names = ("instrument", "measurement_start", "measurement_stop")
    return {**found.about["publication"], **{name: taking.get(name, "") for name in names}}


def problems(found: AuxiliaryProduct) -> Iterator[str]:
    """Yield one line for everything that is wrong with a product, without its source; raises InputError."""
    taking, provenance = found.about["data_taking"], found.about["provenance"]
    if problem := version_problem(str(taking.get("data_model_version", ""))):
        yield problem
    if not found.kid:
        yield "the identifier 'kid' is missing"
    step = (provenance.get("steps") or [{}])[-1]
    if not _SHA256.fullmatch(str(step.get("input_sha256", ""))):
        yield "provenance: input_sha256 is not 64 hex digits"
    if found.about["publication"].get("file") != found.path.name:
        yield f"its description is that of another file, {found.about['publication'].get('file')}"
    yield from found.format.check(found.path, found.about)


def compare(found: AuxiliaryProduct, source: Path) -> Checked:
    """Compare a product with the file it was made from.

    Raises
    ------
    InputError
        The source cannot be read.
    """
    if not source.is_file():
        raise InputError(source, "no such file", expected="the source of the product", advice="check the name")
    if sha256_of(source) != found.about["provenance"]["steps"][-1]["input_sha256"]:
        return Checked((f"{source} is not the source: its SHA-256 is another than that in its provenance",))
    return found.format.compare(found.path, found.about, source)
