"""Strict JSON for st1.py: refuses with ValueError where Python's reader is lenient.

Python's reader checks the grammar. `Pairs` and `Number` keep what it would lose: repeated names
and the spelling of numbers.
"""

import json
import sys
from dataclasses import dataclass

MAX_LEVELS = 64

# JSON has no depth limit, and the longest token has room for some 1,500 levels.
sys.setrecursionlimit(max(sys.getrecursionlimit(), 10_000))


class Pairs(list):
    """An object as its (name, value) pairs, in order and with repeated names."""


@dataclass(frozen=True)
class Number:
    spelling: str
    whole: bool  # no fraction and no exponent


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


_READER = json.JSONDecoder(
    object_pairs_hook=Pairs,
    parse_int=lambda text: Number(text, True),
    parse_float=lambda text: Number(text, False),
    parse_constant=_no_constant,
)


def read_json(text):
    """One JSON value, as Pairs, lists, texts, Numbers, booleans and None."""
    try:
        return _READER.decode(text)
    except RecursionError:
        raise ValueError("nested too deep for this reader") from None


def whole_text(text):
    # Python's reader has combined the pairs, so any surrogate here is unpaired.
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("an unpaired surrogate")
    return text


def members_of(pairs):
    """The object as a dict. Names must be distinct and valid Unicode."""
    members = {}
    for name, value in pairs:
        if whole_text(name) in members:
            raise ValueError(f"the name {name!r} is repeated")
        members[name] = value
    return members


def _number(number):
    if number.whole and number.spelling != "-0":
        # Every integer in range fits 20 characters, and int() is slow on long texts.
        if len(number.spelling) > 20 or not -(1 << 63) <= int(number.spelling) < 1 << 64:
            raise ValueError("an integer outside i64::MIN..=u64::MAX")
        return int(number.spelling)
    value = float(number.spelling)  # "-0" as well, because an integer would lose its sign
    if value in (float("inf"), float("-inf")):
        raise ValueError("a number beyond f64")
    return value


def plain(value, level=1):
    """`value` in Python's types, by the rules for a cargo that is read as a map."""
    if isinstance(value, Number):
        return _number(value)
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, list):  # includes Pairs
        if level > MAX_LEVELS:
            raise ValueError(f"more than {MAX_LEVELS} levels")
        if isinstance(value, Pairs):
            return {name: plain(inner, level + 1) for name, inner in members_of(value).items()}
        return [plain(inner, level + 1) for inner in value]
    return value


def write_json(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
