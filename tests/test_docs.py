"""The documentation: its commands run, its tables agree with the registry, its links lead somewhere.

``ANTARES_LEGACY_WRITE_DOCS=1`` writes the generated tables anew instead of comparing them.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import EnumType, StrEnum
from importlib.metadata import entry_points
from inspect import getdoc
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import typer

from converters.layout import (
    COVERAGE_TABLE,
    EVENT_INFO_TABLE,
    EVENTS_TABLE,
    GROUP_INFO_TABLE,
    HEADER_FIELDS,
    MC_TRACKS_TABLE,
    PARAMETERS_TABLE,
    PROVENANCE_TABLE,
    header_table,
    mc_info_table,
    raw_header_table,
)
from converters.metadata import LICENSES, SETTABLE
from converters.registry import READERS
from legacy.demo import copy_samples
from legacy.manifest import ManifestEntry
from legacy.model import TableSpec

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
PAGES = [REPOSITORY / "README.md", *sorted(DOCS.glob("*.md"))]
LEVEL3 = DOCS / "level3.md"
WRITE = os.environ.get("ANTARES_LEGACY_WRITE_DOCS") == "1"

FIXED_WIDTH = (EVENTS_TABLE, EVENT_INFO_TABLE, GROUP_INFO_TABLE, MC_TRACKS_TABLE, mc_info_table())
TABLES = (
    *FIXED_WIDTH,
    header_table(dict.fromkeys(HEADER_FIELDS, 1)),
    raw_header_table((1, 1, 1, 1)),
    PARAMETERS_TABLE,
    PROVENANCE_TABLE,
    COVERAGE_TABLE,
)

RUN_BLOCKS = """
import sys, warnings
from pathlib import Path
warnings.simplefilter("error")
for name in sys.argv[1:]:
    exec(compile(Path(name).read_text(), name, "exec"), {"__name__": "__main__"})
"""


@dataclass(slots=True)
class Fence:
    """A fenced block of a page, and the HTML comment before it."""

    language: str
    line: int
    comment: str
    lines: list[str] = field(default_factory=list)

    @property
    def run(self) -> bool:
        return not self.comment.startswith(("not run", "file:"))

    @property
    def code(self) -> int:
        """The exit code that the last command of the block must have."""
        found = re.fullmatch(r"exit (\d+)", self.comment)
        return int(found[1]) if found else 0


@dataclass(slots=True)
class Command:
    """A command of a console block, and the output shown under it."""

    text: str
    output: list[str] = field(default_factory=list)


def fences(page: Path) -> Iterator[Fence]:
    current: Fence | None = None
    comment = ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        if current is not None:
            if line == "```":
                yield current
                current, comment = None, ""
            else:
                current.lines.append(line)
        elif opened := re.fullmatch(r"```(\w+)", line):
            current = Fence(opened[1], number, comment)
        elif said := re.fullmatch(r"<!-- (.*) -->", line):
            comment = said[1]
        elif line.strip():
            comment = ""
    assert current is None, f"{page.name}: a block is not closed"


def commands(fence: Fence) -> list[Command]:
    found: list[Command] = []
    ends_with = ""
    for line in fence.lines:
        if ends_with:
            found[-1].text += "\n" + line
            ends_with = "" if line == ends_with else ends_with
        elif line.startswith("$ "):
            found.append(Command(line.removeprefix("$ ")))
            here = re.search(r"<<'(\w+)'", line)
            ends_with = here[1] if here else ""
        else:
            found[-1].output.append(line)
    return found


def expected(lines: list[str]) -> str:
    """Return the pattern for an output in which ``...`` stands for anything."""
    parts = []
    for line in lines:
        if line == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(map(re.escape, line.rstrip().split("..."))) + r"\n")
    return "".join(parts)


def assert_shown(command: Command, said: str) -> None:
    if command.output:
        lines = "".join(line.rstrip() + "\n" for line in said.splitlines())
        assert re.fullmatch(expected(command.output), lines), f"$ {command.text}\n{lines}"


@pytest.fixture(scope="session")
def demo_samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "samples"
    copy_samples(folder)
    return folder


@pytest.fixture
def folder(tmp_path: Path, demo_samples: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which a reader of the documentation works."""
    place = tmp_path / "samples"
    shutil.copytree(demo_samples, place, copy_function=os.link)
    monkeypatch.chdir(place)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    return place


def in_shell(text: str) -> tuple[int, str]:
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout + done.stderr


_START = re.compile(r'eval "\$\((antares-legacy sandbox up[^)]*)\)"')


