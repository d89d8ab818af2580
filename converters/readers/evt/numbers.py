"""Numbers as Fortran and C++ programs wrote them into `.evt` files.

A Fortran field that is too narrow swallows the blank before it (``0.100E+09-0.100E+01`` are two numbers),
overflows into stars (``*********``), or loses the ``E`` of a three-digit exponent (``0.1234-100``).
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Written so that no text makes the search try the same digits twice: files are untrusted.
_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[EeDd][+-]?\d+)?"
_THREE_DIGIT_EXPONENT = re.compile(r"([+-]?(?:\d+\.\d*|\.\d+))([+-]\d{3})")
_WHOLE = re.compile(_NUMBER)
# The second and later numbers of a glued token must begin with a sign: nothing else marks the border.
_GLUED = re.compile(rf"{_NUMBER}(?:(?=[+-]){_NUMBER})+")
_STARS = re.compile(r"[+-]?\*+")
_WORDS = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def separate(token: str) -> list[str]:
    """Split a token at the borders of glued numbers.

    Parameters
    ----------
    token
        Text without blanks.

    Returns
    -------
    list of str
        The single numbers, or the token itself if it is not a row of glued numbers.
    """
    if _WHOLE.fullmatch(token) or _THREE_DIGIT_EXPONENT.fullmatch(token) or not _GLUED.fullmatch(token):
        return [token]
    return _WHOLE.findall(token)


def to_float(token: str) -> float | None:
    """Return the number that a token stands for.

    Parameters
    ----------
    token
        One token of `separate`.

    Returns
    -------
    float or None
        NaN for overflow stars and for ``NaN``; None if the token is no number at all.
    """
    if _WHOLE.fullmatch(token):
        return float(token.replace("D", "E").replace("d", "e"))
    if short := _THREE_DIGIT_EXPONENT.fullmatch(token):
        return float(f"{short[1]}e{short[2]}")
    if _STARS.fullmatch(token):
        return float("nan")
    return float(token) if _WORDS.fullmatch(token) else None


def parse_line(text: str) -> list[float | None]:
    """Read all numbers of a line; a token that is no number becomes None."""
    return [to_float(part) for token in text.split() for part in separate(token)]


def parse_table(lines: Sequence[str]) -> NDArray[np.float64] | None:
    """Read lines of equally many plain numbers at C speed.

    Parameters
    ----------
    lines
        The values of each line as text.

    Returns
    -------
    numpy.ndarray or None
        Shape (lines, columns); None if the lines differ in their number of columns or hold anything but
        plain numbers, in which case they have to go through `parse_line`.
    """
    if not lines or not lines[0].strip():
        return None
    try:
        # loadtxt skips blank lines silently, which would shift every later line: the check below catches it.
        values = np.loadtxt(lines, dtype=np.float64, comments=None, ndmin=2)
    except (ValueError, OverflowError):
        return None
    return values if len(values) == len(lines) else None


def to_integers(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Turn floats that stand for integers into integers.

    Parameters
    ----------
    values
        Any shape.

    Returns
    -------
    numpy.ndarray of int64
        -1 where the value is not a finite integer below 2**53.
    """
    good = (np.abs(values) < 2.0**53) & (values == np.trunc(values))
    return np.where(good, values, -1.0).astype(np.int64)
