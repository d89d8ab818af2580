"""URLs of files behind doors, and what doors say about checksums; no server is needed for these."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.item import Sums
from ingest.storage.xrootd import parse_checksum
from ingest.storage.xrootd_url import XrootdUrl, is_xrootd, parse_xrootd_url
from legacy.errors import InputError


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("root://door.example//a/b", XrootdUrl("root", "door.example", 0, "/a/b")),
        ("root://door.example:1095//a/b/", XrootdUrl("root", "door.example", 1095, "/a/b")),
        ("roots://Door.Example//a", XrootdUrl("roots", "door.example", 0, "/a")),
        ("xroot://127.0.0.1//with space/per%20cent#x", XrootdUrl("xroot", "127.0.0.1", 0, "/with space/per%20cent#x")),
        ("root://[::1]:1094//a", XrootdUrl("root", "[::1]", 1094, "/a")),
        ("root://door.example//", XrootdUrl("root", "door.example", 0, "/")),
    ],
)
def test_good_urls(text: str, url: XrootdUrl) -> None:
    assert parse_xrootd_url(text) == url
    assert parse_xrootd_url(str(url)) == url


@pytest.mark.parametrize(
    "text",
    [
        "/a/b",
        "http://door.example//a",
        "root:/door.example/a",
        "root://door.example",
        "root://door.example/a",
        "root:////a",
        "root://user@door.example//a",
        "root://user:secret@door.example//a",
        "root://door.example:0//a",
        "root://door.example:99999//a",
        "root://door.example:x//a",
        "root://-door//a",
        "root://door example//a",
        "root://door.example//a//b",
        "root://door.example///a",
        "root://door.example//a/../b",
        "root://door.example//..",
        "root://door.example//./a",
        "root://door.example//a?authz=x",
        "root://door.example//a\nb",
        "root://door.example//a\x1b[2J",
        "root://door.example//a\udcff",
        "root://door.example?x//a",
        "root://door.example#x//a",
    ],
)
def test_bad_urls(text: str) -> None:
    with pytest.raises(InputError) as said:
        parse_xrootd_url(text)
    assert str(said.value).isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("root://user:secret@door.example//a", "root://...@door.example//a: cannot"),
        ("root://user:se@cret@door.example:99999//a", "root://...@door.example:99999//a: cannot"),
        ("root://door.example//a?authz=secret", "root://door.example//a?...: has '?'"),
        ("root://door.example?authz=secret//a", "root://door.example?...: cannot"),
    ],
)
def test_no_message_has_a_password_or_token(text: str, shown: str) -> None:
    with pytest.raises(InputError) as said:
        parse_xrootd_url(text)
    assert str(said.value).startswith(shown)
    assert "cret" not in str(said.value)


@given(st.text())
def test_any_text(text: str) -> None:
    for wrapped in (text, f"root://door//{text}"):
        try:
            url = parse_xrootd_url(wrapped)
        except InputError:
            continue
        assert ".." not in url.path.split("/")
        assert parse_xrootd_url(str(url)) == url


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("root://d//x", True), ("ROOTS://d//x", True), ("/root://x", False), ("root", False), ("rootd://d//x", False)],
)
def test_is_xrootd(text: str, is_one: bool) -> None:
    assert is_xrootd(text) is is_one


@pytest.mark.parametrize(
    ("answer", "sums"),
    [
        (b"adler32 084b021f\x00", Sums(adler32="084b021f", by="door")),
        (b"adler32 84b021f", Sums(adler32="084b021f", by="door")),
        (b"ADLER32 084B021F\n", Sums(adler32="084b021f", by="door")),
        (b"md5 900150983cd24fb0d6963f7d28e17f72\x00", Sums(md5="900150983cd24fb0d6963f7d28e17f72", by="door")),
        (b"adler32 084b021f extra", Sums(adler32="084b021f", by="door")),
        (b"sha256 " + b"a" * 64, Sums(sha256="a" * 64, by="door")),
        (b"crc32c 12345678\x00", Sums()),
        (b"adler32 0084b021f0\x00", Sums()),
        (b"adler32 xyz\x00", Sums()),
        (b"adler32 +84b021f\x00", Sums()),
        (b"adler32", Sums()),
        (b"", Sums()),
        (b"\xff\xfe \x00", Sums()),
        (b"query chksum is not supported", Sums()),
    ],
)
def test_answers_about_checksums(answer: bytes, sums: Sums) -> None:
    assert parse_checksum(answer) == sums
