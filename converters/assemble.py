"""From an open source to a finished product."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace

from converters.events import complete, why_no_sky
from converters.identity import Identities, identify, identity_warnings
from converters.layout import EVENTS_TABLE
from converters.metadata import header_values
from converters.product import (
    Product,
    coverage_rows,
    event_streams,
    header_rows,
    left_out,
    parameter_rows,
    provenance_rows,
)
from converters.raw_header import raw_header_rows
from converters.request import Request
from converters.source import Batch, CoverageRow, EventFile, SourceFacts
from converters.staging import Staging
from converters.summary import Summary
from legacy import __version__
from legacy.clock import now, source_date_epoch
from legacy.model import TableStream
from legacy.provenance import Step, derived_id, random_id, with_image

SOFTWARE = "antares-legacy"


@dataclass(frozen=True, slots=True)
class Gathered:
    """All rows of a source, and what is known after the last one."""

    facts: SourceFacts
    staging: Staging
    summary: Summary
    sha256: str


def gather(file: EventFile, request: Request, stack: ExitStack, sha256: Callable[[], str]) -> Gathered:
    """Read a source to its end.

    Parameters
    ----------
    file
        The open source.
    request
        Names the detector if the user did, and the folder for temporary files.
    stack
        Closes the temporary files.
    sha256
        Computes the source's checksum when the reader has not done it in passing.

    Raises
    ------
    InputError
        The source is damaged.
    OSError
        The disk is full.
    """
    facts = file.facts
    if request.options.detector is not None:
        facts = replace(facts, detector=request.options.detector)
    staging, summary = Staging(request.target.parent), Summary()
    stack.callback(staging.close)
    for empty in complete(Batch(0, 0, {}), facts):  # a source without events still gives its tables
        staging.add(empty)
    for batch in file.batches():
        events, info, groups = complete(batch, facts)
        summary.add(events.array)
        for table in (events, info, groups, *batch.tables):
            staging.add(table)
    return Gathered(facts, staging, summary, file.digest() or sha256())


def finish(file: EventFile, gathered: Gathered, request: Request, started: str) -> tuple[Product, tuple[str, ...]]:
    """Build the product after the source was read to its end.

    Parameters
    ----------
    file
        The source; its header, coverage and warnings are complete now.
    gathered
        Its rows.
    request
        The options.
    started
        When the conversion began, ISO 8601 UTC.

    Returns
    -------
    Product
        The product.
    tuple of str
        Warnings for the user.
    """
    facts, staging = gathered.facts, gathered.staging
    identities = identify(staging, facts, gathered.sha256, request.source)
    streams = event_streams(staging, identities)
    steps = _steps(gathered, request, started)
    header = _header(gathered, request, file)
    tables = [
        *streams,
        TableStream.of(header_rows(header)),
        TableStream.of(raw_header_rows(file.header, request.source)),
        TableStream.of(provenance_rows(steps)),
        TableStream.of(coverage_rows(_coverage(file, gathered, identities))),
    ]
    tables.append(TableStream.of(parameter_rows([table.spec for table in tables])))
    described = gathered.summary.facts(facts)
    product = Product(_kid(steps[-1]), tuple(tables), steps, header, described)
    return product, (*file.warnings(), *identity_warnings(identities))


def _steps(gathered: Gathered, request: Request, started: str) -> tuple[Step, ...]:
    """List the programs that made the source, as far as it names them, then this conversion."""
    steps: list[Step] = []
    parent = ""
    for program in filter(None, gathered.facts.generator.split(" + ")):
        software, _, version = program.partition(" ")
        steps.append(Step(derived_id(gathered.sha256, program), parent, software, version))
        parent = steps[-1].activity_id
    parameters = request.parameters()
    fixed = source_date_epoch() is not None
    activity = derived_id(gathered.sha256, parameters, __version__) if fixed else random_id()
    step = Step(
        activity,
        parent,
        SOFTWARE,
        __version__,
        started,
        now(),
        request.source.name,
        gathered.sha256,
        with_image(parameters),
    )
    return (*steps, step)


def _kid(step: Step) -> str:
    return derived_id("kid", step.activity_id) if source_date_epoch() is not None else random_id()


def _header(gathered: Gathered, request: Request, file: EventFile) -> dict[str, str]:
    start, stop = gathered.summary.time_range
    own = next((" ".join(line.values) for line in file.header if line.parameter == "detector"), "")
    values = header_values(
        request.metadata,
        antares=gathered.facts.detector == "antares",
        instrument=gathered.facts.detector or own,
        start=start,
        stop=stop,
        created=now(),
    )
    # The user's words come first, but never instead of the conventions of the source.
    if remarks := ". ".join(gathered.facts.remarks):
        given = values["description"].rstrip(". ")
        values["description"] = f"{given}. {remarks}" if given else remarks
    return values


def _coverage(file: EventFile, gathered: Gathered, identities: Identities) -> tuple[CoverageRow, ...]:
    present = gathered.staging.tables[EVENTS_TABLE.path].present
    filled = frozenset(name for name, count in present.items() if count)
    no_sky = why_no_sky(filled, gathered.facts)
    rows = [*file.coverage(), *left_out(gathered.staging, {"ra": no_sky, "dec": no_sky} if no_sky else {})]
    if not identities.own_numbers and present["event_id"]:
        note = "not unique in the file, so event_id is the position; the numbers are in source_event_id"
        rows.append(CoverageRow("(numbers of the events)", len(identities.repeated), "/event_info", note))
    # What was lost or could not be read is part of the product, not only of what was said at the time.
    rows += [CoverageRow("(warning)", -1, "", text) for text in file.warnings()]
    return tuple(rows)
