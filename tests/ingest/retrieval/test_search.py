"""Searches on the real server find exactly the files for which the expression is true."""

import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.catalogue_download import DownloadingCatalogue
from ingest.item import Scalar
from ingest.retrieval.expression import parse
from ingest.retrieval.keys import Key
from ingest.retrieval.selection import Selection

pytestmark = pytest.mark.server

EXAMPLES = 2000 if os.environ.get("ANTARES_LEGACY_SOAK") == "1" else 60

TEXTS = (
    *("abc", "ABC", "abd", "a_c", "aXc", "a*c", "a%c", "5.1", "5.10", "5", "1e1", "true", "True", "structural"),
    *("None", "none", "2010-01-01 00:00:00", "2010-01-01", "x y", "it's", 'a"b', "back\\slash", "é", "[1]", "0x10"),
)
TIMES = ("2009-12-31T23:59:59Z", "2010-01-01T00:00:00Z", "2010-01-01T00:00:00.123Z", "2012-02-29T12:00:00Z")
EPOCHS = (1262303999.0, 1262304000.0, 1262304000.123, 1330516800.0)
RUNS = (0, 1, 2, 45000, 45001, 2147483647)

Truth = bool | None


@dataclass(frozen=True, slots=True)
class Said:
    """An expression as text, and what it means, worked out in another way than by the program."""

    text: str
    truth: Callable[[dict[str, Any]], Truth]


def quoted(text: str) -> str:
    return "'" + re.sub(r"([\\'*])", r"\\\1", text) + "'"


def compared(found: Any, operator: str, wanted: Any) -> Truth:
    """Three-valued: None where the key is missing."""
    if found is None:
        return None
    table: dict[str, Callable[[], bool]] = {
        "=": lambda: found == wanted,
        "!=": lambda: found != wanted,
        "<": lambda: found < wanted,
        "<=": lambda: found <= wanted,
        ">": lambda: found > wanted,
        ">=": lambda: found >= wanted,
    }
    return bool(table[operator]())


def number_comparison(key: str, operator: str, value: float) -> Said:
    return Said(f"{key}{operator}{value!r}", lambda file: compared(file.get(key), operator, value))


def text_comparison(key: str, operator: str, value: str) -> Said:
    return Said(f"{key} {operator} {quoted(value)}", lambda file: compared(file.get(key), operator, value))


def pattern_comparison(key: str, operator: str, parts: list[str]) -> Said:
    regex = re.compile(".*".join(map(re.escape, parts)), re.DOTALL)

    def truth(file: dict[str, Any]) -> Truth:
        return None if key not in file else bool(regex.fullmatch(file[key])) == (operator == "=")

    return Said(f"{key}{operator}'{'*'.join(quoted(part)[1:-1] for part in parts)}'", truth)


def time_comparison(operator: str, index: int) -> Said:
    return Said(
        f"start {operator} {TIMES[index]}",
        lambda file: compared(file.get("start_epoch"), operator, EPOCHS[index]),
    )


def list_comparison(key: str, values: list[int], excluded: bool) -> Said:
    def truth(file: dict[str, Any]) -> Truth:
        return None if key not in file else (file[key] in values) != excluded

    return Said(f"{key} {'not ' if excluded else ''}in ({', '.join(map(str, values))})", truth)


def combined(word: str, left: Said, right: Said) -> Said:
    """Return Kleene's and, or."""
    decisive = word == "or"

    def truth(file: dict[str, Any]) -> Truth:
        both = (left.truth(file), right.truth(file))
        if decisive in both:
            return decisive
        return None if None in both else not decisive

    return Said(f"({left.text}) {word} ({right.text})", truth)


def opposite(said: Said) -> Said:
    def truth(file: dict[str, Any]) -> Truth:
        value = said.truth(file)
        return None if value is None else not value

    return Said(f"not ({said.text})", truth)


OPERATORS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
EQUALITIES = st.sampled_from(["=", "!="])
TEXT_KEYS = st.sampled_from(["channel", "production_version"])
COMPARISONS = st.one_of(
    st.builds(number_comparison, st.sampled_from(["run", "run_last"]), OPERATORS, st.sampled_from(RUNS)),
    st.builds(number_comparison, st.just("start_epoch"), OPERATORS, st.sampled_from(EPOCHS)),
    st.builds(text_comparison, TEXT_KEYS, OPERATORS, st.sampled_from(TEXTS)),
    st.builds(text_comparison, TEXT_KEYS, EQUALITIES, st.text(st.characters(exclude_categories=["Cs"]), max_size=4)),
    st.builds(
        pattern_comparison,
        st.sampled_from(["channel", "production_version", "name"]),
        EQUALITIES,
        st.lists(
            st.sampled_from(["", "a", "A", "5", "5.1", "c", "_", "%", "*", "true", "f1", "e"]), min_size=2, max_size=4
        ),
    ),
    st.builds(text_comparison, st.just("kind"), EQUALITIES, st.sampled_from(["data", "mc"])),
    st.builds(time_comparison, OPERATORS, st.integers(0, len(TIMES) - 1)),
    st.builds(number_comparison, st.just("bytes"), OPERATORS, st.integers(0, 60)),
    st.builds(text_comparison, st.just("adler32"), EQUALITIES, st.sampled_from(["00000005", "00000010", "0000000a"])),
    st.builds(list_comparison, st.just("run"), st.lists(st.sampled_from(RUNS), min_size=1, max_size=3), st.booleans()),
)
EXPRESSIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(combined, st.sampled_from(["and", "or"]), inner, inner), st.builds(opposite, inner)
    ),
    max_leaves=6,
)


