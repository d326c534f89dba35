#!/usr/bin/env python3
"""Generates access_tokens.json: tokens, hashes and items of the Node system @access-tokens/core.

    python3 tests/vectors/make_access_tokens.py           regenerate the file
    python3 tests/vectors/make_access_tokens.py --check   compare the file with the generated text

The output is deterministic: ids, secrets and salts are hashes of their case's name. Every case
states its outcome by hand, ours and that of the Node system. The judges, which share no code with
the generator, must reach the same outcome as we do.

A token is prefix || id || "." || base64(secret), with padding. An id is 122 random bits as 21
digits of base 62. Its item in DynamoDB holds the hash of the secret as a PHC string,
$scrypt$ln=L,r=R,p=P$salt$hash, in base64 without padding. The Node system makes the hash as long
as the secret. It checks in this order: prefix, format, item, hash, secret, revocation, expiry.

Needs only Python.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import sys
from pathlib import Path

FILE = Path(__file__).with_name("access_tokens.json")
ABOUT = (
    "Tokens and items of the Node system @access-tokens/core; made by make_access_tokens.py, "
    "not by hand. tokens: `token` is verified at `now` by a reader with `prefix`, which is pat_ "
    "where it is not given, and finds under `id` an item with `phc`, `revoked_at` and "
    "`expires_at`; there is no item where phc is null. answer: what we say. there: what that "
    "system says; `throws` is an exception. kdf: we run scrypt. items: `item` is one in "
    "DynamoDB's JSON. expect: what it holds. error, attribute: why it is refused instead. "
    "item_repeated: the text is the first, the second so many times, and the last. fault: its "
    "number in docs/from-access-tokens.md, always where we say something else than that system."
)
NOW = 1_763_755_200
LAST = 253_402_300_799
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

# ---- the generator, in the way of the Node system -------------------------------------------


def chance(name, length):
    return hashlib.shake_128(
        f"sealtoken access token vector: {name}".encode("utf-8")
    ).digest(length)


def id62(name):
    """An id of 122 bits: 15 bytes, and the low two bits of a sixteenth."""
    raw = chance("id of " + name, 16)
    number = int.from_bytes(raw[:15], "big") << 2 | raw[15] & 3
    digits = ""
    for _ in range(21):
        number, digit = divmod(number, 62)
        digits = DIGITS[digit] + digits
    return digits


def text_of(raw):
    return base64.b64encode(raw).decode("ascii")


def bare(raw):
    return text_of(raw).rstrip("=")


def scrypt(secret, salt, ln, r, p, length):
    return hashlib.scrypt(secret, salt=salt, n=1 << ln, r=r, p=p, maxmem=1 << 28, dklen=length)


def phc_of(secret, salt, ln=14, r=8, p=1, length=None):
    raw = scrypt(secret, salt, ln, r, p, len(secret) if length is None else length)
    return f"$scrypt$ln={ln},r={r},p={p}${bare(salt)}${bare(raw)}"


def spelled(salt, raw, parameters="ln=14,r=8,p=1"):
    """A hash's text with any bytes, which need not match a secret."""
    return f"$scrypt${parameters}${bare(salt)}${bare(raw)}"


# ---- the tokens -----------------------------------------------------------------------------


class Cases:
    def __init__(self):
        self.tokens, self.items = [], []

    def named(self, where, name):
        assert name not in {vector["name"] for vector in where}, name
        return {"name": name}

    def token(self, name, token, phc, answer, there=None, token_id=None, fault=None, **more):
        """`there` is the Node system's answer where it differs from ours."""
        assert there is None or (there != answer and fault is not None), name
        vector = self.named(self.tokens, name) | ({"fault": fault} if fault else {})
        vector |= {"token": token, "id": token_id or GOOD_ID, "phc": phc} | more
        self.tokens.append(vector | {"answer": answer, "there": there or answer})

    def item(self, name, item, fault=None, **outcome):
        vector = self.named(self.items, name) | ({"fault": fault} if fault else {})
        self.items.append(vector | {"item": item} | outcome)


def both_signs():
    """A secret whose text contains + and /, which differ in the URL-safe alphabet."""
    tries = (chance(f"secret {index}", 32) for index in range(1000))
    return next(
        secret for secret in tries if "+" in text_of(secret)[:40] and "/" in text_of(secret)[:40]
    )


GOOD_ID = id62("good")
SECRET = both_signs()
SALT = chance("salt", 16)
GOOD_TEXT = text_of(SECRET)
GOOD = f"pat_{GOOD_ID}.{GOOD_TEXT}"
# Most refusals precede scrypt, so most cases can have the default cost.
PHC = phc_of(SECRET, SALT)
QUICK = phc_of(SECRET, SALT, 10)
HASH = scrypt(SECRET, SALT, 14, 8, 1, 32)


def valid(cases):
    def good(name, size=32, salt=16, ln=10, r=8, p=1, prefix="pat_", token_id=None, **more):
        token_id = token_id or id62(name)
        secret = chance("secret of " + name, size)
        phc = phc_of(secret, chance("salt of " + name, salt), ln, r, p)
        assert len(phc) <= 200, name
        if prefix != "pat_":
            more["prefix"] = prefix
        token = f"{prefix}{token_id}.{text_of(secret)}"
        cases.token(name, token, phc, "valid", token_id=token_id, kdf=True, **more)

    good("as it makes them by default", ln=14)
    for size in (16, 24, 48, 64):
        good(f"a secret of {size} bytes", size=size)
    for salt in (8, 32, 64):
        good(f"a salt of {salt} bytes", salt=salt)
    good("a secret and a salt of 64 bytes, the longest hash", size=64, salt=64)
    for ln in (11, 12, 13):
        good(f"ln {ln}", ln=ln)
    good("r 1", r=1)
    good("p 2", p=2)
    good("ln 12, r 1, p 2", ln=12, r=1, p=2)
    good("r 16 and p 16", r=16, p=16)
    good("another prefix", prefix="acme_prod_")
    good("a prefix within a prefix", prefix="pat_pat_")
    good("the first id", token_id="0" * 21)
    good("an id that it does not draw, but takes", token_id="z" * 21, fault="T4")
    good("it ends in a second", expires_at=NOW + 1, fault="V2")
    good("it ends with the year 9999", expires_at=LAST)
    cases.token("a secret with + and /", GOOD, QUICK, "valid", kdf=True)


