"""A conversion inside a container image says so in its provenance, and is the same conversion."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest

from legacy.provenance import IMAGE_VARIABLE

Cli = Callable[..., Any]
DIGEST = f"sha256:{'5e' * 32}"


def options(product: Path) -> dict[str, object]:
    with h5py.File(product) as file:
        text: str = file["/provenance"]["parameters"][-1].decode()
    document = json.loads(product.with_name(product.name + ".prov.json").read_text())
    assert text in {activity["al:parameters"] for activity in document["activity"].values()}
    found: dict[str, object] = json.loads(text)
    return found


@pytest.fixture
def source(make_evt: Callable[..., Path], tmp_path: Path) -> Path:
    return make_evt(tmp_path / "a.evt")


def test_the_digest_of_the_image_is_recorded(
    source: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = tmp_path / "out" / "a.l3.h5"
    monkeypatch.setenv(IMAGE_VARIABLE, DIGEST)
    assert cli("convert", source, "-o", tmp_path / "out").code == 0
    assert options(product)["image"] == DIGEST
    monkeypatch.delenv(IMAGE_VARIABLE)
    assert cli("convert", source, "-o", tmp_path / "plain").code == 0
    assert "image" not in options(tmp_path / "plain" / "a.l3.h5")
    ran = cli("validate", product, "--source", source)
    assert ran.code == 0, ran.err


@pytest.mark.parametrize(("first", "second"), [(DIGEST, None), (None, DIGEST), (DIGEST, f"sha256:{'0' * 64}")])
def test_a_product_of_another_image_is_kept(
    first: str | None, second: str | None, source: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for digest in (first, second):
        monkeypatch.delenv(IMAGE_VARIABLE, raising=False)
        if digest:
            monkeypatch.setenv(IMAGE_VARIABLE, digest)
        ran = cli("convert", source, "-o", tmp_path / "out")
        assert ran.code == 0, ran.err
    assert "1 kept" in ran.err
    assert options(tmp_path / "out" / "a.l3.h5").get("image") == first


def test_a_malformed_digest_is_refused(source: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IMAGE_VARIABLE, "latest")
    ran = cli("convert", source, "-o", tmp_path / "out")
    assert ran.code == 2
    assert IMAGE_VARIABLE in ran.err
    assert not list(tmp_path.rglob("*.h5"))
