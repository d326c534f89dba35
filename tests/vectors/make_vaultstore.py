#!/usr/bin/env python3
"""Generates vaultstore.json: values of the Go system dracory/vaultstore, and the expected imports.

    python3 tests/vectors/make_vaultstore.py           regenerate the file
    python3 tests/vectors/make_vaultstore.py --check   compare the file with the generated text

The output is deterministic: salts, nonces and fillings are hashes of their case's name. Every case
states its outcome by hand. The judges, which share no code with the generator, must reach the same
outcome.

The second format is "v2:" and the base64url, with padding, of salt[16] || nonce[12] || ciphertext
|| tag[16] of AES-256-GCM without associated data. The key is Argon2id of the password and the
salt: version 0x13, 3 passes, 64 MiB, 4 lanes, 32 bytes.

The first format has no prefix. Its block is the length of the text in decimal, "_", the text
(base64url of the value), and a filling of letters and digits up to 128, 256, 512 … bytes. The
stored text is the base64url of (the base64url of the block, xor the key). The key is 200
hexadecimal digits of hashes of the password, repeated.

Needs the PyPI packages `cryptography` and `argon2-cffi`.
"""

import base64
import binascii
import hashlib
import json
import re
import string
import sys
from pathlib import Path

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

FILE = Path(__file__).with_name("vaultstore.json")
ABOUT = (
    "Values of the Go system dracory/vaultstore; made by make_vaultstore.py, not by hand. Each "
    "is read with `password`, by the reader of `format`. expect: the hexadecimal digits of the "
    "value. error: why it is refused instead. kdf: Argon2id runs, whatever the outcome. "
    "stored_repeated: the stored text is the first, the second so many times, and the last; it "
    "would be megabytes."
)
PASSWORD = "correct horse battery staple"
MAX_VALUE = 1 << 20
BYTES_OF_2, BYTES_OF_1 = 16 + 12 + 16, 128
LETTERS = string.digits + string.ascii_letters
ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"

# ---- the generator --------------------------------------------------------------------------


def chance(name, length, label=""):
    return hashlib.shake_128(
        f"sealtoken vaultstore vector: {label}{name}".encode("utf-8")
    ).digest(length)


def text_of(raw):
    return base64.urlsafe_b64encode(raw).decode("ascii")


def second_raw(name, value, password=PASSWORD):
    salt, nonce = chance(name, 16, "salt of "), chance(name, 12, "nonce of ")
    key = hash_secret_raw(password.encode("utf-8"), salt, 3, 65536, 4, 32, Type.ID, 0x13)
    return salt + nonce + AESGCM(key).encrypt(nonce, value, None)


def second(name, value, password=PASSWORD):
    return "v2:" + text_of(second_raw(name, value, password))


def digits(algorithm, text):
    return hashlib.new(algorithm, text.encode("utf-8")).hexdigest()


def stretched(password):
    a = digits("sha256", digits("md5", password) * 4)
    b = digits("sha1", a) * 3
    c = digits("sha256", digits("sha1", b) + digits("md5", b) + digits("sha1", b))
    sha, md = digits("sha1", c), digits("md5", c)
    return sha + digits("sha256", md) + digits("sha256", sha) + md


def filled(name, begin, length=None):
    """`begin` with a filling up to `length`, by default to the smallest block that holds it."""
    if length is None:
        length = BYTES_OF_1
        while length < len(begin):
            length *= 2
    filling = chance(name, length, "filling of ")
    return begin + "".join(LETTERS[byte % len(LETTERS)] for byte in filling[: length - len(begin)])


def begin_of(value):
    text = text_of(value)
    return f"{len(text)}_{text}"


def hidden(inner, password=PASSWORD):
    """The two outer layers around a block, or around any other text."""
    key = stretched(password)
    return text_of(bytes(ord(char) ^ ord(key[at % 200]) for at, char in enumerate(inner)))