def wrong_secrets(cases):
    def wrong(name, secret, phc=QUICK, **more):
        cases.token(name, f"pat_{GOOD_ID}.{text_of(secret)}", phc, "invalid_secret", **more)

    wrong("a bit of the secret's first byte", bytes([SECRET[0] ^ 1]) + SECRET[1:], kdf=True)
    wrong("a bit of the secret's last byte", SECRET[:-1] + bytes([SECRET[-1] ^ 0x80]), kdf=True)
    wrong("a secret of zero bytes", bytes(32), kdf=True)
    wrong("the secret of another token", chance("secret of another", 32), kdf=True)
    wrong(
        "the salt of another token", SECRET, spelled(chance("another", 16), HASH, "ln=10,r=8,p=1"),
        kdf=True
    )
    wrong("the hash of other parameters", SECRET, QUICK.replace("r=8", "r=4"), kdf=True)
    wrong("a bit of the hash", SECRET, spelled(SALT, bytes([HASH[0] ^ 1]) + HASH[1:]), kdf=True)
    # From here on the lengths differ, so scrypt does not run.
    wrong("the secret's last byte missing", SECRET[:-1])
    wrong("a byte more", SECRET + b"x")
    wrong("a byte alone", b"x")
    longer = SECRET + b"\0"
    wrong("a zero byte more, which HMAC does not see", longer, there="valid", fault="T11")
    wrong("zero bytes up to HMAC's block", SECRET.ljust(64, b"\0"), there="valid", fault="T11")
    ended = chance("a secret that ends in a zero byte", 31)
    short = phc_of(ended + b"\0", SALT, 10)
    wrong("its last byte missing, a zero byte", ended, short, there="valid", fault="T11")
    cut = scrypt(SECRET, SALT, 14, 8, 1, 16)
    assert HASH.startswith(cut)
    wrong("the first half of the hash", SECRET, spelled(SALT, cut), there="valid", fault="P15")
    wrong("a hash of 31 bytes", SECRET, spelled(SALT, HASH[:31]), there="valid", fault="P15")
    more = scrypt(SECRET, SALT, 14, 8, 1, 64)
    wrong("a hash of 64 bytes", SECRET, spelled(SALT, more), there="valid", fault="P15")


def prefixes(cases):
    rest = GOOD[4:]
    for name, token in {
        "empty": "",
        "half of the prefix": "pat",
        "no prefix": rest,
        "upper-case prefix": "PAT_" + rest,
        "prefix with a capital": "Pat_" + rest,
        "another system's prefix": "ghp_" + rest,
        "a space before": " " + GOOD,
        "a line ending before": "\n" + GOOD,
        "a byte order mark before": "\ufeff" + GOOD,
        "a scheme before": "Bearer " + GOOD,
        "the underscore encoded": "pat%5F" + rest,
        "a full-width letter": "\uff50at_" + rest,
        "nothing but 10,000 letters": "A" * 10000,
    }.items():
        cases.token("prefix: " + name, token, PHC, "invalid_prefix")
    cases.token("prefix: of another environment", GOOD, PHC, "invalid_prefix", prefix="acme_")
    cases.token("prefix: a longer one", GOOD, PHC, "invalid_prefix", prefix="pat_pat_")


def formats(cases):
    def refused(name, rest, there=None, fault=None, **more):
        token = more.get("prefix", "pat_") + rest
        cases.token("format: " + name, token, PHC, "invalid_format", there, fault=fault, **more)

    def secret(name, text, there=None, fault=None):
        refused(name, f"{GOOD_ID}.{text}", there, fault)

    refused("the prefix alone", "")
    refused("an id alone", GOOD_ID)
    refused("a secret alone", GOOD_TEXT)
    refused("no point", GOOD_ID + GOOD_TEXT)
    refused("no secret", GOOD_ID + ".")
    refused("no id", "." + GOOD_TEXT)
    refused("a point alone", ".")
    refused("two points", f"{GOOD_ID}..{GOOD_TEXT}")
    refused("a point at the end", f"{GOOD_ID}.{GOOD_TEXT}.")
    refused("an underscore for the point", f"{GOOD_ID}_{GOOD_TEXT}")
    refused("the prefix twice", f"pat_{GOOD_ID}.{GOOD_TEXT}")
    refused("an id of 20 characters", f"{GOOD_ID[:-1]}.{GOOD_TEXT}")
    refused("an id of 22 characters", f"{GOOD_ID}0.{GOOD_TEXT}")
    for letter, name in (
        ("-", "a minus"), ("_", "an underscore"), (" ", "a space"), ("é", "a letter beyond ASCII"),
        ("\u0661", "an Arabic digit")
    ):
        refused(f"an id with {name}", f"{GOOD_ID[:10]}{letter}{GOOD_ID[11:]}.{GOOD_TEXT}")

    # Node's decoder, and so the Node system, accepts these.
    taken = {"there": "valid"}
    secret("no padding", GOOD_TEXT.rstrip("="), **taken, fault="T10")
    secret("more padding", GOOD_TEXT + "=", **taken, fault="T10")
    secret("a padding of four", GOOD_TEXT + "===", **taken, fault="T10")
    secret("text after the padding", GOOD_TEXT + "AAAA", **taken, fault="T10")
    secret(
        "the URL-safe alphabet", GOOD_TEXT.replace("+", "-").replace("/", "_"), **taken, fault="T10"
    )
    secret("a minus for the plus alone", GOOD_TEXT.replace("+", "-"), **taken, fault="T10")
    secret("an underscore for the slash alone", GOOD_TEXT.replace("/", "_"), **taken, fault="T10")
    last = ALPHABET.index(GOOD_TEXT[-2])
    assert last % 4 == 0
    for bits in (1, 2, 3):
        secret(
            f"unused bits {bits}", GOOD_TEXT[:-2] + ALPHABET[last + bits] + "=", **taken,
            fault="T10"
        )
    for junk in ",:;<>?@[\\]^":
        secret(f"{junk} inside", GOOD_TEXT[:20] + junk + GOOD_TEXT[20:], **taken, fault="T9")
    secret("junk before", ":::" + GOOD_TEXT, **taken, fault="T9")
    secret("junk after", GOOD_TEXT + "?x", **taken, fault="T9")
    secret("padding alone", "=", "invalid_secret", fault="T9")
    secret("junk alone", "::", "invalid_secret", fault="T9")
    secret("a character alone", "A", "invalid_secret", fault="T10")
    secret("padding inside", GOOD_TEXT[:20] + "=" + GOOD_TEXT[21:], "invalid_secret", fault="T10")
    for name, letter in (
        ("a space", " "), ("a tab", "\t"), ("a line ending", "\n"), ("a zero byte", "\0"),
        ("a star", "*"), ("a letter beyond ASCII", "é")
    ):
        secret(f"{name} inside", GOOD_TEXT[:20] + letter + GOOD_TEXT[21:])
    for name, end in (
        ("a space", " "), ("a line ending", "\n"), ("both of Windows", "\r\n"),
        ("a zero byte", "\0"), ("a quote", '"')
    ):
        secret(f"{name} after", GOOD_TEXT + end)
    secret("plus as a space, from a form", GOOD_TEXT.replace("+", " "))
    secret(
        "encoded for a URL", GOOD_TEXT.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    )

    # A token has at most 200 characters. A secret of 129 bytes has 172.
    long = text_of(chance("a secret of 129 bytes", 129))
    name, prefix = "length: 200 characters", "ab_co_"
    token = f"{prefix}{GOOD_ID}.{long}"
    assert len(token) == 200
    cases.token(name, token, None, "not_found", prefix=prefix)
    refused("201 characters", f"{GOOD_ID}.{long}", prefix="abc_co_")
    refused("10,000 characters", f"{GOOD_ID}.{'AAAA' * 2500}")