def random_metadata(choose: random.Random) -> dict[str, Scalar]:
    """Return metadata of a file, each key missing now and then."""
    time = choose.randrange(len(TIMES))
    whole: dict[str, Scalar] = {
        "run": choose.choice(RUNS),
        "run_last": choose.choice(RUNS),
        "kind": choose.choice(["data", "mc"]),
        "channel": choose.choice(TEXTS),
        "production_version": choose.choice(TEXTS),
        "start": TIMES[time],
    }
    kept = {key: value for key, value in whole.items() if choose.random() < 0.75}
    if "start" in kept:
        kept["start_epoch"] = EPOCHS[time]
    return kept


def found_by(catalogue: DownloadingCatalogue, scope: str, text: str, keys: dict[str, Key]) -> list[str]:
    selection = Selection(catalogue, scope, parse(text, keys), lambda _: None)
    return [found.file.name for chunk in selection.chunks() for found in chunk]


def test_search_is_what_the_expression_means(store: Any, keys: dict[str, Key]) -> None:
    choose = random.Random(45000)
    files = {f"f{number:02d}": random_metadata(choose) for number in range(60)}
    files["f60"] = {}  # no row in Rucio's table of metadata
    store.declare(files)
    # A dataset with metadata that match: Rucio's search for JSON keys returns it as if it were a file.
    store.dataset("f99")
    store.catalogue.set_metadata(store.scope, {"f99": {"run": 1, "kind": "data", "channel": "abc"}})
    everything: dict[str, dict[str, Any]] = {
        name: {**values, "name": name, "bytes": 1 + number, "adler32": f"{number:08x}"}
        for number, (name, values) in enumerate(files.items())
    }

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(said=EXPRESSIONS)
    def check(said: Said) -> None:
        expected = [name for name, values in everything.items() if said.truth(values) is True]
        assert found_by(store.catalogue, store.scope, said.text, keys) == expected, said.text

    check()


def test_every_text_that_rucio_would_change(store: Any, keys: dict[str, Key]) -> None:
    """Random expressions are too many to meet each of these in a short run."""
    files: dict[str, dict[str, Scalar]] = {f"t{number:02d}": {"channel": text} for number, text in enumerate(TEXTS)}
    store.declare({**files, "without": {"run": 1}})
    patterns = [[text, ""] for text in ("a", "A", "a_", "a*", "a%", "5.", "tr", "str", "2010-01-01 00")]
    patterns += [["", text] for text in ("c", "true", "5.1", "\\slash", "'s")] + [
        ["a", "c"],
        ["", "True", ""],
        ["", ""],
    ]
    for operator in ("=", "!="):
        said = [text_comparison("channel", operator, text) for text in TEXTS]
        said += [pattern_comparison("channel", operator, parts) for parts in patterns]
        for each in said:
            expected = [name for name, values in files.items() if each.truth(values) is True]
            assert found_by(store.catalogue, store.scope, each.text, keys) == expected, each.text


def test_a_key_of_two_types(store: Any, keys: dict[str, Key]) -> None:
    """PostgreSQL refuses the search, SQLite finds too much; both must give the right files."""
    store.declare({"number": {"run": 7}, "text": {"run": "many"}, "truth": {"run": True}})
    assert found_by(store.catalogue, store.scope, "run>=1", keys) == ["number"]
    assert found_by(store.catalogue, store.scope, "run<=7", keys) == ["number"]
    assert found_by(store.catalogue, store.scope, "run!=8", keys) == ["number"]


def test_many_alternatives_and_chunks(store: Any, keys: dict[str, Key]) -> None:
    """More files than one call takes, and more alternatives than one address takes."""
    files = {f"g{number:03d}": {"run": 45000 + number} for number in range(600)}
    for start in (0, 300):
        store.declare(dict(list(files.items())[start : start + 300]))
    assert found_by(store.catalogue, store.scope, "run>=45000", keys) == list(files)
    wanted = ", ".join(str(45000 + number) for number in range(0, 600, 3))
    assert found_by(store.catalogue, store.scope, f"run in ({wanted})", keys) == list(files)[::3]
