"""Objects, class by class and version by version, from written bytes.

The written bytes follow the public sources; `i3_builder` says what that does not prove.
"""

import math
import runpy
import struct
from pathlib import Path

import pytest

from converters.readers.i3.archive import Archive, announced
from converters.readers.i3.classes import particle, pulses
from converters.readers.i3.derived import particle_base
from converters.readers.i3.faults import FormatError, UnknownLayoutError
from converters.readers.i3.forms import FORMS
from converters.readers.i3.registry import CLASSES, decode
from converters.reread.i3_objects import particle_in

build = runpy.run_path(str(Path(__file__).parent / "i3_builder.py"))


def value(data):
    found = decode(data)
    assert found.left == 0
    return found.value


@pytest.mark.parametrize("version", range(7))
def test_particles(version):
    found = value(build["particle"](version, code=5, zenith=0.5, minor=9))
    assert (found.version, found.minor, found.code, found.shape, found.fit_status) == (version, 9, 5, 40, 0)
    assert (*found.position, *found.direction) == (1, 2, 3, 0.5, 1.5)
    assert (found.time, found.energy, found.length, found.speed) == (10, 55, 100, 0.25)
    assert found.location == (20 if version else -1)
    assert found.major == (1 << 40 if version > 1 else -1)
    if version == 4:
        assert (found.bjorken_x, found.bjorken_y) == (0.25, 0.75)
    else:
        assert math.isnan(found.bjorken_x)
        assert math.isnan(found.bjorken_y)


def test_the_two_versions_4_are_told_by_their_size():
    antares, icecube = build["particle"](4), build["particle"](4, weighted=True)
    assert len(antares) - len(icecube) == 8
    assert value(antares).bjorken_y == 0.75
    assert math.isnan(value(icecube).bjorken_y)
    assert value(icecube).location == 20


def test_newer_versions_are_not_guessed():
    data = build["blob"]("I3Particle", 7, lambda a: build["put_particle"](a, 5))
    with pytest.raises(UnknownLayoutError, match="I3Particle version 7"):
        decode(data)


PULSES = {(1, 2): [(10.0, 1.5)], (1, 3): [(20.0, 0.5), (30.0, 2.5)], (4, 5): [], (6, 7): [(40.0, 0.25)]}


@pytest.mark.parametrize(("name", "version"), FORMS)
def test_short_cuts_give_what_the_general_way_gives(name, version):
    data = {
        "I3Double": build["double"](1.5),
        "I3Int": build["integer"](-3),
        "I3Bool": build["boolean"](1),
        "I3LogLikelihoodFitParams": build["blob"](name, 0, lambda a: (a.base(), a.put("ddii", 1.5, -2.5, 3, 4))),
        "I3EventHeader": build["header"](45978, 12),
        "I3RecoPulseSeriesMap": build["series"](PULSES),
        "I3RecoPulseSeriesMapMask": build["mask"]("Pulses", "1101", ["1", "11", "00000001"]),
    }.get(name) or build["particle"](version, energy=1e3)
    short = FORMS[name, version].read(data)
    assert repr(short) == repr(decode(data).value)
    assert type(short) is type(decode(data).value)
    assert FORMS[name, version].read(data + b"\0") is None
    assert all(FORMS[name, version].read(data[:end]) is None for end in range(len(data)))
    for place in range(len(data)):
        for bit in range(8):
            changed = data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :]
            found = FORMS[name, version].read(changed)
            if found is not None:
                assert repr(found) == repr(decode(changed).value)


def test_no_pulses_at_all():
    data = build["series"]({})
    assert FORMS["I3RecoPulseSeriesMap", 0].read(data) == value(data) == []


def twice_the_first(a):
    """Write a tree of three particles, of which the last is the first once more."""
    a.base()
    a.put("IIQ", 4, 1, 0b1011)
    for given in ({"minor": 1}, {"minor": 2}):
        a.mark("I3Particle", 5)
        build["put_particle"](a, 5, **given)
    a.refer(2)


def everything_in_the_general_way(monkeypatch):
    """Leave out the ways that read many objects in one step."""
    monkeypatch.setattr(particle, "USUAL_VERSIONS", ())
    monkeypatch.setattr(pulses, "_USUAL_KEY", None)
    one_by_one = lambda archive, plain, number: [archive.object(plain.kind) for _ in range(number)]  # noqa: E731
    monkeypatch.setattr(Archive, "plain_objects", one_by_one)


def outcome(data):
    try:
        return repr(decode(data))
    except (FormatError, UnknownLayoutError):
        return "damaged"


