"""Files that appear only when they are complete."""

from pathlib import Path

import pytest

from legacy.atomic import atomic_file, atomic_files, part_path, write_text


def test_nothing_under_the_final_name_until_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.h5"
    with atomic_file(target) as part:
        part.write_bytes(b"whole")
        assert not target.exists()
        assert part == part_path(target) == tmp_path / "a.h5.part"
    assert target.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, OSError])
def test_an_error_leaves_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / "a.h5"
    target.write_bytes(b"old")

    def fail() -> None:
        with atomic_file(target) as part:
            part.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_several_files_come_together(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "a.h5"
    with pytest.raises(FileNotFoundError), atomic_files(first, second) as (one, _):
        one.write_text("1")  # the second is never written
    assert list(tmp_path.iterdir()) == []
    with atomic_files(first, second) as (one, two):
        one.write_text("1")
        two.write_text("2")
    assert sorted(tmp_path.iterdir()) == [second, first]


def test_write_text(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "été\n")
    assert (tmp_path / "a").read_bytes() == "été\n".encode()
    with pytest.raises(FileNotFoundError):
        write_text(tmp_path / "none" / "a", "x")
