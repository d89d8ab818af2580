"""From arguments to jobs."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from converters.inputs import Plan, make_plan, product_stem, size_of
from legacy.errors import UsageError

MakeEvt = Callable[..., Path]


def pairs(plan: Plan, out: Path) -> dict[str, str]:
    """Return sources' names by targets below `out`."""
    return {job.target.relative_to(out).as_posix(): job.source.name for job in plan.jobs}


def plan_for(*inputs: object, out: Path, to: str = "hdf5", shard: str | None = None) -> Plan:
    return make_plan([str(name) for name in inputs], out, to, shard)


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.evt", "a"),
        ("a.evt.gz", "a"),
        ("a.i3", "a"),
        ("a.i3.bz2", "a"),
        ("a.i3.zst", "a"),
        (".i3", ".i3"),
        ("a.EVT", "a"),
        ("a.b.root", "a.b"),
        ("a.txt", "a"),
        ("events", "events"),
        (".evt", ".evt"),
        ("run_45978.i3", "run_45978"),
    ],
)
def test_product_stem(name: str, stem: str) -> None:
    assert product_stem(name) == stem


def test_files_and_folders(make_evt: MakeEvt, tmp_path: Path) -> None:
    out = tmp_path / "out"
    single = make_evt(tmp_path / "single.evt")
    make_evt(tmp_path / "in" / "a.evt")
    make_evt(tmp_path / "in" / "deep" / "er" / "a.evt")
    (tmp_path / "in" / "notes.md").write_text("not an input\n")
    (tmp_path / "in" / ".hidden.evt").write_text("start_run: 1\n")
    plan = plan_for(single, tmp_path / "in", out=out)
    assert pairs(plan, out) == {"a.l3.h5": "a.evt", "deep/er/a.l3.h5": "a.evt", "single.l3.h5": "single.evt"}
    assert [job.named for job in plan.jobs] == [False, False, True]
    assert plan.folder == out
    assert plan.problems == ()
    assert not out.exists(), "planning does nothing"


