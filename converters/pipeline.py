"""One conversion from beginning to end: recognise, read, write, check that nothing moved meanwhile."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from converters.assemble import finish, gather
from converters.detect import reader_name
from converters.layout import DATA_MODEL_VERSION
from converters.named_entry import named_entry
from converters.registry import WRITERS, is_auxiliary, load_auxiliary, load_reader, load_writer
from converters.request import Outcome, Request
from converters.writers.writer import Writer
from legacy.atomic import part_path
from legacy.checksums import checksums, sha256_of
from legacy.clock import now, source_date_epoch
from legacy.errors import CorruptInputError, InputError, NotConvertibleError, ProductError
from legacy.manifest import ManifestEntry
from legacy.provenance import without_image

LEVEL = 3


class Maker(Protocol):
    """Makes one kind of product of one kind of source."""

    def noun(self, to: str) -> tuple[str, str] | None:
        """Return what a product without events, and several, are called; None for events."""
        ...

    def companions(self, target: Path) -> tuple[Path, ...]:
        """Return the names of the other files that belong to the product `target`."""
        ...

    def made_from(self, target: Path) -> Mapping[str, str] | None:
        """Return what an existing product says about itself, as `Writer.made_from` does."""
        ...

    def fingerprint(self, source: Path) -> str:
        """Return the checksum of what the product depends on besides its source, ``""`` without such a thing."""
        ...

    def make(self, request: Request) -> tuple[str, ...]:
        """Write the product; return warnings for the user."""
        ...


def convert_one(request: Request) -> Outcome:
    """Convert a file, or keep the product that exists.

    Raises
    ------
    InputError
        The source cannot be converted, or a product that does not match is in the way.
    OSError
        The disk is full, or a folder cannot be written to.
    """
    started = time.monotonic()
    _check_names(request)
    maker = _maker(request)
    remove_leftovers(maker, request.target)
    known = maker.made_from(request.target) if request.target.exists() else None
    warnings: tuple[str, ...] = ()
    whole = all(path.exists() for path in maker.companions(request.target))
    if request.target.exists() and _may_keep(request, maker, known) and whole:
        status = "kept"
    else:
        status, warnings = "converted", maker.make(request)
        known = maker.made_from(request.target)
    if known is None:
        raise ProductError(request.target, "cannot be read back", advice="check the disk, then convert again")
    named = request.names.read(request.source.absolute().as_posix())
    entry, contrary = named_entry(_entry(request.target, known), named)
    seconds, noun = time.monotonic() - started, maker.noun(request.to)
    return Outcome(request.source, status, entry, (*warnings, *contrary), seconds=seconds, noun=noun)


def _check_names(request: Request) -> None:
    """Refuse names that provenance and manifest, which are UTF-8, could only record wrongly."""
    try:
        f"{request.source.name}{request.target}".encode()
    except UnicodeEncodeError:
        raise InputError(
            request.source,
            "its name, or that of a folder, is no UTF-8",
            advice="rename it, or link to it by another name",
        ) from None


def _maker(request: Request) -> Maker:
    """Choose by what the source is; for `--to hdf5`, which only events become, its content is read later."""
    if request.to == "hdf5" and not is_auxiliary(request.format or ""):
        return _EventMaker(load_writer(request.to))
    name = reader_name(request.source, request.format)
    if is_auxiliary(name):
        from converters.auxiliary.maker import AuxiliaryMaker

        format_ = load_auxiliary(name)
        if request.to in format_.products:
            return AuxiliaryMaker(format_)
        raise _no_such_product(request, format_.description, format_.products)
    if request.to not in WRITERS:
        raise _no_such_product(request, f"events ({name})", tuple(WRITERS))
    return _EventMaker(load_writer(request.to))


def _no_such_product(request: Request, what: str, products: tuple[str, ...]) -> NotConvertibleError:
    words = " or ".join(f"--to {word}" for word in products)
    return NotConvertibleError(request.source, f"{what} do not become {request.to}", advice=f"use {words}")


class _EventMaker:
    """Reads events and writes them."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def noun(self, to: str) -> None:  # noqa: ARG002  the protocol
        return None

    def companions(self, target: Path) -> tuple[Path, ...]:
        return self._writer.companions(target)

    def made_from(self, target: Path) -> Mapping[str, str] | None:
        return self._writer.made_from(target)

    def fingerprint(self, source: Path) -> str:  # noqa: ARG002  events depend on their source alone
        return ""

    def make(self, request: Request) -> tuple[str, ...]:
        return _convert(request, self._writer)