def not_found(cases):
    cases.token("no such token", GOOD, None, "not_found")
    cases.token("no such token, and a secret of one byte", f"pat_{GOOD_ID}.AA==", None, "not_found")
    other = GOOD_ID.swapcase()
    assert other != GOOD_ID
    cases.token("an id in other case", f"pat_{other}.{GOOD_TEXT}", PHC, "not_found")
    cases.token(
        "an id's last character",
        f"pat_{GOOD_ID[:-1]}{'0' if GOOD_ID[-1] != '0' else '1'}.{GOOD_TEXT}", PHC, "not_found"
    )


def hashes(cases):
    salt, digest = bare(SALT), bare(HASH)

    def stored(name, phc, answer, there=None, fault=None, token=GOOD):
        cases.token("hash: " + name, token, phc, answer, there, fault=fault)

    def invalid(name, phc, there=None, fault=None):
        stored(name, phc, "invalid_phc", there, fault)

    # Not a PHC string.
    invalid("a letter", "x")
    invalid("a dollar", "$")
    invalid("dollars", "$$$$")
    invalid("nothing but an id", "$fake", fault="M5")
    invalid("no dollar before", PHC[1:])
    invalid("a space before", " " + PHC)
    invalid("a space after", PHC + " ")
    invalid("a line ending after", PHC + "\n")
    invalid("a dollar after", PHC + "$")
    invalid("upper-case id", PHC.replace("scrypt", "SCRYPT"))
    invalid("no id", PHC.replace("scrypt", ""))
    invalid("the secret itself", GOOD_TEXT)
    invalid("one more field", PHC + "$" + digest)
    stored(
        "a field of a version", PHC.replace("$ln", "$v=1$ln"), "invalid_parameters", "valid", "P8"
    )
    long = spelled(SALT, chance("hash of 117 bytes", 117))
    assert len(long) == 201
    invalid("201 characters", long, "throws", fault="P16")

    # Salt and hash.
    invalid(
        "an empty hash: any secret is good there", f"$scrypt$ln=14,r=8,p=1${salt}$", "valid",
        fault="P14"
    )
    stored(
        "an empty hash, and another secret", f"$scrypt$ln=14,r=8,p=1${salt}$", "invalid_phc",
        "valid", "P14", f"pat_{GOOD_ID}.{text_of(bytes(32))}"
    )
    stored(
        "an empty hash, and a secret of a byte", f"$scrypt$ln=14,r=8,p=1${salt}$", "invalid_phc",
        "valid", "P14", f"pat_{GOOD_ID}.AA=="
    )
    invalid("an empty hash and an empty salt", "$scrypt$ln=14,r=8,p=1$$", "valid", fault="P14")
    stored("no hash", f"$scrypt$ln=14,r=8,p=1${salt}", "invalid_parameters", fault="P9")
    stored("neither hash nor salt", "$scrypt$ln=14,r=8,p=1", "invalid_parameters", fault="P9")
    stored("no parameters", f"$scrypt${salt}${digest}", "invalid_parameters", fault="P9")
    for length in (1, 8, 15):
        invalid(f"a hash of {length} bytes", spelled(SALT, HASH[:length]), "valid", fault="P15")
    long = scrypt(SECRET, SALT, 14, 8, 1, 65)
    invalid("a hash of 65 bytes", spelled(SALT, long), "valid", fault="P15")
    for size in (8, 96):
        secret = chance(f"a secret of {size} bytes", size)
        token, fault = f"pat_{GOOD_ID}.{text_of(secret)}", "P15" if size == 8 else "P3"
        stored(
            f"of a secret of {size} bytes", phc_of(secret, SALT, 10), "invalid_phc", "valid", fault,
            token
        )
    secret = hashlib.sha256(secret).digest()
    stored(
        "of 96 bytes, and the SHA-256 of its secret",
        phc_of(chance("a secret of 96 bytes", 96), SALT, 10), "invalid_phc", "valid", "T11",
        f"pat_{GOOD_ID}.{text_of(secret)}"
    )
    for length in (0, 1, 7, 65):
        phc = phc_of(SECRET, chance(f"a salt of {length} bytes", length))
        invalid(f"a salt of {length} bytes", phc, "valid", fault="P4")
    invalid("padding", PHC + "=")
    invalid("a salt with padding", PHC.replace(salt, salt + "=="))
    others = (phc_of(SECRET, chance(f"salt {index}", 16), 10) for index in range(1000))
    with_plus = next(phc for phc in others if "+" in phc)
    invalid("a minus for the plus", with_plus.replace("+", "-"), "valid", fault="P8")
    invalid("a point in the hash", f"{PHC[:-10]}.{PHC[-10:]}", "valid", fault="P8")
    invalid("an underscore in the hash", f"{PHC[:-10]}_{PHC[-9:]}")
    invalid("a space in the hash", f"{PHC[:-10]} {PHC[-9:]}")
    invalid("a letter beyond ASCII in the hash", f"{PHC[:-10]}é{PHC[-9:]}")
    # 32 bytes leave two unused bits, 16 leave four.
    last = ALPHABET.index(PHC[-1])
    assert last % 4 == 0
    invalid("an unused bit of the hash", PHC[:-1] + ALPHABET[last + 1], "valid", fault="P8")
    last = ALPHABET.index(salt[-1])
    assert last % 16 == 0
    invalid(
        "an unused bit of the salt", PHC.replace(salt, salt[:-1] + ALPHABET[last + 8]), "valid",
        fault="P8"
    )

    # Other algorithms.
    for name, phc in {
        "Argon2id": f"$argon2id$v=19$m=65536,t=3,p=4${salt}${digest}",
        "PBKDF2": f"$pbkdf2-sha256$i=600000${salt}${digest}",
        "bcrypt": "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
        "an id that begins with scrypt": PHC.replace("scrypt", "scrypt2"),
        "an id that scrypt begins with": PHC.replace("scrypt", "script"),
    }.items():
        stored(name, phc, "unsupported_algorithm")


