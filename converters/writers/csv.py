"""The event table as CSV, with a metadata file that says what stands in it.

The metadata file has four groups, as KM3NeT's open data ask for: provenance, parameters, data_taking and
publication.
"""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from converters.layout import DATA_MODEL_VERSION
from converters.product import Product
from converters.summary import FACTS
from converters.writers.prov_file import prov_path, prov_text
from legacy.atomic import atomic_files
from legacy.model import StructuredArray

_DATA_TAKING = ("instrument", "measurement_start", "measurement_stop")


class CsvWriter:
    """Writes ``<stem>.l3.csv``, ``<stem>.l3.csv.meta.json`` and the provenance file."""

    def companions(self, target: Path) -> tuple[Path, ...]:
        """Return the names of the metadata file and the provenance file."""
        return (_meta_path(target), prov_path(target))

    def write(self, product: Product, target: Path) -> None:
        """Write the three files in one step.

        Missing values are empty fields. Floating-point numbers have the shortest text that reads back to
        the same value.

        Raises
        ------
        OSError
            The disk is full, or the folder cannot be written to.
        """
        with atomic_files(prov_path(target), _meta_path(target), target) as (prov, meta, part):
            prov.write_text(prov_text(product, target), encoding="utf-8")
            meta.write_text(
                json.dumps(_metadata(product, target), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
            )
            with part.open("w", encoding="utf-8", newline="") as stream:
                rows = csv.writer(stream, lineterminator="\n")
                rows.writerow([column.name for column in product.events.spec.columns])
                for block in product.events.blocks():
                    rows.writerows(_cells(product, block))

    def made_from(self, target: Path) -> Mapping[str, str] | None:
        """Return the last step and the facts named in the metadata file, None if there is none."""
        try:
            content = json.loads(_meta_path(target).read_text(encoding="utf-8"))
            step = dict(content["provenance"]["steps"][-1])
            facts = {name: content["data_taking"][name] for name in (*FACTS, "data_model_version")}
        except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError):
            return None
        return {key: str(value) for key, value in {**step, **facts}.items()}


def _meta_path(target: Path) -> Path:
    return target.with_name(target.name + ".meta.json")


def _cells(product: Product, block: StructuredArray) -> Iterable[tuple[str, ...]]:
    columns = []
    for column in product.events.spec.columns:
        values = block[column.name]
        present = column.present(values)
        if values.dtype.kind == "S":
            texts = [value.decode("latin-1") for value in values.tolist()]
        else:
            texts = [repr(value) for value in values.tolist()]
        columns.append([text if there else "" for text, there in zip(texts, present.tolist(), strict=True)])
    return zip(*columns, strict=True)


def _metadata(product: Product, target: Path) -> dict[str, object]:
    events = product.events.spec
    others = [table.spec.path for table in product.tables[1:]]
    return {
        "provenance": {
            "kid": product.kid,
            "steps": [{name: getattr(step, name) for name in step.__dataclass_fields__} for step in product.steps],
        },
        "parameters": [
            {
                "name": column.name,
                "unit": column.unit,
                "dtype": column.dtype,
                "ucd": column.ucd,
                "description": column.description,
            }
            for column in events.columns
        ],
        "data_taking": {
            **{name: product.header[name] for name in _DATA_TAKING},
            **product.facts,
            "data_model_version": DATA_MODEL_VERSION,
        },
        "publication": {
            "file": target.name,
            **{name: text for name, text in product.header.items() if name not in _DATA_TAKING},
            "not_in_this_file": others,
            "note": "the HDF5 product of the same source holds the tables that are not in this file",
        },
    }
