"""Names, sizes and checksums: what passes here passes in Rucio, and what is dangerous does not pass."""

import ast
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rules import (
    checksum_problem,
    name_problem,
    rse_problem,
    scope_problem,
    size_problem,
)


@pytest.mark.parametrize(
    "name", ["ab", "a.l3.h5", "Antares_051870.i3.gz", "MC_066730_mupage_reco.root", "0-1", "a" * 250]
)
def test_good_names(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "too short"),
        ("a", "too short"),
        ("a" * 251, "251 characters"),
        (".hidden", "begins with '.'"),
        ("-rf", "begins with '-'"),
        ("_a", "begins with '_'"),
        ("a b", "the character ' '"),
        ("a+b", "the character '+'"),
        ("a:b", "the character ':'"),
        ("a\nb", "the character '\\n'"),
        ("ab\n", "the character '\\n'"),
        ("a\x00b", "\\x00"),
        ("été", "the character 'é'"),
        ("a٣", "the character"),
        ("a..b", "'..'"),
        ("a/b", "allow_slash"),
        ("a.rucio.upload", "under way"),
        ("a.part", "under way"),
    ],
)
def test_bad_names(name: str, says: str) -> None:
    problem = name_problem(name)
    assert says in problem
    assert problem.isprintable()


@pytest.mark.parametrize("name", ["a/../b", "../b", "a/..", "/a", "a/", "a//b", "a/.b", "a/-b", "a/./b", "a/b c"])
def test_bad_names_with_slashes(name: str) -> None:
    assert name_problem(name, allow_slash=True)


def test_good_name_with_slashes() -> None:
    assert name_problem("v4.0/antdst/a.root", allow_slash=True) == ""


def rucio_patterns() -> dict[str, str]:
    """Read the patterns of Rucio's generic schema from its source; the client cannot import it without the server."""
    spec = find_spec("rucio")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    source = Path(spec.submodule_search_locations[0]) / "common" / "schema" / "generic.py"
    found = {}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Dict):
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                if isinstance(key, ast.Constant) and key.value == "pattern" and isinstance(value, ast.Constant):
                    found[node.targets[0].id] = str(value.value)
    return found


PATTERNS = rucio_patterns()
NEAR = st.text(st.sampled_from("aZ09._-/ +:é\n\x00"), max_size=12)


@given(NEAR | st.text(max_size=300))
def test_what_passes_is_in_the_schema_of_rucio(name: str) -> None:
    if not name_problem(name, allow_slash=True):
        assert re.search(PATTERNS["NAME"], name)
        assert ".." not in name
        assert not name.startswith("/")
        assert name == name.strip()
    if not scope_problem(name):
        assert re.search(PATTERNS["SCOPE"], name)
        assert len(name) <= 25
    if not rse_problem(name):
        assert re.search(PATTERNS["RSE"], name)


@pytest.mark.parametrize("scope", ["antares", "user.alice", "A_b-1.2", "a" * 25])
def test_good_scopes(scope: str) -> None:
    assert scope_problem(scope) == ""


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        ("", "no scope"),
        ("a" * 26, "26 characters"),
        ("a b", "only letters"),
        ("a\n", "only"),
        ("..", "parent"),
        ("a/b", "only"),
    ],
)
def test_bad_scopes(scope: str, says: str) -> None:
    assert says in scope_problem(scope)


def test_rses() -> None:
    assert rse_problem("ANTARES_DISK") == rse_problem("CC-LYON_1") == ""
    for rse in ("antares", "A__B", "_A", "A_", "A B", "A\n", "ÀB"):
        assert rse in rse_problem(rse) or "\\n" in rse_problem(rse)
    assert "--rse" in rse_problem("")


@pytest.mark.parametrize(("kind", "digits"), [("adler32", 8), ("md5", 32), ("sha256", 64)])
def test_checksums(kind: str, digits: int) -> None:
    assert checksum_problem(kind, "0af9" * (digits // 4)) == ""
    for wrong in (
        "",
        "0" * (digits - 1),
        "0" * (digits + 1),
        "A" * digits,
        "g" * digits,
        "0" * (digits - 1) + "\n",
        "٣" * digits,
    ):
        assert f"not {digits} lower-case hex" in checksum_problem(kind, wrong)


def test_sizes() -> None:
    assert size_problem(1) == size_problem(2**60) == ""
    assert "empty" in size_problem(0)
    assert "impossible" in size_problem(-5)
