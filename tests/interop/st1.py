#!/usr/bin/env python3
"""A second implementation of the st1 token format.

It shares no code with the crate. It was written only from the format's description, on the PyPI
package `cryptography`, so an agreement with the crate is evidence that both are right.

    python3 st1.py --check st1.json          check a file of st1 vectors
    python3 st1.py --check xaes256gcm.json   check the XAES-256-GCM vectors

Use it only in tests: it neither hides timing nor wipes keys.
"""

import base64
import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

sys.dont_write_bytecode = True  # keeps the source tree clean

from strict_json import (  # noqa: E402
    Number,
    Pairs,
    members_of,
    plain,
    read_json,
    whole_text,
    write_json,
)

PREFIX = "st1_"
MIN_LENGTH = 63  # the prefix and the base64url of MIN_BYTES
MAX_LENGTH = 4096  # the default for opening
SEALED_LENGTH = 4000  # the default for sealing, which leaves room for a cookie's name
MAX_COMPOSED = 65_536  # for several contexts and their lengths, in bytes
MIN_BYTES = 4 + 24 + 16
LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z


class Refused(Exception):
    """A token does not open. `code` is the answer; `detail` explains it to people."""

    def __init__(self, code, detail):
        super().__init__(f"{code}: {detail}")
        self.code = code


# ---- bytes: base64url, HKDF, XAES-256-GCM -------------------------------------------------


def b64u_encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def b64u_decode(text):
    """The bytes of `text`, or ValueError. Accepts only the canonical spelling."""
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError("a character outside the base64url alphabet")
    if len(text) % 4 == 1:
        raise ValueError("no byte string has a base64url text of this length")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    # Python ignores unused bits of the last character. Encoding again reveals them.
    if b64u_encode(data) != text:
        raise ValueError("unused trailing bits are set")
    return data


def hkdf(ikm, info, length):
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=b"", info=info).derive(ikm)


def xaes_inner_key(key, nonce):
    """The AES-256-GCM key that XAES-256-GCM derives for one nonce (C2SP)."""
    aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    top = int.from_bytes(aes.update(bytes(16)), "big")
    k1 = (top << 1) & ((1 << 128) - 1)
    if top >> 127:
        k1 ^= 0x87

    def half(counter):
        block = bytes([0, counter, ord("X"), 0]) + nonce[:12]
        return aes.update((int.from_bytes(block, "big") ^ k1).to_bytes(16, "big"))

    return half(1) + half(2)


def xaes_seal(key, nonce, plaintext, aad):
    return AESGCM(xaes_inner_key(key, nonce)).encrypt(nonce[12:], plaintext, aad)


def xaes_open(key, nonce, sealed, aad):
    return AESGCM(xaes_inner_key(key, nonce)).decrypt(nonce[12:], sealed, aad)


# ---- keys and their text ------------------------------------------------------------------


def _checked_text(prefix, body):
    return prefix + b64u_encode(body + hashlib.sha256(prefix.encode() + body).digest()[:4])


def _checked_body(prefix, text):
    if not text.startswith(prefix):
        raise ValueError(f"does not begin with {prefix}")
    body = b64u_decode(text[len(prefix) :])[:-4]
    if _checked_text(prefix, body) != text:
        raise ValueError("wrong checksum")
    return body


@dataclass(frozen=True)
class Key:
    """A ring key: 32 random bytes, from which every purpose key is derived."""

    root: bytes

    @classmethod
    def parse(cls, text):
        root = _checked_body("stkey1_", text)
        if len(root) != 32:
            raise ValueError("a key is 32 bytes")
        return cls(root)

    @property
    def text(self):
        return _checked_text("stkey1_", self.root)

    @property
    def kid(self):
        return hkdf(self.root, b"sealtoken v1 key id", 4)

    def purpose_key(self, purpose):
        name = purpose.encode("utf-8")
        if not 1 <= len(name) <= 255:
            raise ValueError("a purpose is 1 to 255 bytes long")
        return hkdf(self.root, b"sealtoken v1 purpose\0" + name, 32)

    def purpose_text(self, purpose):
        body = self.kid + self.purpose_key(purpose) + purpose.encode("utf-8")
        return _checked_text("stpurpose1_", body)


def parse_purpose_text(text):
    """`(kid, purpose key, purpose)` of a purpose key's text."""
    body = _checked_body("stpurpose1_", text)
    if not 1 <= len(body) - 36 <= 255:
        raise ValueError("a purpose is 1 to 255 bytes long")
    return body[:4], body[4:36], body[36:].decode("utf-8")


def parse_ring(text):
    """`[(key, role)]`: the current key first, then "standby" and "retired" ones."""
    ring = []
    for before, item in re.findall(r"([, \t\n\v\f\r]*)([^, \t\n\v\f\r]+)", text):
        standby = item.startswith("+")
        if ring and not standby and len(before) > 1 and before.endswith(" "):
            raise ValueError("a space that may have been a plus before form decoding")
        if standby and not ring:
            raise ValueError("the first key seals, so it cannot be standby")
        role = "standby" if standby else "retired" if ring else "current"
        key = Key.parse(item[1:] if standby else item)
        if any(key.kid == other.kid for other, _ in ring):
            raise ValueError("two keys with the same key id")
        ring.append((key, role))
    if not ring:
        raise ValueError("a ring without a key")
    return ring


