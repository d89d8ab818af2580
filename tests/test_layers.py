"""The arrows of the architecture: who may import whom, and what start-up must not load."""

import ast
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
ROOMS = ("converters", "ingest", "dbdump", "containers")
FOLDERS = ("legacy", *ROOMS)
# What `legacy` may use besides the standard library.
LEGACY_MAY = {"legacy", "typer", "rich", "yaml", "numpy", "astropy", "erfa"}
LEGACY_MAY_IN = {"executor.py": {"dask"}}
HEAVY = (
    *("numpy", "h5py", "uproot", "awkward", "pyarrow", "astropy", "sqlalchemy", "oracledb", "rucio", "pandas"),
    *("matplotlib", "yaml", "tables", "dask", "jsonschema", "requests", "sqlite3"),
    "dbdump.schema",  # light, but its many classes took a third of the time of every start
)


def sources(folder: str) -> list[Path]:
    found = sorted((REPOSITORY / folder).rglob("*.py"))
    assert found, f"no Python files in {folder}"
    return found


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return the whole syntax tree of a file, which every rule here walks."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


@cache
def imported(path: Path) -> frozenset[str]:
    """Return every module that a file imports, at any depth, with full dotted names."""
    names: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


def top(names: frozenset[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def by_name(paths: list[Path]) -> list[str]:
    return [path.relative_to(REPOSITORY).as_posix() for path in paths]


ROOM_FILES = by_name([path for room in ROOMS for path in sources(room)])
LEGACY_FILES = by_name(sources("legacy"))


def test_legacy_imports_no_room() -> None:
    for name in LEGACY_FILES:
        path = REPOSITORY / name
        found = top(imported(path)) - set(sys.stdlib_module_names)
        assert found <= LEGACY_MAY | LEGACY_MAY_IN.get(path.name, set()), name


def test_rooms_import_only_legacy() -> None:
    for name in ROOM_FILES:
        own = name.partition("/")[0]
        assert not top(imported(REPOSITORY / name)) & set(ROOMS) - {own}, name


def test_the_second_readers_share_nothing_with_the_first() -> None:
    for path in sources("converters/reread"):
        assert not [module for module in imported(path) if module.startswith("converters.readers")], path


def test_readers_know_no_writer() -> None:
    forbidden = ("converters.writers", "converters.reread", "converters.pipeline", "converters.batch")
    for path in sources("converters/readers"):
        assert not [module for module in imported(path) if module.startswith(forbidden)], path


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_a_library_does_not_do(folder: str) -> None:
    """No printing, no leaving, no evaluation of foreign text; only the command line talks."""
    for path in sources(folder):
        called = [node.func for node in nodes(path) if isinstance(node, ast.Call)]
        calls = {function.id for function in called if isinstance(function, ast.Name)}
        assert not calls & {"print", "eval", "exec", "exit", "quit", "input"}, path
        modules = top(imported(path))
        assert not modules & {"pickle", "marshal", "shelve", "getpass"}, path
        if not path.name.endswith("cli.py"):
            assert "typer" not in modules, path


@pytest.mark.parametrize("folder", FOLDERS)
def test_length_of_files(folder: str) -> None:
    for path in sources(folder):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


@pytest.mark.parametrize("folder", FOLDERS)
def test_length_of_functions(folder: str) -> None:
    for path in sources(folder):
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                doc = ast.get_docstring(node, clean=False) or ""
                signature = node.body[0].lineno - node.lineno
                length = (node.end_lineno or 0) - node.lineno + 1 - len(doc.splitlines()) - signature
                assert length <= 60, f"{path}: {node.name} has {length} lines"


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
