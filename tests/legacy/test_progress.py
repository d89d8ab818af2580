"""The progress bar where there is no terminal."""

import pytest

from legacy.progress import FileProgress


@pytest.mark.parametrize("enabled", [True, False])
def test_silent_without_a_terminal(enabled: bool, capsys: pytest.CaptureFixture[str]) -> None:
    with FileProgress("converting", 2, 100, enabled=enabled) as progress:
        progress.advance(60, 0)
        progress.advance(60, 1)  # files can grow
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == ""


def test_files_of_no_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    with FileProgress("converting", 1, 0, enabled=True) as progress:
        progress.advance(0, 0)
    assert capsys.readouterr().err == ""
