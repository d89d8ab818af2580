"""The commands as a user types them: doctor, lint, help, and a machine without an engine."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kitchen import Kitchen

from containers.catalogue import own_catalogue, read_catalogue
from containers.definition import parse_definition
from containers.reports import REPORTS, read_report
from containers.workplace import workplace
from legacy.errors import InputError

Cli = Callable[..., Any]
COMMANDS = ("list", "show", "lint", "build", "test", "run", "report", "doctor")


@pytest.fixture
def bare(kitchen: Kitchen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kitchen:
    """Return recipes on a machine without Apptainer."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "cp", "unshare", "mount"):
        found = shutil.which(name)
        if found:
            (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    return kitchen


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str, cli: Cli) -> None:
    ran = cli("containers", command, "--help")
    assert ran.code == 0
    assert re.search(rf"Example:\s+antares-legacy\s+containers\s+{command}\b", " ".join(ran.out.split())), ran.out


def test_doctor_without_an_engine(bare: Kitchen, cli: Cli) -> None:
    ran = cli("containers", "doctor", "--json")
    assert ran.code == 3
    told = json.loads(ran.out)
    assert told["makes_images"] is False
    assert {"engine", "space for images"} <= {finding["name"] for finding in told["findings"]}
    assert all(finding["next_step"] for finding in told["findings"] if finding["state"] == "trouble")
    ran = cli("containers", "doctor")
    assert ran.code == 3
    assert "none that makes images" in ran.out
    assert not bare.place.work.exists(), "looking changes nothing"


@pytest.mark.parametrize("engine", ["apptainer", "singularity", "toolroot"])
def test_a_build_without_the_wanted_engine(engine: str, bare: Kitchen, cli: Cli) -> None:
    ran = cli("containers", "build", "child", "--engine", engine)
    assert (ran.code, ran.out) == (3, "")
    assert engine in ran.err.replace(" ", "").replace("-", "")
    assert not bare.place.images.exists()


def test_the_engine_of_the_environment(bare: Kitchen, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTARES_LEGACY_ENGINE", "apptainer")
    assert cli("containers", "build", "child").code == 3
    monkeypatch.setenv("ANTARES_LEGACY_ENGINE", "docker")
    assert cli("containers", "build", "child").code == 2


def test_a_broken_tool_root_is_named(bare: Kitchen, cli: Cli) -> None:
    """What takes its place, or nothing does, is said also to those who want to hear little."""
    (bare.place.tool_root / "proc").mkdir(parents=True)
    bare.place.images.mkdir()
    (bare.place.images / "child.sif").touch()
    ran = cli("containers", "run", "child", "hello")
    assert ran.code == 3
    assert "child.sif" in ran.err
    assert f"{bare.place.tool_root}: apptainer does not run in it" in ran.err
    assert "delete the folder, then: antares-legacy containers doctor --install" in ran.err
    assert ran.err.count("containers doctor says") <= 1
    ran = cli("-q", "containers", "build", "child")
    assert ran.code != 0
    assert "apptainer does not run in it" in ran.err


def test_lint_names_file_line_and_rule(cli: Cli, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.def"
    wrong.write_text("Bootstrap: docker\nFrom: debian:latest\n\n%psot\n    true\n")
    ran = cli("containers", "lint", wrong)
    assert ran.code == 1
    assert re.search(rf"^{re.escape(str(wrong))}:4: .*psot", ran.out, re.MULTILINE)
    found = json.loads(cli("containers", "lint", wrong, "--json").out)
    assert {"path", "line", "rule", "message"} == set(found[0])


def test_lint_of_what_is_not_there(cli: Cli, tmp_path: Path) -> None:
    ran = cli("containers", "lint", "ioo")
    assert ran.code == 2
    assert "did you mean 'io'?" in ran.err
    ran = cli("containers", "lint", tmp_path / "missing.def")
    assert ran.code == 1
    assert "missing.def" in ran.out + ran.err


def test_every_entry_of_the_catalogue_can_be_shown(cli: Cli) -> None:
    for recipe in own_catalogue().recipes:
        ran = cli("containers", "show", recipe.name)
        assert ran.code == 0
        assert recipe.purpose in ran.out
        for source in recipe.sources:
            assert source.who in ran.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recipes: [", "is not YAML"),
        ("x: 1", "has no recipes"),
        ("recipes: {io: 1}", "no mapping"),
        ("recipes: {Io: {}}", "lower case"),
        ("recipes: {io: {tier: D}}", "A, B or C"),
        ("recipes: {io: {tier: A, title: t, purpose: p, licence: l, colour: red}}", "colour"),
        ("recipes: {io: {tier: A, title: t, purpose: p, licence: l, base: other}}", "stands before"),
        ("recipes: {io: {tier: A, title: t, purpose: p, licence: l, sources: {a: {file: ../x}}}}", "wrong entry"),
        (
            "recipes: {io: {tier: A, sources: {a: {title: t, file: ../x, licence: l, who: w}}}}",
            "a base name",
        ),
        (
            "recipes: {io: {tier: A, sources: {a: {title: t, file: x, licence: l, who: w, url: 'http://x'}}}}",
            "https://",
        ),
    ],
)
def test_a_malformed_catalogue(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "catalogue.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_catalogue(path)


def test_a_definition_is_taken_apart() -> None:
    header = "# a\nBootstrap: localimage\nFrom: {{ FROM }}\n%arguments\n  FROM=base\n"
    found = parse_definition(f"{header}%apprun x y\n  true\n%TEST -c bash\n z\n", Path("x.def"))
    assert found.header == {"bootstrap": "localimage", "from": "{{ FROM }}"}
    assert found.arguments == {"FROM": "base"}
    assert found.apps == ("x",)
    test = found.section("test")
    assert test is not None
    assert (test.options, test.line) == ("-c bash", 8)
    assert "From: other" in found.filled({"FROM": "other"})
    with pytest.raises(InputError, match="line 1"):
        parse_definition("nonsense\n", Path("x.def"))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"tests": [{"x": 1}]}', '{"tests": 3}', "\xff", "[" * 100_000])
def test_what_is_no_report(text: str, tmp_path: Path) -> None:
    path = tmp_path / "io.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError):
        read_report(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [("date", 5), ("build_exit_code", "x"), ("image_bytes", None), ("sources", "x"), ("packages", {"deb:x": 1})],
)
def test_a_report_with_a_value_of_another_type(name: str, value: object, tmp_path: Path) -> None:
    good = json.loads((REPORTS / "base.json").read_text())
    path = tmp_path / "base.json"
    path.write_text(json.dumps(good))
    read_report(path)
    path.write_text(json.dumps({**good, name: value}))
    with pytest.raises(InputError, match="is not a build report"):
        read_report(path)


def test_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ANTARES_LEGACY_IMAGES", "ANTARES_LEGACY_CONTAINER_WORK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert workplace().images == tmp_path / "data" / "antares-legacy" / "images"
    assert workplace().builds == tmp_path / "cache" / "antares-legacy" / "containers" / "builds"
    monkeypatch.setenv("ANTARES_LEGACY_IMAGES", str(tmp_path / "i"))
    assert workplace().images == tmp_path / "i"
    assert workplace(tmp_path / "given").images == tmp_path / "given"
