"""The commands of the sandbox, each in a process of its own, as a user types them."""

import json
import os
import shlex
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from rucio_server.databases import execute, new_database
from rucio_server.fixtures import in_process

from ingest.sandbox.database import checked_database, same_database, secrets_of, shown
from ingest.sandbox.folder import SandboxFolder, State, write_state
from ingest.sandbox.lifecycle import Sandbox, down
from ingest.sandbox.process import Process, read_process
from legacy.errors import UsageError

pytestmark = pytest.mark.server
Run = Callable[..., "object"]


@dataclass(frozen=True, slots=True)
class Practice:
    """A sandbox that is driven by the command line."""

    folder: Path
    run: Callable[..., "object"]
    database: str

    def __call__(self, command: str, *options: object, **more: object):  # type: ignore[no-untyped-def]
        env = {"ANTARES_LEGACY_SANDBOX_DB": self.database or None}
        return self.run("sandbox", command, "--dir", self.folder, *options, env=env, **more)

    def begin(self, stdout: int) -> "subprocess.Popen[str]":
        """Begin `sandbox up` without waiting for it."""
        command = [str(Path(sys.executable).with_name("antares-legacy")), "sandbox", "up", "--dir", str(self.folder)]
        env = {**os.environ, **({"ANTARES_LEGACY_SANDBOX_DB": self.database} if self.database else {})}
        return subprocess.Popen(command, env=env, stdout=stdout, stderr=subprocess.PIPE, text=True)

    def exports(self) -> dict[str, str]:
        """Start it unless it runs, and return what it tells clients."""
        done = self("up")
        assert done.code == 0, done.err
        words = [shlex.split(line) for line in done.out.splitlines()]
        assert all(len(line) == 2 and line[0] == "export" for line in words)
        return dict(line[1].split("=", 1) for line in words)

    @property
    def process(self) -> Process | None:
        """The process that serves."""
        return read_process(SandboxFolder(self.folder))


@pytest.fixture
def new_practice(run_program: Run, tmp_path: Path, server_environment: Path) -> Iterator[Practice]:
    """A sandbox that is not there yet."""
    with new_database() as database:
        practice = Practice(tmp_path / "new", run_program, database)
        yield practice
        down(practice.folder)


@pytest.fixture(scope="module")
def shared_practice(
    run_program: Run, tmp_path_factory: pytest.TempPathFactory, server_environment: Path
) -> Iterator[Practice]:
    with new_database() as database:
        practice = Practice(tmp_path_factory.mktemp("practice") / "sandbox", run_program, database)
        yield practice
        down(practice.folder)


@pytest.fixture
def practice(shared_practice: Practice) -> Practice:
    """A running sandbox, shared by the tests of this file."""
    shared_practice.exports()
    return shared_practice


def one_line(text: str) -> str:
    """The last thing that was said, which must be the one line about the error."""
    lines = text.splitlines()
    assert lines[-1].startswith("antares-legacy: ")
    assert "Traceback" not in text
    return lines[-1]


def only(env: dict[str, str], home: Path) -> dict[str, str]:
    """An environment with nothing else in it."""
    return {"PATH": "/usr/bin:/bin", "HOME": str(home), **env}


ADD_SCOPE = "import sys; from rucio.client import Client; Client().add_scope('ingest', sys.argv[1])"
LIST_SCOPES = "from rucio.client import Client; print(*Client().list_scopes())"


def test_the_exports_suffice_for_a_plain_client(practice: Practice, program: Path, tmp_path: Path) -> None:
    exports = practice.exports()
    assert set(exports) == {"RUCIO_CONFIG", "TMPDIR"}
    tokens = Path(exports["TMPDIR"])
    for command, wanted in (("ping", "41.5.1"), ("whoami", "ingest")):
        rucio = [str(program.with_name("rucio")), command]
        done = subprocess.run(
            rucio, env=only(exports, tmp_path), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        assert wanted in done.stdout
    assert [path.name for path in tokens.rglob("auth_token_*_ingest")]


def test_eval_in_a_shell_is_all_one_types(practice: Practice, program: Path) -> None:
    typed = f'eval "$({program} sandbox up --dir {practice.folder})" && echo "$RUCIO_CONFIG" && echo "$TMPDIR"'
    done = subprocess.run(["bash", "-c", typed], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == [str(practice.folder / "client.cfg"), str(practice.folder / "tmp")]
    assert "runs already" in done.stderr


def test_up_on_a_running_sandbox_changes_nothing(practice: Practice) -> None:
    before, process = practice.exports(), practice.process
    assert process is not None
    assert practice.exports() == before
    assert practice.process == process
    other = practice("up", "--port", process.port + 1)
    assert other.code == 2
    assert f"port {process.port}" in one_line(other.err)
    assert practice.process == process


def test_only_the_owner_can_read_it(practice: Practice) -> None:
    folder = practice.folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}
    assert {"client.cfg", "client-alice.cfg", "client-root.cfg", "rucio.cfg", "sandbox.json"} <= set(modes)
    assert set(modes.values()) == {0o600}
    passwords = json.loads((folder / "sandbox.json").read_text())["passwords"]
    assert len(set(passwords.values())) == 3
    assert min(map(len, passwords.values())) >= 30


def test_no_secret_is_in_the_list_of_processes(practice: Practice) -> None:
    process = practice.process
    assert process is not None
    state = json.loads((practice.folder / "sandbox.json").read_text())
    secrets = [*state["passwords"].values(), *secrets_of(state["database"])]
    said = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
    assert not [secret for secret in secrets if secret in said]


def test_status(practice: Practice) -> None:
    done = practice("status", "--json")
    told = json.loads(done.out)
    process = practice.process
    assert process is not None
    assert (done.code, told["running"], told["pid"], told["url"]) == (0, True, process.pid, process.url)
    assert told["storages"] == {
        "ANTARES_DISK": str(practice.folder / "rse" / "ANTARES_DISK"),
        "ANTARES_TAPE": str(practice.folder / "rse" / "ANTARES_TAPE"),
        "ANTARES_INPLACE": "/",
    }
    assert told["database"] == (shown(practice.database) or str(practice.folder / "rucio.db"))
    words = practice("status")
    assert (words.code, words.out) == (0, "")
    assert process.url in words.err
    assert str(process.pid) in words.err


def test_accounts_storages_and_quotas(practice: Practice) -> None:
    script = """
import json
from rucio.client import Client
client = Client()
print(json.dumps({
    "scopes": client.list_scopes_for_account("ingest"),
    "rses": {rse["rse"]: rse["deterministic"] for rse in client.list_rses()},
    "quotas": {name: client.get_local_account_limits(name) for name in ("ingest", "alice")},
    "prefixes": {rse["rse"]: client.get_protocols(rse["rse"])[0]["prefix"] for rse in client.list_rses()},
    "distance": client.get_distance("ANTARES_DISK", "ANTARES_TAPE")[0]["distance"],
}))
"""
    told = json.loads(in_process(script, env=practice.exports()))
    assert "antares" in told["scopes"]
    assert told["rses"] == {"ANTARES_DISK": True, "ANTARES_TAPE": True, "ANTARES_INPLACE": False}
    assert told["quotas"]["alice"] == {"ANTARES_DISK": 10**9}
    assert set(told["quotas"]["ingest"]) == set(told["rses"])
    assert told["prefixes"]["ANTARES_INPLACE"] == "/"
    assert told["prefixes"]["ANTARES_TAPE"] == f"{practice.folder}/rse/ANTARES_TAPE/"
    assert told["distance"] == 1


def test_alice_may_not_write(practice: Practice) -> None:
    env = {**practice.exports(), "RUCIO_CONFIG": str(practice.folder / "client-alice.cfg")}
    script = """
from rucio.client import Client
from rucio.common.exception import AccessDenied
client = Client()
try:
    client.add_dataset("antares", "hers")
except AccessDenied:
    print("denied to", client.account)
"""
    assert in_process(script, env=env).strip() == "denied to alice"


def test_root_has_no_identity_that_everyone_has(practice: Practice) -> None:
    env = {**practice.exports(), "RUCIO_CONFIG": str(practice.folder / "client-root.cfg")}
    script = "from rucio.client import Client; print([i['type'] for i in Client().list_identities('root')])"
    assert in_process(script, env=env).strip() == "['USERPASS']"


def test_metadata_can_be_searched(practice: Practice) -> None:
    script = """
import uuid
from rucio.client import Client
client, name = Client(), "d" + uuid.uuid4().hex
client.add_dataset("antares", name)
client.set_metadata("antares", name, "run", 45000)
found = list(client.list_dids("antares", [{"run.gte": 45000}], did_type="dataset"))
print(name in found, client.get_metadata("antares", name, plugin="JSON"))
"""
    assert in_process(script, env=practice.exports()).strip() == "True {'run': 45000}"


def test_restart_keeps_url_and_data_and_holds_no_descriptor(practice: Practice) -> None:
    before, first = practice.exports(), practice.process
    assert first is not None
    in_process(ADD_SCOPE, "before.restart", env=before)
    stopped = practice("down")
    assert stopped.code == 0
    assert "stopped" in stopped.err
    assert practice.process is None
    assert not Path(f"/proc/{first.pid}").exists() or not first.alive()
    again = practice("down")
    assert again.code == 0
    assert "no Rucio server runs" in again.err
    assert practice("status").code == 1

    reading, writing = os.pipe()
    done = practice("up", pass_fds=(writing,))
    os.close(writing)
    assert done.code == 0, done.err
    second = practice.process
    assert second is not None
    assert second.url == first.url
    # The end of the stream; while anybody holds the other end, this raises BlockingIOError.
    os.set_blocking(reading, False)
    assert os.read(reading, 1) == b""
    os.close(reading)
    assert practice.exports() == before
    assert "before.restart" in in_process(LIST_SCOPES, env=before).split()
    assert os.getsid(second.pid) != os.getsid(0)
    opened = [str(Path(f"/proc/{second.pid}/fd/{number}").readlink()) for number in range(3)]
    assert opened == ["/dev/null", *[str(practice.folder / "server.log")] * 2]


def test_a_terminal_does_not_end_it(practice: Practice) -> None:
    process = practice.process
    assert process is not None
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(process.pid, number)
    time.sleep(0.3)
    assert process.alive()
    assert practice("status").code == 0


def test_a_killed_server_comes_back_with_its_data(practice: Practice) -> None:
    exports, process = practice.exports(), practice.process
    assert process is not None
    in_process(ADD_SCOPE, "before.kill", env=exports)
    os.kill(process.pid, signal.SIGKILL)
    while process.alive():
        time.sleep(0.01)
    told = practice("status", "--json")
    assert (told.code, json.loads(told.out)["running"]) == (1, False)
    assert practice.exports() == exports
    assert practice.process is not None
    assert practice.process.url == process.url
    assert "before.kill" in in_process(LIST_SCOPES, env=exports).split()


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}], ids=["pid reused", "machine rebooted"])
def test_a_stale_process_file(practice: Practice, change: dict[str, object]) -> None:
    assert practice("down").code == 0
    with subprocess.Popen(["sleep", "300"]) as innocent:
        stat_fields = Path(f"/proc/{innocent.pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        told = {"pid": innocent.pid, "started": int(stat_fields[19]), "boot": boot, "port": 1, **change}
        (practice.folder / "process.json").write_text(json.dumps(told))
        assert practice("status").code == 1
        assert practice("down").code == 0
        (practice.folder / "process.json").write_text(json.dumps(told))
        practice.exports()
        assert innocent.poll() is None
        innocent.kill()
    assert practice.process is not None
    assert practice.process.pid != innocent.pid


def test_a_process_is_known_by_its_start() -> None:
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert Process(os.getpid(), int(fields[19]), boot, 1).alive()


def test_a_port_that_is_taken(new_practice: Practice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = new_practice("up", "--port", port)
    assert (done.code, done.out) == (3, "")
    assert f"port {port} belongs to another program" in one_line(done.err)
    assert "--port" in done.err
    assert new_practice.process is None


def test_the_chosen_port_is_kept(new_practice: Practice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    assert new_practice("up", "--port", port).code == 0
    assert new_practice("down").code == 0
    new_practice.exports()
    process = new_practice.process
    assert process is not None
    assert process.port == port
    assert f"http://127.0.0.1:{port}" in (new_practice.folder / "client.cfg").read_text()


@pytest.mark.parametrize(
    "url",
    ["mysql://u:hidden@h/d", "postgresql+psycopg://u:hidden@h:5432/", "postgresql+psycopg://u:hidden@h:x/d", "a b"],
)
def test_a_database_of_the_wrong_kind(new_practice: Practice, url: str) -> None:
    done = new_practice("up", "--db", url)
    assert (done.code, done.out) == (2, "")
    assert "use sqlite or postgresql+psycopg://" in one_line(done.err)
    assert "hidden" not in done.err
    assert not new_practice.folder.exists()


def test_a_database_that_is_not_there(new_practice: Practice) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    done = new_practice("up", "--db", f"postgresql+psycopg://nobody:hidden@127.0.0.1:{port}/none")
    assert (done.code, done.out) == (3, "")
    said = one_line(done.err)
    assert "refused" in said
    assert str(new_practice.folder / "server.log") in said
    assert "hidden" not in done.err
    assert stat.S_IMODE((new_practice.folder / "server.log").stat().st_mode) == 0o600
    # Nothing was made yet, so another database may be named.
    assert new_practice("up", "--db", "sqlite").code == 0


def test_a_database_that_holds_other_things(new_practice: Practice) -> None:
    folder = SandboxFolder(new_practice.folder)
    if new_practice.database:
        execute(new_practice.database, "CREATE TABLE precious (x integer)")
    else:
        new_practice.folder.mkdir()
        write_state(folder, State())
        with closing(sqlite3.connect(new_practice.folder / "rucio.db")) as connection:
            connection.execute("CREATE TABLE precious (x integer)")
    for _ in range(2):  # trying again must not make it any weaker
        done = new_practice("up")
        assert done.code == 3
        assert "not empty" in one_line(done.err)
    if new_practice.database:
        execute(new_practice.database, "SELECT x FROM precious")
    else:
        with closing(sqlite3.connect(new_practice.folder / "rucio.db")) as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("precious",)]


def test_a_damaged_memory_does_not_keep_the_server_alive(new_practice: Practice) -> None:
    new_practice.exports()
    (new_practice.folder / "sandbox.json").write_text("{")
    done = new_practice("up")
    assert done.code == 3
    assert "cannot be read" in one_line(done.err)
    assert new_practice("down").code == 0
    assert new_practice.process is None


def test_another_database_needs_another_folder(practice: Practice) -> None:
    done = practice("up", "--db", "postgresql+psycopg://someone@elsewhere/other")
    assert done.code == 2
    assert "--dir" in one_line(done.err)
    assert practice.process is not None


def test_a_database_that_is_gone(new_practice: Practice) -> None:
    assert new_practice("up", "--db", "sqlite").code == 0
    assert new_practice("down").code == 0
    (new_practice.folder / "rucio.db").unlink()
    done = new_practice("up", "--db", "sqlite")
    assert done.code == 3
    assert "no longer holds the tables" in one_line(done.err)


def test_two_at_once_make_one(new_practice: Practice) -> None:
    both = [new_practice.begin(stdout=subprocess.PIPE) for _ in "ab"]
    said = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert said[0][0] == said[1][0]
    assert sum("making scope" in err for _, err in said) == 1
    assert sum("waiting for another process" in err for _, err in said) == 1


def test_a_killed_first_start_is_begun_anew(new_practice: Practice) -> None:
    with new_practice.begin(stdout=subprocess.DEVNULL) as process:
        # The server answers, and the accounts are being made.
        for line in process.stderr or ():
            if "making scope" in line:
                break
        process.kill()
    left = new_practice.process
    assert left is not None
    exports = new_practice.exports()
    assert not left.alive()
    assert "antares" in in_process(LIST_SCOPES, env=exports).split()


def test_a_folder_that_cannot_be_made(run_program: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run_program("sandbox", "up", "--dir", tmp_path / "file" / "below")
    assert (done.code, done.out) == (3, "")
    assert "no sandbox can be made there" in one_line(done.err)


def test_a_folder_with_other_things_is_left_alone(run_program: Run, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    tmp_path.chmod(0o755)
    done = run_program("sandbox", "up", "--dir", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "holds other things" in one_line(done.err)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_status_and_down_where_nothing_is(run_program: Run, tmp_path: Path) -> None:
    place = tmp_path / "nothing"
    assert run_program("sandbox", "status", "--dir", place).code == 1
    told = run_program("sandbox", "status", "--dir", place, "--json")
    assert (told.code, json.loads(told.out)) == (1, {"running": False, "folder": str(place)})
    assert run_program("sandbox", "down", "--dir", place).code == 0
    assert not place.exists()


def test_the_folder_is_the_one_of_xdg(run_program: Run, tmp_path: Path) -> None:
    done = run_program("sandbox", "status", "--json", env={"XDG_STATE_HOME": str(tmp_path)})
    assert json.loads(done.out)["folder"] == str(tmp_path / "antares-legacy" / "sandbox")
    done = run_program("sandbox", "status", "--json", env={"XDG_STATE_HOME": None, "HOME": str(tmp_path)})
    assert json.loads(done.out)["folder"] == str(tmp_path / ".local/state/antares-legacy/sandbox")


def test_a_proxy_is_told_to_leave_the_machine_alone(tmp_path: Path) -> None:
    sandbox = Sandbox(SandboxFolder(tmp_path), True, "", 1, "", {})
    assert set(sandbox.exports({})) == {"RUCIO_CONFIG", "TMPDIR"}
    told = sandbox.exports({"http_proxy": "http://proxy:3128", "NO_PROXY": "in2p3.fr"})
    assert told["no_proxy"] == told["NO_PROXY"] == "in2p3.fr,127.0.0.1"


@pytest.mark.parametrize(
    ("url", "for_people"),
    [
        ("sqlite", "sqlite"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u:s3%40t@h:5432/d?password=x", "postgresql+psycopg://u:***@h:5432/d"),
    ],
)
def test_a_password_is_not_shown(url: str, for_people: str) -> None:
    assert shown(checked_database(url)) == for_people
    assert all(secret not in shown(url) for secret in secrets_of(url))


def test_which_databases_are_the_same() -> None:
    assert same_database("postgresql+psycopg://u:a@h/d", "postgresql+psycopg://u:b@h/d")
    assert same_database("postgresql+psycopg://u@h/d", "postgresql+psycopg://u:b@h/d")
    assert not same_database("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/e")
    with pytest.raises(UsageError):
        checked_database("oracle://u:secret@h/d")


def test_passwords_are_not_in_the_text_of_an_object() -> None:
    state = State()
    assert not [word for word in state.passwords.values() if word in repr(state)]
