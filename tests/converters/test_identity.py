"""Names of events."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from converters.identity import identify, identity_warnings
from converters.layout import EVENTS_TABLE
from converters.source import SourceFacts
from converters.staging import Staging
from legacy.errors import CorruptInputError
from legacy.model import StructuredArray, Table

SHA = "0123456789abcdef" * 4
DATA = SourceFacts(format="x", kind="data", detector="antares")
MC = SourceFacts(format="x", kind="mc", detector="antares")
ORCA = SourceFacts(format="x", kind="data", det_id=44)
ORCA_MC = SourceFacts(format="x", kind="mc", det_id=44)

Key = tuple[int, int, int, int]


def names_of(
    tmp_path: Path, facts: SourceFacts, keys: list[Key], given: list[bytes] | None = None
) -> tuple[list[str], list[int], tuple[str, ...]]:
    """Return internal_id and event_id of events with these (run, frame, counter, own number)."""
    rows = EVENTS_TABLE.blank(len(keys))
    rows["group_id"] = np.arange(len(keys))
    for position, name in enumerate(("run_id", "frame_index", "trigger_counter", "event_id")):
        rows[name] = [key[position] for key in keys]
    if given is not None:
        rows["internal_id"] = given
    named: StructuredArray = rows.copy()
    with closing(Staging(tmp_path)) as staging:
        staging.add(Table(EVENTS_TABLE, rows))
        identities = identify(staging, facts, SHA, Path("source.evt"))
        identities.apply(named, rows)
    return (
        [n.decode() for n in named["internal_id"].tolist()],
        named["event_id"].tolist(),
        identity_warnings(identities),
    )


KEYS: list[Key] = [(45978, 7, 1, 10), (45978, 7, 2, 11), (45979, 1, 0, 12)]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (DATA, ["antares.45978.7.1", "antares.45978.7.2", "antares.45979.1.0"]),
        (MC, [f"antares.mc.{SHA[:12]}.{n}" for n in (10, 11, 12)]),
        (ORCA, ["det44.45978.7.1", "det44.45978.7.2", "det44.45979.1.0"]),
        (ORCA_MC, [f"det44.mc.{SHA[:12]}.{n}" for n in (10, 11, 12)]),
    ],
)
def test_names(facts: SourceFacts, expected: list[str], tmp_path: Path) -> None:
    names, numbers, warnings = names_of(tmp_path, facts, KEYS)
    assert names == expected
    assert numbers == [10, 11, 12]
    assert warnings == ()


@pytest.mark.parametrize("numbers", [(5, 5, 6), (5, -1, 6), (-1, -1, -1)])
def test_own_numbers_that_are_not_unique(numbers: tuple[int, int, int], tmp_path: Path) -> None:
    keys = [(*key[:3], number) for key, number in zip(KEYS, numbers, strict=True)]
    names, found, _ = names_of(tmp_path, MC, keys)
    assert found == [0, 1, 2]
    assert len(set(names)) == 3


def test_repeated_keys_stay_two_rows_and_are_told(tmp_path: Path) -> None:
    keys = [KEYS[0], (*KEYS[0][:3], 99), KEYS[2]]
    names, _, warnings = names_of(tmp_path, DATA, keys)
    assert names == ["antares.45978.7.1.10", "antares.45978.7.1.99", "antares.45979.1.0"]
    assert len(warnings) == 1
    assert "run 45978, frame 7, trigger 1" in warnings[0]


@pytest.mark.parametrize("part", [0, 1, 2])
def test_data_without_a_whole_key(part: int, tmp_path: Path) -> None:
    broken = list(KEYS[1])
    broken[part] = -1
    names, _, _ = names_of(tmp_path, DATA, [KEYS[0], (broken[0], broken[1], broken[2], broken[3]), KEYS[2]])
    assert names == [f"antares.{SHA[:12]}.{n}" for n in (10, 11, 12)]


def test_names_that_the_source_gives_win(tmp_path: Path) -> None:
    names, _, _ = names_of(tmp_path, DATA, KEYS, [b"ANT0001", b"ANT0002", b"ANT0003"])
    assert names == ["ANT0001", "ANT0002", "ANT0003"]
    names, _, _ = names_of(tmp_path, DATA, KEYS, [b"ANT0001", b"", b"ANT0003"])
    assert names == ["ANT0001", "antares.45978.7.2", "ANT0003"]


def test_no_events(tmp_path: Path) -> None:
    assert names_of(tmp_path, DATA, []) == ([], [], ())


def test_a_name_is_never_cut(tmp_path: Path) -> None:
    huge = (2**62, 2**62, 2**62, 1)
    with pytest.raises(CorruptInputError, match="does not fit"):
        names_of(tmp_path, DATA, [huge])


def test_repeated_numbers_in_a_file(sample: Callable[[str], Path], cli: Callable[..., Any], tmp_path: Path) -> None:
    text = sample("evt/KM3Sim.evt").read_text()
    source = tmp_path / "twice.evt"
    source.write_text(text.replace("start_event: 3 1", "start_event: 2 1"))
    assert cli("convert", source, "-o", tmp_path).code == 0
    with h5py.File(tmp_path / "twice.l3.h5") as file:
        assert file["events"]["event_id"].tolist() == list(range(10))
        assert file["event_info"]["source_event_id"].tolist() == [1, 2, 2, *range(4, 11)]
        assert b"not unique in the file" in b" ".join(file["source_coverage"]["note"])