def first(name, value, password=PASSWORD):
    return hidden(text_of(filled(name, begin_of(value)).encode("ascii")), password)


def crafted(name, begin, length=None):
    return hidden(text_of(filled(name, begin, length).encode("latin-1")))


# ---- the cases ------------------------------------------------------------------------------


class Cases:
    def __init__(self):
        self.vectors = []

    def add(self, form, name, stored, outcome, password=PASSWORD, **more):
        name = f"v{form}: {name}"
        assert name not in {vector["name"] for vector in self.vectors}, name
        self.vectors.append(
            {"name": name, "format": form, "password": password, **more, "stored": stored} | outcome
        )

    def read(self, form, name, value, password=PASSWORD, **more):
        make = {1: first, 2: second}[form]
        self.add(form, name, make(name, value, password), {"expect": value.hex()}, password, **more)

    def refused(self, form, name, stored, error, **more):
        self.add(form, name, stored, {"error": error}, **more)

    def repeated(self, form, name, parts, outcome, **more):
        """For texts of megabytes, which would bloat the file."""
        self.add(form, name, "", {"stored_repeated": parts} | outcome, **more)


def values_of_2(cases):
    # Each case costs an Argon2id, here and in each reader. So there are few, with several
    # properties each.
    cases.read(2, "an empty value, a password beyond ASCII", b"", "pässwörd é", kdf=True)
    cases.read(2, "one byte, an empty password", b"x", "", kdf=True)
    cases.read(
        2, "10 KiB, a password of four-byte characters", chance("10 KiB", 10240), "😀 𝕡", kdf=True
    )
    cases.read(
        2, "text, a password with spaces around it", "Ünïcødé ✓ 😀\n".encode(), " pass\n", kdf=True
    )


def refusals_of_2(cases):
    raw = second_raw("refusals", b"value of a secret")
    good = "v2:" + text_of(raw)

    def flipped(place):
        changed = bytearray(raw)
        changed[place] ^= 1
        return "v2:" + text_of(bytes(changed))

    for name, stored in {
        "a bit of the salt flipped": flipped(0),
        "a bit of the nonce flipped": flipped(16),
        "a bit of the ciphertext flipped": flipped(28),
        "a bit of the tag flipped": flipped(-1),
        "the last byte missing": "v2:" + text_of(raw[:-1]),
    }.items():
        cases.refused(2, name, stored, "forged", kdf=True)
    cases.refused(2, "wrong password", good, "forged", password=PASSWORD + " ", kdf=True)

    # With 61 bytes the last group has one, with 62 it has two.
    assert len(raw) == 61 and good.endswith("==")
    two = text_of(raw + b"\0")
    assert two.endswith("A=")
    unused = good[:-3] + ALPHABET[ALPHABET.index(good[-3]) + 1] + "=="
    assert base64.urlsafe_b64decode(unused[3:]) == raw
    at = len(good) // 2
    for name, stored in {
        "empty": "",
        "the prefix alone": "v2:",
        "43 bytes": "v2:" + text_of(raw[:43]),
        "half of the padding missing": good[:-1],
        "padding missing": good.rstrip("="),
        "padding where none belongs": "v2:" + text_of(raw[:60]) + "====",
        "more padding": good + "=",
        "padding inside": good[:at] + "=" + good[at + 1 :],
        "an unused bit set": unused,
        "an unused bit set, of two": "v2:" + two[:-2] + "B=",
        "standard alphabet, plus": good[:at] + "+" + good[at + 1 :],
        "standard alphabet, slash": good[:at] + "/" + good[at + 1 :],
        "upper-case prefix": "V2:" + good[3:],
        "prefix of the first format": "v1:" + good[3:],
        "prefix of a third format": "v3:" + good[3:],
        "no prefix": good[3:],
        "two prefixes": "v2:" + good,
        "no colon": "v2" + good[3:],
        "a full-width prefix": "\uff56\uff12:" + good[3:],
        "space before": " " + good,
        "space after": good + " ",
        "space behind the prefix": "v2: " + good[3:],
        "line ending after": good + "\n",
        "line ending inside": good[:at] + "\n" + good[at:],
        "carriage return and line ending inside": good[:at] + "\r\n" + good[at:],
        "carriage return inside": good[:at] + "\r" + good[at:],
        "byte order mark before": "\ufeff" + good,
        "a zero byte after": good + "\0",
        "a letter beyond ASCII": good[:at] + "é" + good[at + 1 :],
        "a value of the first format": first("a value of the first format", b"value"),
    }.items():
        cases.refused(2, name, stored, "malformed")
    # One byte beyond 1 MiB adds four characters.
    groups = (MAX_VALUE + BYTES_OF_2) // 3
    cases.repeated(2, "too long", ["v2:", "AAAA", groups + 1, ""], {"error": "malformed"})
    cases.repeated(2, "much too long", ["v2:", "AAAA", 4 << 20, ""], {"error": "malformed"})


