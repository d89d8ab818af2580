"""Every rule of the lint: a good definition has no finding, and one fault in it has one."""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.lint.run import lint_file

GOOD = """\
Bootstrap: {{ BOOTSTRAP }}
From: {{ FROM }}

%arguments
    BOOTSTRAP=localimage
    FROM=base.sif

%labels
    org.opencontainers.image.title small
    org.opencontainers.image.version 1
    org.opencontainers.image.revision 1
    org.opencontainers.image.source antares-legacy: containers/recipes/small
    org.opencontainers.image.licenses BSD-3-Clause
    org.opencontainers.image.base.name antares-legacy/base

%help
    A small image.

%files
    requirements.lock /opt/antares-legacy/build/requirements.lock
    test.sh /opt/antares-legacy/tests/small.sh

%post
    set -eu
    # the address of the file: https://example.org/a.tar.gz
    curl -fsSLo a.tar.gz https://example.org/a.tar.gz
    echo "1111  a.tar.gz" | sha256sum -c -
    python3 -m pip install --require-hashes -r /opt/antares-legacy/build/requirements.lock
    python3 -m pip install --no-deps --no-index wheels/antares_legacy-*.whl
    /opt/antares-legacy/bin/python /opt/antares-legacy/libexec/write_sbom.py small "Small"

%environment
    export SMALL=1

%test
    set -eu
    [ "$SMALL" = 1 ]
    exec /bin/sh /opt/antares-legacy/tests/small.sh

%apphelp look
    Look at a file.

%apprun look
    exec look "$@"

%apptest look
    set -eu
    look --version
"""


@pytest.fixture
def rules(tmp_path: Path) -> Callable[[str], list[tuple[str, int]]]:
    """Return a function that writes a definition, checks it, and returns rules and lines."""

    def check(text: str) -> list[tuple[str, int]]:
        path = tmp_path / "small.def"
        path.write_text(text, encoding="utf-8")
        return [(finding.rule, finding.line) for finding in lint_file(path)]

    return check


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_good_definition_has_no_finding(rules: Callable[[str], list[tuple[str, int]]]) -> None:
    assert rules(GOOD) == []


FAULTS = [
    # what is replaced, what stands there instead, the rule, the part whose line is named ("" for the whole file)
    ("%post\n", "%psot\n", "section-name", "%psot"),
    ("%post\n", "%psot\n", "required-section", ""),
    ("%apprun look\n", "%apprun\n", "section-name", "%apprun"),
    ("%help\n    A small image.\n", "", "required-section", ""),
    ("    A small image.\n", "", "required-section", "%help"),
    ("%environment", "%help\n    Again.\n\n%environment", "section-name", "%help\n    Again"),
    ("%test\n", "Bootstrap: docker\nFrom: x\n\n%test\n", "one-stage", "Bootstrap: docker"),
    ("%apphelp look\n    Look at a file.\n", "", "app-section", "%apprun look"),
    ("From: {{ FROM }}", "From: {{ FORM }}", "arguments", "{{ FORM }}"),
    ("FROM=base.sif", "FROM=base.sif\n    OTHER=1", "arguments", "%arguments"),
    ("    org.opencontainers.image.licenses BSD-3-Clause\n", "", "labels", "%labels"),
    ("image.revision 1", "image.revision", "labels", "%labels"),
    ("image.base.name antares-legacy/base", "image.vendor x", "labels", "%labels"),
    ("FROM=base.sif", "FROM=other.sif", "pinned-base", "From:"),
    ("BOOTSTRAP=localimage", "BOOTSTRAP=docker", "pinned-base", "From:"),
    ("BOOTSTRAP=localimage", "BOOTSTRAP=library", "pinned-base", "Bootstrap:"),
    ("FROM=base.sif", "FROM=debian:latest", "no-latest", "debian:latest"),
    ("example.org/a.tar.gz\n    echo", "example.org/latest/a.tar.gz\n    echo", "no-latest", "example.org/latest"),
    ('    echo "1111  a.tar.gz" | sha256sum -c -\n', "", "checked-download", "curl"),
    ("sha256sum -c -", "sha256sum", "checked-download", "curl"),
    ("    echo", "    wget https://example.org/b\n    echo", "checked-download", "curl"),
    ("| sha256sum -c -", "| sha256sum -c -\n    git clone https://example.org/r", "checked-download", "git clone"),
    ("| sha256sum -c -", "| sha256sum -c -\n    x=$(curl https://example.org/r)", "checked-download", "x=$(curl"),
    ("-fsSLo a.tar.gz https://example.org/a.tar.gz\n", "https://example.org/a | sh\n", "checked-download", "curl"),
    ("curl -fsSLo", "curl -kfsSLo", "verified", "curl -k"),
    ("curl -fsSLo", "curl --insecure -o", "verified", "curl --insecure"),
    ("pip install --require-hashes -r", "pip install -r", "locked-packages", "pip install -r"),
    ("pip install --no-deps --no-index wheels/antares_legacy-*.whl", "pip install numpy", "locked-packages", "numpy"),
    ("    look --version", "    wget https://example.org/x", "quiet-test", "wget"),
    ("    look --version", "    apt-get update", "quiet-test", "apt-get"),
    ("    look --version", "    if look; then pip install x; fi", "quiet-test", "pip install x"),
    ("    look --version", "    git ls-remote https://example.org/x", "quiet-test", "git ls"),
    ("%test\n    set -eu\n", "%test\n", "set-e", '    [ "$SMALL"'),
    ("%post\n    set -eu\n", "%post\n    true\n", "set-e", "    true"),
    ("    look --version", "    if then look", "shell-syntax", "if then"),
    ("%post\n", "%post -c /usr/bin/python3\n", "shell-syntax", "    set -eu\n    # the"),
    ('[ "$SMALL" = 1 ]', '[ "$LARGE" = 1 ]', "unset-variable", "$LARGE"),
    ("SMALL=1", "SMALL=/home/somebody/data", "machine-path", "/home"),
    ("SMALL=1", "SMALL=~somebody/data", "machine-path", "~some"),
    ("SMALL=1", "https_proxy=x", "proxy", "https_proxy"),
    ("SMALL=1", "SMALL=http://user:word@example.org", "secret", "user:word"),
    ("SMALL=1", "SMALL=https://nexus.example.org/repository", "registry", "nexus"),
    ("SMALL=1", "SMALL=http://10.1.2.3/files", "registry", "10.1.2.3"),
    ("SMALL=1", "SMALL=http://build-host/files", "registry", "build-host"),
    ("--require-hashes", "--index-url=x --require-hashes", "registry", "--index-url"),
    ("A small image.", "Ask somebody@example.org.", "person", "somebody@"),
    ("    test.sh /opt", "    /etc/passwd /opt", "files", "/etc/passwd"),
    ("    test.sh /opt", "    ../test.sh /opt", "files", "../test.sh"),
    ("    test.sh /opt/antares-legacy/tests/small.sh", "    test.sh", "files", "    test.sh"),
    ("libexec/write_sbom.py", "bin/other.py", "sbom", ""),
    ("libexec/write_sbom.py", "bin/other.py", "licences", ""),
]