# ---- sealing ------------------------------------------------------------------------------


def plaintext(uuid, t, cargo, x=None, n=None, o=None, e=None, pad=1):
    """The bytes to seal, padded with spaces to a multiple of `pad`."""
    members = {"u": b64u_encode(uuid), "t": t, "x": x, "n": n, "o": o}
    members = {name: value for name, value in members.items() if value is not None}
    members["c"] = cargo
    if e is not None:
        members["e"] = e
    data = write_json(members).encode("utf-8")
    return data + b" " * (-len(data) % pad)


def with_length(part):
    return len(part).to_bytes(8, "big") + part


def array(*parts):
    """One context that consists of several parts."""
    if not all(parts) or not parts:
        raise ValueError("a part of a context is empty")
    return b"".join(map(with_length, parts))


def associated_data(kid, contexts):
    """The associated data; `contexts` is a list of byte strings."""
    if not all(contexts):
        raise ValueError("a context is empty")
    if len(contexts) < 2:
        return PREFIX.encode() + kid + b"".join(contexts)
    composed = b"".join(map(with_length, contexts))
    if len(composed) > MAX_COMPOSED:
        raise ValueError("the contexts are too long together")
    return b"st1+" + kid + composed


def seal(key, purpose, plain_bytes, contexts=(), nonce=None):
    """Seals any bytes as a token. Does not check them, because tests seal bad plaintexts too."""
    nonce = os.urandom(24) if nonce is None else nonce
    aad = associated_data(key.kid, contexts)
    sealed = xaes_seal(key.purpose_key(purpose), nonce, plain_bytes, aad)
    return PREFIX + b64u_encode(key.kid + nonce + sealed)


# ---- opening, in the order of the format's table ------------------------------------------


@dataclass
class Opened:
    uuid: bytes
    t: int
    x: int | None
    n: int | None
    o: int | None
    cargo: dict
    role: str  # of the sealing key; "retired" asks for resealing
    plain_bytes: bytes


def open_token(
    token, ring, purpose, now, contexts=(), leeway=0, future_skew=60, max_length=MAX_LENGTH
):
    """The token's content at the Unix second `now`, or Refused."""
    raw = _or_refused("malformed", _token_bytes, token, max_length)
    kid, nonce, sealed = raw[:4], raw[4:28], raw[28:]
    found = [(key, role) for key, role in ring if key.kid == kid]
    if not found:
        raise Refused("unknown_key", "no key in the ring has this key id")
    key, role = found[0]
    try:
        data = xaes_open(key.purpose_key(purpose), nonce, sealed, associated_data(kid, contexts))
    except InvalidTag:
        raise Refused("forged", "authentication failed") from None
    own = _or_refused("payload", _own_members, data)
    t, x, n = own["t"], own.get("x"), own.get("n")
    if t > now + future_skew or (n is not None and n > now + leeway):
        raise Refused("not_yet_valid", "it is not valid yet")
    if x is not None and t + x + leeway <= now:
        raise Refused("expired", "it has expired")
    # Last, because an expired token answers "expired" regardless of its cargo.
    cargo = _or_refused("payload", _cargo, own["c"], own.get("e", {}), now)
    return Opened(own["u"], t, x, n, own.get("o"), cargo, role, data)


def _or_refused(code, step, *arguments):
    """The step's result. A ValueError, which includes bad UTF-8, becomes Refused."""
    try:
        return step(*arguments)
    except ValueError as error:
        raise Refused(code, str(error)) from None


def _token_bytes(token, max_length):
    if not MIN_LENGTH <= len(token) <= max_length:
        raise ValueError("too long or too short")
    if not token.startswith(PREFIX):
        raise ValueError("wrong prefix")
    raw = b64u_decode(token[len(PREFIX) :])
    if len(raw) < MIN_BYTES:
        raise ValueError("too few bytes")
    return raw


def _own_members(data):
    """The plaintext's members: `u`, the times and `e` checked and converted, `c` as read."""
    text = data.decode("utf-8").rstrip(" ")  # without the padding
    # Python skips white space around a value; the format allows none.
    if not (text.startswith("{") and text.endswith("}")):
        raise ValueError("not one object")
    own = members_of(read_json(text))
    if not {"u", "t", "c"} <= own.keys() <= set("utxnoce"):
        raise ValueError("a member is missing or unknown")
    own["u"] = _uuid(own["u"])
    for name in "txno":
        if name in own:
            own[name] = _second(own[name])
    if own.get("x") == 0:
        raise ValueError("a lifetime of zero")
    if own.get("o", 0) > own["t"]:
        raise ValueError("first issued after the time of issue")
    if "e" in own:
        if not isinstance(own["e"], Pairs):
            raise ValueError("the entries' expiries are not an object")
        own["e"] = {name: _second(end) for name, end in members_of(own["e"]).items()}
        if not isinstance(own["c"], Pairs):
            raise ValueError("expiries of entries without a map")
        if not own["e"].keys() <= {whole_text(name) for name, _ in own["c"]}:
            raise ValueError("an expiry without its entry")
    return own


