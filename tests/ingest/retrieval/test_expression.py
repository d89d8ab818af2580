"""The language itself: what is understood, what is refused and how, what it means."""

import pytest

from ingest.item import Scalar
from ingest.retrieval.expression import MAX_DEPTH, MAX_LENGTH, evaluate, parse, uses_metadata
from ingest.retrieval.filters import EVERYTHING, MAX_ALTERNATIVES, MAX_QUERY, Search, searches_of
from ingest.retrieval.keys import COLUMNS, Key, keys_of, seconds_of
from legacy.errors import UsageError

Keys = dict[str, Key]

FILE: dict[str, Scalar] = {
    "name": "run_045000.l3.h5",
    "bytes": 5000,
    "adler32": "00ab12cd",
    "run": 45000,
    "level": 3,
    "kind": "data",
    "channel": "numu_CC",
    "production_version": "5.1",
    "start": "2010-03-04T05:06:07.123Z",
    "start_epoch": 1267679167.123,
    "embargo": "2030-01-31",
    "generator": "it's *new* 100% \\ok\"",
}


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("run=45000", True),
        ("run == 45000", True),
        ("run!=45000", False),
        ("run>45000 or level<4", True),
        ("run>=45000 and level=3 and kind=data", True),
        ("RUN=45000", None),
        ("run>45000 AND level=3", False),
        ("kind=data or kind=mc and level=0", True),
        ("(kind=data or kind=mc) and level=0", False),
        ("not level=0", True),
        ("not (level=3 and run=1)", True),
        ("not not level=3", True),
        ("level in (1, 2,3)", True),
        ("level not in (1,2,3)", False),
        ("run_last=5", False),
        ("run_last!=5", False),
        ("not run_last=5", False),
        ("run_last not in (5, 6)", False),
        ("channel=numu*", True),
        ("channel='*_CC'", True),
        ("channel=*mu*C*", True),
        ("channel=numu_C*C", True),
        ("channel=numu_CC*CC", False),
        ("channel!=numu*", False),
        ("channel=NUMU*", False),
        ("channel=*", True),
        ("detector=*", False),
        ("production_version=5.1", True),
        ("production_version=5.10", False),
        ("channel<o", True),
        ("channel>='numu'", True),
        ("generator='it\\'s \\*new\\* 100% \\\\ok\"'", True),
        ('generator="it\'s *new* 100% \\\\ok\\""', True),
        ("generator='\\*'", False),
        ("name=run_045*", True),
        ("bytes<5000", False),
        ("adler32=00ab12cd", True),
        ("start>=2010", True),
        ("start>=2010-03", True),
        ("start>='2010-03-04T05:06:08'", False),
        ("start<2010-03-05 and start>2010-03-04", True),
        ("start='2010-03-04T05:06:07.123Z'", True),
        ("start='2010-03-04T07:06:07.123+02:00'", True),
        ("start!='2010-03-04T05:06:07.123Z'", False),
        ("start=2010-03-04*", True),
        ("start=2010-03-04", False),
        ("embargo>2030", True),
        ("embargo<=2030-01-30", False),
        ("start_epoch>1.2e9", True),
    ],
)
def test_meaning(text: str, true: bool | None, keys: Keys) -> None:
    if true is None:
        with pytest.raises(UsageError, match="unknown key 'RUN'"):
            parse(text, keys)
        return
    assert evaluate(parse(text, keys), FILE) is true


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("", 0, "a key is expected, found the end"),
        ("   ", 0, "a key is expected"),
        ("leve=3", 0, "unknown key 'leve'; did you mean 'level'?"),
        ("level=3 and leve=3", 12, "unknown key 'leve'"),
        ("meta.run=3", 0, "unknown key 'meta.run'"),
        ("level", 5, "after 'level' an operator is expected"),
        ("level 3", 6, "after 'level' an operator is expected"),
        ("level not = 3", 10, "after 'level' an operator is expected"),
        ("level=", 6, "a value is expected, found the end"),
        ("level=)", 6, "a value is expected, found ')'"),
        ("level=3 kind=data", 8, "'kind' is not expected here; join comparisons by and, or"),
        ("level=3 and", 11, "a key is expected, found the end"),
        ("and level=3", 0, "a key is expected, found 'and'"),
        ("(level=3", 0, "this parenthesis is not closed"),
        ("level=3)", 7, "')' is not expected here"),
        ("level=three", 6, "level: expected a whole number, found 'three'"),
        ("level=3.0", 6, "level: expected a whole number"),
        ("level='*'", 6, "level: no wildcard is possible here"),
        ("channel<numu*", 8, "channel: no wildcard is possible here"),
        ("start_epoch=x", 12, "start_epoch: expected a number"),
        ("start_epoch=1e999", 12, "start_epoch: expected a number"),
        ("start_epoch=nan", 12, "start_epoch: expected a number"),
        ("start>yesterday", 6, "start: expected a time in UTC, found 'yesterday'"),
        ("start>2010-13-01", 6, "start: expected a time"),
        ("kind=dta", 5, "kind: this value never occurs, found 'dta'; did you mean 'data'?"),
        ("level in 3", 9, "after 'in' a list is expected"),
        ("level in (3", 9, "this list is not closed"),
        ("level in ()", 10, "a value is expected, found ')'"),
        ("kind='data", 5, "the quote ' is not closed"),
        ("level!3", 5, "'!' alone means nothing"),
        ("kind=\x1bdata", 5, "kind: this value never occurs, found '\\x1bdata'"),
    ],
)
def test_refused_with_the_place(text: str, at: int, said: str, keys: Keys) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text, keys)
    message, _, caret = str(caught.value).split("\n")
    assert message.startswith(said)
    assert "; " in message, "the next step"
    assert caret == "  " + " " * at + "^"
    assert "\x1b" not in str(caught.value)


