"""The catalogue, a recipe and a report as text and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from containers.catalogue import Recipe, Source
from containers.reports import BuildReport
from containers.status import Status
from legacy.errors import printable

if TYPE_CHECKING:
    from containers.engine.doctor import Finding


def row(recipe: Recipe, status: Status) -> dict[str, Any]:
    """Return a recipe as a row of ``list --json``."""
    return {
        "name": recipe.name,
        "tier": recipe.tier.value,
        "title": recipe.title,
        "purpose": recipe.purpose,
        "status": status.text,
        "current": status.current,
        "built": status.report.date if status.report else None,
        "image": str(status.image) if status.image else None,
    }


def list_text(rows: list[dict[str, Any]]) -> list[str]:
    """Return the list for people."""
    cells = [("NAME", "TIER", "STATUS", "PURPOSE")]
    cells += [(one["name"], one["tier"], one["status"], one["purpose"]) for one in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(3)]
    return [
        printable("  ".join([*(cell.ljust(width) for cell, width in zip(line[:3], widths, strict=True)), line[3]]))
        for line in cells
    ]


def recipe_dict(recipe: Recipe, status: Status) -> dict[str, Any]:
    """Return all that is known of a recipe for ``show --json``."""
    return {
        **row(recipe, status),
        "licence": recipe.licence,
        "base": recipe.base,
        "docker": recipe.docker,
        "apps": dict(recipe.apps),
        "sources": [asdict(source) for source in recipe.sources],
        "test_data": recipe.test_data,
        "size_mb": recipe.size_mb,
        "minutes": recipe.minutes,
        "toolkit": recipe.toolkit,
        "definition": str(recipe.definition),
        "report": report_dict(status.report) if status.report else None,
    }


def recipe_text(recipe: Recipe, status: Status) -> list[str]:
    """Return all that is known of a recipe for people."""
    facts = {
        "title": recipe.title,
        "purpose": recipe.purpose,
        "tier": f"{recipe.tier.value}: {_TIERS[recipe.tier.value]}",
        "status": status.text,
        "image": str(status.image) if status.image else "none",
        "built on": recipe.base or recipe.docker or "the operating system",
        "licence": recipe.licence,
        "tested with": recipe.test_data or "see the definition",
        "expected": _expected(recipe),
        "definition": str(recipe.definition),
    }
    width = max(map(len, facts)) + 2
    lines = [f"{name + ':':<{width}}{value}" for name, value in facts.items()]
    lines += ["", "apps:" if recipe.apps else "apps: none"]
    lines += [f"  {app}: {purpose}" for app, purpose in recipe.apps.items()]
    if recipe.sources:
        lines += ["", "source files:", *(line for source in recipe.sources for line in _source_lines(source))]
    lines += ["", *_how_to(recipe)]
    return [printable(line) for line in lines]


_TIERS = {
    "A": "built and tested in each release",
    "B": "built on demand",
    "C": "needs source files that only the collaboration has",
}


def _expected(recipe: Recipe) -> str:
    size = f"{recipe.size_mb} MB" if recipe.size_mb else "size unknown"
    return f"{size}, {recipe.minutes} min" if recipe.minutes else f"{size}, time unknown"


def _source_lines(source: Source) -> list[str]:
    need = "required" if source.required else "may be left out"
    supply = f"downloaded from {source.url}" if source.url else f"give it with --source {source.key}=FILE"
    return [
        f"  {source.key}: {source.title} ({source.file}); {need}; {supply}",
        f"    from: {source.who}",
        f"    licence: {source.licence}; sha256: {source.sha256 or 'unknown'}",
    ]


def _how_to(recipe: Recipe) -> list[str]:
    wanted = [source for source in recipe.sources if source.required and not source.url]
    files = "".join(f" --source {source.key}=FILE" for source in wanted)
    lines = [f"build:  antares-legacy containers build {recipe.name}{files}"]
    if recipe.apps:
        lines.append(f"run:    antares-legacy containers run {recipe.name} {next(iter(recipe.apps))} -- ARGUMENTS")
    return lines


def report_dict(report: BuildReport) -> dict[str, Any]:
    """Return a report for ``--json``."""
    return {**asdict(report), "passed": report.passed}


def report_text(report: BuildReport, status: Status) -> list[str]:
    """Return a report for people."""
    engine = " ".join(filter(None, (report.engine, report.engine_version, f"({report.engine_where})")))
    facts = {
        "recipe": f"{report.name}, tier {report.tier}",
        "status": status.text,
        "date": report.date,
        "kind": f"{report.kind}, which is no image" if report.kind == "chroot emulation" else report.kind,
        "engine": engine,
        "toolkit": f"antares-legacy {report.toolkit_version}",
        "size" if report.kind == "chroot emulation" else "image": _size_and_sum(report),
        "base": f"sha256 {report.base_sha256}" if report.base_sha256 else "no digest",
        "build": f"exit code {report.build_exit_code}, {report.build_seconds:.1f} s",
        "packages": f"{len(report.packages)}" if report.packages else "no list",
    }
    lines = [f"{name + ':':<10}{value}" for name, value in facts.items()]
    for test in report.tests:
        verdict = "passed" if test.exit_code == 0 else f"FAILED with exit code {test.exit_code}"
        lines.append(f"{'test:':<10}{test.name}: {verdict}, {test.seconds:.1f} s")
    lines += [f"{'source:':<10}{key}: sha256 {digest}" for key, digest in report.sources.items()]
    return [printable(line) for line in lines]


def _size_and_sum(report: BuildReport) -> str:
    size = f"{report.image_bytes / 1e6:.1f} MB" if report.image_bytes else "none"
    return f"{size}, sha256 {report.image_sha256}" if report.image_sha256 else size


def findings_dict(findings: "Sequence[Finding]", *, makes_images: bool) -> dict[str, Any]:
    """Return what was found about the machine for ``doctor --json``."""
    return {"makes_images": makes_images, "findings": [asdict(finding) for finding in findings]}


def findings_text(findings: "Sequence[Finding]") -> list[str]:
    """Return what was found about the machine for people."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"{finding.state.value:<7}  {finding.name:<{width}}  {finding.found}: {finding.meaning}")
        if finding.next_step:
            lines.append(f"{'':<7}  {'':<{width}}  -> {finding.next_step}")
    return [printable(line) for line in lines]