def parameters(cases):
    def invalid(name, text, there=None, fault=None):
        cases.token(
            "parameters: " + name, GOOD, PHC.replace("ln=14,r=8,p=1", text), "invalid_parameters",
            there, fault=fault
        )

    invalid("as its CLI's README has them", "n=16384,r=8,p=1", fault="P1")
    for text in (
        "r=8,p=1", "ln=14,p=1", "ln=14,r=8", "ln=a,r=8,p=1", "ln=14,r=-,p=1", "ln=014,r=8,p=1",
        "ln=14,r=08,p=1", "ln=+14,r=8,p=1", "ln=14.0,r=8,p=1", "ln=1e1,r=8,p=1", "ln=14"
    ):
        invalid(text, text)
    # These parameters break the rules of PHC strings.
    for text in (
        "", "LN=14,r=8,p=1", "ln", "ln=,r=8,p=1", "ln=14,r=8,p=1,", ",ln=14,r=8,p=1",
        "ln =14,r=8,p=1", "ln=14, r=8,p=1", "ln=14,r=8,p=1 ", "ln=14;r=8;p=1", "ln==14,r=8,p=1"
    ):
        cases.token(
            f"parameters: {text!r}", GOOD, PHC.replace("ln=14,r=8,p=1", text), "invalid_phc",
            fault="P8"
        )
    # The Node system does not check these, or checks them too late.
    invalid("ln 46, which wraps around to 14", "ln=46,r=8,p=1", "valid", "P12")
    invalid("ln 78", "ln=78,r=8,p=1", "valid", "P12")
    invalid("ln -18, which wraps around to 14", "ln=-18,r=8,p=1", "valid", "P12")
    invalid("r 0, which is 8 there", "ln=14,r=0,p=1", "valid", "P13")
    invalid("p 0, which is 1 there", "ln=14,r=8,p=0", "valid", "P13")
    invalid("r and p 0", "ln=14,r=0,p=0", "valid", "P13")
    invalid("unknown beside the others", "ln=14,r=8,p=1,x=1", "valid", "P9")
    invalid("repeated", "ln=14,ln=14,r=8,p=1", "valid", "P8")
    invalid("repeated, the last one good", "ln=99,ln=14,r=8,p=1", "valid", "P8")
    cases.token(
        "parameters: in another order", GOOD, QUICK.replace("ln=10,r=8,p=1", "r=8,p=1,ln=10"),
        "valid", kdf=True
    )
    for text in (
        "ln=-1,r=8,p=1", "ln=0,r=8,p=1", "ln=18,r=8,p=1", "ln=31,r=8,p=1", "ln=32,r=8,p=1",
        "ln=14,r=-8,p=1", "ln=14,r=8,p=-1"
    ):
        invalid(text, text, "throws", "P11")
    for ln in (1, 9):
        invalid(f"ln {ln}", f"ln={ln},r=8,p=1", "invalid_secret", "P9")
    invalid("r 17", "ln=10,r=17,p=1", "invalid_secret", "P9")
    invalid("p 17", "ln=10,r=1,p=17", "invalid_secret", "P9")
    invalid("ln of 20 digits", f"ln={2**64 + 14},r=8,p=1", "throws", "P11")
    invalid("ln 2^32 and 14", f"ln={2**32 + 14},r=8,p=1", "valid", "P12")
    # Each parameter is within its bounds, but the combination is not.
    invalid("128 MiB", "ln=17,r=8,p=1", "throws", "P11")
    invalid("128 MiB otherwise", "ln=16,r=16,p=1", "throws", "P11")
    invalid("more work than 2^20", "ln=14,r=8,p=9", "invalid_secret", "P9")
    invalid("more work than 2^20, otherwise", "ln=16,r=2,p=9", "invalid_secret", "P9")
    # RFC 7914: N is less than 2^(128·r/8).
    for ln in (16, 17):
        invalid(f"ln {ln} with r 1", f"ln={ln},r=1,p=1", "throws", "P11")

    # Just within the bounds. The hash's length differs from the secret's, so scrypt does not run.
    for text in (
        "ln=16,r=8,p=1", "ln=17,r=4,p=1", "ln=15,r=16,p=1", "ln=14,r=8,p=8", "ln=10,r=16,p=16",
        "ln=15,r=1,p=16", "ln=17,r=2,p=4", "ln=10,r=1,p=1"
    ):
        there = (
            "throws"
            if 128 * (1 << int(text[3:5])) * int(text.split("r=")[1].split(",")[0]) >= 1 << 25
            else None
        )
        fault = "P7" if there else None
        cases.token(
            "parameters: taken, " + text, GOOD, spelled(SALT, HASH[:16], text), "invalid_secret",
            there, fault=fault
        )


