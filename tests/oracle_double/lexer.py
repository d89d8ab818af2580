"""Words, names, literals, binds and signs of an Oracle statement."""

import re
from dataclasses import dataclass
from enum import Enum, auto

from oracle_double.errors import not_understood


class Kind(Enum):
    """Kinds of tokens."""

    WORD = auto()
    """A keyword or name without quotes; `text` is in upper case."""
    NAME = auto()
    """A name in quotes; `text` is without them."""
    NUMBER = auto()
    STRING = auto()
    """`text` is the value."""
    BIND = auto()
    """`text` is the number of the bind in the statement, from 0."""
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and where it is in the statement."""

    kind: Kind
    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<quoted>[nN]?[qQ]'(?:\[.*?\]|\{.*?\}|\(.*?\)|<.*?>|(?P<mark>[^\s\[{(<]).*?(?P=mark))')
  | (?P<string>[nN]?'(?:[^']|'')*')
  | (?P<name>"(?:[^"]|"")+")
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[dDfF]?(?![A-Za-z_]))
  | (?P<bind>:\s*(?:"[^"]+"|\w+))
  | (?P<word>[^\W\d][\w$#]*)
  | (?P<sign>\(\+\)|<=|>=|<>|!=|\^=|\|\||[-+*/=<>(),.;@])
    """,
    re.VERBOSE | re.DOTALL,
)


def tokens_of(statement: str) -> list[Token]:
    """Divide a statement; raises OracleError for what is no token."""
    tokens: list[Token] = []
    position = binds = 0
    while position < len(statement):
        found = _TOKEN.match(statement, position)
        if not found:
            raise not_understood(f"character {position}: {statement[position]!r}", statement)
        position = found.end()
        kind = found.lastgroup
        if found["space"] is not None:
            continue
        if found["bind"] is not None:
            token = Token(Kind.BIND, str(binds), found.start(), position)
            binds += 1
        else:
            token = Token(*_plain(found[0], "quoted" if found["quoted"] else str(kind)), found.start(), position)
        tokens.append(token)
    tokens.append(Token(Kind.END, "", len(statement), len(statement)))
    return tokens


def _plain(text: str, kind: str) -> tuple[Kind, str]:
    match kind:
        case "quoted":
            return Kind.STRING, text[text.index("'") + 2 : -2]
        case "string":
            return Kind.STRING, text[text.index("'") + 1 : -1].replace("''", "'")
        case "name":
            return Kind.NAME, text[1:-1].replace('""', '"')
        case "number":
            return Kind.NUMBER, text
        case "word":
            return Kind.WORD, text.upper()
        case _:
            return Kind.SIGN, text
