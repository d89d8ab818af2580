"""The registry of columns, and every table of the product: units, descriptions, UCDs."""

import warnings

import numpy as np
import pytest
from astropy import units
from astropy.io.votable.ucd import check_ucd

from converters import layout
from legacy import columns
from legacy.model import ColumnSpec, TableSpec

TABLES = [
    layout.EVENTS_TABLE,
    layout.GROUP_INFO_TABLE,
    layout.EVENT_INFO_TABLE,
    layout.MC_TRACKS_TABLE,
    layout.mc_info_table(),
    layout.reco_table("x", (), "A fit"),
    layout.raw_header_table((1, 1, 1, 1)),
    layout.header_table(dict.fromkeys(layout.HEADER_FIELDS, 1)),
    layout.PARAMETERS_TABLE,
    layout.PROVENANCE_TABLE,
    layout.COVERAGE_TABLE,
]
ALL = [
    *((f"registry.{column.name}", column) for column in columns.registered()),
    *((f"{table.path}.{column.name}", column) for table in TABLES for column in table.columns),
]

# Attributes that km3pipe's Table has itself; tables with rows per event must not have them as columns.
FORBIDDEN = {"name", "h5loc", "split_h5", "h5singleton"}


def test_nothing_is_forgotten() -> None:
    """Every table and column that the two modules define is in the lists above."""
    specs = {id(value) for value in vars(layout).values() if isinstance(value, TableSpec)}
    assert specs <= {id(table) for table in TABLES}
    singles = {value for value in vars(columns).values() if isinstance(value, ColumnSpec)}
    groups = {
        column
        for value in vars(columns).values()
        if isinstance(value, tuple) and value and all(isinstance(item, ColumnSpec) for item in value)
        for column in value
    }
    assert singles | groups <= set(columns.registered())


@pytest.mark.parametrize(("name", "column"), ALL, ids=[name for name, _ in ALL])
def test_column(name: str, column: ColumnSpec) -> None:
    assert len(column.description) >= 4
    assert column.description[0].isupper() or not column.description[0].isalpha()
    assert not column.description.endswith(".")
    assert column.name.isidentifier()
    assert np.dtype(column.dtype).kind in "fiS"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        unit = units.Unit(column.unit, format="vounit")
    if column.unit:
        assert unit != units.dimensionless_unscaled
    if column.ucd:
        assert check_ucd(column.ucd, check_controlled_vocabulary=True), column.ucd


@pytest.mark.parametrize("table", TABLES, ids=[table.path for table in TABLES])
def test_table(table: TableSpec) -> None:
    names = [column.name for column in table.columns]
    assert len(set(names)) == len(names)
    assert table.path.startswith("/")
    assert table.description
    if "group_id" in names:
        assert names[0] == "group_id"
        assert table.column("group_id").dtype == "i8"


@pytest.mark.parametrize("table", TABLES, ids=[table.path for table in TABLES])
def test_km3pipe_can_read_every_table(table: TableSpec) -> None:
    assert not FORBIDDEN & {column.name for column in table.columns}


def test_one_name_has_one_meaning() -> None:
    """A name has one unit in all tables with rows per event."""
    found: dict[str, set[str]] = {}
    for column in columns.registered():
        found.setdefault(column.name, set()).add(column.unit)
    assert {name: seen for name, seen in found.items() if len(seen) > 1} == {}


def test_the_documented_columns_are_there() -> None:
    names = [column.name for column in columns.EVENTS]
    expected = (
        "group_id event_id internal_id run_id frame_index trigger_counter trigger_mask timestamp nanoseconds mjd "
        "ra dec zenith azimuth dir_x dir_y dir_z pos_x pos_y pos_z angular_error energy quality n_hits n_lines reco "
        "mc_energy mc_pdgid mc_zenith mc_azimuth mc_is_cc mc_bjorken_y weight_w1 weight_w2 weight_w3"
    )
    assert sorted(names) == sorted(expected.split())