@pytest.fixture
def sandboxes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], tuple[int, str]]]:
    """Return a function that starts a sandbox as `eval` in the reader's shell would, and stop them in the end."""
    state = folder.parent / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))

    def start(command: str) -> tuple[int, str]:
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=600)
        for line in done.stdout.splitlines():
            (assignment,) = shlex.split(line.removeprefix("export "))
            monkeypatch.setenv(*assignment.split("=", 1))
        return done.returncode, done.stderr

    yield start
    for place in {*folder.rglob("server.log"), *state.rglob("server.log")}:
        subprocess.run(["antares-legacy", "sandbox", "down", "--dir", str(place.parent)], check=True, timeout=120)


def test_a_wrong_output_is_noticed() -> None:
    command = Command("x", ["a ... c", "...", "last"])
    assert_shown(command, "a b c\nmore\nlast\n")
    for wrong in ("a b d\nlast\n", "a b c\nlast\nmore\n", "a b c\n"):
        with pytest.raises(AssertionError):
            assert_shown(command, wrong)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_run(
    page: Path, folder: Path, cli: Callable[..., object], sandboxes: Callable[[str], tuple[int, str]]
) -> None:
    scripts: list[str] = []

    def run_scripts() -> None:
        """Run the Python blocks since the last command, each in a namespace of its own."""
        if scripts:
            done = subprocess.run(
                [sys.executable, "-c", RUN_BLOCKS, *scripts], capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, f"{scripts}\n{done.stderr}"
            scripts.clear()

    for fence in fences(page):
        if fence.language == "python" and fence.run:
            script = folder.parent / f"{page.stem}_line_{fence.line}.py"
            script.write_text("\n".join(fence.lines) + "\n", encoding="utf-8")
            scripts.append(str(script))
        if fence.language != "console" or not fence.run:
            continue
        run_scripts()
        listed = commands(fence)
        for command in listed:
            # Workers, whatever needs a shell, and Rucio's client, which keeps its configuration, cannot run in
            # this process.
            simple = re.fullmatch(r"antares-legacy (?!ingest|catalog)[^$|>=&;]*", command.text)
            if started := _START.fullmatch(command.text):
                code, said = sandboxes(started[1])
            elif simple and "--jobs" not in command.text:
                ran = cli(*shlex.split(command.text)[1:])
                code, said = ran.code, ran.out + ran.err  # type: ignore[attr-defined]
            else:
                code, said = in_shell(command.text)
            wanted = fence.code if command is listed[-1] else 0
            assert code == wanted, f"{page.name}: $ {command.text}\n{said}"
            assert_shown(command, said)
    run_scripts()


def test_every_block_says_what_it_is() -> None:
    known = {"console", "python", "text", "toml", "bash", "yaml"}
    assert {fence.language for page in PAGES for fence in fences(page)} <= known


def described(spec: TableSpec) -> str:
    lines = ["| column | type | unit | UCD | meaning |", "|---|---|---|---|---|"]
    for column in spec.columns:
        kind = "text" if column.dtype.startswith("S") and spec not in FIXED_WIDTH else f"`{column.dtype}`"
        unit, ucd = (f"`{text}`" if text else "" for text in (column.unit, column.ucd))
        lines.append(f"| `{column.name}` | {kind} | {unit} | {ucd} | {column.description} |")
    return "\n".join(lines)


def manifest_fields() -> str:
    """The fields of the manifest, as the class describes them."""
    text = (getdoc(ManifestEntry) or "").partition("----------\n")[2]
    lines = ["| key | what |", "|---|---|"]
    for names, meaning in re.findall(r"^(\w[\w, ]*)\n((?:    .*\n?)+)", text, re.MULTILINE):
        keys = ", ".join(f"`{name}`" for name in names.split(", "))
        lines.append(f"| {keys} | {' '.join(meaning.split()).replace('``', '`')} |")
    return "\n".join(lines)


GENERATED = {f"table {spec.path}": described(spec) for spec in TABLES} | {"fields manifest": manifest_fields()}


@pytest.mark.parametrize("mark", GENERATED)
def test_generated_tables(mark: str) -> None:
    text = LEVEL3.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {re.escape(mark)} -->\n)(.*?)(<!-- end -->)", re.DOTALL)
    found = pattern.search(text)
    assert found, f"level3.md has no place for: {mark}"
    wanted = f"\n{GENERATED[mark]}\n\n"
    if WRITE:
        LEVEL3.write_text(pattern.sub(lambda old: old[1] + wanted + old[3], text), encoding="utf-8")
        return
    assert found[2] == wanted, "write it anew with ANTARES_LEGACY_WRITE_DOCS=1"


def test_every_field_of_the_manifest_is_described() -> None:
    for name in ManifestEntry.__dataclass_fields__:
        assert f"`{name}`" in GENERATED["fields manifest"]


@dataclass(frozen=True, slots=True)
class Option:
    """An option or argument as the command line knows it."""

    names: tuple[str, ...]
    choices: tuple[str, ...] = ()


