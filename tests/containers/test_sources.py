"""Source files: given, missing, wrong, downloaded from a real server."""

import hashlib
import http.server
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from directory_engine import DirectoryEngine
from kitchen import GOOD_POST, Kitchen

from containers.catalogue import Source
from containers.download import downloaded
from containers.reports import read_report
from containers.sources import parse_sources
from legacy.errors import InputError, MachineError, UsageError

Cli = Callable[..., Any]
CONTENT = b"the sources of a program\n"
SUM = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def needy(kitchen: Kitchen) -> Kitchen:
    """Add a recipe that needs two files and may have a third."""
    sources = {
        "aafit": {"title": "AAFit", "file": "aafit.tar.gz", "licence": "?", "who": "the collaboration", "sha256": SUM},
        "bbfit": {"title": "BBFit", "file": "bbfit.tar.gz", "licence": "?", "who": "its authors"},
        "extra": {"title": "more", "file": "more.tar.gz", "licence": "?", "who": "anybody", "required": False},
    }
    post = GOOD_POST + '    cat sources/aafit >"$ROOT/aafit"\n    ls sources >"$ROOT/sources"\n'
    kitchen.add("needy", post, base="base", sources=sources)
    return kitchen


def test_all_that_is_missing_is_said_at_once_before_any_work(
    cli: Cli, with_engine: DirectoryEngine, needy: Kitchen
) -> None:
    ran = cli("containers", "build", "needy")
    assert ran.code == 2
    for word in ("--source aafit=FILE", "aafit.tar.gz", SUM, "the collaboration", "--source bbfit=FILE", "its authors"):
        assert word in ran.err
    assert "extra" not in ran.err
    assert not with_engine.jobs
    assert not needy.place.images.exists()


def test_a_wrong_file_is_refused_before_any_work(
    cli: Cli, with_engine: DirectoryEngine, needy: Kitchen, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong.tar.gz"
    wrong.write_bytes(CONTENT + b"x")
    ran = cli("containers", "build", "needy", "--source", f"aafit={wrong}", "--source", f"bbfit={wrong}")
    assert ran.code == 1
    assert f"wrong.tar.gz: is not AAFit; expected sha256 {SUM}; found " in ran.err
    assert not with_engine.jobs
    assert not needy.place.images.exists()


def test_given_files_are_used_and_their_sums_recorded(
    cli: Cli, with_engine: DirectoryEngine, needy: Kitchen, tmp_path: Path
) -> None:
    right, other = tmp_path / "a=b.tar.gz", tmp_path / "bbfit"
    right.write_bytes(CONTENT)
    other.write_bytes(b"unknown to the catalogue")
    ran = cli("containers", "build", "needy", "--sandbox", "--source", f"aafit={right}", "--source", f"bbfit={other}")
    assert ran.code == 0, ran.err
    image = needy.place.images / "needy.sandbox"
    assert (image / "aafit").read_bytes() == CONTENT
    assert (image / "sources").read_text().split() == ["aafit", "bbfit"]
    report = read_report(needy.place.images / "needy.sandbox.json")
    assert report.sources == {"aafit": SUM, "bbfit": hashlib.sha256(other.read_bytes()).hexdigest()}


@pytest.mark.parametrize(
    ("given", "said"), [("aafit", "KEY=FILE"), ("=x", "KEY=FILE"), ("aafit=", "KEY=FILE"), ("aafitt=x", "'aafit'")]
)
def test_wrong_use_of_source(given: str, said: str, cli: Cli, with_engine: DirectoryEngine, needy: Kitchen) -> None:
    ran = cli("containers", "build", "needy", "--source", given)
    assert ran.code == 2
    assert said in ran.err


def test_a_key_is_given_once() -> None:
    assert parse_sources(["a=x=y", "b=z"]) == {"a": Path("x=y"), "b": Path("z")}
    with pytest.raises(UsageError, match="twice"):
        parse_sources(["a=x", "a=y"])


@pytest.mark.parametrize("kind", ["missing", "folder"])
def test_what_is_no_file(kind: str, cli: Cli, with_engine: DirectoryEngine, needy: Kitchen, tmp_path: Path) -> None:
    path = tmp_path / kind
    if kind == "folder":
        path.mkdir()
    ran = cli("containers", "build", "needy", "--source", f"aafit={path}", "--source", f"bbfit={path}")
    assert ran.code == 1
    assert str(path) in ran.err


@dataclass(frozen=True, slots=True)
class Server:
    """A server that speaks https, and how to trust it."""

    address: str
    trust: ssl.SSLContext
    asked: list[str]

    def source(self, name: str, sha256: str = SUM) -> Source:
        return Source("aafit", "AAFit", "aafit.tar.gz", "?", "anybody", sha256, f"{self.address}/{name}")


class _Handler(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        if self.path == "/plain":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/file")
            self.end_headers()
        elif self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/file")
            self.end_headers()
        elif self.path in ("/file", "/cut"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:10] if self.path == "/cut" else CONTENT)
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return key and certificate of this machine."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(encoding, form, serialization.NoEncryption()))
    return folder / "key.pem", folder / "cert.pem"


@pytest.fixture
def server(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Return a server on this machine."""
    key, cert = certificate
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    asked: list[str] = []
    handler = type("Handler", (_Handler,), {"asked": asked})
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    site.socket = context.wrap_socket(site.socket, server_side=True)
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield Server(f"https://127.0.0.1:{site.server_port}", ssl.create_default_context(cafile=cert), asked)
    site.shutdown()
    thread.join()
    site.server_close()


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    said: list[str] = []
    for _ in range(2):
        file = downloaded(server.source("moved"), tmp_path / "d", said.append, trust=server.trust)
        assert file.read_bytes() == CONTENT
    assert server.asked == ["/moved", "/file"]
    assert len(said) == 1
    file.write_bytes(b"damaged")
    assert downloaded(server.source("file"), tmp_path / "d", said.append, trust=server.trust).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("cut", InputError, "is not AAFit"),
        ("nothing", MachineError, "404"),
        ("plain", MachineError, "not https"),
    ],
)
def test_what_is_not_the_file_is_not_kept(
    name: str, error: type[Exception], said: str, server: Server, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said):
        downloaded(server.source(name), tmp_path, lambda text: None, trust=server.trust)
    assert list(tmp_path.iterdir()) == []


def test_another_content_is_not_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not AAFit"):
        downloaded(server.source("file", "0" * 64), tmp_path, lambda text: None, trust=server.trust)
    assert list(tmp_path.iterdir()) == []


def test_no_more_than_the_limit_is_taken(server: Server, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="more than 5 bytes"):
        downloaded(server.source("file"), tmp_path, lambda text: None, trust=server.trust, largest=5)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_nobody_vouches_for_is_not_trusted(server: Server, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="--source aafit=FILE"):
        downloaded(server.source("file"), tmp_path, lambda text: None)
    assert server.asked == []


def test_plain_http_is_refused(server: Server, tmp_path: Path) -> None:
    plain = replace(server.source("file"), url="http://127.0.0.1:9/file")
    with pytest.raises(InputError, match="no https"):
        downloaded(plain, tmp_path, lambda text: None, trust=server.trust)
