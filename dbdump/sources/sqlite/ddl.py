"""Expressions of generated columns out of a CREATE TABLE statement: SQLite gives them nowhere else."""

import re
from collections.abc import Iterator, Mapping

_TOKEN = re.compile(
    r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]   # texts and quoted names
      | --[^\n]* | /\*.*?(?:\*/|\Z)                                      # comments
      | [(),] | [^\s'"`\[(),/-]+ | .""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT = ("--", "/*")


def generated_columns(statement: str) -> Mapping[str, str]:
    """Return the expression of each generated column by its name in lower case, as it is written.

    Parameters
    ----------
    statement
        What ``sqlite_master`` has of a table.
    """
    found: dict[str, str] = {}
    for tokens in _definitions(statement):
        place = _after_as(tokens)
        if place is not None:
            name = _unquoted(tokens[0][1].group()).lower()
            start, end = tokens[place][1].end(), _closing(tokens, place)
            found[name] = statement[start:end].strip()
    return found


def _definitions(statement: str) -> Iterator[list[tuple[int, re.Match[str]]]]:
    """Yield the tokens of each column or constraint, with how many parentheses are open before each."""
    depth = 0
    tokens: list[tuple[int, re.Match[str]]] = []
    for match in _TOKEN.finditer(statement):
        token = match.group()
        if token.isspace() or token.startswith(_COMMENT):
            continue
        if depth == 1 and token in (",", ")"):
            if tokens:
                yield tokens
            tokens = []
        elif depth >= 1:
            tokens.append((depth, match))
        depth += {"(": 1, ")": -1}.get(token, 0)


def _after_as(tokens: list[tuple[int, re.Match[str]]]) -> int | None:
    """Return the place of the parenthesis after AS."""
    for place in range(1, len(tokens) - 1):
        depth, match = tokens[place]
        if depth == 1 and match.group().upper() == "AS" and tokens[place + 1][1].group() == "(":
            return place + 1
    return None


def _closing(tokens: list[tuple[int, re.Match[str]]], opening: int) -> int:
    """Return where the text ends that begins after the parenthesis at `opening`."""
    for depth, match in tokens[opening + 1 :]:
        if depth == 2 and match.group() == ")":
            return match.start()
    return tokens[-1][1].end()


def _unquoted(token: str) -> str:
    if token[0] in "\"'`":
        return token[1:-1].replace(token[0] * 2, token[0])
    return token[1:-1] if token[0] == "[" else token