def _uuid(value):
    if not isinstance(value, str) or len(value) != 22:
        raise ValueError("a UUID is 22 characters")
    return b64u_decode(value)


def _second(value):
    spelled = isinstance(value, Number) and re.fullmatch(r"0|[1-9][0-9]{0,11}", value.spelling)
    if not spelled or int(value.spelling) > LAST_SECOND:
        raise ValueError("not an integer of 0..=253402300799 in canonical form")
    return int(value.spelling)


def _cargo(value, ends, now):
    """The cargo as a map. Drops expired entries before checking the others."""
    if not isinstance(value, Pairs):
        raise ValueError("not a map")
    live = Pairs(entry for entry in value if ends.get(entry[0], now + 1) > now)
    return plain(live, level=2)  # the plaintext's own object is level 1


# ---- self-check ---------------------------------------------------------------------------


def _same(what, ours, theirs):
    if ours != theirs:
        raise ValueError(f"{what}: {ours!r} instead of {theirs!r}")


def check_positive(v):
    """Checks a positive vector in both directions, with every intermediate value."""
    key, contexts, purpose = Key.parse(v["key"]), contexts_of(v), v["purpose"]
    parts = (key.kid, key.purpose_key(purpose), purpose)
    _same("root", key.root.hex(), v["root"])
    _same("key text", Key(key.root).text, v["key"])
    _same("key id", key.kid.hex(), v["kid"])
    _same("purpose key", key.purpose_key(purpose).hex(), v["purpose_key"])
    _same("purpose text", key.purpose_text(purpose), v["exported"])
    _same("purpose text, parsed", parse_purpose_text(v["exported"]), parts)

    data = v["plaintext"].encode("utf-8")
    members = json.loads(data)
    uuid, cargo = b64u_decode(members["u"]), members["c"]
    rest = {name: value for name, value in members.items() if name in "txnoe"}
    pad = 64 if data.endswith(b" ") else 1
    _same("plaintext", plaintext(uuid, cargo=cargo, pad=pad, **rest), data)
    _same("token", seal(key, purpose, data, contexts, bytes.fromhex(v["nonce"])), v["token"])

    now = members.get("n", members["t"])
    opened = open_token(v["token"], parse_ring(v["key"]), purpose, now, contexts)
    _same("uuid and cargo", (opened.uuid, opened.cargo), (uuid, cargo))
    for name in "txno":
        _same(name, getattr(opened, name), members.get(name))


def contexts_of(v):
    """A vector's contexts, which it gives as one hex text or a list; an empty text means none."""
    given = v["context"] if isinstance(v["context"], list) else [v["context"]]
    return [bytes.fromhex(context) for context in given if context]


def check_readable(v):
    """Checks a token that opens although no writer would produce it."""
    key, contexts = Key.parse(v["key"]), contexts_of(v)
    nonce = b64u_decode(v["token"][4:])[4:28]
    data = v["plaintext"].encode("utf-8")
    _same("token", seal(key, v["purpose"], data, contexts, nonce), v["token"])
    opened = open_token(v["token"], parse_ring(v["key"]), v["purpose"], v["now"], contexts)
    _same("cargo", opened.cargo, v["cargo"])


def check_negative(v):
    try:
        open_token(v["token"], parse_ring(v["key"]), v["purpose"], v["now"], contexts_of(v))
        answer = "opened"
    except Refused as refused:
        answer = refused.code
    _same("answer", answer, v["reason"])


def check_ring(v):
    try:
        keys = [[key.kid.hex(), role] for key, role in parse_ring(v["ring"])]
    except ValueError:
        keys = "refused"
    _same("keys", keys, v["keys"])


def check_xaes(v):
    key, nonce, aad = bytes.fromhex(v["K"]), bytes.fromhex(v["N_hex"]), v["aad"].encode()
    sealed = xaes_seal(key, nonce, v["plaintext"].encode(), aad)
    _same("derived key", xaes_inner_key(key, nonce).hex(), v["Kx"])
    _same("ciphertext", sealed.hex(), v["ciphertext"])
    _same("plaintext", xaes_open(key, nonce, sealed, aad).decode(), v["plaintext"])


def main(arguments):
    if len(arguments) != 2 or arguments[0] != "--check":
        print(__doc__, file=sys.stderr)
        return 2
    with open(arguments[1], encoding="utf-8") as file:
        vectors = json.load(file)
    checks = {"positive": check_positive, "readable": check_readable, "negative": check_negative}
    checks |= {"rings": check_ring, "kat": check_xaes}
    passed = failed = 0
    for kind, check in checks.items():
        for v in vectors.get(kind, []):
            try:
                check(v)
                passed += 1
            except (ValueError, Refused) as error:
                failed += 1
                print(f"FAILED {kind}: {v.get('name', v.get('id'))}: {error}")
    print(f"{passed} passed, {failed} failed")
    # A file without vectors is a mistake, not a success.
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
