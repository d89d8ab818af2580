"""A real Rucio takes what our rules and schema let pass, and gives it back."""

import pytest
from rucio_server.fixtures import RucioServer

from ingest.rules import name_problem
from ingest.schemas import load_schema

pytestmark = pytest.mark.server

NAMES = ("ab", "Antares_051870.i3.gz", "0.1-2_3", "a" * 250)
METADATA: dict[str, str | int | float] = {
    "run": 2**31 - 1,
    "run_last": 2**31 - 1,
    "level": 0,
    "kind": "mc",
    "channel": "anue+nue_CC",
    "generator": "GENHEN 7.1-120213 + KM3 3.06, 'é'",
    "production_version": "v4.2",
    "n_events": 2**53 - 1,
    "detector": "antares",
    "start": "2010-10-01T00:00:00.123Z",
    "stop": "2010-10-01T02:00:00Z",
    "start_epoch": 1285891200.123,
    "stop_epoch": 1285898400.0,
    "year": 2010,
    "software": "antares-legacy",
    "software_version": "0.1.0",
    "source": "a.evt",
    "source_sha256": "a1" * 32,
    "size": 2**53 - 1,
    "sha256": "b2" * 32,
    "provenance_id": "65d92ffa-fd33-4217-b41b-888b75dc684b",
    "license": "CC-BY-4.0",
    "embargo": "2030-01-31",
    "format": "hdf5",
    "schema": "antares-1.0",
}
# Rucio takes a text with a fraction of a second for a date when it searches; start_epoch is for searching.
NOT_FOUND_AS_TEXT = {"start"}


def test_names_and_metadata(rucio_environment: RucioServer, rucio_scope: str) -> None:
    from rucio.client import Client

    schema = load_schema("antares-1.0")
    assert set(METADATA) == set(schema.types)
    assert schema.check(METADATA) == []
    assert [name_problem(name) for name in NAMES] == [""] * len(NAMES)
    client = Client()
    files = [
        {"scope": rucio_scope, "name": name, "bytes": 1, "adler32": "0000abcd", "pfn": f"file://localhost/tmp/{n}"}
        for n, name in enumerate(NAMES)
    ]
    assert client.add_replicas("ANTARES_INPLACE", files)
    client.set_dids_metadata_bulk([{"scope": rucio_scope, "name": NAMES[1], "meta": METADATA}])
    held = client.get_metadata(rucio_scope, NAMES[1], plugin="JSON")
    assert {key: held[key] for key in METADATA} == METADATA
    for key in set(METADATA) - NOT_FOUND_AS_TEXT:
        found = list(client.list_dids(rucio_scope, filters=[{key: METADATA[key]}], did_type="file"))
        assert found == [NAMES[1]], key
