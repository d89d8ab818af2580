"""The recipes of tier A whose inputs changed since their report was written are built and tested again."""

from collections.abc import Callable
from typing import Any

import pytest

from containers.catalogue import Tier, own_catalogue
from containers.engine.choose import choose_engine
from containers.reports import REPORTS, inputs_digest, read_report
from containers.workplace import workplace
from legacy.errors import MachineError

pytestmark = pytest.mark.real

TIER_A = [recipe.name for recipe in own_catalogue().recipes if recipe.tier == Tier.A]


@pytest.fixture(scope="module")
def real_engine() -> None:
    """Skip without an engine that makes images; its absence is judged by test_containers.py."""
    try:
        facts = choose_engine(workplace(), None).facts
    except MachineError as error:
        pytest.skip(f"no engine works here: {error}")
    if not facts.makes_images:
        pytest.skip("only chroot emulation is here")


@pytest.mark.parametrize("name", TIER_A)
def test_the_report_is_of_these_inputs_or_a_build_passes(
    name: str, real_engine: None, run_program: Callable[..., Any]
) -> None:
    report = read_report(REPORTS / f"{name}.json")
    assert report.passed
    if report.inputs_sha256 == inputs_digest(own_catalogue().chain(name)):
        return
    done = run_program("containers", "build", name, timeout=1800)
    assert done.code == 0, done.err
