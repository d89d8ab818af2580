"""Commands and variables of shell texts."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from containers.lint.scripts import program_words
from containers.lint.shell_words import UnclearShell, read_shell


def words(text: str) -> list[tuple[str, ...]]:
    return [command.words for command in read_shell(text).commands]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b 'c d' \"e f\"", [("a", "b", "c d", "e f")]),
        ("a; b && c || d | e & f", [("a",), ("b",), ("c",), ("d",), ("e",), ("f",)]),
        ("a \\\n  b\nc", [("a", "b"), ("c",)]),
        ("a # b; c\nd#e", [("a",), ("d#e",)]),
        ("echo 'a; curl b' \"; wget c\"", [("echo", "a; curl b", "; wget c")]),
        ("a=$(b c) d", [("b", "c"), ("a=$()", "d")]),
        ('a "x $(b "$(c)") y"', [("c",), ("b", "$()"), ("a", "x $() y")]),
        ("a `b c` d", [("b", "c"), ("a", "$()", "d")]),
        ("(a; b) && { c; }", [("a",), ("b",), ("{", "c"), ("}",)]),
        (
            "case $x in (a) b ;; c|d) e;; esac; f",
            [("case", "$x", "in"), ("a",), ("b",), ("c",), ("d",), ("e",), ("esac",), ("f",)],
        ),
        ("x=$(case $y in a) b;; esac); c", [("case", "$y", "in", "a"), ("b",), ("esac",), ("x=$()",), ("c",)]),
        ("cat <<END\na; curl $x\nEND\nb", [("cat",), ("b",)]),
        ("cat <<-'END' | c\n\tit's $x\n\tEND\nb", [("cat",), ("c",), ("b",)]),
        ("a >b 2>&1 <c &>d; e", [("a", ">", "b", "2", ">", "1", "<", "c", ">", "d"), ("e",)]),
        ("a <<<'b; c'\nd", [("a", "b; c"), ("d",)]),
        ("echo $((1 + (2 << 3))) ${a:-$(b)} $'it\\'s'", [("b",), ("echo", "$()", "${a}", "$''")]),
    ],
)
def test_commands(text: str, expected: list[tuple[str, ...]]) -> None:
    assert words(text) == expected


def test_lines_and_pipes() -> None:
    found = read_shell("a\n\ncat <<E\nx\nE\nb \\\n c |\nd || e").commands
    assert [(command.line, command.words[0], command.piped) for command in found] == [
        (1, "a", False),
        (3, "cat", False),
        (6, "b", True),
        (8, "d", False),
        (8, "e", False),
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('a $b "$c" ${d} ${e%x} ${#f} "$(g $h)"', ["b", "c", "d", "e", "f", "h"]),
        ("a '$b' \\$c \"\\$d\" # $e", []),
        ("${a:-x} ${b-} ${c:?no} ${d:+$e} ${f=1}", ["e"]),
        ("cat <<E\n$a \\$b\nE\ncat <<'E'\n$c\nE", ["a"]),
        ("awk '{ print $1, $NF }' $1 $@ $? $$", []),
        ("don\"'\"t '$a' $b", ["b"]),
    ],
)
def test_variables(text: str, names: list[str]) -> None:
    assert [use.name for use in read_shell(text).uses] == names


@pytest.mark.parametrize(
    ("given", "program"),
    [
        (("A=1", "B=2", "/usr/bin/curl", "x"), ("curl", "x")),
        (("if", "!", "exec", "env", "-i", "A=1", "wget"), ("wget",)),
        (("timeout", "-k", "5", "10s", "curl", "x"), ("curl", "x")),
        (("command", "-v", "curl"), ("command", "-v", "curl")),
        (("then",), ()),
    ],
)
def test_program_words(given: tuple[str, ...], program: tuple[str, ...]) -> None:
    assert program_words(given) == program


@pytest.mark.parametrize(
    "text",
    [
        "'",
        '"',
        "$(a",
        "`a",
        "${a",
        "$((1",
        "$(" * 5000,
        "${a:-" * 5000,
        '"$(' * 5000,
        "(" * 5000,
        "<(" * 5000,
        "`" * 5001,
    ],
)
def test_what_cannot_be_followed(text: str) -> None:
    with pytest.raises(UnclearShell):
        read_shell(text)


@pytest.mark.parametrize("text", ["<<E\n" * 20_000, "a <<E <<E " * 2000, "$" * 100_000, "\\" * 99_999, ")" * 100_000])
def test_long_nonsense_takes_no_time(text: str) -> None:
    read_shell(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab$ {}()'\"`\\\n;|&<>#-=E:", max_size=60))
def test_any_text_is_taken_apart_or_refused(text: str) -> None:
    try:
        found = read_shell(text)
    except UnclearShell:
        return
    assert all(1 <= command.line <= text.count("\n") + 1 for command in found.commands)


def test_commands_are_those_that_the_shell_runs(tmp_path: Path) -> None:
    """Programs called c1, c2... write their names down; the shell and the reader must agree on which are called."""
    for number in range(1, 13):
        program = tmp_path / f"c{number}"
        program.write_text(f"#!/bin/sh\necho c{number} >>{tmp_path}/called\n", encoding="utf-8")
        program.chmod(0o755)
    text = """
    c1 'c2' "; c3 x"
    A=1 c4; x=$(c5 "$(c6)")
    cat <<END >/dev/null # c7
c8 $(c9)
END
    case b in a) c10 ;; b) c11 ;; esac
    ! c12 || true
    """
    subprocess.run(["sh", "-c", text], check=True, env={"PATH": f"{tmp_path}:{os.defpath}"}, stdout=subprocess.DEVNULL)
    called = set((tmp_path / "called").read_text(encoding="utf-8").split())
    found = {name for command in read_shell(text).commands for name in program_words(command.words)[:1]}
    assert called == {"c1", "c4", "c5", "c6", "c9", "c11", "c12"}
    assert {name for name in found if name.startswith("c") and name[1:].isdigit()} == called | {"c10"}
