"""The beginning of every command that speaks to Rucio."""

import threading

from ingest.catalogue_download import DownloadingCatalogue
from ingest.patience import Patience, Say
from ingest.settings import Settings
from legacy.errors import UsageError, nearest, printable


def open_catalogue(
    settings: Settings, say: Say, stop: threading.Event | None = None, detail: Say | None = None
) -> DownloadingCatalogue:
    """Log in at the server that Rucio's own configuration names.

    Parameters
    ----------
    settings
        How long to wait for a server that is away.
    say
        Told when waiting begins and ends.
    stop
        Set when the run is to end; no waiting goes on then.
    detail
        Told which server this is, and as whom it is asked.

    Raises
    ------
    UsageError
        Rucio's configuration is missing or incomplete.
    MachineError
        The server does not answer, or does not accept the account.
    """
    patience = Patience(settings.patience, stop=stop or threading.Event())
    catalogue = DownloadingCatalogue(patience, say)
    connection = catalogue.connect()
    if detail is not None:
        words = f"{connection.server}, account {connection.account}, authentication by {connection.auth_type}"
        detail(printable(words))
    return catalogue


def require_scope(catalogue: DownloadingCatalogue, scope: str) -> None:
    """Raise `UsageError` when Rucio has no such scope: a search in it would find nothing and say no word."""
    known = catalogue.scopes()
    if scope not in known:
        raise UsageError(f"Rucio has no scope '{printable(scope)}'; {printable(nearest(scope, known))}")
