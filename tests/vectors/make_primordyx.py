#!/usr/bin/env python3
"""Generates primordyx.json: tokens of the Primordyx PHP framework, and the expected imports.

    python3 tests/vectors/make_primordyx.py           regenerate the file
    python3 tests/vectors/make_primordyx.py --check   compare the file with the generated text

The output is deterministic: each IV is the hash of its case's name. Every case states its outcome
by hand. `judge`, which shares no code with the generator, must reach the same outcome.

A token is hex(iv[12] || ciphertext || tag[16]) of AES-256-GCM without associated data. The key is
SHA-256 of the passphrase's text. The plaintext is {"k": "<JSON text>"}. The JSON text inside
holds the caller's other keys first, then timestamp, seconds_to_expire and custom.
Needs the PyPI package `cryptography`.
"""

import hashlib
import json
import math
import re
import sys
from decimal import Decimal
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FILE = Path(__file__).with_name("primordyx.json")
ABOUT = (
    "Tokens of the Primordyx PHP framework; made by make_primordyx.py, not by hand. Each is "
    "opened with `passphrase` and judged at the Unix second `now`. expect: what is read. "
    "seconds_to_expire is null for a token that never expires (PHP: a number <= 0), and 0 where "
    "the lifetime is missing or is no number: such a token counts as expired. A whole number as "
    "text is a number; a fraction is cut off. A missing timestamp is 0. A custom that is "
    "missing, null or [] (PHP writes an empty map so) is {}; any other list stays a list. A "
    "number written -0 is -0.0. extra: the keys beside the three, where there are any. error: "
    "why it is refused instead."
)
PASSPHRASE = "correct horse battery staple"
T = 1_763_755_200
LAST = 253_402_300_799  # 9999-12-31T23:59:59Z
PHP_INT_MAX = 2**63 - 1
CUSTOM = {"user_id": 123, "action": "password_reset"}

# ---- the generator: PHP's json_encode, and Primordyx's Crypto::encrypt ----------------------


def php_string(text):
    out = []
    for char in text:
        short = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f"}
        short |= {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
        if char in short:
            out.append(short[char])
        elif " " <= char <= "\x7f":
            out.append(char)
        else:  # UTF-16 code units: characters beyond U+FFFF become surrogate pairs
            units = char.encode("utf-16-be").hex()
            out += [f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4)]
    return '"' + "".join(out) + '"'


def php_float(value):
    """A float as PHP 7.1 and later print it: the shortest digits, never ".0", PHP's exponents."""
    sign = "-" if math.copysign(1, value) < 0 else ""
    if value == 0:
        return sign + "0"
    _, digits, exponent = Decimal(repr(abs(value))).normalize().as_tuple()
    digits = "".join(map(str, digits))
    point = len(digits) + exponent  # the number of digits before the decimal point
    if point < -3 or point > 17:
        rest = digits[1:] or "0"
        return f"{sign}{digits[0]}.{rest}e{'-' if point < 1 else '+'}{abs(point - 1)}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    whole, fraction = digits[:point].ljust(point, "0"), digits[point:]
    return sign + whole + ("." + fraction if fraction else "")


def php_json(value):
    if isinstance(value, str):
        return php_string(value)
    if isinstance(value, float):
        return php_float(value)
    if isinstance(value, dict):
        # PHP has one array type: a map with the keys 0, 1, 2… is a list, and so is an empty map.
        if list(value) == [str(index) for index in range(len(value))]:
            return php_json(list(value.values()))
        return "{" + ",".join(f"{php_string(k)}:{php_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(php_json, value)) + "]"
    return json.dumps(value)  # int, bool, null


def encrypted(name, plaintext, passphrase=PASSPHRASE):
    key = hashlib.sha256(passphrase.encode("utf-8")).digest()
    iv = hashlib.sha256(b"sealtoken primordyx vector: " + name.encode("utf-8")).digest()[:12]
    return (iv + AESGCM(key).encrypt(iv, plaintext, None)).hex()


def encrypted_cargo(name, cargo, passphrase=PASSPHRASE):
    return encrypted(name, php_json({"k": php_json(cargo)}).encode("ascii"), passphrase)


def cargo_of(custom=CUSTOM, ttl=3600, timestamp=T):
    return {"timestamp": timestamp, "seconds_to_expire": ttl, "custom": custom}


# ---- the cases ------------------------------------------------------------------------------


