"""Provenance."""

import json
import uuid

import pytest
from prov.model import ProvDocument

from legacy.provenance import Step, derived_id, prov_json, random_id

STEPS = (
    Step("a", "", "GENHEN", "7.1"),
    Step("b", "a", "antares-legacy", "0.1", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "x.evt", "f" * 64),
)


def test_identifiers() -> None:
    assert random_id() != random_id()
    assert derived_id("x", "y") == derived_id("x", "y")
    assert derived_id("x", "y") != derived_id("xy")
    assert derived_id("x", "y") != derived_id("y", "x")
    assert uuid.UUID(derived_id("x")).version == 5


@pytest.mark.parametrize("count", [1, 2])
def test_document_is_valid_prov(count: int) -> None:
    text = json.dumps(prov_json(STEPS[-count:], kid="k", product_name="x.l3.h5"))
    document = ProvDocument.deserialize(content=text, format="json")
    assert list(document.get_records())
    assert "x.l3.h5" in document.get_provn()


def test_a_document_of_one_step_has_no_parents() -> None:
    assert "wasInformedBy" not in prov_json(STEPS[:1], kid="k", product_name="x")
    informed = prov_json(STEPS, kid="k", product_name="x")["wasInformedBy"]
    assert informed == {"_:inf1": {"prov:informed": "al:b", "prov:informant": "al:a"}}
