"""What is asked of a conversion, and what came of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from converters.readers.dst_flat_fixes import FIXES
from converters.source import ReadOptions
from legacy.manifest import ManifestEntry
from legacy.names import NameRules, name_rules


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
    names
        What the names of files say; it goes into the manifest where the content says nothing.
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
    names: NameRules = field(default_factory=name_rules)

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
            "fix_known_defects": sorted(FIXES) if options.fix_known_defects else None,
            "antdst_mapping": _mapping_to_json(options.antdst_mapping),
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
            fix_known_defects=bool(given.get("fix_known_defects")),
            antdst_mapping=_mapping_from_json(given.get("antdst_mapping")),
        )
        return options, given.get("format")


def _mapping_to_json(mapping: tuple[str, str] | None) -> dict[str, str] | None:
    # The bare name: where the file lay is nobody's business, and no part of what shapes the product.
    return {"file": Path(mapping[0]).name, "sha256": mapping[1]} if mapping else None


def _mapping_from_json(given: object) -> tuple[str, str] | None:
    if not given:
        return None
    if not isinstance(given, dict) or set(given) != {"file", "sha256"}:
        raise ValueError("antdst_mapping: expected file and sha256")
    name = str(given["file"])
    if Path(name).name != name:
        raise ValueError("antdst_mapping: expected the bare name of a file")
    return name, str(given["sha256"])


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
    noun
        What one such product and several are called if it holds no events, else None.
    """

    source: Path
    status: str
    entry: ManifestEntry | None = None
    warnings: tuple[str, ...] = ()
    reason: str = ""
    exit_code: int = 0
    seconds: float = 0.0
    noun: tuple[str, str] | None = None
