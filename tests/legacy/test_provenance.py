"""Provenance."""

import json
import uuid

import pytest
from prov.model import ProvDocument

from legacy.errors import UsageError
from legacy.provenance import IMAGE_VARIABLE, Step, derived_id, prov_json, random_id, with_image, without_image

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


def test_the_image_is_recorded_with_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    options = '{"to": "hdf5", "zenith": "source"}'
    monkeypatch.delenv(IMAGE_VARIABLE, raising=False)
    assert with_image(options) == options
    monkeypatch.setenv(IMAGE_VARIABLE, f"sha256:{'a' * 64}")
    recorded = with_image(options)
    assert json.loads(recorded) == {**json.loads(options), "image": f"sha256:{'a' * 64}"}
    assert without_image(recorded) == options


@pytest.mark.parametrize("text", ["", "no JSON", "[1]", '{"to":"hdf5"}', '{"b": 1, "a": 2}'])
def test_what_has_no_image_stays_as_it_is(text: str) -> None:
    assert without_image(text) == text


@pytest.mark.parametrize("value", ["sha256:", "a" * 64, "sha256:" + "A" * 64, "sha256:" + "a" * 63])
def test_a_malformed_digest_is_wrong_use(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IMAGE_VARIABLE, value)
    with pytest.raises(UsageError, match=IMAGE_VARIABLE):
        with_image("{}")
