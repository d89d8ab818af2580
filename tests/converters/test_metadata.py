"""The user's metadata file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from converters.layout import HEADER_FIELDS
from converters.metadata import ANTARES_DEFAULTS, DEFAULTS, LICENSES, SETTABLE, header_values, read_metadata
from legacy.errors import MetadataError

MakeEvt = Callable[..., Path]


def read(tmp_path: Path, text: str) -> dict[str, str]:
    path = tmp_path / "meta.yaml"
    path.write_text(text, encoding="utf-8")
    return read_metadata(path)


def test_every_key_can_be_given(tmp_path: Path) -> None:
    special = {"license": "CC-BY-4.0", "measurement_start": "2007-01-29", "measurement_stop": "2017-12-31T23:59:59Z"}
    given = {key: special.get(key, f"my {key} é") for key in SETTABLE}
    assert read(tmp_path, json.dumps(given, ensure_ascii=False)) == given
    assert {*SETTABLE, "creation_date"} == set(HEADER_FIELDS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("measurement_start: 2007-01-29", "2007-01-29"),
        ("measurement_start: 2007-01-29T10:00:00Z", "2007-01-29T10:00:00Z"),
        ("measurement_start: 2007-01-29T12:00:00+02:00", "2007-01-29T10:00:00Z"),
        ("measurement_start: '2007-01-29 10:00'", "2007-01-29 10:00"),
        ("version: 1.0", "1.0"),
        ("version: 2", "2"),
        ("title: '  spaces  '", "spaces"),
    ],
)
def test_values_become_text(text: str, expected: str, tmp_path: Path) -> None:
    assert list(read(tmp_path, text).values()) == [expected]


BAD = {
    "unknown key": ("autor: me", "unknown key 'autor'; did you mean 'author'?"),
    "creation date": ("creation_date: 2007-01-29", "unknown key 'creation_date'"),
    "far off key": ("qqqq: me", "known are: author, contact"),
    "licence": ("license: CC-BY-4", "unknown license 'CC-BY-4'; did you mean 'CC-BY-"),
    "licence made up": ("license: free beer", "unknown license 'free beer'"),
    "start after stop": (
        "measurement_start: 2010-01-01\nmeasurement_stop: 2009-12-31",
        "measurement_start 2010-01-01 is after measurement_stop 2009-12-31",
    ),
    "start after stop by zone": (
        "measurement_start: '2010-01-01T00:00:00Z'\nmeasurement_stop: '2010-01-01T00:30:00+01:00'",
        "is after",
    ),
    "no time": ("measurement_start: yesterday", "expected a time such as"),
    "no such day": ("measurement_start: '2007-02-30'", "expected a time such as"),
    "no such day as YAML date": ("measurement_start: 2007-02-30", "cannot be"),
    "time out of range": ("measurement_start: 0001-01-01T00:00:00+05:00", "no date in UTC"),
    "list": ("author: [a, b]", "must be text, found list"),
    "bool": ("title: yes", "must be text, found bool"),
    "null": ("title:", "must be text, found NoneType"),
    "no mapping": ("- a\n- b", "expected a mapping"),
    "empty": ("", "found NoneType"),
    "no YAML": ("a: b: c", "not YAML"),
    "tag": ("title: !!python/object/apply:os.system ['true']", "not YAML"),
    "deep": ("[" * 5000, "not YAML"),
    "digits": ("version: " + "9" * 5000, "cannot be"),
    "number as key": ("1: a", "unknown key '1'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_metadata(case: str, tmp_path: Path) -> None:
    text, problem = BAD[case]
    with pytest.raises(MetadataError) as raised:
        read(tmp_path, text)
    message = str(raised.value)
    assert problem in message
    assert "meta.yaml" in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"\xff\xfe\xfd", b"title: " + b"x" * (1 << 20)])
def test_not_text_or_too_large(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "meta.yaml"
    path.write_bytes(content)
    with pytest.raises(MetadataError, match=r"meta\.yaml"):
        read_metadata(path)


def test_aliases_do_not_explode(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(MetadataError, match="unknown key 'a0'"):
        read(tmp_path, "\n".join(lines))


def test_bad_metadata_stop_the_command_before_any_work(
    cli: Callable[..., Any], make_evt: MakeEvt, tmp_path: Path
) -> None:
    meta = tmp_path / "meta.yaml"
    for text in ("autor: me", "license: mine", "measurement_start: 2010-01-01\nmeasurement_stop: 2009-12-31"):
        meta.write_text(text)
        ran = cli("convert", make_evt(tmp_path / "a.evt"), "-o", tmp_path / "out", "--metadata", meta)
        assert ran.code == 1
        assert len(ran.err.splitlines()) == 1
        assert "meta.yaml" in ran.err
        assert not (tmp_path / "out").exists()


def test_metadata_reach_the_product(cli: Callable[..., Any], make_evt: MakeEvt, tmp_path: Path) -> None:
    meta = tmp_path / "meta.yaml"
    meta.write_text("title: Été à La Seyne\nlicense: CC-BY-4.0\nauthor: J. Doe\n", encoding="utf-8")
    out = tmp_path / "out"
    assert cli("convert", make_evt(tmp_path / "a.evt"), "-o", out, "--metadata", meta).code == 0
    header = json.loads(cli("show", out / "a.l3.h5", "--header", "--json").out)["header"]
    assert header["title"] == "Été à La Seyne"
    assert header["license"] == "CC-BY-4.0"
    assert header["author"] == "J. Doe"
    assert header["creation_date"].endswith("Z")
    steps = json.loads(cli("show", out / "a.l3.h5", "--provenance", "--json").out)["provenance"]
    assert json.loads(steps[-1]["parameters"])["metadata"]["license"] == "CC-BY-4.0"


@pytest.mark.parametrize("antares", [True, False])
def test_defaults(antares: bool) -> None:
    values = header_values(
        {}, antares=antares, instrument="ORCA", start="2007-01-29T00:00:00Z", stop=None, created="now"
    )
    assert list(values) == [*SETTABLE, "creation_date"]
    assert values["instrument"] == ("ANTARES" if antares else "ORCA")
    assert values["license"] == "unspecified"
    assert values["measurement_start"] == "2007-01-29T00:00:00Z"
    assert values["measurement_stop"] == ""
    assert values["publisher"] == (ANTARES_DEFAULTS if antares else DEFAULTS)["publisher"]
    assert set(DEFAULTS) == set(ANTARES_DEFAULTS) == set(SETTABLE)
    assert DEFAULTS["license"] in LICENSES


def test_what_the_user_says_wins() -> None:
    given = {"instrument": "mine", "measurement_start": "2000-01-01"}
    values = header_values(given, antares=True, instrument="", start="2007", stop="2008", created="now")
    assert values["instrument"] == "mine"
    assert values["measurement_start"] == "2000-01-01"
    assert values["measurement_stop"] == "2008"
