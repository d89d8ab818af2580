"""Write `.i3` files for what no public file has: old frame versions, SeaTray-like particles, derived classes, hits.

The bytes are laid out as the public sources of IceTray say. That the reader reads them proves that it follows that
layout. It proves nothing about what SeaTray wrote: no public file of SeaTray is known, so its own classes, the order of
their members, and the tracking of its types remain open.
"""

import gzip
import struct

INFINITE, PRIMARY = 40, 10
MAJOR = 1 << 40


class Archive:
    """Writes one object: class info once for each class, object numbers where a class is tracked."""

    def __init__(self):
        self.out = bytearray()
        self.met = set()
        self.numbered = 0

    def put(self, letters, *values):
        self.out += struct.pack("<" + letters, *values)

    def text(self, text):
        data = text.encode()
        self.put("I", len(data))
        self.out += data

    def mark(self, name, version, tracked=1):
        if name not in self.met:
            self.met.add(name)
            self.put("BB", tracked, version)
        if tracked:
            self.put("I", self.numbered)
            self.numbered += 1

    def refer(self, number):
        """Stand for an object that was written before: its number and nothing else."""
        self.put("I", number)

    def base(self):
        self.mark("I3FrameObject", 0)

    def container(self, name, items, write):
        self.mark(name, 0, tracked=0)
        self.put("I", len(items))
        for item in items:
            write(item)

    def mapping(self, items, write):
        def pair(item):
            self.mark("pair", 0, tracked=0)
            write(item)

        self.container("map", items, pair)


def blob(name, version, write):
    """Return the bytes of an object of a frame; `write` writes its members."""
    archive = Archive()
    archive.put("BBh", 0, 1, 2)
    archive.text(name)
    archive.mark(name, version)
    write(archive)
    return bytes(archive.out)


# ---- objects


def double(value):
    return blob("I3Double", 0, lambda a: (a.base(), a.put("d", value)))


def integer(value):
    return blob("I3Int", 0, lambda a: (a.base(), a.put("i", value)))


def boolean(value):
    return blob("I3Bool", 0, lambda a: (a.base(), a.put("B", value)))


def text(value):
    return blob("I3String", 0, lambda a: (a.base(), a.text(value)))


def numbers(values, name="I3MapStringDouble", letter="d"):
    """Return a map of texts to numbers."""

    def write(a):
        a.base()
        a.mapping(list(values.items()), lambda item: (a.text(item[0]), a.put(letter, item[1])))

    return blob(name, 0, write)


def vector(name, letter, values):
    return blob(name, 0, lambda a: (a.base(), a.put("I", len(values)), a.put(f"{len(values)}{letter}", *values)))


def put_time(a, year, ticks):
    a.mark("I3Time", 0)
    a.base()
    a.put("iq", year, ticks)


def header(run, event, *, version=3, start=(2009, 5), end=(2009, 25000), subrun=3, subevent=4, stream="Split"):
    def write(a):
        a.base()
        a.put("I", run)
        if version > 0:
            a.put("I", subrun)
        a.put("I", event)
        if version > 1:
            a.put("i", 20)
        if version > 2:
            a.put("I", subevent)
            a.text(stream)
        put_time(a, *start)
        put_time(a, *end)

    return blob("I3EventHeader", version, write)


USUAL = {
    "minor": 7,
    "code": 6,
    "shape": INFINITE,
    "fit_status": 0,
    "location": 20,
    "x": 1.0,
    "y": 2.0,
    "z": 3.0,
    "zenith": 0.5,
    "azimuth": 1.5,
    "time": 10.0,
    "energy": 55.0,
    "length": 100.0,
    "speed": 0.25,
    "bx": 0.25,
    "by": 0.75,
}


def put_particle(a, version, *, weighted=False, **given):
    """Write the members of an I3Particle; `weighted` is IceCube's version 4, which has a weight before the location."""
    p = {**USUAL, **given}
    a.base()
    a.put("i", p["minor"])
    if version > 1:
        a.put("Q", MAJOR)
    if version == 0:
        a.put("ii", -1, -1)
    a.put("iii", p["code"], p["shape"], p["fit_status"])
    letter = "f" if version == 6 else "d"
    if version == 6:
        a.put("5f", p["x"], p["y"], p["z"], p["zenith"], p["azimuth"])
    else:
        a.mark("I3Position", 0)
        a.base()
        a.put("3d", p["x"], p["y"], p["z"])
        a.mark("I3Direction", 0)
        a.base()
        a.put("2d", p["zenith"], p["azimuth"])
    a.put(f"4{letter}", p["time"], p["energy"], p["length"], p["speed"])
    if version == 0:
        a.container("vector<I3Particle>", [], None)
        return
    if weighted:
        a.put("d", 17.5)
    a.put("i", p["location"])
    if version == 4 and not weighted:
        a.put("dd", p["bx"], p["by"])


def particle(version=4, **given):
    return blob("I3Particle", version, lambda a: put_particle(a, version, **given))


