import numpy as np
import pytest

from converters.readers.evt import lines as module
from converters.readers.evt.lines import Lines, NotEventTextError


def groups(data: bytes) -> dict[str, list[int]]:
    lines = Lines.of(data)
    return {tag: found.tolist() for tag, found in lines.by_tag(np.arange(len(lines.starts)))}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"a\nb", ["a", "b"]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"a\r\nb\r\n", ["a\r", "b\r"]),
        (b"\xe9:\xff\n", ["\xe9:\xff"]),
    ],
)
def test_lines(data: bytes, expected: list[str]) -> None:
    lines = Lines.of(data)
    assert [lines.line(n) for n in range(len(lines.starts))] == expected


def test_tags_end_at_the_first_colon() -> None:
    data = b"physics: propa 5296:529\nphysics:x\nphysicist: a\nphysic: b\nphysics:\n"
    assert groups(data) == {"physics": [0, 1, 4], "physicist": [2], "physic": [3]}


def test_long_tags_are_told_apart_in_every_position() -> None:
    names = ["track_" + "x" * n for n in range(1, 41)]
    names += [name[:-1] + "y" for name in names]
    data = "".join(f"{name}: 1\n" for name in names).encode()
    assert groups(data) == {name: [n] for n, name in enumerate(names)}


@pytest.mark.parametrize("line", [b"", b"   ", b"no colon", b": 1 2", b":", b"x" * 48 + b": 1", b"\0"])
def test_lines_without_a_tag(line: bytes) -> None:
    assert groups(b"neutrino: 1\n" + line + b"\nneutrino: 2\n") == {"neutrino": [0, 2], "": [1]}


def test_a_colon_on_the_next_line_is_no_tag() -> None:
    assert groups(b"neutrin\n: 1\nneutrino\nneutrino: 1\n") == {"": [0, 1, 2], "neutrino": [3]}


@pytest.mark.parametrize(
    "data", [b"hit: 1\nhit_raw: 1\nhits: 1\nhit_raws: 1\nhit\nhit_raw", b"hit:\nhit_raw:\nHit:\n hit:\nh\nhit_raw "]
)
def test_hits(data: bytes) -> None:
    found = Lines.of(data).hits()
    assert np.flatnonzero(found[b"hit:"]).tolist() == [0]
    assert np.flatnonzero(found[b"hit_raw:"]).tolist() == [1]


def test_beginning_with_a_long_tag() -> None:
    data = b"start_run: 1\nstart_rum: 2\nstart_ru\nstart_run:\nstart_run"
    assert Lines.of(data).beginning_with(b"start_run:").tolist() == [0, 3]


def test_values_are_the_text_behind_the_tag() -> None:
    lines = Lines.of(b"a: 1\nbb: 2\na:3\r\na:")
    assert lines.values(np.array([0, 2, 3]), 2) == [" 1", "3\r", ""]


def test_hundreds_of_tags_are_refused() -> None:
    few = b"".join(b"t%d: 1\n" % n for n in range(module.MAX_TAGS_PER_BLOCK))
    assert len(groups(few)) == module.MAX_TAGS_PER_BLOCK
    with pytest.raises(NotEventTextError, match="different tags"):
        groups(few + b"one: 1\n")


def test_millions_of_empty_lines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINES_PER_BLOCK", 1000)
    assert len(Lines.of(b"\n" * 1000).starts) == 1000
    with pytest.raises(NotEventTextError, match="millions of lines"):
        Lines.of(b"\n" * 1001)
