"""From a source without events to its product: the counterpart of readers and writers of events."""

from collections.abc import Mapping
from pathlib import Path

from converters.auxiliary import document
from converters.auxiliary.contract import AuxiliaryFormat, Document
from converters.request import Request
from converters.writers.prov_file import prov_path
from legacy.atomic import atomic_files
from legacy.checksums import sha256_of
from legacy.clock import now
from legacy.errors import CorruptInputError, InputError
from legacy.provenance import Step, prov_json


class AuxiliaryMaker:
    """Makes the products of one format.

    Parameters
    ----------
    format_
        The format.
    """

    def __init__(self, format_: AuxiliaryFormat) -> None:
        self._format = format_

    def noun(self, to: str) -> tuple[str, str]:
        """Return what one product and several products are called."""
        return self._format.noun(to)

    def companions(self, target: Path) -> tuple[Path, ...]:
        """Return the names of the other files that belong to the product `target`."""
        meta = document.meta_path(target)
        return (prov_path(target),) if meta == target else (meta, prov_path(target))

    def made_from(self, target: Path) -> Mapping[str, str] | None:
        """Return what an existing product says about itself, None if it is no such product."""
        return document.made_from(target)

    def fingerprint(self, source: Path) -> str:
        """Return the checksum of what the product depends on besides its source."""
        return self._format.fingerprint(source)

    def make(self, request: Request) -> tuple[str, ...]:
        """Write the product and its companions in one step.

        Parameters
        ----------
        request
            Source, target and options.

        Returns
        -------
        tuple of str
            Warnings for the user.

        Raises
        ------
        InputError
            The source is damaged, changed meanwhile, or an option says nothing about it.
        OSError
            The disk is full, or the folder cannot be written to.
        """
        _refuse_options(self._format, request)
        before, started = request.source.stat(), now()
        sha256 = sha256_of(request.source)
        request.target.parent.mkdir(parents=True, exist_ok=True)
        # Before the description is read: if it changes in between, the next run sees that the product is old.
        fingerprint = self.fingerprint(request.source)
        draft = self._format.draft(request)
        step = document.last_step(request, sha256, started)
        described = document.build(self._format.name, draft, request, step, fingerprint)
        companions = self.companions(request.target)
        with atomic_files(*reversed(companions), request.target) as parts:
            parts[0].write_text(_prov_text(step, described, request.target), encoding="utf-8")
            holder = parts[1] if len(companions) > 1 else parts[-1]
            holder.write_text(document.to_text(described), encoding="utf-8")
            if draft.write is not None:
                draft.write(parts[-1])
            after = request.source.stat()
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise CorruptInputError(
                    request.source, "changed while it was read", advice="convert it again when it is complete"
                )
        return draft.warnings


def _prov_text(step: Step, described: Document, target: Path) -> str:
    import json

    kid = described["provenance"]["kid"]
    return json.dumps(prov_json([step], kid=kid, product_name=target.name), indent=1, sort_keys=True) + "\n"


def _refuse_options(format_: AuxiliaryFormat, request: Request) -> None:
    options = request.options
    given = {"--reco": options.reco, "--zenith": options.zenith, "--columns": options.columns}
    for word, value in given.items():
        if value is not None:
            raise InputError(
                request.source, f"{word} says nothing about {format_.description}", advice="leave the option out"
            )