@pytest.mark.parametrize(
    "names",
    [("x", "y"), ("x/../x", "y"), ("x", "x/../y"), ("x/", "./y")],
)
def test_several_folders_keep_what_tells_them_apart(
    names: tuple[str, str], make_evt: MakeEvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("x", "y"):
        make_evt(tmp_path / folder / "a.evt")
    monkeypatch.chdir(tmp_path)
    plan = plan_for(*names, out=Path("out"))
    assert pairs(plan, Path("out")) == {"x/a.l3.h5": "a.evt", "y/a.l3.h5": "a.evt"}


@pytest.mark.parametrize("names", [("..",), (".", ".."), ("../x", ".")])
def test_no_target_outside_of_the_output_folder(
    names: tuple[str, ...], make_evt: MakeEvt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_evt(tmp_path / "x" / "a.evt")
    make_evt(tmp_path / "y" / "b.evt")
    monkeypatch.chdir(tmp_path / "y")
    out = tmp_path / "y" / "out"
    plan = plan_for(*names, out=out)
    assert plan.jobs
    assert all(Path(os.path.normpath(job.target)).is_relative_to(out) for job in plan.jobs)


def test_nested_folders_name_a_file_once(make_evt: MakeEvt, tmp_path: Path) -> None:
    make_evt(tmp_path / "in" / "sub" / "a.evt")
    plan = plan_for(tmp_path / "in", tmp_path / "in" / "sub", out=tmp_path / "out")
    assert pairs(plan, tmp_path / "out") == {"sub/a.l3.h5": "a.evt"}


def test_a_file_named_twice_is_done_once(make_evt: MakeEvt, tmp_path: Path) -> None:
    source = make_evt(tmp_path / "a.evt")
    (tmp_path / "link.evt").symlink_to(source)
    assert len(plan_for(source, source, tmp_path / "." / "a.evt", out=tmp_path / "out").jobs) == 1
    assert len(plan_for(source, tmp_path / "link.evt", out=tmp_path / "out").jobs) == 2


def test_globs(make_evt: MakeEvt, tmp_path: Path) -> None:
    for name in ("b1.evt", "b2.evt", "c[1].evt", "deep/b3.evt"):
        make_evt(tmp_path / name)
    out = tmp_path / "out"
    assert list(pairs(plan_for(tmp_path / "b*.evt", out=out), out)) == ["b1.l3.h5", "b2.l3.h5"]
    assert list(pairs(plan_for(tmp_path / "**/b*.evt", out=out), out)) == ["b1.l3.h5", "b2.l3.h5", "b3.l3.h5"]
    # A name that exists is a name, whatever it looks like.
    assert list(pairs(plan_for(tmp_path / "c[1].evt", out=out), out)) == ["c[1].l3.h5"]
    assert list(pairs(plan_for(tmp_path / "dee*", out=out), out)) == ["b3.l3.h5"]
    with pytest.raises(UsageError, match="no file matches"):
        plan_for(tmp_path / "z*.evt", out=out)


def test_list_of_inputs(make_evt: MakeEvt, tmp_path: Path) -> None:
    first, second = make_evt(tmp_path / "a.evt"), make_evt(tmp_path / "with space.evt")
    names = tmp_path / "list.txt"
    names.write_text(f"# my files\n\n{first}\n  {second}  \n{tmp_path}/a*.evt\n")
    out = tmp_path / "out"
    assert list(pairs(plan_for(f"@{names}", out=out), out)) == ["a.l3.h5", "with space.l3.h5"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"# nothing\n\n"])
def test_list_that_is_no_list(content: bytes | None, tmp_path: Path) -> None:
    names = tmp_path / "list.txt"
    if content is not None:
        names.write_bytes(content)
    with pytest.raises(UsageError, match=r"list\.txt: the list of inputs cannot be read|no input"):
        plan_for(f"@{names}", out=tmp_path / "out")


@pytest.mark.parametrize(("to", "name"), [("hdf5", "x.h5"), ("hdf5", "x.HDF5"), ("csv", "x.csv")])
def test_one_file_as_output(to: str, name: str, make_evt: MakeEvt, tmp_path: Path) -> None:
    source = make_evt(tmp_path / "a.evt")
    plan = plan_for(source, out=tmp_path / name, to=to)
    assert [job.target for job in plan.jobs] == [tmp_path / name]
    assert plan.folder == tmp_path
    for inputs in ((source, make_evt(tmp_path / "b.evt")), (tmp_path,)):
        with pytest.raises(UsageError, match="takes one input file"):
            plan_for(*inputs, out=tmp_path / name, to=to)


@pytest.mark.parametrize(("to", "name"), [("hdf5", "x.csv"), ("csv", "x.h5")])
def test_output_file_of_the_other_kind(to: str, name: str, make_evt: MakeEvt, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"--to {to} makes files that end in"):
        plan_for(make_evt(tmp_path / "a.evt"), out=tmp_path / name, to=to)


def test_a_folder_may_be_called_like_a_file(make_evt: MakeEvt, tmp_path: Path) -> None:
    (tmp_path / "x.h5").mkdir()
    plan = plan_for(make_evt(tmp_path / "a.evt"), out=tmp_path / "x.h5")
    assert [job.target for job in plan.jobs] == [tmp_path / "x.h5" / "a.l3.h5"]


def test_output_that_is_a_file(make_evt: MakeEvt, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UsageError, match="exists and is no folder"):
        plan_for(make_evt(tmp_path / "a.evt"), out=tmp_path / "out")


@pytest.mark.parametrize("place", ["in/out", "in", "link/out"])
def test_products_in_an_input_folder_are_no_inputs(
    place: str, make_evt: MakeEvt, cli: Callable[..., object], tmp_path: Path
) -> None:
    source = make_evt(tmp_path / "in" / "a.evt")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    out = tmp_path / place
    for kind in ("hdf5", "csv"):
        for extra in ((), ("--shard", "1/1")):
            cli("convert", tmp_path / "in", "-o", out, "--to", kind, *extra)
    assert (out / "a.l3.h5").exists()
    assert (out / "a.l3.csv").exists()
    plan = plan_for(tmp_path / "in", out=out)
    assert [job.source for job in plan.jobs] == [source]


def test_output_beside_its_folder_is_no_input(make_evt: MakeEvt, cli: Callable[..., object], tmp_path: Path) -> None:
    """Another output folder's manifests lie in the input folder too."""
    make_evt(tmp_path / "in" / "a.evt")
    cli("convert", tmp_path / "in", "-o", tmp_path / "in" / "old")
    plan = plan_for(tmp_path / "in", out=tmp_path / "out")
    assert [job.source.name for job in plan.jobs] == ["a.evt"]


def test_links(make_evt: MakeEvt, tmp_path: Path) -> None:
    make_evt(tmp_path / "in" / "a.evt")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    (tmp_path / "in" / "self.evt").symlink_to(tmp_path / "in" / "self.evt")
    (tmp_path / "in" / "dangling.evt").symlink_to(tmp_path / "nowhere.evt")
    (tmp_path / "in" / "other.evt").symlink_to(make_evt(tmp_path / "far.evt"))
    (tmp_path / "door").symlink_to(tmp_path / "in")
    for folder in ("in", "door"):
        plan = plan_for(tmp_path / folder, out=tmp_path / "out")
        # A link to a file that is away is a missing input: it becomes a job, which says so.
        assert [job.source.name for job in plan.jobs] == ["a.evt", "dangling.evt", "other.evt", "self.evt"]
        # A link to a folder may lead in a circle: it is not followed, and said in the report.
        assert plan.passed_over == (tmp_path / folder / "loop",)


def test_conflict_of_formats(make_evt: MakeEvt, tmp_path: Path) -> None:
    make_evt(tmp_path / "in" / "a.evt")
    make_evt(tmp_path / "in" / "a.txt")
    with pytest.raises(UsageError, match=r"would both become .*by itself.*: -o \S+/out/NAME\.h5$"):
        plan_for(tmp_path / "in", out=tmp_path / "out")
    make_evt(tmp_path / "in" / "b" / "c.evt")
    with pytest.raises(UsageError, match=r"would both become .*folder above them"):
        plan_for(tmp_path / "in" / "b" / "c.evt", make_evt(tmp_path / "c.evt"), out=tmp_path / "out")


def test_source_as_target(make_evt: MakeEvt, tmp_path: Path) -> None:
    source = make_evt(tmp_path / "a.h5")
    (tmp_path / "link.h5").symlink_to(source)
    for out in (source, tmp_path / "link.h5"):
        with pytest.raises(UsageError, match="is an input"):
            plan_for(source, out=out)


def test_empty_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    plan = plan_for(tmp_path / "in", out=tmp_path / "out")
    assert plan.jobs == ()
    assert [path for path, _ in plan.problems] == [tmp_path / "in"]


@pytest.mark.parametrize("total", [1, 2, 3, 7, 20])
def test_shards_share_everything_once(total: int, make_evt: MakeEvt, tmp_path: Path) -> None:
    for n in range(7):
        make_evt(tmp_path / "in" / f"{n}.evt")
    everything = [job.source for job in plan_for(tmp_path / "in", out=tmp_path / "out").jobs]
    shards = [plan_for(tmp_path / "in", out=tmp_path / "out", shard=f"{k}/{total}") for k in range(1, total + 1)]
    found = [job.source for plan in shards for job in plan.jobs]
    assert sorted(found) == sorted(everything)
    assert {plan.shard for plan in shards} == {f"{k}-of-{total}" for k in range(1, total + 1)}
    sizes = [len(plan.jobs) for plan in shards]
    assert max(sizes) - min(sizes) <= 1


def test_size_of(tmp_path: Path) -> None:
    (tmp_path / "five").write_bytes(b"12345")
    assert size_of(tmp_path / "five") == 5
    assert size_of(tmp_path) == 0
    assert size_of(tmp_path / "none") == 0
    assert size_of(Path("x" * 300)) == 0
