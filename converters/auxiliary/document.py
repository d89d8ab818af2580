"""What is written about a product beside the events: in the product itself if that is JSON, else beside it.

The groups are those of the metadata of a CSV product: provenance, parameters, data_taking and publication, and
a group ``content`` that belongs to the format.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from converters.auxiliary.contract import Document, Draft
from converters.layout import DATA_MODEL_VERSION
from converters.metadata import header_values
from converters.request import Request
from converters.summary import FACTS
from legacy import __version__
from legacy.clock import now, source_date_epoch
from legacy.errors import CorruptInputError, InputError
from legacy.provenance import Step, derived_id, random_id, with_image

SOFTWARE = "antares-legacy"
_DATA_TAKING = ("instrument", "measurement_start", "measurement_stop")
_LARGEST = 256 << 20
_JSON = ".json"


def meta_path(target: Path) -> Path:
    """Return the file with the document of `target`: itself if it is JSON."""
    return target if target.name.lower().endswith(_JSON) else target.with_name(target.name + ".meta.json")


def last_step(request: Request, sha256: str, started: str) -> Step:
    """Return the conversion as a step of provenance."""
    parameters = request.parameters()
    fixed = source_date_epoch() is not None
    activity = derived_id(sha256, parameters, __version__) if fixed else random_id()
    recorded = with_image(parameters)
    return Step(activity, "", SOFTWARE, __version__, started, now(), request.source.name, sha256, recorded)


def build(format_name: str, draft: Draft, request: Request, step: Step, fingerprint: str) -> dict[str, Any]:
    """Return the document of a product; `fingerprint` is that of `AuxiliaryFormat.fingerprint`."""
    fixed = source_date_epoch() is not None
    facts = dict(draft.facts)
    if request.options.detector:
        facts["detector"] = request.options.detector
    header = header_values(
        {**draft.header, **request.metadata},
        antares=facts["detector"] == "antares",
        instrument=facts["detector"],
        start=facts["start"] or None,
        stop=facts["stop"] or None,
        created=now(),
    )
    return {
        "software": SOFTWARE,
        "format": format_name,
        "product": request.to,
        "fingerprint": fingerprint,
        "provenance": {
            "kid": derived_id("kid", step.activity_id) if fixed else random_id(),
            "steps": [asdict(step)],
        },
        "parameters": [asdict(parameter) for parameter in draft.parameters],
        "data_taking": {
            **{name: header[name] for name in _DATA_TAKING},
            **facts,
            "data_model_version": DATA_MODEL_VERSION,
        },
        "publication": {
            "file": request.target.name,
            **{name: text for name, text in header.items() if name not in _DATA_TAKING},
        },
        "source_coverage": [
            dict(zip(("field", "count", "destination", "note"), row, strict=True)) for row in draft.coverage
        ],
        "warnings": list(draft.warnings),
        "content": dict(draft.content),
    }


def to_text(document: Document) -> str:
    """Return the document as JSON; raises ValueError if it holds a NaN, which JSON cannot say."""
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read(target: Path) -> dict[str, Any]:
    """Read the document of a product.

    Raises
    ------
    InputError
        There is none, or it cannot be read.
    CorruptInputError
        It is no JSON, or not of this program.
    """
    path = meta_path(target)
    try:
        if path.stat().st_size > _LARGEST:
            raise CorruptInputError(path, "larger than 256 MB", expected="a description of a product")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            path, f"cannot be read ({error.strerror})", expected="the description of the product"
        ) from error
    except (ValueError, RecursionError) as error:
        raise CorruptInputError(path, "not JSON", found=str(error)[:200], advice="convert the source again") from error
    if not isinstance(content, dict) or content.get("software") != SOFTWARE or "format" not in content:
        raise CorruptInputError(path, "no description of a product of this program")
    return content


def made_from(target: Path) -> Mapping[str, str] | None:
    """Return the last step and the facts of an existing product, None if it is none."""
    try:
        content = read(target)
        step = dict(content["provenance"]["steps"][-1])
        taking = content["data_taking"]
        facts = {name: taking[name] for name in (*FACTS, "level", "data_model_version")}
    except (InputError, KeyError, IndexError, TypeError, ValueError):
        return None
    facts["fingerprint"] = content.get("fingerprint", "")
    return {key: str(value) for key, value in {**step, **facts}.items()}
