"""What can go wrong with a source database; each kind is treated in its own way by a dump."""

from legacy.errors import AntaresLegacyError, MachineError


class SourceError(MachineError):
    """The source cannot be used at all: no such host, wrong password, no rights on anything."""


class ConnectionLostError(SourceError):
    """The connection ended in mid-work; trying again later may help."""


class SnapshotExpiredError(AntaresLegacyError):
    """The server no longer has the old versions of rows that the snapshot needs (ORA-01555, ORA-22924)."""


class TableError(AntaresLegacyError):
    """One table cannot be read; the others can."""


class TableDeniedError(TableError):
    """The account has no right to read it."""


class TableGoneError(TableError):
    """It is not there any more, or its columns are others than when the plan was made."""


class ValueLossError(TableError):
    """A value does not fit the type that its column has in the image."""


class ImageError(AntaresLegacyError):
    """The image is damaged, not complete, or not one of ours."""
