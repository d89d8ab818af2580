"""What the name of a source adds to the manifest line of its product, where the content says nothing."""

from dataclasses import replace

from legacy.manifest import ManifestEntry
from legacy.names import Named, same_channel


def named_entry(entry: ManifestEntry, named: Named) -> tuple[ManifestEntry, tuple[str, ...]]:
    """Complete a line of the manifest.

    Parameters
    ----------
    entry
        The line as the content of the product gives it.
    named
        What the path of the source says.

    Returns
    -------
    ManifestEntry
        With run and channel of the name where the content has none, and with the version of the production, which
        only the path tells.
    tuple of str
        Contradictions; the content was believed.
    """
    complete = replace(
        entry,
        run=named.run if entry.run is None else entry.run,
        run_last=named.run if entry.run is None else entry.run_last,
        channel=entry.channel or named.channel,
        production_version=entry.production_version or named.production_version,
    )
    return complete, tuple(_contradictions(entry, named))


def _contradictions(entry: ManifestEntry, named: Named) -> list[str]:
    found = []
    if named.run is not None and entry.run is not None:
        last = entry.run if entry.run_last is None else entry.run_last
        if not entry.run <= named.run <= last:
            runs = str(entry.run) if last == entry.run else f"{entry.run} to {last}"
            found.append(f"its name says run {named.run}, its content {runs}: the content was believed")
    for word in ("kind", "channel"):
        ours, theirs = getattr(entry, word), getattr(named, word)
        if ours and theirs and ours != theirs and not (word == "channel" and same_channel(ours, theirs)):
            found.append(f"its name says {word} {theirs}, its content {ours}: the content was believed")
    return found
