"""The fixtures themselves: a server that answers, scopes, and a proxy whose faults reach the client."""

import signal
import socket
import time
from pathlib import Path

import pytest
from rucio_server.fixtures import Faulty, RucioServer, in_process
from rucio_server.proxy import Fault, FaultyProxy

pytestmark = pytest.mark.server


def test_client_code_in_this_process_talks_to_the_server(rucio_environment: RucioServer, rucio_scope: str) -> None:
    from rucio.client import Client

    client = Client()
    assert client.host == rucio_environment.url
    assert client.whoami()["account"] == "ingest"
    assert rucio_scope in list(client.list_scopes())
    tokens = list((rucio_environment.folder / "tmp").rglob("auth_token_for_account_ingest"))
    assert tokens
    assert len(rucio_scope) <= 25


def test_a_server_of_ones_own_keeps_its_data(own_rucio_server: RucioServer) -> None:
    from rucio_server.fixtures import new_scope

    url, scope = own_rucio_server.url, new_scope(own_rucio_server.env)
    own_rucio_server.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5)
    own_rucio_server.start()
    assert own_rucio_server.url == url
    assert scope in in_process(LIST_SCOPES, env=own_rucio_server.env)


LIST_SCOPES = "from rucio.client import Client; print(*Client().list_scopes())"
GUARDED = """
import os, sys
from pathlib import Path
sys.path.append(sys.argv[1])
from rucio_server.fixtures import running_server
with running_server(Path(sys.argv[2])) as server:
    print(server.url, flush=True)
    os.kill(os.getpid(), 9)
"""


def test_no_server_outlives_killed_tests(tmp_path: Path, repository: Path) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", GUARDED, str(repository / "tests"), str(tmp_path / "killed")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    port = int(done.stdout.strip().rpartition(":")[2])
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    pytest.fail("the server still listens")


def get(port: int, path: str = "/ping") -> tuple[int, bytes]:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_the_proxy_forwards(faulty: Faulty) -> None:
    assert "ingest" in in_process("from rucio.client import Client; print(Client().whoami())", env=faulty.env)
    assert faulty.proxy.count(path="/auth/userpass") == 1
    assert faulty.proxy.count("GET", "/accounts/whoami") >= 1


def test_a_status_for_chosen_requests(faulty: Faulty) -> None:
    faulty.proxy.plan(Fault.status(503), times=2, skip=1, path="/ping")
    codes = [get(faulty.proxy.port)[0] for _ in range(4)]
    assert codes == [200, 503, 503, 200]
    assert get(faulty.proxy.port, "/nothing")[0] == 404
    assert [seen.status for seen in faulty.proxy.requests] == [200, 0, 0, 200, 404]


def test_drops(faulty: Faulty) -> None:
    faulty.proxy.plan(Fault.drop())
    faulty.proxy.plan(Fault.drop_after())
    for _ in range(2):
        with pytest.raises(ConnectionError):
            get(faulty.proxy.port)
    assert [seen.status for seen in faulty.proxy.requests] == [0, 200]
    assert get(faulty.proxy.port)[0] == 200


def test_a_cut_answer(faulty: Faulty) -> None:
    import http.client

    faulty.proxy.plan(Fault.cut(3))
    with pytest.raises(http.client.IncompleteRead):
        get(faulty.proxy.port)
    script = """
import requests
from rucio.client import Client
client = Client()
try:
    print(list(client.list_scopes()))
except requests.exceptions.RequestException as error:
    print(type(error).__name__)
"""
    faulty.proxy.plan(Fault.cut(5), times=10, path="/scopes/")
    assert in_process(script, env=faulty.env).strip() == "ChunkedEncodingError"


def test_a_delay(faulty: Faulty) -> None:
    faulty.proxy.plan(Fault.delay(0.5))
    began = time.monotonic()
    assert get(faulty.proxy.port)[0] == 200
    assert time.monotonic() - began >= 0.5


def test_refusing_and_listening_again(faulty: Faulty) -> None:
    port = faulty.proxy.port
    faulty.proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        get(port)
    faulty.proxy.listen()
    assert get(port)[0] == 200
    assert faulty.proxy.port == port


def test_a_body_chooses(faulty: Faulty, rucio_scope: str) -> None:
    script = """
import sys
from rucio.client import Client
from rucio.common.exception import RucioException
client = Client()
for name in ("good", "bad"):
    try:
        client.add_replicas("ANTARES_INPLACE", [{"scope": sys.argv[1], "name": name, "bytes": 1,
            "adler32": "00010001", "pfn": f"file://localhost/data/{name}"}])
        print(name, "added")
    except RucioException as error:
        print(name, type(error).__name__)
"""
    faulty.proxy.plan(Fault.status(500), times=9, method="POST", path="/replicas", body=b'"bad"')
    assert in_process(script, rucio_scope, env=faulty.env).split("\n")[:2] == ["good added", "bad RucioException"]


def test_the_proxy_says_nothing_about_a_dead_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with FaultyProxy(port) as proxy, pytest.raises(ConnectionError):
        get(proxy.port)
