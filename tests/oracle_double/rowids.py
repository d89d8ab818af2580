"""Physical addresses of rows: ROWID texts of 18 characters that sort, and compare, as SQLite's rowids do.

Oracle writes object, file, block and row with 64 characters whose order is not that of their codes. The double's own
addresses have only letters in them: these 52 are in both orders alike, so sorting the texts sorts the rows.
"""

from dataclasses import dataclass

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_VALUE = {letter: value for value, letter in enumerate(_ALPHABET)}
_LETTERS = 52
ROWS_PER_BLOCK = 50
OBJECT, FILE = 73196, 4
"""Every table of the double is in the same segment."""
_PREFIX = "AAAR3sAAE"
_LONGEST = 18


@dataclass(frozen=True, slots=True)
class Address:
    """What a ROWID says."""

    object: int
    file: int
    block: int
    slot: int


def of_row(number: int) -> str:
    """Return the ROWID of SQLite's row `number`."""
    block, slot = divmod(number, ROWS_PER_BLOCK)
    letters = []
    for _ in range(6):
        block, letter = divmod(block, _LETTERS)
        letters.append(_ALPHABET[letter])
    return f"{_PREFIX}{''.join(reversed(letters))}AA{_ALPHABET[slot]}"


def row_of(text: str) -> int:
    """Return the row that a ROWID addresses; for an address between two of ours, the last row before it."""
    digits = [_VALUE[letter] for letter in _checked(text)[9:15]]
    for place, digit in enumerate(digits):
        if digit >= _LETTERS:
            digits[place:] = [_LETTERS - 1] * (6 - place)
            break
    block = 0
    for digit in digits:
        block = block * _LETTERS + digit
    slot = _number(text[15:])
    return block * ROWS_PER_BLOCK + min(slot, ROWS_PER_BLOCK - 1)


def parts(text: str) -> Address:
    """Take a ROWID apart; raises ValueError (ORA-01410)."""
    text = _checked(text)
    return Address(_number(text[:6]), _number(text[6:9]), _number(text[9:15]), _number(text[15:]))


def build(address: Address) -> str:
    """Return the text of an address."""
    return "".join((
        _digits(address.object, 6), _digits(address.file, 3), _digits(address.block, 6), _digits(address.slot, 3),
    ))  # fmt: skip


def block_of_row(number: int) -> int:
    """Return the block in which a row lies, as DBA_EXTENTS counts blocks."""
    return parts(of_row(number)).block


def _checked(text: str) -> str:
    if len(text) != _LONGEST or any(letter not in _VALUE for letter in text):
        raise ValueError(f"ORA-01410: invalid ROWID: {text!r}")
    return text


def _number(letters: str) -> int:
    value = 0
    for letter in letters:
        value = value * 64 + _VALUE[letter]
    return value


def _digits(value: int, count: int) -> str:
    letters = []
    for _ in range(count):
        value, digit = divmod(value, 64)
        letters.append(_ALPHABET[digit])
    return "".join(reversed(letters))