@pytest.mark.parametrize(
    "data",
    [
        build["chunked_tree"]([("11010", [{"minor": 1}, {"minor": 2, "zenith": 0.25}, {"minor": 3}]), ("", [])]),
        build["blob"]("I3MCTree", 1, twice_the_first),
        build["series"](PULSES),
        build["series"](PULSES, version=1),
        build["series"](PULSES, name="I3MCHitSeriesMap"),
        build["series"](PULSES, name="I3RecoHitSeriesMap", version=0),
    ],
    ids=["tree", "references", "pulses", "old pulses", "simulated hits", "reconstructed hits"],
)
def test_many_objects_in_one_step_are_the_same_as_one_by_one(data, monkeypatch):
    places = range(8, len(data))
    changed = [data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :] for place in places for bit in (0, 3)]
    cut = [data[:end] for end in range(len(data))]
    quick = [outcome(one) for one in (data, *changed, *cut)]
    everything_in_the_general_way(monkeypatch)
    assert quick == [outcome(one) for one in (data, *changed, *cut)]
    assert quick[0] != "damaged"


def test_scalars():
    assert value(build["double"](-0.5)) == -0.5
    assert value(build["integer"](-7)) == -7
    assert value(build["boolean"](1)) is True
    assert value(build["text"]("d\u00e9tecteur")) == "d\u00e9tecteur"


@pytest.mark.parametrize("version", range(4))
def test_headers(version):
    found = value(build["header"](45978, 12, version=version))
    assert (found.run, found.event, found.start, found.end) == (45978, 12, (2009, 5), (2009, 25000))
    assert found.subrun == (3 if version else -1)
    assert (found.subevent, found.stream) == ((4, "Split") if version > 2 else (-1, ""))
    assert found.state == (20 if version > 1 else -1)


def test_maps_and_vectors():
    assert value(build["numbers"]({"a": 1.5, "b": -2.0})) == [("a", 1.5), ("b", -2.0)]
    assert value(build["numbers"]({"a": 3}, "I3MapStringInt", "i")) == [("a", 3)]
    assert value(build["numbers"]({"a": 1}, "I3MapStringBool", "B")) == [("a", True)]
    for name, letter, numbers in (
        ("I3VectorDouble", "d", [0.5, 1.5]),
        ("I3VectorUInt64", "Q", [1 << 63]),
        ("I3VectorShort", "h", [-2, 3]),
        ("I3VectorChar", "b", [-1]),
    ):
        assert value(build["vector"](name, letter, numbers)).tolist() == numbers


TREE = [({"minor": 1}, 2), ({"minor": 2}, 1), ({"minor": 3}, 0), ({"minor": 4}, 0)]


@pytest.mark.parametrize("version", [0, 2, 4, 5])
def test_nested_trees(version):
    found = value(build["nested_tree"](TREE, version))
    assert [(particle.minor, parent) for particle, parent in found] == [(1, -1), (2, 0), (3, 1), (4, 0)]


@pytest.mark.parametrize(
    ("bits", "parents"),
    [
        ("1", [-1]),
        ("100", [-1]),
        ("11100001", [-1, 0, 1, -1]),
        ("110101", [-1, 0, 0, 0]),
        ("1101001", [-1, 0, 0, -1]),
        ("101", [-1, -1]),
        ("11100100", [-1, 0, 1, 0]),
    ],
)
def test_chunked_trees(bits, parents):
    particles = [{"minor": n} for n in range(bits.count("1"))]
    found = value(build["chunked_tree"]([(bits, particles)]))
    assert [parent for _, parent in found] == parents
    assert [particle.minor for particle, _ in found] == list(range(len(parents)))


def test_a_tree_of_two_chunks():
    first, second = "1" + "0" * 65534, "1"
    found = value(build["chunked_tree"]([(first, [{"minor": 1}]), (second, [{"minor": 2}])]))
    assert [(particle.minor, parent) for particle, parent in found] == [(1, -1), (2, -1)]


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("key_version", [0, 1])
def test_triggers(version, key_version):
    (first, parent), (second, _) = value(build["triggers"]([(3, 1), (70, 0)], version=version, key_version=key_version))
    assert parent == -1
    assert (first.time, first.length) == ((100, 200) if version else (10, 20))
    assert (first.fired, second.fired, first.key.type, second.key.type) == (True, False, 3, 70)
    assert (first.key.source, first.key.subtype, first.key.config) == (40, 9 if key_version else -1, 1006)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        (f"I3{kind}SeriesMap", version)
        for kind, top in (("RecoPulse", 4), ("MCHit", 4), ("RecoHit", 2))
        for version in range(top)
    ],
)
def test_filled_hit_maps(name, version):
    channels = {(1, 5): [(10.5, 2.0), (11.5, 0.5)], (12, 75): [(9.0, 1.0)], (13, 1): []}
    found = value(build["series"](channels, name=name, version=version, om_version=version % 3))
    assert [(one.key.string, one.key.om) for one in found] == list(channels)
    assert [pulse.time for one in found for pulse in one.pulses] == [10.5, 11.5, 9.0]
    charges = [pulse.charge for one in found for pulse in one.pulses]
    assert charges == [2.0, 0.5, 1.0] or (name == "I3RecoHitSeriesMap" and all(map(math.isnan, charges)))


