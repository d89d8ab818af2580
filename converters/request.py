"""What is asked of a conversion, and what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from converters.source import ReadOptions
from legacy.manifest import ManifestEntry


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be converted, and how.

    Parameters
    ----------
    source, target
        The input, and the product's name.
    to
        Kind of product: a key of `converters.registry.WRITERS`.
    format
        Reader named by the user, else None.
    options
        What the reader is asked.
    metadata
        Fields of ``/header`` from the user's file.
    resume
        Keep an existing product that matches.
    overwrite
        Replace an existing product that does not match.
    recorded
        SHA-256 of the existing product in the manifest, None without a line.
    """

    source: Path
    target: Path
    to: str = "hdf5"
    format: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    metadata: Mapping[str, str] = field(default_factory=dict)
    resume: bool = True
    overwrite: bool = False
    recorded: str | None = None

    def parameters(self) -> str:
        """Return the options that shape the product, as canonical JSON for ``/provenance``."""
        options = self.options
        asked: dict[str, object] = {
            "to": self.to,
            "format": self.format,
            "reco": options.reco,
            "columns": list(options.columns) if options.columns else None,
            "detector": options.detector,
            "zenith": options.zenith,
            "salvage": options.salvage or None,
            "metadata": dict(self.metadata) or None,
        }
        given = {key: value for key, value in asked.items() if value is not None}
        return json.dumps(given, sort_keys=True, ensure_ascii=True)

    @staticmethod
    def read_options(parameters: str) -> tuple[ReadOptions, str | None]:
        """Return the reader's options, and the format forced by the user, from what `parameters` wrote.

        Raises
        ------
        ValueError
            The text is not what `parameters` writes.
        """
        given = json.loads(parameters)
        if not isinstance(given, dict):
            raise ValueError("expected a JSON object")  # noqa: TRY004  callers expect one kind of error
        columns = given.get("columns")
        options = ReadOptions(
            detector=given.get("detector"),
            zenith=given.get("zenith"),
            columns=tuple(columns) if columns else None,
            reco=given.get("reco"),
            salvage=bool(given.get("salvage")),
        )
        return options, given.get("format")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request.

    Parameters
    ----------
    source
        The input.
    status
        ``converted``, ``kept`` or ``failed``.
    entry
        Line of the manifest, its path being the bare file name; None if it failed.
    warnings
        Things the user should know.
    reason
        Why it failed, one line.
    exit_code
        0, or that of the error.
    seconds
        Wall time.
    """

    source: Path
    status: str
    entry: ManifestEntry | None = None
    warnings: tuple[str, ...] = ()
    reason: str = ""
    exit_code: int = 0
    seconds: float = 0.0
