"""What Rucio does with our calls, and what becomes of its errors; against a real server."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rucio_server.fixtures import Faulty, RucioServer, pointed_at
from rucio_server.proxy import Fault

from ingest import patience as patience_module
from ingest.catalogue import CALL_LIMIT, Catalogue
from ingest.catalogue_errors import DeniedError, FailingServerError, RefusedError
from ingest.catalogue_types import NewReplica
from ingest.patience import Patience, ServerAwayError
from legacy.errors import UsageError

pytestmark = pytest.mark.server

DISK, INPLACE = "ANTARES_DISK", "ANTARES_INPLACE"


def new(name: str, pfn: str = "", size: int = 10) -> NewReplica:
    return NewReplica(name, size, "0000000a", "a" * 32, pfn)


@pytest.fixture
def catalogue(rucio_environment: RucioServer) -> Catalogue:
    found = Catalogue(Patience(seconds=20, tries=2), lambda text: None)
    found.connect()
    return found


@pytest.fixture
def through(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Catalogue]]:
    """Return a function that makes a catalogue which reaches the server through the proxy."""
    monkeypatch.setattr(patience_module, "FIRST_DELAY", 0.01)

    def connect(said: list[str] | None = None, **options: float) -> Catalogue:
        found = Catalogue(Patience(**{"seconds": 20, **options}), (said if said is not None else []).append)
        found.connect()
        return found

    with pointed_at(faulty.env, monkeypatch):
        yield connect


def test_the_connection_says_where_and_as_whom(catalogue: Catalogue, rucio_environment: RucioServer) -> None:
    connection = catalogue.connect()
    assert (connection.server, connection.account) == (rucio_environment.url, "ingest")
    assert connection.auth_type == "userpass"


def test_rses(catalogue: Catalogue) -> None:
    disk, inplace = catalogue.rse(DISK), catalogue.rse(INPLACE)
    assert (disk.deterministic, disk.writable, disk.scheme) == (True, True, "file")
    assert (inplace.deterministic, inplace.prefix) == (False, "/")
    with pytest.raises(UsageError, match="did you mean 'ANTARES_DISK'"):
        catalogue.rse("ANTARES_DISC")


def test_a_file_from_nothing_to_everything(catalogue: Catalogue, rucio_scope: str) -> None:
    pfn = "file://localhost/data/a"
    catalogue.add_replicas(INPLACE, rucio_scope, [new("a", pfn), new("b", pfn + "b")])
    assert catalogue.files(rucio_scope, ["a", "nowhere"]).keys() == {"a"}
    file = catalogue.files(rucio_scope, ["a"])["a"]
    assert (file.kind, file.size, file.adler32, file.md5) == ("FILE", 10, "0000000a", "a" * 32)
    assert (file.run_number, file.events) == (None, None)

    catalogue.set_metadata(rucio_scope, {"a": {"run": 5, "x": 1.5, "flag": True, "run_number": 5, "events": 0}})
    assert catalogue.metadata(rucio_scope, ["a", "b"]) == {"a": {"run": 5, "x": 1.5, "flag": True}, "b": {}}
    file = catalogue.files(rucio_scope, ["a"])["a"]
    assert (file.run_number, file.events) == (5, 0)

    catalogue.add_collections(rucio_scope, ["ds", "ds2"], "dataset")
    catalogue.add_collections(rucio_scope, ["ds", "ds2", "ds3"], "dataset")
    catalogue.add_collections(rucio_scope, ["box"], "container")
    for _ in range(2):
        catalogue.attach(rucio_scope, {"ds": ["a"], "ds2": ["a", "b"], "box": ["ds", "ds2"]})
    assert catalogue.files_of(rucio_scope, ["ds", "ds2", "ds3"]) == {"ds": {"a"}, "ds2": {"a", "b"}}
    assert catalogue.contents(rucio_scope, "box").keys() == {"ds", "ds2"}
    assert catalogue.contents(rucio_scope, "nowhere") is None
    assert catalogue.files(rucio_scope, ["ds", "box"])["box"].kind == "CONTAINER"

    holding = catalogue.holdings(rucio_scope, "ds2")[INPLACE]
    assert (holding.available_files, holding.available_bytes, holding.files, holding.bytes) == (2, 20, 2, 20)
    (replica,) = catalogue.replicas(rucio_scope, ["a"])["a"]
    assert (replica.rse, replica.pfn, replica.state) == (INPLACE, pfn, "AVAILABLE")
    assert catalogue.replicas(rucio_scope, ["a"], DISK) == {}
    assert catalogue.search(rucio_scope, [{"run.gte": 5, "x.lt": 2.0}, {"run": 99}]) == ["a"]
    assert catalogue.search(rucio_scope, [{"name": "ds*"}], "dataset") == ["ds", "ds2", "ds3"]

    assert catalogue.add_rule(rucio_scope, "ds", INPLACE)
    (rule,) = catalogue.rules(rucio_scope, "ds")
    assert (rule.rse_expression, rule.copies) == (INPLACE, 1)
    assert not catalogue.add_rule(rucio_scope, "ds", INPLACE)


def test_paths_of_a_deterministic_rse(catalogue: Catalogue, rucio_scope: str) -> None:
    names = [f"a-rather-long-name-of-a-file-{number:05d}.l3.h5" for number in range(400)]
    paths = catalogue.paths(DISK, rucio_scope, names)
    assert list(paths) == names
    catalogue.add_replicas(DISK, rucio_scope, [new(names[7])])
    assert catalogue.replicas(rucio_scope, [names[7]])[names[7]][0].pfn == paths[names[7]]


def test_more_files_than_one_call_takes(catalogue: Catalogue, rucio_scope: str) -> None:
    names = [f"f{number}" for number in range(CALL_LIMIT + 3)]
    for some in (names[:CALL_LIMIT], names[CALL_LIMIT:]):
        catalogue.add_replicas(DISK, rucio_scope, [new(name) for name in some])
    assert catalogue.files(rucio_scope, names).keys() == set(names)
    assert catalogue.replicas(rucio_scope, names).keys() == set(names)


def test_rucio_is_silent_about_another_file_under_the_name(catalogue: Catalogue, rucio_scope: str) -> None:
    """The reason for all our comparing: if this ever fails, Rucio has become better."""
    catalogue.add_replicas(DISK, rucio_scope, [new("a")])
    catalogue.add_replicas(DISK, rucio_scope, [NewReplica("a", 11, "0000000b", "b" * 32)])
    assert catalogue.files(rucio_scope, ["a"])["a"].adler32 == "0000000a"


@pytest.mark.parametrize(
    ("replica", "kind"),
    [
        (NewReplica("a", 10, "a", ""), "InvalidObject"),
        (new("a:b"), "InvalidObject"),
        (new("-a"), "InvalidObject"),
    ],
)
def test_a_bad_file_is_refused_with_the_whole_call(
    catalogue: Catalogue, rucio_scope: str, replica: NewReplica, kind: str
) -> None:
    with pytest.raises(RefusedError) as caught:
        catalogue.add_replicas(DISK, rucio_scope, [new("good"), replica])
    assert caught.value.kind == kind
    assert caught.value.exit_code == 1
    assert catalogue.files(rucio_scope, ["good"]) == {}


def test_a_plain_user_may_not_write(
    rucio_server: RucioServer, rucio_scope: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = {**rucio_server.env, "RUCIO_CONFIG": str(rucio_server.config_of("alice"))}
    with pointed_at(env, monkeypatch):
        catalogue = Catalogue(Patience(seconds=5), lambda text: None)
        assert catalogue.connect().account == "alice"
        with pytest.raises(DeniedError, match="AccessDenied") as caught:
            catalogue.add_replicas(DISK, rucio_scope, [new("a")])
    assert caught.value.exit_code == 3


def test_a_wrong_password(rucio_server: RucioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "rucio.cfg"
    lines = rucio_server.config.read_text().splitlines()
    config.write_text("\n".join("password = wrong" if line.startswith("password") else line for line in lines))
    env = {"RUCIO_CONFIG": str(config), "TMPDIR": str(tmp_path)}
    with pointed_at(env, monkeypatch), pytest.raises(DeniedError, match="CannotAuthenticate") as caught:
        Catalogue(Patience(seconds=5), lambda text: None).connect()
    assert "wrong" not in str(caught.value)


def test_no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rucio.cfg").write_text("[client]\n")
    env = {"RUCIO_CONFIG": str(tmp_path / "rucio.cfg"), "TMPDIR": str(tmp_path)}
    with pointed_at(env, monkeypatch), pytest.raises(UsageError, match="antares-legacy sandbox up"):
        Catalogue(Patience(seconds=5), lambda text: None).connect()


@pytest.mark.parametrize(
    "fault",
    [Fault.drop(), Fault.drop_after(), Fault.status(500), Fault.status(503), Fault.cut(40), Fault.delay(0.3)],
    ids=["dropped", "answer lost", "500", "503", "cut", "late"],
)
def test_what_is_soon_over_is_not_noticed(
    through: Callable[..., Catalogue], faulty: Faulty, rucio_scope: str, fault: Fault
) -> None:
    catalogue = through()
    faulty.proxy.plan(fault, times=2)
    catalogue.add_replicas(DISK, rucio_scope, [new("a")])
    faulty.proxy.plan(fault, times=2)
    assert catalogue.files(rucio_scope, ["a"])["a"].size == 10
    faulty.proxy.plan(fault, times=1)
    catalogue.set_metadata(rucio_scope, {"a": {"run": 3}})
    faulty.proxy.plan(fault, times=1)
    assert catalogue.metadata(rucio_scope, ["a"]) == {"a": {"run": 3}}


def test_a_server_that_stays_away(through: Callable[..., Catalogue], faulty: Faulty) -> None:
    said: list[str] = []
    catalogue = through(said, seconds=0.3)
    faulty.proxy.refuse()
    with pytest.raises(ServerAwayError, match="run the same command") as caught:
        catalogue.scopes()
    assert str(caught.value).startswith(f"{faulty.proxy.url}: no answer")
    assert len(said) == 1
    faulty.proxy.listen()
    assert catalogue.scopes()


def test_a_server_that_fails_again_and_again(through: Callable[..., Catalogue], faulty: Faulty) -> None:
    """With many files in a call, one of them may be to blame; otherwise the server is, and it is waited for."""
    catalogue = through(tries=3, seconds=0.5)
    faulty.proxy.forget()
    faulty.proxy.plan(Fault.status(500), times=1000)
    with pytest.raises(FailingServerError, match="500"):
        catalogue.add_replicas(DISK, "antares", [new("a")])
    assert faulty.proxy.count() == 3
    with pytest.raises(ServerAwayError, match="500"):
        catalogue.scopes()


@pytest.mark.parametrize("code", [302, 404])
def test_a_server_that_is_not_rucio(through: Callable[..., Catalogue], faulty: Faulty, code: int) -> None:
    catalogue = through()
    faulty.proxy.plan(Fault.status(code), times=100)
    with pytest.raises(DeniedError, match="check rucio_host"):
        catalogue.scopes()


def test_an_answer_that_is_not_rucios(through: Callable[..., Catalogue], faulty: Faulty) -> None:
    catalogue = through()
    faulty.proxy.plan(Fault.status(200, b"<html>please log in</html>"), times=100)
    with pytest.raises(DeniedError, match="check rucio_host"):
        catalogue.files("antares", ["a"])