def states(cases):
    def state(name, answer, there=None, fault=None, token=GOOD, phc=QUICK, kdf=True, **more):
        cases.token(
            "state: " + name, token, phc, answer, there, fault=fault,
            **({"kdf": True} if kdf else {}), **more
        )

    other = f"pat_{GOOD_ID}.{text_of(bytes(32))}"
    state("revoked", "revoked", revoked_at=NOW - 1)
    state("revoked in the future", "revoked", revoked_at=NOW + 1, fault="V4")
    state("expired a second ago", "expired", expires_at=NOW - 1)
    state("expired at this second", "expired", expires_at=NOW, fault="V2")
    state("expired since the second after 1970 began", "expired", expires_at=1)
    state("revoked and expired", "revoked", revoked_at=NOW - 9, expires_at=NOW - 9, fault="V1")
    state("revoked, and the wrong secret", "invalid_secret", token=other, revoked_at=1, fault="V1")
    state("expired, and the wrong secret", "invalid_secret", token=other, expires_at=1, fault="V1")
    state(
        "revoked, and no hash to compare with", "invalid_phc", phc="$fake", kdf=False, revoked_at=1
    )
    state(
        "expired, and parameters out of range", "invalid_parameters", "valid", "P12",
        phc=PHC.replace("14", "46"), kdf=False, expires_at=NOW + 1
    )
    state(
        "revoked, and not in the format", "invalid_format", token=GOOD + "\n", kdf=False,
        revoked_at=1
    )
    state(
        "revoked, and of another algorithm", "unsupported_algorithm",
        phc=PHC.replace("scrypt", "argon2id"), kdf=False, revoked_at=1
    )


# ---- the items ------------------------------------------------------------------------------

ITEM_ID = "34NwRzvnBbgI3uedkrQ3Q"
DAY = {"N": "1763755200"}


def attributes(**changed):
    """The attributes of an item, with changes; an attribute that is None is left out."""
    item = {
        "tokenId": {"S": ITEM_ID},
        "secretPhc": {"S": PHC},
        "owner": {"S": "ada@example.com"},
        "isAdmin": {"BOOL": False},
        "createdAt": DAY,
    } | changed
    return {name: value for name, value in item.items() if value is not None}


def item_text(**changed):
    return json.dumps(attributes(**changed), separators=(",", ":"), ensure_ascii=False)


def expected(**changed):
    return {
        "token_id": ITEM_ID, "secret_phc": PHC, "owner": "ada@example.com", "admin": False,
        "roles": [], "created_at": NOW, "last_used_at": None, "revoked_at": None,
        "expires_at": None,
    } | changed


def good_items(cases):
    def good(name, changed=None, expect=None, text=None, fault=None):
        cases.item(
            name, text or item_text(**(changed or {})), fault, expect=expected(**(expect or {}))
        )

    full = {
        "isAdmin": {"BOOL": True}, "roles": {"SS": ["reader", "writer"]},
        "lastUsedAt": {"N": "1763755201"}, "revokedAt": {"N": "1763755202"},
        "expiresAt": {"N": "1763755203"},
    }
    everything = {
        "admin": True, "roles": ["reader", "writer"], "last_used_at": NOW + 1,
        "revoked_at": NOW + 2, "expires_at": NOW + 3,
    }
    good("the least that it writes")
    good("everything", full, everything)
    good("in another order", text=json.dumps(dict(reversed(attributes().items()))))
    good("under Item, as S3 has it", text='{"Item":' + item_text() + "}")
    good(
        "under Item, as get-item prints it",
        text=json.dumps({"Item": attributes(), "ConsumedCapacity": {"TableName": "t"}}, indent=4)
    )
    good("an attribute that is called Item", {"Item": {"S": "x"}})
    good("white space all over", text=item_text().replace(":", " :\n\t ") + "\r\n ")
    good(
        "names and values escaped",
        text=item_text()
        .replace("owner", "\\u006fwner")
        .replace("ada", "\\u0061da")
        .replace('"S"', '"\\u0053"')
    )
    good(
        "attributes that it does not know",
        {
            "updatedAt": {"N": "1e400"}, "isRevoked": {"BOOL": True},
            "x": {"M": {"tokenId": {"L": [{"B": "AA=="}]}}}, "": {"NS": ["1"]}
        }
    )
    good(
        "an attribute that it does not know, nested 200 times",
        text=item_text()[:-1] + ',"x":' + '{"M":' * 200 + "1" + "}" * 200 + "}"
    )
    good(
        "names in another case are not known",
        {"Owner": {"S": "x"}, "ISADMIN": {"BOOL": True}, "roles ": {"S": "x"}}
    )
    good("not said whether an administrator", {"isAdmin": None})
    for name, key in (
        ("lastUsedAt", "last_used_at"), ("revokedAt", "revoked_at"), ("expiresAt", "expires_at")
    ):
        good(
            f"{name} NULL", {name: {"NULL": True}}, {key: None},
            fault="M11" if name == "expiresAt" else None
        )
        good(
            f"{name} 0", {name: {"N": "0"}}, {key: 0 if name == "lastUsedAt" else None}, fault="V4"
        )
        good(f"{name} 1", {name: {"N": "1"}}, {key: 1})
    good("ends with the year 9999", {"expiresAt": {"N": str(LAST)}}, {"expires_at": LAST})
    good("revoked in the future", {"revokedAt": {"N": str(LAST)}}, {"revoked_at": LAST}, fault="V4")
    good("created in 1970", {"createdAt": {"N": "0"}}, {"created_at": 0})
    good(
        "an id that it does not draw", {"tokenId": {"S": "z" * 21}}, {"token_id": "z" * 21},
        fault="T4"
    )
    good("a hash that is none", {"secretPhc": {"S": "$fake"}}, {"secret_phc": "$fake"}, fault="M5")
    good("a hash of a character", {"secretPhc": {"S": "é"}}, {"secret_phc": "é"})
    good("a hash of 200 characters", {"secretPhc": {"S": "x" * 200}}, {"secret_phc": "x" * 200})
    for owner in ("x", "x" * 100, "😀" * 100, " ", "a\n\0\x7f", "Ünïcødé"):
        good(
            f"owner of {len(owner)} characters: {owner[:7]!r}", {"owner": {"S": owner}},
            {"owner": owner}
        )
    fifty = [f"role {number:02}" for number in range(50)]
    good("50 roles", {"roles": {"SS": fifty[::-1]}}, {"roles": fifty})
    good(
        "roles in a list, from old data", {"roles": {"L": [{"S": "b"}, {"S": "a"}]}},
        {"roles": ["a", "b"]}, fault="D11"
    )
    good(
        "roles twice, in a list", {"roles": {"L": [{"S": "b"}, {"S": "a"}, {"S": "b"}]}},
        {"roles": ["a", "b"]}, fault="M4"
    )
    good("roles twice, in a set", {"roles": {"SS": ["b", "b"]}}, {"roles": ["b"]}, fault="M4")
    good("no roles, in a list", {"roles": {"L": []}})
    good("no roles, in a set", {"roles": {"SS": []}})
    good("a role of 100 characters", {"roles": {"SS": ["é" * 100]}}, {"roles": ["é" * 100]})
    good(
        "roles beyond ASCII are sorted by their bytes",
        {"roles": {"SS": ["\uffff", "😀", "z", "Z"]}}, {"roles": ["Z", "z", "\uffff", "😀"]}
    )