def derived(name="AntFit", *, version=2, particle_version=4, rest=bytes(100), **given):
    """Return an object of a class without public layout that begins with an I3Particle."""

    def write(a):
        a.mark("I3Particle", particle_version)
        put_particle(a, particle_version, **given)
        a.out += rest

    return blob(name, version, write)


def unknown(name="I3AntaresThing", rest=bytes(8)):
    def write(a):
        a.base()
        a.out += rest

    return blob(name, 0, write)


def nested_tree(nodes, version=4):
    """Return an I3MCTree of the older form; `nodes` are (particle members, number of children), depth first."""

    def write(a):
        a.base()
        a.put("I", 1)
        for given, children in nodes:
            a.mark("I3Particle", version)
            put_particle(a, version, **given)
            a.put("I", children)

    return blob("I3MCTree", 0, write)


def chunked_tree(chunks, version=5):
    """Return an I3MCTree of the newer form from (bits as text, particles' members) for each chunk."""

    def write(a):
        a.base()
        for bits, particles in chunks:
            words = [int(bits[n : n + 64][::-1], 2) for n in range(0, len(bits), 64)]
            a.put("II", len(bits), len(words))
            a.put(f"{len(words)}Q", *words)
            for given in particles:
                a.mark("I3Particle", version)
                put_particle(a, version, **given)

    return blob("I3MCTree", 1, write)


def triggers(entries, *, version=1, key_version=1):
    """Return a hierarchy of triggers that have no children: (type, fired)."""

    def write(a):
        a.base()
        a.put("I", len(entries))
        for kind, fired in entries:
            a.mark("I3Trigger", version)
            a.put("ddB", 100.0, 200.0, fired)
            a.mark("TriggerKey", key_version)
            a.put("ii", 40, kind)
            if key_version:
                a.put("i", 9)
            a.put("Bi", 1, 1006)
            a.put("I", 0)

    return blob("I3TriggerHierarchy", 0, write)


def put_om(a, version, om):
    a.mark("OMKey", version)
    if version < 2:
        a.base()
    a.put("iI", om[0], om[1])
    if version:
        a.put("B", 1)


PULSE_LETTERS = {0: "didd", 1: "diddi", 2: "fffB", 3: "dffB"}


def put_pulse(a, version, time, charge):
    values = {0: (time, 1, charge, 3.0), 1: (time, 1, charge, 3.0, 20), 2: (time, charge, 3.0, 1)}
    a.put(PULSE_LETTERS[version], *values.get(version, (time, charge, 3.0, 1)))


def put_mc_hit(a, version, time, charge):
    a.put("di", time, 1)
    a.put(*(("Qd", 2, charge) if version > 2 else ("d", charge)))
    a.put("i", 7)
    if version > 0:
        a.put("Q", MAJOR)
    a.put("d", 3.0)
    if version > 1:
        a.put("i", 0)


def put_reco_hit(a, version, time, charge):
    a.put("di", time, 1)
    if version:
        a.put("i", 20)


SERIES = {
    "I3RecoPulseSeriesMap": ("I3RecoPulse", put_pulse),
    "I3MCHitSeriesMap": ("I3MCHit", put_mc_hit),
    "I3RecoHitSeriesMap": ("I3RecoHit", put_reco_hit),
}


def series(channels, *, name="I3RecoPulseSeriesMap", version=3, om_version=2):
    """Return a map of optical modules (string, om) to hits (time, charge)."""
    item, put = SERIES[name]

    def write(a):
        def hit(one):
            a.mark(item, version)
            put(a, version, *one)

        a.base()
        a.mapping(
            list(channels.items()), lambda entry: (put_om(a, om_version, entry[0]), a.container("v", entry[1], hit))
        )

    return blob(name, 0, write)


def mask(source, modules, pulses, version=2):
    """Return a mask; `modules` and each of `pulses` are texts of bits, the first bit first."""

    def put_bits(a, bits):
        a.mark("bits", 0, tracked=0)
        size = (len(bits) + 7) // 8
        a.put("HB", size, size * 8 - len(bits))
        a.out += int(bits[::-1] or "0", 2).to_bytes(size, "little")

    def write(a):
        a.base()
        a.text(source)
        if version == 1:
            a.put("f", 1.0)
        put_bits(a, modules)
        a.container("vector", pulses, lambda bits: put_bits(a, bits))

    return blob("I3RecoPulseSeriesMapMask", version, write)


def union(sources):
    return blob("I3RecoPulseSeriesMapUnion", 0, lambda a: (a.base(), a.container("vector", sources, a.text)))