def _convert(request: Request, writer: Writer) -> tuple[str, ...]:
    name = reader_name(request.source, request.format)
    if is_auxiliary(name):
        format_ = load_auxiliary(name)
        raise _no_such_product(request, format_.description, format_.products)
    reader = load_reader(name)
    before, started = request.source.stat(), now()
    request.target.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        file = stack.enter_context(reader.open(request.source, request.options))
        gathered = gather(file, request, stack, lambda: sha256_of(request.source))
        after = request.source.stat()
        if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
            raise CorruptInputError(
                request.source, "changed while it was read", advice="convert it again when it is complete"
            )
        product, warnings = finish(file, gathered, request, started)
        writer.write(product, request.target)
    return warnings


def _may_keep(request: Request, maker: Maker, known: Mapping[str, str] | None) -> bool:
    """Say if the existing product is the one that would be made now."""
    target = request.target
    problem = "is no product of this program"
    if known is not None:
        checks = {
            "another data model version": known["data_model_version"] == DATA_MODEL_VERSION,
            "other options": without_image(known["parameters"]) in _equivalent_options(request),
            "another source": known["input_sha256"] == sha256_of(request.source),
            "another description": known.get("fingerprint", "") == maker.fingerprint(request.source),
        }
        problem = "was made with " + " and ".join(name for name, same in checks.items() if not same)
        if all(checks.values()):
            changed = request.recorded not in (None, sha256_of(target))
            if request.resume and not changed:
                return True
            problem = "exists already, and --no-resume does not keep it"
            if changed:
                problem = "has another SHA-256 than its line in the manifest: it was changed or damaged since"
    if request.overwrite:
        return False
    raise ProductError(target, problem, advice="--overwrite replaces it; or choose another output folder")


def _equivalent_options(request: Request) -> tuple[str, ...]:
    """List the options that make the product of `request`, as `Request.parameters` writes them.

    A product made without ``--salvage`` is whole, and ``--salvage`` would change nothing in it: so a run over a
    folder can be repeated with it, for the few files that are damaged.
    """
    strict = replace(request, options=replace(request.options, salvage=False))
    return (request.parameters(), strict.parameters()) if request.options.salvage else (request.parameters(),)


def _entry(target: Path, known: Mapping[str, str]) -> ManifestEntry:
    sums = checksums(target)

    def number(name: str) -> int | None:
        return int(known[name]) if known[name] else None

    return ManifestEntry(
        path=target.name,
        size=sums.size,
        adler32=sums.adler32,
        md5=sums.md5,
        sha256=sums.sha256,
        n_events=number("n_events") or 0,
        run=number("run"),
        run_last=number("run_last"),
        level=int(known.get("level", LEVEL)),
        kind=known["kind"],
        channel=known["channel"],
        detector=known["detector"],
        generator=known["generator"],
        production_version="",
        start=known["start"] or None,
        stop=known["stop"] or None,
        source=known["input_name"],
        source_sha256=known["input_sha256"],
        provenance_id=known["activity_id"],
        # Left out where the same bytes are wanted at any time.
        mtime_ns=target.stat().st_mtime_ns if source_date_epoch() is None else 0,
    )


def remove_leftovers(maker: Maker, target: Path) -> None:
    """Remove what a killed run has left under temporary names; raises OSError."""
    for path in (target, *maker.companions(target)):
        part_path(path).unlink(missing_ok=True)