def bad_items(cases):
    def bad(error, name, text, fault=None, **more):
        cases.item(name, text, fault, error=error, **more)

    good = item_text()
    for name, text in {
        "empty": "",
        "white space": " \n",
        "null": "null",
        "a list": "[" + good + "]",
        "a text": json.dumps(good),
        "cut off": good[:-1],
        "text after it": good + "x",
        "two items": good + "\n" + good,
        "a byte order mark before": "\ufeff" + good,
        "a comma too many": good[:-1] + ",}",
        "single quotes": good.replace('"', "'"),
        "plain JSON": json.dumps(
            {"tokenId": ITEM_ID, "secretPhc": PHC, "owner": "ada", "createdAt": NOW}
        ),
        "a number that is no text": item_text(createdAt={"N": NOW}),
        "a text that is a number": item_text(owner={"S": 5}),
        "an unknown type": item_text(owner={"X": "ada"}),
        "a type in lower case": item_text(owner={"s": "ada"}),
        "no type": item_text(owner={}),
        "two types": item_text(owner={"S": "ada", "N": "1"}),
        "a type twice": good.replace('{"S":"ada@example.com"}', '{"S":"a","S":"b"}'),
        "a list for a type": item_text(owner=["S", "ada"]),
        "null for a value": item_text(owner={"S": None}),
        "NULL false": item_text(expiresAt={"NULL": False}),
        "BOOL as text": item_text(isAdmin={"BOOL": "true"}),
        "BOOL as number": item_text(isAdmin={"BOOL": 1}),
        "SS as text": item_text(roles={"SS": "reader"}),
        "SS of numbers": item_text(roles={"SS": [1]}),
        "half of a surrogate pair": good.replace("ada@", "\\ud83d"),
        "a control character": good.replace("ada@", "a\nb"),
        "Item is no object": '{"Item":5}',
        "Item is a list": '{"Item":[' + good + "]}",
    }.items():
        bad("malformed", "no item: " + name, text)
    bad("repeated", "an attribute twice", good[:-1] + ',"owner":{"S":"eve@example.com"}}')
    bad("repeated", "an attribute twice, the same", good[:-1] + ',"createdAt":{"N":"1763755200"}}')
    bad(
        "repeated", "an attribute twice, once escaped",
        good[:-1] + ',"\\u006fwner":{"S":"eve@example.com"}}'
    )
    bad(
        "repeated", "an attribute twice that is not known",
        good[:-1] + ',"x":{"N":"1"},"x":{"N":"1"}}'
    )
    bad(
        "repeated", "an attribute twice under Item",
        '{"Item":' + good[:-1] + ',"owner":{"S":"eve"}}}'
    )
    bad("repeated", "Item twice", '{"Item":' + good + ',"Item":' + good + "}")
    used = {"tokenId": {"S": ITEM_ID}, "lastUsedAt": DAY}
    bad("ghost", "what a verification leaves of a token", json.dumps(used), "V9")
    bad("ghost", "the same under Item", json.dumps({"Item": used}), "V9")
    bad(
        "ghost", "the same with an attribute that is not known",
        json.dumps(used | {"x": {"S": "x"}}), "V9"
    )

    def missing(attribute, name, text):
        bad("missing", name, text, attribute=attribute)

    missing("tokenId", "an empty object", "{}")
    missing("tokenId", "under Item under Item", '{"Item":{"Item":' + good + "}}")
    missing("tokenId", "a whole scan", '{"Items":[' + good + '],"Count":1}')
    missing("secretPhc", "an id alone", '{"tokenId":{"S":"' + ITEM_ID + '"}}')
    for attribute in ("tokenId", "secretPhc", "owner", "createdAt"):
        missing(attribute, f"no {attribute}", item_text(**{attribute: None}))

    def invalid(attribute, name, value, fault=None):
        bad(
            "invalid", f"{attribute}: {name}", item_text(**{attribute: value}), fault,
            attribute=attribute
        )

    for name, text in {
        "empty": "", "20 characters": ITEM_ID[1:], "22 characters": ITEM_ID + "0",
        "a minus": ITEM_ID[1:] + "-", "an underscore": ITEM_ID[1:] + "_",
        "a letter beyond ASCII": ITEM_ID[1:] + "é",
        "21 bytes, one letter beyond ASCII": ITEM_ID[2:] + "é",
        "a line ending": ITEM_ID[1:] + "\n",
    }.items():
        invalid("tokenId", name, {"S": text})
    invalid("tokenId", "a number", {"N": "1" * 21})
    invalid("secretPhc", "empty", {"S": ""}, "M9")
    invalid("secretPhc", "201 characters", {"S": "x" * 201}, "P16")
    invalid("secretPhc", "bytes", {"B": "AAAA"})
    invalid("secretPhc", "NULL", {"NULL": True})
    invalid("owner", "empty", {"S": ""}, "M9")
    invalid("owner", "101 characters", {"S": "x" * 101}, "M9")
    invalid("owner", "a list", {"L": [{"S": "ada"}]})
    for value in ({"S": "true"}, {"N": "1"}, {"NULL": True}):
        invalid("isAdmin", json.dumps(value), value)
    many = [f"role {number}" for number in range(51)]
    invalid("roles", "51", {"SS": many}, "M9")
    invalid("roles", "51 in a list", {"L": [{"S": role} for role in many]})
    invalid("roles", "the same 51 times", {"L": [{"S": "x"}] * 51})
    invalid("roles", "an empty one", {"SS": ["a", ""]}, "M9")
    invalid("roles", "one of 101 characters", {"SS": ["x" * 101]})
    for name, value in {
        "a text": {"S": "reader"}, "numbers": {"NS": ["1"]},
        "a number in a list": {"L": [{"S": "a"}, {"N": "1"}]},
        "bytes in a list": {"L": [{"B": "AA=="}]}, "a list in a list": {"L": [{"L": [{"S": "a"}]}]},
        "plain texts in a list": {"L": ["a"]}, "a map": {"M": {"S": {"S": "a"}}},
        "NULL": {"NULL": True},
    }.items():
        invalid("roles", name, value)
    for digits in ("-1", "1.5", "1e9", "", "01", "+1", "0x1", " 1", "NaN", "1" * 20):
        invalid(
            "expiresAt", f"{digits!r}", {"N": digits}, "M9" if digits in ("-1", "1.5") else None
        )
    invalid("expiresAt", "the year 10000", {"N": str(LAST + 1)})
    invalid("expiresAt", "milliseconds", {"N": "1763755200000"})
    invalid("expiresAt", "a text", {"S": "1763755200"})
    invalid("revokedAt", "false", {"BOOL": False})
    invalid("lastUsedAt", "a list", {"L": []})
    invalid("createdAt", "NULL", {"NULL": True})
    cases.item("longer than 1 MiB", "", error="too_long", item_repeated=["{", " ", 1 << 20, "}"])
    deep = good[:-1] + ',"x":'
    cases.item(
        "nested to the end of it", "", error="malformed",
        item_repeated=[deep, '{"L":[', 150_000, ""]
    )