def values_of_1(cases):
    cases.read(1, "plain", b"postgres://app:hunter2@db/prod")
    cases.read(1, "an empty value", b"")
    cases.read(1, "one byte", b"x")
    cases.read(1, "an empty password", b"value", "")
    cases.read(1, "a password beyond ASCII", b"value", "pässwörd é")
    cases.read(1, "a password of four-byte characters", b"value", "😀 𝕡")
    cases.read(1, "a password with spaces around it", b"value", " pass\n")
    cases.read(1, "text beyond ASCII", "Ünïcødé ✓ 😀".encode("utf-8"))
    # This text contains the character that also ends the length.
    value = b"\xff\xff\xff~~\x7f???"
    assert "_" in text_of(value) and "-" in text_of(b"\xfb\xef\xbe")
    cases.read(1, "a text with _", value)
    cases.read(1, "a text with -", b"\xfb\xef\xbe")
    cases.read(1, "a text that ends in _", b"???")
    cases.read(1, "every byte", bytes(range(256)))
    cases.read(1, "10 KiB", chance("10 KiB of v1", 10240))
    # Around the ends of blocks of 128 and 256 bytes: "124_" and 124 characters fill a block.
    for length in (90, 91, 93, 94, 186, 187, 189, 190):
        cases.read(
            1, f"{length} bytes, {len(begin_of(bytes(length)))} of a block",
            chance(f"{length}", length)
        )
    name, begin = "a whole block without a filling", begin_of(bytes(93))
    assert len(begin) == 128
    cases.add(1, name, crafted(name, begin), {"expect": bytes(93).hex()})
    name = "a block larger than it must be"
    cases.add(1, name, crafted(name, begin_of(b"value"), 1024), {"expect": b"value".hex()})
    name = "nothing but the length"
    cases.add(1, name, crafted(name, "0_"), {"expect": ""})
    # An attacker who knows a value can replace it without the password. This format is broken.
    old, new = filled("forgery", begin_of(b"user")), filled("forgery", begin_of(b"root"))
    stored = base64.urlsafe_b64decode(hidden(text_of(old.encode("ascii"))))
    known, wanted = text_of(old.encode("ascii")).encode(), text_of(new.encode("ascii")).encode()
    changed = bytes(a ^ b ^ c for a, b, c in zip(stored, known, wanted))
    cases.add(
        1, "a forgery, made without the password, is read", text_of(changed),
        {"expect": b"root".hex()}
    )


