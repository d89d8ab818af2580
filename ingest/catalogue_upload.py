"""Upload with Rucio's own client, for storage that is no mounted disk."""

import logging
from typing import TYPE_CHECKING, Any

from ingest.catalogue_errors import RefusedError
from legacy.errors import MachineError, printable

if TYPE_CHECKING:
    from rucio.client import Client


def upload_file(client: "Client", path: str, rse: str, scope: str, name: str, logger: logging.Logger) -> None:
    """Copy a file to the path that a deterministic RSE computes; declare nothing.

    Rucio's client writes ``NAME.rucio.upload``, compares size and Adler-32 where the storage tells them, and renames.

    Raises
    ------
    RefusedError
        It was not copied; the reason is the one that Rucio's client keeps for its traces.
    MachineError
        The storage is away, or the programs that speak its protocol are not installed.
    """
    from rucio.client.uploadclient import UploadClient
    from rucio.common.exception import NoFilesUploaded, RSEAccessDenied, ServiceUnavailable

    uploader = UploadClient(client, logger=logger)
    uploader.tracing = False  # traces need a broker that few servers have
    item: Any = {"path": path, "rse": rse, "did_scope": scope, "did_name": name, "no_register": True}
    traces: list[Any] = []
    try:
        uploader.upload([item], traces_copy_out=traces)
    except NoFilesUploaded as error:
        reason = str(traces[-1].get("stateReason", "")) if traces else ""
        raise RefusedError(f"upload {path} to {rse}", "NoFilesUploaded", _brief(reason) or "no reason given") from error
    except (RSEAccessDenied, ServiceUnavailable) as error:
        # Here they speak of the storage, not of Rucio's server.
        advice = "check that it is up, and that the programs for its protocol are installed"
        raise MachineError(f"upload {printable(path)} to {rse}: {_brief(str(error))}; {advice}") from error


def _brief(reason: str) -> str:
    """Return the last explanation of several that Rucio put around each other."""
    lines = [line.removeprefix("Details:").strip("\0 ") for line in reason.splitlines()]
    return printable(next((line for line in reversed(lines) if line), ""))
