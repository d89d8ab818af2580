"""The host's settings for pip, apt and certificates, as %post sees them."""

import stat
from pathlib import Path

import pytest

from containers.engine.network import network_binds, pip_settings
from legacy.errors import MachineError

VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CERT", "PIP_TRUSTED_HOST")


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only file that pip reads its settings from."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "pip settings.conf"
    path.write_text("[global]\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(path))
    return path


def given(folder: Path) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    return {bind.inside: str(bind.host) for bind in network_binds(folder)}


def configured(folder: Path) -> str:
    return Path(given(folder)["/etc/pip.conf"]).read_text()


def test_local_folders_are_seen_at_places_that_exist(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "index one/simple").mkdir(parents=True)
    (tmp_path / "wheels/more").mkdir(parents=True)
    settings.write_text(
        f"[global]\nextra-index-url =\n    file://{tmp_path}/index%20one/simple\n    https://example.org/simple\n"
        f"find-links = {tmp_path}/wheels {tmp_path}/wheels/more /not/there\n"
    )
    seen = given(tmp_path / "scratch")
    text = Path(seen["/etc/pip.conf"]).read_text()
    assert {place: seen[place] for place in ("/mnt", "/media")} == {
        "/mnt": f"{tmp_path}/index one",
        "/media": f"{tmp_path}/wheels",
    }
    assert "extra-index-url = file:///mnt/simple\n    https://example.org/simple\n" in text
    assert "find-links = /media\n    /media/more\n    /not/there\n" in text
    assert str(tmp_path) not in text


def test_the_environment_wins(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.write_text(
        "[global]\nindex-url = https://one.example.org\n[install]\nindex-url = https://two.example.org\n"
    )
    assert pip_settings()["index-url"] == "https://two.example.org"
    monkeypatch.setenv("PIP_INDEX_URL", "https://three.example.org")
    assert pip_settings()["index-url"] == "https://three.example.org"


def test_only_what_concerns_the_network_is_passed_on(settings: Path, tmp_path: Path) -> None:
    settings.write_text("[global]\nno-index = true\nroot-user-action = ignore\nrequire-virtualenv = true\n")
    text = configured(tmp_path / "s")
    assert "no-index = true\n" in text
    assert "virtualenv" not in text
    assert "root-user-action" not in text


def test_nobody_else_can_read_the_settings(settings: Path, tmp_path: Path) -> None:
    settings.write_text("[global]\nindex-url = https://user:secret@example.org/simple\n")
    path = Path(given(tmp_path / "scratch")["/etc/pip.conf"])
    assert "user:secret" in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_certificates_of_the_host(settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "own-ca.pem"
    bundle.write_text("certificate\n")
    monkeypatch.setenv("PIP_CERT", str(bundle))
    seen = given(tmp_path / "scratch")
    assert seen["/etc/ssl/certs/ca-certificates.crt"] == str(bundle)
    assert "cert = /etc/ssl/certs/ca-certificates.crt\n" in Path(seen["/etc/pip.conf"]).read_text()


def test_too_many_local_folders(settings: Path, tmp_path: Path) -> None:
    folders = [tmp_path / f"wheels-{number}" for number in range(4)]
    for folder in folders:
        folder.mkdir()
    settings.write_text(f"[global]\nfind-links = {' '.join(map(str, folders))}\n")
    with pytest.raises(MachineError, match="name 4 local folders; at most 3"):
        network_binds(tmp_path)


def test_an_index_stays_in_its_line(settings: Path, tmp_path: Path) -> None:
    """An option with one value keeps a line end that stands before it, and pip then shows the password in it."""
    settings.write_text("[global]\nindex-url = https://user:word@example.org/simple\n")
    seen = configured(tmp_path / "scratch")
    assert "index-url = https://user:word@example.org/simple\n" in seen
