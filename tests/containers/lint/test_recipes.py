"""The recipes of this repository: all pass the lint, and those without their sources end before any work."""

import json
import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import containers.catalogue
from containers.catalogue import Recipe, Source, Tier, own_catalogue
from containers.definition import read_definition
from containers.lint.run import lint_recipe

RECIPES = own_catalogue().recipes
SUPPLIED = [recipe for recipe in RECIPES if any(source.required for source in recipe.sources)]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_passes(recipe: Recipe) -> None:
    assert [f"{f.path.name}:{f.line}: {f.rule}: {f.message}" for f in lint_recipe(recipe)] == []


def test_the_catalogue_and_the_folders_agree() -> None:
    folders = {path.name for path in containers.catalogue.RECIPES.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == {recipe.name for recipe in RECIPES}
    names = "base io convert dbdump db-image ingest root6 sim-open seatray reco sim-legacy corsika"
    assert [recipe.name for recipe in RECIPES] == names.split()


def test_the_catalogue_is_honest() -> None:
    for recipe in RECIPES:
        assert (recipe.tier is Tier.C) == any(source.required and not source.url for source in recipe.sources)
        for source in recipe.sources:
            assert source.who
            assert source.licence
            # Where a checksum is unknown, somebody must be asked, or the entry says that none could be found.
            known = bool(source.sha256) or "hecksum" in source.who
            assert known or source.who.startswith(("the ANTARES collaboration", "yourself")), source.key


def early(recipe: Recipe, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run %setup in a folder like that of a build, as the engine does."""
    shutil.copytree(recipe.folder, folder, dirs_exist_ok=True)
    (folder / "sources").mkdir(exist_ok=True)
    setup = read_definition(recipe.definition).section("setup")
    assert setup is not None
    return subprocess.run(["sh", "-ce", setup.text], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize("recipe", SUPPLIED, ids=lambda recipe: recipe.name)
def test_without_sources_a_build_ends_early(recipe: Recipe, tmp_path: Path) -> None:
    done = early(recipe, tmp_path)
    assert done.returncode == 1
    for source in recipe.sources:
        assert (f"--source {source.key}=FILE" in done.stderr) == source.required


@pytest.mark.parametrize("recipe", SUPPLIED, ids=lambda recipe: recipe.name)
def test_one_missing_source_is_named_alone(recipe: Recipe, tmp_path: Path) -> None:
    required = [source.key for source in recipe.sources if source.required]
    (tmp_path / "sources").mkdir()
    for key in required[1:]:
        (tmp_path / "sources" / key).write_bytes(b"x")
    (tmp_path / "sources" / required[0]).write_bytes(b"")  # an empty file is no source
    done = early(recipe, tmp_path)
    assert done.returncode == 1
    assert [key for key in required if f"--source {key}=FILE" in done.stderr] == required[:1]
    (tmp_path / "sources" / required[0]).write_bytes(b"x")
    assert early(recipe, tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ([], 1, "nothing to build"),
        (["mupage"], 0, ""),
        (["gseagen", "mupage"], 1, "gSeaGen needs GENIE"),
        (["genie", "lhapdf"], 1, "--source pythia6=FILE"),
        (["genie", "lhapdf", "pythia6", "root_source", "gseagen"], 0, ""),
    ],
)
def test_the_open_generators_are_optional(given: list[str], code: int, said: str, tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    for key in given:
        (tmp_path / "sources" / key).write_bytes(b"x")
    done = early(own_catalogue().find("sim-open"), tmp_path)
    assert (done.returncode, said in done.stderr) == (code, True)


@pytest.mark.parametrize("name", ["check_sources.sh", "build_program.sh"])
def test_copies_of_a_script_are_equal(name: str) -> None:
    """A recipe's folder must be complete by itself, so these scripts are there more than once."""
    copies = sorted(containers.catalogue.RECIPES.glob(f"*/{name}"))
    assert len(copies) > 1
    assert len({copy.read_bytes() for copy in copies}) == 1


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Return a good recipe in a folder that tests may change."""
    shutil.copytree(own_catalogue().find("corsika").folder, tmp_path / "corsika")
    monkeypatch.setattr(containers.catalogue, "RECIPES", tmp_path)
    recipe = own_catalogue().find("corsika")
    assert recipe.folder.parent == tmp_path
    assert lint_recipe(recipe) == ()
    return recipe


def rules(recipe: Recipe) -> set[str]:
    return {finding.rule for finding in lint_recipe(recipe)}


@pytest.mark.parametrize("name", ["README.md", "requirements.lock", "test.sh"])
def test_a_missing_file(small: Recipe, name: str) -> None:
    (small.folder / name).unlink()
    assert rules(small) == {"folder"}


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ("numpy==2.0 --hash=sha256:" + "a" * 64, True),
        ("numpy==2.0 \\\n    --hash=sha256:" + "a" * 64 + " \\\n    --hash=sha256:" + "b" * 64, True),
        ("numpy==2.0", False),
        ("numpy>=2.0 --hash=sha256:" + "a" * 64, False),
        ("numpy==2.0 --hash=md5:" + "a" * 32, False),
        ("--index-url https://example.org", False),
        ("numpy @ https://example.org/numpy.whl", False),
    ],
)
def test_lines_of_a_lock(small: Recipe, line: str, good: bool) -> None:
    definition = small.definition.read_text(encoding="utf-8")
    used = definition.replace("apt-get update", "pip install --require-hashes -r requirements.lock\n    apt-get update")
    small.definition.write_text(used, encoding="utf-8")
    (small.folder / "requirements.lock").write_text(f"# a comment\n{line}\n", encoding="utf-8")
    assert ("lock" not in rules(small)) == good


def test_a_lock_that_nothing_uses(small: Recipe) -> None:
    (small.folder / "requirements.lock").write_text(f"numpy==2.0 --hash=sha256:{'a' * 64}\n", encoding="utf-8")
    assert rules(small) == {"lock"}


def test_a_script_beside_the_definition_is_checked(small: Recipe) -> None:
    (small.folder / "test.sh").write_text("wget https://example.org\nif\n", encoding="utf-8")
    assert rules(small) == {"set-e", "shell-syntax", "checked-download", "quiet-test"}
    (small.folder / "test.sh").write_text("set -eu\ncd /home/somebody\n", encoding="utf-8")
    assert rules(small) == {"machine-path"}


def test_apps_and_sources_agree_with_the_catalogue(small: Recipe) -> None:
    assert rules(replace(small, apps={**small.apps, "plot": "a plot"})) == {"apps"}
    assert rules(replace(small, apps={})) == {"apps"}
    other = Source("other", "a file", "other.tar.gz", "none", "nobody")
    assert rules(replace(small, sources=(*small.sources, other))) == {"sources", "early-failure"}
    assert rules(replace(small, sources=small.sources[:1])) == {"sources"}
    assert rules(replace(small, tier=Tier.A)) == {"tier"}
    assert rules(replace(small, docker="debian:12")) == {"pinned-base"}


def test_the_bill_of_materials_of_rpm_packages(tmp_path: Path) -> None:
    """This system has no RPM, so a script stands for `rpm -qa`; awk and the JSON are real."""
    script = (own_catalogue().find("seatray").folder / "write_sbom_rpm.sh").read_text(encoding="utf-8")
    moved = script.replace("/opt/antares-legacy", str(tmp_path / "inside")).replace("/usr/share", str(tmp_path))
    (tmp_path / "write_sbom_rpm.sh").write_text(moved, encoding="utf-8")
    (tmp_path / "short").write_text("zlib\t1.2-3\nbash\t4.2-1\n", encoding="utf-8")
    (tmp_path / "long").write_text(
        'zlib\t1.2-3\tx86_64\tzlib\nbash\t4.2-1\tx86_64\tMIT and "old\\new"\n', encoding="utf-8"
    )
    rpm = tmp_path / "rpm"
    choice = f"case $3 in *LICENSE*) cat {tmp_path}/long ;; *) cat {tmp_path}/short ;; esac"
    rpm.write_text(f"#!/bin/sh\n{choice}\n", encoding="utf-8")
    rpm.chmod(0o755)
    (tmp_path / "licenses" / "zlib").mkdir(parents=True)
    (tmp_path / "licenses" / "zlib" / "COPYING").write_text("text\n", encoding="utf-8")
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["sh", tmp_path / "write_sbom_rpm.sh", "seatray"], check=True, env={"PATH": path})
    bom = json.loads((tmp_path / "inside/sbom/bom.json").read_text(encoding="utf-8"))
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.5")
    assert [component["purl"] for component in bom["components"]] == [
        "pkg:rpm/centos/bash@4.2-1?arch=x86_64",
        "pkg:rpm/centos/zlib@1.2-3?arch=x86_64",
    ]
    assert bom["components"][0]["licenses"] == [{"license": {"name": 'MIT and "old/new"'}}]
    assert (tmp_path / "inside/sbom/rpm.txt").read_text(encoding="utf-8") == "bash\t4.2-1\nzlib\t1.2-3\n"
    assert (tmp_path / "inside/licenses/rpm/zlib/COPYING").is_file()


def test_a_program_is_built_from_a_tarball(tmp_path: Path) -> None:
    """The script that builds supplied tarballs, outside of an image; only the places in the image are replaced."""
    script = (own_catalogue().find("sim-legacy").folder / "build_program.sh").read_text(encoding="utf-8")
    (tmp_path / "sbom").mkdir()
    (tmp_path / "build_program.sh").write_text(script.replace("/opt/antares-legacy", str(tmp_path)), encoding="utf-8")
    source = tmp_path / "genhen-1.0"
    source.mkdir()
    (source / "LICENSE").write_text("a licence\n", encoding="utf-8")
    (source / "Makefile").write_text("all:\n\tprintf '#!/bin/sh\\necho made\\n' >genhen\n\tchmod +x genhen\n")

    def build(program: str) -> "subprocess.CompletedProcess[str]":
        subprocess.run(["tar", "-czf", tmp_path / "genhen", "-C", tmp_path, source.name], check=True)
        return subprocess.run(
            ["sh", "build_program.sh", tmp_path / "genhen", tmp_path / "prefix", program],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )

    assert build("genhen").returncode == 0
    made = subprocess.run([tmp_path / "prefix/bin/genhen"], capture_output=True, text=True)
    assert made.stdout == "made\n"
    assert (tmp_path / "licenses/sources/genhen/LICENSE").read_text(encoding="utf-8") == "a licence\n"
    assert (tmp_path / "sbom/sources.txt").read_text(encoding="utf-8").endswith("  genhen\n")

    done = build("km3")
    assert done.returncode == 1
    assert "there is no program 'km3'" in done.stderr
    (source / "build.sh").write_text('mkdir -p "$1/bin" && cp Makefile "$1/bin/km3" && chmod +x "$1/bin/km3"\n')
    assert build("km3").returncode == 0
    (source / "build.sh").unlink()
    (source / "Makefile").unlink()
    done = build("genhen")
    assert done.returncode == 1
    assert "has no build.sh" in done.stderr
