"""Print a plan while it is made: a table for people, or one JSON object; neither is kept in memory."""

import json
from collections import Counter
from collections.abc import Callable

from ingest.plan import Action, Step
from ingest.run import Place
from legacy.errors import printable

Echo = Callable[[str], object]
_NAME_WIDTH = 44


class PlanPrinter:
    """Prints steps one by one.

    Parameters
    ----------
    place
        Where the files would go.
    echo
        Prints one line on stdout.
    as_json
        JSON instead of the table.
    """

    def __init__(self, place: Place, echo: Echo, *, as_json: bool) -> None:
        self._echo = echo
        self._json = as_json
        self._actions: Counter[Action] = Counter()
        self._size = 0
        if as_json:
            head = {
                "server": place.connection.server,
                "account": place.connection.account,
                "scope": place.settings.scope,
                "rse": place.settings.rse,
                "mode": place.settings.mode,
            }
            self._echo(json.dumps(head, ensure_ascii=False)[:-1] + ', "steps": [')
        else:
            self._echo(f"{'ACTION':<9} {'NAME':<{_NAME_WIDTH}} {'BYTES':>13}  {'CHECKSUMS BY':<12} DATASET OR REASON")

    @property
    def failed(self) -> bool:
        """True when a file could not be ingested."""
        return bool(self._actions[Action.CONFLICT] or self._actions[Action.REFUSE])

    def add(self, step: Step) -> None:
        """Print one step."""
        first = not sum(self._actions.values())
        self._actions[step.action] += 1
        sums = step.candidate.sums
        self._size += max(sums.size, 0) if step.replica else 0
        if self._json:
            self._echo(("" if first else ", ") + json.dumps(step.to_dict(), ensure_ascii=False))
            return
        size = str(sums.size) if sums.size >= 0 else "-"
        where = printable(step.reason or step.dataset or "-")
        name = printable(step.name or step.candidate.item.location)
        by = sums.by or "not yet"
        self._echo(f"{step.action:<9} {name:<{_NAME_WIDTH}} {size:>13}  {by:<12} {where}")

    def end(self) -> None:
        """Print what follows the last step."""
        if self._json:
            counts = {str(action): self._actions[action] for action in Action if self._actions[action]}
            self._echo('], "counts": ' + json.dumps(counts) + "}")

    def summary(self) -> str:
        """Return one line about all steps."""
        counts = ", ".join(f"{self._actions[action]} {action}" for action in Action if self._actions[action])
        return f"{counts or 'no files'}; {self._size} bytes to register; nothing was changed (dry run)"
