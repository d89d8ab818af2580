"""A place in a statement, from which it is read token by token."""

from oracle_double.errors import OracleError, not_understood
from oracle_double.lexer import Kind, Token


class Tokens:
    """A place in a statement."""

    def __init__(self, statement: str, tokens: list[Token]) -> None:
        self.statement = statement
        self.tokens = tokens
        self.at = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.at]

    def ahead(self, count: int = 1) -> Token:
        """Return a token further on."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def next(self) -> Token:
        """Take the next token."""
        token = self.token
        self.at += 1
        return token

    def is_word(self, *words: str) -> bool:
        """Whether the next tokens are these words."""
        return all(
            self.ahead(place).kind == Kind.WORD and self.ahead(place).text == word for place, word in enumerate(words)
        )

    def is_sign(self, sign: str) -> bool:
        """Whether the next token is this sign."""
        return self.token.kind == Kind.SIGN and self.token.text == sign

    def take(self, *words: str) -> bool:
        """Take these words if they come next."""
        if not self.is_word(*words):
            return False
        self.at += len(words)
        return True

    def take_sign(self, sign: str) -> bool:
        """Take this sign if it comes next."""
        if not self.is_sign(sign):
            return False
        self.at += 1
        return True

    def need(self, text: str) -> None:
        """Take a word or sign that must come; raises OracleError."""
        if self.token.kind not in (Kind.WORD, Kind.SIGN) or self.token.text != text:
            raise self.surprise(f"{text} expected")
        self.at += 1

    def identifier(self) -> str:
        """Take a name."""
        if self.token.kind not in (Kind.WORD, Kind.NAME):
            raise self.surprise("a name expected")
        return self.next().text

    def surprise(self, why: str) -> OracleError:
        """Return the error for the token that comes next."""
        return not_understood(f"{why} at {self.token.text or 'the end'!r}", self.statement)
