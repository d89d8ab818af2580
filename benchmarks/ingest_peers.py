"""The peers of the ingest benchmark, run as ``python -m benchmarks.ingest_peers NAME LIST RSE SCOPE DATASET``.

LIST is a JSON file: an array of ``{"path", "name", "metadata"}``. Both peers log in by Rucio's own configuration.
"""

import hashlib
import json
import sys
import zlib
from contextlib import suppress
from pathlib import Path

from rucio.client import Client
from rucio.client.uploadclient import UploadClient
from rucio.common.exception import DataIdentifierNotFound, FileAlreadyExists


def upload(files: list[dict], rse: str, scope: str, dataset: str) -> None:
    """Do what `rucio upload` does, in one process and one call, and set the metadata file by file."""
    client = Client()
    uploader = UploadClient(client)
    uploader.tracing = False
    uploader.upload(
        [
            {
                "path": file["path"],
                "rse": rse,
                "did_scope": scope,
                "did_name": file["name"],
                "dataset_scope": scope,
                "dataset_name": dataset,
                "register_after_upload": True,
            }
            for file in files
        ]
    )
    for file in files:
        client.set_metadata_bulk(scope, file["name"], file["metadata"])


def register_and_fall_back(files: list[dict], rse: str, scope: str, dataset: str) -> None:
    """Follow lsst-dm/rucio_register 2025-01: metadata with the replicas, all at once, else one by one.

    Its calls and their order; its pauses after errors do not arise.
    """
    client = Client()
    rows = []
    for file in files:
        content = Path(file["path"]).read_bytes()
        rows.append(
            {
                "scope": scope,
                "name": file["name"],
                "bytes": len(content),
                "adler32": f"{zlib.adler32(content):08x}",
                "md5": hashlib.md5(content).hexdigest(),
                "pfn": f"file://localhost{file['path']}",
                "meta": file["metadata"],
            }
        )
    client.add_replicas(rse=rse, files=rows)

    def add(some: list[dict]) -> None:
        client.add_files_to_dataset(scope=scope, name=dataset, files=some, rse=rse)

    try:
        add(rows)
    except DataIdentifierNotFound:
        client.add_dataset(scope=scope, name=dataset, statuses={"monotonic": True}, rse=rse)
        add(rows)
    except FileAlreadyExists:
        for row in rows:
            with suppress(FileAlreadyExists):
                add([row])


PEERS = {"upload": upload, "register": register_and_fall_back}

if __name__ == "__main__":
    name, listing, *where = sys.argv[1:]
    PEERS[name](json.loads(Path(listing).read_text()), *where)
