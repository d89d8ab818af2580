"""How a product came to be: the steps, and their W3C PROV-JSON form.

Only base names, options and checksums are recorded: no folders, hosts, users or environment variables.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

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
    activities: dict[str, object] = {}
    agents: dict[str, object] = {}
    associations: dict[str, object] = {}
    informed: dict[str, object] = {}
    for number, step in enumerate(steps):
        activity: dict[str, object] = {"prov:label": step.software, "al:parameters": step.parameters}
        if step.start:
            activity["prov:startTime"] = step.start
        if step.stop:
            activity["prov:endTime"] = step.stop
        activities[f"al:{step.activity_id}"] = activity
        agent = f"al:software-{number}"
        agents[agent] = {
            "prov:type": {"$": "prov:SoftwareAgent", "type": "prov:QUALIFIED_NAME"},
            "prov:label": step.software,
            "al:version": step.version,
        }
        associations[f"_:assoc{number}"] = {"prov:activity": f"al:{step.activity_id}", "prov:agent": agent}
        if step.parent:
            informed[f"_:inf{number}"] = {
                "prov:informed": f"al:{step.activity_id}",
                "prov:informant": f"al:{step.parent}",
            }
    document: dict[str, object] = {
        "prefix": {"al": "urn:antares-legacy:"},
        "entity": {
            source: {"prov:label": last.input_name, "al:sha256": last.input_sha256},
            product: {"prov:label": product_name, "al:uuid": kid},
        },
        "activity": activities,
        "agent": agents,
        "wasAssociatedWith": associations,
        "used": {"_:used0": {"prov:activity": f"al:{last.activity_id}", "prov:entity": source}},
        "wasGeneratedBy": {"_:gen0": {"prov:entity": product, "prov:activity": f"al:{last.activity_id}"}},
        "wasDerivedFrom": {"_:der0": {"prov:generatedEntity": product, "prov:usedEntity": source}},
    }
    if informed:
        document["wasInformedBy"] = informed
    return document
