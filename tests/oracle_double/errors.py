"""Errors as Oracle numbers them."""


class OracleError(Exception):
    """An error that the client is told of."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"ORA-{code:05}: {text}")
        self.code = code


def not_understood(why: str, statement: str) -> OracleError:
    """Return the error for a statement that Oracle may know and the double does not."""
    return OracleError(900, f"invalid SQL statement: the double does not understand it ({why}): {statement}")
