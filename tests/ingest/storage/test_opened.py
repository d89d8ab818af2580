"""From a location to the storage that reads it."""

import sys
from pathlib import Path

import pytest

from ingest.storage import opened
from ingest.storage.local import LocalStorage
from ingest.storage.opened import storage_of
from legacy.errors import MissingDependencyError, UsageError


def test_paths_are_local() -> None:
    assert isinstance(storage_of("/some/file"), LocalStorage)
    assert storage_of("/some/file") is storage_of("/other")


@pytest.mark.parametrize("location", ["relative/file", "file:///x", "https://host/x", "root:/x", "", "rooted://h//x"])
def test_what_cannot_be_read(location: str) -> None:
    with pytest.raises(UsageError, match="neither an absolute path nor a root"):
        storage_of(location)


def test_without_the_client_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from ingest.storage import xrootd

    # None in sys.modules is how Python itself marks a module that cannot be imported.
    for name in [name for name in sys.modules if name.partition(".")[0] == "XRootD"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "XRootD", None)
    xrootd._client.cache_clear()
    opened._xrootd.cache_clear()
    with pytest.raises(MissingDependencyError, match=r"pip install 'antares-legacy\[xrootd\]'"):
        storage_of("root://door.example//file")


def test_paths_need_no_client_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "XRootD", None)
    (tmp_path / "file").write_bytes(b"abc")
    assert storage_of(str(tmp_path / "file")).stat(str(tmp_path / "file")).size == 3
