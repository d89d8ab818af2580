"""The address of a server that does not answer, as messages show it. No server is needed: nothing listens there."""

import threading
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from rucio_server.fixtures import pointed_at

from ingest.catalogue import Catalogue
from ingest.catalogue_address import configured_server, without_credentials
from ingest.patience import Patience, ServerAwayError

AWAY = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://rucio.example:443", "https://rucio.example:443"),
        ("https://user:secret@rucio.example/path?token=secret", "https://rucio.example"),
        (" http://u:s@e@cret@[::1]:9/ ", "http://[::1]:9"),
        ("http://[broken", "Rucio"),
        ("rucio.example", "Rucio"),
        ("", "Rucio"),
        ("http://a\x1bc", "http://a\\x1bc"),
    ],
)
def test_an_address_has_no_credentials(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def configured(folder: Path, monkeypatch: pytest.MonkeyPatch, host: str, login: str) -> AbstractContextManager[None]:
    path = folder / "rucio.cfg"
    lines = ["[client]", f"rucio_host = {host}", f"auth_host = {login}", "account = ant", "auth_type = userpass"]
    path.write_text("\n".join([*lines, "username = ant", "password = secret", "request_retries = 0", ""]))
    return pointed_at({"RUCIO_CONFIG": str(path), "HOME": str(folder), "TMPDIR": str(folder)}, monkeypatch)


@pytest.mark.parametrize(
    ("host", "login", "shown"),
    [
        (AWAY, AWAY, AWAY),
        (AWAY, "http://127.0.0.1:10", f"{AWAY} (login at http://127.0.0.1:10)"),
        ("http://ant:secret@127.0.0.1:9", "http://ant:secret@127.0.0.1:9", AWAY),
    ],
)
def test_a_server_that_was_never_there_is_named(
    host: str, login: str, shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with configured(tmp_path, monkeypatch, host, login):
        assert configured_server() == shown
        catalogue = Catalogue(Patience(seconds=0.1, stop=threading.Event()), said.append)
        with pytest.raises(ServerAwayError) as caught:
            catalogue.connect()
    for text in (str(caught.value), *said):
        assert text.startswith(f"{shown}: no answer")
        assert "secret" not in text
