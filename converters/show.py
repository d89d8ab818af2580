"""What `show` prints of a product."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converters.auxiliary.products import AuxiliaryProduct, find_product, header_of, readable, summary_of
from converters.layout import (
    COVERAGE_TABLE,
    EVENTS_TABLE,
    HEADER_FIELDS,
    PARAMETERS_TABLE,
    PROVENANCE_TABLE,
)
from converters.opened import open_product
from converters.terminal import grid, pairs
from legacy.errors import ProductError, printable

_TABLES = {
    "parameters": PARAMETERS_TABLE.path,
    "provenance": PROVENANCE_TABLE.path,
    "coverage": COVERAGE_TABLE.path,
}
_MAX_HEAD = 100_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What was asked for; nothing means a summary."""

    header: bool = False
    parameters: bool = False
    provenance: bool = False
    coverage: bool = False
    head: int | None = None


def render(path: Path, parts: Parts, *, as_json: bool, width: int | None = None) -> str:
    """Return the parts of a product as text or JSON.

    Parameters
    ----------
    path
        The product.
    parts
        Which of them.
    as_json
        JSON instead of text.
    width
        Columns of the terminal that the text has to fit; None sets no limit.

    Raises
    ------
    InputError
        The file is no readable product.
    """
    try:
        if (found := find_product(path)) is not None:
            with readable(path):
                content = _collect_auxiliary(found, parts)
        else:
            with open_product(path) as file:
                content = _collect(file, parts)
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError) as error:
        raise ProductError(
            path, "does not follow the data model", found=str(error), advice="`antares-legacy validate` tells more"
        ) from error
    if as_json:
        return json.dumps(content, indent=1, ensure_ascii=False)
    return "\n\n".join(f"{title}\n{_as_text(_cleaned(value), width)}" for title, value in content.items())


def _collect(file: Any, parts: Parts) -> dict[str, object]:
    content: dict[str, object] = {}
    if parts.header:
        content["header"] = _header(file)
    for name, path in _TABLES.items():
        if getattr(parts, name):
            content[name] = _rows(file[path][:])
    if parts.head is not None:
        content["events"] = _rows(file[EVENTS_TABLE.path][: min(parts.head, _MAX_HEAD)])
    return content or _overview(file)


def _collect_auxiliary(found: AuxiliaryProduct, parts: Parts) -> dict[str, object]:
    """Return the same parts of a product without events; its rows are those of its table or spectrum."""
    content: dict[str, object] = {}
    if parts.header:
        content["header"] = header_of(found)
    if parts.parameters:
        content["parameters"] = found.about["parameters"]
    if parts.provenance:
        content["provenance"] = found.about["provenance"]["steps"]
    if parts.coverage:
        content["coverage"] = found.about["source_coverage"]
    if parts.head is not None:
        content["rows"] = found.format.rows(found.path, found.about, min(parts.head, _MAX_HEAD))
    return content or summary_of(found)


def _cleaned(value: object) -> object:
    """Return a part of a JSON document with every text as a terminal can show it."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(str(name)): _cleaned(item) for name, item in value.items()}
    return [_cleaned(item) for item in value] if isinstance(value, list | tuple) else value


def _overview(file: Any) -> dict[str, object]:
    import h5py

    tables: list[dict[str, object]] = []

    def note(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            title = item.attrs.get("TITLE", b"")
            tables.append(
                {"table": f"/{name}", "rows": item.shape[0], "columns": len(item.dtype.names), "what": _plain(title)}
            )

    file.visititems(note)
    # `about` explains the file to those who have no `show`.
    attributes = {
        name: _plain(value) for name, value in sorted(file.attrs.items()) if name.islower() and name != "about"
    }
    header = {name: text for name, text in _header(file).items() if text}
    return {"product": attributes, "header": header, "tables": tables}


def _header(file: Any) -> dict[str, object]:
    row = file["/header"][0]
    return {name: _plain(row[name]) for name in HEADER_FIELDS if name in row.dtype.names}


def _rows(array: Any) -> list[dict[str, object]]:
    names = array.dtype.names
    return [{name: _plain(value) for name, value in zip(names, row.tolist(), strict=True)} for row in array]


def _plain(value: object) -> object:
    """Return a value that JSON can hold: text instead of bytes, None instead of NaN and infinity."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _as_text(value: object, width: int | None) -> str:
    if isinstance(value, Mapping):
        return pairs(value, width)
    if isinstance(value, Sequence) and value:
        return grid(value, width)
    return "  nothing"