def geometry(modules, *, version=0, geo_version=0):
    """Return a detector; `modules` are (string, om) to z, m."""

    def put_geo(a, z):
        a.mark("I3OMGeo", geo_version)
        a.mark("I3Position", 0)
        a.base()
        a.put("3d", 1.0, 2.0, z)
        if geo_version == 0:
            a.put("i", 2)
        else:
            a.mark("I3Orientation", 0)
            a.base()
            a.mark("I3Quaternion", 0)
            a.base()
            a.put("4d", 0, 0, 0, 1)
        a.put("id", 20, 0.044)
        if geo_version == 0:
            a.put("d", 0.0)
        if geo_version > 1:
            a.put("i", 10)

    def write(a):
        a.base()
        if version:
            a.mark("I3OMGeoMap", 0)
            a.base()
        a.mapping(list(modules.items()), lambda item: (put_om(a, 0, item[0]), put_geo(a, item[1])))
        if version:
            a.mark("I3StationGeoMap", 0)
            a.base()
        a.container("map of tanks", [], None)
        put_time(a, 2008, 0)
        put_time(a, 2017, 0)

    return blob("I3Geometry", version, write)


# ---- frames


def _crc16(data):
    register = 0xFFFF
    for byte in data:
        register ^= byte << 8
        for _ in range(8):
            register = ((register << 1) ^ (0x1021 if register & 0x8000 else 0)) & 0xFFFF
    return register


def _crc32c(data):
    register = 0
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register


def _counted(data):
    return struct.pack("<I", len(data)) + data


def history(events=2):
    out = b"\0\0" + struct.pack("<I", events)
    for number in range(events):
        out += b"\1\0" if number == 0 else b""
        out += struct.pack("<I", number + 1)
        out += _counted(b"module") + b"P" + _counted(b"key") + _counted(b"type") + _counted(b"")
    return out


def frame(stream, objects, version=5, events=2):
    """Return a frame of a version from 2 to 6 with objects by key."""
    body = struct.pack("<I", len(objects))
    for key, data in objects.items():
        name = key if isinstance(key, bytes) else key.encode()
        body += _counted(name) + _counted(b"SomeType") + _counted(data)
    letter = stream.encode()
    if version >= 5:
        covered = letter + body
        checksum = _crc16(covered) if version == 5 else _crc32c(covered)
        return b"[i3]" + struct.pack("<I", version) + b"\0\0" + covered + struct.pack("<I", checksum)
    tracked = b"\1\0" + struct.pack("<I", 0)
    if version == 4:
        rest = tracked + letter + history(events) + body
        return b"[i3]" + struct.pack("<IQI", 4, len(rest), 12345) + rest
    rest = history(events) + tracked + letter + body
    return struct.pack("<I", version) + rest + (struct.pack("<QI", len(rest), 12345) if version == 3 else b"")


def antares_event(run, event, counter, *, version=5, **more):
    """Return a P frame as SeaTray may have written it, as far as public sources tell."""
    objects = {
        "I3EventHeader": header(run, event, version=2),
        "AntaresTriggerCounter": integer(counter),
        "AafitFinalFit": derived(
            "AntFitResult", zenith=0.25 + counter / 100, azimuth=1.5, energy=float("nan"), x=8200.0, y=2400.0, z=-2200.0
        ),
        "AafitLambdaFinalFit": double(-5.25 + counter),
        "AafitErrorEstimateFinalFit": double(0.004),
        "AafitFinalFitHitsUsed": series({(1, 4): [(5.0, 2.0)], (1, 7): [(6.0, 1.5), (9.0, 0.5)], (3, 2): [(7.0, 1.0)]}),
        "BBFitTrack": particle(zenith=0.75, azimuth=-1.0),
        "BBFitTChi2": double(1.75),
        "BBFitBright": particle(shape=30),
        "GridFit_FinalFitResult": particle(3),
        "AntTriggerHierarchy": triggers([(1, 1), (4, 0), (6, 1)], version=0),
        "AntMCTree": nested_tree(
            [
                ({"code": 69, "energy": 1e3, "shape": PRIMARY, "minor": 1}, 2),
                ({"code": 6, "energy": 600.0, "minor": 2}, 0),
                ({"code": -1006, "energy": 400.0, "minor": 3}, 0),
            ]
        ),
        "I3MCWeightDict": numbers({"OneWeight": 2.5, "GlobalWeight": 0.5, "NEvents": 1000.0}),
        "best_FirstDusjFit_FitResult": particle(shape=30, energy=5e3),
        "best_FirstDusjFit_FitResult_FinalLLHValues": numbers({"chargeLLH": 1.25, "timeLLH": 2.25}),
        "OMCondition": unknown(),
        **more,
    }
    return frame("P", {key: value for key, value in objects.items() if value is not None}, version)


def antares_file(path, events=((45978, 4, 100), (45978, 4, 101), (45978, 5, 90)), *, version=5, pack=None, **more):
    """Write a small file with a detector, an I frame and P frames; a name that ends with .gz is compressed."""
    data = frame("I", {"trayinfo": unknown("I3TrayInfo")}, version)
    data += frame("G", {"I3Geometry": geometry({(1, 1): 5.0, (1, 2): 15.0})}, version)
    data += b"".join(antares_event(*key, version=version, **more) for key in events)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path
