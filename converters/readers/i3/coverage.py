"""What became of each kind of object, and what the user should know."""

from collections.abc import Iterator

from converters.readers.i3 import checksum
from converters.readers.i3.labels import UNREADABLE, Variant
from converters.readers.i3.objects import TRAY_INFO, Tally
from converters.readers.i3.plan import HEADER_KEY, TRIGGER_COUNTER_KEY, Plan, is_particle
from converters.readers.i3.survey import MAX_COLUMNS, Survey
from converters.readers.i3.tables import View
from converters.readers.i3.weights import WEIGHT_KEY
from converters.readers.safe_names import printable
from converters.source import CoverageRow

_CHECKED = {checksum.CRC16_VERSION: "CRC-16", checksum.CRC32C_VERSION: "CRC-32C"}


def destinations(plan: Plan, view: View) -> dict[str, str]:
    """Return where the objects of each key go, by key."""
    shown = view.fit.key if view.fit else ""
    places: dict[str, list[str]] = {}

    def add(key: str, place: str) -> None:
        places.setdefault(key, []).append(place)

    add(HEADER_KEY, "/events, /i3_header")
    add(TRIGGER_COUNTER_KEY, "/events.trigger_counter")
    for fit in plan.fits:
        add(fit.key, fit.spec.path + (", /events" if fit.key == shown else ""))
        for named in fit.numbers:
            add(named.source, f"{fit.spec.path}.{named.column}")
        for key in filter(None, (fit.likelihood, fit.values_key)):
            add(key, fit.spec.path)
    for named in plan.scalars:
        add(named.source, f"{plan.scalar_table.path}.{named.column}")
    for weight in plan.weights:
        add(weight.key, plan.weight_table.path)
        if weight.key == WEIGHT_KEY and view.antares:
            add(weight.key, "/events.weight_*")
    for keys, place in (
        ((*plan.trees, *plan.truths), "/mc_tracks"),
        (plan.hierarchies, f"/events.trigger_mask, {plan.trigger_table.path}"),
        (plan.series, plan.hits_table.path),
    ):
        for key in keys:
            add(key, place)
    return {key: ", ".join(found) for key, found in places.items()}


def coverage_rows(survey: Survey, plan: Plan, view: View, tally: Tally) -> Iterator[CoverageRow]:
    """Yield a row for each frame version, and for each key and class of each stream."""
    for version, count in sorted(survey.versions.items()):
        why = checksum.why_not(version)
        note = f"checksums could not be verified: {why}" if why else f"checksums verified: {_CHECKED[version]}"
        yield CoverageRow(f"(frames of version {version})", count, "", note)
    places = destinations(plan, view)
    # Frames of tray information have hundreds of objects that nobody asks for.
    ordered = sorted(survey.met.items(), key=lambda entry: entry[0][0] == TRAY_INFO)
    for (stream, variant), met in ordered:
        place = places.get(variant.key, "") if stream != TRAY_INFO and _is_read(variant, survey) else ""
        notes = [*_notes(variant, survey, tally), f"{met.size} bytes"]
        if not place:
            notes.insert(0, _why_not_kept(stream, variant, survey))
        named = f"{printable(variant.name or 'null pointer', 60)}{_version(variant)}"
        yield CoverageRow(f"{stream}/{printable(variant.key, 60)} ({named})", met.objects, place, "; ".join(notes))


def _version(variant: Variant) -> str:
    return f" v{variant.version}" if variant.version >= 0 else ""


def _is_read(variant: Variant, survey: Survey) -> bool:
    return variant.known or is_particle(variant, survey.based)


def _why_not_kept(stream: str, variant: Variant, survey: Survey) -> str:
    if variant.name in (UNREADABLE, ""):
        return "no object that can be read"
    if not _is_read(variant, survey):
        return "its layout is not known: not read"
    if stream == TRAY_INFO:
        return "frames of stream I have no events"
    return f"no column for it, or more than {MAX_COLUMNS} of its kind: not kept"


def _notes(variant: Variant, survey: Survey, tally: Tally) -> Iterator[str]:
    if variant in survey.based:
        left = tally.based.get(variant)
        more = "" if left is None else f"; the {left} bytes behind it are not read"
        yield f"layout not known, only the I3Particle with which it begins is read{more}"
    if count := tally.failed[variant]:
        yield f"{count} could not be decoded: {tally.reasons[variant]}"
    if count := tally.doubtful[variant]:
        yield f"{count} are doubtful: {tally.reasons[variant]}"


def warnings(survey: Survey, tally: Tally) -> Iterator[str]:
    """Yield one line for each kind of doubt."""
    for variant, count in tally.failed.items():
        yield f"{_objects(count, variant)} could not be decoded, missing: {tally.reasons[variant]}"
    for variant, count in tally.doubtful.items():
        yield f"{_objects(count, variant)} decoded but doubtful: {tally.reasons[variant]}"
    for variant in survey.based:
        yield (
            f"{printable(variant.key, 60)} is of the class {printable(variant.name, 60)}{_version(variant)}, "
            "whose layout is not known: only the I3Particle with which it begins was read"
        )
    for version, count in sorted(survey.versions.items()):
        if why := checksum.why_not(version):
            yield f"{count} frames of version {version} have no checksum that could be verified: {why}"


def _objects(count: int, variant: Variant) -> str:
    name = f"{printable(variant.name, 60)}{_version(variant)}"
    return f"{count} object{'s' if count > 1 else ''} {printable(variant.key, 60)} ({name})"
