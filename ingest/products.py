"""What a level-3 product of `convert` says about itself, read from the file when no manifest does.

Layout: docs/level3.md. The files are foreign: nothing is read before its type and size have been looked at, and
links to other files are not followed.
"""

import json
from pathlib import Path
from typing import Any

from legacy.errors import CorruptInputError, InputError

LEVEL = 3
FORMATS = {".l3.h5": "hdf5", ".l3.csv": "csv"}
"""Suffix of a product -> the word after ``convert --to`` that makes it."""
FACTS = ("n_events", "run", "run_last", "start", "stop", "kind", "channel", "detector", "generator")
_NUMBERS = ("n_events", "run", "run_last")
_STEP = {
    "activity_id": "provenance_id",
    "software": "software",
    "version": "software_version",
    "input_name": "source",
    "input_sha256": "source_sha256",
}
"""Column of the last row of ``/provenance`` -> key of the metadata."""
_UNSTATED_LICENSES = ("", "unspecified")
_LONGEST_TEXT = 64 << 10
_LARGEST_CHUNK = 16 << 20
_LARGEST_COMPANION = 4 << 20
_ADVICE = "convert it again, or give its manifest"


def format_of(name: str) -> str:
    """Return the format of a product by its name, ``""`` for other files."""
    return next((word for suffix, word in FORMATS.items() if name.endswith(suffix)), "")


def companion_of(path: Path) -> Path:
    """Return the file with the metadata of a CSV product."""
    return path.with_name(path.name + ".meta.json")


def product_values(path: Path) -> dict[str, object]:
    """Read the metadata of a product.

    Parameters
    ----------
    path
        A file for which `format_of` knows a format.

    Returns
    -------
    dict
        The keys that a line of the manifest has, without size and checksums; and program, version and licence.

    Raises
    ------
    InputError
        The file is no product, is damaged, or cannot be read.
    """
    if not path.is_file():
        raise InputError(path, "no such file, or no regular file", advice="correct the name")
    facts, step, license_name = _of_csv(path) if format_of(path.name) == "csv" else _of_hdf5(path)
    values: dict[str, object] = {"level": LEVEL, **facts}
    for key in _NUMBERS:
        values[key] = _number(path, key, facts[key])
    values |= {key: step[column] for column, key in _STEP.items()}
    if license_name not in _UNSTATED_LICENSES:
        values["license"] = license_name
    return values


def _number(path: Path, key: str, text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise CorruptInputError(path, f"its {key} is no number", found=text[:60], advice=_ADVICE)
    return int(text)


def _of_csv(path: Path) -> tuple[dict[str, str], dict[str, str], str]:
    companion = companion_of(path)
    try:
        with companion.open("rb") as stream:
            raw = stream.read(_LARGEST_COMPANION + 1)
        if len(raw) > _LARGEST_COMPANION:
            raise ValueError("larger than 4 MB")
        content = json.loads(raw.decode("utf-8"))
        facts = {key: str(content["data_taking"][key]) for key in FACTS}
        last = content["provenance"]["steps"][-1]
        step = {column: str(last[column]) for column in _STEP}
        return facts, step, str(content["publication"].get("license", ""))
    except OSError as error:
        raise InputError(companion, f"cannot be read ({error.strerror})", advice=_ADVICE) from error
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise CorruptInputError(companion, "no metadata of a product", found=repr(error), advice=_ADVICE) from error


def _of_hdf5(path: Path) -> tuple[dict[str, str], dict[str, str], str]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            facts = {key: _attribute(file, key) for key in FACTS}
            events = _table(file, "events")
            if facts["n_events"] != str(len(events)):
                raise ValueError(f"{facts['n_events']} events announced, {len(events)} there")
            provenance, header = _table(file, "provenance"), _table(file, "header")
            step = {column: _cell(provenance, column) for column in _STEP}
            return facts, step, _cell(header, "license")
    except (OSError, RuntimeError) as error:
        raise CorruptInputError(path, "damaged HDF5 file, or none", found=str(error)[:200], advice=_ADVICE) from error
    except (KeyError, ValueError, IndexError, TypeError, AttributeError) as error:
        raise CorruptInputError(path, "no product of convert", found=str(error)[:200], advice=_ADVICE) from error


def _attribute(file: Any, key: str) -> str:
    """Return a root attribute that is a text of fixed width."""
    identifier = file.attrs.get_id(key)
    if identifier.dtype.kind != "S" or identifier.shape != () or identifier.dtype.itemsize > _LONGEST_TEXT:
        raise TypeError(f"the attribute {key} is no text")
    return bytes(file.attrs[key]).decode()


def _table(file: Any, name: str) -> Any:
    import h5py

    link = file.get(name, getlink=True)
    table = file[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(table, h5py.Dataset) or table.is_virtual or table.external is not None:
        raise TypeError(f"/{name} is no table in this file")
    rows = (table.chunks or (1,))[0]
    if table.ndim != 1 or table.dtype.hasobject or rows * table.dtype.itemsize > _LARGEST_CHUNK:
        raise TypeError(f"/{name} is no table that can be read in small parts")
    return table


def _cell(table: Any, column: str) -> str:
    """Return a text of the last row."""
    if len(table) == 0 or table.dtype[column].kind != "S":
        raise TypeError(f"{table.name} has no text {column}")
    return bytes(table[len(table) - 1][column]).decode()
