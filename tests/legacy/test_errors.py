"""Errors and their messages."""

import pickle
from pathlib import Path

import pytest

from legacy import errors
from legacy.errors import InputError, nearest, printable


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.AntaresLegacyError, 1),
        (errors.InputError, 1),
        (errors.CorruptInputError, 1),
        (errors.UnknownFormatError, 1),
        (errors.NotConvertibleError, 1),
        (errors.ProductError, 1),
        (errors.UsageError, 2),
        (errors.MetadataError, 1),
        (errors.MachineError, 3),
        (errors.MissingDependencyError, 3),
    ],
)
def test_exit_codes(kind: type[errors.AntaresLegacyError], code: int) -> None:
    assert kind.exit_code == code


def test_message_says_all() -> None:
    error = InputError("a.evt", "damaged", where="byte 5", expected="an event", found="nothing", advice="run away")
    assert str(error) == "a.evt: damaged; at byte 5; expected an event; found nothing; run away"
    assert str(InputError(Path("a.evt"), "damaged")) == "a.evt: damaged"


@pytest.mark.parametrize("kind", [InputError, errors.CorruptInputError, errors.NotConvertibleError])
def test_errors_travel_between_processes(kind: type[InputError]) -> None:
    error = kind("a.evt", "damaged", where="w", expected="e", found="f", advice="a")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert str(back) == str(error)
    assert (back.path, back.where, back.advice) == (Path("a.evt"), "w", "a")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain été λ", "plain été λ"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[2J", "\\x1b[2J"),
        ("caf\udce9", "caf\\udce9"),
        ("a\tb\x07\x00", "a\\tb\\x07\\x00"),
        ("\u202eevil", "\\u202eevil"),
    ],
)
def test_printable(text: str, expected: str) -> None:
    assert printable(text) == expected
    assert str(InputError(text, "x")) == f"{expected}: x"


def test_nearest() -> None:
    assert nearest("autor", ["author", "title"]) == "did you mean 'author'?"
    assert nearest("zzz", ["b", "a"]) == "known are: a, b"