def test_an_object_of_another_class_is_not_taken_for_one_that_was_written_before():
    """A position that is said to be the object with the number of the particle's base."""
    good = build["particle"](4)
    position = good.index(struct.pack("<d", 1.0)) - 8
    assert good[position : position + 4] == struct.pack("<I", 2)
    with pytest.raises(FormatError, match="object number 1 is of the class I3FrameObject, not of I3Position"):
        decode(good[:position] + struct.pack("<I", 1) + good[position + 32 :])


@pytest.mark.parametrize("read", [particle_base, particle_in])
def test_a_particle_that_is_said_to_be_the_object_around_it(read):
    good = build["derived"]("AntFit")
    number = 4 + 4 + len("AntFit") + 2 + 4 + 2
    assert good[number : number + 4] == struct.pack("<I", 1)
    assert read(good) is not None
    assert read(good[:number] + struct.pack("<I", 0) + good[number + 4 :]) is None


@pytest.mark.parametrize("version", range(3))
def test_masks(version):
    found = value(build["mask"]("Pulses", "1010000001", ["1", "01", "111000111"], version))
    assert (found.source, found.modules, found.pulses) == ("Pulses", 0b1000000101, [1, 2, 0b111000111])


@pytest.mark.parametrize("bits", [[], ["1"], ["01", "1", "00000001", "1111111", "0"], ["1", "", "1"], ["1" * 9, "1"]])
def test_fields_of_one_byte_and_of_others(bits):
    data = build["mask"]("Pulses", "1" * len(bits), bits)
    expected = [int(field[::-1] or "0", 2) for field in bits]
    assert value(data).pulses == expected
    short = FORMS["I3RecoPulseSeriesMapMask", 2].read(data)
    assert short == (value(data) if all(1 <= len(field) <= 8 for field in bits) else None)


@pytest.mark.parametrize("field", [b"\1\0\x09\1", b"\1\0\xff\1", b"\1\1\0\1", b"\2\0\0\1", b"\0\0\1\0"])
def test_damaged_fields(field):
    good = build["mask"]("Pulses", "11", ["1", "11"])
    last = b"\1\0\6\3"
    assert good.endswith(last)
    with pytest.raises(FormatError):
        decode(good.removesuffix(last) + field)
    assert FORMS["I3RecoPulseSeriesMapMask", 2].read(good.removesuffix(last) + field) is None


def test_a_field_of_no_bits_has_a_byte():
    """As in real files, where a module has no pulse."""
    data = build["mask"]("Pulses", "11", ["1", "11"]).removesuffix(b"\6\3") + b"\x08\0"
    assert decode(data).value.pulses == FORMS["I3RecoPulseSeriesMapMask", 2].read(data).pulses == [1, 0]


def test_bits_that_a_field_does_not_use_do_not_count():
    good = build["mask"]("Pulses", "11", ["1", "11"])
    other = good.removesuffix(b"\3") + b"\xff"
    assert decode(other).value.pulses == FORMS["I3RecoPulseSeriesMapMask", 2].read(other).pulses == [1, 3]


@pytest.mark.parametrize("version", [0, 1])
@pytest.mark.parametrize("geo_version", [0, 1, 2])
def test_geometry(version, geo_version):
    found = value(build["geometry"]({(1, 1): 5.0, (1, 2): 15.0}, version=version, geo_version=geo_version))
    assert [(key.string, key.om, geo.position.z, geo.om_type) for key, geo in found.modules] == [
        (1, 1, 5.0, 20),
        (1, 2, 15.0, 20),
    ]
    assert (found.start, found.end) == ((2008, 0), (2017, 0))


@pytest.mark.parametrize("particle_version", [1, 2, 3, 4, 5])
def test_classes_that_begin_with_a_particle(particle_version):
    data = build["derived"]("AntFit", version=3, particle_version=particle_version, rest=bytes(96), energy=7.0)
    with pytest.raises(UnknownLayoutError, match="AntFit"):
        decode(data)
    found = particle_base(data)
    assert (found.particle.energy, found.particle.version, found.left) == (7.0, particle_version, 96)


