"""The plan: from what a file is and what Rucio knows to what is to be done."""

from dataclasses import replace

import pytest

from ingest.catalogue_types import KnownFile, Replica
from ingest.item import Item, Sums
from ingest.plan import Action, Candidate, Known, Place, column_values, difference, plan_chunk

SUMS = Sums(10, "0000000a", "a" * 32, "b" * 64, "ingest")
METADATA = {"run": 45000, "n_events": 7, "level": 3, "kind": "data"}
ITEM = Item("/data/a.l3.h5", "a.l3.h5", METADATA)
PFN = "file://localhost/data/a.l3.h5"
CANDIDATE = Candidate(ITEM, SUMS, PFN, PFN, columns=column_values(METADATA))
FILE = KnownFile("a.l3.h5", "FILE", 10, "0000000a", "a" * 32, 45000, 7)
REPLICA = Replica("INPLACE", PFN, "AVAILABLE")
NAME = ITEM.name
WHOLE = Known(
    files={NAME: FILE},
    metadata={NAME: METADATA},
    replicas={NAME: (REPLICA,)},
    places={NAME: Place("ds", attached=True)},
)


def plan(candidate: Candidate = CANDIDATE, known: Known = WHOLE):
    (step,) = plan_chunk([candidate], known)
    return step


def test_what_rucio_holds_is_skipped() -> None:
    step = plan()
    assert step.action == Action.SKIP
    assert not step.changes
    assert (step.replica, step.dataset, dict(step.metadata)) == (False, "", {})


def test_a_new_file_is_registered_attached_and_described() -> None:
    step = plan(known=Known(places={NAME: Place("ds", attached=False)}))
    assert step.action == Action.REGISTER
    assert step.replica
    assert step.dataset == "ds"
    assert step.metadata == {**METADATA, "run_number": 45000, "events": 7}


def test_a_known_file_gets_a_further_replica() -> None:
    step = plan(known=replace(WHOLE, replicas={}))
    assert (step.action, step.replica, step.dataset, dict(step.metadata)) == (Action.REGISTER, True, "", {})
    assert "further replica" in step.reason


def test_a_file_outside_its_dataset_is_attached_only() -> None:
    step = plan(known=replace(WHOLE, places={NAME: Place("ds.0002", attached=False)}))
    assert (step.action, step.replica, step.dataset, dict(step.metadata)) == (Action.ATTACH, False, "ds.0002", {})


def test_a_file_without_a_dataset() -> None:
    assert plan(known=replace(WHOLE, places={})).action == Action.SKIP


@pytest.mark.parametrize(
    ("theirs", "missing"),
    [
        ({**METADATA, "level": 2}, {"level": 3}),
        ({key: METADATA[key] for key in ("run", "n_events", "kind")}, {"level": 3}),
        ({**METADATA, "level": True}, {"level": 3}),
        ({**METADATA, "extra": 1}, {}),
        ({**METADATA, "level": 3.0}, {}),
    ],
    ids=["other", "absent", "boolean", "a key of others stays", "3.0 is 3"],
)
def test_metadata_that_differ_are_set(theirs: dict[str, object], missing: dict[str, object]) -> None:
    step = plan(known=replace(WHOLE, metadata={NAME: theirs}))
    assert dict(step.metadata) == missing
    assert step.action == (Action.METADATA if missing else Action.SKIP)
    assert all(key in step.reason for key in missing)


@pytest.mark.parametrize(("column", "expected"), [("run_number", {"run_number": 45000}), ("events", {"events": 7})])
def test_columns_of_rucio_follow_our_keys(column: str, expected: dict[str, int]) -> None:
    step = plan(known=replace(WHOLE, files={NAME: replace(FILE, **{column: None})}))
    assert step.action == Action.METADATA
    assert step.metadata == expected


def test_metadata_that_were_not_asked_for_count_as_equal() -> None:
    assert plan(known=replace(WHOLE, metadata={})).action == Action.SKIP


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (replace(FILE, size=11), "size 10 here, 11 in Rucio"),
        (replace(FILE, adler32="0000000b"), "adler32 0000000a here, 0000000b in Rucio"),
        (replace(FILE, md5="c" * 32), "md5 "),
        (replace(FILE, kind="DATASET"), "belongs to a dataset"),
        (replace(FILE, adler32="", md5=""), "no checksum"),
        (replace(FILE, size=-1), "size"),
    ],
)
def test_another_file_under_the_name_is_a_conflict(file: KnownFile, words: str) -> None:
    step = plan(known=replace(WHOLE, files={NAME: file}))
    assert step.action == Action.CONFLICT
    assert step.failed
    assert words in step.reason
    assert not step.changes


def test_one_common_checksum_is_enough() -> None:
    assert difference(replace(SUMS, md5=""), FILE) == ""
    assert difference(SUMS, replace(FILE, adler32="")) == ""
    assert "no checksum" in difference(replace(SUMS, md5=""), replace(FILE, adler32=""))


@pytest.mark.parametrize(
    ("replica", "words"),
    [
        (replace(REPLICA, pfn="file://localhost/elsewhere/a.l3.h5"), "keeps one path"),
        (replace(REPLICA, state="BAD"), "is BAD"),
        (replace(REPLICA, state="UNAVAILABLE"), "is UNAVAILABLE"),
    ],
)
def test_a_replica_that_is_not_ours_is_a_conflict(replica: Replica, words: str) -> None:
    step = plan(known=replace(WHOLE, replicas={NAME: (replica,)}))
    assert step.action == Action.CONFLICT
    assert words in step.reason


def test_a_deterministic_rse_decides_the_path_itself() -> None:
    elsewhere = replace(REPLICA, pfn="root://door//rse/antares/aa/bb/a.l3.h5")
    step = plan(replace(CANDIDATE, declared_pfn=""), replace(WHOLE, replicas={NAME: (elsewhere,)}))
    assert step.action == Action.SKIP


def test_what_cannot_be_ingested_is_refused_whatever_rucio_holds() -> None:
    step = plan(replace(CANDIDATE, problem="the file is empty"))
    assert (step.action, step.reason) == (Action.REFUSE, "the file is empty")


def test_columns_are_left_alone_without_values() -> None:
    assert column_values({"level": 3}) == {}
    assert column_values({"run": 0, "n_events": 0}) == {"run_number": 0, "events": 0}
    assert column_values(METADATA, ["run_number"]) == {"run_number": 45000}
    known = replace(WHOLE, files={NAME: replace(FILE, run_number=None, events=None)})
    assert plan(replace(CANDIDATE, columns={}), known).action == Action.SKIP


def test_a_step_as_json() -> None:
    shown = plan(known=Known(places={NAME: Place("ds", attached=False)})).to_dict()
    assert shown["action"] == "register"
    assert (shown["name"], shown["pfn"], shown["dataset"], shown["size"]) == (NAME, PFN, "ds", 10)
    assert shown["hashed_by"] == "ingest"