def command_line() -> dict[str, list[Option]]:
    """Every command with its options; ``""`` stands for the options before the command."""
    from legacy.cli import COMMAND_GROUP, app, main_options

    announced, groups = list(app.registered_commands), list(app.registered_groups)
    try:
        for point in entry_points(group=COMMAND_GROUP):
            point.load()(app)
        found = {"": _options(main_options)} | _commands(app)
        # The commands of a group share a page.
        for group in app.registered_groups:
            if group.typer_instance is not None and group.name:
                found[group.name] = [
                    option for options in _commands(group.typer_instance).values() for option in options
                ]
    finally:
        app.registered_commands[:], app.registered_groups[:] = announced, groups
    return found


def _commands(app: typer.Typer) -> dict[str, list[Option]]:
    functions = [command.callback for command in app.registered_commands if command.callback]
    return {function.__name__: _options(function) for function in functions}


def _options(function: Callable[..., object]) -> list[Option]:
    """Read the annotations, whose classes are public in typer, unlike what typer makes of them."""
    found = []
    for name, hint in get_type_hints(function, include_extras=True).items():
        for info in getattr(hint, "__metadata__", ()):
            if isinstance(info, typer.models.ArgumentInfo):
                found.append(Option((info.metavar or name,)))
            elif isinstance(info, typer.models.OptionInfo):
                # The first name of an annotated option is held where a default would be.
                texts = [text for text in (info.default, *(info.param_decls or ())) if isinstance(text, str)]
                given = [word for text in texts for word in text.split("/")]
                kinds = (hint.__origin__, *get_args(hint.__origin__))
                choices = [
                    str(choice) for kind in kinds if isinstance(kind, EnumType) for choice in list[StrEnum](kind)
                ]
                found.append(Option(tuple(given) or (f"--{name.replace('_', '-')}",), tuple(choices)))
    return found


COMMAND_LINE = command_line()


def page_of(command: str) -> Path:
    return DOCS / f"{command or 'command-line'}.md"


def option_table(page: Path) -> str:
    """Return the first column of all tables of options on a page."""
    text = page.read_text(encoding="utf-8")
    tables = re.findall(r"\| option \| meaning \|\n\|---\|---\|\n((?:\|.*\n)+)", text)
    return "\n".join(row.split(" | ")[0] for table in tables for row in table.splitlines())


@pytest.mark.parametrize("command", COMMAND_LINE, ids=lambda name: name or "antares-legacy")
def test_every_option_is_documented(command: str) -> None:
    listed = option_table(page_of(command))
    for option in COMMAND_LINE[command]:
        for name in option.names:
            assert re.search(rf"`{re.escape(name)}\b", listed), f"{page_of(command).name} does not explain {name}"
        for choice in option.choices:
            assert f"`{option.names[0]} {choice}`" in listed


@pytest.mark.parametrize("command", COMMAND_LINE, ids=lambda name: name or "antares-legacy")
def test_no_option_is_invented(command: str) -> None:
    known = {name for option in COMMAND_LINE[command] for name in option.names} | {"-h", "--help"}
    listed = set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", option_table(page_of(command))))
    assert listed <= known


def test_every_command_stands_in_the_index() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    for command in filter(None, COMMAND_LINE):
        assert f"[{command}]({command}.md)" in index


def test_the_architecture_names_every_module() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = ("converters", "ingest", "dbdump", "containers")
    modules = {path.name for room in rooms for path in (REPOSITORY / room).glob("*.py")} - {"__init__.py"}
    assert modules <= set(re.findall(r"`(\w+\.py)`", text))


def test_the_architecture_names_no_file_that_is_not_there() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    for place in re.findall(r"`((?:legacy|converters|ingest|tests|docs)/[\w./]*)`", text):
        assert (REPOSITORY / place).exists(), place


@pytest.mark.parametrize("page", ["README.md", "docs/formats.md", "docs/convert.md"])
def test_every_reader_is_documented(page: str) -> None:
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    for row in READERS:
        assert f"`{row.name}`" in text


def test_every_metadata_key_and_licence_is_documented() -> None:
    text = (DOCS / "convert.md").read_text(encoding="utf-8")
    for word in (*SETTABLE, *LICENSES):
        assert f"`{word}`" in text


def anchors(page: Path) -> set[str]:
    """The places on a page that a link can name, as GitHub makes them from the headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
    return made | set(re.findall(r'<a id="([^"]+)">', text))


def links(page: Path) -> Iterator[tuple[Path, str]]:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if not re.match(r"[a-z]+:", target):
            name, _, anchor = target.partition("#")
            yield ((page.parent / name).resolve() if name else page), anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to #{anchor} of {target.name}"


def test_every_page_is_reachable_from_the_index() -> None:
    reached, waiting = set(), [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached:
            reached.add(page)
            waiting += [target for target, _ in links(page) if target.suffix == ".md"]
    assert set(DOCS.glob("*.md")) <= reached
