"""The configuration file: where it is found, and what is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from legacy.config import CONFIG_NAME, CONFIG_VARIABLE, Config, load_config, load_yaml
from legacy.errors import MetadataError, UsageError


@dataclass(frozen=True, slots=True)
class Pair:
    left: str
    right: str

    def __post_init__(self) -> None:
        if self.left == "wrong":
            raise ValueError("left is wrong; choose another")


@dataclass(frozen=True, slots=True)
class Kinds:
    text: str = ""
    flag: bool = False
    count: int = 0
    seconds: float = 0.0
    words: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()
    choice: Literal["a", "b"] = "a"
    table: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)


def write(text: str, name: str = CONFIG_NAME) -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_is_no_error() -> None:
    assert load_config() == Config()
    assert Config().section("ingest", Kinds) == {}
    assert Config().folder == Path.cwd()


def test_where_it_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write("ingest: {text: here}")
    assert load_config().sections["ingest"] == {"text": "here"}
    (tmp_path / "sub").mkdir()
    monkeypatch.setenv(CONFIG_VARIABLE, str(write("ingest: {text: variable}", "sub/v.yaml")))
    assert load_config().sections["ingest"] == {"text": "variable"}
    assert load_config().folder == tmp_path / "sub"
    assert load_config(write("ingest: {text: option}", "o.yaml")).sections["ingest"] == {"text": "option"}
    monkeypatch.setenv(CONFIG_VARIABLE, "")
    assert load_config().sections["ingest"] == {"text": "here"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "ingest:\n", "ingest: {}\n", "\ufeffingest: {}\n"])
def test_empty_files(text: str) -> None:
    write(text)
    assert load_config().section("ingest", Kinds) == {}


def test_all_kinds() -> None:
    write(
        "ingest:\n  text: a\n  flag: true\n  count: 3\n  seconds: 5\n  words: [x, y]\n"
        "  pairs: [{left: a, right: b}]\n  choice: b\n"
        "  table: {license: CC0-1.0, n: 1, x: 1.5, good: true, day: 2030-01-31}\n"
    )
    given = load_config().section("ingest", Kinds)
    assert Kinds(**given) == Kinds(  # type: ignore[arg-type]
        "a", True, 3, 5.0, ("x", "y"), (Pair("a", "b"),), "b",
        {"license": "CC0-1.0", "n": 1, "x": 1.5, "good": True, "day": "2030-01-31"},
    )  # fmt: skip
    assert type(given["seconds"]) is float


LEVELS = [
    f"{name}: &{name} [{', '.join(['*' + below] * 10)}]" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
]
"""Each level has ten times the values of the one before."""
MERGES = [level.replace("[", "{<<: [").replace("]", "]}") for level in LEVELS]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ingset: {}", "unknown section 'ingset'; did you mean 'ingest'?"),
        ("1: {}", "unknown section '1'"),
        ("[]", "expected sections"),
        ("text", "expected sections"),
        ("ingest: 5", "ingest: expected keys with values, found '5'"),
        ("ingest: [a]", "ingest: expected keys with values, found a list"),
        ("ingest: {txet: a}", "ingest: unknown key 'txet'; did you mean 'text'?"),
        ("ingest: {5: a}", "unknown key '5'"),
        ("ingest: {text: 5}", "ingest.text: expected text, found '5'; put it in quotes"),
        ("ingest: {text: no}", "ingest.text: expected text, found 'False'; put it in quotes"),
        ("ingest: {text: }", "ingest.text: expected text, found nothing"),
        ("ingest: {text: [a]}", "ingest.text: expected text, found a list"),
        ("ingest: {flag: 1}", "ingest.flag: expected true or false, found '1'"),
        ("ingest: {flag: 'yes'}", "expected true or false, found 'yes' (text)"),
        ("ingest: {count: true}", "ingest.count: expected a whole number"),
        ("ingest: {count: 1.5}", "ingest.count: expected a whole number, found '1.5'"),
        ("ingest: {seconds: .nan}", "no finite number"),
        ("ingest: {seconds: .inf}", "no finite number"),
        ("ingest: {words: a}", "ingest.words: expected a list, found 'a' (text)"),
        ("ingest: {words: [a, 5]}", "ingest.words[1]: expected text"),
        ("ingest: {pairs: [a]}", "ingest.pairs[0]: expected keys with values"),
        ("ingest: {pairs: [{left: a}]}", "ingest.pairs[0]: the key 'right' is missing"),
        ("ingest: {pairs: [{left: a, rihgt: b}]}", "did you mean 'right'?"),
        ("ingest: {pairs: [{left: wrong, right: b}]}", "ingest.pairs[0]: left is wrong"),
        ("ingest: {choice: c}", "ingest.choice: c; expected a or b"),
        ("ingest: {choice: [a]}", "expected a or b"),
        ("ingest: {table: [a]}", "ingest.table: expected keys"),
        ("ingest: {table: {a: [b]}}", "ingest.table.a: expected"),
        ("ingest: {table: {a: }}", "found nothing"),
        ("ingest: {table: {5: a}}", "the key 5 is no text"),
        ("ingest: {text: a, text: b}", "the key 'text' is given twice"),
        ("ingest: {a: 2007-02-30}", "a value that cannot be"),
        ("ingest: {[a]: b}", "not YAML"),
        ("ingest: {", "not YAML"),
        ("ingest: !!python/object/apply:os.system [ls]", "not YAML"),
        ("ingest: {number: " + "9" * 5000 + "}", "at line 1"),
        ("a: &a [*a]", "or for themselves"),
        ("ingest: {text: &a [*a]}", "at line 1, column 16"),
        ("\n".join(("a: &a [x, x]", *LEVELS)), "aliases (*name) that stand for too many values"),
        ("\n".join(("a: &a {k: x}", *MERGES)), "aliases (*name) that stand for too many values"),
        ("[" * 2000, "not YAML"),
        ("ingest: \x00", "not YAML"),
        ("ingest: {}\n---\ningest: {}", "not YAML"),
    ],
)
def test_refused(text: str, says: str) -> None:
    path = write(text)
    with pytest.raises(MetadataError) as raised:
        load_config().section("ingest", Kinds)
    assert says in str(raised.value)
    assert str(raised.value).startswith(str(path))
    assert raised.value.exit_code == 1


def test_not_utf8() -> None:
    Path(CONFIG_NAME).write_bytes(b"ingest:\n  {text: \xff}")
    with pytest.raises(MetadataError, match="not YAML: line 2 has bytes that are no UTF-8"):
        load_config()


def test_aliases_are_no_fault() -> None:
    write("ingest:\n  a: &a {x: 1}\n  b: {<<: *a, y: 2}\n  c: [*a, *a]\n")
    assert load_config().sections["ingest"]["b"] == {"x": 1, "y": 2}


def test_too_large() -> None:
    with Path(CONFIG_NAME).open("wb") as stream:
        stream.truncate((1 << 20) + 1)
    with pytest.raises(MetadataError, match="larger than 1 MB"):
        load_config()


def test_what_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no such file"):
        load_config(tmp_path / "missing.yaml")
    with pytest.raises(UsageError, match="no regular file"):
        load_config(tmp_path)
    monkeypatch.setenv(CONFIG_VARIABLE, "missing.yaml")
    with pytest.raises(UsageError, match=r"missing\.yaml"):
        load_config()


def test_merged_keys_are_no_repetition() -> None:
    path = write("ingest:\n  table:\n    <<: {a: 1}\n    b: 2\n")
    assert load_yaml(path) == {"ingest": {"table": {"a": 1, "b": 2}}}