# ---- the second opinion ---------------------------------------------------------------------

STANDARD = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)


def canonical(text):
    """The bytes of canonical base64 with padding, or None."""
    if not STANDARD.fullmatch(text):
        return None
    raw = binascii.a2b_base64(text)
    return raw if binascii.b2a_base64(raw, newline=False).decode("ascii") == text else None


NAME, VALUE = "[a-z0-9-]{1,32}", "[A-Za-z0-9/+.-]+"
PART = f"{NAME}={VALUE}"
SHAPE = re.compile(
    rf"\$({NAME})(?=\$)((?:\${PART}(?:,{PART})*){{0,2}})((?:\$(?:{VALUE})?){{0,2}})", re.ASCII
)


def parse_hash(phc):
    """Salt, hash and parameters, or the code of the refusal.

    Checks the shape, the algorithm, the parameters and the bytes, in this order.
    """
    found = SHAPE.fullmatch(phc)
    if len(phc) > 200 or found is None:
        return "invalid_phc"
    if found[1] != "scrypt":
        return "unsupported_algorithm"
    given = re.findall(f"[$,]({NAME})=({VALUE})", found[2])
    numbers = {name: int(value) for name, value in given if re.fullmatch("[1-9][0-9]?", value)}
    fields = found[3].split("$")[1:]
    if len(given) != 3 or set(numbers) != {"ln", "r", "p"} or len(fields) != 2:
        return "invalid_parameters"
    ln, r, p = (numbers[name] for name in ("ln", "r", "p"))
    bounds = 10 <= ln <= 17 and r <= 16 and p <= 16 and ln < 16 * r
    if not (bounds and 2**ln * r * p <= 2**20 and 128 * 2**ln * r <= 64 * 2**20):
        return "invalid_parameters"
    salt, digest = (canonical(text + "=" * (-len(text) % 4)) for text in fields)
    if salt is None or digest is None or not (8 <= len(salt) <= 64 and 16 <= len(digest) <= 64):
        return "invalid_phc"
    return salt, digest, ln, r, p


def judge_token(vector):
    """The answer, and whether scrypt runs."""
    token, prefix = vector["token"], vector.get("prefix", "pat_")
    if token[: len(prefix)] != prefix:
        return "invalid_prefix", False
    parted = re.fullmatch(r"([0-9A-Za-z]{21})\.(.+)", token[len(prefix) :], re.ASCII)
    if len(token) > 200 or parted is None or not (secret := canonical(parted[2])):
        return "invalid_format", False
    if vector["phc"] is None or parted[1] != vector["id"]:
        return "not_found", False
    stored = parse_hash(vector["phc"])
    if isinstance(stored, str):
        return stored, False
    salt, digest, ln, r, p = stored
    if len(digest) != len(secret):
        return "invalid_secret", False
    again = hashlib.scrypt(secret, n=2**ln, r=r, p=p, salt=salt, dklen=len(digest), maxmem=2**27)
    if not hmac.compare_digest(again, digest):
        return "invalid_secret", True
    if vector.get("revoked_at"):
        return "revoked", True
    if vector.get("expires_at") and vector["expires_at"] <= NOW:
        return "expired", True
    return "valid", True


