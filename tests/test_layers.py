"""The arrows of the architecture: who may import whom, and what start-up must not load."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
ROOMS = ("converters", "ingest", "dbdump", "containers")
# What `legacy` may use besides the standard library.
LEGACY_MAY = {"legacy", "typer", "rich", "yaml", "numpy", "astropy", "erfa"}
LEGACY_MAY_IN = {"executor.py": {"dask"}}
HEAVY = (
    *("numpy", "h5py", "uproot", "awkward", "pyarrow", "astropy", "sqlalchemy", "oracledb", "rucio", "pandas"),
    *("matplotlib", "yaml", "tables", "dask", "jsonschema", "requests", "sqlite3"),
)


def sources(folder: str) -> list[Path]:
    found = sorted((REPOSITORY / folder).rglob("*.py"))
    assert found, f"no Python files in {folder}"
    return found


def imported(path: Path) -> set[str]:
    """Return every module that a file imports, at any depth, with full dotted names."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def by_name(paths: list[Path]) -> list[str]:
    return [path.relative_to(REPOSITORY).as_posix() for path in paths]


ROOM_FILES = by_name([path for room in ROOMS for path in sources(room)])
LEGACY_FILES = by_name(sources("legacy"))


@pytest.mark.parametrize("name", LEGACY_FILES)
def test_legacy_imports_no_room(name: str) -> None:
    path = REPOSITORY / name
    found = top(imported(path)) - set(sys.stdlib_module_names)
    assert found <= LEGACY_MAY | LEGACY_MAY_IN.get(path.name, set())


@pytest.mark.parametrize("name", ROOM_FILES)
def test_rooms_import_only_legacy(name: str) -> None:
    own = name.partition("/")[0]
    assert not top(imported(REPOSITORY / name)) & set(ROOMS) - {own}


@pytest.mark.parametrize("name", by_name(sources("converters/reread")))
def test_the_second_readers_share_nothing_with_the_first(name: str) -> None:
    found = imported(REPOSITORY / name)
    assert not [module for module in found if module.startswith("converters.readers")]


@pytest.mark.parametrize("name", by_name(sources("converters/readers")))
def test_readers_know_no_writer(name: str) -> None:
    forbidden = ("converters.writers", "converters.reread", "converters.pipeline", "converters.batch")
    assert not [module for module in imported(REPOSITORY / name) if module.startswith(forbidden)]


@pytest.mark.parametrize("name", LEGACY_FILES + ROOM_FILES)
def test_what_a_library_does_not_do(name: str) -> None:
    """No printing, no leaving, no evaluation of foreign text; only the command line talks."""
    tree = ast.parse((REPOSITORY / name).read_text(encoding="utf-8"))
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not calls & {"print", "eval", "exec", "exit", "quit", "input"}
    modules = top(imported(REPOSITORY / name))
    assert not modules & {"pickle", "marshal", "shelve", "getpass"}
    if not name.endswith("cli.py"):
        assert "typer" not in modules


@pytest.mark.parametrize("name", LEGACY_FILES + ROOM_FILES)
def test_length_of_files(name: str) -> None:
    assert len((REPOSITORY / name).read_text(encoding="utf-8").splitlines()) <= 400


@pytest.mark.parametrize("name", LEGACY_FILES + ROOM_FILES)
def test_length_of_functions(name: str) -> None:
    tree = ast.parse((REPOSITORY / name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            doc = ast.get_docstring(node, clean=False) or ""
            signature = node.body[0].lineno - node.lineno
            length = (node.end_lineno or 0) - node.lineno + 1 - len(doc.splitlines()) - signature
            assert length <= 60, f"{name}: {node.name} has {length} lines"


def loaded(code: str) -> set[str]:
    """Return the heavy modules that a fresh interpreter has loaded after `code`."""
    script = f"{code}\nimport sys\nsys.stderr.write(' '.join(m for m in {HEAVY!r} if m in sys.modules))\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV_")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY, env=environment
    )
    return set(done.stderr.split())


HELP = """
import sys
sys.argv = ["antares-legacy", {arguments}]
from legacy.cli import main
try:
    main()
except SystemExit as left:
    assert not left.code, left.code
"""


@pytest.mark.parametrize(
    "code",
    [
        HELP.format(arguments="'--help'"),
        HELP.format(arguments="'--version'"),
        HELP.format(arguments="'convert', '--help'"),
        HELP.format(arguments="'ingest', '--help'"),
        HELP.format(arguments="'catalog', 'find', '--help'"),
        HELP.format(arguments="'containers', 'run', '--help'"),
        "import converters.cli",
        "import ingest.cli",
        "import containers.cli",
        "import legacy.cli",
    ],
    ids=[
        *("--help", "--version", "convert --help", "ingest --help", "catalog find --help"),
        *("containers run --help", "converters.cli", "ingest.cli", "containers.cli", "legacy.cli"),
    ],
)
def test_start_up_is_light(code: str) -> None:
    assert loaded(code) == set()


def test_the_test_above_can_fail() -> None:
    assert "numpy" in loaded("import converters.layout, numpy")