class Cases:
    def __init__(self):
        self.vectors = []

    def add(self, name, now, token, outcome, passphrase=PASSPHRASE):
        assert name not in {vector["name"] for vector in self.vectors}, name
        vector = {"name": name, "passphrase": passphrase, "now": now, "token": token}
        self.vectors.append(vector | outcome)

    def read(self, name, cargo=None, now=T, spell=str.lower, passphrase=PASSPHRASE, **expect):
        """A token that is read. By default, it has the values of `cargo_of()` and is valid."""
        token = spell(encrypted_cargo(name, cargo_of() if cargo is None else cargo, passphrase))
        usual = {"timestamp": T, "seconds_to_expire": 3600, "custom": CUSTOM, "expired": False}
        self.add(name, now, token, {"expect": usual | expect}, passphrase)

    def refused(self, name, token, error, **rest):
        self.add(name, T, token, {"error": error}, **rest)

    def payload(self, name, plaintext):
        self.refused(name, encrypted(name, plaintext.encode("utf-8")), "payload")

    def inner(self, name, text):
        """A token that is refused for the JSON text inside `k`."""
        self.payload(name, php_json({"k": text}))


def spellings(cases):
    cases.read("plain")
    cases.read("upper-case hex", spell=str.upper)
    cases.read("mixed-case hex", spell=lambda text: text[:40].upper() + text[40:])
    cases.read(
        "passphrase that looks like base64 is text",
        passphrase="q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
    )
    cases.read("passphrase beyond ASCII", passphrase="Größe ✓ 😀")
    cases.read("passphrase of one character", passphrase="x")


def customs(cases):
    def kept(name, custom):
        cases.read(name, cargo_of(custom), custom=custom)

    cases.read("custom empty, which PHP writes as a list", cargo_of({}), custom={})
    # PHP cannot tell a map with the keys 0, 1, 2 from a list, so the JSON has a list. It stays one.
    cases.read("custom of numbered keys", cargo_of({"0": "a", "1": "b"}), custom=["a", "b"])
    kept("custom a list of values", [1, "two", None, True])
    kept("custom nested", {"a": [[1, [2, []]], {"b": {"c": [{"d": None}]}}]})
    kept("custom of numbered keys from one", {"1": "a", "2": "b"})
    kept("custom beyond ASCII", {"näme": "Ünïcødé ✓ 中", "emoji": "😀 👨‍👩‍👧", "separator": "\u2028"})
    kept(
        "custom with slashes and quotes",
        {"url": "https://example.com/a?b=\"c\"\\d", "</script>": "/"}
    )
    kept("custom with control characters", {"text": "\x00\x01\b\t\n\f\r\x1f\x7f"})
    kept("custom with an empty name", {"": "nameless"})
    # PHP drops the ".0" of 1.0, so an integer comes back. It writes -0.0 as "-0".
    numbers = {
        "whole": 1.0, "minus zero": -0.0, "small": 1e-7, "large": 1e21, "half": 2.5,
        "int": PHP_INT_MAX
    }
    cases.read("custom with PHP's numbers", cargo_of(numbers), custom=numbers | {"whole": 1})

    without = {name: value for name, value in cargo_of().items() if name != "custom"}
    cases.read("custom missing", without, custom={})
    cases.read("custom null", cargo_of(None), custom={})
    # Primordyx's reader treats such a map as a value with its own expiry, so whoever fills the
    # payload can replace or hide it. Here it is ordinary data.
    wrapped = {"__cargo_value": {"admin": True}, "__cargo_expires": None}
    kept(
        "an entry with an end of its own is not unwrapped",
        {"flash": wrapped | {"__cargo_expires": T - 1}}
    )
    kept("custom that looks like an entry with an end", wrapped)

    cases.read("a key before the three", {"theme": "dark"} | cargo_of(), extra={"theme": "dark"})
    more = {"uuid": "not-ours", "seen": [1, {"a": None}]}
    cases.read(
        "keys before and after", {"uuid": more["uuid"]} | cargo_of() | {"seen": more["seen"]},
        extra=more
    )


