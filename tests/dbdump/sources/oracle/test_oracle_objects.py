"""Objects as JSON. The double has none: the driver's classes are stood in for by ones of the same shape."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from dbdump.sources.oracle.objects import to_json


def an_object(**attributes: Any) -> Any:
    kind = SimpleNamespace(iscollection=False, attributes=[SimpleNamespace(name=name) for name in attributes])
    return SimpleNamespace(type=kind, **attributes)


def a_collection(*values: Any) -> Any:
    return SimpleNamespace(type=SimpleNamespace(iscollection=True), aslist=lambda: list(values))


def test_object_with_everything() -> None:
    value = an_object(
        X=Decimal("1234567890123456789012345678.90123456789"),
        NAME='quo"te é',
        RAW=b"\x00\xff",
        T=datetime(2008, 5, 30, 1, 2, 3),  # noqa: DTZ001  as the driver gives it
        D=timedelta(days=1, microseconds=5),
        NONE=None,
        LIST=a_collection(1, 2.5, an_object(Y=True)),
    )
    text = to_json(value)
    assert text is not None
    assert '"X":1234567890123456789012345678.90123456789' in text
    assert json.loads(text) == {
        "X": pytest.approx(1234567890123456789012345678.9),
        "NAME": 'quo"te é',
        "RAW": "00ff",
        "T": "2008-05-30T01:02:03",
        "D": "86400.000005",
        "NONE": None,
        "LIST": [1, 2.5, {"Y": True}],
    }


def test_null_and_empty() -> None:
    assert to_json(None) is None
    assert to_json(a_collection()) == "[]"
    assert to_json(an_object()) == "{}"


def test_a_number_of_which_digits_may_be_lost_is_refused() -> None:
    assert to_json(a_collection(0.123456789012345)) == "[0.123456789012345]"
    with pytest.raises(ValueError, match="lost digits"):
        to_json(a_collection(0.12345678901234567))


def test_what_has_no_exact_text_is_refused() -> None:
    with pytest.raises(ValueError, match="SimpleNamespace"):
        to_json(a_collection(SimpleNamespace()))
    deep = a_collection()
    for _ in range(200):
        deep = a_collection(deep)
    with pytest.raises(ValueError, match="levels deep"):
        to_json(deep)
