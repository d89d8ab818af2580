"""Where the instruments of a dataset are."""

from dataclasses import dataclass
from fractions import Fraction

from dbdump.errors import ValueLossError
from dbdump.image import Image
from dbdump.marine.mapping import Dataset, Linear
from dbdump.marine.stage import Staged, collect_positions
from dbdump.marine.tables import TableReader, open_table
from dbdump.marine.values import to_texts
from dbdump.stored import StoredColumn
from legacy.errors import printable


@dataclass(frozen=True, slots=True)
class Place:
    """Latitude and longitude in degrees north and east, depth in metres below the surface."""

    latitude: float
    longitude: float
    depth: float

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180 and -12_000 <= self.depth <= 12_000):
            raise ValueError(f"latitude {self.latitude}, longitude {self.longitude}, depth {self.depth} is nowhere")


def check_position(image: Image, dataset: Dataset) -> None:
    """See that the columns of a table of positions exist; raises MetadataError."""
    if dataset.position.table:
        _key_and_columns(_source(image, dataset), dataset)


def _source(image: Image, dataset: Dataset) -> TableReader:
    return open_table(image, dataset.position.table, f"datasets.{dataset.name}.position.table")


def _key_and_columns(source: TableReader, dataset: Dataset) -> tuple[StoredColumn, tuple[tuple[Linear, str], ...]]:
    where = f"datasets.{dataset.name}.position"
    columns = tuple((each, source.column(each.column, where).name) for each in dataset.position.columns)
    return source.column(dataset.position.key, f"{where}.key"), columns


def find_places(image: Image, dataset: Dataset, staged: Staged) -> dict[str, Place]:
    """Return the place of every station.

    Raises
    ------
    ValueLossError
        A station has no position, more than one, or one that is nowhere on Earth.
    """
    where = f"datasets.{dataset.name}.position"
    asked = dataset.position.columns
    found = _from_table(image, dataset) if dataset.position.table else staged.positions
    places = {}
    for station in sorted(staged.stations):
        values, named = found.get(station, set()), printable(dataset.station.called(station))
        if asked and len(values) != 1:
            many = f"{len(values)} positions" if values else "no position"
            raise ValueLossError(
                f"{where}: {named} has {many}; a file has one: give numbers, or a table with one row for each station"
            )
        read = dict(zip(asked, next(iter(values), ()), strict=True))
        try:
            places[station] = Place(*(_number(each, read) for each in _ordered(dataset)))
        except ValueError as error:
            raise ValueLossError(f"{where}: {named}: {error}; see units and signs") from error
    return places


def _ordered(dataset: Dataset) -> tuple[Fraction | Linear, ...]:
    position = dataset.position
    return position.latitude, position.longitude, position.depth


def _number(spec: Fraction | Linear, read: dict[Linear, float]) -> float:
    return read[spec] if isinstance(spec, Linear) else float(spec)


def _from_table(image: Image, dataset: Dataset) -> dict[str, set[tuple[float, ...]]]:
    source = _source(image, dataset)
    key, columns = _key_and_columns(source, dataset)
    found: dict[str, set[tuple[float, ...]]] = {}
    for batch in source.batches(list(dict.fromkeys([key.name, *(name for _, name in columns)]))):
        stations = to_texts(batch.column(key.name), source.place(key.name), padded=source.padded(key))
        collect_positions(source, batch, stations, columns, found)
    return found
