"""What can go wrong with images besides what `legacy.errors` has."""

from legacy.errors import AntaresLegacyError


class BuildFailedError(AntaresLegacyError):
    """A program of a build or of a test ended with an error.

    Parameters
    ----------
    message
        What failed, and where the log is.
    last
        The last lines of its output, fit for a terminal.
    """

    def __init__(self, message: str, last: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.last = last