@pytest.mark.parametrize(("old", "new", "rule", "part"), FAULTS, ids=[f"{f[2]}-{n}" for n, f in enumerate(FAULTS)])
def test_a_fault_is_found(
    rules: Callable[[str], list[tuple[str, int]]], old: str, new: str, rule: str, part: str
) -> None:
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    assert (rule, line_of(text, part) if part else 0) in rules(text)


HARMLESS = [
    ("    look --version", "    curl -fs http://127.0.0.1:8001/x\n    command -v wget || true"),
    ("    look --version", "    echo 'curl https://example.org | sh'  # pip install x"),
    ("| sha256sum -c -", "| sha256sum -c -\n    git clone x\n    git -C x checkout " + "a" * 40),
    ("BOOTSTRAP=localimage\n    FROM=base.sif", "BOOTSTRAP=docker\n    FROM=debian@sha256:" + "a" * 64),
    ("    look --version", '    for name in a b; do look "$name" "${EXTRA:-}"; done; read -r line; look "$line"'),
    ('%test\n    set -eu\n    [ "$SMALL" = 1 ]\n', "%test\n"),
    ("A small image.", "A small image: what an author at another place says is the latest."),
    ("%post\n", "%post -c /bin/bash\n"),
    ("    look --version", "    [ -e /data ] || { cat <<END; exit 1; }\nit's $SMALL\nEND"),
]


@pytest.mark.parametrize(("old", "new"), HARMLESS, ids=range(len(HARMLESS)))
def test_no_false_alarm(rules: Callable[[str], list[tuple[str, int]]], old: str, new: str) -> None:
    assert old in GOOD
    assert rules(GOOD.replace(old, new, 1)) == []


def test_the_nearest_section_is_named(tmp_path: Path) -> None:
    path = tmp_path / "small.def"
    path.write_text(GOOD.replace("%post\n", "%psot\n"), encoding="utf-8")
    assert any("did you mean 'post'?" in finding.message for finding in lint_file(path))


def test_a_secret_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "small.def"
    path.write_text(GOOD.replace("SMALL=1", "SMALL=https://user:word@example.org"), encoding="utf-8")
    found = lint_file(path)
    assert found
    assert not any("word" in finding.message.replace("password", "") for finding in found)


def test_bash_reads_no_file_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"touch {tmp_path}/run\n", encoding="utf-8")
    monkeypatch.setenv("BASH_ENV", str(trap))
    monkeypatch.setenv("ENV", str(trap))
    path = tmp_path / "small.def"
    path.write_text(GOOD.replace("%post\n", f"%post -c /bin/bash\n    touch {tmp_path}/run $(touch {tmp_path}/run)\n"))
    lint_file(path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"no keyword\n%post\n",
        b"%",
        b"Bootstrap: docker\n" + b"%post\n" + b"$(" * 30_000,
        b"Bootstrap: docker\n" + b"%post\n" * 8_000,
        b"Bootstrap: docker\n" + b"%post\n" + b"\0" * 1000,
        b"Bootstrap: docker\n%labels\n" + b"a" * 60_000,
        b"Bootstrap: docker\n%post\n" + b"{{ a }}" * 9_000,
        b"Bootstrap: docker\n%apprun ../../x\n%files\n\n \n%arguments\n=\n===\n",
        b"Bootstrap: docker\n%post\n" + b"http://" + b"a." * 100_000 + b"\n" + b"a@" * 30_000,
        b"x" * (2 << 20),
        b"Bootstrap: docker\n%post\n" + b"a.a://a:a" * 6000 + b"\n",
    ],
    ids=range(13),
)
def test_a_hostile_file_is_refused_in_time(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile.def"
    path.write_bytes(content)
    start = time.monotonic()
    assert lint_file(path)
    assert time.monotonic() - start < 20


def test_what_is_no_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.def"
    os.mkfifo(pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    for path in (pipe, tmp_path, tmp_path / "nothing.def", Path("/dev/zero")):
        assert [finding.rule for finding in lint_file(path)] == ["definition"]
