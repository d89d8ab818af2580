"""What Rucio refuses or fails to do, in our words."""

import re

from ingest.patience import TransientError
from legacy.errors import AntaresLegacyError, MachineError, UsageError, printable


class RefusedError(AntaresLegacyError):
    """Rucio refused a request, and would refuse it again.

    Parameters
    ----------
    what
        What was asked for.
    kind
        Rucio's name of the error, such as ``InvalidObject``.
    reason
        Rucio's explanation.
    """

    def __init__(self, what: str, kind: str, reason: str) -> None:
        self.what = what
        self.kind = kind
        self.reason = printable(reason)
        super().__init__(f"{what}: Rucio refused: {kind}: {self.reason}")

    def __reduce__(self) -> tuple[object, ...]:
        return RefusedError, (self.what, self.kind, self.reason)


class FailingServerError(RefusedError):
    """Rucio answered several times that it failed; the request may be the cause, or the server."""


class DeniedError(MachineError):
    """The account may not do this, or could not log in: no file of the run would fare better."""


_REFUSED_LOGIN = re.compile(r"^[A-Z][A-Za-z]+(:|$)|authentication failed|not supported")
"""A real refusal names Rucio's error; the client reports an answer of a broken server in the same class."""
_DENIED = frozenset(
    {
        *("AccessDenied", "CannotAuthenticate", "CannotAuthorize", "NoAuthInformation", "ScopeAccessDenied"),
        *("RSEAccessDenied", "RSEWriteBlocked", "IdentityError", "IdentityNotFound", "AccountNotFound"),
        "InsufficientAccountLimit",
    }
)
_UNCONFIGURED = frozenset(
    {
        *("MissingClientParameter", "ConfigNotFound", "ConfigLoadingError", "ConfigurationError", "InvalidType"),
        *("ClientProtocolNotFound", "ClientProtocolNotSupported", "MissingModuleException"),
    }
)
_BUSY = frozenset({"DatabaseException", "ResourceTemporaryUnavailable", "ReplicationRuleCreationTemporaryFailed"})
_AWAY = frozenset({"ServerConnectionException", "ServiceUnavailable"})


def in_our_words(what: str, error: Exception) -> Exception:
    """Turn an error of Rucio's client into one of ours; `what` was asked for."""
    import requests
    from rucio.common.exception import RucioException

    kind, reason = type(error).__name__, _reason(error)
    if isinstance(error, requests.exceptions.SSLError):
        return DeniedError(f"{what}: {reason}; check ca_cert in rucio.cfg")
    if isinstance(error, (requests.exceptions.RequestException, ConnectionError, TimeoutError)) or kind in _AWAY:
        return TransientError(f"no answer ({kind})", away=True)
    if kind == "JSONDecodeError":
        return TransientError("the answer was cut", away=True)
    if isinstance(error, (AttributeError, KeyError, TypeError, ValueError)):
        return DeniedError(f"{what}: the answer is none of Rucio's ({kind}); check rucio_host, or log in at your site")
    if not isinstance(error, RucioException):
        return error
    if kind == "CannotAuthenticate" and not _REFUSED_LOGIN.search(reason):
        return TransientError(f"the login server failed ({reason[:80]})", away=False)
    if kind in _DENIED:
        return DeniedError(f"{what}: Rucio refused: {kind}: {reason}; ask its administrators, or check RUCIO_ACCOUNT")
    if kind in _UNCONFIGURED:
        return UsageError(
            f"Rucio's client is not configured: {reason}; set RUCIO_CONFIG to a rucio.cfg, "
            'or practise with: eval "$(antares-legacy sandbox up)"'
        )
    if kind in _BUSY or "http status code: 500" in reason:
        return TransientError(f"the server failed ({kind}: {reason})", away=False)
    if any(f"http status code: {code}" in reason for code in (429, 502, 503, 504)):
        return TransientError(f"the server is busy ({reason})", away=True)
    if "no error information passed" in reason:
        return DeniedError(f"{what}: {reason}; this is no answer of Rucio's: check rucio_host in rucio.cfg")
    return RefusedError(what, kind, reason)


def _reason(error: Exception) -> str:
    text = "; ".join(str(argument) for argument in error.args if argument) or str(error)
    return printable(text.strip().replace("\n", " "))[:500]
