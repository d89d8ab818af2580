"""Which paths of a foreign command line are shown in the tool root."""

from pathlib import Path

from containers.engine.passthrough import named_paths


def test_paths_are_found_wherever_they_stand(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    image = tmp_path / "x.sif"
    image.touch()
    link = tmp_path / "link.sif"
    link.symlink_to(image)
    arguments = [
        "run",
        "--home",
        f"{folder}:/inside",
        f"--mount=type=bind,source={tmp_path},target=/nowhere",
        str(link),
        "x",
    ]
    assert set(named_paths(arguments)) == {folder, tmp_path, link, image}


def test_a_name_with_a_separator_is_found(tmp_path: Path) -> None:
    odd = tmp_path / "a,b=c:d"
    odd.touch()
    assert named_paths([str(odd)]) == (odd,)


def test_what_the_tool_root_has_itself_is_not_covered(tmp_path: Path) -> None:
    assert named_paths(["/bin/sh", "/usr/bin/env", "/etc/passwd", "/proc/self", "/", "relative", "--mount=/x/y"]) == ()


def test_what_does_not_exist_is_left_out(tmp_path: Path) -> None:
    assert named_paths([str(tmp_path / "nothing"), "/var/lib/cwl/stg/nothing"]) == ()
