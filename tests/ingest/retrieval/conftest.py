"""Files that lie on disk and in the Rucio of the tests."""

import hashlib
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from rucio_server.fixtures import RucioServer

from ingest.catalogue_download import DownloadingCatalogue
from ingest.catalogue_types import NewReplica
from ingest.item import Scalar
from ingest.patience import Patience
from ingest.retrieval.keys import Key, keys_of
from ingest.schemas import Schema, load_schema

RSE = "ANTARES_INPLACE"


@pytest.fixture(scope="session")
def schema() -> Schema:
    return load_schema("antares-1.0")


@pytest.fixture(scope="session")
def keys(schema: Schema) -> dict[str, Key]:
    return keys_of(schema.types, schema.document["properties"])


@pytest.fixture
def catalogue(rucio_environment: RucioServer) -> DownloadingCatalogue:
    return DownloadingCatalogue(Patience(seconds=5), lambda _: None)


def sums_of(content: bytes) -> tuple[int, str, str, str]:
    """Return size, adler32, md5 and sha256."""
    return (
        len(content),
        f"{zlib.adler32(content):08x}",
        hashlib.md5(content).hexdigest(),
        hashlib.sha256(content).hexdigest(),
    )


class Store:
    """Puts files on disk and declares them to Rucio, by the calls that the ingest uses."""

    def __init__(self, catalogue: DownloadingCatalogue, scope: str, folder: Path) -> None:
        self.catalogue = catalogue
        self.scope = scope
        self.folder = folder

    def put(self, name: str, content: bytes, *, sha256: bool = True, rse: str = RSE, **metadata: Scalar) -> Path:
        """Write a file, declare it with its metadata, and return where it lies."""
        size, adler32, md5, digest = sums_of(content)
        if rse == RSE:
            path = self.folder / name
            replica = NewReplica(name, size, adler32, md5, f"file://localhost{path}")
        else:
            pfn = self.catalogue.paths(rse, self.scope, [name])[name]
            path = Path("/" + pfn.split("://", 1)[1].split("/", 1)[1].lstrip("/"))
            replica = NewReplica(name, size, adler32, md5)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.catalogue.add_replicas(rse, self.scope, [replica])
        known: dict[str, Scalar] = {"sha256": digest, "size": size} if sha256 else {}
        if known or metadata:
            self.catalogue.set_metadata(self.scope, {name: {**known, **metadata}})
        return path

    def dataset(self, name: str, *files: str) -> None:
        self.catalogue.add_collections(self.scope, [name], "dataset")
        if files:
            self.catalogue.attach(self.scope, {name: files})

    def declare(self, files: Mapping[str, Mapping[str, Any]]) -> None:
        """Declare files that do not exist, with JSON metadata."""
        replicas = [
            NewReplica(name, 1 + number, f"{number:08x}", f"{number:032x}", f"file://localhost/nowhere/{name}")
            for number, name in enumerate(files)
        ]
        self.catalogue.add_replicas(RSE, self.scope, replicas)
        described = {name: values for name, values in files.items() if values}
        if described:
            self.catalogue.set_metadata(self.scope, described)


@pytest.fixture
def store(catalogue: DownloadingCatalogue, rucio_scope: str, tmp_path: Path) -> Store:
    return Store(catalogue, rucio_scope, tmp_path / "stored")


@pytest.fixture
def run_catalog(cli: Callable[..., Any], rucio_environment: RucioServer, rucio_scope: str) -> Callable[..., Any]:
    """Return a function that runs a `catalog` command on the scope of the test."""

    def run(command: str, *arguments: object) -> Any:
        return cli("catalog", command, *arguments, "--scope", rucio_scope)

    return run