class Twice(Exception):
    pass


class Broken(Exception):
    pass


def shallow(text):
    """A JSON value with its objects as lists of pairs, at every depth."""
    def refuse(_):
        raise Broken

    try:
        value = json.JSONDecoder(
            object_pairs_hook=lambda pairs: ("object", pairs), parse_constant=refuse
        ).decode(text)
    except (ValueError, RecursionError):
        raise Broken from None
    return value


def lone(value):
    return isinstance(value, str) and any("\ud800" <= char <= "\udfff" for char in value)


def pairs_of(value):
    if not (isinstance(value, tuple) and value[0] == "object"):
        raise Broken
    names = [name for name, _ in value[1]]
    if len(set(names)) != len(names):
        raise Twice
    return dict(value[1])


def judge_typed(value):
    if not (isinstance(value, tuple) and len(value[1]) == 1):
        raise Broken
    kind, inner = value[1][0]
    if kind in ("S", "N"):
        fits = isinstance(inner, str) and not lone(inner)
    elif kind == "BOOL":
        fits = isinstance(inner, bool)
    elif kind == "NULL":
        fits = inner is True
    elif kind == "SS":
        fits = isinstance(inner, list) and all(
            isinstance(text, str) and not lone(text) for text in inner
        )
    elif kind == "L":
        fits = isinstance(inner, list)
        texts = (
            [each[1][0] for each in inner if isinstance(each, tuple) and len(each[1]) == 1] if fits
            else []
        )
        if fits and len(texts) == len(inner) and all(
            kind == "S" and isinstance(text, str) for kind, text in texts
        ):
            return "SS", [text for _, text in texts]
    else:
        fits = kind in ("B", "BS", "M", "NS")
    if not fits:
        raise Broken
    return kind, inner


def judge_item(text):
    if len(text.encode("utf-8")) > 1 << 20:
        return {"error": "too_long"}
    try:
        outer = pairs_of(shallow(text))
        if "tokenId" not in outer and "Item" in outer:
            outer = pairs_of(outer["Item"])
        names = (
            "tokenId", "secretPhc", "owner", "isAdmin", "roles", "createdAt", "lastUsedAt",
            "revokedAt", "expiresAt"
        )
        item = {name: judge_typed(outer[name]) for name in outer if name in names}
    except Broken:
        return {"error": "malformed"}
    except Twice:
        return {"error": "repeated"}
    if set(item) == {"tokenId", "lastUsedAt"}:
        return {"error": "ghost"}

    def time(value):
        kind, digits = value
        spelled = kind == "N" and re.fullmatch("0|[1-9][0-9]{0,11}", digits, re.ASCII)
        return spelled and int(digits) <= LAST

    def long(most):
        return lambda value: value[0] == "S" and 1 <= len(value[1]) <= most

    rules = {
        "tokenId": (
            True,
            lambda value: value[0] == "S" and re.fullmatch("[A-Za-z0-9]{21}", value[1], re.ASCII)
        ),
        "secretPhc": (True, long(200)),
        "owner": (True, long(100)),
        "isAdmin": (False, lambda value: value[0] == "BOOL"),
        "roles": (
            False,
            lambda value: value[0] == "SS" and len(value[1]) <= 50 and all(
                1 <= len(role) <= 100 for role in value[1]
            )
        ),
        "createdAt": (True, time),
    }
    for name in ("lastUsedAt", "revokedAt", "expiresAt"):
        rules[name] = (False, lambda value: value[0] == "NULL" or time(value))
    for name, (required, rule) in rules.items():
        if name not in item:
            if required:
                return {"error": "missing", "attribute": name}
        elif not rule(item[name]):
            return {"error": "invalid", "attribute": name}

    def moment(name):
        kind, digits = item.get(name, ("NULL", True))
        return int(digits) if kind == "N" else None

    return {"expect": {
        "token_id": item["tokenId"][1], "secret_phc": item["secretPhc"][1],
        "owner": item["owner"][1], "admin": item.get("isAdmin", ("BOOL", False))[1],
        "roles": sorted(set(item.get("roles", ("SS", []))[1])), "created_at": moment("createdAt"),
        "last_used_at": moment("lastUsedAt"), "revoked_at": moment("revokedAt") or None,
        "expires_at": moment("expiresAt") or None,
    }}


def main(arguments):
    cases = Cases()
    for part in (
        valid, wrong_secrets, prefixes, formats, not_found, hashes, parameters, states, good_items,
        bad_items
    ):
        part(cases)
    lines = [
        ",\n".join(
            json.dumps(vector, ensure_ascii=False, separators=(",", ":")) for vector in vectors
        )
        for vectors in (cases.tokens, cases.items)
    ]
    text = (
        f'{{\n"about": {json.dumps(ABOUT)},\n"now": {NOW},\n'
        f'"tokens": [\n{lines[0]}\n],\n"items": [\n{lines[1]}\n]}}\n'
    )
    # Judge the vectors as a reader of the file sees them.
    read = json.loads(text)
    for vector in read["tokens"]:
        stated = vector["answer"], vector.get("kdf", False)
        if (judged := judge_token(vector)) != stated:
            print(f"{vector['name']}: stated {stated}, judged {judged}")
            return 1
    for vector in read["items"]:
        begin, group, times, end = vector.get("item_repeated", [vector["item"], "", 0, ""])
        stated = {part: vector[part] for part in ("expect", "error", "attribute") if part in vector}
        if (judged := judge_item(begin + group * times + end)) != stated:
            print(f"{vector['name']}: stated {stated}, judged {judged}"[:2000])
            return 1
    if arguments == ["--check"]:
        if FILE.read_text(encoding="utf-8") != text:
            print(f"{FILE.name} differs from the generated text: run {Path(__file__).name}")
            return 1
    else:
        FILE.write_text(text, encoding="utf-8")
    print(
        f"{len(cases.tokens)} tokens, {len(cases.items)} items, {len(text.encode('utf-8'))} bytes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