def test_other_unknown_classes_are_no_particles():
    for data in (build["unknown"](), build["unknown"](rest=bytes(300)), build["derived"](shape=41)):
        assert particle_base(data) is None
    shifted = build["blob"](
        "AntFit", 1, lambda a: (a.put("I", 5), a.mark("I3Particle", 4), build["put_particle"](a, 4))
    )
    assert particle_base(shifted) is None


def test_bytes_behind_the_layout_are_told():
    assert decode(build["particle"](3) + bytes(16)).left == 16
    assert decode(build["double"](1.5) + b"\1").left == 1


@pytest.mark.parametrize("name", ["double", "particle", "nested_tree", "series"])
def test_every_cut_is_an_error(name):
    data = {
        "double": build["double"](1.5),
        "particle": build["particle"](5),  # a shorter version 4 can be IceCube's
        "nested_tree": build["nested_tree"](TREE, 5),
        "series": build["series"]({(1, 5): [(10.5, 2.0)]}),
    }[name]
    for end in range(len(data)):
        with pytest.raises(FormatError):
            decode(data[:end])


def test_references_give_the_earlier_object():
    def write(a):
        a.base()
        a.container("vector<I3Particle>", [1, 2], lambda n: particle(a) if n == 1 else a.refer(2))

    def particle(a):
        a.mark("I3Particle", 5)
        build["put_particle"](a, 5, minor=33)

    found = value(build["blob"]("I3ParticleVect", 0, write))
    assert [particle.minor for particle in found] == [33, 33]
    assert found[0] is found[1]


def test_an_object_cannot_lie_in_itself():
    def write(a):
        a.base()
        a.put("i", 1)
        a.put("ii", -1, -1)
        a.put("iii", 6, 40, 0)
        a.mark("I3Position", 0)
        a.base()
        a.put("3d", 0, 0, 0)
        a.mark("I3Direction", 0)
        a.base()
        a.put("2d", 0, 0)
        a.put("4d", 0, 0, 0, 0)
        a.container("vector<I3Particle>", [1], lambda _: a.refer(0))

    with pytest.raises(FormatError, match="lies in itself"):
        decode(build["blob"]("I3Particle", 0, write))


def test_nesting_is_bounded():
    def nested(a, depth):
        a.mark("I3Particle", 0)
        members(a, depth)

    def members(a, depth):
        a.base()
        a.put("i", 1)
        a.put("ii", -1, -1)
        a.put("iii", 6, 40, 0)
        a.mark("I3Position", 0)
        a.base()
        a.put("3d", 0, 0, 0)
        a.mark("I3Direction", 0)
        a.base()
        a.put("2d", 0, 0)
        a.put("4d", 0, 0, 0, 0)
        a.container("vector<I3Particle>", [1] * (depth > 0), lambda _: nested(a, depth - 1))

    assert value(build["blob"]("I3Particle", 0, lambda a: members(a, 50)))
    with pytest.raises(FormatError, match="deep"):
        decode(build["blob"]("I3Particle", 0, lambda a: members(a, 100)))


@pytest.mark.parametrize("count", [1000, 1 << 31, 0xFFFFFFFF])
@pytest.mark.parametrize("name", ["I3VectorDouble", "I3VectorBool", "I3MapStringDouble", "I3RecoPulseSeriesMap"])
def test_absurd_counts(name, count):
    opening = build["blob"](name, 0, lambda a: a.base())
    mark = b"" if name.startswith("I3Vector") else b"\0\0"
    data = opening + mark + struct.pack("<I", count) + b"\xff" * 60
    with pytest.raises(FormatError, match="do not fit"):
        decode(data)


def test_wide_versions_and_counts():
    data = build["double"](1.5)
    wide = data[:16] + b"\1\xff" + struct.pack("<Q", 0) + data[18:]
    assert announced(wide).version == 0
    assert decode(wide).value == 1.5
    archive = Archive(b"\xff\xff\xff\xff" + struct.pack("<Q", 2) + b"ab")
    assert archive.text() == "ab"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"\0\1\2\0",
        b"\0\1\2\0\5\0\0\0abc",
        b"\1\1\2\0\1\0\0\0a\0\0",
        b"\0\1\2\0\0\0\0\0\0\0\0\0",
        b"\xff" * 40,
    ],
)
def test_what_is_no_object(data):
    with pytest.raises(FormatError, match="does not begin like one"):
        announced(data)


def test_null_pointers_have_no_class():
    assert announced(b"\0\1\xff\xff").name == ""
    assert announced(b"\0\1\xff\xff" + bytes(20)).name == ""
    with pytest.raises(UnknownLayoutError, match="null pointer"):
        decode(b"\0\1\xff\xff")


def test_names_are_unique_and_exported_ones():
    assert len(CLASSES) >= 40
    assert all(kind.name == name and name[0].isupper() for name, kind in CLASSES.items())
