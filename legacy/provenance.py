"""How a product came to be: the steps, and their W3C PROV-JSON form.

Only base names, options and checksums are recorded: no folders, hosts, users, and of the environment only the
digest of the container image that the program runs in.
"""

import json
import os
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from legacy.errors import UsageError

IMAGE_VARIABLE = "ANTARES_LEGACY_IMAGE_DIGEST"
"""Set by ``containers run``: digest of the image that this program runs in, ``sha256:`` and 64 hex digits."""
_IMAGE_KEY = "image"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAMESPACE = uuid.UUID("7b0f3c1e-5f0e-5d8e-9f6b-2d4c3a1e6a10")


@dataclass(frozen=True, slots=True)
class Step:
    """One processing step.

    Parameters
    ----------
    activity_id
        UUID of the step.
    parent
        UUID of the step before it, ``""`` for the first.
    software, version
        The program.
    start, stop
        ISO 8601 in UTC, ``""`` when unknown.
    input_name, input_sha256
        Base name and checksum of the input, ``""`` when unknown.
    parameters
        Options of the step as canonical JSON.
    """

    activity_id: str
    parent: str
    software: str
    version: str
    start: str = ""
    stop: str = ""
    input_name: str = ""
    input_sha256: str = ""
    parameters: str = "{}"


def random_id() -> str:
    """Return a new random UUID."""
    return str(uuid.uuid4())


def derived_id(*parts: str) -> str:
    """Return a UUID that depends on `parts` alone."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(parts)))


def with_image(parameters: str) -> str:
    """Add the digest of the image that this program runs in to the recorded options of a step.

    Parameters
    ----------
    parameters
        Options as a canonical JSON object. Outside of an image they are returned as they are.

    Raises
    ------
    UsageError
        The variable has something else than a digest.
    """
    digest = os.environ.get(IMAGE_VARIABLE)
    if not digest:
        return parameters
    if not _DIGEST.fullmatch(digest):
        raise UsageError(f"{IMAGE_VARIABLE} is '{digest}'; expected sha256: and 64 hex digits, or no such variable")
    return json.dumps({**json.loads(parameters), _IMAGE_KEY: digest}, sort_keys=True, ensure_ascii=True)


def without_image(parameters: str) -> str:
    """Return recorded options as they were asked for: the image shapes no product, so another one is no other option.

    A text that `with_image` did not write is returned as it is.
    """
    try:
        given = json.loads(parameters)
    except ValueError:  # a foreign product: the caller compares the text
        return parameters
    if not isinstance(given, dict) or not given.pop(_IMAGE_KEY, ""):
        return parameters
    return json.dumps(given, sort_keys=True, ensure_ascii=True)


def prov_json(steps: Sequence[Step], *, kid: str, product_name: str) -> dict[str, object]:
    """Describe a product in W3C PROV-JSON (W3C member submission of 24 April 2013).

    Parameters
    ----------
    steps
        The steps in order; the last one wrote the product.
    kid
        Identifier of the product: also its root attribute ``kid``.
    product_name
        Base name of the product.

    Returns
    -------
    dict
        A document that `json.dump` can write.
    """
    last = steps[-1]
    source, product = f"al:source-{last.activity_id}", f"al:{kid}"
    associations = {
        f"_:assoc{number}": {"prov:activity": f"al:{step.activity_id}", "prov:agent": f"al:software-{number}"}
        for number, step in enumerate(steps)
    }
    informed = {
        f"_:inf{number}": {"prov:informed": f"al:{step.activity_id}", "prov:informant": f"al:{step.parent}"}
        for number, step in enumerate(steps)
        if step.parent
    }
    document: dict[str, object] = {
        "prefix": {"al": "urn:antares-legacy:"},
        "entity": {
            source: {"prov:label": last.input_name, "al:sha256": last.input_sha256},
            product: {"prov:label": product_name, "al:uuid": kid},
        },
        "activity": {f"al:{step.activity_id}": _activity(step) for step in steps},
        "agent": {f"al:software-{number}": _agent(step) for number, step in enumerate(steps)},
        "wasAssociatedWith": associations,
        "used": {"_:used0": {"prov:activity": f"al:{last.activity_id}", "prov:entity": source}},
        "wasGeneratedBy": {"_:gen0": {"prov:entity": product, "prov:activity": f"al:{last.activity_id}"}},
        "wasDerivedFrom": {"_:der0": {"prov:generatedEntity": product, "prov:usedEntity": source}},
    }
    if informed:
        document["wasInformedBy"] = informed
    return document


def _activity(step: Step) -> dict[str, str]:
    times = {"prov:startTime": step.start, "prov:endTime": step.stop}
    known = {name: time for name, time in times.items() if time}
    return {"prov:label": step.software, "al:parameters": step.parameters, **known}


def _agent(step: Step) -> dict[str, object]:
    kind = {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"}
    return {"prov:type": kind, "prov:label": step.software, "al:version": step.version}
