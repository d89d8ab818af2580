"""ROOT files: what is in them, of which kind they are, and what damaged ones get."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import uproot

from converters.readers.rootfile import classify, open_root, parsing, root_summary
from legacy.errors import CorruptInputError, InputError

Sample = Callable[[str], Path]

KINDS = {
    "offline/muon_cc_events.root": "offline-root",
    "offline/empty_events.root": "offline-root",
    "offline/usr-sample.root": "offline-root",
    "offline/multiHead.root": "offline-root",
    "dst/orca6_sample.root": "offline-root",
    "mupage/mcv8.1.mupage_tuned_100G.sirene.jterbr00013288.10.root": "offline-root",
    "gseagen/gseagen_v7.0.0_numuCC_diffuse.aa.root": "offline-root",
    "online/KM3NeT_00000049_00008456.summaryslice-167941.root": "online-root",
    "online/KM3NeT_00000133_JDAQEvent.root": "online-root",
    "online/KM3NeT_00000267_00025291_JDAQEvent_JDAQSummaryslice.root": "online-root",
    "online/KM3NeT_00000267_00025291_L1.root": "online-root",
    "online/KM3NeT_00000267_00025291_SN.root": "online-root",
    "online/events_sample.root": "online-root",
    "online/km3net_online.root": "online-root",
    "online/muon_cc_daqevents.root": "online-root",
    "online/summaryslices.root": "online-root",
    "gseagen/gseagen.root": "gseagen-root",
    "acoustics/mechanical_model.root": "root",
    "gibuu/EventOutput.Pert.00000001.root": "root",
    "oscillations/ORCA6_433kt-y_opendata_v0.4_testdata.root": "root",
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_samples_are_told_apart(sample: Sample, name: str, kind: str) -> None:
    assert classify(sample(name)) == kind


def write_tree(path: Path, tree: str, branch: str, entries: int = 3) -> Path:
    with uproot.recreate(path) as file:
        file.mktree(tree, {branch: np.dtype("f8")})
        file[tree].extend({branch: np.arange(float(entries))})
    return path


@pytest.mark.parametrize(
    ("tree", "branch", "kind"),
    [
        ("sel", "MJD", "dst-flat"),
        ("AntData", "AntDST", "antdst"),
        ("tree", "AntDST", "antdst"),
        ("AntDSTTree", "x", "antdst"),
        ("tree", "Anthropic", "root"),
        ("PhysicsEvent_Trigger", "x", "raw-daq"),
        ("TimeSlice", "x", "raw-daq"),
        ("KM3NET_EVENT", "x", "online-root"),
        ("E", "x", "root"),
        ("E", "Evt", "root"),
        ("Events", "x", "root"),
    ],
)
def test_written_trees_are_told_apart(tmp_path: Path, tree: str, branch: str, kind: str) -> None:
    assert classify(write_tree(tmp_path / "file.root", tree, branch)) == kind


def test_a_tree_in_a_folder_counts_as_itself(tmp_path: Path) -> None:
    assert classify(write_tree(tmp_path / "file.root", "folder/sel", "MJD")) == "root"


def test_classification_follows_the_file(tmp_path: Path) -> None:
    path = write_tree(tmp_path / "file.root", "sel", "MJD")
    assert classify(path) == "dst-flat"
    write_tree(path, "other", "x")
    os.utime(path, ns=(1, 1))
    assert classify(path) == "root"


def test_file_name_with_a_colon(tmp_path: Path) -> None:
    assert classify(write_tree(tmp_path / "run:1.root", "sel", "MJD")) == "dst-flat"


def test_summary_names_everything(sample: Sample) -> None:
    summary = root_summary(sample("offline/numucc.root"))
    trees = {tree.path: tree for tree in summary.trees}
    assert trees["E"].entries == 10
    assert "Evt/trks/trks.rec_stages" in trees["E"].branches
    assert trees["KM3NET_EVENT"].entries == 0
    keys = {key.address: key for key in summary.keys}
    assert keys["Head;1"].class_name == "Head"
    assert keys["Head;1"].size == 744
    assert keys["META/JConvertEvt;1"].class_name == "TNamed"
    assert keys["META;1"].is_folder
    assert ("Evt", 9) in summary.streamers
    assert ("Head", 2) in summary.streamers


def test_summary_of_names_with_a_slash(sample: Sample) -> None:
    summary = root_summary(sample("acoustics/mechanical_model.root"))
    found = next(key for key in summary.keys if key.path == "chi2/NDF")
    assert (found.class_name, found.size) == ("TH1D", -1)


def test_summary_lists_old_versions_but_reads_the_newest(sample: Sample) -> None:
    summary = root_summary(sample("dst/orca6_sample.root"))
    assert [key.cycle for key in summary.keys if key.path == "headerTree"] == [2, 1]
    assert [tree.cycle for tree in summary.trees if tree.path == "headerTree"] == [2]


def damaged(kind: str, whole: bytes) -> bytes:
    random = np.random.default_rng(3)
    made = {
        "empty": b"",
        "magic only": b"root",
        "cut in the header": whole[:15],
        "cut in half": whole[: len(whole) // 2],
        "one byte short": whole[:-1],
        "random": b"root" + random.bytes(50_000),
        "zeros": b"root" + bytes(50_000),
        "header kept, rest random": whole[:60] + random.bytes(len(whole) - 60),
        "no ROOT file": b"toor" + whole[4:],
        "absurd end": whole[:12] + struct.pack(">i", 2**31 - 1) + whole[16:],
        "negative pointers": whole[:8] + b"\xff" * 32 + whole[40:],
    }
    return made[kind]


DAMAGED = (
    "empty",
    "magic only",
    "cut in the header",
    "cut in half",
    "one byte short",
    "random",
    "zeros",
    "header kept, rest random",
    "no ROOT file",
    "absurd end",
    "negative pointers",
)


@pytest.mark.parametrize("use", [classify, root_summary])
@pytest.mark.parametrize("kind", DAMAGED)
def test_damaged_files_are_refused(sample: Sample, tmp_path: Path, kind: str, use: Callable[[Path], object]) -> None:
    path = tmp_path / "bad.root"
    path.write_bytes(damaged(kind, sample("offline/multiHead.root").read_bytes()))
    with pytest.raises(CorruptInputError) as caught:
        use(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert len(text) < 500


@pytest.mark.parametrize("kind", ["cut in half", "one byte short"])
def test_a_cut_file_tells_both_lengths(sample: Sample, tmp_path: Path, kind: str) -> None:
    whole = sample("offline/multiHead.root").read_bytes()
    path = tmp_path / "bad.root"
    path.write_bytes(damaged(kind, whole))
    with pytest.raises(CorruptInputError, match="cut off") as caught:
        classify(path)
    assert f"{len(whole)} bytes" in caught.value.expected
    assert f"{path.stat().st_size} bytes" == caught.value.found
    assert "checksum" in caught.value.advice


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CorruptInputError, match="no such file"):
        root_summary(tmp_path / "nowhere.root")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        open_root(tmp_path)


def test_errors_of_the_machine_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="Input/output"), parsing(tmp_path / "file.root"):
        raise OSError(5, "Input/output error")


def test_other_errors_become_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CorruptInputError) as caught, parsing(tmp_path / "file.root", "tree E"):
        raise RecursionError("first line\nsecond line")
    assert caught.value.where == "tree E"
    assert caught.value.found == "RecursionError: first line"