def lifetimes(cases):
    def never(name, ttl, now=T + 10**9):
        cases.read(name, cargo_of(ttl=ttl), now, seconds_to_expire=None)

    def no_number(name, ttl):
        cases.read(name, cargo_of(ttl=ttl), seconds_to_expire=0, expired=True)

    def around(name, ttl, seconds):
        cases.read(
            f"{name}: the second before", cargo_of(ttl=ttl), T + seconds - 1,
            seconds_to_expire=seconds
        )
        cases.read(
            f"{name}: to the second", cargo_of(ttl=ttl), T + seconds, seconds_to_expire=seconds,
            expired=True
        )

    around("lifetime 60", 60, 60)
    around("lifetime as text", "60", 60)
    around("lifetime 3600.9", 3600.9, 3600)
    cases.read("expired for long", now=T + 10**9, expired=True)
    never("lifetime 0", 0)
    never("lifetime -1", -1)
    never("lifetime PHP_INT_MIN", -PHP_INT_MAX - 1)
    # Primordyx casts these to 0, which it reads as "never expires". An import must not.
    no_number("lifetime null", None)
    no_number("lifetime abc", "abc")
    no_number("lifetime text that begins with a number", "60 seconds")
    no_number("lifetime empty text", "")
    no_number("lifetime false", False)
    no_number("lifetime an empty list", [])
    no_number(
        "lifetime wrapped as an entry with an end", {"__cargo_value": 60, "__cargo_expires": T + 60}
    )
    without = {name: value for name, value in cargo_of().items() if name != "seconds_to_expire"}
    cases.read("lifetime missing", without, seconds_to_expire=0, expired=True)

    cases.read("lifetime to the limit", cargo_of(ttl=LAST), seconds_to_expire=LAST)
    for name, ttl in {
        "lifetime beyond the limit": LAST + 1,
        "lifetime PHP_INT_MAX": PHP_INT_MAX,
        "lifetime beyond the limit, as text": str(LAST + 1),
        "lifetime beyond the limit, as a float": 1e21,
    }.items():
        cases.refused(name, encrypted_cargo(name, cargo_of(ttl=ttl)), "lifetime_out_of_range")

    without = {name: value for name, value in cargo_of().items() if name != "timestamp"}
    cases.read("timestamp missing", without, timestamp=0, expired=True)
    cases.read(
        "timestamp in the far future", cargo_of(timestamp=4_102_444_800), timestamp=4_102_444_800
    )


