"""Download with Rucio's own client, for protocols that antares-legacy does not read itself."""

import logging
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.catalogue import Catalogue
from ingest.catalogue_errors import RefusedError

if TYPE_CHECKING:
    from rucio.client import Client


class DownloadingCatalogue(Catalogue):
    """A connection to Rucio that can also fetch files."""

    def download(self, scope: str, name: str, rse: str, target: Path) -> None:
        """Fetch a file from an RSE.

        Rucio's client compares the checksum that it knows; compare all of them afterwards.

        Parameters
        ----------
        scope, name, rse
            The file, and where to take it from.
        target
            A path that does not exist, in an existing folder.

        Raises
        ------
        RefusedError
            The file could not be fetched from there.
        OSError
            `target` cannot be written.
        """
        parts = name.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise RefusedError(f"download {scope}:{name}", "InputValidationError", "its name leads out of its folder")
        folder = Path(tempfile.mkdtemp(prefix=".download-", dir=target.parent))
        try:
            # The client writes to folder/name, and makes no folders for names with a slash.
            folder.joinpath(*parts).parent.mkdir(parents=True, exist_ok=True)
            self._ask(f"download {scope}:{name} from {rse}", lambda c: _download(c, scope, name, rse, folder))
            found = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
            if len(found) != 1:
                raise RefusedError(f"download {scope}:{name} from {rse}", "NoFilesDownloaded", "nothing arrived")
            found[0].rename(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _download(client: "Client", scope: str, name: str, rse: str, folder: Path) -> None:
    from rucio.client.downloadclient import DownloadClient

    # Traces need a broker that few servers have.
    loader = DownloadClient(client, logger=_silent_logger(), tracing=False)
    item = {"did": f"{scope}:{name}", "rse": rse, "base_dir": str(folder), "no_subdir": True}
    loader.download_dids([item], num_threads=1)


def _silent_logger() -> logging.Logger:
    """Return a logger that keeps the client's messages from stderr: its errors say the same."""
    logger = logging.getLogger("antares_legacy.rucio_download")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger
