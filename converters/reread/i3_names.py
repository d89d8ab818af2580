"""Names of tables and columns of an `.i3` file, for the second reader."""

import keyword

_ANTARES_NAMES = {
    "AafitFinalFit": "aafit",
    "BBFitTrack": "bbfit_track",
    "BBFitBright": "bbfit_bright",
    "GridFit_FinalFitResult": "gridfit",
}
_NO_COLUMN_NAMES = [*keyword.kwlist, "name", "h5loc", "split_h5", "h5singleton"]
MOST = 256
"""Most columns that a table takes from names in the file."""


def table_names(fits: list[str]) -> dict[str, str]:
    """Name the table of each fit."""
    names: dict[str, str] = {}
    for key in fits:
        others = [*_ANTARES_NAMES.values(), *names.values()]
        names[key] = _ANTARES_NAMES[key] if key in _ANTARES_NAMES else _free(words(key), others)
    return names


def words(text: str) -> str:
    """Write a name in lower case, its words joined by underscores."""
    letters: list[str] = []
    for place, letter in enumerate(text):
        if not (letter.isascii() and letter.isalnum()):
            letters.append(" ")
            continue
        before, after = text[max(0, place - 1) : place], text[place + 1 : place + 2]
        small = before.isascii() and (before.islower() or before.isdigit())
        ends = before.isascii() and before.isupper() and after.isascii() and after.islower()
        letters.append(" " + letter.lower() if letter.isupper() and (small or ends) else letter.lower())
    return "_".join("".join(letters).split())


def _free(text: str, used: list[str]) -> str:
    name = text[:56] or "unnamed"
    if name[0] in "0123456789":
        name = "n_" + name
    if name in _NO_COLUMN_NAMES:
        name += "_"
    unique, number = name, 2
    while unique in used:
        unique, number = f"{name}_{number}", number + 1
    return unique


def column_names(names: list[str], used: list[str], prefix: str = "") -> dict[str, str]:
    """Name the column of each of some names."""
    found: dict[str, str] = {}
    for name in sorted(names)[:MOST]:
        found[name] = _free(prefix + words(name), [*used, *found.values()])
    return found


def shown_key(names: dict[str, str], asked: str | None) -> str | None:
    """Return the key of the fit in ``/events``, None for none."""
    able = {name: key for key, name in names.items() if len(name) <= 16}
    if asked is not None:
        return able.get(asked)
    for name in ("aafit", "bbfit_track", "gridfit", "bbfit_bright"):
        if name in able:
            return able[name]
    return next(iter(able.values()), None)
