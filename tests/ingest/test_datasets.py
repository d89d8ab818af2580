"""Datasets: limited in size, found again, never used when closed; asked of a real server."""

from collections.abc import Callable

import pytest

from ingest.catalogue import Catalogue
from ingest.catalogue_types import NewReplica
from ingest.datasets import Datasets
from ingest.patience import Patience
from ingest.plan import Place

pytestmark = pytest.mark.server


@pytest.fixture
def catalogue(rucio_environment: object) -> Catalogue:
    found = Catalogue(Patience(seconds=20), lambda text: None)
    found.connect()
    return found


@pytest.fixture
def add_files(catalogue: Catalogue, rucio_scope: str) -> Callable[[str, list[str]], None]:
    def add(dataset: str, names: list[str]) -> None:
        catalogue.add_replicas(
            "ANTARES_DISK", rucio_scope, [NewReplica(name, 1, "00000001", "0" * 32) for name in names]
        )
        catalogue.add_collections(rucio_scope, [dataset], "dataset")
        catalogue.attach(rucio_scope, {dataset: names})

    return add


def test_files_go_on_in_a_further_part(catalogue: Catalogue, rucio_scope: str) -> None:
    datasets = Datasets(catalogue, rucio_scope, 2)
    datasets.learn(["ds"])
    places = [datasets.place("ds", f"file{number}") for number in range(5)]
    assert [place.dataset for place in places] == ["ds", "ds", "ds.0002", "ds.0002", "ds.0003"]
    assert not any(place.attached for place in places)
    assert datasets.place("ds", "file1") == Place("ds", attached=False)


def test_what_is_in_rucio_is_found_in_every_part(catalogue: Catalogue, rucio_scope: str, add_files: Callable) -> None:
    add_files("ds", ["a1", "a2"])
    add_files("ds.0002", ["b1"])
    datasets = Datasets(catalogue, rucio_scope, 2)
    datasets.learn(["ds", "other"])
    assert datasets.place("ds", "b1") == Place("ds.0002", attached=True)
    assert datasets.place("ds", "new") == Place("ds.0002", attached=False)
    assert datasets.place("ds", "newer") == Place("ds.0003", attached=False)
    assert datasets.place("other", "new") == Place("other", attached=False)
    assert datasets.touched() == ["ds", "ds.0002"]
    assert datasets.changed() == []


def test_a_closed_dataset_takes_nothing(catalogue: Catalogue, rucio_scope: str, add_files: Callable) -> None:
    from rucio.client import Client

    add_files("ds", ["a1"])
    Client().set_status(rucio_scope, "ds", open=False)
    datasets = Datasets(catalogue, rucio_scope, 100)
    datasets.learn(["ds"])
    assert datasets.place("ds", "a1") == Place("ds", attached=True)
    assert datasets.place("ds", "a2") == Place("ds.0002", attached=False)


def test_what_was_attached_is_known(catalogue: Catalogue, rucio_scope: str) -> None:
    datasets = Datasets(catalogue, rucio_scope, 2)
    datasets.learn(["ds"])
    datasets.place("ds", "a")
    datasets.place("ds", "b")
    datasets.note_attached({"ds": ["a", "b"]})
    assert datasets.place("ds", "a") == Place("ds", attached=True)
    assert datasets.place("ds", "c").dataset == "ds.0002"
    assert datasets.changed() == ["ds"]
    assert datasets.files_of("ds") == {"a", "b"}
