"""Write small HDF5 files as SeaTray's tableio does, for what the one public sample does not have."""

from pathlib import Path

import h5py
import numpy as np

KEY = [("Run", "<u4"), ("Event", "<u4"), ("exists", "u1"), ("TriggerCounter", "<i4")]
INDEX = np.dtype([*KEY, ("start", "<u8"), ("stop", "<u8")])
FIT = [
    ("x", "f8"),
    ("y", "f8"),
    ("z", "f8"),
    ("zenith", "f8"),
    ("azimuth", "f8"),
    ("energy", "f8"),
    ("quality", "f8"),
    ("nUsedLines", "<i4"),
    ("nUsedHits", "<i4"),
]


def rows(keys, fields=FIT, seed=1):
    """Make rows for keys (Run, Event, TriggerCounter); None is an empty frame."""
    random = np.random.default_rng(seed)
    table = np.zeros(len(keys), dtype=[*KEY, *fields])
    for number, key in enumerate(keys):
        if key is None:
            table[number]["TriggerCounter"] = -1
            continue
        row = table[number]
        row["Run"], row["Event"], row["TriggerCounter"] = key
        row["exists"] = 1
        for name, _ in fields:
            if row[name].dtype.kind in "fiu" and row[name].ndim == 0:
                row[name] = random.uniform(0.1, 3)
    return table


def index_of(table, sizes=None):
    """Make the index of a table with one row per frame, or with `sizes` rows."""
    index = np.zeros(len(table), dtype=INDEX)
    index["TriggerCounter"] = -1
    start = 0
    for number, row in enumerate(table):
        index[number]["Run"], index[number]["Event"] = row["Run"], row["Event"]
        size = 1 if sizes is None else sizes[number]
        if row["exists"] and size:
            index[number]["exists"] = 1
            index[number]["start"], index[number]["stop"] = start, start + size
        start += size
    return index


def write(path: Path, tables, indices=None, marks=None, units=None):
    """Write tables with their index; `marks` says which are ragged, `units` gives FIELD_n_UNIT."""
    with h5py.File(path, "w") as file:
        group = file.create_group("__I3Index__")
        for name, table in tables.items():
            made = file.create_dataset(name, data=table)
            mark = (marks or {}).get(name, 0)
            if mark is not None:
                made.attrs["__I3RaggedTable__"] = np.array([mark], dtype="i1")
            for number, field in enumerate(table.dtype.names):
                made.attrs[f"FIELD_{number}_NAME"] = np.bytes_(field.encode())
                made.attrs[f"FIELD_{number}_UNIT"] = np.bytes_((units or {}).get(field, "").encode())
                made.attrs[f"FIELD_{number}_DOC"] = np.bytes_(b"what it is" if field == "x" else b"")
            index = (indices or {}).get(name, index_of(table))
            if index is not None:
                group.create_dataset(name, data=index)
    return path


def write_hits(path: Path, name: str, sizes):
    """Add the table of used hits of a fit: `sizes` hits for each of its rows."""
    with h5py.File(path, "a") as file:
        fits = file[name][()]
        keys = np.repeat(fits[[*("Run", "Event", "exists", "TriggerCounter")]], sizes)
        hits = np.zeros(len(keys), dtype=[*KEY, ("vector_index", "<u8"), ("time", "f8")])
        for field, _ in KEY:
            hits[field] = keys[field]
        made = file.create_dataset(f"{name}HitsUsed", data=hits)
        made.attrs["__I3RaggedTable__"] = np.array([1], dtype="i1")
        file["__I3Index__"].create_dataset(f"{name}HitsUsed", data=index_of(fits, list(sizes)))
    return path
