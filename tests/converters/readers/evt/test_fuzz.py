"""Random damage to real files: events or a clear error come out, and both readers say the same."""

import gzip
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converters.readers.evt import stream
from converters.readers.evt.reader import EvtReader
from converters.reread.evt import reread
from converters.source import ReadOptions
from legacy.errors import AntaresLegacyError

EXAMPLES = 3000 if os.environ.get("ANTARES_LEGACY_SOAK") == "1" else 60
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

SAMPLES = {  # file: events and lines of each event to take
    "evt/example_numuCC.evt": (3, 40),
    "evt/example_numuNC.evt": (1, 60),
    "evt/KM3Sim.evt": (3, 60),
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.evt": (4, 100),
    "mupage/mcv5.0.mupage_1G.5.evt": (5, 100),
    "evt/corant_5.1.9.evt": (3, 100),
    "evt/example_corant_propa.evt": (1, 100),
}
MARKS = [
    b"start_run: 7\n",
    b"start_event: 5 1\n",
    b"end_event:\n",
    b"\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\x1a",
    b"\x85",
    b"\xa0",
]
TAGS = [
    b"track_fit: 1 2 3 4 5\n",
    b"neutrino:",
    b"weights: 1\n",
    b"hit: 1 2 3\n",
    b"hit_raw:",
    b"eventtime: 1200000000 7\n",
]
TOKENS = [
    *(
        b"*****",
        b"-",
        b"+",
        b".",
        b":",
        b"e",
        b"1D5",
        b"1_000",
        b"nan",
        b"-inf",
        b"+-inf",
        b"0x10",
        b"1e400",
        b"1e-400",
    ),
    *(
        b"0.100E+09-0.100E+01",
        b"0.1234-100",
        b"1,5",
        b"9007199254740993",
        b"1" * 400,
        b" ",
        b"\t",
        b"1\x002",
        b"\xb2",
        b"#",
    ),
]


def shortened(path: Path, events: int, lines: int) -> bytes:
    """Take the header and the first events of a file, of each the first lines and the end."""
    header, *bodies = path.read_bytes().split(b"start_event:")
    short = [header]
    for body in bodies[:events]:
        kept = body.split(b"end_event:")[0].split(b"\n")[:lines]
        short.append(b"start_event:" + b"\n".join(kept).rstrip() + b"\nend_event:\n")
    return b"".join(short)


@pytest.fixture(scope="module")
def texts(sample: Callable[[str], Path]) -> list[bytes]:
    return [shortened(sample(name), *size) for name, size in SAMPLES.items()]


@dataclass(frozen=True, slots=True)
class Wound:
    """Damage in one place. It is drawn without looking at the text, so a draw can never depend on one."""

    kind: str
    place: int
    other: int
    piece: bytes

    def apply(self, text: bytes) -> bytes:
        """Return the damaged text; places beyond its end wrap around."""
        place = self.place % (len(text) + 1)
        if self.kind == "flip":
            return text[:place] + self.piece[:1] + text[place + 1 :]
        if self.kind == "delete":
            return text[:place] + text[place + 1 + self.other % 200 :]
        if self.kind == "insert":
            return text[:place] + self.piece + text[place:]
        if self.kind == "truncate":
            return text[:place]
        return b"".join(self._lines(text.splitlines(keepends=True) or [b""]))

    def _lines(self, lines: list[bytes]) -> list[bytes]:
        first, second = self.place % len(lines), self.other % len(lines)
        if self.kind == "token":
            words = lines[first].split(b" ")
            words[self.other % len(words)] = self.piece
            lines[first] = b" ".join(words)
        elif self.kind == "duplicate":
            lines.insert(second, lines[first])
        elif self.kind == "swap":
            lines[first], lines[second] = lines[second], lines[first]
        else:
            del lines[first]
        return lines


PLACES = st.integers(0, 1 << 20)
PIECES = st.sampled_from([*MARKS, *TAGS, *TOKENS]) | st.binary(max_size=20)
KINDS = ("flip", "delete", "insert", "token", "duplicate", "swap", "drop", "truncate")
WOUNDS = st.lists(st.builds(Wound, st.sampled_from(KINDS), PLACES, PLACES, PIECES), min_size=1, max_size=6)
GIVEN = given(
    number=st.integers(0, len(SAMPLES) - 1),
    wounds=WOUNDS,
    block_size=st.sampled_from([100, 1000, 4 << 20]),
    salvage=st.booleans(),
)


def damaged(text: bytes, wounds: Sequence[Wound]) -> bytes:
    for wound in wounds:
        text = wound.apply(text)
    return text


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_wound_does_damage(kind: str) -> None:
    text = b"start_run: 1\nend_event:\nstart_event: 1 1\nend_event:\n"
    assert Wound(kind, 16, 31, b"*****").apply(text) != text


def outcomes(path: Path, *, salvage: bool) -> tuple[AntaresLegacyError | None, AntaresLegacyError | None]:
    """Read with both readers and return what each raised."""
    options = ReadOptions(salvage=salvage)
    errors: list[AntaresLegacyError | None] = []
    for read in (_read, lambda path, options: list(reread(path, options))):
        try:
            read(path, options)
            errors.append(None)
        except AntaresLegacyError as error:
            errors.append(error)
    assert not any("\n" in str(error) for error in errors), "a message has more than one line"
    return errors[0], errors[1]


def _read(path: Path, options: ReadOptions) -> None:
    with EvtReader().open(path, options) as file:
        for batch in file.batches():
            assert batch.n_events
        assert all(row.count > 0 for row in file.coverage() if row.field != "header")
        file.warnings()
        assert len(file.digest()) == 64


def check(path: Path, compare: Callable[..., tuple[int, str]], *, salvage: bool) -> None:
    first, second = outcomes(path, salvage=salvage)
    if first is not None and "hundreds of different tags" in str(first):
        return
    assert (first is None) == (second is None), (first, second)
    if first is None:
        assert compare(path, salvage=salvage)[1] == ""


@SETTINGS
@GIVEN
def test_damaged_text(
    number: int,
    wounds: list[Wound],
    block_size: int,
    salvage: bool,
    texts: list[bytes],
    tmp_path_factory: pytest.TempPathFactory,
    evt_difference: Callable[..., tuple[int, str]],
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.evt"
    path.write_bytes(damaged(texts[number], wounds))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BLOCK_SIZE", block_size)
        check(path, evt_difference, salvage=salvage)


@SETTINGS
@GIVEN
def test_damaged_gzip(
    number: int,
    wounds: list[Wound],
    block_size: int,
    salvage: bool,
    texts: list[bytes],
    tmp_path_factory: pytest.TempPathFactory,
    evt_difference: Callable[..., tuple[int, str]],
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.evt.gz"
    packed = gzip.compress(texts[number], compresslevel=1, mtime=0)
    path.write_bytes(packed[:2] + damaged(packed[2:], wounds))  # the magic stays, so that it is still taken for gzip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "BLOCK_SIZE", block_size)
        check(path, evt_difference, salvage=salvage)