def refusals_of_1(cases):
    good = first("refusals", b"value of a secret")
    raw = base64.urlsafe_b64decode(good)
    assert len(raw) == 172 and good.endswith("==")
    at = len(good) // 2
    padding = good.index("=")
    unused = good[: padding - 1] + ALPHABET[ALPHABET.index(good[padding - 1]) + 1] + good[padding:]
    assert base64.urlsafe_b64decode(unused) == raw
    for name, stored in {
        "empty": "",
        "a short text": "QUJD",
        "the last character missing": good[:-1],
        "the last byte missing": text_of(raw[:-1]),
        "four bytes missing": text_of(raw[:-4]),
        "a byte more": text_of(raw + b"x"),
        "a length between two blocks": text_of(raw * 3),
        "padding missing": good.rstrip("="),
        "more padding": good + "=",
        "an unused bit set": unused,
        "plus instead of minus": good[:at] + "+" + good[at + 1 :],
        "slash": good[:at] + "/" + good[at + 1 :],
        "v1: before": "v1:" + good,
        "v2: before": "v2:" + good,
        "space before": " " + good,
        "line ending after": good + "\n",
        "line ending inside": good[:at] + "\n" + good[at:],
        "carriage return and line ending inside": good[:at] + "\r\n" + good[at:],
        "a letter beyond ASCII": good[:at] + "é" + good[at + 1 :],
        "a value of the second format": second("a value of the second format", b"value"),
    }.items():
        cases.refused(1, name, stored, "malformed")
    longest = (4 * -(-(BYTES_OF_1 << 14) // 3)) // 3
    cases.repeated(1, "too long", ["", "AAAA", longest + 1, ""], {"error": "malformed"})
    cases.repeated(1, "much too long", ["", "AAAA", 4 << 20, ""], {"error": "malformed"})
    # As long as the longest valid text, so its length is no reason to refuse it.
    cases.repeated(1, "nothing but zero bytes", ["", "AAAA", longest, ""], {"error": "forged"})

    cases.refused(1, "wrong password", good, "forged", password=PASSWORD + " ")
    cases.refused(1, "wrong password that is empty", good, "forged", password="")
    text = text_of(filled("crafted", begin_of(b"value")).encode("ascii"))
    for name, inner in {
        "characters that are no base64": "!" * 172,
        "bytes beyond ASCII": "\xff" * 172,
        "a line ending within": text[:50] + "\n" + text[51:],
        "a padding within": text[:50] + "=" + text[51:],
        "a minus within": text[:51] + "-" + text[52:],
        "an unused bit set within": text[:-2] + ALPHABET[ALPHABET.index(text[-2]) + 1] + "=",
        "padding missing within": text[:-1] + "A",
        "no text at all": "\0" * 172,
    }.items():
        assert len(inner) == 172, name
        cases.refused(1, name, hidden(inner), "forged")
    for name, begin in {
        "no length and no end of it": "",
        "no length": "_",
        "no length, but a text": "_QQ==",
        "no end of the length": "4QQ==",
        "length -1": "-1_",
        "length -0": "-0_",
        "length +4": "+4_QQ==",
        "length 04": "04_QQ==",
        "length 00": "00_",
        "length with a space": " 4_QQ==",
        "length 4.0": "4.0_QQ==",
        "length 0x4": "0x4_QQ==",
        "length 4e0": "4e0_QQ==",
        "length in superscript": "\xb2_QQ==",
        "length beyond the block": "999999999999_",
        "length just beyond the block": "126_",
        "length to the end, with padding inside": "124_QQ==",
        "length 2^63": f"{2**63}_",
        "length 2^64": f"{2**64}_",
        "length 2^64 and 4": f"{2**64 + 4}_QQ==",
        "length of a hundred digits": "9" * 100 + "_",
        "length too short": "3_QQ==",
        "length too long": "5_QQ==",
        "text with an unused bit set": "4_QR==",
        "text with standard alphabet": "4_QQ+/",
        "text with a line ending": "5_QQ==\n",
        "text with too much padding": "4_Q===",
        "filling with _": "4_QQ==_",
        "filling with =": "4_QQ===",
        "filling with a space": "4_QQ== ",
        "filling with a zero byte": "4_QQ==\0",
        "filling with a letter beyond ASCII": "4_QQ==\xe9",
    }.items():
        cases.refused(1, name, crafted(name, begin), "forged")


# ---- the second opinion ---------------------------------------------------------------------

BASE64URL = re.compile(r"(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?", re.ASCII)


def canonical(text):
    """The bytes of canonical base64url, or None."""
    if not BASE64URL.fullmatch(text):
        return None
    bytes_of = binascii.a2b_base64(text.replace("-", "+").replace("_", "/"))
    again = binascii.b2a_base64(bytes_of, newline=False).decode("ascii")
    return bytes_of if again.replace("+", "-").replace("/", "_") == text else None


def judge_2(password, stored):
    if not stored.startswith("v2:") or (raw := canonical(stored[3:])) is None:
        return "malformed", False
    if not 44 <= len(raw) <= MAX_VALUE + 44:
        return "malformed", False
    kdf = Argon2id(salt=raw[:16], length=32, iterations=3, lanes=4, memory_cost=64 * 1024)
    key = kdf.derive(bytearray(password, "utf-8"))
    opener = Cipher(algorithms.AES(key), modes.GCM(raw[16:28], raw[-16:])).decryptor()
    try:
        return opener.update(raw[28:-16]) + opener.finalize(), True
    except InvalidTag:
        return "forged", True


def key_of(password):
    md5, sha1, sha256 = (
        lambda text, algorithm=algorithm: algorithm(text.encode("utf-8")).hexdigest()
        for algorithm in (hashlib.md5, hashlib.sha1, hashlib.sha256)
    )
    one = sha256(4 * md5(password))
    two = 3 * sha1(one)
    four = sha256("".join([sha1(two), md5(two), sha1(two)]))
    return "".join([sha1(four), sha256(md5(four)), sha256(sha1(four)), md5(four)]).encode("ascii")


def judge_1(password, stored):
    raw = canonical(stored)
    blocks = [128 * 2**doubled for doubled in range(15)]
    if raw is None or len(raw) not in [(block + 2) // 3 * 4 for block in blocks]:
        return "malformed", False
    key = key_of(password)
    key = key * (len(raw) // 200 + 1)
    inner = bytes(byte ^ digit for byte, digit in zip(raw, key))
    block = canonical(inner.decode("latin-1"))
    parted = re.fullmatch(rb"(0|[1-9][0-9]*)_([0-9A-Za-z_=-]*)", block or b"")
    if parted is None or len(parted[1]) > 12 or (length := int(parted[1])) > len(parted[2]):
        return "forged", False
    text, filling = parted[2][:length], parted[2][length:]
    value = canonical(text.decode("ascii"))
    if value is None or not re.fullmatch(rb"[0-9A-Za-z]*", filling) or len(value) > MAX_VALUE:
        return "forged", False
    return value, False


def main(arguments):
    cases = Cases()
    for part in (values_of_2, refusals_of_2, values_of_1, refusals_of_1):
        part(cases)
    lines = [json.dumps(vector, ensure_ascii=False) for vector in cases.vectors]
    text = '{\n"about": ' + json.dumps(ABOUT) + ',\n"vectors": [\n' + ",\n".join(lines) + "\n]}\n"
    # Judge the vectors as a reader of the file sees them.
    for vector in json.loads(text)["vectors"]:
        stored = vector["stored"]
        if "stored_repeated" in vector:
            begin, group, times, end = vector["stored_repeated"]
            stored = begin + group * times + end
        judge = {1: judge_1, 2: judge_2}[vector["format"]]
        outcome, kdf = judge(vector["password"], stored)
        judged = {"expect": outcome.hex()} if isinstance(outcome, bytes) else {"error": outcome}
        stated = {part: vector[part] for part in ("expect", "error") if part in vector}
        if stated != judged or kdf != vector.get("kdf", False):
            print(f"{vector['name']}: stated {stated}, judged {judged}, Argon2id {kdf}"[:2000])
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