def sizes(cases):
    """About 60 KiB, the limit of 64 KiB of text, and one byte (two characters) more."""

    def filled(name, characters):
        # An emoji adds 28 characters to the token but only 4 bytes to this file.
        def custom(emoji, fill):
            return {"text": "😀" * emoji, "fill": "x" * fill}

        def length(emoji, fill):
            return len(encrypted_cargo(name, cargo_of(custom(emoji, fill))))

        emoji, rest = divmod(characters - length(0, 0), 28)
        made = custom(emoji, rest // 2)
        assert length(emoji, rest // 2) == characters
        return made

    for name, size in {"60 KiB": 60 * 1024, "64 KiB, the longest": 64 * 1024}.items():
        custom = filled(name, size)
        cases.read(name, cargo_of(custom), custom=custom)
    name = "64 KiB and two characters"
    token = encrypted_cargo(name, cargo_of(filled(name, 64 * 1024 + 2)))
    cases.refused(name, token, "malformed")


def refusals(cases):
    good = encrypted_cargo("refusals", cargo_of())

    def flipped(position):
        raw = bytearray.fromhex(good)
        raw[position] ^= 1
        return raw.hex()

    for name, token in {
        "empty": "",
        "odd number of digits": good[:-1],
        "a character that is no hex digit": good[:-1] + "g",
        "a full-width digit": good[:-1] + "\uff11",
        "space before": " " + good,
        "space after": good + " ",
        "line ending after": good + "\n",
        "spaces between": good[:10] + "  " + good[10:],
        "0x before": "0x" + good,
        "base64 instead of hex": "st1_" + "A" * 80,
        "28 bytes, no ciphertext": encrypted("28 bytes", b""),
    }.items():
        cases.refused(name, token, "malformed")
    for name, token in {
        "29 bytes": "00" * 29,
        "a bit of the IV flipped": flipped(0),
        "a bit of the ciphertext flipped": flipped(20),
        "a bit of the tag flipped": flipped(-1),
        "the last byte missing": good[:-2],
        "a byte more": good + "00",
    }.items():
        cases.refused(name, token, "forged")
    cases.refused("wrong passphrase", good, "forged", passphrase=PASSPHRASE + " ")

    cases.payload("k missing", '{"key":"{}"}')
    cases.payload("k a number", '{"k":5}')
    cases.payload("k null", '{"k":null}')
    cases.payload("k true", '{"k":true}')
    cases.payload("k an object, as a cookie of the same key may have", '{"k":{"timestamp":1}}')
    cases.payload("outer a list", '["k"]')
    cases.payload("outer a text", '"k"')
    cases.payload("outer not JSON", "hello")
    cases.payload("outer two values", php_json({"k": php_json(cargo_of())}) + "{}")
    cases.refused("outer not UTF-8", encrypted("outer not UTF-8", b'{"k":"\xff"}'), "payload")
    cases.inner("k empty", "")
    cases.inner("inner not JSON", "hello")
    cases.inner("inner cut off", php_json(cargo_of())[:-1])
    cases.inner("inner two values", php_json(cargo_of()) + "{}")
    cases.inner("inner a list", "[1,2,3]")
    cases.inner("inner an empty list", "[]")
    cases.inner("inner a number", "0")
    cases.inner("inner a text", '"text"')
    cases.inner("inner null", "null")
    cases.inner("inner a lone surrogate", php_json(cargo_of({"a": "#"})).replace("#", "\\ud800"))


# ---- the second opinion ---------------------------------------------------------------------


def judge(vector):
    """`{"expect": …}` or `{"error": …}`, from the token alone."""
    token = vector["token"]
    if len(token) > 65536 or not re.fullmatch("([0-9a-fA-F]{2}){29,}", token):
        return {"error": "malformed"}
    raw = int(token, 16).to_bytes(len(token) // 2, "big")
    iv, sealed, tag = raw[:12], raw[12:-16], raw[-16:]
    key = hashlib.sha256(vector["passphrase"].encode("utf-8")).digest()
    opener = Cipher(algorithms.AES(key), modes.GCM(iv, tag)).decryptor()
    try:
        clear = opener.update(sealed) + opener.finalize()
    except InvalidTag:
        return {"error": "forged"}

    def integer(text):  # an int would lose the sign of "-0"
        return -0.0 if text == "-0" else int(text)

    try:
        inner = json.loads(json.loads(clear.decode("utf-8"))["k"], parse_int=integer)
        json.dumps(inner, ensure_ascii=False).encode("utf-8")  # fails on an unpaired surrogate
    except (ValueError, KeyError, TypeError):
        return {"error": "payload"}
    if not isinstance(inner, dict):
        return {"error": "payload"}

    began, ttl = inner.pop("timestamp", 0), inner.pop("seconds_to_expire", None)
    custom = inner.pop("custom", None)
    if type(ttl) is str and ttl.isascii() and ttl.isdecimal():
        ttl = int(ttl)
    seconds = int(ttl) if type(ttl) in (int, float) else None
    if seconds is not None and seconds > LAST:
        return {"error": "lifetime_out_of_range"}
    never = seconds is not None and seconds <= 0
    expired = not never and (seconds is None or vector["now"] - began >= seconds)
    lifetime = None if never else seconds or 0
    expect = {
        "timestamp": began, "seconds_to_expire": lifetime, "custom": custom or {},
        "expired": expired
    }
    return {"expect": expect | ({"extra": inner} if inner else {})}


def main(arguments):
    cases = Cases()
    for part in (spellings, customs, lifetimes, sizes, refusals):
        part(cases)
    lines = [json.dumps(vector, ensure_ascii=False) for vector in cases.vectors]
    text = '{\n"about": ' + json.dumps(ABOUT) + ',\n"vectors": [\n' + ",\n".join(lines) + "\n]}\n"
    # Judge the vectors as a reader of the file sees them. Compare as text, where 1 is not true.
    for vector in json.loads(text)["vectors"]:
        stated = {part: vector[part] for part in ("expect", "error") if part in vector}
        judged = judge(vector)
        if json.dumps(stated, sort_keys=True) != json.dumps(judged, sort_keys=True):
            print(f"{vector['name']}: stated {stated}, judged {judged}"[:2000])
            return 1
    if arguments == ["--check"]:
        if FILE.read_text(encoding="utf-8") != text:
            print(f"{FILE.name} differs from the generated text: run {Path(__file__).name}")
            return 1
    else:
        FILE.write_text(text, encoding="utf-8")
    print(f"{len(lines)} vectors, {len(text.encode('utf-8'))} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