def test_limits(keys: Keys) -> None:
    with pytest.raises(UsageError, match="characters, at most"):
        parse("level=3 and " * (MAX_LENGTH // 12) + "level=3 ", keys)
    with pytest.raises(UsageError, match="levels of parentheses"):
        parse("(" * (MAX_DEPTH + 1) + "level=3" + ")" * (MAX_DEPTH + 1), keys)
    with pytest.raises(UsageError, match="levels of parentheses"):
        parse("not " * (MAX_DEPTH + 1) + "level=3", keys)
    five = "(level=1 or level=2 or level=3 or level=4 or level=0)"
    assert searches_of(parse(" and ".join([five] * 3), keys))
    with pytest.raises(UsageError, match=f"625 alternatives, at most {MAX_ALTERNATIVES}"):
        searches_of(parse(" and ".join([five] * 4), keys))
    with pytest.raises(UsageError, match="alternatives"):  # counted, not made
        searches_of(parse(" and ".join([five] * 50), keys))


def test_a_year_is_its_first_moment() -> None:
    assert seconds_of("1970") == 0
    assert seconds_of("1970-02") == 31 * 86400
    assert seconds_of("1970-01-01T00:00:01.5Z") == 1.5
    assert seconds_of("1970-01-01T01:00:00+01:00") == 0


def asked(text: str, keys: Keys) -> list[dict[str, Scalar]]:
    return [dict(filters) for search in searches_of(parse(text, keys)) for filters in search.filters]


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("level=3 and kind=data", [{"level": 3, "kind": "data"}]),
        ("level=3 or kind=data", [{"level": 3}, {"kind": "data"}]),
        ("level=3 and level=4", [{"level": 3}]),
        ("run>5 and run>7 and run>6", [{"run.gt": 7}]),
        ("run<=5 and run<=3 and run<9", [{"run.lte": 3, "run.lt": 9}]),
        ("name=a* and level=3", [{"name": "a*", "level": 3}]),
        ("bytes>5 and level=3", [{"level": 3}]),
        ("bytes>5 and name=a*", [{"bytes.gt": 5, "name": "a*"}]),
        ("bytes>5 or level=3", [{"bytes.gt": 5}, {"level": 3}]),
        ("name=a* or level=3", [{"name": "a*"}, {"level": 3}]),
        ("channel=*", [EVERYTHING]),
        ("channel<b or level=3", [EVERYTHING]),
        ("channel=5.1", [{"channel": "5.1*"}]),
        ("channel='None'", [{"channel": "None*"}]),
        ("channel=structural", [{"channel": "structural"}]),
        ("channel=untrue", [{"channel": "un*"}]),
        ("channel='100%x'", [{"channel": "100*x"}]),
        ("channel='a\\*b'", [{"channel": "a*b"}]),
        ("channel!='a\\*b'", [EVERYTHING]),
        ("channel!=a*", [EVERYTHING]),
        ("channel!=abc", [{"channel.ne": "abc"}]),
        ("channel='a\\'] or 1'", [{"channel": "a* or 1"}]),
        ("start=2010", [{"start_epoch.gte": 1262303999.999, "start_epoch.lte": 1262304000.001}]),
        ("n_events=9007199254740993", [EVERYTHING]),
        ("adler32=12345678", [{"adler32": "12345678*"}]),
    ],
)
def test_what_rucio_is_asked(text: str, filters: list[dict[str, Scalar]], keys: Keys) -> None:
    assert asked(text, keys) == filters


def test_keys_that_rucio_takes_for_its_own(keys: Keys) -> None:
    own = {**keys, "metadata": Key("metadata", "text"), "Odd": Key("Odd", "integer")}
    assert asked("metadata=x and level=3", own) == [{"level": 3}]
    assert asked("Odd=3", own) == [EVERYTHING]


def test_questions_fit_into_an_address(keys: Keys) -> None:
    numbers = ",".join(str(45000 + n) for n in range(MAX_ALTERNATIVES))
    searches = searches_of(parse(f"run in ({numbers})", keys))
    assert len(searches) > 1
    assert sum(len(search.filters) for search in searches) == MAX_ALTERNATIVES
    assert all(len(str(list(search.filters))) <= MAX_QUERY for search in searches)
    long = parse(f"channel={'x' * 3700} and level=3", keys)
    assert searches_of(long) == [Search(({"level": 3},))]


def test_keys_of_a_schema() -> None:
    types = {"run": "integer", "livetime": "number", "good": "boolean", "start": "string", "start_epoch": "number"}
    found = keys_of(types, {"run": {}, "site": {}})
    assert {name: key.kind for name, key in found.items() if not key.column} == {
        "run": "integer",
        "livetime": "number",
        "good": "boolean",
        "start": "time",
        "start_epoch": "number",
    }
    assert {name for name, key in found.items() if key.column} == set(COLUMNS)
    assert evaluate(parse("good=TRUE", found), {"good": True})
    assert not evaluate(parse("good=true", found), {"good": 1})
    assert not evaluate(parse("run=1", found), {"run": True})
    assert not evaluate(parse("run!=1", found), {"run": "1"})
    with pytest.raises(UsageError, match="expected true or false"):
        parse("good=yes", found)


def test_metadata_are_read_only_when_needed(keys: Keys) -> None:
    assert not uses_metadata(parse("name=a* and not (bytes>5 or adler32=00000001)", keys))
    assert uses_metadata(parse("name=a* and (bytes>5 or level=1)", keys))
